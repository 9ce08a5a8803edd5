"""Noun phrases of cues: what they hold, by law on random sentences and by hand."""

from hypothesis import given
from hypothesis import strategies as st

from clinnlp.text.phrases import PhraseWords, phrase_of

WORDS = PhraseWords(
    outside=frozenset({"with", "was", "all"}),
    within=frozenset({"of"}),
    joining=frozenset({"and"}),
    test=frozenset({"cultures"}),
)
PIECES = st.lists(
    st.sampled_from(
        ["with", "was", "of", "and", ",", ".", ":", "\n", "cultures", "fever", "cough", "(", "HER2"]
    ),
    max_size=12,
)


def phrase(text, cue="negative"):
    at = text.index(cue)
    span = phrase_of(text, at, at + len(cue), WORDS)
    return text[span.start : span.end]


@given(before=PIECES, behind=PIECES)
def test_a_cue_stands_at_one_end_of_its_phrase_and_marks_never_inside(before, behind):
    text = " ".join([*before, "negative", *behind])
    at = len(" ".join([*before, ""])) if before else 0
    span = phrase_of(text, at, at + 8, WORDS)
    assert span.start == at or span.end == at + 8
    assert 0 <= span.start <= at < at + 8 <= span.end <= len(text)
    if span.start == at:
        assert not {"with", "was", "and", ",", ".", ":", "("} & set(text[at + 8 : span.end].split())
    else:
        inside = text[span.start : at].split()
        while inside and inside[-1] in ("with", "was", ",", ":"):
            inside.pop()
        assert not {"with", "was", ".", ":", "("} & set(inside)
        assert "," not in inside or "and" in inside


def test_a_cue_leads_what_it_stands_before():
    assert phrase("Pneumonia with negative cultures of blood.") == "negative cultures of blood"
    assert phrase("Negative: negative\nfever") == "Negative: negative"
    assert phrase("with negative\ncultures") == "negative\ncultures"


def test_a_cue_ends_what_stands_before_it():
    assert phrase("Fever, HER2 negative") == "HER2 negative"
    assert phrase("fever of cough all negative") == "fever of cough all negative"
    assert phrase("fever, cough and chills negative") == "fever, cough and chills negative"
    assert phrase("fever and cultures of cultures negative") == "cultures negative"
    assert phrase("HBV negative HCV") == "HBV negative"


def test_without_words_marks_alone_end_a_phrase():
    assert phrase_of("a, b c", 5, 6, PhraseWords()) == (3, 6)
    assert phrase_of("x", 0, 1, PhraseWords.of({})) == (0, 1)

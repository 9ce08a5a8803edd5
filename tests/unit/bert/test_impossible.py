"""What no mention can be: over line ends, parts of short forms, endless runs, glued doses."""

import pytest

from clinnlp.bert.impossible import possible
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.text.sentences import Sentences

SENTENCES = Sentences()
WRAPPED = """The patient was admitted to the hospital on Monday with severe chest
pain that was worse at night and did not get better with rest at home."""


def made(text, words, label="Problem"):
    """Return the texts of what some words of a text may be as a mention."""
    start = text.index(words)
    begun = [s.start for s in SENTENCES(Note(id="n", text=text)).sentences]
    spans = possible(text, Span(start, start + len(words)), label, begun)
    return [text[span.start : span.end] for span in spans]


@pytest.mark.parametrize(
    ("text", "words", "parts"),
    [
        ("no fever\r\nchills +", "fever\r\nchills", ["fever", "chills"]),
        ("No chest pain\ngout", "chest pain\ngout", ["chest pain", "gout"]),
        ("PMH\nHTN\n  DM\n  CKD", "HTN\n  DM\n  CKD", ["HTN", "DM", "CKD"]),
        ("pain\n\nknee", "pain\n\nknee", ["pain", "knee"]),
        (
            WRAPPED,
            "chest\npain",
            ["chest\npain"],
        ),
        ("No acute coronary\nsyndrome or\nchest pain.", "chest pain", ["chest pain"]),
    ],
)
def test_a_mention_goes_over_no_line_that_begins_a_sentence(text, words, parts):
    assert made(text, words) == parts


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("h/o gout", "h"),
        ("pt w h/o gout", "h/o"),
        ("S/P CABG", "S"),
        ("c/o pain", "o"),
        ("will d/c home", "c"),
        ("i/s/o sepsis", "s"),
    ],
)
def test_a_letter_of_a_short_form_is_no_mention(text, word):
    assert made(text, word) == []


@pytest.mark.parametrize(
    ("text", "word"),
    [("n/v x2d", "n"), ("b/c sent", "b/c"), ("SOB/CP", "CP"), ("c diff", "c diff"), ("HIV", "HIV")],
)
def test_other_short_words_stay(text, word):
    assert made(text, word) == [word]


def test_a_run_of_letters_without_end_is_no_mention():
    assert made("x" * 20_000, "x" * 20_000) == []
    assert made("x" * 61, "x" * 61) == []
    long = "N-[4-(3-chlorophenylamino)-6-methoxyquinazolin-7-yl]-2-methylpropanamide-hydrochloride"
    assert made(long, long, "Chemical") == [long]


@pytest.mark.parametrize(
    ("word", "label", "kept"),
    [
        ("metoprolol50mg", "Drug", "metoprolol"),
        ("toprolxl50MG", "Drug", "toprolxl"),
        ("insulin10units", "Drug", "insulin"),
        ("CA125", "Drug", "CA125"),
        ("B12", "Drug", "B12"),
        ("lesion5mg", "Problem", "lesion5mg"),
    ],
)
def test_a_drug_ends_where_its_dose_begins(word, label, kept):
    assert made(f"on {word} bid", word, label) == [kept]

"""Candidates: what a name might stand for, the nearest first."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.candidates import Candidates
from clinnlp.text.normalise import Normalise

NAMES = {
    "A": ("Myocardial infarction", "Heart attack"),
    "B": ("Cerebral infarction", "Stroke"),
    "C": ("Chronic kidney disease",),
    "D": ("NO",),
    "E": ("Café-au-lait spots",),
}
WORDS = Vocabulary(
    Concept(code=code, name=name, synonyms=tuple(others)) for code, (name, *others) in NAMES.items()
)
FIND = Candidates(WORDS)


@pytest.mark.parametrize(
    ("name", "first"),
    [("myocardial infarct", "A"), ("infarction, cerebral", "B"), ("kidney disease", "C"),
     ("diseases of the kidneys", "C"), ("no", "D"), ("cafe au lait spot", "E"), ("strok", "B")],
)  # fmt: skip
def test_the_nearest_comes_first(name, first):
    found = FIND(name)
    assert found[0].code == first
    scores = [candidate.score for candidate in found]
    assert scores == sorted(scores, reverse=True)
    assert all(0 < score <= 1 for score in scores)


def test_each_concept_once_and_no_more_than_asked_for():
    assert len(FIND("infarction")) >= 2
    assert len(FIND("infarction", n=1)) == 1
    codes = [c.code for c in FIND("infarction attack stroke")]
    assert len(codes) == len(set(codes))
    assert FIND("heart attack")[0] == ("A", "heart attack", 1.0)
    with pytest.raises(ArgumentError, match="n must be at least 1"):
        FIND("x", n=0)


def test_nothing_shared_is_no_candidate():
    assert FIND("qqq") == FIND("") == ()
    assert Candidates(Vocabulary([]))("pain") == ()


def test_vectors_find_what_is_worded_otherwise():
    def vectors(names):
        return np.eye(2)[[int("heart" in name or "cardiac" in name) for name in names]]

    found = Candidates(WORDS, vectors=vectors)("cardiac event", n=1)
    assert found[0][:2] == ("A", "heart attack")
    assert found[0].score == 1.0


@given(st.text(max_size=30))
def test_any_text_gives_candidates_of_the_vocabulary(name):
    assert all(candidate.code in WORDS for candidate in FIND(name))


@given(st.sampled_from([n for names in NAMES.values() for n in names if len(n) > 4]), st.data())
def test_a_name_with_a_letter_left_out_is_among_them(name, data):
    k = data.draw(st.integers(0, len(name) - 1))
    wanted = next(code for code, names in NAMES.items() if name in names)
    assert wanted in [c.code for c in FIND(name[:k] + name[k + 1 :])]


def _attributes(text, mention, **options):
    start = text.index(mention)
    entity = Entity(id="T1", span=Span(start, start + len(mention)), label="Problem")
    note = Normalise(WORDS, **options)(Note(id="n", text=text, entities=(entity,)))
    return note.entities[0].concepts, note.entities[0].attributes


def test_a_mention_that_no_step_is_sure_of_gets_candidates_and_no_concept():
    text = "old infarct of the myocardium"
    concepts, said = _attributes(text, "infarct of the myocardium", candidates=2)
    assert concepts == ()
    codes = [each.split(" ")[0] for each in said["candidates"].split("|")]
    assert len(codes) == 2
    assert set(codes) <= {"A", "B", "C"}
    assert _attributes(text, "infarct of the myocardium") == ((), {})
    concepts, said = _attributes("heart attack", "heart attack", candidates=2)
    assert concepts == ("A",)
    assert "candidates" not in said


def test_what_a_note_defines_is_asked_for():
    text = "kidney disorder, chronic (KDC); KDC"
    _, said = _attributes(text, "KDC", candidates=1)
    assert said["candidates"].startswith("C ")


def test_candidates_need_names():
    with pytest.raises(ArgumentError, match="candidates need a vocabulary"):
        Normalise(candidates=1)
    with pytest.raises(ArgumentError, match="candidates must be at least 0"):
        Normalise(WORDS, candidates=-1)

"""Negation, history and hypothesis on the NegEx test kit: real report sentences, and its cues.

Half 0, by clusters of reports that share a sentence, was developed on. Half 1 is scored by
``scripts/bench assertion --frozen``, not here.
"""

import re

import pytest

from clinnlp.core.counts import PRF
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.assertion_kits import negex_rows

# Published cues that are read otherwise on purpose: a test is no result, "resolved" and
# "experiences" speak of the present too, misspellings, and what makes no sense before a noun.
OTHERWISE = {
    *("cannot", "checked for", "evaluate for", "test for", "resolved", "experiences"),
    *("can rule the patinet out for", "can rule the patinet out against"),
    *("rule the patinet out for", "by his wife", "by her husband", "know if"),
    "to exclude",  # what is looked for is possible, not absent
}
LISTS = {
    "negex.python/negex_triggers.txt": "negated",
    "genConText/trigger-neg.txt": "negated",
    "genConText/history_triggers.txt": "historical",
    "genConText/hypothetical_triggers.txt": "hypothetical",
    "genConText/experiencer_triggers.txt": "experiencer",
}
TRIGGER = re.compile(r"(.+?)\s*\t+\s*\[([A-Z]+)\]")


@pytest.fixture(scope="module")
def read():
    sections, sentences, assertions = Sections(), Sentences(), Assertions()
    return lambda note: assertions(sentences(sections(note))).entities[0].assertion


@pytest.fixture(scope="module")
def scored(data_dir, read):
    return [(row, read(row.note)) for row in negex_rows(data_dir("negex_kit")) if row.half == 0]


def _prf(pairs):
    pairs = list(pairs)
    return PRF(
        tp=sum(gold and found for gold, found in pairs),
        fp=sum(found and not gold for gold, found in pairs),
        fn=sum(gold and not found for gold, found in pairs),
    )


def test_the_development_half_is_the_frozen_one(scored):
    assert len(scored) == 880
    assert sum(row.negated for row, _ in scored) == 246


def test_negation(scored):
    assert _prf((row.negated, found.negated) for row, found in scored).f1 >= 0.97


def test_historical(scored):
    assert (
        _prf((row.temporality == "Historical", found.historical) for row, found in scored).f1
        >= 0.70
    )


def test_hypothetical(scored):
    pairs = ((row.temporality == "Not particular", found.hypothetical) for row, found in scored)
    assert _prf(pairs).f1 >= 0.80


@pytest.mark.parametrize("name", LISTS)
def test_published_cues_do_what_their_lists_say(name, data_dir, read):
    axis = LISTS[name]
    lines = (data_dir("negex_kit") / name).read_text("latin-1").splitlines()
    cues = [match.groups() for line in lines if (match := TRIGGER.match(line.strip()))]
    assert len(cues) >= 24
    wrong = set()
    for cue, kind in cues:
        if kind == "CONJ":
            continue
        before = kind.startswith("POS")
        told = [_told(read, f"fever {cue}." if before else f"{start}{cue} fever.", axis, kind)
                for start in ("", "The ")]  # fmt: skip
        if any(told) != (kind != "PSEU"):
            wrong.add(cue)
    assert wrong <= OTHERWISE


def _told(read, text, axis, kind):
    span = Span(text.index("fever"), text.index("fever") + len("fever"))
    found = read(Note(id="n", text=text, entities=(Entity(id="T1", span=span, label="Problem"),)))
    possible = kind in ("PREP", "POSP") and found.uncertain
    if axis == "experiencer":
        return found.experiencer not in (None, "patient")
    return bool(getattr(found, axis) or possible)

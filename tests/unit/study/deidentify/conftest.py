"""Notes with known identifiers, and a finder that finds exactly these."""

import re
from datetime import datetime

import pytest

from clinnlp.core.notes import Assertion, Entity, Note, Relation, Section
from clinnlp.core.spans import Span

CANARIES = ("Zebraperson", "Quaggaton", "7730915", "03/12/2019", "Mar 20, 2019", "555-0143")
PLANTED = {  # what the finder knows, by label
    "NAME": r"Zebraperson|Mary Quaggaton|QUAGGATON",
    "MRN": r"77-?30-?915",
    "DATE": r"\d\d/\d\d/\d{4}|Mar \d\d, \d{4}",
    "PHONE": r"\d{3}-\d{4}\b",
    "AGE_OVER_89": r"\b9\d(?= years)",
}


def finder(note):
    """Add what is planted as mentions, as a pipe does."""
    note = note.without_source("identifiers")
    found = [
        Entity(id=f"ID{label}{k}", span=Span(*m.span()), label=label, source="identifiers",
               attributes={"finder": f"rule:{label.lower()}"})
        for label, pattern in PLANTED.items()
        for k, m in enumerate(re.finditer(pattern, note.text))
    ]  # fmt: skip
    return note.with_(entities=(*note.entities, *found))


def note_of(k, patient="7730915"):
    """Return a note of which every part points somewhere."""
    text = (
        f"Mr Zebraperson, MRN 77-30-915, was seen on 03/12/2019 with fever {k}.\r\n"
        "His wife Mary Quaggaton (555-0143) is 93 years. Mar 20, 2019: QUAGGATON denies 💊."
    )
    at = {word: Span(text.index(word), text.index(word) + len(word)) for word in
          ("fever", "Zebraperson", "wife", "denies", "💊", "Mary Quaggaton")}  # fmt: skip
    return Note(
        id=f"n-{k}",
        text=text,
        patient=patient,
        encounter=f"E{k}",
        time=datetime(2019, 3, 12, 8),
        known=datetime(2019, 3, 20, 9),
        kind="letter",
        sections=(Section(span=Span(0, len(text)), kind="plan", heading=at["Zebraperson"]),),
        sentences=(Span(0, text.index("\r")), Span(text.index("His"), len(text))),
        entities=(
            Entity(id="T1", span=at["fever"], label="Problem", concepts=("C1",)),
            Entity(
                id="T2",
                span=at["💊"],
                label="Drug",
                assertion=Assertion(negated=True, cues={"negated": at["denies"]}),
                attributes={"who": "Mary Quaggaton said", "n": 2},
            ),
            Entity(id="T3", span=at["Mary Quaggaton"], label="Person"),
        ),
        relations=(Relation(id="R1", label="of", roles={"a": ("T1",), "b": ("T2",)}),),
        labels=("ward of Mary Quaggaton",),
    )


@pytest.fixture
def notes():
    return [note_of(k) for k in range(12)]

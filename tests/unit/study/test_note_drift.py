"""What has moved in notes from one period to the next."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Coverage, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.features.note_facts import note_facts
from clinnlp.study.note_drift import note_drift


def note(k, draw, *, drugs, heading=True):
    n = draw.poisson(drugs)
    text = "iron " * n + "and some words more"
    mentions = tuple(
        Entity(id=f"T{j}", span=Span(5 * j, 5 * j + 4), label="Drug", score=0.9,
               concepts=("d1",) if j % 2 else ())
        for j in range(n)
    )  # fmt: skip
    sections = (Section(span=Span(0, len(text)), kind="medications"),) if heading else ()
    return Note(
        id=f"n{k}", text=text, patient=f"p{k // 2}", entities=mentions, sections=sections,
        time=datetime(2024, 1, 1) + timedelta(days=k // 4),
        coverage=Coverage(n_seen=10, n_total=10, n_new=int(draw.integers(3)), unlike=False),
    )  # fmt: skip


def year(change=None):
    draw = np.random.default_rng(4)
    return [
        note(k, draw, drugs=2, **({} if k < 1_000 or change is None else change))
        if change is None or "drugs" not in change
        else note(k, draw, drugs=2 if k < 1_000 else change["drugs"])
        for k in range(1_460)
    ]


def test_a_quiet_year_has_no_warning_and_says_what_it_looked_at():
    found = note_drift(year(), reference_to="2024-06")
    assert repr(found) == "NoteDrift(0 of 6 periods warned at 0.01 each)"
    assert found.lines() == ()
    assert {"words", "score", "without a concept", "new tokens", "not read", "unlike",
            "mentions of Drug", "with heading medications"} == set(found["quantity"])  # fmt: skip
    frame = found.to_pandas()
    assert found.to_arrow().column_names == list(frame.columns)
    assert frame["period"].unique().tolist() == [f"2024-{m:02d}" for m in range(7, 13)]
    assert int(frame.groupby("period")["n_notes"].first().sum()) == 1_460 - 182 * 4


def test_a_heading_that_is_gone_and_drugs_that_are_more_are_warned_of():
    gone = note_drift(year({"heading": False}), reference_to="2024-06")
    assert any(line.startswith("2024-10: with heading medications 0 a") for line in gone.lines())
    more = note_drift(year({"drugs": 4}), reference_to="2024-06")
    warned = set(more["period"][more["warned"]])
    assert warned >= {"2024-10", "2024-11", "2024-12"}
    assert "mentions of Drug" in set(more["quantity"][more["warned"]])


def test_what_cannot_be_is_one_sentence():
    with pytest.raises(ArgumentError, match="must be a month"):
        note_drift(year(), reference_to="June")
    with pytest.raises(ArgumentError, match="after it, got none"):
        note_drift(year(), reference_to="2030-01")
    with pytest.raises(DataError, match="must have a time"):
        note_facts([Note(id="n1", text="No cough.")])
    with pytest.raises(ArgumentError, match="every"):
        note_drift(year(), reference_to="2024", every="decade")
    with pytest.raises(ArgumentError, match="column must be"):
        note_drift(year(), reference_to="2024-06")["colour"]

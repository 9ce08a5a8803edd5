from datetime import datetime, timedelta, timezone

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import AXES, Assertion, Entity, Note, Section
from clinnlp.core.spans import Span
from clinnlp.core.tables import TAKEN, EntityTable
from clinnlp.features.entities import asserted, entity_table, item_of
from clinnlp.text.medication import Medications

TEXT = "HPI: fever and left  leg\npain. FH: fever."


def entity(id, start, end, **more):
    return Entity(id=id, span=Span(start, end), label="Problem", **more)


@pytest.fixture
def note():
    parts = (Span(15, 19), Span(25, 29))
    return Note(
        id="n1",
        text=TEXT,
        patient="p1",
        time=datetime(2024, 3, 1, 8),
        known=datetime(2024, 3, 5, 12, tzinfo=timezone(timedelta(hours=2))),
        sections=(
            Section(span=Span(31, 41), kind="family_history"),
            Section(span=Span(0, 30), kind="history"),
            Section(span=Span(0, 14), kind="inner"),
        ),
        entities=(
            entity("a", 5, 10, concepts=("C1", "C2"), assertion=Assertion(negated=False)),
            entity("b", 15, 29, parts=parts, assertion=Assertion(negated=True, historical=True)),
            entity("c", 35, 40, score=0.5, assertion=Assertion(experiencer=True), source="x"),
            entity("d", 28, 36),
        ),
    )


def test_a_row_says_where_the_mention_stands_and_what_it_is(note):
    table = entity_table([note])
    assert table["text"].tolist() == ["fever", "left pain", "fever", TEXT[28:36]]
    assert table["section"].tolist() == ["inner", "history", "family_history", None]
    assert table["concept"].tolist() == ["C1", None, None, None]
    assert table["n_concepts"].tolist() == [2, 0, 0, 0]
    assert table["negated"].tolist() == [0, 1, -1, -1]
    assert table["experiencer"].tolist() == [-1, -1, 1, -1]
    assert table["source"].tolist() == [None, None, "x", None]
    assert np.array_equal(table["score"], [np.nan, np.nan, 0.5, np.nan], equal_nan=True)
    assert set(table["patient"]) == {"p1"}
    assert table["time"][0] == np.datetime64("2024-03-01T08:00:00")
    assert table["known"][0] == np.datetime64("2024-03-05T10:00:00")  # UTC


def test_no_notes_and_no_mentions_give_an_empty_table():
    assert len(entity_table([])) == 0
    assert len(entity_table(iter([Note(id="n", text="nothing")]))) == 0


def test_a_missing_time_stays_missing():
    bare = Note(id="n", text="fever", entities=(entity("a", 0, 5),))
    table = entity_table([bare])
    assert np.isnat(table["time"]).all()
    assert np.isnat(table["known"]).all()
    assert table["patient"].tolist() == [None]


def test_only_true_excludes_and_each_mention_is_counted_once(note):
    mask, counts = asserted(entity_table([note]))
    assert mask.tolist() == [True, False, False, True]
    assert counts.n_excluded == {
        "negated": 1,
        "uncertain": 0,
        "hypothetical": 0,
        "historical": 0,
        "experiencer": 1,
    }
    assert counts.n_unassessed == {
        "negated": 1,
        "uncertain": 2,
        "hypothetical": 2,
        "historical": 2,
        "experiencer": 2,
    }


def test_strict_demands_false(note):
    known_false = Assertion(**dict.fromkeys(AXES, False))
    sure = Note(id="n2", text="fever", entities=(entity("a", 0, 5, assertion=known_false),))
    table = entity_table([note, sure])
    mask, counts = asserted(table, strict=True)
    assert mask.tolist() == [False] * 4 + [True]
    assert sum(counts.n_excluded.values()) == 4
    assert counts.n_excluded["negated_unassessed"] == 2
    assert not any(counts.n_unassessed.values())


def test_chosen_axes_alone_exclude(note):
    mask, counts = asserted(entity_table([note]), axes=("experiencer",))
    assert mask.tolist() == [True, True, False, True]
    assert list(counts.n_excluded) == ["experiencer"]


def changed(*changes):
    drugs = tuple(
        Entity(id=f"T{k}", span=Span(0, 5), label="Drug", attributes=attributes)
        for k, attributes in enumerate(changes)
    )
    return entity_table([Note(id="n", text="Lasix", entities=drugs)])


def test_a_stopped_or_held_drug_is_left_out_and_counted():
    table = changed({"change": "stop"}, {}, {"change": "hold"}, {"change": "start"})
    assert table["change"].tolist() == ["stop", None, "hold", "start"]
    mask, counts = asserted(table)
    assert mask.tolist() == [False, True, False, True]
    assert (counts.n_excluded["stopped"], counts.n_excluded["held"]) == (1, 1)
    mask, counts = asserted(table, changes=("hold", "increase"))
    assert mask.tolist() == [True, True, False, True]
    assert counts.n_excluded["held"] == 1
    mask, counts = asserted(table, changes=())
    assert mask.all()
    assert set(counts.n_excluded) == set(AXES)


def test_a_change_counts_only_where_no_axis_excludes():
    negated = Entity(
        id="T", span=Span(0, 5), label="Drug", attributes={"change": "stop"},
        assertion=Assertion(negated=True),
    )  # fmt: skip
    mask, counts = asserted(entity_table([Note(id="n", text="Lasix", entities=(negated,))]))
    assert (mask.tolist(), counts.n_excluded["negated"]) == ([False], 1)
    assert "stopped" not in counts.n_excluded


def test_a_change_that_is_no_word_is_none():
    assert (
        changed({"change": True}, {"change": 2}, {"change": None})["change"].tolist() == [None] * 3
    )


def test_an_unknown_change_is_refused():
    with pytest.raises(ArgumentError, match="change must be one of continue, decrease, hold"):
        asserted(EntityTable({}), changes=("stopped",))


def test_an_unknown_axis_is_refused():
    with pytest.raises(ArgumentError, match="axis must be one of"):
        asserted(EntityTable({}), axes=("polarity",))


def test_an_item_is_the_concept_else_the_folded_text(note):
    items = item_of(entity_table([note]))
    assert items.names[:3].tolist() == ["C1", "left pain", "fever"]
    assert (items.n_concept, items.n_text) == (1, 3)


def test_one_note_is_not_taken_apart():
    with pytest.raises(ArgumentError, match="notes must be several, got one Note"):
        entity_table(Note(id="n", text="aspirin"))


def test_what_a_note_says_of_a_drug_stands_in_the_table():
    text = "Denies cough, takes Lasix 40 mg p.o. b.i.d. prn swelling for 7 days"
    cue = Assertion(negated=True, cues={"negated": Span(0, 6)})
    note = Note(
        id="n",
        text=text,
        kind="progress",
        entities=(
            Entity(id="P", span=Span(7, 12), label="Problem", assertion=cue),
            Entity(id="D", span=Span(20, 25), label="Drug", attributes={"name": "furosemide"}),
        ),
    )
    table = entity_table([Medications()(note)])
    problem, drug = table.rows()
    assert (problem["negated_cue"], problem["dose"], problem["prn"]) == ("Denies", None, -1)
    assert (problem["note_kind"], drug["note_kind"], drug["name"]) == (
        *("progress", "progress", "furosemide"),
    )
    said = {name: drug[name] for name in TAKEN if drug[name] is not None}
    assert said == {
        "dose": "40 mg",
        "route": "p.o.",
        "frequency": "b.i.d.",
        "duration": "for 7 days",
        "indication": "swelling",
    }
    assert drug["prn"] == 1
    assert np.isnan(drug["daily_mg"])  # as needed


def test_a_daily_dose_is_a_number_or_both_ends_of_a_range():
    texts = ("Lasix 40 mg b.i.d.", "Lasix 20-40 mg daily")
    notes = [
        Note(id=text, text=text, entities=(Entity(id="D", span=Span(0, 5), label="Drug"),))
        for text in texts
    ]
    table = entity_table(map(Medications(), notes))
    assert table["daily_mg"][0] == 80
    assert np.isnan(table["daily_mg"][1])
    assert (table["daily_mg_low"][1], table["daily_mg_high"][1]) == (20, 40)


def test_the_other_numbers_of_a_prescription_stand_in_the_table_too():
    texts = ("Lasix 40 mg b.i.d. for 7 days", "Lasix 20-40 mg daily")
    notes = [
        Note(id=text, text=text, entities=(Entity(id="D", span=Span(0, 5), label="Drug"),))
        for text in texts
    ]
    one, two = entity_table(map(Medications(), notes)).rows()
    assert (one["dose_mg"], one["doses_per_day"], one["duration_days"]) == (40, 2, 7)
    assert np.isnan([one["dose_mg_low"], two["dose_mg"], two["duration_days"]]).all()
    assert (two["dose_mg_low"], two["dose_mg_high"], two["doses_per_day"]) == (20, 40, 1)


@pytest.mark.parametrize(
    ("cue", "expected"), [(", no", "no"), ("no:", "no"), ("no  sign", "no sign"), (",", ",")]
)
def test_a_cue_is_told_without_the_marks_at_its_ends(cue, expected):
    said = Assertion(negated=True, cues={"negated": Span(0, len(cue))})
    fever = Entity(id="P", span=Span(len(cue) + 1, len(cue) + 6), label="Problem", assertion=said)
    table = entity_table([Note(id="n", text=f"{cue} fever", entities=(fever,))])
    assert table["negated_cue"].tolist() == [expected]


def test_attributes_of_another_type_are_missing():
    table = changed({"dose": 3, "prn": "yes", "daily_mg": "40", "name": None})
    assert (table["dose"][0], table["prn"][0], table["name"][0]) == (None, -1, None)
    assert np.isnan(table["daily_mg"][0])


def past(*rows):
    """Return a table of historical mentions, each of its course and with more that is said."""
    mentions = tuple(
        Entity(id=f"T{k}", span=Span(0, 4), label="Problem", attributes={"course": course},
               assertion=Assertion(**{"historical": True, **more}))
        for k, (course, more) in enumerate(rows)
    )  # fmt: skip
    return entity_table([Note(id="n", text="gout", entities=mentions)])


def test_what_is_chronic_is_not_past_and_is_counted():
    table = past(("chronic", {}), ("ended", {}), ("unknown", {}), (None, {}),
                 ("chronic", {"historical": False}))  # fmt: skip
    assert table["course"].tolist() == ["chronic", "ended", "unknown", None, "chronic"]
    mask, counts = asserted(table)
    assert mask.tolist() == [True, False, False, False, True]
    assert (counts.n_chronic, counts.n_excluded["historical"]) == (1, 3)
    mask, counts = asserted(table, chronic_counts=False)
    assert mask.tolist() == [False] * 4 + [True]
    assert (counts.n_chronic, counts.n_excluded["historical"]) == (0, 4)


@pytest.mark.parametrize("axis", [axis for axis in AXES if axis != "historical"])
def test_a_chronic_condition_that_another_axis_excludes_stays_out(axis):
    table = past(("chronic", {axis: True}))
    mask, counts = asserted(table)
    assert (mask.tolist(), counts.n_chronic, counts.n_excluded[axis]) == ([False], 0, 1)


def test_strict_demands_that_axes_are_assessed_and_lets_what_is_chronic_pass():
    known = dict.fromkeys((axis for axis in AXES if axis != "historical"), False)
    mask, counts = asserted(
        past(("chronic", known), ("chronic", {}), ("ended", known)), strict=True
    )
    assert mask.tolist() == [True, False, False]
    assert counts.n_chronic == 1


def test_what_is_chronic_is_counted_only_where_being_past_would_exclude():
    mask, counts = asserted(past(("chronic", {}), ("ended", {})), axes=("negated",))
    assert (mask.tolist(), counts.n_chronic) == ([True, True], 0)


def test_a_held_chronic_mention_is_left_out_under_its_change():
    table = past(("chronic", {}))
    columns = {name: table[name] for name in EntityTable.SCHEMA} | {"change": ["stop"]}
    mask, counts = asserted(EntityTable(columns))
    assert (mask.tolist(), counts.n_chronic, counts.n_excluded["stopped"]) == ([False], 0, 1)

"""Agreement of two readings, on notes counted by hand."""

import math

from clinnlp.core.counts import PRF
from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.spans import Span
from corpora.annotated.agreement import compare_readings, list_differences

TEXT = "0123456789" * 4


def note(key, *mentions):
    entities = []
    for k, (start, end, label, *true) in enumerate(mentions):
        said = Assertion(**{axis: axis in true for axis in AXES})
        said = Assertion() if label == "Anatomy" else said
        entities.append(Entity(id=f"T{k}", span=Span(start, end), label=label, assertion=said))
    return Note(id=key, text=TEXT, entities=tuple(entities))


FIRST = [
    note("n1", (0, 5, "Problem", "negated"), (6, 9, "Drug"), (10, 15, "Anatomy")),
    note("n2", (0, 5, "Problem", "negated"), (20, 25, "Problem")),
    note("n9", (0, 5, "Problem")),  # read once
]
SECOND = [
    note("n2", (0, 5, "Problem"), (20, 26, "Problem", "historical")),
    note("n1", (0, 5, "Problem", "negated"), (6, 9, "Test"), (10, 15, "Anatomy")),
]


def test_mentions_are_counted_over_notes_that_both_read():
    found = compare_readings(FIRST, SECOND, n_boot=0)
    assert found.strict.n_notes == 2
    assert found.strict.per_label == {
        "Anatomy": PRF(tp=1, fp=0, fn=0),
        "Drug": PRF(tp=0, fp=0, fn=1),
        "Problem": PRF(tp=2, fp=1, fn=1),
        "Test": PRF(tp=0, fp=1, fn=0),
    }
    assert found.relaxed.per_label["Problem"] == PRF(tp=3, fp=0, fn=0)


def test_axes_are_compared_where_span_and_label_are_equal_and_never_for_anatomy():
    found = compare_readings(FIRST, SECOND, n_boot=0)
    assert found.n_paired == 2
    assert found.axes["negated"].counts == PRF(tp=1, fp=0, fn=1)
    assert found.axes["historical"].counts == PRF(tp=0, fp=0, fn=0)
    assert math.isnan(found.axes["historical"].kappa.value)  # both say no throughout


def test_agreement_is_the_same_both_ways():
    one, two = compare_readings(FIRST, SECOND, n_boot=0), compare_readings(SECOND, FIRST, n_boot=0)
    assert one.strict.micro.f1 == two.strict.micro.f1
    assert one.axes["negated"].kappa == two.axes["negated"].kappa


def test_intervals_are_by_note_and_hold_the_value():
    found = compare_readings(FIRST * 1, SECOND, n_boot=200)
    assert found.strict.f1.low <= found.strict.f1.value <= found.strict.f1.high


def test_readings_without_a_common_mention_have_no_axes():
    assert compare_readings(FIRST[:1], [note("n1")], n_boot=0).axes == {}


def test_what_a_third_look_must_settle():
    found = list_differences(FIRST, SECOND)
    assert [(d.note, d.start, d.end, d.label, d.only, d.axes) for d in found] == [
        ("n1", 6, 9, "Drug", "first", ()),
        ("n1", 6, 9, "Test", "second", ()),
        ("n2", 0, 5, "Problem", "", ("negated",)),
        ("n2", 20, 25, "Problem", "first", ()),
        ("n2", 20, 26, "Problem", "second", ()),
    ]

"""Two annotations are paired mention by mention; agreement is that of the metrics room."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.study.comparison import compare_notes

TEXT = "chronic dry cough and fever at night"


def note(*mentions, relations=()):
    made = (
        Entity(id=f"T{k}", span=Span(start, end), label=label, **(more[0] if more else {}))
        for k, (start, end, label, *more) in enumerate(mentions)
    )
    return Note(id="n", text=TEXT, entities=tuple(made), relations=tuple(relations))


def test_each_kind_of_difference():
    first = note((0, 17, "D"), (22, 27, "D"), (8, 11, "Q"), (31, 36, "T"), (12, 17, "S"))
    second = note((8, 17, "D"), (22, 27, "F"), (0, 11, "R"), (12, 17, "S"))
    found = compare_notes([first], [second], n_boot=0)
    assert found.n_same == 1
    assert [(d.kind, d.first and d.first.span, d.second and d.second.span)
            for d in found.differences] == [
        ("label", Span(22, 27), Span(22, 27)),
        ("span", Span(0, 17), Span(8, 17)),
        ("span and label", Span(8, 11), Span(0, 11)),
        ("only in A", Span(31, 36), None),
    ]  # fmt: skip
    back = compare_notes([second], [first], n_boot=0)
    assert sorted(back.counts.items()) == [
        ("label", 1), ("only in B", 1), ("span", 1), ("span and label", 1)
    ]  # fmt: skip
    assert back.strict.f1.value == found.strict.f1.value


def test_content_at_one_place():
    said = {"concepts": ("C1",), "assertion": Assertion(negated=True)}
    found = compare_notes([note((0, 7, "D"))], [note((0, 7, "D", said))], n_boot=0)
    assert [(d.kind, d.fields) for d in found.differences] == [
        ("content", ("concepts", "assertion"))
    ]
    assert found.n_same == 0


def test_relations_are_compared_by_place_not_by_id():
    def link(a, b, label="r"):
        return Relation(id=a + b, label=label, roles={"x": (a,), "y": (b,)})

    first = note((0, 7, "D"), (8, 11, "D"), relations=[link("T0", "T1"), link("T1", "T0")])
    second = note((8, 11, "D"), (0, 7, "D"), relations=[link("T1", "T0"), link("T0", "T1", "s")])
    assert compare_notes([first], [second], n_boot=0).relations == (1, 1, 1)


def test_kappa_over_tokens():
    found = compare_notes([note((0, 11, "D"))], [note((8, 17, "D"))], n_boot=0)
    # 7 tokens: D D O O O O O against O D D O O O O; p_o = 5/7, p_e = (2*2 + 5*5) / 49
    assert found.kappa is not None
    assert found.kappa.value == pytest.approx((5 / 7 - 29 / 49) / (1 - 29 / 49))
    assert compare_notes([Note(id="n", text="")], [Note(id="n", text="")]).kappa is None


def test_other_texts_are_refused():
    with pytest.raises(DataError, match="must have the same text"):
        compare_notes([note()], [Note(id="n", text="another")])

"""What notes hold is counted, and what looks wrong in them is named."""

from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.study.inspection import PROBLEMS, inspect_notes

TEXT = "Severe chest pain today."


def mention(id, start, end, label="Problem", **more):
    return Entity(id=id, span=Span(start, end), label=label, **more)


GOOD = Note(
    id="a",
    text=TEXT,
    patient="p",
    labels=("ENT",),
    sentences=(Span(0, 24),),
    entities=(
        mention("1", 0, 17, concepts=("C1",)),
        mention("2", 7, 12, "Site", assertion=Assertion(negated=False)),
        mention("3", 0, 17, "Finding", parts=(Span(0, 6), Span(13, 17))),
    ),
    relations=(Relation(id="r", label="of", roles={"a": ("1",), "b": ("C1",)}),),
)


def test_counts():
    found = inspect_notes([GOOD, Note(id="b", text="Well.", patient="p")])
    assert (found.n_notes, found.n_chars, found.n_patients, found.n_entities) == (2, 29, 1, 3)
    assert found.labels == {"Problem": 1, "Site": 1, "Finding": 1}
    assert found.relations == {"of": 1}
    assert found.note_labels == {"ENT": 1}
    assert (found.n_discontinuous, found.n_with_concept, found.n_asserted) == (1, 1, 1)
    assert found.n_nested == 3
    assert [found.length_at(share) for share in (0.3, 0.5, 1)] == [5, 11, 17]
    assert not found.problems
    assert not found.examples


def test_each_problem_is_found_once():
    wrong = {
        "empty": Note(id="n", text=" \n"),
        "duplicate": (mention("1", 0, 6), mention("2", 0, 6)),
        "crossing": (mention("1", 0, 12), mention("2", 7, 17)),
        "space": (mention("1", 0, 7),),
        "word": (mention("1", 8, 12),),
        "sentence": (mention("1", 0, 12),),
        "dangling": Relation(id="r", label="of", roles={"a": ("9",)}),
    }
    for name, what in wrong.items():
        note = Note(id="n", text=TEXT, sentences=(Span(0, 6), Span(7, 24)))
        if name != "sentence":
            note = note.with_(sentences=None)
        if isinstance(what, Note):
            note = what
        elif isinstance(what, Relation):
            note = note.with_(relations=(what,))
        else:
            note = note.with_(entities=what)
        assert inspect_notes([note]).problems == {name: 1}
    for notes, name in (([GOOD, GOOD], "repeated"), ([Note(id="x", text=" ")], "empty")):
        assert [*map(repr, inspect_notes(notes).problems.items())] == [repr((name, 1))]
    assert inspect_notes([]).problems == {"none": 1}
    assert set(wrong) | {"repeated", "none"} == set(PROBLEMS)


def test_examples_take_turns_among_labels():
    many = (*tuple(mention(str(k), 0, 6) for k in range(9)), mention("s", 7, 12, "Site"))
    found = inspect_notes([GOOD.with_(entities=many, relations=())], n_examples=2)
    assert [e.label for e in found.examples] == ["Problem", "Site"]
    assert found.examples[1][2:] == ("Severe ", "chest", " pain today.")

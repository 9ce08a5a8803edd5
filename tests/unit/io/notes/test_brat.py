"""BRAT: every kind of line, in and out."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.brat import BRAT
from clinnlp.io.notes.corpora import read_notes, write_notes

TEXT = "No low or high\nsodium after lithium."
ANN = """\
T1\tDrug 28 35\tlithium
T2\tEffect 10 14;15 21;3 6\thigh sodium low

E1\tAdverse:T2 Cause:T1 Theme:T2 Theme:T1
R1\tCauses Arg1:T1 Arg2:E1
*\tEquiv T1 T2
A1\tnegated T2
M2\tuncertain T2 false
A3\tSeverity E1 Rather high
A4\tSeverity E1 Low
N1\tReference T1 MeSH:D008094\tLithium
N2\tReference T1 concept:D1
#1\tAnnotatorNotes T1\tsee the guideline
#2\tAnnotatorNotes A3\tnot sure
"""


@pytest.fixture
def pair(tmp_path):
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "a.ann").write_text(ANN)
    return tmp_path / "a.ann"


def test_every_kind_of_line(pair):
    (note,) = BRAT.read(pair)
    assert note.entities == (
        Entity(
            id="T1",
            span=Span(28, 35),
            label="Drug",
            concepts=("MeSH:D008094", "D1"),
            attributes={
                "Reference MeSH:D008094": "Lithium",
                "AnnotatorNotes": "see the guideline",
            },
        ),
        Entity(
            id="T2",
            span=Span(3, 21),
            label="Effect",
            parts=(Span(3, 6), Span(10, 14), Span(15, 21)),
            assertion=Assertion(negated=True, uncertain=False),
        ),
    )
    assert note.relations == (
        Relation(
            id="E1",
            label="Adverse",
            roles={"trigger": ("T2",), "Cause": ("T1",), "Theme": ("T2", "T1")},
            attributes={
                "Severity": "Rather high",
                "Severity#2": "Low",
                "AnnotatorNotes Severity": "not sure",
            },
        ),
        Relation(id="R1", label="Causes", roles={"Arg1": ("T1",), "Arg2": ("E1",)}),
        Relation(id="*1", label="Equiv", roles={"members": ("T1", "T2")}),
    )


def test_back_to_brats_own_lines(pair, tmp_path):
    (note,) = BRAT.read(pair)
    BRAT.write([note], tmp_path / "out")
    assert list(BRAT.read(tmp_path / "out")) == [note]
    written = (tmp_path / "out" / "a.ann").read_text().splitlines()
    assert written[:5] == [
        "T1\tDrug 28 35\tlithium",
        "T2\tEffect 3 6;10 14;15 21\tlow high sodium",
        "E1\tAdverse:T2 Cause:T1 Theme:T2 Theme:T1",
        "R1\tCauses Arg1:T1 Arg2:E1",
        "*\tEquiv T1 T2",
    ]
    assert "N1\tReference T1 MeSH:D008094\tLithium" in written
    assert "A1\tnegated T2 true" in written
    assert sum("clinnlp" in line for line in written) == 1, "only for what BRAT has no line for"


def test_nested_folders_give_ids_and_come_back(tmp_path):
    notes = [
        Note(id="a", text="x\r\ny"),
        Note(id="train/b.1", text=""),
        Note(id="train/é", text=""),
    ]
    BRAT.write(notes, tmp_path / "out")
    assert list(BRAT.read(tmp_path / "out")) == notes


def test_text_without_annotations_and_annotations_without_text(tmp_path):
    (tmp_path / "a.txt").write_text("plain")
    assert list(BRAT.read(tmp_path)) == [Note(id="a", text="plain")]
    (tmp_path / "b.ann").write_text("")
    with pytest.raises(DataError, match=r"b.ann: each .ann must have its .txt"):
        list(BRAT.read(tmp_path))
    with pytest.raises(DataError, match=r"b.txt: no such file"):
        list(BRAT.read(tmp_path / "b.ann"))


def test_one_pair(tmp_path):
    path = tmp_path / "a.ann"
    assert BRAT.write([Note(id="a", text="x")], path) == 1
    assert list(BRAT.read(path)) == [Note(id="a", text="x")]
    with pytest.raises(DataError, match=r"one note whose id is 'a', got 2 notes"):
        BRAT.write([Note(id="a", text="x"), Note(id="b", text="y")], path)


@pytest.mark.parametrize("bad", ["../a", "/a", "", "a/../b", "a\\b", "a//b", "."])
def test_ids_that_are_no_file_names(bad, tmp_path):
    with pytest.raises(DataError, match=r"relative file name"):
        BRAT.write([Note(id=bad, text="")], tmp_path / "out")
    assert not list(tmp_path.iterdir())


def test_a_repeated_id_and_a_file_in_the_way(tmp_path):
    with pytest.raises(DataError, match=r"ids of notes must be unique"):
        BRAT.write([Note(id="a", text="")] * 2, tmp_path / "out")
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match=r"new or empty"):
        BRAT.write([], tmp_path / "file")


DRUG = Entity(id="T1", span=Span(0, 2), label="Drug")


@pytest.mark.parametrize(
    ("roles", "message"),
    [
        ({"a": ("T1",)}, "two arguments or with a trigger"),
        ({"a": ("T1",), "b": ("T1",), "c": ("T1",)}, "two arguments or with a trigger"),
        ({"a": ("T1",), "b": ("D1",)}, "between mentions"),
        ({"a": ("T1", "T1"), "b": ()}, "roles that are one word with an argument"),
        ({"a b": ("T1",), "b": ("T1",)}, "roles that are one word"),
    ],
)
def test_relations_brat_cannot_hold(roles, message, tmp_path):
    note = Note(
        id="n", text=TEXT, entities=(DRUG,), relations=(Relation(id="R1", label="R", roles=roles),)
    )
    with pytest.raises(DataError, match=message):
        BRAT.write([note], tmp_path / "out")


def test_ids_shared_by_a_mention_and_a_relation_are_refused(tmp_path):
    link = Relation(id="T1", label="R", roles={"a": ("T1",), "b": ("T1",)})
    with pytest.raises(DataError, match=r"ids that no two"):
        BRAT.write([Note(id="n", text=TEXT, entities=(DRUG,), relations=(link,))], tmp_path / "o")


def test_foreign_ids_are_kept_beside_ids_brat_allows(tmp_path):
    first = Entity(id="drug-1", span=Span(0, 2), label="Drug")
    link = Relation(id="T7", label="R", roles={"a": ("drug-1",), "b": ("T1",)})
    note = Note(id="n", text=TEXT, entities=(first, DRUG), relations=(link,))
    BRAT.write([note], tmp_path / "out")
    assert list(BRAT.read(tmp_path / "out")) == [note]
    lines = (tmp_path / "out" / "n.ann").read_text().splitlines()
    assert [line.split("\t")[0] for line in lines[:3]] == ["T2", "T1", "R1"]


@pytest.mark.parametrize("text", ["\ufeff", "\ufeffab", "\ufeff\ufeff"])
def test_a_mention_of_the_mark_that_begins_a_text_comes_back(tmp_path, text):
    mark = Entity(id="T1", span=Span(0, 1), label="X")
    notes = [Note(id="n", text=text, entities=(mark,))]
    write_notes(notes, tmp_path / "a", format="brat")
    assert list(read_notes(tmp_path / "a", format="brat")) == notes


def test_a_file_of_another_encoding_is_left_out_of_a_folder(tmp_path):
    for number in range(3):
        (tmp_path / f"n{number}.txt").write_text("No cough.\n")
    (tmp_path / "n1.txt").write_bytes(b"Grippe \xe9t\xe9\n")
    notes = read_notes(tmp_path, skip_bad=True)
    assert [note.id for note in notes] == ["n0", "n2"]
    (error,) = notes.skipped
    assert error.path == tmp_path / "n1.txt"
    assert "--encoding" in str(error)
    with pytest.raises(DataError, match=r"n1\.txt"):
        list(read_notes(tmp_path))


@pytest.mark.parametrize(
    "line", ["R1\tof Arg1:T1", "R1\tof", "R1\t", "E1\t:T1 Of:T1", "*\t", "R1\tof T1 T1"]
)
def test_a_relation_without_label_or_ends_is_refused_by_its_line(line, tmp_path):
    (tmp_path / "a.txt").write_text("Rash.")
    (tmp_path / "a.ann").write_text(f"T1\tProblem 0 4\tRash\n{line}\n")
    with pytest.raises(DataError, match=r"a\.ann:2: a relation must have the form"):
        list(read_notes(tmp_path))

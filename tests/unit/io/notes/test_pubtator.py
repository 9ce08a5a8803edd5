"""PubTator's columns, and what it cannot hold."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.pubtator import PUBTATOR


def read(tmp_path, *lines):
    path = tmp_path / "a.pubtator"
    path.write_bytes("\n".join(lines).encode())
    return list(PUBTATOR.read(path))


def test_columns(tmp_path):
    (note,) = read(
        tmp_path,
        "1|t|Liver and renal failure",
        "1|a|after x|t|y",
        "1\t0\t23\tLiver and renal failure\tDisease\tD1|D2\tliver failure|renal failure",
        "1\t16\t29\tfailure after\tDisease\t-1",
        "1\t24\t29\tafter  \tOther",
        "1\t24\t29\tafter\tGene\tD3|-1\t",
        "1\t24\t29\tafter\tGene\t11,22,p|SUB|E|333|D",
        "1\tCID\tD1\tD2",
        "1\tAssociation\tD1|D2\t|DEL|46|S\tNovel",
    )
    assert note.text == "Liver and renal failure\nafter x|t|y"
    assert [e.concepts for e in note.entities] == [
        ("D1", "D2"),
        (),
        (),
        ("D3",),
        ("11", "22", "p|SUB|E|333|D"),
    ]
    assert note.entities[0].attributes == {"mentions": "liver failure|renal failure"}
    assert note.entities[3].attributes == {}
    assert [e.id for e in note.entities] == ["T1", "T2", "T3", "T4", "T5"]
    assert note.relations == (
        Relation(id="R1", label="CID", roles={"Arg1": ("D1",), "Arg2": ("D2",)}),
        Relation(
            id="R2",
            label="Association",
            roles={"Arg1": ("D1", "D2"), "Arg2": ("|DEL|46|S",)},
            attributes={"novelty": "Novel"},
        ),
    )


def test_title_alone_and_empty_abstract_differ(tmp_path):
    notes = read(tmp_path, "1|t|Title", "", "", "2|t|Title", "2|a|", "", "x|t|", "x|a|")
    assert [n.text for n in notes] == ["Title", "Title\n", "\n"]
    path = tmp_path / "b.pubtator"
    PUBTATOR.write(notes, path)
    assert list(PUBTATOR.read(path)) == notes


def entity(**more):
    return Entity(**{"id": "T1", "span": Span(0, 3), "label": "L", **more})


def relation(**more):
    roles = {"Arg1": ("D1",), "Arg2": ("D2",)}
    return Relation(**{"id": "R1", "label": "CID", "roles": roles, **more})


@pytest.mark.parametrize(
    ("note", "message"),
    [
        (Note(id="n", text="a\nb\nc"), "a text of two lines"),
        (Note(id="n", text="a\r\nb"), "a text of two lines"),
        (Note(id="a|b", text=""), "an id without"),
        (Note(id="", text=""), "an id without"),
        (
            Note(id="n", text="a b", entities=(entity(parts=(Span(0, 1), Span(2, 3))),)),
            "got a discontinuous one",
        ),
        (Note(id="n", text="abc", entities=(entity(id="x"),)), "entity ids T1, T2"),
        (Note(id="n", text="a\tb", entities=(entity(),)), "without tab"),
        (Note(id="n", text="abc", entities=(entity(label=""),)), "labels"),
        (Note(id="n", text="abc", entities=(entity(concepts=("a,b",)),)), "concept ids without"),
        (Note(id="n", text="abc", entities=(entity(concepts=("A|b",)),)), "concept ids without"),
        (Note(id="n", text="abc", entities=(entity(concepts=("-1",)),)), "concept ids without"),
        (Note(id="n", text="abc", entities=(entity(attributes={"a": 1}),)), "no attribute"),
        (Note(id="n", text="abc", entities=(entity(attributes={"mentions": 1}),)), "are text"),
        (Note(id="n", text="abc", relations=(relation(id="x"),)), "relation ids R1"),
        (Note(id="n", text="abc", relations=(relation(roles={"a": ("D1",)}),)), "Arg1 and Arg2"),
        (Note(id="n", text="abc", relations=(relation(attributes={"a": 1}),)), "no attribute"),
        (Note(id="n", text="abc", relations=(relation(label="a\tb"),)), "labels and concepts"),
        (
            Note(
                id="n",
                text="abc",
                entities=(entity(),),
                relations=(relation(roles={"Arg1": ("T1",), "Arg2": ("D2",)}),),
            ),
            "one between mentions",
        ),
    ],
)
def test_what_pubtator_cannot_hold(note, message, tmp_path):
    with pytest.raises(DataError, match=message) as caught:
        PUBTATOR.write([note], tmp_path / "a.pubtator")
    assert caught.value.note == note.id
    assert not list(tmp_path.iterdir())


def test_relation_that_would_read_as_a_mention_is_refused(tmp_path):
    odd = relation(label="1", roles={"Arg1": ("2",), "Arg2": ("D2",)}, attributes={"novelty": "x"})
    with pytest.raises(DataError, match=r"labels and concepts"):
        PUBTATOR.write([Note(id="n", text="abc", relations=(odd,))], tmp_path / "a.pubtator")


def test_lines_of_three_columns_are_labels_of_the_document(tmp_path):
    path = tmp_path / "a.pubtator"
    path.write_text("1|t|Title\n1\tSpecies\t9606\n1\tlabel\tgenetics\n\n", encoding="utf-8")
    (note,) = read_notes(path)
    assert note.labels == ("Species:9606", "genetics")
    write_notes([note], tmp_path / "b.pubtator")
    assert list(read_notes(tmp_path / "b.pubtator")) == [note]


@pytest.mark.parametrize("line", ["1\t2\t3", "1\tSpecies\t", "1\t\t9606", "1\t9606"])
def test_other_short_lines_are_refused(line, tmp_path):
    path = tmp_path / "a.pubtator"
    path.write_text(f"1|t|Title\n{line}\n\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"a.pubtator:2: .* or 3 \(id, key, value\)"):
        list(read_notes(path))

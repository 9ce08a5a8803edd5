"""BioC as other tools write it: passages, infons, nodes; and as it is written here."""

import json

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Entity, Note, Relation, Section
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

XML = """<?xml version="1.0"?><!DOCTYPE collection SYSTEM "BioC.dtd">
<collection><source>x</source><date/><key/>
<document><id>1</id><infon key="seen">no</infon>
<passage><infon key="type">title</infon><offset>0</offset><text>Li &amp; toxicity.</text>
<annotation id="a"><infon key="type">Drug</infon><infon key="identifier">D1|D2</infon>
<infon key="certain">yes</infon><location offset="0" length="2"/><text>Li</text></annotation>
</passage>
<passage><infon key="type">abstract</infon><offset>16</offset>
<sentence><offset>16</offset><text>One.</text></sentence>
<sentence><offset>22</offset><text>Two Li.</text><annotation>
<location offset="26" length="2"/><location offset="16" length="3"/><text>Li One</text></annotation>
</sentence></passage>
<relation id="r"><infon key="relation">of</infon>
<node refid="a" role="drug"/><node refid="a" role=""/></relation>
<relation id="s"><infon key="type">CID</infon><infon key="entity1">D1,D2</infon>
<infon key="entity2">D3</infon><infon key="novel">No</infon></relation>
<relation id="t"><infon key="relation">CID</infon><infon key="Chemical">D1</infon></relation>
</document></collection>"""


def test_what_maps_to_what(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text(XML)
    (note,) = read_notes(path)
    assert note.text == "Li & toxicity.\n\nOne.\n\nTwo Li."
    assert note.sections == (
        Section(span=Span(0, 14), kind="title"),
        Section(span=Span(16, 29), kind="abstract"),
    )
    assert note.sentences == (Span(16, 20), Span(22, 29))
    first, second = note.entities
    assert first == Entity(
        id="a", span=Span(0, 2), label="Drug", concepts=("D1", "D2"), attributes={"certain": "yes"}
    )
    assert (second.id, second.label, second.parts) == ("T2", "", (Span(16, 19), Span(26, 28)))
    assert note.relations == (
        Relation(id="r", label="of", roles={"drug": ("a",), "Arg2": ("a",)}),
        Relation(
            id="s",
            label="CID",
            roles={"Arg1": ("D1", "D2"), "Arg2": ("D3",)},
            attributes={"novel": "No"},
        ),
        Relation(id="t", label="CID", roles={"Chemical": ("D1",)}),
    )


def test_sections_become_passages(tmp_path):
    note = Note(
        id="1",
        text="Title\n\nText",
        sections=(
            Section(span=Span(0, 5), kind="title"),
            Section(span=Span(7, 11), kind="abstract"),
        ),
        entities=(Entity(id="a", span=Span(7, 11), label="D"),),
    )
    path = tmp_path / "a.bioc.json"
    write_notes([note], path)
    passages = json.loads(path.read_text())["documents"][0]["passages"]
    assert [(p["offset"], p["text"], p["infons"]) for p in passages] == [
        (0, "Title", {"type": "title"}), (7, "Text", {"type": "abstract"})
    ]  # fmt: skip
    assert [a["text"] for p in passages for a in p["annotations"]] == ["Text"]
    over = note.with_(entities=(Entity(id="a", span=Span(7, 8), label="D"),
                                Entity(id="b", span=Span(0, 5), label="D")))  # fmt: skip
    write_notes([over], path)
    assert len(json.loads(path.read_text())["documents"][0]["passages"]) == 1, "order is kept"
    assert list(read_notes(path)) == [over]


def test_offsets_of_passages_that_count_escapes(tmp_path):
    path = tmp_path / "a.bioc.xml"
    path.write_text(
        "<collection><document><id>1</id>"
        "<passage><offset>0</offset><text>4&apos;-x</text></passage>"
        "<passage><offset>10</offset><text>Fever.</text><annotation id='a'>"
        "<location offset='5' length='5'/><text>Fever</text></annotation></passage>"
        "</document></collection>"
    )
    with pytest.raises(OffsetError, match=r"a.bioc.xml:1: "):
        list(read_notes(path))
    source = read_notes(path, repair=True)
    (note,) = source
    assert note.text == "4'-x\nFever."
    assert source.repairs == {"offset of a passage": 1}


def document(*passages):
    """Return a collection in BioC XML of passages given as (offset, text)."""
    inside = "".join(
        f"<passage><offset>{at}</offset><text>{text}</text></passage>" for at, text in passages
    )
    return f"<collection>\n<document><id>1</id>{inside}</document></collection>"


def texts(path, xml, *, repair=False):
    path.write_text(xml)
    return [note.text for note in read_notes(path, repair=repair)]


@pytest.mark.parametrize("repair", [False, True])
@pytest.mark.parametrize(
    "passages",
    [
        [(3_000_000_000, "")],
        [(10**12, "x")],
        [(0, "x"), (2**63, "x")],
        [("9" * 4_000, "x")],
        [(k * 200_000, "x") for k in range(9)],
        [(0, "x" * 200_000), (2_200_011, "x")],
    ],
)
def test_an_offset_is_a_claim_that_the_text_of_a_document_bounds(tmp_path, passages, repair):
    said = r"a.bioc.xml:2: passages of \d+ characters must leave at most \d+ between them, got an"
    with pytest.raises(DataError, match=said) as caught:
        texts(tmp_path / "a.bioc.xml", document(*passages), repair=repair)
    assert len(str(caught.value)) < 300


def test_an_offset_in_json_and_of_a_sentence_is_bounded_alike(tmp_path):
    path = tmp_path / "a.bioc.json"
    for passage in (
        {"offset": 10**12, "text": ""},
        {"offset": 0, "sentences": [{"offset": 10**12, "text": "x"}]},
    ):
        tree = {"documents": [{"id": "1", "passages": [passage]}]}
        path.write_text(json.dumps(tree))
        with pytest.raises(DataError, match=r"a.bioc.json:1: .* must leave at most 1048576"):
            list(read_notes(path))


@pytest.mark.parametrize(
    "passages",
    [
        [(1 << 20, "x")],
        [(0, "x"), (500_000, "y"), (1_000_000, "z")],
        [(0, "x" * 200_000), (2_200_010, "x")],
    ],
)
def test_what_was_left_out_of_an_article_stays_a_gap(tmp_path, passages):
    (text,) = texts(tmp_path / "a.bioc.xml", document(*passages))
    for at, words in passages:
        assert text[at : at + len(words)] == words
    assert len(text) == passages[-1][0] + len(passages[-1][1])


def test_deep_json_in_an_infon_is_refused(tmp_path):
    deep = "[" * 100_000
    xml = document((0, "x")).replace("<id>1</id>", f'<id>1</id><infon key="clinnlp">{deep}</infon>')
    with pytest.raises(DataError, match=r"a.bioc.xml:2: a document must be of the form of BioC"):
        texts(tmp_path / "a.bioc.xml", xml)


@pytest.mark.parametrize("text", ['"text": "", ', ""])
def test_a_passage_may_leave_its_text_to_its_sentences(text, tmp_path):
    annotation = '{"id": "4", "text": "测试", "locations": [{"offset": 34, "length": 2}]}'
    sentences = (
        '[{"offset": 27, "text": "abcdefg", "annotations": []}, {"offset": 34, '
        f'"text": "测试Non-ASCII", "annotations": [{annotation}]}}]'
    )
    path = tmp_path / "everything.json"
    passage = f'{{"offset": 27, "infons": {{}}, {text}"sentences": {sentences}}}'
    path.write_text(f'{{"documents": [{{"id": "2", "passages": [{passage}]}}]}}')
    (note,) = read_notes(path)
    assert note.text == "\n" * 27 + "abcdefg测试Non-ASCII"
    assert note.sentences == (Span(27, 34), Span(34, 45))
    assert [note[e.span] for e in note.entities] == ["测试"]


FOUND = """<collection><document><id>1</id><passage><offset>0</offset>
<text>Rash due to sulfa.</text><annotation id="1"><infon key="type">Disease</infon>
<infon key="identifier">MESH:D1</infon><location offset="0" length="4"/><text>Rash</text>
</annotation><annotation id="2"><infon key="type">Chemical</infon>
<infon key="identifier">MESH:D2</infon><location offset="12" length="5"/><text>sulfa</text>
</annotation></passage>
<relation id="R1">%s</relation></document></collection>"""


def test_relations_of_pubtator_3_join_concepts(tmp_path):
    said = (
        '<infon key="score">0.9</infon><infon key="role1">Chemical|MESH:D2</infon><infon '
        'key="role2">Disease|MESH:D1</infon><infon key="type">Cause</infon><node refid="0" '
        'role="1"/>'
    )
    (tmp_path / "a.xml").write_text(FOUND % said)
    (note,) = read_notes(tmp_path / "a.xml")
    roles = {"Arg1": ("MESH:D2",), "Arg2": ("MESH:D1",)}
    assert note.relations == (Relation(id="R1", label="Cause", roles=roles, score=0.9),)
    infons = {
        "type": "Cause", "score": "0.9", "role1": {"identifier": "MESH:D2", "type": "Chemical"},
        "role2": {"identifier": "MESH:D1", "type": "Disease"},
    }  # fmt: skip
    tree = {"id": "1", "passages": [{"offset": 0, "text": "Rash due to sulfa.", "annotations": []}]}
    link = {"id": "R1", "infons": infons, "nodes": [{"refid": "0", "role": "0,1"}]}
    (tmp_path / "a.json").write_text(json.dumps({"PubTator3": [{**tree, "relations": [link]}]}))
    (other,) = read_notes(tmp_path / "a.json")
    assert other.relations == note.relations
    for name in ("b.bioc.xml", "b.bioc.json"):
        write_notes([note], tmp_path / name)
        assert list(read_notes(tmp_path / name)) == [note]


@pytest.mark.parametrize(("refid", "is_known"), [("2", True), ("MESH:D2", True), ("9", False)])
def test_a_node_leads_to_something_of_its_document(tmp_path, refid, is_known):
    (tmp_path / "a.xml").write_text(FOUND % f'<node refid="1" role="a"/><node refid="{refid}"/>')
    if is_known:
        (note,) = read_notes(tmp_path / "a.xml")
        assert note.relations[0].roles == {"a": ("1",), "Arg2": (refid,)}
        return
    with pytest.raises(DataError, match=r"a\.xml:7: each node of a relation must be an annotation"):
        list(read_notes(tmp_path / "a.xml"))


def test_attributes_that_are_called_as_ends_come_back(tmp_path):
    ends = (Entity(id="a", span=Span(0, 4), label="x"), Entity(id="b", span=Span(5, 8), label="x"))
    link = Relation(
        id="R1",
        label="of",
        roles={"p": ("a",), "q": ("b",)},
        attributes={"role1": "u", "role2": "v"},
    )
    note = Note(id="n", text="Rash due", entities=ends, relations=(link,))
    write_notes([note], tmp_path / "n.bioc.xml")
    assert list(read_notes(tmp_path / "n.bioc.xml")) == [note]

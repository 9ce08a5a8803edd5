"""i2b2 2010 by line and token, 2014 by offsets."""

from clinnlp.core.notes import Assertion
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

TEXT = "Family history :\nCOPD , no chest\npain .\n"


def test_the_folders_of_the_shared_task(tmp_path):
    for folder, name, content in (
        ("txt", "d.txt", TEXT),
        ("concept", "d.con",
         'c="copd" 2:0 2:0||t="problem"\nc="chest pain" 2:3 3:0||t="problem"\n'),
        ("ast", "d.ast",
         ('c="copd" 2:0 2:0||t="problem"||a="associated_with_someone_else"\n'
         'c="chest pain" 2:3 3:0||t="problem"||a="absent"\n')),
        ("rel", "d.rel", 'c="chest pain" 2:3 3:0||r="PIP"||c="copd" 2:0 2:0\n'),
    ):  # fmt: skip
        (tmp_path / folder).mkdir()
        (tmp_path / folder / name).write_text(content)
    (note,) = read_notes(tmp_path / "txt", format="i2b2")
    assert [note[e.span] for e in note.entities] == ["COPD", "chest\npain"]
    assert [e.assertion for e in note.entities] == [
        Assertion(experiencer=True), Assertion(negated=True)
    ]  # fmt: skip
    assert note.relations[0].roles == {"Arg1": ("T2",), "Arg2": ("T1",)}
    write_notes([note], tmp_path / "out", format="i2b2")
    assert list(read_notes(tmp_path / "out")) == [note]
    assert (tmp_path / "out" / "d.rel").read_text() == (tmp_path / "rel" / "d.rel").read_text()


def test_tags_of_2014_with_and_without_a_place(tmp_path):
    (tmp_path / "d.xml").write_text(
        "<deIdi2b2><TEXT><![CDATA[Dr. Smith]]></TEXT><TAGS>"
        '<NAME id="P0" start="4" end="9" text="Smith" TYPE="DOCTOR" comment=""/>'
        '<SMOKER id="DOC0" status="past"/></TAGS></deIdi2b2>'
    )
    (note,) = read_notes(tmp_path)
    (entity,) = note.entities
    assert (entity.id, entity.span, entity.label) == ("P0", Span(4, 9), "DOCTOR")
    assert entity.attributes == {"category": "NAME"}
    (tag,) = note.relations
    assert (tag.label, tag.roles, tag.attributes) == ("SMOKER", {}, {"status": "past"})

"""A folder with a table of texts and one of spans; a table of spans alone is no notes."""

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.index import NoteIndex

TEXTS = "id,text,patient\nn1,💊 for fever,p\nn2,Well,q\n"

TSV = "Note_ID\tbegin\tstop\ttype\ttext\tcui\nn1\t6\t11\tProblem\tfever\tC1\nn3\t0\t1\tX\t\t\n"
SEMICOLONS = (
    "document_id;start_char;end_char;category;surface;concept\nn1;6;11;Problem;fever;C1\n"
    "n3;0;1;X;;\n"
)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("s.csv", "doc,start,end,label,mention,code\nn1,6,11,Problem,fever,C1\nn3,0,1,X,,\n"),
        ("s.tsv", TSV),
        ("s.csv", SEMICOLONS),
    ],
)  # fmt: skip
def test_two_tables(name, content, tmp_path):
    (tmp_path / "texts.csv").write_text(TEXTS)
    (tmp_path / name).write_text(content)
    source = read_notes(tmp_path)
    first, second = source
    assert repr(source) == "Notes(1 files, spans)"
    assert (first.patient, second.entities) == ("p", ())
    (entity,) = first.entities
    assert (entity.span, first[entity.span], entity.label) == (Span(6, 11), "fever", "Problem")
    assert entity.concepts == ("C1",)
    assert source.n_excluded == {"span of a text that is not in the table": 1}
    assert NoteIndex.build(source).note_at("n1") == first


def test_the_id_of_a_text_may_be_called_as_in_the_spans(tmp_path):
    (tmp_path / "t.csv").write_text("doc_id,text\n7,💊 for fever\n")
    (tmp_path / "s.csv").write_text("doc_id,start,end,label\n7,6,11,Problem\n")
    (note,) = read_notes(tmp_path)
    assert (note.id, note[note.entities[0].span]) == ("7", "fever")


def test_spans_that_are_not_their_text_are_refused_or_repaired(tmp_path):
    (tmp_path / "t.csv").write_text(TEXTS)
    (tmp_path / "s.csv").write_text("doc,start,end,label,mention\nn1,7,12,Problem,fever\n")
    with pytest.raises(OffsetError, match=r"s.csv:2: .* by the rule 'UTF-16'"):
        list(read_notes(tmp_path))
    source = read_notes(tmp_path, repair=True)
    assert next(iter(source)).entities[0].span == Span(6, 11)


@pytest.mark.parametrize(
    "header",
    ["doc,start,end,label,text", "id,begin,end,type,text", "text,start_offset,end_offset,label"],
)
def test_a_table_of_spans_alone_is_refused_by_name(header, tmp_path):
    (tmp_path / "a.csv").write_text(f"{header}\nx,0,1,y,z\n")
    with pytest.raises(DataError, match=r"a.csv: .* got a table of spans; put it into a folder"):
        list(read_notes(tmp_path / "a.csv"))


@pytest.mark.parametrize("column", ["entities", "spans", "ner_tags", "annotations"])
def test_a_column_of_mentions_is_refused_unless_columns_are_named(column, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(f"id,text,{column}\nn1,Fever,[]\n")
    with pytest.raises(DataError, match=rf"a.csv: .* got the column '{column}'"):
        list(read_notes(path))
    assert [n.text for n in read_notes(path, text="text", id="id")] == ["Fever"]


def test_a_label_that_is_a_list_of_spans_is_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text('id,text,label\nn1,Fever,"[{""start"":0,""end"":5}]"\n')
    with pytest.raises(DataError, match=r"a.csv:2: .* got a list of spans"):
        list(read_notes(path))

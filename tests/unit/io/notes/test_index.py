"""A note is read again from where it stands, unless its file has changed."""

import gzip
import json
import os

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.index import NoteIndex

NOTES = [
    Note(id=f"n{k}", text="é💊" * k + "x", entities=(Entity(id="T1", span=Span(0, 1), label="L"),))
    for k in range(4)
]


def written(tmp_path, name):
    path = tmp_path / name
    write_notes(NOTES, path, format=None if path.suffix else "brat")
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.pubtator", "brat"])
def test_every_note_comes_back(name, tmp_path):
    index = NoteIndex.build(read_notes(written(tmp_path, name)))
    index.save(tmp_path / "index.parquet")
    for each in (index, NoteIndex.load(tmp_path / "index.parquet")):
        assert [each.note_at(note.id) for note in reversed(NOTES)] == NOTES[::-1]
        assert list(each) == [note.id for note in NOTES]
        assert len(each) == 4
        assert "n1" in each
        assert "x" not in each
    with pytest.raises(ArgumentError, match=r"got the id 'x'"):
        index.note_at("x")


def test_a_table_is_read_again_as_it_was(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("sep=^\r\nk^t^d\r\n1^Größe^03/04/2024\r\n2^b^\r\n".encode("cp1252"))
    dialect = Dialect(encoding=None, day_first=True)
    notes = read_notes(path, dialect=dialect, id="k", text="t", time="d")
    NoteIndex.build(notes).save(tmp_path / "index.parquet")
    index = NoteIndex.load(tmp_path / "index.parquet")
    assert [index.note_at(note.id) for note in notes] == list(notes)
    assert str(index.note_at("1").time) == "2024-04-03 00:00:00"


def test_byte_offsets_with_mark_crlf_and_blank_lines(tmp_path):
    path = written(tmp_path, "a.jsonl")
    path.write_bytes(b"\xef\xbb\xbf\r\n" + path.read_bytes().replace(b"\n", b"\r\n\n"))
    index = NoteIndex.build(read_notes(path))
    assert [index.note_at(note.id) for note in NOTES] == NOTES


def test_several_files_and_columns(tmp_path):
    (tmp_path / "a.csv").write_text("k,t\n1,one\n2,two\n")
    (tmp_path / "b.csv").write_text("t,k\nthree,3\n")
    index = NoteIndex.build(read_notes(tmp_path, text="t", id="k"))
    assert [index.note_at(k).text for k in "321"] == ["three", "two", "one"]
    assert repr(index) == "NoteIndex(3 notes in 2 files)"


@pytest.mark.parametrize("name", ["a.jsonl", "a.pubtator", "brat"])
def test_a_changed_file_is_refused(name, tmp_path):
    path = written(tmp_path, name)
    index = NoteIndex.build(read_notes(path))
    index.note_at("n1")
    file = path / "n1.ann" if name == "brat" else path
    raw = file.read_bytes()
    stat = file.stat()
    file.write_bytes(raw.replace(b"L", b"M"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns + 1_000_000))
    with pytest.raises(DataError, match=r"must be as it was when the index was built"):
        index.note_at("n1")
    file.write_bytes(raw)
    assert index.note_at("n1") == NOTES[1]
    (path / "n1.txt" if name == "brat" else path).unlink()
    with pytest.raises(DataError, match=r"must be as it was"):
        index.note_at("n1")


def test_only_an_index_loads(tmp_path):
    with pytest.raises(DataError, match=r"must be one that `save` wrote"):
        NoteIndex.load(tmp_path / "none.parquet")
    path = tmp_path / "a.parquet"
    write_notes([Note(id="a", text="")], path)
    with pytest.raises(DataError, match=r"must be one that `save` wrote"):
        NoteIndex.load(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda table, about: (table.drop_columns("line"), about),
        lambda table, about: (other(table, "at", [None] * 4), about),
        lambda table, about: (other(table, "at", ["x"] * 4), about),
        lambda table, about: (other(table, "at", [0, 1, 2, -1]), about),
        lambda table, about: (other(table, "file", [0, 0, 0, 7]), about),
        lambda table, about: (other(table, "id", [None, "n1", "n2", "n3"]), about),
        lambda table, about: (table, []),
        lambda table, about: (table, about | {"files": [["a"]]}),
        lambda table, about: (table, about | {"files": [[[], *about["files"][0][1:]]]}),
        lambda table, about: (table, about | {"files": [[[7], *about["files"][0][1:]]]}),
        lambda table, about: (table, about | {"files": [[["a"], "x", "", "a", False]]}),
        lambda table, about: (table, about | {"columns": {"text": 1}}),
        lambda table, about: (table, about | {"encoding": "none"}),
        lambda table, about: (table, about | {"encoding": None}),
        lambda table, about: (table, {k: v for k, v in about.items() if k != "repair"}),
    ],
)
def test_an_index_of_other_columns_or_words_is_refused(change, tmp_path):
    index, path = NoteIndex.build(read_notes(written(tmp_path, "a.jsonl"))), tmp_path / "i.parquet"
    index.save(path)
    table = pq.read_table(path)
    table, about = change(table, json.loads(table.schema.metadata[b"clinnlp.files"]))
    metadata = {"clinnlp.files": json.dumps(about)}
    pq.write_table(table.replace_schema_metadata(metadata), path)
    with pytest.raises(DataError, match=r"must be one that `save` wrote") as caught:
        NoteIndex.load(path)
    assert caught.value.__context__ is None


def test_a_place_behind_the_last_note_is_refused(tmp_path):
    index, path = NoteIndex.build(read_notes(written(tmp_path, "a.pubtator"))), tmp_path / "i"
    index.save(path)
    pq.write_table(other(pq.read_table(path), "at", [0, 9, 0, 0]), path)
    with pytest.raises(DataError, match="must hold the note at its place"):
        NoteIndex.load(path).note_at("n1")


def other(table, name, values):
    at = table.column_names.index(name)
    return table.set_column(at, name, pa.array(values))


def test_a_repeated_id_is_refused(tmp_path):
    path = tmp_path / "a.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"id":"a","text":""}\n'))
    source = read_notes([path, path])
    with pytest.raises(DataError, match=r"ids of notes must be unique"):
        NoteIndex.build(source)

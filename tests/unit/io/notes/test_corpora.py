"""Which format a path has."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS, find_format

PUBTATOR = "1|t|Title\n\n"


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.jsonl", "", "jsonl"),
        ("a.JSONL", "", "jsonl"),
        ("CDR.PubTator.txt", "", "pubtator"),
        ("a.PubTator", "", "pubtator"),
        ("corpus.txt", PUBTATOR, "pubtator"),
        ("corpus.txt", "\n" + PUBTATOR, "pubtator"),
        ("note.txt", "Chest pain", "brat"),
        ("note.txt", "", "brat"),
        ("a.ann", "", "brat"),
        ("a.iob", "", "conll"),
        ("a.tsv", "x\tB-Drug\n", "conll"),
        ("a.tsv", "id\ttext\n", "tsv"),
        ("a.csv", "", "csv"),
        ("a.parquet", "", "parquet"),
    ],
)
def test_format_of_a_file(name, content, expected, tmp_path):
    path = tmp_path / name
    path.write_text(content)
    assert find_format(path) == expected


def test_named_columns_make_a_tsv_a_table(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("x\tB-Drug\nfirst\tsecond\n")
    assert [n.text for n in read_notes(path, text="B-Drug")] == ["second"]
    assert [n.text for n in read_notes(path, format="tsv", text="x")] == ["first"]
    with pytest.raises(DataError, match=r"a tag such as 'O'"):
        list(read_notes(path))


def test_unknown_suffix_lists_the_formats(tmp_path):
    path = tmp_path / "a.docx"
    path.write_text("")
    with pytest.raises(DataError, match=r"got .docx; give format= one of jsonl") as caught:
        read_notes(path)
    assert all(name in str(caught.value) for name in FORMATS)
    with pytest.raises(DataError, match=r"got none; give format="):
        write_notes([], tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"format must be one of jsonl, .*, got 'docx'"):
        read_notes(path, format="docx")
    assert list(read_notes(path, format="csv")) == []


def test_what_lies_beside_files_of_a_format_is_counted(tmp_path):
    write_notes([Note(id="a", text="x")], tmp_path / "a.jsonl")
    (tmp_path / "b.txt").write_text("text")
    (tmp_path / "letter.docx").write_text("text")
    (tmp_path / ".hidden").write_text("text")
    (tmp_path / "ward").mkdir()
    notes = read_notes(tmp_path)
    for _ in range(2):
        assert [note.id for note in notes] == ["a"]
        assert list(notes.n_excluded.values()) == [3]
    (tmp_path / "a.jsonl").unlink()
    notes = read_notes(tmp_path)  # texts alone, with what lies below
    assert [note.id for note in notes] == ["b"]
    assert not notes.n_excluded


def test_missing_files_are_told_at_once(tmp_path):
    for more in ({}, {"format": "csv"}):
        with pytest.raises(DataError, match=r"a.csv: no such file"):
            read_notes(tmp_path / "a.csv", **more)
    with pytest.raises(ArgumentError, match=r"at least one file"):
        read_notes([])


def test_columns_are_checked_before_reading(tmp_path):
    path = tmp_path / "a.conll"
    path.write_text("")
    with pytest.raises(ArgumentError, match=r"for tables and JSON Lines only, got conll"):
        read_notes(path, text="note")
    with pytest.raises(ArgumentError, match=r"columns of notes are .*, got txt"):
        read_notes(path, txt="note")


def test_a_folder_of_tables_leaves_its_readme_alone(tmp_path):
    (tmp_path / "README.txt").write_text("about")
    (tmp_path / ".hidden.csv").write_text("x\n")
    (tmp_path / "a.csv").write_text("id,text\n1,a\n")
    (tmp_path / "b.jsonl").write_text('{"id":"2","text":"b"}\n')
    source = read_notes(tmp_path)
    assert [n.id for n in source] == ["1", "2"]
    assert repr(source) == "Notes(2 files, csv, jsonl)"
    assert [n.id for n in read_notes(tmp_path, format="jsonl")] == ["2"]
    assert [n.id for n in read_notes(tmp_path, format="brat")] == ["README"]
    assert [n.id for n in read_notes([tmp_path / "b.jsonl", tmp_path / "a.csv"])] == ["2", "1"]
    with pytest.raises(DataError, match=r"a folder must hold files of conll"):
        read_notes(tmp_path, format="conll")


def test_a_folder_of_plain_text(tmp_path):
    for name in ("b", "a"):
        (tmp_path / f"{name}.txt").write_text(name)
    assert [(n.id, n.text) for n in read_notes(tmp_path)] == [("a", "a"), ("b", "b")]


def test_an_empty_folder(tmp_path):
    with pytest.raises(DataError, match=r"a folder must hold files of jsonl"):
        read_notes(tmp_path)


def test_ids_are_unique_over_files(tmp_path):
    for name in ("a.jsonl", "b.jsonl"):
        write_notes([Note(id="n", text="")], tmp_path / name)
    with pytest.raises(DataError, match=r"b.jsonl:1: ids of notes must be unique, got 'n'"):
        list(read_notes(tmp_path))


def test_the_source_may_be_the_target(tmp_path):
    path = tmp_path / "a.jsonl"
    write_notes([Note(id="n", text="x")], path)
    assert write_notes((n.with_(kind="k") for n in read_notes(path)), path) == 1
    assert [n.kind for n in read_notes(path)] == ["k"]


def test_a_look_tells_what_a_shared_suffix_is(tmp_path):
    for name, content in (
        (
            "bioc-xml",
            '<?xml version="1.0"?><!DOCTYPE collection SYSTEM "x"><collection></collection>',
        ),
        ("ddi", '<document id="a">\n  <sentence id="b" text=""/></document>'),
        ("i2b2-xml", "<MEDDOCAN>\n<TEXT></TEXT><TAGS/></MEDDOCAN>"),
        ("xmi", '<?xml version="1.0"?><xmi:XMI a="b"/>'),
        ("bioc-json", '{\n"source": "",\n"documents": []}'),
        ("fhir", '{"resourceType": "Bundle", "entry": []}'),
        ("spl-adr", '[{"label_id": "a"}]'),
        ("phee-json", '{"id": "1", "context": "", "is_mult_event": false}'),
    ):
        path = tmp_path / f"a.{'xml' if content.startswith('<') else 'json'}"
        path.write_text(content)
        assert find_format(path) == name
    path.write_text('{"no": 1}')
    with pytest.raises(DataError, match=r"a \.json begins with must be of a known format"):
        find_format(path)

"""What is wrong with a file as a whole is never left out as a bad document, in any format."""

import gzip
import json
import lzma
import re
import shutil
from functools import cache

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.index import NoteIndex
from tests.common.error_chains import check_free_of
from tests.common.format_samples import CANARY, CLOSING, FOLDERS, FULL, GOOD

NOT_NOTES = {
    "prose": f"{CANARY} has a cough.\nAnd fever.\n\nNo chills.\n".encode(),
    "bytes": bytes(range(256)) * 9,
    "empty": b"",
    "blank": b"\n \n",
    "other": b"<note><to>a</to></note>",
    "list": b"[1, 2]\n[3]\n",
}
TABLES = {"csv": ",", "tsv": "\t"}
BOTH = {"brat", "i2b2"}  # the text beside the one's file is a note of the other, too
DOCCANO = {"doccano", "doccano-1.4"}  # one form, whose offsets count in two units
OTHERS = [
    (name, other)
    for name in FORMATS
    for other in (*FORMATS, *NOT_NOTES)
    if other != name and not {name, other} <= BOTH and not {name, other} <= TABLES.keys()
    if not (name in TABLES and other in ("mimic", "omop"))  # tables of notes by other names
    if not {name, other} <= DOCCANO
]
# without packing, the lines that are there are whole documents: no reader can know of more
WHOLE = ["bioc-xml", "bioc-json", "fhir", "spl-adr", "docbin", "parquet"]
PACKED = ["jsonl", "pubtator", "conll", "csv", "tsv", *WHOLE[:-2]]


def of_format(name, folder):
    """Return a file with a good document, or a folder of files with one."""
    path = folder / f"good-{name}"
    if name in GOOD:
        path.write_bytes((GOOD[name] + CLOSING.get(name, "")).encode())
    elif name in FOLDERS:
        path.mkdir()
        for file, content in FOLDERS[name].items():
            (path / file).write_text(content)
    else:
        write_notes([FULL[name]], path, format=name)
    return path


def refused(path, *, where=None, **how):
    """Check that a file is refused by its name, also where bad documents are left out."""
    for skip_bad in (True, False):
        with pytest.raises(DataError) as caught:
            list(read_notes(path, skip_bad=skip_bad, **how))
        assert str(where or path) in str(caught.value)
        check_free_of(CANARY, caught.value)
    return caught.value


@pytest.fixture(scope="module")
def a_file_of(tmp_path_factory):
    """Give a function from a format, or what is none, to a file of it, written once."""

    @cache
    def write(kind):
        folder = tmp_path_factory.mktemp("other")
        if kind in NOT_NOTES:
            path = folder / "file"
            path.write_bytes(NOT_NOTES[kind])
            return path
        path = of_format(kind, folder)
        return path if path.is_file() else min(path.iterdir())

    return write


@pytest.mark.parametrize("name", FORMATS)
def test_a_file_of_another_format_is_refused(name, a_file_of):
    others = [other for one, other in OTHERS if one == name]
    assert len(others) > 20
    for other in others:
        check_refused(name, other, a_file_of(other))


def check_refused(name, other, path):
    """What fails shows its arguments: the format, and that of the file."""
    source = read_notes(path, format=name, skip_bad=True)
    with pytest.raises(DataError) as caught:
        list(source)
    check_free_of(CANARY, caught.value)
    with pytest.raises(DataError):
        NoteIndex.build(source)


@pytest.mark.parametrize("name", ["bioc-xml", "fhir", "bioc-json", "spl-adr", "docbin", "parquet"])
@pytest.mark.parametrize("other", ["prose", "other", "list"])
def test_a_file_of_another_format_is_no_source_without_notes(name, other, tmp_path):
    path = tmp_path / "file"
    path.write_bytes(NOT_NOTES[other])
    with pytest.raises(DataError):
        list(read_notes(path, format=name))


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("id\\text", ["1\\a", "2\\b"]),  # a separator that is not looked for
        ("1{}a", ["2{}b", "3{}c"]),  # no header
        ("id{}body", ["1{}a", "2{}b"]),  # no column of text
        ("text{}text", ["1{}a", "2{}b"]),  # two
        ("id{}text", ["1;a", "2;b", "3;c"]),  # rows of another separator than the header's
    ],
)
def test_a_table_of_another_shape_is_refused(name, header, rows, tmp_path):
    path = tmp_path / f"notes.{name}"
    text = "".join(f"{line}\n" for line in (header, *rows)).replace("{}", TABLES[name])
    path.write_text(text.replace("a\n", f"{CANARY}\n"))
    refused(path)


@pytest.mark.parametrize("header", ["id;text", "id\ttext", "id|text", ";".join(["name"] * 40)])
def test_another_separator_is_said(header, tmp_path):
    path = tmp_path / "notes.csv"
    path.write_text(f"{header}\n1;{CANARY}\n")
    found = refused(path, text="text", id="id", dialect=Dialect(sep="^"))
    assert "name it as sep (--sep)" in str(found)


@pytest.mark.parametrize("name", [n for n in (*GOOD, *FOLDERS) if n not in ("fhir", "docbin")])
def test_text_of_another_encoding_is_refused(name, tmp_path):
    path = of_format(name, tmp_path)
    files = [path] if path.is_file() else sorted(path.iterdir())
    before = [f.read_text() for f in files]
    for file, text in zip(files, before, strict=True):
        plain = text.replace("💊", "c").replace("naïve", "naive").replace(' encoding="UTF-8"', "")
        file.write_bytes(plain.replace(CANARY, f"{CANARY}é").encode("latin-1"))
    with pytest.raises(DataError) as caught:
        list(read_notes(path, format=name, skip_bad=True))
    assert not caught.value.message.startswith("a document must be left"), "it names the fault"


@pytest.mark.parametrize("before", ["plain", "💊"])
def test_one_document_of_other_bytes_is_bad_where_another_shows_the_encoding(before, tmp_path):
    path = tmp_path / "notes.jsonl"
    lines = [f'{{"id":"{k}","text":"{text}"}}\n' for k, text in enumerate((before, "\udcff", "no"))]
    path.write_bytes("".join(lines).encode("utf-8", "surrogateescape"))
    source = read_notes(path, skip_bad=True)
    if before == "plain":
        with pytest.raises(DataError, match=r"notes.jsonl:2: text must be UTF-8"):
            list(source)
    else:
        assert [note.id for note in source] == ["0", "2"]
        assert [error.line for error in source.skipped] == [2]


@pytest.mark.parametrize("name", WHOLE)
def test_a_file_that_breaks_off_is_refused(name, tmp_path):
    path = of_format(name, tmp_path)
    path.write_bytes(path.read_bytes()[:-9])
    refused(path, format=name)


@pytest.mark.parametrize("name", PACKED)
@pytest.mark.parametrize("packed", [gzip, lzma], ids=["gz", "xz"])
def test_a_packed_file_that_breaks_off_is_refused(name, packed, tmp_path):
    path = tmp_path / f"notes.{'gz' if packed is gzip else 'xz'}"
    path.write_bytes(packed.compress(of_format(name, tmp_path).read_bytes())[:-9])
    assert "must be whole" in str(refused(path, format=name))


def test_a_quote_that_takes_rows_with_it_is_refused_and_one_in_its_row_is_not(tmp_path):
    path = tmp_path / "notes.csv"
    rows = ["1,é", '2,"a"b', "3,c", "4,d"]
    path.write_text("id,text\n" + "".join(f"{row}\n" for row in rows))
    source = read_notes(path, skip_bad=True)
    assert [note.id for note in source] == ["1", "3", "4"]
    assert [error.line for error in source.skipped] == [3]
    path.write_text("id,text\n" + "".join(f"{row}\n" for row in ["1,é", '2,"a', "3,c", '4,"d"']))
    assert refused(path).line == 3


def test_files_are_at_fault_one_by_one(tmp_path):
    write_notes([Note(id="1", text="a")], tmp_path / "a.jsonl")
    bad = tmp_path / "b.jsonl"
    bad.write_text(f"id,text\n2,{CANARY}\n")
    assert "got 2 bad ones" in str(list_refused(tmp_path))
    bad.write_text('{"id":"1","text":"again"}\n')  # one document: it may be bad alone
    source = read_notes(tmp_path, skip_bad=True)
    assert [note.text for note in source] == ["a"]
    assert len(source.skipped) == 1


def test_a_long_file_of_another_format_is_not_read_to_its_end(tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text("no json\n" * 5_000 + '{"id":"1","text":"a"}\n')
    source = read_notes(path, skip_bad=True)
    with pytest.raises(DataError, match="got 1000 bad ones"):
        list(source)
    assert len(source.skipped) == 1_000


def list_refused(path):
    with pytest.raises(DataError) as caught:
        list(read_notes(path, skip_bad=True))
    return caught.value


@pytest.mark.parametrize("command", ["inspect", "convert", "diff"])
@pytest.mark.parametrize("content", ["id\\text\n1\\a\n2\\b\n", "id,text\n", ""])
def test_commands_end_with_2_and_one_sentence(command, content, tmp_path, capsys):
    path, out = tmp_path / "notes.csv", tmp_path / "out.jsonl"
    path.write_text(content)
    more = {"convert": [out], "diff": [path]}.get(command, [])
    words = [command, path, *more, "--skip-bad", "--text-column", "text", "--id-column", "id"]
    assert main([str(word) for word in words]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"clinnlp: {path}")
    assert printed.err.count("\n") == 1
    assert not out.exists()


def test_a_source_without_notes_is_a_problem_to_inspect(tmp_path, capsys):
    path = tmp_path / "notes.jsonl"
    path.write_text("")
    assert main(["inspect", str(path)]) == 0
    assert "no problems" not in capsys.readouterr().out


def test_a_folder_of_files_with_one_that_breaks_off_names_that_one(tmp_path):
    for name in "ab":
        shutil.copyfile(of_format("bioc-xml", tmp_path), tmp_path / f"{name}.bioc.xml")
        (tmp_path / "good-bioc-xml").unlink()
    path = tmp_path / "b.bioc.xml"
    path.write_bytes(path.read_bytes()[:-9])
    assert re.match(re.escape(f"{path}:"), str(list_refused(tmp_path)))


def test_one_bad_document_is_left_out_and_listed(tmp_path, capsys):
    path = tmp_path / "notes.jsonl"
    lines = [{"id": "1", "text": "a"}, {"id": "2"}, {"id": "3", "text": "b"}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert main(["inspect", str(path), "--skip-bad"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("2 notes")
    assert "1 documents left out" in printed.err


@pytest.mark.parametrize(("name", "suffix"), [("brat", ".ann"), ("i2b2", ".con"), ("i2b2", ".ast")])
def test_marks_without_their_text_are_bad_alone(name, suffix, tmp_path):
    path = of_format(name, tmp_path)
    (path / f"b{suffix}").write_text(CANARY)
    with pytest.raises(DataError, match=f"each {suffix} must have its .txt"):
        list(read_notes(path, format=name))
    source = read_notes(path, format=name, skip_bad=True)
    assert [note.id for note in source] == ["a"]
    assert [error.path for error in source.skipped] == [path / f"b{suffix}"]

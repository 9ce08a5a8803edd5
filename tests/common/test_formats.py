"""Every reader and writer of notes: nothing lost, nothing read ahead, no text in an error."""

import os
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from clinnlp.core.errors import ArgumentError, DataError, OffsetError, RunError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.index import NoteIndex
from clinnlp.io.notes.sidecar import sidecar_path
from tests.common.error_chains import check_free_of
from tests.common.format_samples import (
    BROKEN,
    BROKEN_FOLDERS,
    CANARY,
    CLOSING,
    EMPTY,
    FOLDERS,
    FULL,
    GOOD,
    TEXT,
)

WRITTEN = [name for name, entry in FORMATS.items() if entry.write is not None]
BINARY = ("parquet", "docbin")
WHOLE = {"jsonl", "bioc-xml", "bioc-json", "docbin", "fhir", "spacy-json", "xmi", "cas-json"}
CASES = [(name, k) for name, cases in BROKEN.items() for k in range(len(cases))]
# what breaks a file off hides all that follows: to leave it out would be to lose that silently
BREAKS_OFF = {("bioc-xml", 0), ("bioc-xml", 7), ("bioc-json", 8)}
FOLDER_CASES = [(name, k) for name, cases in BROKEN_FOLDERS.items() for k in range(len(cases))]


def write_raw(name, folder, tail=""):
    """Write a good document and then `tail` in which a lone surrogate stands for a raw byte."""
    path = folder / f"notes.{name}"
    content = GOOD[name] + tail + CLOSING.get(name, "")
    path.write_bytes(content.encode("utf-8", "surrogateescape"))
    return path


def write_files(name, folder, more=()):
    """Write a folder with a good document and then more files."""
    for file, content in {**FOLDERS[name], **dict(more)}.items():
        (folder / file).write_bytes(content.encode("utf-8", "surrogateescape"))
    return folder


def check_private(error):
    check_free_of(CANARY, error)


def test_every_format_is_held_to_the_laws():
    assert set(FULL) == set(WRITTEN)
    assert set(GOOD) | set(FOLDERS) | set(BINARY) == set(FORMATS)
    assert all(len(cases) >= 3 for cases in (*BROKEN.values(), *BROKEN_FOLDERS.values()))


@pytest.mark.parametrize("name", WRITTEN)
def test_round_trip(name, tmp_path):
    notes = [FULL[name], EMPTY[name]]
    path = tmp_path / "out"
    assert write_notes(iter(notes), path, format=name) == 2
    source = read_notes(path, format=name)
    assert sorted(source, key=lambda note: note.id) == sorted(notes, key=lambda note: note.id)
    assert list(source) == list(source), "a second pass must open the file anew"
    assert not sidecar_path(path).exists()
    index = NoteIndex.build(source)
    assert [index.note_at(note.id) for note in notes] == notes


@pytest.mark.parametrize("name", WRITTEN)
def test_suffixes_name_the_format(name, tmp_path):
    for suffix in FORMATS[name].suffixes:
        path = tmp_path / f"a{suffix}"
        write_notes([FULL[name]], path)
        assert list(read_notes(path)) == [FULL[name]]


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in (*BINARY, *FOLDERS)])
@pytest.mark.parametrize("packed", [".gz", ".xz"])
def test_packed_round_trip(name, packed, tmp_path):
    path = tmp_path / f"out{FORMATS[name].suffixes[0]}{packed}"
    write_notes([FULL[name]], path)
    assert list(read_notes(path)) == [FULL[name]]
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match="compressed data must be whole"):
        list(read_notes(path))


@pytest.mark.parametrize("name", WRITTEN)
def test_no_notes(name, tmp_path):
    path = tmp_path / "out"
    assert write_notes([], path, format=name) == 0
    assert list(read_notes(path, format=name)) == []


@pytest.mark.parametrize("name", WRITTEN)
def test_a_sidecar_holds_the_rest(name, tmp_path):
    for other in FULL:
        folder = tmp_path / other
        folder.mkdir()
        check_sidecar(name, other, folder)


def check_sidecar(name, other, folder):
    """What fails shows its arguments: the format, and that of the note."""
    note = FULL[other].with_()
    path = folder / "out"
    refused = (name == "pubtator" and ("\r" in note.text or note.text.count("\n") > 1)) or (
        name == "omop" and not note.id.isdecimal()
    )
    if refused:
        with pytest.raises(DataError, match="the text or id of a note must fit") as caught:
            write_notes([note, EMPTY["jsonl"]], path, format=name, on_loss="sidecar")
        check_private(caught.value)
        assert not list(folder.iterdir())
        return
    write_notes([note, EMPTY["jsonl"]], path, format=name, on_loss="sidecar")
    source = read_notes(path, format=name)
    assert {n.id: n for n in source} == {note.id: note, "8": EMPTY["jsonl"]}
    assert NoteIndex.build(source).note_at(note.id) == note


def test_a_sidecar_is_refused_where_its_file_was_edited(tmp_path):
    path = tmp_path / "a.csv"
    write_notes([FULL["brat"]], path, on_loss="sidecar")
    path.write_text(path.read_text().replace("fever", "cough"))
    with pytest.raises(DataError, match=r"a.csv:2: note 'a': .* delete a.csv.sidecar.jsonl"):
        list(read_notes(path))
    write_notes([FULL["csv"]], path)
    assert list(read_notes(path)) == [FULL["csv"]], "a new file has no sidecar"


@pytest.mark.parametrize(("name", "k"), CASES)
def test_malformed(name, k, tmp_path):
    tail, line, kind = BROKEN[name][k]
    path = write_raw(name, tmp_path, tail)
    notes = iter(read_notes(path, format=name))
    assert next(notes).text.startswith(CANARY)  # a document at a time: it is not at fault
    with pytest.raises(DataError) as caught:
        list(notes)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{path}:{line}: ")
    check_private(caught.value)
    source = read_notes(path, format=name, skip_bad=True)
    if (name, k) not in BREAKS_OFF:
        check_skipped(source, caught.value)
        return
    with pytest.raises(DataError, match=re.escape(str(caught.value))):
        list(source)


@pytest.mark.parametrize(("name", "k"), FOLDER_CASES)
def test_malformed_in_a_folder(name, k, tmp_path):
    files, file, line, kind = BROKEN_FOLDERS[name][k]
    notes = iter(read_notes(write_files(name, tmp_path, files), format=name))
    next(notes)
    with pytest.raises(DataError) as caught:
        list(notes)
    assert type(caught.value) is kind
    assert str(caught.value).startswith(f"{tmp_path / file}:{line}: ")
    check_private(caught.value)
    check_skipped(read_notes(tmp_path, format=name, skip_bad=True), caught.value)


def check_skipped(source, error):
    """The good document is read, and what was wrong with the other is listed, on each pass."""
    for _ in range(2):
        assert len(list(source)) >= 1
        assert str(source.skipped[0]) == str(error)


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in BINARY])
def test_no_number_in_a_file_is_believed(name, tmp_path):
    """An offset, a length, a count is a claim: none makes a note larger than its files."""
    good = tmp_path / "good"
    if name in FULL:
        write_notes([FULL[name]], good, format=name)
    elif name in FOLDERS:
        good.mkdir()
        write_files(name, good)
    else:
        good = write_raw(name, tmp_path)
    for k, (file, content) in enumerate(with_other_numbers(good)):
        path = tmp_path / str(k)
        if good.is_dir():
            shutil.copytree(good, path)
        (path / file).write_bytes(content)
        for repair in (False, True):
            said = texts_or_refusal(read_notes(path, format=name, repair=repair))
            assert max(map(len, said)) <= max(1_000, len(content))


def texts_or_refusal(source):
    try:
        return [note.text for note in source]
    except DataError as error:
        return [str(error)]


def with_other_numbers(good):
    """Yield each file of `good` with one number in it too large, too long, or endless."""
    for path in sorted(good.iterdir()) if good.is_dir() else [good]:
        raw = path.read_bytes()
        for found in re.finditer(rb"(?<![\w.])\d+(?![\w.])", raw):
            for number in (b"1000000000000", b"9" * 5_000, b"1e999"):
                content = raw[: found.start()] + number + raw[found.end() :]
                yield (path.name if good.is_dir() else ""), content


@pytest.mark.parametrize("name", BINARY)
def test_malformed_binary(name, tmp_path):
    path = tmp_path / "a"
    write_notes([FULL[name]], path, format=name)
    whole = path.read_bytes()
    for broken in (whole[:-9], whole[: len(whole) // 2], CANARY.encode() * 9, whole[9:]):
        path.write_bytes(broken)
        with pytest.raises(DataError, match=re.escape(str(path))) as caught:
            list(read_notes(path, format=name))
        check_private(caught.value)


@pytest.mark.parametrize("name", GOOD)
def test_byte_order_mark_and_crlf(name, tmp_path):
    plain = write_raw(name, tmp_path)
    (tmp_path / "marked").mkdir()
    marked = tmp_path / "marked" / plain.name
    marked.write_bytes(b"\xef\xbb\xbf" + plain.read_bytes().replace(b"\n", b"\r\n"))
    assert list(read_notes(marked, format=name)) == list(read_notes(plain, format=name))


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_encodings(name, encoding, tmp_path):
    plain = write_raw(name, tmp_path)
    text = plain.read_text().replace("💊", "ß")
    plain.write_text(text)
    (tmp_path / "other").mkdir()
    other = tmp_path / "other" / plain.name
    other.write_text(text, encoding=encoding)
    given = {"encoding": encoding} if encoding == "latin-1" else {}
    assert list(read_notes(other, format=name, **given)) == list(read_notes(plain, format=name))


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="counts bytes read on Linux")
@pytest.mark.parametrize("name", [name for name in GOOD if name != "fhir"])  # text in base64
def test_no_more_than_one_document_is_read_ahead(name, tmp_path):
    long = GOOD[name].replace(TEXT, TEXT + " x" * 200_000)
    more = long.replace('"a"', '"b"').replace("1|", "2|").replace("\n1\t", "\n2\t")
    path = tmp_path / f"notes.{name}"
    path.write_text(long + more)
    notes = iter(read_notes(path, format=name))
    next(notes)
    assert position(path) < len(long) * 1.5 + 70_000


def position(path):
    """Return how far the file has been read."""
    for fd in Path("/proc/self/fd").iterdir():
        if fd.is_symlink() and os.path.realpath(fd) == str(path):
            said = Path("/proc/self/fdinfo", fd.name).read_text()
            return int(said.split()[1])
    raise AssertionError("the file must be open while notes are left")


@pytest.mark.parametrize("name", [n for n in WRITTEN if n not in WHOLE])
def test_losses_are_refused(name, tmp_path):
    lossy = FULL["brat" if name in ("csv", "tsv", "parquet", "conll") else "csv"]
    if name in ("doccano", "prodigy", "label-studio"):
        lossy = FULL["jsonl"]
    if name in ("omop", "i2b2-xml", "ddi", "i2b2"):
        lossy = FULL["conll"]
    with pytest.raises(DataError, match=f"note 'a': {name} cannot hold") as caught:
        write_notes([lossy], tmp_path / "out", format=name)
    assert CANARY not in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", WRITTEN)
def test_failure_leaves_nothing(name, tmp_path):
    def failing():
        yield FULL[name]
        raise OSError(28, "No space left on device")

    for on_loss in ("error", "sidecar"):
        with pytest.raises(RunError, match="the disk is full"):
            write_notes(failing(), tmp_path / "out", format=name, on_loss=on_loss)
        assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", WRITTEN)
def test_lone_surrogates_are_refused(name, tmp_path):
    with pytest.raises(DataError, match="surrogate") as caught:
        write_notes([Note(id="7", text=CANARY + "\ud83d")], tmp_path / "out", format=name)
    check_private(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", [name for name in WRITTEN if name in FOLDERS])
def test_an_existing_folder_is_kept(name, tmp_path):
    (tmp_path / "mine.txt").write_text("kept")
    with pytest.raises(ArgumentError, match="new or empty"):
        write_notes([FULL[name]], tmp_path, format=name)
    assert (tmp_path / "mine.txt").read_text() == "kept"


@pytest.mark.parametrize("name", [n for n in FORMATS if n not in WRITTEN])
def test_formats_that_are_only_read_say_so(name, tmp_path):
    with pytest.raises(ArgumentError, match="format to write must be one of jsonl, "):
        write_notes([], tmp_path / "out", format=name)


def test_repeated_ids_are_numbered_on_request(tmp_path):
    path = tmp_path / "a.pubtator"
    path.write_text("1|t|one\n\n1|t|two\n\n1|t|three\n")
    with pytest.raises(DataError, match=r"a.pubtator:3: ids of notes must be unique, got '1'"):
        list(read_notes(path))
    source = read_notes(path, number_repeated=True)
    assert [note.id for note in source] == ["1", "1#2", "1#3"]
    assert NoteIndex.build(source).note_at("1#3") == Note(id="1#3", text="three")


def test_offsets_are_repaired_on_request(tmp_path):
    path = tmp_path / "a.pubtator"
    path.write_text("1|t|é fever\n1\t3\t8\tfever\tD\t-1\n")
    with pytest.raises(OffsetError, match=r"by the rule 'bytes': read with repair"):
        list(read_notes(path))
    source = read_notes(path, repair=True)
    for _ in range(2):
        (note,) = source
        assert note[note.entities[0].span] == "fever"
        assert source.repairs == {"bytes": 1}
    assert NoteIndex.build(source).note_at("1") == note


@pytest.mark.parametrize("name", ["brat", "i2b2", "i2b2-xml"])
def test_an_id_that_is_too_long_for_a_file_is_refused(name, tmp_path):
    for length, on_loss in ((201, "error"), (5_000, "error"), (5_000, "sidecar")):
        note = replace(FULL[name], id="a" * length)
        with pytest.raises(DataError, match=r"at most 200 bytes|must fit its format"):
            write_notes([note], tmp_path / "out", format=name, on_loss=on_loss)
        assert not list(tmp_path.iterdir())
    note = replace(FULL[name], id="é" * 100)
    assert write_notes([note], tmp_path / "out", format=name) == 1
    assert [one.id for one in read_notes(tmp_path / "out", format=name)] == [note.id]

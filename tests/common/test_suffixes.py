"""What is written under a name is read back from it, and packed as the name says; or refused.

A name is refused in one sentence before any work: no note is read and nothing is left.
"""

import gzip
import lzma
from functools import partial
from itertools import product

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ClinnlpError
from clinnlp.core.notes import Note
from clinnlp.core.tables import EventTable
from clinnlp.features.entities import entity_table
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events, write_events
from clinnlp.io.tables.mentions import read_entity_table, write_entity_table
from clinnlp.report.blocks import Report
from clinnlp.report.write import write_report
from tests.common.format_samples import FOLDERS, FULL, GOOD

MAGIC = {".gz": b"\x1f\x8b", ".xz": b"\xfd7zXZ\x00"}
CASES = {"small": str.lower, "capital": str.upper, "mixed": str.title}
KNOWN = ["", ".gz", ".xz"]
ENDS = [
    *((packing, case) for packing in KNOWN for case in CASES),
    *((packing, "small") for packing in (".bz2", ".zip", ".7z", ".gz.xz", ".xz.gz", ".gz.gz")),
]
WRITTEN = [name for name, entry in FORMATS.items() if entry.write is not None]
SUFFIXES = [(name, suffix) for name in WRITTEN for suffix in FORMATS[name].suffixes or ("",)]


class Watched:
    """Notes that know whether they were read."""

    def __init__(self, *notes):
        self.notes, self.n_read = notes, 0

    def __iter__(self):
        for note in self.notes:
            self.n_read += 1
            yield note


def is_packed_as_named(path):
    if path.is_dir():
        return path.suffix.lower() not in MAGIC
    head = path.read_bytes()[:6]
    said = path.suffix.lower()
    return all(head.startswith(magic) == (suffix == said) for suffix, magic in MAGIC.items())


def refused_before_work(error, notes, folder):
    assert str(error).count("\n") == 0
    assert notes.n_read == 0
    assert not list(folder.iterdir())


def each_in_a_folder(check, folder, *axes):
    """Check every combination in a folder of its own; what fails shows its arguments."""
    for k, what in enumerate(product(*axes)):
        own = folder / str(k)
        own.mkdir()
        check(*what, own)


@pytest.mark.parametrize(("name", "suffix"), SUFFIXES)
def test_notes(name, suffix, tmp_path):
    each_in_a_folder(partial(check_notes, name, suffix), tmp_path, ENDS, (False, True))


def check_notes(name, suffix, ending, named, folder):
    packing, case = ending
    path = folder / (FULL[name].id + CASES[case](suffix + packing))
    form = name if named or not suffix else None
    notes = Watched(FULL[name])
    packs = FORMATS[name].packs
    if packing and not (packs and packing in KNOWN):
        with pytest.raises(ClinnlpError) as caught:
            write_notes(notes, path, format=form)
        refused_before_work(caught.value, notes, folder)
        return
    assert write_notes(notes, path, format=form) == 1
    assert path.exists(), "what is written has the name that was given"
    assert is_packed_as_named(path)
    assert list(read_notes(path, format=form)) == [FULL[name]]


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize("packing", KNOWN)
def test_a_suffix_of_no_format_is_refused_or_read_by_name(name, packing, tmp_path):
    path = tmp_path / f"{FULL[name].id}.data{packing}"
    notes = Watched(FULL[name])
    with pytest.raises(ClinnlpError) as caught:
        write_notes(notes, path)
    refused_before_work(caught.value, notes, tmp_path)


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_read_is_written(name, tmp_path):
    """A file of another program: its name is read where it is written, and the other way round."""
    suffixes = FORMATS[name].suffixes
    each_in_a_folder(partial(check_read_as_written, name), tmp_path, suffixes, KNOWN, CASES)


def check_read_as_written(name, suffix, packing, case, folder):
    ending = CASES[case](suffix + packing)
    path = folder / f"a{ending}"
    raw = {"": bytes, ".gz": gzip.compress, ".xz": lzma.compress}[packing](
        a_file(name, folder, suffix)
    )
    path.write_bytes(raw)
    try:
        found = [note.text for note in read_notes(path)]
    except ClinnlpError:
        found = []
    (folder / "out").mkdir()
    accepts = FORMATS[name].write is not None and writes(FULL[name], folder / "out", ending)
    assert bool(found) == accepts or FORMATS[name].write is None
    assert found or packing, "a format reads its own suffix in any case"


def a_file(name, folder, suffix):
    """Return the bytes of a file of a format, and leave what belongs to it beside."""
    if name in ("brat", "i2b2", "xmi"):
        for file, content in FOLDERS[name].items():
            (folder / file).write_text(content)
        return (folder / file).read_bytes()
    if name in FULL:
        plain = folder / f"plain{suffix}"  # of FHIR it says whether a bundle or lines
        write_notes([FULL[name]], plain, format=name)
        return plain.read_bytes()
    return (GOOD[name] + {"spl-adr": "]"}.get(name, "")).encode()


def writes(note, folder, ending):
    try:
        return write_notes([note], folder / f"{note.id}{ending}") == 1
    except ClinnlpError:
        return False


@pytest.mark.parametrize("name", ["brat", "i2b2", "i2b2-xml", "ddi", "xmi"])
def test_files_of_a_folder_may_have_capital_suffixes(name, tmp_path):
    for file, content in FOLDERS[name].items():
        stem, _, suffix = file.partition(".")
        (tmp_path / f"{stem}.{suffix.upper()}").write_text(content)
    (tmp_path / "small").mkdir()
    for file, content in FOLDERS[name].items():
        (tmp_path / "small" / file).write_text(content)
    small = list(read_notes(tmp_path / "small", format=name))
    for path in (tmp_path / "small").iterdir():
        path.unlink()
    (tmp_path / "small").rmdir()
    assert list(read_notes(tmp_path, format=name)) == small
    assert len(small) == 1


@pytest.mark.parametrize("name", ["brat", "i2b2", "i2b2-xml", "ddi"])
def test_packed_files_in_a_folder_are_refused(name, tmp_path):
    for file, content in FOLDERS[name].items():
        (tmp_path / f"{file}.gz").write_bytes(gzip.compress(content.encode()))
    with pytest.raises(ClinnlpError, match="unpacked"):
        list(read_notes(tmp_path, format=name))


# --- tables ------------------------------------------------------------------------------------

FORMS = [".csv", ".tsv", ".parquet"]
MENTIONS = entity_table([FULL["jsonl"].with_(labels=())])
EVENTS = EventTable({"patient": ["p", "q"], "code": ["=1", "'=1"], "kind": ["drug", None]})
KINDS = {
    "mentions": (MENTIONS, write_entity_table, read_entity_table),
    "events": (EVENTS, write_events, read_events),
    "stream": (EVENTS, write_events, lambda path: EventTable.concat(stream_events(path))),
}


def equal(one, other):
    return all(list(map(repr, one[n])) == list(map(repr, other[n])) for n in type(one).SCHEMA)


@pytest.mark.parametrize("suffix", FORMS)
@pytest.mark.parametrize("kind", KINDS)
def test_tables(kind, suffix, tmp_path):
    each_in_a_folder(partial(check_table, kind, suffix), tmp_path, ENDS)


def check_table(kind, suffix, ending, folder):
    packing, case = ending
    table, write, read = KINDS[kind]
    path = folder / f"out{CASES[case](suffix + packing)}"
    if packing and (packing not in KNOWN or suffix == ".parquet"):  # which packs itself
        with pytest.raises(ClinnlpError) as caught:
            write(table, path)
        refused_before_work(caught.value, Watched(), folder)
        return
    write(table, path)
    assert is_packed_as_named(path)
    assert equal(read(path), table)


# --- commands ----------------------------------------------------------------------------------


@pytest.fixture
def notes(tmp_path):
    path = tmp_path / "in" / "notes.jsonl"
    path.parent.mkdir()
    write_notes([Note(id="a", text="On metformin.")], path)
    (path.parent / "words.csv").write_text("name\nmetformin\n")
    return path


OUTS = [
    "o.parquet.gz", "o.csv.zip", "o.csv.bz2", "o.csv.gz.gz", "o.7z", "o.zip", "o.gz", "o.xlsx",
    "o.bioc.json", "o.PARQUET.GZ",
]  # fmt: skip


@pytest.mark.parametrize("out", OUTS)
def test_extract_refuses_a_name_before_it_reads_notes(out, notes, tmp_path, capsys):
    missing = str(notes.parent / "none.jsonl")
    words = ["extract", missing, str(tmp_path / out)]
    notes.rename(missing)  # an unreadable line: if it were read, that would be said
    with open(missing, "a") as handle:
        handle.write("{\n")
    assert main([*words, "--vocabulary", str(notes.parent / "words.csv")]) == 2
    err = capsys.readouterr().err
    assert out in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("out", ["o.CSV.GZ", "o.Tsv.xz", "o.JSONL.GZ", "o.PARQUET", "o.Jsonl"])
def test_extract_writes_what_can_be_read(out, notes, tmp_path):
    path, words = tmp_path / out, str(notes.parent / "words.csv")
    assert main(["extract", str(notes), str(path), "--vocabulary", words]) == 0
    assert is_packed_as_named(path)
    if "jsonl" in out.lower():
        assert [len(note.entities) for note in read_notes(path)] == [1]
    else:
        assert list(read_entity_table(path)["text"]) == ["metformin"]


@pytest.mark.parametrize("out", ["r.HTML", "r.Md", "r.htm", "r"])
def test_reports(out, tmp_path):
    path = write_report(Report(title="t"), tmp_path / out)
    assert path == tmp_path / out
    assert path.exists()


@pytest.mark.parametrize("out", ["r.html.gz", "r.pdf", "r.zip"])
def test_score_refuses_the_name_of_a_report_before_it_scores(out, notes, tmp_path, capsys):
    words = ["score", str(notes), str(notes), "--report", str(tmp_path / out)]
    assert main(words) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in"]


@pytest.mark.parametrize("out", ["o.pdf", "o.jsonl.zip", "o.parquet.gz", "o.ann.gz"])
@pytest.mark.parametrize("command", ["next", "convert"])
def test_notes_of_commands_are_refused_before_work(command, out, notes, tmp_path, capsys):
    with open(notes, "a") as handle:
        handle.write("{\n")
    more = ["--model", str(tmp_path / "none")] if command == "next" else []
    assert main([command, str(notes), str(tmp_path / out), *more]) == 2
    err = capsys.readouterr().err
    assert "notes.jsonl" not in err
    assert "none" not in err
    assert err.count("\n") == 1
    assert [p.name for p in tmp_path.iterdir()] == ["in"]

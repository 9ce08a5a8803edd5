"""A packed file unpacks to no more than its size allows, wherever it is read."""

import gzip
import io
import lzma
import zipfile
import zlib

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.files import lines
from clinnlp.io.files.zips import open_in_zip, zip_names
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.event_stream import stream_events
from clinnlp.io.record.events import read_events
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from clinnlp.io.tables.wide import read_wide

CANARY = b"Zebraperson"
BLANKS = b" " * (1 << 20)
N_MIB = 3  # more than a packed file may hold in any case, as these tests have it
HEADS = {
    "jsonl": b'{"id":"a","text":"' + CANARY,
    "pubtator": b"1|t|" + CANARY,
    "conll": CANARY,
    "csv": b'id,text\na,"' + CANARY,
    "bioc.xml": b"<collection><document><id>a</id><passage><text>" + CANARY,
    "bioc.json": b'{"documents": [{"id": "' + CANARY,
    "fhir.json": b'{"resourceType": "Bundle", "entry": [{"id": "' + CANARY,
}


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(lines, "_LEAST_UNPACKED", 2 << 20)


def bomb(path, head, opener, n_mib=N_MIB):
    with opener(path, "wb") as handle:
        handle.write(head)
        for _ in range(n_mib):
            handle.write(BLANKS)
    assert 200 * path.stat().st_size < n_mib << 20
    return path


def check_refused(read, path, most=2):
    with pytest.raises(DataError, match=f"packed data must hold at most {most} MiB") as caught:
        read(path)
    assert str(caught.value).startswith(str(path))
    assert CANARY.decode() not in str(caught.value)


@pytest.mark.parametrize("suffix", HEADS)
def test_notes(suffix, tmp_path):
    path = bomb(tmp_path / f"a.{suffix}.gz", HEADS[suffix], gzip.open)
    check_refused(lambda path: list(read_notes(path)), path)


@pytest.mark.slow
def test_the_limit_as_it_is(tmp_path, monkeypatch):
    monkeypatch.undo()
    path = bomb(tmp_path / "a.jsonl.gz", HEADS["jsonl"], gzip.open, n_mib=65)
    check_refused(lambda path: list(read_notes(path)), path, most=64)


def test_xz(tmp_path):
    path = bomb(tmp_path / "a.jsonl.xz", HEADS["jsonl"], lzma.open)
    check_refused(lambda path: list(read_notes(path)), path)


@pytest.mark.parametrize(
    ("read", "name", "head"),
    [
        (read_events, "a.csv.gz", b'patient,code\na,"'),
        (lambda path: list(stream_events(path)), "a.csv.gz", b'patient,code\na,"'),
        (read_any_vocabulary, "a.csv.gz", b'name\n"'),
        (read_fhir, "a.json.gz", HEADS["fhir.json"]),
    ],
)
def test_records_and_tables(read, name, head, tmp_path):
    check_refused(read, bomb(tmp_path / name, head, gzip.open))


def test_a_file_that_is_as_large_as_it_looks_streams(tmp_path, monkeypatch):
    monkeypatch.setattr(lines, "_LEAST_UNPACKED", 1_000)
    path = tmp_path / "a.txt.gz"
    rows = [f"{k * 7919 % 100_003} words of a note\n" for k in range(20_000)]
    with gzip.open(path, "wt") as handle:
        handle.writelines(rows)
    assert path.stat().st_size > 50_000
    assert [line for _, line in lines.read_lines(path)] == rows


@pytest.mark.parametrize("packed", [".spacy", ".spacy.gz"])
def test_docbin(packed, tmp_path):
    path = tmp_path / f"a{packed}"
    raw = zlib.compress(BLANKS * N_MIB, 1)
    path.write_bytes(gzip.compress(raw) if packed.endswith("gz") else raw)
    check_refused(lambda path: list(read_notes(path)), path)


def test_a_docbin_of_one_long_word_named_often(tmp_path):
    from spacy.tokens import Doc, DocBin
    from spacy.vocab import Vocab

    word = "Zebra" * 20_000
    made = DocBin(attrs=["ORTH"], docs=[Doc(Vocab(), words=[word] * 100)])
    path = tmp_path / "a.spacy"
    path.write_bytes(made.to_bytes())
    with pytest.raises(DataError, match="no longer than its file may unpack to"):
        list(read_notes(path))


def test_a_docbin_of_more_tokens_than_bytes(tmp_path, monkeypatch):
    from spacy.tokens import Doc, DocBin
    from spacy.vocab import Vocab

    from clinnlp.io.notes import docbin

    monkeypatch.setattr(docbin, "_LEAST_TOKENS", 100)
    made = DocBin(attrs=["ORTH"], docs=[Doc(Vocab(), words=["x"] * 50_000)])
    (tmp_path / "a.spacy").write_bytes(made.to_bytes())
    with pytest.raises(DataError, match=r"must hold at most .* tokens"):
        list(read_notes(tmp_path / "a.spacy"))


def repeated(path, n_rows, names):
    """Write one text that each of many rows names."""
    one = pa.array(["Zebra" * 1_000])
    column = pa.DictionaryArray.from_arrays(pa.array([0] * n_rows, pa.int32()), one)
    pq.write_table(pa.table(dict.fromkeys(names, column)), path)
    assert path.stat().st_size < 10_000
    return path


@pytest.mark.parametrize(
    "read",
    [read_events, lambda path: list(stream_events(path)), read_any_vocabulary],
)
def test_parquet_that_names_a_text_often(read, tmp_path):
    path = repeated(tmp_path / "a.parquet", 1_000, ["patient", "code"])
    if read is read_any_vocabulary:
        path = repeated(tmp_path / "a.parquet", 1_000, ["name"])
    with pytest.raises(DataError, match=r"a.parquet.*(must hold \d+ bytes at most|unique)"):
        read(path)


def test_parquet_of_rows_that_take_no_byte(tmp_path):
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"patient": pa.nulls(1_000_000, pa.string())}), path)
    assert path.stat().st_size < 1 << 12
    for read in (read_events, lambda path: list(stream_events(path))):
        with pytest.raises(DataError, match=r"must hold \d+ bytes at most"):
            read(path)


def test_parquet_with_bytes_that_are_no_text(tmp_path):
    buffers = [None, pa.py_buffer(b"\0\0\0\0\2\0\0\0"), pa.py_buffer(b"\xff\xfe")]
    bad = pa.Array.from_buffers(pa.string(), 1, buffers)
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table({"patient": bad, "code": ["a"], "text": bad}), path)
    readers = (
        lambda path: read_events(path, patient="patient", code="code"),
        lambda path: list(read_notes(path)),
    )
    for read in readers:
        with pytest.raises(DataError, match=r"a.parquet:1: a Parquet file must be whole"):
            read(path)


# --- zip -----------------------------------------------------------------------------------


def test_zip_bombs(tmp_path):
    for name, read in (
        ("DEMO24Q1.TXT", read_faers),
        ("a.csv", lambda path: read_wide(path, ["a"])),
    ):
        path = tmp_path / f"{name}.zip"
        head = b"primaryid$caseid\n" if "DEMO" in name else b"a,b\n1,"
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
            packed.writestr(name, head + BLANKS * N_MIB)
        check_refused(read, path)


def zipped(path, content=b"a,b\n1,0\n", method=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", method) as packed:
        packed.writestr("a.csv", content)
    return path.read_bytes()


def damaged(raw):
    """Yield zip files that are encrypted, of an unknown method, cut, or of another content."""
    local, central = raw.index(b"PK\3\4"), raw.index(b"PK\1\2")
    encrypted, unknown, other = bytearray(raw), bytearray(raw), bytearray(raw)
    encrypted[local + 6] |= 1
    encrypted[central + 8] |= 1
    unknown[local + 8] = unknown[central + 10] = 99
    other[local + 40] ^= 0xFF
    yield from (encrypted, unknown, other)
    yield raw[: len(raw) // 2]
    yield raw[:local] + raw[local + 30 :]


def test_a_damaged_zip_is_refused(tmp_path):
    path = tmp_path / "a.zip"
    raw = zipped(path)
    assert read_wide(path, ["a"]).shape == (1, 1)
    for broken in damaged(raw):
        path.write_bytes(bytes(broken))
        with pytest.raises(DataError, match=r"a.zip.*must be (whole|packed plainly)"):
            read_wide(path, ["a"])


def test_names_in_a_zip_lead_nowhere(tmp_path):
    path = tmp_path / "a.zip"
    inner = tmp_path / "inner"
    inner.mkdir()
    for name in ("../../escaped.csv", "/tmp/escaped.csv", "x" * 5_000 + ".csv"):
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(name, "a,b\n1,0\n")
        assert read_wide(path, ["a"]).shape == (1, 1)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.zip", "inner"]


def test_two_files_of_one_name_are_refused(tmp_path):
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("DEMO24Q1.TXT", "primaryid$caseid\n1$1\n")
        with pytest.warns(UserWarning, match="Duplicate name"):
            packed.writestr("DEMO24Q1.TXT", "primaryid$caseid\n2$2\n")
    with pytest.raises(DataError, match="one name each"):
        zip_names(path)
    with pytest.raises(DataError, match="one name each"):
        read_faers(path)


def test_a_zip_is_read_as_it_lies(tmp_path):
    path = tmp_path / "a.zip"
    zipped(path, b"one\ntwo\n")
    assert zip_names(path) == {"a.csv": 8}
    with open_in_zip(path, "a.csv") as handle:
        assert isinstance(handle, io.BufferedReader)
        assert list(handle) == [b"one\n", b"two\n"]

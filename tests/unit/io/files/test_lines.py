"""Lines keep their ends; errors name the line and carry nothing of it."""

import gzip

import pytest

from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.io.files.lines import (
    byte_chunks,
    byte_lines,
    check_encoding,
    encode,
    open_bytes,
    read_lines,
    write_bytes,
)
from clinnlp.io.notes.documents import add_id


def test_only_newline_ends_a_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes("\ufeffone\r\ntwo\u2028still\x0c\rtwo\nthree".encode())
    assert list(read_lines(path)) == [
        (1, "one\r\n"),
        (2, "two\u2028still\x0c\rtwo\n"),
        (3, "three"),
    ]
    assert sum(len(raw) for _, raw in byte_lines(path)) == path.stat().st_size - 3


def test_invalid_utf8_names_the_line_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"fine\nsecret \xff person\n")
    lines = read_lines(path)
    assert next(lines) == (1, "fine\n")
    with pytest.raises(DataError, match=r"a.txt:2: text must be UTF-8") as caught:
        next(lines)
    assert caught.value.__context__ is None
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("suffix", ["", ".gz", ".xz"])
def test_packing_by_suffix(tmp_path, suffix):
    path = tmp_path / f"a.txt{suffix}"
    with write_bytes(path) as handle:
        handle.write(b"x\n" * 1000)
    assert (path.stat().st_size < 1000) == bool(suffix)
    with open_bytes(path) as handle:
        assert handle.read() == b"x\n" * 1000


def test_packed_bytes_are_the_same_each_time(tmp_path):
    for name in ("a.gz", "b.gz"):
        with write_bytes(tmp_path / name) as handle:
            handle.write(b"x")
    assert (tmp_path / "a.gz").read_bytes() == (tmp_path / "b.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.gz").read_bytes()) == b"x"


def test_damaged_packing_is_a_data_error(tmp_path):
    path = tmp_path / "a.gz"
    path.write_bytes(b"plain text\n")
    with pytest.raises(DataError, match=r"a.gz:1: compressed data must be whole"):
        list(byte_lines(path))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "latin-1", "cp1252"])
def test_other_encodings_become_utf8(tmp_path, encoding):
    path = tmp_path / "a.txt"
    text = "naïve\r\nañejo\n" + "ü" * 20_000 + "\u0085\n"
    if encoding == "cp1252":
        text = text.replace("\u0085", "€")
    path.write_bytes(text.encode(encoding))
    known = check_encoding("utf-8" if encoding == "utf-16" else encoding)
    assert "".join(line for _, line in read_lines(path, known)) == text
    assert b"".join(byte_chunks(path, known)) == text.encode()
    assert max(map(len, byte_chunks(path, known))) <= 1 << 16


def test_a_wrong_encoding_names_the_line_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"secret\n" + "naïve".encode())
    with pytest.raises(DataError, match=r"a.txt:1: text must be ascii") as caught:
        list(read_lines(path, "ascii"))
    assert "secret" not in str(caught.value)
    with pytest.raises(ArgumentError, match="encoding must be one that Python knows, got 'utf-9'"):
        check_encoding("utf-9")
    with pytest.raises(ArgumentError, match="got 'rot13'"):
        check_encoding("rot13")


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(DataError, match=r"no such file"):
        open_bytes(tmp_path / "none")
    with pytest.raises(DataError, match=r"got a folder"):
        open_bytes(tmp_path)


def test_a_full_disk_leaves_nothing(tmp_path):
    with pytest.raises(RunError, match=r"the disk is full"), write_bytes(tmp_path / "a.gz"):
        raise OSError(28, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_lone_surrogate_is_refused_without_its_text():
    with pytest.raises(DataError, match=r"note 'n1': text must be valid Unicode") as caught:
        encode("secret \ud800", note="n1")
    assert caught.value.__context__ is None


def test_an_id_may_stand_once(tmp_path):
    seen = set()
    add_id(seen, "n1", tmp_path, 1)
    with pytest.raises(DataError, match=r":7: ids of notes must be unique, got 'n1'"):
        add_id(seen, "n1", tmp_path / "a", 7)


def test_a_piece_that_cannot_be_read_is_told_by_its_line(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"x\n" * 40_000 + b"\xff")
    with pytest.raises(DataError, match=r"a.txt:32769: text must be ascii"):  # after 64 kB
        list(byte_chunks(path, "ascii"))


@pytest.mark.parametrize("mark", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("named", ["latin-1", "cp1252", "utf-8"])
def test_a_mark_at_the_head_wins_over_a_named_encoding(tmp_path, mark, named):
    path = tmp_path / "a.txt"
    path.write_bytes("été\n".encode(mark))
    assert list(read_lines(path, named)) == [(1, "été\n")]


@pytest.mark.parametrize("named", ["utf-32", "UTF_32"])
def test_the_mark_of_utf_32_is_not_that_of_utf_16(tmp_path, named):
    path = tmp_path / "a.txt"
    path.write_bytes("été\n".encode("utf-32"))
    assert list(read_lines(path, named)) == [(1, "été\n")]

"""Where each note stands, so that evidence is read again on demand and never kept in memory.

An index maps a note id to its file and, for uncompressed JSON Lines, the byte its line begins at;
for other formats the position of the note within the file. Each file's SHA-256 stands beside it:
a note of a file that has changed since is refused, because its offsets may mean something else.
"""

import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_path, file_sha256
from clinnlp.core.notes import Note
from clinnlp.io.brat import find_documents, read_brat_pair
from clinnlp.io.corpora import FORMATS, Notes
from clinnlp.io.jsonl import parse_note
from clinnlp.io.lines import add_id, byte_lines, decode

__all__ = ["NoteIndex"]

_KEY = b"clinnlp.files"


class _File(NamedTuple):
    path: str
    format: str
    sha256: str


class _Place(NamedTuple):
    file: int  # position in the list of files
    at: int  # byte of the line, or position of the note in the file
    line: int  # line of JSON Lines, else 0


class NoteIndex:
    """Note id to file and place; gives a note back, and refuses one whose file has changed.

    Made by `build` or `load`.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.io.corpora import read_notes, write_notes
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_notes([Note(id="n1", text="No cough.")], f"{folder.name}/notes.jsonl")
    1
    >>> index = NoteIndex.build(read_notes(f"{folder.name}/notes.jsonl"))
    >>> index.note_at("n1")
    Note(id='n1', n_chars=9, n_entities=0, n_relations=0)
    >>> folder.cleanup()
    """

    def __init__(
        self, files: list[_File], places: dict[str, _Place], columns: dict[str, str]
    ) -> None:
        self._files = files
        self._places = places
        self._columns = columns
        self._checked: dict[int, tuple[int, int]] = {}  # file to (size, time) when last hashed

    @classmethod
    def build(cls, notes: Notes) -> "NoteIndex":
        """Return the index of a source that `read_notes` made; reads every note once."""
        files: list[_File] = []
        places: dict[str, _Place] = {}
        seen: set[str] = set()
        for path, name in notes.files:
            for file, found in _files_of(path, name, notes.columns):
                files.append(file)
                for note_id, at, line in found:
                    add_id(seen, note_id, file.path, line or None)
                    places[note_id] = _Place(len(files) - 1, at, line)
        return cls(files, places, dict(notes.columns))

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, note_id: object) -> bool:
        return note_id in self._places

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __repr__(self) -> str:
        return f"NoteIndex({len(self._places)} notes in {len(self._files)} files)"

    def note_at(self, note_id: str) -> Note:
        """Return the note with this id, read again from its file.

        Raises
        ------
        ArgumentError
            No note of this id.
        DataError
            The file is gone or has changed since the index was built.
        """
        if note_id not in self._places:
            raise ArgumentError(f"a note must be in the index, got the id {note_id!r}")
        place = self._places[note_id]
        file = self._files[place.file]
        self._check(place.file)
        if place.line:
            with open(file.path, "rb") as handle:
                handle.seek(place.at)
                line = decode(handle.readline(), file.path, place.line)
            return parse_note(line, file.path, place.line)
        if file.format == "brat":
            return read_brat_pair(Path(file.path), note_id)
        found = FORMATS[file.format].read(Path(file.path), **self._columns)
        return next(islice(found, place.at, None))

    def save(self, path: str | Path) -> None:
        """Write the index as one Parquet file."""
        columns = {
            "id": pa.array(list(self._places), pa.string()),
            "file": pa.array([p.file for p in self._places.values()], pa.int32()),
            "at": pa.array([p.at for p in self._places.values()], pa.int64()),
            "line": pa.array([p.line for p in self._places.values()], pa.int64()),
        }
        about = {"files": [list(f) for f in self._files], "columns": self._columns}
        metadata = {_KEY: json.dumps(about, ensure_ascii=False).encode("utf-8")}
        with atomic_path(path) as temporary:
            pq.write_table(pa.table(columns).replace_schema_metadata(metadata), temporary)

    @classmethod
    def load(cls, path: str | Path) -> "NoteIndex":
        """Return an index that `save` wrote.

        Raises
        ------
        DataError
            No such file, or another one.
        """
        about: dict[str, Any] | None
        try:
            table = pq.read_table(path)
            about = json.loads(table.schema.metadata[_KEY])
        except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
            about = None
        if about is None:
            raise DataError("an index of notes must be one that `save` wrote", path=path)
        rows = zip(*(table[name].to_pylist() for name in ("id", "file", "at", "line")), strict=True)
        places = {note_id: _Place(*place) for note_id, *place in rows}
        return cls([_File(*file) for file in about["files"]], places, about["columns"])

    def _check(self, number: int) -> None:
        file = self._files[number]
        now = _state(file)
        if now is not None and self._checked.get(number) == now:
            return
        if now is None or _hash(file) != file.sha256:
            raise DataError(
                "the file must be as it was when the index was built, got a changed one; "
                "build the index again",
                path=file.path,
            )
        self._checked[number] = now


def _files_of(
    path: Path, name: str, columns: dict[str, str]
) -> Iterator[tuple[_File, Iterator[tuple[str, int, int]]]]:
    """Yield each file with (id, place, line) of its notes."""
    if name == "brat":
        for note_id, text in find_documents(path):
            yield _hashed(text, name), iter([(note_id, 0, 0)])
    elif name == "jsonl" and path.suffix.lower() not in (".gz", ".xz"):
        yield _hashed(path, name), _lines_of(path)
    else:
        notes = FORMATS[name].read(path, **columns)
        yield _hashed(path, name), ((note.id, k, 0) for k, note in enumerate(notes))


def _lines_of(path: Path) -> Iterator[tuple[str, int, int]]:
    at = path.stat().st_size - sum(len(raw) for _, raw in byte_lines(path))  # a byte-order mark
    for number, raw in byte_lines(path):
        if raw.strip():
            yield parse_note(decode(raw, path, number), path, number).id, at, number
        at += len(raw)


def _hashed(path: Path, name: str) -> _File:
    file = _File(str(path), name, "")
    return file._replace(sha256=_hash(file))


def _hash(file: _File) -> str:
    return "+".join(file_sha256(path) for path in _hashed_paths(file))


def _hashed_paths(file: _File) -> list[Path]:
    path = Path(file.path)
    ann = path.with_suffix(".ann")
    return [path, ann] if file.format == "brat" and ann.is_file() else [path]


def _state(file: _File) -> tuple[int, int] | None:
    """Return size and time of change, or None where the file is gone."""
    if not Path(file.path).is_file():
        return None
    stats = [path.stat() for path in _hashed_paths(file)]
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)

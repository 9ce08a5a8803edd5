"""Where each note stands, so that evidence is read again on demand and never kept in memory.

An index maps a note id to its file and, for uncompressed JSON Lines, the byte its line begins at;
for other formats the position of the document within the file. Each file's SHA-256 stands beside
it: a note of a file that has changed since is refused, because its offsets may mean something
else.
"""

import codecs
import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import atomic_path, file_sha256
from clinnlp.core.notes import Note
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import UTF_8, byte_lines, check_encoding, decode
from clinnlp.io.files.packing import packing
from clinnlp.io.files.source import Source
from clinnlp.io.notes.corpora import Notes
from clinnlp.io.notes.documents import Format, Reading
from clinnlp.io.notes.formats import FORMATS, check_format
from clinnlp.io.notes.jsonl import parse_note, stands_in_lines
from clinnlp.io.notes.sidecar import restored

__all__ = ["NoteIndex"]

_KEY = b"clinnlp.files"
_COLUMNS = pa.schema({"id": pa.string(), "file": pa.int32(), "at": pa.int64(), "line": pa.int64()})
# what another file than an index makes of its reading
_ERRORS = (
    *(pa.ArrowException, OSError, LookupError, AttributeError),
    *(TypeError, ValueError, RecursionError),
)


class _File(NamedTuple):
    paths: tuple[str, ...]
    format: str
    sha256: str
    root: str  # the file or folder that it was read from: its sidecar stands beside
    own: bool  # of one note alone


class _Place(NamedTuple):
    file: int  # position in the list of files
    at: int  # byte of the line, or position of the document in the file
    line: int  # line of JSON Lines, else 0


class NoteIndex:
    """Note id to file and place; gives a note back, and refuses one whose file has changed.

    Made by `build` or `load`.

    Parameters
    ----------
    files, places : list and dict
        The files with their sizes and hashes, and where in them each note id lies.
    columns, encoding, dialect, repair, layers
        How the notes were read, as for `clinnlp.read_notes`.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.io.notes.corpora import read_notes, write_notes
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_notes([Note(id="n1", text="No cough.")], f"{folder.name}/notes.jsonl")
    1
    >>> index = NoteIndex.build(read_notes(f"{folder.name}/notes.jsonl"))
    >>> index.note_at("n1")
    Note(id='n1', n_chars=9, n_entities=0, n_relations=0)
    >>> folder.cleanup()
    """

    def __init__(
        self,
        files: list[_File],
        places: dict[str, _Place],
        columns: dict[str, str],
        *,
        layers: Mapping[str, str] | None = None,
        encoding: str = UTF_8,
        dialect: Dialect | None = None,
        repair: bool = False,
    ) -> None:
        self._files = files
        self._places = places
        self._columns = columns
        self._layers = dict(layers or {})
        self._encoding = encoding
        self._dialect = dialect or Dialect(encoding=encoding)
        self._repair = repair
        self._formats: dict[str, Format] = {}  # by root, with what stands in its sidecar
        self._checked: dict[int, tuple[int, int]] = {}  # file to (size, time) when last hashed

    @classmethod
    def build(cls, notes: Notes) -> "NoteIndex":
        """Return the index of a source that `read_notes` made; reads every note once."""
        files: list[_File] = []
        places: dict[str, _Place] = {}
        reading = notes.reading()
        for path, name in notes.files:
            shared = -1
            plain = not notes.columns and _is_plain_jsonl(path, name, notes.encoding)
            starts = _line_starts(path) if plain else None
            form = restored(FORMATS[name], path)
            for at, document, note in form.documents(notes.source(path), reading):
                if document.files or shared < 0:
                    shared = len(files)
                    files.append(_hashed(document.files, name, path))
                if starts is not None and document.line is not None:
                    places[note.id] = _Place(shared, starts(document.line), document.line)
                else:
                    places[note.id] = _Place(shared, 0 if document.files else at, 0)
        reading.check_any(notes.files[0][0])
        repair = reading.repairs is not None
        how: dict[str, Any] = {"encoding": notes.encoding, "dialect": notes.dialect}
        return cls(files, places, dict(notes.columns), **how, repair=repair, layers=notes.layers)

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
        path = Path(file.paths[0] if file.own else file.root)
        if place.line:
            with open(path, "rb") as handle:
                handle.seek(place.at)
                line = decode(handle.readline(), path, place.line)
            return replace(parse_note(line, path, place.line, note_id), id=note_id)
        form = self._format(file)
        how: dict[str, Any] = {"dialect": self._dialect, "layers": self._layers}
        found = form.split(Source(path, self._encoding, self._columns, **how))
        document = next(islice(found, place.at, None), None)
        if document is None:
            raise DataError("the file must hold the note at its place in the index", path=path)
        if file.own:
            document = document._replace(name=note_id)
        reading = Reading(repairs=Counter() if self._repair else None)
        return replace(form.note_of(document, reading), id=note_id)

    def _format(self, file: _File) -> Format:
        if file.root not in self._formats:
            self._formats[file.root] = restored(FORMATS[file.format], Path(file.root))
        return self._formats[file.root]

    def save(self, path: str | Path) -> None:
        """Write the index as one Parquet file."""
        columns = {
            "id": list(self._places),
            **{name: [getattr(p, name) for p in self._places.values()] for name in _Place._fields},
        }
        about = {
            "files": [list(f) for f in self._files],
            "columns": self._columns,
            "encoding": self._encoding,
            "dialect": asdict(self._dialect),
            "repair": self._repair,
            "layers": self._layers,
        }
        metadata = {_KEY: json.dumps(about, ensure_ascii=False).encode("utf-8")}
        with atomic_path(path) as temporary:
            pq.write_table(pa.table(columns, _COLUMNS).replace_schema_metadata(metadata), temporary)

    @classmethod
    def load(cls, path: str | Path) -> "NoteIndex":
        """Return an index that `save` wrote.

        Raises
        ------
        DataError
            No such file, or another one.
        """
        refusal = DataError("an index of notes must be one that `save` wrote", path=path)
        with instead_of(_ERRORS, refusal):
            table = pq.read_table(check_file(path))
            about = json.loads(table.schema.metadata[_KEY])
            files = [_file_of(entry) for entry in about["files"]]
            columns = _words(about["columns"])
            return cls(
                files,
                _places_of(table, len(files)),
                columns,
                encoding=check_encoding(about["encoding"]),
                dialect=Dialect(**about.get("dialect", {"encoding": about["encoding"]})),
                repair=bool(about["repair"]),
                layers=_words(about.get("layers", {})),
            )

    def _check(self, number: int) -> None:
        file = self._files[number]
        now = _state(file)
        if now is not None and self._checked.get(number) == now:
            return
        if now is None or _hash(file) != file.sha256:
            raise DataError(
                "the file must be as it was when the index was built, got a changed one; "
                "build the index again",
                path=file.paths[0],
            )
        self._checked[number] = now


def _places_of(table: pa.Table, n_files: int) -> dict[str, _Place]:
    """Return the places in a table, which must all be some."""
    columns = table.select(_COLUMNS.names).cast(_COLUMNS).to_pydict()
    rows = zip(*(columns[name] for name in _COLUMNS.names), strict=True)
    places = {note_id: _Place(*place) for note_id, *place in rows}
    if None in places or not all(
        0 <= place.file < n_files and min(place) >= 0 for place in places.values()
    ):
        raise ValueError
    return places


def _file_of(entry: Any) -> _File:
    paths, name, sha256, root, own = entry
    _words(dict.fromkeys([*paths, sha256, root], name))
    check_format(name)
    return _File((paths[0], *paths[1:]), name, sha256, root, bool(own))


def _words(columns: Mapping[Any, Any]) -> dict[str, str]:
    if not all(isinstance(word, str) for pair in columns.items() for word in pair):
        raise TypeError
    return dict(columns)


def _is_plain_jsonl(path: Path, name: str, encoding: str) -> bool:
    """Return whether a line can be read by seeking to its byte."""
    if name != "jsonl" or encoding != UTF_8 or packing(path) or not stands_in_lines(path):
        return False
    with path.open("rb") as handle:
        return handle.read(2) not in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def _line_starts(path: Path) -> Callable[[int], int]:
    """Return a function from rising line numbers to the byte each line begins at."""
    lines = byte_lines(path)
    at = path.stat().st_size - sum(len(raw) for _, raw in byte_lines(path))  # a byte-order mark
    number = 0

    def start(wanted: int) -> int:
        nonlocal at, number
        for number, raw in lines:
            at += len(raw)
            if number == wanted:
                return at - len(raw)
        raise AssertionError("lines are asked for in rising order")

    return start


def _hashed(own: Sequence[Path], name: str, root: Path) -> _File:
    """Return the files of one document, or without those the files that all of a source share."""
    shared = sorted(p for p in root.iterdir() if p.is_file()) if root.is_dir() else [root]
    paths = tuple(str(path) for path in own or shared if path.is_file())
    file = _File(paths, name, "", str(root), bool(own))
    return file._replace(sha256=_hash(file))


def _hash(file: _File) -> str:
    return "+".join(file_sha256(path) for path in file.paths)


def _state(file: _File) -> tuple[int, int] | None:
    """Return size and time of change, or None where a file is gone."""
    paths = [Path(path) for path in file.paths]
    if not all(path.is_file() for path in paths):
        return None
    stats = [path.stat() for path in paths]
    return sum(s.st_size for s in stats), max(s.st_mtime_ns for s in stats)

"""Parquet in parts that survives a kill: nothing is done twice, nothing is lost but one part.

A folder holds ``manifest.json`` (what is written and with which settings), ``part-00000.parquet``,
``part-00001.parquet``, ... and, where notes were skipped, ``skipped.jsonl``. Each part is moved
into place whole and carries, in its own metadata, the ids of the notes it covers, with and
without rows, and those skipped. So rows and ids can never disagree, whenever the process dies.
While it is written the folder also holds ``.lock``: two processes that wrote into it would each
redo the notes of the other (see `core.locks`).
`clinnlp.io.tables.mentions.read_entity_table` reads such a folder.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.core.files import atomic_path, atomic_write
from clinnlp.core.locks import FileLock
from clinnlp.core.tables import EntityTable, Table
from clinnlp.io.tables.arrow import to_arrow

__all__ = ["PartWriter"]

_MANIFEST = "manifest.json"
_SKIPPED = "skipped.jsonl"
_LOCK = ".lock"
_KEY = b"clinnlp.notes"
_VERSION = 1


class PartWriter:
    """Writes rows by note into a folder of Parquet parts, and resumes where it was stopped.

    Use it as a context manager; the folder is locked inside, and the last part is written on
    leaving, also after an error, since each note added is whole.

    Parameters
    ----------
    folder : str or Path
        New, empty, or one that a `PartWriter` with the same settings has begun.
    kind : subclass of Table
        What the rows are.
    settings : mapping of str to JSON value
        Whatever decides the rows: model, vocabulary, versions, hash of the input.
    notes_per_part : int
        Notes in a part, ≥ 1: what a kill loses at most.

    Attributes
    ----------
    done : set of str
        Ids of the notes that need no work any more, skipped ones included.
    skipped : dict of str to str
        Id to type of error.

    Raises
    ------
    DataError
        The folder holds something else, or was begun with other settings (names which).
    RunError
        Another process writes into the folder.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> with PartWriter(folder.name, settings={"model": "m1"}) as writer:
    ...     writer.add("n1", EntityTable({}))
    >>> sorted(PartWriter(folder.name, settings={"model": "m1"}).done)
    ['n1']
    >>> folder.cleanup()
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        kind: type[Table] = EntityTable,
        settings: Mapping[str, Any] | None = None,
        notes_per_part: int = 1_000,
    ) -> None:
        if notes_per_part < 1:
            raise ArgumentError(f"notes_per_part must be at least 1, got {notes_per_part}")
        self.folder = Path(folder)
        self.kind = kind
        self.notes_per_part = notes_per_part
        self.done: set[str] = set()
        self.skipped: dict[str, str] = {}
        self._settings = _as_json(settings or {})
        self._rows: list[Table] = []
        self._ids: list[str] = []
        self._skips: dict[str, str] = {}
        self._n_parts = 0
        self._lock = FileLock(self.folder / _LOCK, what=f"the folder {self.folder}")
        self._check_own()
        with self._lock:
            self._open()

    def __repr__(self) -> str:
        return f"PartWriter({str(self.folder)!r}, {len(self.done)} notes done)"

    def __enter__(self) -> Self:
        self._begin()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            if not isinstance(error, RunError):  # a full disk would only fail again
                self.flush()
        finally:
            self._lock.free()

    def add(self, note_id: str, rows: Table) -> None:
        """Take the rows of one note, none or many, and write a part when enough are held."""
        self._take(note_id)
        self._rows.append(rows)
        self._flush_full()

    def skip(self, note_id: str, error: BaseException) -> None:
        """Record that a note failed; only its id and the type of the error are kept."""
        self._take(note_id)
        self._skips[note_id] = type(error).__name__
        self._flush_full()

    def flush(self) -> None:
        """Write what is held as one more part.

        Raises
        ------
        RunError
            The disk is full or may not be written, or the folder was removed or replaced; what was
            written before stays whole.
        """
        if not self._ids:
            return
        self._lock.check()
        table = to_arrow(self.kind.concat(self._rows))
        held = {"ids": self._ids, "skipped": self._skips}
        metadata = {_KEY: json.dumps(held, ensure_ascii=False).encode("utf-8")}
        with atomic_path(self.folder / f"part-{self._n_parts:05d}.parquet") as temporary:
            pq.write_table(table.replace_schema_metadata(metadata), temporary)
        self._n_parts += 1
        self.skipped.update(self._skips)
        if self._skips:
            self._write_skipped()
        self._rows, self._ids, self._skips = [], [], {}

    def _begin(self) -> None:
        """Lock the folder, and see what others have done since it was looked at."""
        if self._lock.is_held:
            return
        self._lock.take()
        try:
            self._open()
        except BaseException:
            self._lock.free()
            raise

    def _take(self, note_id: str) -> None:
        self._begin()
        if note_id in self.done:
            raise DataError("a note must be added once, got it again", note=note_id)
        self._ids.append(note_id)
        self.done.add(note_id)

    def _flush_full(self) -> None:
        if len(self._ids) >= self.notes_per_part:
            self.flush()

    def _check_own(self) -> None:
        """Refuse a folder of others before anything is written into it."""
        begun = (self.folder / _MANIFEST).is_file()
        if self.folder.is_file() or (
            self.folder.is_dir() and not begun and not all(map(_is_own, self.folder.iterdir()))
        ):
            raise DataError("must be new, empty, or begun by this writer", path=self.folder)

    def _open(self) -> None:
        """Begin the folder or take up what lies in it; the lock is held."""
        self.done, self.skipped, self._n_parts = set(), {}, 0
        manifest = self.folder / _MANIFEST
        begun = manifest.is_file()
        if begun:
            self._check_settings(_read_manifest(manifest))
        for left in self.folder.glob(".*.part"):  # of a writer that was killed
            left.unlink(missing_ok=True)
        if begun:
            self._resume()
            return
        with atomic_write(manifest) as handle:
            json.dump(self._manifest(), handle, indent=2, ensure_ascii=False)

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": "clinnlp parts",
            "version": _VERSION,
            "table": self.kind.__name__,
            "settings": self._settings,
        }

    def _check_settings(self, found: Mapping[str, Any]) -> None:
        mine = self._manifest()
        begun = found["settings"]
        differing = [key for key in ("format", "version", "table") if found.get(key) != mine[key]]
        differing += sorted(
            key
            for key in begun.keys() | self._settings.keys()
            if begun.get(key) != self._settings.get(key)
        )
        if differing:
            raise DataError(
                "resuming needs the settings the folder was begun with, got another "
                f"{', '.join(differing)}; use a new folder",
                path=self.folder,
            )

    def _resume(self) -> None:
        parts = sorted(self.folder.glob("part-*.parquet"))
        for part in parts:
            held = _read_ids(part)
            self.done.update(held["ids"])
            self.skipped.update(held["skipped"])
        self._n_parts = 1 + max((int(part.stem[5:]) for part in parts), default=-1)
        if self.skipped:
            self._write_skipped()

    def _write_skipped(self) -> None:
        with atomic_write(self.folder / _SKIPPED) as handle:
            handle.writelines(_skipped_lines(self.skipped.items()))


def _is_own(path: Path) -> bool:
    """Return whether a file may lie in a folder that a writer has just begun, or died in."""
    return path.name == _LOCK or (path.name.startswith(".") and path.suffix == ".part")


def _as_json(settings: Mapping[str, Any]) -> dict[str, Any]:
    try:
        plain: dict[str, Any] = json.loads(json.dumps(dict(settings)))
    except (TypeError, ValueError):
        plain = {}
    if len(plain) != len(settings):
        raise ArgumentError("settings must hold values of JSON only, got another type")
    return plain


def _skipped_lines(skipped: Iterable[tuple[str, str]]) -> Iterable[str]:
    for note_id, error in skipped:
        yield json.dumps({"id": note_id, "error": error}, ensure_ascii=False) + "\n"


def _read_manifest(path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(path.read_bytes())
    except ValueError:
        manifest = None
    if not isinstance(manifest, dict) or not isinstance(manifest.get("settings"), dict):
        raise DataError("the manifest must be one of this library, got another file", path=path)
    return manifest


def _read_ids(path: Path) -> dict[str, Any]:
    held: dict[str, Any] | None
    try:
        held = json.loads(pq.read_schema(path).metadata[_KEY])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
        held = None
    if held is None:
        raise DataError("a part must be one that this writer wrote, got another file", path=path)
    return held

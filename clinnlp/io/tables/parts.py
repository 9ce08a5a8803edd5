"""Parquet in parts that survives a kill: nothing is done twice, nothing is lost but one part.

A folder holds ``manifest.json`` (what is written and with which settings), ``part-00000.parquet``,
``part-00001.parquet``, ... and, where notes were skipped, ``skipped.jsonl``. Each part is moved
into place whole and carries, in its own metadata, the ids of the notes it covers, with and
without rows, and those skipped. So rows and ids can never disagree, whenever the process dies.
While it is written the folder also holds ``.lock``: two processes that wrote into it would each
redo the notes of the other (see `core.locks`).

A part also has a digest of each note, by which one that has changed under its id is known. Notes
from templates could be guessed and tested against a plain hash; this one needs the random key that
the manifest holds: who publishes parts keeps the manifest back. A note that is done again is first
taken out of its old part, so that it is never there twice, and after a kill in between not at all.
`clinnlp.io.tables.mentions.read_entity_table` reads such a folder.

References
----------
BLAKE2 with a key: RFC 7693
"""

import hashlib
import json
import re
import secrets
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.arrow import table_to_arrow
from clinnlp.core.columnar import Table
from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.core.files import atomic_path, atomic_write
from clinnlp.core.locks import FileLock
from clinnlp.core.places import LOCK, covered, leftovers, remove_leftovers
from clinnlp.core.tables import EntityTable

__all__ = ["NoteDone", "PartWriter"]

_MANIFEST = "manifest.json"
_SKIPPED = "skipped.jsonl"
_NOTES = b"clinnlp.notes"
_VERSION = 2  # 1 had no digests
_KEY_BYTES, _DIGEST_BYTES = 32, 16


@dataclass(slots=True)
class _Held:
    """What a part holds: of each note its rows, as many as `rows` says, and its digest."""

    ids: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)

    def add(self, note_id: str, n_rows: int, digest: str, error: str | None = None) -> None:
        self.ids.append(note_id)
        self.rows.append(n_rows)
        self.digests.append(digest)
        if error is not None:
            self.skipped[note_id] = error

    def without(self, ids: Collection[str]) -> "_Held":
        kept = _Held()
        for note_id, n_rows, digest in zip(self.ids, self.rows, self.digests, strict=True):
            if note_id not in ids:
                kept.add(note_id, n_rows, digest, self.skipped.get(note_id))
        return kept


class NoteDone(NamedTuple):
    """A note that needs no work any more: its rows, its digest, and its error where it failed."""

    id: str
    n_rows: int
    digest: str = ""
    error: str | None = None


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
        self._settings = _as_json(settings or {})
        self._lock = FileLock(self.folder / LOCK, what=f"the folder {self.folder}")
        self._forget()
        self._check_own()
        with self._lock:
            self._open()

    def _forget(self) -> None:
        """Set everything as in a folder that is new."""
        self.done: set[str] = set()
        self.skipped: dict[str, str] = {}
        self._key = secrets.token_bytes(_KEY_BYTES)
        self._before: dict[str, str] = {}  # note to digest, of earlier runs
        self._fresh: dict[str, str] = {}  # the same of this run, since it has last settled
        self._part_of: dict[str, int] = {}
        self._n_parts = 0
        self._rows: list[Table] = []
        self._held = _Held()  # of the part that is not yet written

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

    def digest(self, *parts: str | None) -> str:
        """Return a digest of what a note is made of, which nobody can repeat without the folder."""
        made = hashlib.blake2b(key=self._key, digest_size=_DIGEST_BYTES)
        for part in parts:
            raw = b"" if part is None else part.encode("utf-8", "surrogatepass")
            made.update(b"-" if part is None else b"%d:" % len(raw))
            made.update(raw)
        return made.hexdigest()

    def has(self, note_id: str, digest: str) -> bool:
        """Return whether a run before this one has done the note, and with this digest."""
        return self._before.get(note_id) == digest

    def add(self, note_id: str, rows: Table, *, digest: str = "") -> None:
        """Take the rows of one note, none or many, and write a part when enough are held.

        Where a run before has done the note with another digest, its rows of then are removed.
        """
        self._take(note_id, digest)
        self._held.add(note_id, len(rows), digest)
        self._rows.append(rows)
        self._flush_full()

    def skip(self, note_id: str, error: BaseException, *, digest: str = "") -> None:
        """Record that a note failed; only its id and the type of the error are kept."""
        self._take(note_id, digest)
        self._held.add(note_id, 0, digest, type(error).__name__)
        self._flush_full()

    def add_all(self, notes: Sequence[NoteDone], rows: Table) -> None:
        """Take several notes at once; `rows` holds those of all of them, in order.

        The parts are those that `add` and `skip` would have written, note by note.
        """
        for note in notes:
            self._take(note.id, note.digest)
        at = 0
        while notes:
            room = self.notes_per_part - len(self._held.ids)
            now, notes = notes[:room], notes[room:]
            end = at + sum(note.n_rows for note in now)
            self._rows.append(rows.take(np.arange(at, end)))
            for note in now:
                self._held.add(*note)
            at = end
            self._flush_full()

    def flush(self) -> None:
        """Write what is held as one more part.

        Raises
        ------
        RunError
            The disk is full or may not be written, or the folder was removed or replaced; what was
            written before stays whole.
        """
        if not self._held.ids:
            return
        self._drop(set(self._held.ids) & self._part_of.keys())
        self._write(self._n_parts, table_to_arrow(self.kind.concat(self._rows)), self._held)
        self._part_of.update(dict.fromkeys(self._held.ids, self._n_parts))
        self._n_parts += 1
        self.skipped.update(self._held.skipped)
        if self._held.skipped:
            self._write_skipped()
        self._fresh.update(zip(self._held.ids, self._held.digests, strict=True))
        self._rows, self._held = [], _Held()

    def settle(self) -> None:
        """Write what is held, and count it as of a run before: notes may come again, changed."""
        self.flush()
        self._before.update(self._fresh)
        self._fresh.clear()

    def keep_only(self, ids: Collection[str]) -> int:
        """Remove what is written of all other notes, and return of how many."""
        self._begin()
        self.flush()
        gone = self.done - set(ids)
        self._drop(gone)
        self.done -= gone
        return len(gone)

    def _drop(self, ids: set[str]) -> None:
        """Take notes out of the parts that hold them; what a stop breaks off can be done again."""
        for number in sorted({self._part_of[note_id] for note_id in ids & self._part_of.keys()}):
            path = self._part(number)
            held = _read_held(path) if path.exists() else _Held()
            kept = held.without(ids)
            if kept.ids:
                stay = np.repeat([note_id not in ids for note_id in held.ids], held.rows)
                self._write(number, pq.read_table(path, partitioning=None).filter(stay), kept)
            else:
                self._lock.check()
                path.unlink(missing_ok=True)
        skipped = self.skipped.keys() & ids
        for note_id in ids:
            self._part_of.pop(note_id, None)
            self.skipped.pop(note_id, None)
        if skipped:
            self._write_skipped()

    def _write(self, number: int, table: pa.Table, held: _Held) -> None:
        self._lock.check()
        metadata = {_NOTES: json.dumps(asdict(held), ensure_ascii=False).encode("utf-8")}
        with covered(self.folder), atomic_path(self._part(number)) as temporary:
            pq.write_table(table.replace_schema_metadata(metadata), temporary)

    def _part(self, number: int) -> Path:
        return self.folder / f"part-{number:05d}.parquet"

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

    def _take(self, note_id: str, digest: str) -> None:
        self._begin()
        if note_id in self.done and self._before.pop(note_id, digest) == digest:
            raise DataError("a note must be added once, got it again", note=note_id)
        self.done.add(note_id)

    def _flush_full(self) -> None:
        if len(self._held.ids) >= self.notes_per_part:
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
        self._forget()
        manifest = self.folder / _MANIFEST
        begun = manifest.is_file()
        if begun:
            self._check_settings(_read_manifest(manifest))
        if self._lock.is_sure:
            remove_leftovers(leftovers(self.folder, inside=True), self.folder)
        if begun:
            self._resume()
            return
        with covered(self.folder), atomic_write(manifest) as handle:
            json.dump(self._manifest(), handle, indent=2, ensure_ascii=False)

    def _manifest(self) -> dict[str, Any]:
        return {
            "format": "clinnlp parts",
            "version": _VERSION,
            "table": self.kind.__name__,
            "settings": self._settings,
            "key": self._key.hex(),
        }

    def _check_settings(self, found: Mapping[str, Any]) -> None:
        mine = self._manifest()
        begun = found["settings"]
        differing = [key for key in ("format", "version", "table") if found.get(key) != mine[key]]
        differing += [] if _is_key(found.get("key")) or differing else ["key"]
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
        self._key = bytes.fromhex(found["key"])

    def _resume(self) -> None:
        for path in sorted(self.folder.glob("part-*.parquet")):
            held, number = _read_held(path), int(path.stem[5:])
            self._before.update(zip(held.ids, held.digests, strict=True))
            self._part_of.update(dict.fromkeys(held.ids, number))
            self.skipped.update(held.skipped)
            self._n_parts = number + 1
        self.done = set(self._part_of)
        if self.skipped:
            self._write_skipped()

    def _write_skipped(self) -> None:
        with covered(self.folder), atomic_write(self.folder / _SKIPPED) as handle:
            handle.writelines(_skipped_lines(self.skipped.items()))


def _is_own(path: Path) -> bool:
    """Return whether a file may lie in a folder that a writer has just begun, or died in."""
    return path.name == LOCK or (path.name.startswith(".") and path.suffix == ".part")


def _is_key(key: Any) -> bool:
    return isinstance(key, str) and re.fullmatch(f"[0-9a-f]{{{2 * _KEY_BYTES}}}", key) is not None


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


def _read_held(path: Path) -> _Held:
    held: _Held | None
    try:
        held = _Held(**json.loads(pq.read_schema(path).metadata[_NOTES]))
        whole = len(held.ids) == len(held.rows) == len(held.digests)
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError):
        held, whole = None, False
    if held is None or not whole:
        raise DataError("a part must be one that this writer wrote, got another file", path=path)
    return held

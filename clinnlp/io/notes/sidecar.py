"""What a file's format cannot hold, beside it in ``<name>.sidecar.jsonl``: nothing is dropped.

A line is about one note::

    {"id": "n1", "written": "<sha256>", "note": {"patient": "p1", "relations": [...]}}

``note`` has the fields, as in JSON Lines, in which the note differs from what the file alone
gives back (null: the field is absent); ``written`` is the SHA-256 of that. Reading the file puts
the fields back; a file that was edited since has other content, and is refused with its sidecar
rather than mixed with it.

Which part fits into a format is found by writing and reading it back, so that the round trip
holds by construction; a format that knows what fits says so (`Format.fitting`), which is faster.
"""

import hashlib
import json
import shutil
from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from clinnlp.core.errors import DataError
from clinnlp.core.files import atomic_write, scratch_folder
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.io.files.lines import byte_lines, encode
from clinnlp.io.notes.documents import Format, Write
from clinnlp.io.notes.losses import find_losses
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = ["Sidecar", "restored", "sidecar_path", "with_sidecar"]

T = TypeVar("T")
Back = Callable[[Note], Note | None]
_SUFFIX = ".sidecar.jsonl"


def sidecar_path(path: Path) -> Path:
    """Return where the sidecar of a file or folder stands."""
    return path.with_name(path.name + _SUFFIX)


class Sidecar:
    """The lines of a sidecar, by note id; only where they begin is kept in memory."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int]] = {}  # id to (byte, line)
        at = 0
        for number, raw in byte_lines(path):
            line = self._parsed(raw, number)
            self._places[line["id"]] = at, number
            at += len(raw)

    @classmethod
    def beside(cls, path: Path) -> "Sidecar | None":
        """Return the sidecar of a file or folder, where there is one."""
        beside = sidecar_path(path)
        return cls(beside) if beside.is_file() else None

    def applied(self, note: Note) -> Note:
        """Return the note with what its format could not hold.

        Raises
        ------
        DataError
            The file is not as it was when the sidecar was written.
        """
        if note.id not in self._places:
            return note
        at, number = self._places[note.id]
        with open(self.path, "rb") as handle:
            handle.seek(at)
            line = self._parsed(handle.readline(), number)
        record = note_to_record(note)
        if _hash(record) != line["written"]:
            raise DataError(
                "a document must be as it was when its sidecar was written, got another; "
                f"delete {self.path.name} to read the document alone",
                note=note.id,
            )
        record.update(line["note"])
        return note_from_record({k: v for k, v in record.items() if v is not None})

    def _parsed(self, raw: bytes, number: int) -> dict[str, Any]:
        try:
            line = json.loads(raw)
            if {"id": str, "written": str, "note": dict} == {k: type(v) for k, v in line.items()}:
                return dict(line)
        except (ValueError, RecursionError, AttributeError):
            pass
        raise DataError(
            "a sidecar must be one that this library wrote", path=self.path, line=number
        )


def restored(form: Format, path: Path) -> Format:
    """Return a format that also puts back what stands in the sidecar of a file or folder.

    Raises
    ------
    DataError
        There is a sidecar, but not one that this library wrote.
    """
    sidecar = Sidecar.beside(path)
    if sidecar is None:
        return form
    return replace(form, parse=lambda document: sidecar.applied(form.parse(document)))


def with_sidecar(notes: Iterable[Note], path: Path, form: Format, write: Write) -> int:
    """Write notes, and what the format cannot hold of them beside it; return how many.

    Raises
    ------
    DataError
        The text or the id of a note cannot be written in this format at all.
    """

    def fitting(target: Path) -> Generator[Note]:
        n_lines = 0
        with atomic_write(sidecar_path(path), "wb") as handle:
            for note in notes:
                kept, line = _parts(note, lambda one: _read_back(one, target, write, form), form)
                if line:
                    n_lines += 1
                    handle.write(encode(line + "\n", note=note.id))
                yield kept
        if not n_lines:
            sidecar_path(path).unlink()
        # only now does the file of the notes appear: never without what it cannot hold

    with scratch_folder() as folder, closing(fitting(folder / path.name)) as kept:
        return write(kept, path)


def _parts(note: Note, back: Back, form: Format) -> tuple[Note, str]:
    """Return what a file can hold of a note, and the line of the sidecar for the rest."""
    kept = note if not find_losses(note, form.holds) else None
    found = back(kept) if kept else None
    if found is None or kept is None:
        kept = _largest(note, back, form)
        found = back(kept)
    if found is None:
        raise DataError("the text or id of a note must fit its format, got another", note=note.id)
    whole, alone = note_to_record(note), note_to_record(found)
    keys = [*whole, *(k for k in alone if k not in whole)]
    lost = {key: whole.get(key) for key in keys if whole.get(key) != alone.get(key)}
    if not lost:
        return kept, ""
    line = {"id": found.id, "written": _hash(alone), "note": lost}
    return kept, json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def _largest(note: Note, back: Back, form: Format) -> Note:
    """Return the note with as much as its format takes, mentions before relations."""
    holds = form.holds
    kept = _without_things(note, holds)
    kept = _without_what_does_not_fit(kept, back)
    whole: Sequence[Entity] = [e for e in note.entities if "entity.parts" in holds or not e.parts]
    if form.fitting is not None:
        whole = form.fitting(kept.with_(entities=tuple(whole)))
    for field, things, letter in (("entities", whole, "T"), ("relations", note.relations, "R")):
        if field in holds and things:
            kept = _with_most(kept, field, [_plain(t, holds) for t in things], letter, back)
    return kept


def _without_things(note: Note, holds: frozenset[str]) -> Note:
    """Return the note without mentions and relations, and without what a format does not hold."""
    empty = Note(id=note.id, text=note.text)
    lost = [field for field in find_losses(note, holds) if "." not in field]
    kept = replace(note, **{field: getattr(empty, field) for field in lost})
    return kept.with_(entities=(), relations=())


def _without_what_does_not_fit(note: Note, back: Back) -> Note:
    """Return the note without the first of its fields that are in the way, or without any."""
    for field in (None, "known", "kind", "time", "encounter", "patient"):
        empty: dict[str, Any] = {field: None} if field else {}
        note = replace(note, **empty)
        if back(note) is not None:
            return note
    return Note(id=note.id, text=note.text)


def _with_most(kept: Note, field: str, things: list[Any], letter: str, back: Back) -> Note:
    """Return the note with most of `things`, as they are, or else numbered and bare."""

    def with_some(some: list[Any]) -> Note:
        changes: dict[str, Any] = {field: tuple(some)}
        return replace(kept, **changes)

    def numbered(some: list[Any]) -> Note:
        bare = (replace(t, id=f"{letter}{k}", attributes={}) for k, t in enumerate(some, 1))
        changes: dict[str, Any] = {field: tuple(bare)}
        return replace(kept, **changes)

    best = kept
    for made in (with_some, numbered):
        found = _fitting(things, made, back)
        if len(found) == len(things):
            return made(found)
        if len(found) > len(getattr(best, field)):
            best = made(found)
    return best


def _fitting(candidates: list[T], made: Callable[[list[T]], Note], back: Back) -> list[T]:
    """Return candidates that fit together, by halving what does not."""

    def grown(kept: list[T], more: list[T]) -> list[T]:
        if not more or back(made(kept + more)) is not None:
            return kept + more
        if len(more) == 1:
            return kept
        half = len(more) // 2
        return grown(grown(kept, more[:half]), more[half:])

    return grown([], candidates)


def _plain(thing: Any, holds: frozenset[str]) -> Any:
    """Return an entity or relation without the fields that a format does not hold."""
    kind = "entity" if isinstance(thing, Entity) else "relation"
    empty: dict[str, Any] = {"attributes": {}, "score": None, "source": None}
    if kind == "entity":
        empty |= {"concepts": (), "assertion": Assertion()}
    return replace(thing, **{k: v for k, v in empty.items() if f"{kind}.{k}" not in holds})


def _read_back(note: Note, target: Path, write: Write, form: Format) -> Note | None:
    """Return the note as its format gives it back, or None where it cannot hold it."""
    try:
        write([note], target)
        return next(form.read(target), None)
    except DataError:
        return None
    finally:
        if target.is_dir():
            shutil.rmtree(target)
        else:
            target.unlink(missing_ok=True)


def _hash(record: dict[str, Any]) -> str:
    text = json.dumps(record, ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()

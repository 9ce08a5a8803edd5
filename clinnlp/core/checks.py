"""Checks of arguments: each returns the value or raises one clear sentence."""

from collections.abc import Collection, Iterable
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError, LeakageError
from clinnlp.core.notes import Note

__all__ = [
    "check_at_least",
    "check_disjoint",
    "check_file",
    "check_fraction",
    "check_level",
    "check_one_of",
    "check_reiterable",
    "check_several",
]


def check_at_least(value: float, low: float, *, name: str) -> None:
    """Raise `ArgumentError` unless ``value >= low``."""
    if not value >= low:
        raise ArgumentError(f"{name} must be at least {low}, got {value}")


def check_fraction(value: float, *, name: str) -> None:
    """Raise `ArgumentError` unless ``0 <= value <= 1``."""
    if not 0 <= value <= 1:
        raise ArgumentError(f"{name} must lie between 0 and 1, got {value}")


def check_level(level: float) -> None:
    """Raise `ArgumentError` unless `level` is the coverage of an interval, ``0 < level < 1``.

    Of 0 and of 1 an interval would be a point, or everything there is.
    """
    if not 0 < level < 1:
        more = "; 95 % is 0.95" if level > 1 else ""
        raise ArgumentError(f"level must lie strictly between 0 and 1, got {level}{more}")


def check_one_of(value: str, allowed: Collection[str], *, name: str) -> None:
    """Raise `ArgumentError` unless `value` is one of `allowed`."""
    if value not in allowed:
        raise ArgumentError(f"{name} must be one of {', '.join(sorted(allowed))}, got {value!r}")


def check_file(path: str | Path) -> Path:
    """Return `path` as a Path where it is an existing file.

    Raises
    ------
    DataError
        It does not exist, is a folder, or is no regular file: of a pipe or a device nobody knows
        how much will come, and it cannot be read twice.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError("a file is needed, got a folder", path=path)
    if path.exists() and not path.is_file():
        raise DataError("a file is needed, got a pipe or a device; save it as a file", path=path)
    if not path.is_file():
        raise DataError("no such file", path=path)
    return path


def check_reiterable(notes: Iterable[Note], *, name: str) -> None:
    """Raise `ArgumentError` for a one-shot iterator: training reads its notes several times."""
    if iter(notes) is notes:
        raise ArgumentError(
            f"{name} must be re-iterable (a list or read_notes(...)), got a one-shot iterator"
        )


def check_several(notes: object, *, name: str) -> None:
    """Raise `ArgumentError` for one note or one text: both can be iterated, by character."""
    if isinstance(notes, str | bytes | Note):
        raise ArgumentError(
            f"{name} must be several, got one {type(notes).__name__}; put it into a list"
        )


def check_disjoint(train: Iterable[Note], other: Iterable[Note], *, name: str) -> None:
    """Raise `LeakageError` where a note of `other` has the id or the text of a training note."""
    ids: set[str] = set()
    texts: set[int] = set()
    for note in train:
        ids.add(note.id)
        texts.add(hash(note.text))
    same_id = same_text = 0
    first = ""
    for note in other:
        hit_id, hit_text = note.id in ids, hash(note.text) in texts
        same_id, same_text = same_id + hit_id, same_text + hit_text
        first = first or (note.id if hit_id or hit_text else "")
    if same_id or same_text:
        raise LeakageError(
            f"no note of {name} may stand in train, got {same_id} with the same id and "
            f"{same_text} with the same text (first: {first!r}); drop them from train"
        )

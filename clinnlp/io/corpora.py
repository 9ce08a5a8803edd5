"""One door to every format of notes: `read_notes` and `write_notes`, by suffix or by name.

What `read_notes` returns is re-iterable: each ``iter()`` opens the files anew, and holds at most
one document at a time. Nothing is guessed silently: an unknown suffix is refused by naming the
formats.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.io.brat import HOLDS as BRAT_HOLDS
from clinnlp.io.brat import read_brat, write_brat
from clinnlp.io.conll import HOLDS as CONLL_HOLDS
from clinnlp.io.conll import looks_like_conll, read_conll, write_conll
from clinnlp.io.jsonl import read_jsonl, write_jsonl
from clinnlp.io.lines import read_lines
from clinnlp.io.losses import EVERYTHING, check_kept
from clinnlp.io.pubtator import HOLDS as PUBTATOR_HOLDS
from clinnlp.io.pubtator import read_pubtator, write_pubtator
from clinnlp.io.rows import FORMS
from clinnlp.io.tabular import COLUMNS, read_note_table, write_table
from clinnlp.io.tabular import HOLDS as TABLE_HOLDS

__all__ = ["FORMATS", "Format", "Notes", "find_format", "read_notes", "write_notes"]

Paths = str | Path | Sequence[str | Path]


class Format(NamedTuple):
    """How one format is recognised, read and written, and what it holds (`io.losses`)."""

    suffixes: tuple[str, ...]
    read: Callable[..., Iterator[Note]]
    write: Callable[[Iterable[Note], Path], int]
    holds: frozenset[str]


FORMATS: dict[str, Format] = {
    "jsonl": Format((".jsonl", ".ndjson"), read_jsonl, write_jsonl, EVERYTHING),
    "pubtator": Format(
        (".pubtator", ".pubtator.txt"), read_pubtator, write_pubtator, PUBTATOR_HOLDS
    ),
    "brat": Format((".ann",), read_brat, write_brat, BRAT_HOLDS),
    "conll": Format((".conll", ".iob", ".iob2", ".bio"), read_conll, write_conll, CONLL_HOLDS),
    **{
        form: Format(
            (f".{form}",),
            partial(read_note_table, form=form),
            partial(write_table, form=form),
            TABLE_HOLDS,
        )
        for form in FORMS
    },
}
_PACKED = (".gz", ".xz")
_PUBTATOR_HEAD = re.compile(r"\d+\|t\|")


class Notes:
    """A re-iterable source of notes over one or several files of one or several formats.

    Made by `read_notes`. Ids must be unique over all files.
    """

    def __init__(self, files: Sequence[tuple[Path, str]], columns: dict[str, str]) -> None:
        self.files = tuple(files)
        self.columns = dict(columns)

    def __iter__(self) -> Iterator[Note]:
        seen: set[str] = set()
        for path, name in self.files:
            yield from FORMATS[name].read(path, seen=seen, **self.columns)

    def __repr__(self) -> str:
        formats = sorted({name for _, name in self.files})
        return f"Notes({len(self.files)} files, {', '.join(formats)})"


def read_notes(source: Paths, *, format: str | None = None, **columns: str) -> Notes:
    """Return a re-iterable source of the notes in a file, a folder or a list of both.

    Parameters
    ----------
    source : path or list of paths
        Files may end in ``.gz`` or ``.xz``.
    format : str, optional
        A key of `FORMATS`; by suffix where absent.
    **columns : str
        For tables: which column is ``text``, ``id``, ``patient``, ``encounter``, ``time``,
        ``known``, ``kind``, ``label`` (see `clinnlp.io.tabular.read_table`).

    Raises
    ------
    DataError
        No such file, a suffix of no known format, or, while reading, a record that is wrong.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "notes.jsonl")
    >>> write_notes([Note(id="n1", text="No cough.")], path)
    1
    >>> [note.id for note in read_notes(path)]
    ['n1']
    >>> folder.cleanup()
    """
    _check_format(format)
    listed = [source] if isinstance(source, str | Path) else list(source)
    if not listed:
        raise ArgumentError("at least one file must be given, got none")
    files: list[tuple[Path, str]] = []
    for path in map(Path, listed):
        if path.is_dir():
            files += _in_folder(path, format, columns)
        elif format is not None:
            files.append((check_file(path), format))
        else:
            files.append((path, find_format(path, columns=bool(columns))))
    _check_columns(columns, files)
    return Notes(files, columns)


def write_notes(notes: Iterable[Note], path: str | Path, *, format: str | None = None) -> int:
    """Write notes to a file that appears only when whole, and return how many.

    Raises
    ------
    DataError
        A note that the format cannot hold, naming what; nothing is dropped silently.
    RunError
        The disk is full or may not be written.
    """
    _check_format(format)
    path = Path(path)
    name = format or by_suffix(path)
    if name is None:
        raise _unknown(path)
    kept = check_kept(notes, FORMATS[name].holds, name)
    return FORMATS[name].write(kept, path)


def find_format(path: str | Path, *, columns: bool = False) -> str:
    """Return the name of a file's format, by its suffix or, for ``.txt`` and ``.tsv``, a look.

    Parameters
    ----------
    path : str or Path
    columns : bool
        Whether the caller named columns, so that a ``.tsv`` can only be a table.

    Raises
    ------
    DataError
        No such file, or no known format.
    """
    path = check_file(path)
    name = _guess(path, columns=columns)
    if name is None:
        raise _unknown(path)
    return name


def _guess(path: Path, *, columns: bool) -> str | None:
    name = by_suffix(path)
    if name == "tsv" and not columns and looks_like_conll(path):
        return "conll"
    if name is None and path.suffix.lower() == ".txt":
        head = next((line for _, line in read_lines(path) if line.strip()), "")
        return "pubtator" if _PUBTATOR_HEAD.match(head) else "brat"
    return name


def by_suffix(path: Path) -> str | None:
    """Return the format that the name of a file stands for, packed or not, or None."""
    name = path.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    fits = [
        (len(suffix), known)
        for known, entry in FORMATS.items()
        for suffix in entry.suffixes
        if name.endswith(suffix)
    ]
    return max(fits)[1] if fits else None


def _in_folder(folder: Path, format: str | None, columns: dict[str, str]) -> list[tuple[Path, str]]:
    if format == "brat" or (format is None and next(folder.rglob("*.ann"), None) is not None):
        return [(folder, "brat")]
    files = sorted(p for p in folder.iterdir() if p.is_file() and not p.name.startswith("."))
    found = [(path, _guess(path, columns=bool(columns))) for path in files]
    named = [(path, name) for path, name in found if name is not None and format in (None, name)]
    marked = [(path, name) for path, name in named if name != "brat"]  # not just some text
    if not named:
        raise DataError(f"a folder must hold files of {format or _listed()}", path=folder)
    return marked or [(folder, "brat")]


def _check_format(format: str | None) -> None:
    if format is not None and format not in FORMATS:
        raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")


def _check_columns(columns: dict[str, str], files: Sequence[tuple[Path, str]]) -> None:
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    other = sorted({name for _, name in files if name not in FORMS})
    if columns and other:
        raise ArgumentError(f"columns can be named for tables only, got {', '.join(other)}")


def _listed() -> str:
    return ", ".join(f"{name} ({', '.join(f.suffixes)})" for name, f in FORMATS.items())


def _unknown(path: Path) -> DataError:
    return DataError(
        f"the suffix must be one of a known format, got {path.suffix or 'none'}; "
        f"give format= one of {_listed()}",
        path=path,
    )

"""Cells by the names of their columns, from the tables that stand in one folder."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.numbers import TOO_LARGE, TooLargeError, check_size
from clinnlp.core.times import time_from_text
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.packing import PACKINGS
from clinnlp.io.tables.rows import DELIMITERS, column_names, read_rows

__all__ = [
    "by_name",
    "by_name_if_there",
    "number_of",
    "plain_name",
    "plain_names",
    "table_path",
    "text_of",
    "time_of",
]

_SUFFIXES = (".parquet", *(f".{form}{p}" for form in DELIMITERS for p in ("", *PACKINGS)))
_QUOTING = ' "`[]'  # what databases put around names that are words of SQL, such as "offset"


def table_path(folder: Path, name: str) -> Path | None:
    """Return the file of a table in a folder, in any case and packing, else None."""
    wanted = {f"{name}{suffix}".lower() for suffix in _SUFFIXES}
    found = files_of(folder, (p for p in folder.iterdir() if p.name.lower() in wanted))
    return found[0] if found else None


def by_name(path: Path, wanted: Sequence[str]) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield the line and the named cells of each row, empty ones as None; case of names is free.

    Raises
    ------
    DataError
        A column that is missing, or as `read_rows`.
    """
    named = plain_names(path)
    for line, row in read_rows(path, [named.get(name.lower(), name) for name in wanted]):
        cells = (_text(cell, path, line) for cell in row)
        yield line, dict(zip(wanted, cells, strict=True))


def by_name_if_there(
    path: Path,
    wanted: Sequence[str],
    *,
    needed: Sequence[str],
    short: list[DataError] | None = None,
) -> Iterator[tuple[int, dict[str, str | None]]]:
    """Yield as `by_name`, where of the columns only the ids `needed` must be there.

    A row that is bad alone has no cells where a list `short` takes its error, as in `read_rows`.

    Raises
    ------
    DataError
        A needed column that is missing, or as `read_rows`.
    """
    there = plain_names(path)
    kept = [name for name in wanted if name in there or name in needed]
    empty: dict[str, str | None] = dict.fromkeys(wanted)
    for line, row in read_rows(path, [there.get(name, name) for name in kept], short=short):
        cells = (_text(cell, path, line) for cell in row)
        yield line, {**empty, **dict(zip(kept, cells, strict=bool(row)))}


def plain_names(path: str | Path) -> dict[str, str]:
    """Return the names of the columns by their small letters, without the quotes of a database."""
    return {plain_name(name): name for name in column_names(path)}


def plain_name(name: str) -> str:
    """Return the name of a column in small letters, without blanks and the quotes of a database."""
    return name.strip(_QUOTING).lower()


def _text(cell: Any, path: Path, line: int) -> str | None:
    if isinstance(cell, str):
        return cell or None
    said = "a cell must hold text, a number or a time, got another value"
    with instead_of(TypeError, DataError(said, path=path, line=line)):
        return text_of(cell)


def time_of(cell: str | None, column: str, path: Path, line: int) -> datetime | None:
    """Return a time without zone: one with a zone is turned into UTC.

    Raises
    ------
    DataError
        Not ISO 8601.
    """
    if cell is None:
        return None
    said = f"{column} must be a time in ISO 8601, got another form"
    with instead_of(ValueError, lambda _: DataError(said, path=path, line=line)):
        return time_from_text(cell)


def number_of(value: Any, what: str) -> float:
    """Return a number, or text that is one, as a float; NaN where the text says so.

    Raises
    ------
    DataError
        Another value, or one that is infinite or beyond 1e100.

    Examples
    --------
    >>> number_of("1e3", "a dose"), number_of(7, "a dose")
    (1000.0, 7.0)
    """
    with instead_of((ValueError, TypeError, OverflowError), DataError(f"{what} must be a number")):
        if isinstance(value, bool) or "_" in str(value):  # which Python takes as numbers
            raise TypeError
        number = float(value)
    with instead_of(TooLargeError, DataError(f"{what} must be finite, {TOO_LARGE}")):
        return check_size(number)


def text_of(value: Any) -> str | None:
    """Return a cell as text: a whole number without point, what is empty as None.

    Raises
    ------
    TypeError
        Bytes, or a list or another container.
    """
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bytes | list | tuple | dict | set):
        raise TypeError
    return None if value is None or value == "" else str(value)

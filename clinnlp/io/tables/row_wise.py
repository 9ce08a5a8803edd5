"""Tables read row by row where a column at a time fails: slower, and it names what is wrong.

A cell that is not of its type is refused by file, line, column and the form expected, and never
quoted. With a list for what is skipped, its row is left out instead.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, time
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, TypeVar

from clinnlp.core.cells import MISSING
from clinnlp.core.columnar import KNOWN, Table
from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.formulas import unguarded
from clinnlp.core.numbers import TOO_LARGE, TooLargeError
from clinnlp.core.times import end_of_day, is_day, naive_utc
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.dates import time_fault, time_reader
from clinnlp.io.tables.numbers import (
    RESULT_FORM,
    TWO_MEANINGS,
    AmbiguousNumberError,
    measurement_of,
    number_from_text,
)
from clinnlp.io.tables.rows import read_rows

__all__ = ["row_wise"]

T = TypeVar("T", bound=Table)
Read = Callable[[str], Mapping[str, Any]]

_MIDNIGHT = time()
_PART_ROWS = 100_000
_FLAGS = {"true": 1, "1": 1, "false": 0, "0": 0}


def row_wise(
    kind: type[T],
    path: Path,
    renamed: Mapping[str, str],
    *,
    dialect: Dialect,
    sep: str,
    guards: bool = False,
    skipped: list[DataError] | None = None,
    first: int = 0,
) -> Iterator[T]:
    """Yield the rows of a CSV or TSV file from row `first` on, as parts of a table.

    Raises
    ------
    DataError
        The first row that is wrong, where there is no list `skipped`.
    """
    cells = _readers(kind, renamed, dialect, sep, guards=guards)
    short: list[DataError] | None = None if skipped is None else []
    rows = read_rows(path, list(renamed.values()), dialect=dialect, short=short)
    made: list[dict[str, Any]] = []
    for line, row in islice(rows, first, None):
        failure = short.pop() if short else None
        if failure is None:
            try:
                made.append(_read(cells, row, path, line))
            except DataError as error:
                failure = error
        if failure is not None and skipped is None:
            raise failure from None
        if failure is not None and skipped is not None:
            skipped.append(failure)
        if len(made) == _PART_ROWS:
            yield _table(kind, made)
            made = []
    if made:
        yield _table(kind, made)


def _table(kind: type[T], rows: list[dict[str, Any]]) -> T:
    return kind({name: [row[name] for row in rows] for name in rows[0]})


def _read(
    cells: list[tuple[str, str, Read]], row: tuple[str, ...], path: Path, line: int
) -> dict[str, Any]:
    """Return the values of a row by the names of the schema."""
    made: dict[str, Any] = {}
    for (column, form, read), cell in zip(cells, row, strict=True):
        refusal = partial(_refusal, column, form, path, line)
        with instead_of(ValueError, refusal):  # which quotes the cell
            for name, value in read(cell).items():
                made[name] = value if made.get(name) is None else made[name]
    return made


def _refusal(column: str, form: str, path: Path, line: int, error: ValueError) -> DataError:
    must = f"column {column!r} must hold {form or 'ISO 8601 times'}"
    said = f"{must}, got another value" if form else time_fault(error, must)
    if isinstance(error, AmbiguousNumberError):
        said = f"{must}, {TWO_MEANINGS}"
    if isinstance(error, TooLargeError):
        said = f"{must}, {TOO_LARGE}"
    return DataError(said, path=path, line=line)


def _readers(
    kind: type[Table], renamed: Mapping[str, str], dialect: Dialect, sep: str, *, guards: bool
) -> list[tuple[str, str, Read]]:
    """Return of each column its name, its form in words (none: of times), and what reads a cell."""
    times = time_reader(dialect)
    numbers = partial(number_from_text, decimal=dialect.decimal, sep=sep)
    made: list[tuple[str, str, Read]] = []
    for name, column in renamed.items():
        how = kind.SCHEMA[name]
        if how == "text":
            made.append((column, "text", partial(_text, name, guards=guards)))
        elif how == "time":
            made.append((column, "", partial(_time, name, times)))
        elif how == "flag":
            made.append((column, "true, false or nothing", partial(_flag, name)))
        elif how == "int":
            made.append((column, "whole numbers", partial(_whole, name)))
        elif name == "value" and "comparator" in kind.SCHEMA:
            made.append((column, RESULT_FORM, partial(_measurement, dialect.decimal, sep)))
        else:
            made.append((column, "numbers", partial(_number, name, numbers)))
    return made


def _text(name: str, cell: str, *, guards: bool) -> dict[str, Any]:
    return {name: (unguarded(cell) if guards else cell) or None}


def _time(name: str, read: Callable[[str], datetime], cell: str) -> dict[str, Any]:
    if cell.strip().lower() in MISSING:
        return {name: None}
    moment = naive_utc(read(cell))
    if name == KNOWN and moment.time() == _MIDNIGHT and is_day(cell):
        moment = end_of_day(moment)
    return {name: moment}


def _flag(name: str, cell: str) -> dict[str, Any]:
    word = cell.strip().lower()
    if word and word not in _FLAGS:
        raise ValueError
    return {name: _FLAGS.get(word, -1)}


def _whole(name: str, cell: str) -> dict[str, Any]:
    return {name: int(cell)}


def _number(name: str, read: Callable[[str], float], cell: str) -> dict[str, Any]:
    missing = cell.strip().lower() in MISSING
    return {name: float("nan") if missing else read(cell)}


def _measurement(decimal: str | None, sep: str, cell: str) -> dict[str, Any]:
    return measurement_of(cell, decimal, sep)._asdict()

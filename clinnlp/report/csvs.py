"""Tables as CSV that a spreadsheet may open without harm.

A text cell, also one of the header, that a spreadsheet would run as a formula gets a leading
apostrophe (`core.formulas`, also on computers whose separator is a semicolon). Numbers are written
in full and are never changed. Undefined numbers and missing values are empty cells.
"""

import csv
import io
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pandas as pd

from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_write, check_apart, check_writable
from clinnlp.core.formulas import guarded, guarded_cells
from clinnlp.report.blocks import Block, Report, ReportSection
from clinnlp.report.cells import plain, value_text
from clinnlp.report.tables import table_of

__all__ = ["check_csv", "csv_tables", "frame_writer", "render_csv", "write_frame"]

_END = "\r\n"  # with it as its line end, `csv` quotes each cell that holds one of the two


def render_csv(block: Block) -> str:
    r"""Return the numbers of a block as CSV, all rows, the keys as header; RFC 4180 line ends.

    An `Estimate` becomes three columns, ``x, x_low, x_high``. A block of words gives ``""``.

    Examples
    --------
    >>> from clinnlp.report.blocks import BarPlot
    >>> render_csv(BarPlot(title="n", bars=(("=1+1", 3.0),)))
    "name,value\r\n'=1+1,3.0\r\n"
    """
    table = table_of(block)
    if table is None:
        return ""
    chosen = dict.fromkeys(key for c in table.shown for key in (c.key, c.low, c.high) if key)
    rows = [_spread(row, chosen) for row in table.rows]
    header = list(dict.fromkeys(key for base in chosen for key in _keys(base, rows)))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(map(guarded, header))
    writer.writerows([[_cell(row.get(key)) for key in header] for row in rows])
    return out.getvalue()


def write_frame(frame: pd.DataFrame, path: str | Path) -> None:
    """Write a DataFrame as CSV, whole or not at all.

    The bytes are those of ``frame.to_csv(index=False)``, but for text that a spreadsheet would run,
    and for a carriage return in a cell, which stands in quotes here.

    Raises
    ------
    RunError
        The disk is full or may not be written.
    """
    with frame_writer(path) as add:
        add(frame)


@contextmanager
def frame_writer(path: str | Path) -> Iterator[Callable[[pd.DataFrame], None]]:
    """Give what adds the rows of a DataFrame to a CSV, which appears when it is whole.

    All have the columns of the first, whose names are the header; else as `write_frame`.

    Raises
    ------
    RunError
        The disk is full or may not be written.
    """
    with atomic_write(path) as handle:
        n = 0

        def add(frame: pd.DataFrame) -> None:
            nonlocal n
            guarded = _guarded_frame(frame)
            guarded.to_csv(_Lines(handle), index=False, header=not n, lineterminator=_END)
            n += 1

        yield add


def csv_tables(report: Report) -> Iterator[tuple[str, str]]:
    """Yield (title, CSV) of every block of the report that holds numbers, in order."""
    yield from _walk(report.blocks, "table")


def _walk(blocks: tuple[Block, ...], title: str) -> Iterator[tuple[str, str]]:
    for block in blocks:
        if isinstance(block, ReportSection):
            yield from _walk(block.blocks, block.title)
        elif (table := table_of(block)) is not None:
            yield table.title or title, render_csv(block)


def _spread(row: Mapping[str, Any], chosen: Collection[str]) -> dict[str, Any]:
    """Return the chosen cells of a row, an estimate as three."""
    out: dict[str, Any] = {}
    for key, value in row.items():
        if key not in chosen:
            continue
        if isinstance(value, Estimate):
            out |= {key: value.value, f"{key}_low": value.low, f"{key}_high": value.high}
        else:
            out[key] = value
    return out


def _keys(base: str, rows: list[dict[str, Any]]) -> list[str]:
    """Return a column's key, and those of its interval where some row has an estimate there."""
    ends = [f"{base}_low", f"{base}_high"]
    return [base, *ends] if any(end in row for row in rows for end in ends) else [base]


def _cell(value: Any) -> Any:
    value = plain(value)
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return guarded(value_text(value, kind="code"))


class _Lines:
    """Takes rows that end in ``\\r\\n``, one at a time as `csv` gives them, and writes ``\\n``."""

    def __init__(self, handle: IO[str]) -> None:
        self._handle = handle

    def write(self, row: str) -> int:
        return self._handle.write(row.removesuffix(_END) + "\n")


def _guarded_frame(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with its text guarded; columns of another type are not looked at."""
    made = frame.set_axis(guarded_cells(list(frame.columns)), axis=1)
    for k, kind in enumerate(frame.dtypes):
        column = frame.iloc[:, k]
        if isinstance(kind, pd.CategoricalDtype):
            words = guarded_cells(kind.categories.tolist())
            made.isetitem(k, column.cat.rename_categories(words))
        elif pd.api.types.is_object_dtype(kind) or isinstance(kind, pd.StringDtype):
            cells = column.to_numpy(object)
            safe = guarded_cells(cells)
            if safe is not cells:
                made.isetitem(k, pd.Series(safe, index=frame.index, dtype=object))
    return made


def check_csv(path: str | Path, inputs: Iterable[str | Path], *, what: str) -> None:
    """Check that a table can be written to a path, before hours of work.

    Parameters
    ----------
    path : path
    inputs : iterable of path
        Files that must not be written over.
    what : str
        What the table is of, for messages.

    Raises
    ------
    ArgumentError
        Another suffix, or the file is an input.
    RunError
        It may not be written.
    """
    if Path(path).suffix.lower() != ".csv":
        raise ArgumentError(f"a table of {what} must be written to .csv, got {path}")
    check_writable(path)
    check_apart([path], inputs)

"""Tables as CSV that a spreadsheet may open without harm.

A text cell that a spreadsheet would run as a formula, because it begins with ``=``, ``+``, ``-``,
``@``, a tab or a line end, gets a leading apostrophe. Numbers are written in full and are
never changed. Undefined numbers and missing values are empty cells.

References
----------
OWASP, CSV Injection.
"""

import csv
import io
import math
from collections.abc import Iterator, Mapping
from typing import Any

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import Block, Report, Section
from clinnlp.report.cells import plain, value_text
from clinnlp.report.tables import table_of

__all__ = ["csv_tables", "render_csv"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


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
    chosen = {key for c in table.shown for key in (c.key, c.low, c.high)} - {""}
    rows = [_spread({k: v for k, v in row.items() if k in chosen}) for row in table.rows]
    order = [key for c in table.shown for key in (c.key, c.low, c.high) if key]
    header = list(dict.fromkeys(key for base in order for key in _keys(base, rows)))
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([_safe(key) for key in header])
    writer.writerows([[_cell(row.get(key)) for key in header] for row in rows])
    return out.getvalue()


def csv_tables(report: Report) -> Iterator[tuple[str, str]]:
    """Yield (title, CSV) of every block of the report that holds numbers, in order."""
    yield from _walk(report.blocks, "table")


def _walk(blocks: tuple[Block, ...], title: str) -> Iterator[tuple[str, str]]:
    for block in blocks:
        if isinstance(block, Section):
            yield from _walk(block.blocks, block.title)
        elif (table := table_of(block)) is not None:
            yield table.title or title, render_csv(block)


def _spread(row: Mapping[str, Any]) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in row.items():
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
    return _safe(value_text(value, kind="code"))


def _safe(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text

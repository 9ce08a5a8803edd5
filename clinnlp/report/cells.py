"""How a value is written: one rule for HTML, Markdown and the terminal.

Missing and undefined is a dash, infinity is ∞, counts have thousands separators, an interval
stands in brackets behind its value.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import Column

__all__ = [
    "DASH",
    "cell_parts",
    "cell_text",
    "estimate_parts",
    "is_number",
    "plain",
    "sort_key",
    "value_text",
]

DASH = "–"


def plain(value: Any) -> Any:
    """Return a numpy scalar as a Python value, anything else as it is."""
    return value.item() if hasattr(value, "item") and not getattr(value, "shape", ()) else value


def is_number(value: Any) -> bool:
    """Return whether a cell is set as a number: int, float or Estimate, not a flag."""
    value = plain(value)
    return isinstance(value, int | float | Estimate) and not isinstance(value, bool)


def value_text(value: Any, *, kind: str = "auto", digits: int = 3) -> str:
    """Return one value in words.

    Examples
    --------
    >>> value_text(12345), value_text(0.12345), value_text(float("nan")), value_text(3e-9, kind="p")
    ('12,345', '0.123', '–', '3.0e-9')
    """
    value = plain(value)
    if value is None:
        return DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Estimate):
        return " ".join(filter(None, estimate_parts(value, kind=kind, digits=digits)))
    if isinstance(value, int | float) and kind not in ("text", "code"):
        return _number(value, kind, digits)
    if isinstance(value, Iterable) and not isinstance(value, str | bytes):
        return ", ".join(_texts(value, kind)) or DASH
    return str(value)


def _texts(values: Iterable[Any], kind: str) -> Iterator[str]:
    if isinstance(values, Mapping):
        return (f"{k}: {value_text(v)}" for k, v in values.items())
    return (value_text(v, kind=kind) for v in values)


def cell_parts(row: Mapping[str, Any], column: Column) -> tuple[str, str]:
    """Return a table cell in words: its value, and its interval or ``""``."""
    value = plain(row.get(column.key))
    if column.low and isinstance(value, int | float):
        low, high = plain(row.get(column.low)), plain(row.get(column.high))
        if None not in (low, high):
            value = Estimate(value=value, low=low, high=high)
    if isinstance(value, Estimate):
        return estimate_parts(value, kind=column.kind, digits=column.digits)
    return value_text(value, kind=column.kind, digits=column.digits), ""


def cell_text(row: Mapping[str, Any], column: Column) -> str:
    """Return a table cell in words, with its interval where the column has one.

    Examples
    --------
    >>> cell_text({"f1": 0.8, "l": 0.7, "h": 0.9}, Column(key="f1", low="l", high="h"))
    '0.800 [0.700, 0.900]'
    """
    return " ".join(filter(None, cell_parts(row, column)))


def estimate_parts(e: Estimate, *, kind: str = "auto", digits: int = 3) -> tuple[str, str]:
    """Return an estimate's value and its interval in words, ``""`` where there is none."""
    if math.isnan(e.value):
        return DASH, ""
    value, low, high = (_number(float(v), kind, digits) for v in (e.value, e.low, e.high))
    return value, "" if math.isnan(e.low) and math.isnan(e.high) else f"[{low}, {high}]"


def sort_key(value: Any) -> str:
    """Return what a table sorts by where it differs from the cell's words, else ``""``."""
    value = plain(value)
    if isinstance(value, Estimate):
        value = value.value
    if not is_number(value):
        return ""
    return "" if math.isnan(value) else repr(value)


def _number(value: float, kind: str, digits: int) -> str:
    if math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if kind == "percent":
        return f"{100 * value:.{max(digits - 2, 0)}f} %"
    if kind == "p":
        return _p(value)
    if isinstance(value, int) or kind == "count":
        return f"{value:,.0f}".replace("-", "−")
    if abs(value) >= 10_000 or 0 < abs(value) < 0.5 * 10**-digits:
        return f"{value:.2e}".replace("e-0", "e-").replace("e+0", "e")
    return f"{value:.{digits}f}".replace("-", "−")


def _p(value: float) -> str:
    if value == 0:
        return "0"
    if value < 1e-4:
        return f"{value:.1e}".replace("e-0", "e-")
    return f"{value:.4f}"

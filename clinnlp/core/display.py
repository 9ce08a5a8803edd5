"""A value as a small piece of HTML, for the notebook that displays it.

What a noun shows of itself unasked is small and says no more than its `repr` may: ids and counts,
never the text of a note. There is no script and no style of its own, so that it takes the look of
the notebook; every word is escaped and its hidden characters are written out; a long table shows
its first rows and says how many there are. Pages for reading are the report's.
"""

import math
from collections.abc import Iterable, Mapping
from datetime import date
from html import escape
from itertools import islice
from typing import Any

from clinnlp.core.visible import visible

__all__ = ["N_ROWS", "display_html"]

N_ROWS = 20  # shown of a table
_LETTERS = 80  # of a cell
_DASH = "–"

Columns = Mapping[str, Iterable[Any]]


def display_html(
    title: str,
    *,
    facts: Mapping[str, Any] | None = None,
    columns: Columns | None = None,
    n_rows: int = 0,
    notes: Iterable[str] = (),
) -> str:
    """Return a title, a line of facts, a table and what a reader has to know, as HTML.

    Parameters
    ----------
    title : str
    facts : mapping of str to value, optional
    columns : mapping of str to iterable, optional
        Of the table: at most the first `N_ROWS` of each are shown.
    n_rows : int
        How many rows there are; more than are shown are told.
    notes : iterable of str
        Sentences under the table.

    Examples
    --------
    >>> print(display_html("Rules", facts={"m": 1200}, columns={"lift": [2.5, 1.25]}, n_rows=2))
    <div><strong>Rules</strong> · m 1,200
    <table>
    <thead><tr><th>lift</th></tr></thead>
    <tbody>
    <tr><td>2.5</td></tr>
    <tr><td>1.25</td></tr>
    </tbody></table></div>
    """
    head = [f"<strong>{_words(title)}</strong>"]
    head += [f"{_words(name)} {_cell(value)}" for name, value in (facts or {}).items()]
    parts = [" · ".join(head)]
    if columns and n_rows:
        parts += _table(columns)
    shown = min(n_rows, N_ROWS)
    more = [f"The first {shown:,} of {n_rows:,} rows."] if n_rows > shown and columns else []
    parts += [f"<br><small>{_words(sentence, 400)}</small>" for sentence in (*more, *notes)]
    return "<div>" + "\n".join(parts) + "</div>"


def _table(columns: Columns) -> list[str]:
    heads = "".join(f"<th>{_words(name)}</th>" for name in columns)
    rows = zip(*(islice(iter(values), N_ROWS) for values in columns.values()), strict=True)
    made = ["<tr>" + "".join(f"<td>{_cell(v)}</td>" for v in row) + "</tr>" for row in rows]
    return ["<table>", f"<thead><tr>{heads}</tr></thead>", "<tbody>", *made, "</tbody></table>"]


def _cell(value: Any) -> str:
    """Return a cell, escaped: missing is a dash, a set is its sorted members."""
    value = value.item() if hasattr(value, "item") else value
    if value is None:
        return _DASH
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, date):
        return str(value)
    if isinstance(value, frozenset | set):
        value = ", ".join(sorted(map(str, value)))
    return _words(str(value))


def _number(value: float) -> str:
    if math.isnan(value):
        return _DASH
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    return f"{value:,.4g}"


def _words(text: str, most: int = _LETTERS) -> str:
    return escape(visible(text if len(text) <= most else f"{text[: most - 1]}…"))

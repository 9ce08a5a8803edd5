r"""Text in a table that a spreadsheet would run as a formula, and how it is kept from that.

A cell is run where it begins with ``=``, ``+``, ``-`` or ``@``, their full-width forms, or blanks
and invisible characters before one of them; one that begins with a tab or a line end is treated
alike, as some programs drop these. Such a cell gets an apostrophe in front, which makes it text. So
that the apostrophe can be taken off again exactly where it was put on, a cell that already has
apostrophes before such a beginning gets one more:

=================  ==================
text               in the file
=================  ==================
``=1+1``           ``'=1+1``
``'=1+1``          ``''=1+1``
``'tis``, ``a-b``  the same
=================  ==================

Only text is looked at: a number is a number, whatever its sign. A table that is read again also
says in a column ``guarded`` in which columns of a row an apostrophe stands in front, so that one
that another program wrote is read as it is.

What is guarded is a cell as it is written, between commas or tabs. Where the settings of a computer
make a semicolon the separator, a spreadsheet that *opens* a comma-separated file cuts it elsewhere,
and a text such as ``a;=1`` gives a cell that begins with a sign: there a file has to be imported,
with the comma named as its separator, or Parquet be taken.

References
----------
OWASP, CSV Injection.
"""

import re
from collections.abc import Collection, Sequence
from typing import Any

__all__ = ["FORMULA", "GUARDED", "guarded", "guarded_cells", "is_guarded", "unguarded"]

GUARDED = "guarded"
"""The column that names, per row, the columns whose cell is guarded, with blanks between."""

# what a spreadsheet may skip in front: control characters, blanks, marks without width
_SKIPPED = (
    *(("\x00", " "), ("\x7f", "\xa0"), ("\u1680", "\u1680"), ("\u2000", "\u200f")),
    *(("\u2028", "\u202f"), ("\u205f", "\u206f"), ("\u3000", "\u3000"), ("\ufeff", "\ufeff")),
)
_SIGNS = "=+@＝＋－＠-"

FORMULA = f"'*(?:[{''.join(f'{first}-{last}' for first, last in _SKIPPED)}]*[{_SIGNS}]|[\t\r\n])"
"""How a text begins that is run or was guarded, for `re` and for RE2."""

_begins = re.compile(FORMULA).match
_FIRST = frozenset(
    {"'", *_SIGNS, *(chr(c) for a, b in _SKIPPED for c in range(ord(a), ord(b) + 1))}
)


def guarded(text: str) -> str:
    """Return text as it may stand in a table that a spreadsheet opens.

    Examples
    --------
    >>> guarded('=HYPERLINK("http://x")'), guarded("a = b"), guarded("")
    ('\\'=HYPERLINK("http://x")', 'a = b', '')
    """
    return f"'{text}" if text[:1] in _FIRST and _begins(text) else text


def unguarded(text: str) -> str:
    """Return the text that `guarded` was given.

    Examples
    --------
    >>> unguarded("'-5 kg"), unguarded("'tis"), unguarded(guarded("'=1"))
    ('-5 kg', "'tis", "'=1")
    """
    return text[1:] if text[:1] == "'" and _begins(text) else text


def is_guarded(names: Collection[str], ours: Collection[str]) -> bool:
    """Return whether a table with these columns is one of `ours` in which cells are guarded.

    Examples
    --------
    >>> is_guarded(["id", "text", "guarded"], ["id", "text"]), is_guarded(["text"], ["text"])
    (True, False)
    """
    return GUARDED in names and {*names} <= {*ours, GUARDED}


def guarded_cells(cells: Sequence[Any]) -> Sequence[Any]:
    """Return the cells of a column, text `guarded` and all else as it is.

    Returns
    -------
    The very sequence given where nothing in it has to be guarded.
    """
    found = [k for k, cell in enumerate(cells) if isinstance(cell, str) and cell[:1] in _FIRST]
    found = [k for k in found if _begins(cells[k])]
    if not found:
        return cells
    made = list(cells)
    for k in found:
        made[k] = guarded(made[k])
    return made

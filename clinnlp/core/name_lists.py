r"""Several names in one cell of a table, as a reader of a spreadsheet expects them, and exactly.

Names stand in order with ``"; "`` between. One that holds a semicolon or a quote, is empty, or
begins or ends with a blank stands in double quotes, inner ones doubled, as in CSV:

==============================  ==================================
names                           cell
==============================  ==================================
``aspirin``, ``heparin``        ``aspirin; heparin``
``iron; folic acid``, ``zinc``  ``"iron; folic acid"; zinc``
``a "pill" once``               ``"a ""pill"" once"``
==============================  ==================================
"""

import re
from collections.abc import Iterable

from clinnlp.core.errors import ArgumentError

__all__ = ["joined_names", "listed_names", "split_names"]

_BARE = re.compile(r'[^;"\s](?:[^;"]*[^;"\s])?')
_NAME = re.compile(r'"((?:[^"]|"")*)"|([^;"\s](?:[^;"]*[^;"\s])?)')
_BETWEEN = re.compile(r"\s*;\s*")


def joined_names(names: Iterable[str]) -> str:
    """Return names as one cell, in order.

    Examples
    --------
    >>> joined_names({"zinc", "iron; folic acid"})
    '"iron; folic acid"; zinc'
    """
    return listed_names(sorted(names))


def listed_names(names: Iterable[str]) -> str:
    """Return names as one cell, in the order given.

    Examples
    --------
    >>> listed_names(["zinc", "iron; folic acid"])
    'zinc; "iron; folic acid"'
    """
    return "; ".join(map(_quoted, names))


def split_names(cell: str) -> tuple[str, ...]:
    """Return the names that `joined_names` was given, in order.

    Raises
    ------
    ArgumentError
        A quote is not closed, or a name is missing between two semicolons.

    Examples
    --------
    >>> split_names('"iron; folic acid"; zinc'), split_names("")
    (('iron; folic acid', 'zinc'), ())
    """
    names: list[str] = []
    at = 0
    while at < len(cell) or names:
        found = _NAME.match(cell, at)
        between = None if found is None else _BETWEEN.match(cell, found.end())
        if found is None or (between is None and found.end() < len(cell)):
            raise ArgumentError(
                "a cell of names must hold them with semicolons between, those with a semicolon "
                "or a quote in double quotes, got another form"
            )
        names.append(found[2] if found[1] is None else found[1].replace('""', '"'))
        if between is None:
            break
        at = between.end()
    return tuple(names)


def _quoted(name: str) -> str:
    if _BARE.fullmatch(name):
        return name
    doubled = name.replace('"', '""')
    return f'"{doubled}"'

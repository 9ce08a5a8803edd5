"""Rows of OMOP tables: whole numbers as such, whoever exported them.

A column of numbers in which one is missing comes out of pandas as ``3.0``, and of a database
without. Ids, offsets and years are whole, so that ``3.0`` is ``3``.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.io.tables.cells import by_name_if_there

__all__ = ["NO_CONCEPT", "OmopRow", "omop_rows", "whole"]

NO_CONCEPT = ("", "0", None)  # "No matching concept"

_WHOLE = re.compile(r"\s*(-?\d+)\.0*\s*")
_COUNTS = ("offset", "year_of_birth", "month_of_birth", "day_of_birth")

OmopRow = dict[str, str | None]


def omop_rows(
    path: Path,
    wanted: Sequence[str],
    *,
    needed: Sequence[str],
    short: list[DataError] | None = None,
) -> Iterator[tuple[int, OmopRow]]:
    """Yield the line and the named cells of each row, as `by_name_if_there`."""
    numbers = [name for name in wanted if name.endswith("_id") or name in _COUNTS]
    for line, row in by_name_if_there(path, wanted, needed=needed, short=short):
        for name in numbers:
            row[name] = whole(row[name])
        yield line, row


def whole(cell: str | None) -> str | None:
    """Return a cell without the point behind a whole number.

    Examples
    --------
    >>> whole("316866.0"), whole("x1.5"), whole(None)
    ('316866', 'x1.5', None)
    """
    found = None if cell is None else _WHOLE.fullmatch(cell)
    return found[1] if found else cell

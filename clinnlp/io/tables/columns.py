"""Whether the columns that are wanted are there, in any case and with blanks around or not.

A column that is missing is refused by naming those that exist, unless one of them looks like a
cell: then the file may lack its header, and nothing of it is shown.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

from clinnlp.core.errors import DataError

__all__ = ["check_columns", "column_summary", "columns_named"]

_LONGEST_NAME = 64
_MOST_NAMES = 50  # in a message
_MOST_WORDS = 4  # of the name of a column
_SEPARATORS = "fields must be separated by one mark alone; name it as sep (--sep)"


def check_columns(
    wanted: Sequence[str], names: Sequence[str], path: str | Path | None = None
) -> list[int]:
    """Return the position of each wanted column.

    Raises
    ------
    DataError
        One is missing or stands there twice; names the columns that exist.
    """
    found = _places(wanted, names)
    for name, at in zip(wanted, found, strict=True):
        if len(at) != 1:
            n = "several" if at else "none"
            raise DataError(
                f"one column must be named {name!r}, got {n}; {column_summary(names)}", path=path
            )
    return [at[0] for at in found]


def columns_named(wanted: Sequence[str], names: Sequence[str]) -> dict[str, str]:
    """Return of each wanted column that is there once how it is written.

    Examples
    --------
    >>> columns_named(["id", "text"], ["ID ", "Text", "text"])
    {'id': 'ID ', 'text': 'text'}
    """
    found = zip(wanted, _places(wanted, names), strict=True)
    return {name: names[at[0]] for name, at in found if len(at) == 1}


def _places(wanted: Sequence[str], names: Sequence[str]) -> list[list[int]]:
    """Return where each name stands: as it is written, or else in another case."""
    exact, folded = defaultdict[str, list[int]](list), defaultdict[str, list[int]](list)
    for k, name in enumerate(names):
        exact[name].append(k)
        folded[_folded(name)].append(k)
    return [exact.get(name) or folded.get(_folded(name), []) for name in wanted]


def _folded(name: str) -> str:
    return name.strip().casefold()


def column_summary(names: Sequence[str]) -> str:
    """Return the names of columns for a message, unless they may be cells of a first row.

    A name begins with a letter, has at most four words, none of them a number, and ends in no mark
    of a sentence; a row of a table without header nearly always has a cell that is empty, a number,
    a date or a sentence. A line in which nothing is set apart is shown in one or two words only.
    """
    named = names[1:] if len(names) > 1 and not names[0] else names  # pandas: an unnamed index
    alone = names[0] if len(names) == 1 else ""
    apart = re.search(r"[;|,\t]", alone) is not None
    hint = f"; {_SEPARATORS}" if apart else ""
    wordy = not apart and len(alone.split()) > 2
    if wordy or not all(map(_looks_like_name, named)):
        return f"the first line has {len(names)} fields that do not look like a header{hint}"
    return f"columns are {_listed(names)}{hint}"


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMES
    shown = ", ".join(map(repr, names[:_MOST_NAMES]))
    return f"{shown} and {more} more" if more > 0 else shown


def _looks_like_name(name: str) -> bool:
    words = name.split()
    return (
        name[:1].isalpha()
        and name[-1] not in ".,:!?"
        and not any(word.isdecimal() for word in words)
        and len(name) <= _LONGEST_NAME
        and name.isprintable()
        and len(words) <= _MOST_WORDS
    )

"""Wide tables: one row per basket, one column per item, any words for *there* and *not there*."""

import shutil
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.files import scratch_folder
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.zips import open_in_zip, zip_names
from clinnlp.io.tables.columns import column_summary
from clinnlp.io.tables.rows import column_names, read_rows

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ABSENT", "read_wide"]

ABSENT = ("", "0", "0.0", "no", "none", "false", "n", "?", "nan")  # in any case

_TABLES = (".csv", ".tsv", ".parquet")


def read_wide(
    path: str | Path,
    items: Sequence[str],
    *,
    unit: str | None = None,
    absent: Sequence[str] = ABSENT,
    dialect: Dialect | None = None,
    skipped: list[DataError] | None = None,
) -> "pd.DataFrame":
    """Return which items each row of a table holds, as a DataFrame of bool.

    Parameters
    ----------
    path : str or Path
        CSV, TSV or Parquet, or a zip file, of which the largest table is read.
    items : sequence of str
        Columns; ``"first:last"`` stands for all columns from the one to the other, ``":"`` for
        all there are.
    unit : str, optional
        Column with the id of a row; its number from 1 by default.
    absent : sequence of str
        Cells that say that the item is not there, in any case; a missing cell says so too.
    dialect : Dialect, optional
        How text is written; absent: as found by looking, in UTF-8.
    skipped : list, optional
        Rows that are wrong are left out and their errors put here; else the first is raised.

    Raises
    ------
    DataError
        A missing column, a repeated id, or a file that cannot be read.
    """
    path = Path(path)
    read = partial(_read, dialect=dialect or Dialect(), skipped=skipped)
    if path.suffix.lower() != ".zip":
        return read(path, items, unit, absent)
    tables = {name: n for name, n in zip_names(path).items() if name.lower().endswith(_TABLES)}
    if not tables:
        raise DataError("a zip file must hold a CSV, TSV or Parquet table, got none", path=path)
    largest = max(tables, key=tables.__getitem__)
    with scratch_folder() as folder:
        table = Path(folder, "table" + Path(largest).suffix.lower())
        with open_in_zip(path, largest) as packed, table.open("wb") as handle:
            shutil.copyfileobj(packed, handle)
        inside = path / largest
        with instead_of(DataError, lambda e: DataError(e.message, path=inside, line=e.line)):
            return read(table, items, unit, absent)


def _read(
    path: Path,
    items: Sequence[str],
    unit: str | None,
    absent: Sequence[str],
    *,
    dialect: Dialect,
    skipped: list[DataError] | None,
) -> "pd.DataFrame":
    import pandas as pd

    present = column_names(path, dialect=dialect)
    names = [name for item in items for name in _between(item, present, path)]
    wanted = names if unit is None else [*names, unit]
    lines, rows = [], []
    short: list[DataError] | None = None if skipped is None else []
    for line, row in read_rows(path, wanted, dialect=dialect, short=short):
        if short and skipped is not None:
            skipped.append(short.pop())
        else:
            lines.append(line)
            rows.append(row)
    columns = list(zip(*rows, strict=True)) or [()] * len(wanted)
    ids = list(map(str, range(1, len(rows) + 1) if unit is None else columns[-1]))
    again = _repeated(ids)
    if again is not None:
        raise DataError(
            f"ids in {unit!r} must be unique, got a repeated one", path=path, line=lines[again]
        )
    missing = {word.casefold() for word in absent}
    held = {name: _held(cells, missing) for name, cells in zip(names, columns, strict=False)}
    return pd.DataFrame(held, index=pd.Index(ids, dtype=object), columns=names)


def _held(cells: Sequence[object], missing: set[str]) -> list[bool]:
    """Return of each cell whether it says that the item is there."""
    return [cell is not None and str(cell).strip().casefold() not in missing for cell in cells]


def _repeated(ids: Sequence[str]) -> int | None:
    """Return the position of the first id that stands before it already."""
    seen: set[str] = set()
    for k, name in enumerate(ids):
        if name in seen:
            return k
        seen.add(name)
    return None


def _between(item: str, names: Sequence[str], path: Path) -> Sequence[str]:
    """Return the columns an entry stands for."""
    if item == ":":
        return list(dict.fromkeys(names))
    first, colon, last = item.partition(":")
    if item in names or not colon:
        return [item]
    if first not in names or last not in names or names.index(first) > names.index(last):
        raise DataError(
            f"items {item!r} must name two columns in their order; {column_summary(names)}",
            path=path,
        )
    return names[names.index(first) : names.index(last) + 1]

"""The strata of baskets by name: columns of what was mined, reports of FAERS, or items.

==========================  ========================================================
source                      a name of ``strata`` may be
==========================  ========================================================
a table                     any of its columns, such as ``sex`` or ``age_group``
FAERS quarters              ``sex``, ``age`` (groups of years) and ``year``
any                         an item of the baskets
==========================  ========================================================

What is missing is a stratum of its own: to leave it out would change n.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from clinnlp.core.arrays import Array, Ints, objects
from clinnlp.core.baskets import Baskets
from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.files.packing import plain_name
from clinnlp.io.record.faers import DEMOGRAPHICS, read_faers_demographics
from clinnlp.io.record.faers_files import is_faers
from clinnlp.io.tables.arrow import read_columns
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.rows import column_names
from clinnlp.study.reading import TableReading
from clinnlp.study.settings import MineSettings

__all__ = ["Strata", "read_strata"]

_MOST = 100  # different values of a column
_TABLES = (".csv", ".tsv", ".parquet")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strata:
    """Which stratum each basket is of.

    Parameters
    ----------
    groups : array of int, shape (n_baskets,)
        From 0.
    names : tuple of str
        Of the columns or items that make up the strata.
    n_missing : int
        Baskets that lack one of these.
    """

    groups: Ints
    names: tuple[str, ...]
    n_missing: int

    def __str__(self) -> str:
        n = int(self.groups.max(initial=-1)) + 1
        missing = f", {self.n_missing:,} baskets without a value" if self.n_missing else ""
        return f"{' and '.join(self.names)}, {n:,} strata{missing}"


def read_strata(
    source: str | Path, settings: MineSettings, sets: Baskets, reading: TableReading | None = None
) -> Strata | None:
    """Return the strata that the settings name; None where they name none.

    Raises
    ------
    ArgumentError
        A name that is neither column nor item, a column of too many values to be one of groups, or
        one of which a basket has several.
    DataError
        The source cannot be read.
    """
    if not settings.strata:
        return None
    path, reading = Path(source), reading or TableReading()
    columns = [_values(path, name, settings, sets, reading) for name in settings.strata]
    numbered = [np.unique(column.astype(str), return_inverse=True)[1] for column in columns]
    groups = np.unique(np.stack(numbered, axis=1), axis=0, return_inverse=True)[1].ravel()
    missing = np.any([column == None for column in columns], axis=0)  # noqa: E711
    return Strata(
        groups=groups.astype(np.int64), names=settings.strata, n_missing=int(np.sum(missing))
    )


def _values(
    path: Path, name: str, settings: MineSettings, sets: Baskets, reading: TableReading
) -> Array:
    """Return the value of each basket, None where it has none."""
    reports = (path.is_dir() or path.suffix.lower() == ".zip") and is_faers(path)
    columns: Sequence[str] = DEMOGRAPHICS if reports else _columns(path, reading)
    if reports and name in columns:
        return _of_reports(path, name, settings, sets)
    if columns_named((name,), columns):
        return _of_column(path, name, settings, sets, reading)
    if name in sets.items:
        return objects(sets.matrix[:, [sets.items.index(name)]].toarray().ravel().tolist())
    known = ", ".join(columns) or "none here"
    raise ArgumentError(
        f"strata must name items, or columns of what is mined ({known}), got {name!r}"
    )


def _columns(path: Path, reading: TableReading) -> Sequence[str]:
    parts = sorted(path.glob("*.parquet"))[:1] if path.is_dir() else [path]
    if not parts or not plain_name(parts[0]).endswith(_TABLES):
        return ()
    return column_names(parts[0], dialect=reading.dialect)


def _of_column(
    path: Path, name: str, settings: MineSettings, sets: Baskets, reading: TableReading
) -> Array:
    named = mapping_of(settings.columns, "columns")
    unit = "patient" if sets.unit == "exposure" else sets.unit
    key = named.get("unit") if settings.items else named.get(unit, unit)
    wanted = {"source_id": name, **({} if key is None else {"patient": key})}
    skipped: list[DataError] | None = [] if reading.skip_bad else None
    table = read_columns(EventTable, path, wanted, dialect=reading.dialect, skipped=skipped)
    values = table["source_id"]
    if key is None:  # a wide table: a row is a basket
        return _few(values, name)
    of = _by_basket(table["patient"], values, name, unit)
    owners = sets.patients if sets.unit == "exposure" and sets.patients is not None else sets.ids
    return _few(objects([of.get(owner) for owner in owners.tolist()]), name)


def _of_reports(path: Path, name: str, settings: MineSettings, sets: Baskets) -> Array:
    by_case, which = settings.unit != "encounter", DEMOGRAPHICS.index(name)
    people = read_faers_demographics(path, by_case=by_case)
    owners = sets.patients if sets.unit == "exposure" and sets.patients is not None else sets.ids
    nobody: tuple[str | None, ...] = (None,) * len(DEMOGRAPHICS)
    return objects([people.get(owner, nobody)[which] for owner in owners.tolist()])


def _by_basket(keys: Array, values: Array, name: str, unit: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    several = set()
    for key, value in zip(keys.tolist(), values.tolist(), strict=True):
        if key is not None and value is not None and found.setdefault(key, value) != value:
            several.add(key)
    if several:
        raise ArgumentError(
            f"strata must have one value for each {unit}, got several in column {name!r} for "
            f"{len(several):,}; choose another unit or column"
        )
    return found


def _few(values: Array, name: str) -> Array:
    n = len({value for value in values.tolist() if value is not None})
    if n > _MOST:
        raise ArgumentError(
            f"strata must be groups, at most {_MOST} of a column, got {n:,} different values in "
            f"{name!r}; write a column of groups, such as ages by decade"
        )
    return values

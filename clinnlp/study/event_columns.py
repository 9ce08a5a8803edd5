"""Which columns of a table are events to mine, and what its items are called, wherever it lies."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clinnlp.core.arrays import Counts
from clinnlp.core.config import mapping_of
from clinnlp.core.vocab import squeeze
from clinnlp.features.items import spelled_alike
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.rows import column_names
from clinnlp.study.settings import MineSettings
from clinnlp.text.drugs import drug_names

__all__ = ["Spelling", "event_columns", "generic_names"]

_USUAL = ("patient", "code", "kind")  # taken by these names where others are named


def event_columns(
    path: str | Path, settings: MineSettings, dialect: Dialect | None = None
) -> dict[str, str]:
    """Return which column is which, as far as it was named; the usual ones that were not are found.

    Nothing is returned where none was named: then a table has the columns of `EventTable`.
    """
    named = mapping_of(settings.columns, "columns")
    left = [name for name in _USUAL if name not in named]
    path = Path(path)
    parts = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
    if not (named and left and parts):
        return named
    found = columns_named(left, column_names(parts[0], dialect=dialect))
    taken = {*named.values()}
    return named | {name: column for name, column in found.items() if column not in taken}


def generic_names(
    names: Sequence[str], is_drug: Sequence[bool], settings: MineSettings
) -> list[str]:
    """Return names, those of drugs as generic ones."""
    known = drug_names(settings.language)
    return [
        known.generic(squeeze(str(name))) if drug else name
        for name, drug in zip(names, is_drug, strict=True)
    ]


class Spelling:
    """What items of kinds and names are called where they are not in memory, as where they are.

    Parameters
    ----------
    settings : MineSettings

    Attributes
    ----------
    n_folded : dict of str to int
        As of `Baskets`, once it was called.

    Examples
    --------
    >>> spelling = Spelling(MineSettings(columns=("code=name",)))
    >>> spelling([("drug", "Coumadin"), ("outcome", "RASH"), ("outcome", "rash")], np.ones(3, int))
    ['warfarin', 'RASH', 'RASH']
    >>> spelling.n_folded
    {'spellings': 1, 'rows': 1}
    """

    def __init__(self, settings: MineSettings) -> None:
        self.settings = settings
        self.n_folded: dict[str, int] = {}

    def __call__(self, pairs: Sequence[tuple[str, str]], n_each: Counts) -> list[str]:
        """Return the name of each item."""
        settings = self.settings
        names = [name for _, name in pairs]
        if settings.columns and settings.generic:
            names = generic_names(names, [k == settings.drug_kind for k, _ in pairs], settings)
        if settings.fold_terms:
            total = Counter[str]()
            for name, n in zip(names, n_each.tolist(), strict=True):
                total[name] += n
            made = spelled_alike([*total], np.array([*total.values()], np.int64))
            self.n_folded = made.n_folded
            shown = dict(zip(total, made.names, strict=True))
            names = [shown[name] for name in names]
        return names

"""Interaction signals of more reports, and with more rows, than memory holds: into a file."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import check_writable
from clinnlp.io.tables.parquet import write_arrow
from clinnlp.io.tables.rows import table_form
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.interaction_parts import SignalParts, interaction_parts
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.signals.triplets import MAX_MEMORY_GB
from clinnlp.study.mined_tables import mined_facts, mined_parts

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["WrittenSignals", "write_interactions"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class WrittenSignals:
    """Where signals were written, how many there are, and the first of them.

    Parameters
    ----------
    path : Path
        `clinnlp.read_signals` reads it; its rows stand in the order of `clinnlp.mine_interactions`.
    n, n_called : int
        Rows, and those with q < alpha, which come first.
    first : Signals
        The first rows, with m and alpha of all.
    """

    path: Path
    n: int
    n_called: int
    first: Signals

    def __len__(self) -> int:
        return self.n

    @property
    def m(self) -> int:
        """Candidates."""
        return self.first.m

    def __repr__(self) -> str:
        return (
            f"WrittenSignals({self.n_called} with q < {self.first.alpha:g} of {self.n} rows and "
            f"m={self.m} candidates, unit={self.first.baskets.unit!r})"
        )


def write_interactions(
    baskets: StoredBaskets,
    path: str | Path,
    *,
    drug_kind: str = "drug",
    outcome_kind: str = "outcome",
    min_count: int = 3,
    min_margin: int = 20,
    alpha: float = 0.05,
    max_memory_gb: float = MAX_MEMORY_GB,
    n_first: int = 10_000,
) -> WrittenSignals:
    """Write the rows of `clinnlp.mine_interactions` to Parquet without holding them in memory.

    The rows, their order, m, p and q are those of ``mine_interactions(..., adjust=False)``. About
    60 bytes a row are held at most, and 250 lie in the folder for temporary files meanwhile.

    Parameters
    ----------
    baskets : BasketBlocks or SparkBaskets
        Of `clinnlp.basket_blocks` or `clinnlp.spark_baskets`.
    path : path
        Ends in ``.parquet``; appears when it is whole.
    drug_kind, outcome_kind : str
        Kinds of the items on the two sides.
    min_count, min_margin : int
        Least number of baskets, as in `clinnlp.mine_interactions`.
    alpha : float
        ``signal`` is q < alpha.
    max_memory_gb : float
        What counting may take, in GB (10⁹ bytes).
    n_first : int
        Rows that are returned as well, >= 0.

    Returns
    -------
    WrittenSignals
        How many rows there are and are called, and the first of them.

    Raises
    ------
    ArgumentError
        As `clinnlp.mine_interactions`; baskets in memory, or another suffix.
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from clinnlp import basket_blocks
    >>> of = {"visit": (1,), "drug a": (2,), "drug b": (3,), "bleeding": (6, 50)}
    >>> kinds = {"visit": "visit", "bleeding": "outcome"}
    >>> rows = [(k, code, kinds.get(code, "drug"))
    ...         for k in range(900) for code in of if not all(k % n for n in of[code])]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     frame = pd.DataFrame(rows, columns=["patient", "code", "kind"])
    ...     frame.to_parquet(f"{folder}/reports.parquet")
    ...     with basket_blocks(f"{folder}/reports.parquet") as blocks:
    ...         write_interactions(blocks, f"{folder}/signals.parquet")
    WrittenSignals(1 with q < 0.05 of 1 rows and m=1 candidates, unit='patient')
    """
    if table_form(path) != "parquet":
        raise ArgumentError(f"signals must be written to .parquet, got {path}")
    check_at_least(n_first, 0, name="n_first")
    path = check_writable(path)
    with interaction_parts(
        baskets,
        drug_kind=drug_kind,
        outcome_kind=outcome_kind,
        min_count=min_count,
        min_margin=min_margin,
        alpha=alpha,
        max_memory_gb=max_memory_gb,
    ) as found:
        first: list[Signals] = []
        write_arrow(_told(found, first, n_first), path, facts=mined_facts(_empty(found)))
    columns = {name: np.concatenate([part[name] for part in first]) for name in first[0].columns}
    return WrittenSignals(
        path=path, n=found.n, n_called=found.n_called, first=replace(first[0], columns=columns)
    )


def _told(found: SignalParts, first: list[Signals], n_first: int) -> "Iterator[pa.Table]":
    """Yield the rows as tables, and keep the first of them in a list."""
    n = 0
    for part in found.parts:
        if n < n_first or not first:
            first.append(part.take(slice(0, n_first - n)))
        n += len(part)
        yield from mined_parts(part)


def _empty(found: SignalParts) -> Signals:
    return Signals(columns={}, m=found.m, alpha=found.alpha, baskets=found.baskets)

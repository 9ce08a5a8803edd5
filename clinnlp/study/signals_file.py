"""Interaction signals of more reports, and with more rows, than memory holds: into a file.

`write_interactions` writes what was counted; `write_judged` writes the tables of ``clinnlp mine``,
without what people called an artefact.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

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
from clinnlp.report.csvs import frame_writer
from clinnlp.study.mined_tables import Beside, mined_facts, mined_frame, mined_parts
from clinnlp.study.outputs import N_IN_CSV, called, whole_name
from clinnlp.study.verdicts import Verdicts, without_artefacts

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["JudgedSignals", "WrittenSignals", "write_interactions", "write_judged"]


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
    limits: dict[str, Any] = {"min_count": min_count, "min_margin": min_margin, "alpha": alpha}
    kinds: dict[str, Any] = {"drug_kind": drug_kind, "outcome_kind": outcome_kind}
    with interaction_parts(baskets, **kinds, **limits, max_memory_gb=max_memory_gb) as found:
        passed = _Passed(n_first)
        write_arrow(_tables(passed(found.parts)), path, facts=_facts(found))
    return passed.written(path)


class JudgedSignals(NamedTuple):
    """Signals without what rests on faults, how many went, and how many have each verdict."""

    signals: Signals | WrittenSignals
    n_left: int
    told: Counter[str]


def write_judged(
    baskets: StoredBaskets, folder: Path, judged: Verdicts, **asked: Any
) -> JudgedSignals:
    """Return the interactions of baskets without artefacts; many are written as they come.

    Parameters
    ----------
    baskets : BasketBlocks or SparkBaskets
    folder : path
        Of more rows than a CSV holds gets ``signals.parquet`` and ``signals.csv``, as
        `clinnlp.study.outputs.write_all_mined` writes them.
    judged : Verdicts
    **asked
        Kinds and limits of `write_interactions`.

    Returns
    -------
    JudgedSignals
        `WrittenSignals` where they were written, else the rows themselves.
    """
    limits = {"min_count": 3, "min_margin": 20, "max_memory_gb": MAX_MEMORY_GB} | asked
    with interaction_parts(baskets, **limits) as found:
        passed = _Passed(N_IN_CSV, judged)
        if whole_name("signals", found.n) == "signals.csv":
            for _ in passed(found.parts):
                pass
            return JudgedSignals(passed.whole(), passed.n_left, passed.told)
        path = check_writable(folder / "signals.parquet")
        with frame_writer(folder / "signals.csv") as add:
            parts = _also_called(passed(found.parts), add, judged.beside)
            write_arrow(_tables(parts, judged.beside), path, facts=_facts(found))
    few = whole_name("signals", passed.n) == "signals.csv"
    return JudgedSignals(
        passed.whole() if few else passed.written(path), passed.n_left, passed.told
    )


class _Passed:
    """Signals on their way, without artefacts: how many have passed, and the first of them.

    Parameters
    ----------
    n_first : int
        Rows that are kept.
    judged : Verdicts
    """

    def __init__(self, n_first: int, judged: Verdicts | None = None) -> None:
        self.n_first, self.judged = n_first, judged or Verdicts.of(())
        self.n = self.n_called = self.n_left = 0
        self.told: Counter[str] = Counter()
        self._first: list[Signals] = []

    def __call__(self, parts: Iterable[Signals]) -> Iterator[Signals]:
        for given in parts:
            part, n_left = without_artefacts(given, self.judged)
            if self.n < self.n_first or not self._first:
                self._first.append(part.take(slice(0, self.n_first - self.n)))
            self.n += len(part)
            self.n_called += int(part["signal"].sum())
            self.n_left += n_left
            self.told += self.judged.counts(part)
            yield part

    def whole(self) -> Signals:
        """Return the first rows, which are all where there are no more."""
        first = self._first[0]
        names = first.columns
        columns = {name: np.concatenate([part[name] for part in self._first]) for name in names}
        return replace(first, columns=columns)

    def written(self, path: Path) -> WrittenSignals:
        return WrittenSignals(path=path, n=self.n, n_called=self.n_called, first=self.whole())


def _tables(parts: Iterable[Signals], beside: Beside | None = None) -> "Iterator[pa.Table]":
    for part in parts:
        yield from mined_parts(part, beside)


def _also_called(
    parts: Iterable[Signals], add: Callable[[Any], None], beside: Beside
) -> Iterator[Signals]:
    """Yield the signals, and add the called ones to a CSV; of the first part at least a header."""
    for k, part in enumerate(parts):
        few = part.take(called(part))
        if len(few) or not k:
            add(mined_frame(few, beside))
        yield part


def _facts(found: SignalParts) -> dict[str, Any]:
    return mined_facts(Signals(columns={}, m=found.m, alpha=found.alpha, baskets=found.baskets))

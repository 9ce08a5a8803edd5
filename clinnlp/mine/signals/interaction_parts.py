"""Interaction signals of baskets that are not in memory, more of them than memory holds.

Counted and measured as by `clinnlp.mine_interactions`, and given out some rows at a time in its
order (`clinnlp.mine.signals.ranked`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain

from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import scratch_folder
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.asked import check_query
from clinnlp.mine.signals.crude import crude_rows, joined_rows
from clinnlp.mine.signals.interactions import COLUMNS, Signals, named_rows
from clinnlp.mine.signals.ranked import ranked_rows
from clinnlp.mine.signals.stored import stored_triplets

__all__ = ["SignalParts", "interaction_parts"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SignalParts:
    """Signals that come some rows at a time, once, and what is known of them all.

    Parameters
    ----------
    parts : iterator of Signals
        In order; without rows one part.
    n, n_called : int
        Rows, and those with q < alpha, which come first.
    m : int
        Candidates.
    alpha : float
    baskets : BasketCounts
    """

    parts: Iterator[Signals]
    n: int
    n_called: int
    m: int
    alpha: float
    baskets: BasketCounts


@contextmanager
def interaction_parts(
    baskets: StoredBaskets,
    *,
    drug_kind: str,
    outcome_kind: str,
    min_count: int,
    min_margin: int,
    alpha: float,
    max_memory_gb: float,
) -> Iterator[SignalParts]:
    """Give the signals of `clinnlp.mine_interactions`, of use inside the ``with`` statement.

    Raises
    ------
    ArgumentError
        As `clinnlp.mine_interactions`, and baskets that are in memory.
    """
    kinds = (drug_kind, outcome_kind)
    is_drug, is_outcome = check_query(baskets, kinds, min_count, min_margin, alpha)
    if not isinstance(baskets, StoredBaskets):
        raise ArgumentError(
            "baskets must lie in blocks (clinnlp.basket_blocks) or on Spark (clinnlp.spark_baskets)"
            f", got {type(baskets).__name__}; use clinnlp.mine_interactions"
        )
    found, counted = stored_triplets(
        baskets, is_drug, is_outcome, min_count=min_count, min_margin=min_margin,
        max_memory_gb=max_memory_gb,
    )  # fmt: skip
    kept, m = baskets.counts(), found.m
    with scratch_folder() as folder:
        rows = chain([joined_rows([])], crude_rows(found, counted))
        ranked = ranked_rows(rows, folder, m=m, alpha=alpha, p="p_additive", limit="omega025")

        def signals() -> Iterator[Signals]:
            for columns in ranked.parts:
                named = columns | named_rows(columns, kept.items, is_drug, is_outcome)
                ordered = {name: named[name] for name in COLUMNS}
                yield Signals(columns=ordered, m=m, alpha=alpha, baskets=kept)

        yield SignalParts(
            parts=signals(), n=ranked.n, n_called=ranked.n_called, m=m, alpha=alpha, baskets=kept
        )

"""What signals are asked of: baskets with drugs and outcomes, and limits that can be."""

from typing import Any

import numpy as np

from clinnlp.core.arrays import Bools
from clinnlp.core.arrow import is_frame, names_of
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least, check_fraction
from clinnlp.core.errors import ArgumentError
from clinnlp.core.pair_counts import COUNT_COLUMNS, PairCounts
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.running import RunningCounts

__all__ = ["check_query"]


def check_query(
    baskets: Baskets | StoredBaskets | RunningCounts,
    kinds: tuple[str, str],
    min_count: int,
    min_margin: int,
    alpha: float,
) -> tuple[Bools, Bools]:
    """Return which items are of each kind, shape (n_items,) each.

    Raises
    ------
    ArgumentError
        A number is out of range, or no item is of a kind.
    """
    if not isinstance(baskets, Baskets | StoredBaskets | RunningCounts):
        raise _no_baskets(baskets)
    check_at_least(min_count, 1, name="min_count")
    check_at_least(min_margin, 1, name="min_margin")
    check_fraction(alpha, name="alpha")
    for kind in kinds:
        if kind not in baskets.kinds:
            known = ", ".join(sorted(set(baskets.kinds))) or "none"
            raise ArgumentError(
                f"baskets must hold items of kind {kind!r}, got the kinds {known}; "
                "name the kinds when making the baskets"
            )
    of = np.array(baskets.kinds, dtype=str)
    return of == kinds[0], of == kinds[1]


def _no_baskets(data: Any) -> ArgumentError:
    said = "signals need baskets that say which items are drugs and outcomes, got"
    is_table = is_frame(data) or hasattr(data, "__arrow_c_stream__")
    if isinstance(data, PairCounts) or (is_table and set(COUNT_COLUMNS) <= set(names_of(data))):
        return ArgumentError(
            f"{said} counts without reports; signals of single drugs come of them by "
            "clinnlp.mine_counts, and those of pairs of drugs need the reports"
        )
    return ArgumentError(
        f"{said} {type(data).__name__}; make them with clinnlp.frame_baskets(table, kinds=...)"
    )

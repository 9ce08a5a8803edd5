"""What leads from a row that was mined to the mentions or events behind it."""

from collections.abc import Sequence

from clinnlp.core.basket_counts import BasketCounts, baskets_at_hand
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable

__all__ = ["check_row", "evidence_of"]


def check_row(i: int, n: int, *, name: str) -> None:
    """Raise `ArgumentError` unless there is a row of that number."""
    if not 0 <= i < n:
        raise ArgumentError(f"{name} must be a row from 0 to {n - 1}, got {i}")


def evidence_of(
    baskets: Baskets | BasketCounts, items: Sequence[str], *, name: str
) -> EntityTable | EventTable:
    """Return the rows behind a set of items.

    Raises
    ------
    ArgumentError
        The baskets are not at hand, or keep neither mentions nor events.
    """
    baskets = baskets_at_hand(baskets, what=f"evidence of a {name}")
    source = baskets.entities if baskets.entities is not None else baskets.events
    if source is None:
        raise ArgumentError(
            f"evidence of a {name} needs baskets made from mentions or events, got baskets "
            "made from a plain table"
        )
    return source.take(baskets.rows_behind(items))

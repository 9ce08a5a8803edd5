"""What is known of baskets that are not at hand: of results read from a file, of counts alone."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from clinnlp.core.baskets import Baskets, NamedItems
from clinnlp.core.errors import ArgumentError

__all__ = ["BasketCounts", "baskets_at_hand"]


@dataclass(frozen=True, slots=True, kw_only=True)
class BasketCounts(NamedItems):
    """How many baskets were counted, of which unit, and the items that are named.

    Parameters
    ----------
    n : int
        Baskets; 0 where nothing says so.
    unit : str
        What a basket is.
    items : tuple of str
    names : mapping of str to str
        Of items that are codes.

    Examples
    --------
    >>> BasketCounts(n=900, unit="report", items=("iron", "rash"))
    BasketCounts(900 x 2 items, unit='report')
    """

    n: int
    unit: str
    items: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return self.n

    @property
    def shown_items(self) -> tuple[str, ...]:
        """Names that may be shown unasked: all, since a table already named them."""
        return self.items

    def __repr__(self) -> str:
        return f"BasketCounts({self.n} x {len(self.items)} items, unit={self.unit!r})"


def baskets_at_hand(baskets: Baskets | BasketCounts, *, what: str) -> Baskets:
    """Return the baskets that were mined.

    Raises
    ------
    ArgumentError
        There are counts alone.
    """
    if isinstance(baskets, BasketCounts):
        raise ArgumentError(
            f"{what} needs the baskets that were mined, got counts alone; mine the reports again"
        )
    return baskets

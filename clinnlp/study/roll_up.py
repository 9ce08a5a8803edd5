"""From the files of a terminology to what its codes count as."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.errors import ArgumentError, DataError

__all__ = ["read_roll_up", "told"]


def read_roll_up(ancestors: str | Path | None, to: Sequence[str] | None) -> RollUp | None:
    """Return what codes count as, by a terminology; None where no terminology is given.

    Parameters
    ----------
    ancestors : path, optional
        A terminology that says what stands above what.
    to : sequence of str, optional
        Codes to roll up to; absent: all ancestors count beside a code.

    Raises
    ------
    DataError
        The terminology cannot be read, or says of nothing what stands above it.
    ArgumentError
        A code of `to` that it does not have.
    """
    if ancestors is None:
        return None
    from clinnlp.io.tables.vocabularies import read_any_vocabulary

    vocabulary = read_any_vocabulary(ancestors, products=True)
    above = Ancestors.of(vocabulary)
    known = {parent for concept in vocabulary for parent in concept.parents}
    if not known:
        said = "a terminology for ancestors must say what stands above what, got no such relation"
        raise DataError(said, path=ancestors)
    for code in to or ():
        if code not in vocabulary and code not in known:
            raise ArgumentError(f"roll_up must name codes of {ancestors}, got {code!r}")
    return RollUp(ancestors=above, to=None if to is None else frozenset(to))


def told(roll_up: RollUp | None) -> dict[str, Any] | None:
    """Return how codes are counted as plain values, for a card."""
    if roll_up is None:
        return None
    return {"to": None if roll_up.to is None else sorted(roll_up.to), "levels": roll_up.levels}

"""From the files of a terminology to what its codes count as."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.vocab import INGREDIENT, Vocabulary
from clinnlp.features.item_names import names_of_items
from clinnlp.study.settings import MineSettings

__all__ = ["check_level_met", "named", "read_roll_up", "roll_up_of", "told"]


def read_roll_up(
    ancestors: str | Path | None,
    to: Sequence[str] | None = None,
    *,
    level: str | None = None,
    language: str = "en",
) -> RollUp | None:
    """Return what codes count as, by a terminology; None where no terminology is given.

    Parameters
    ----------
    ancestors : path, optional
        A terminology that says what stands above what.
    to : sequence of str, optional
        Codes to roll up to; absent: all ancestors count beside a code.
    level : str, optional
        In place of `to`, roll up to the concepts of this level: ``"ingredient"``. Of RxNorm, OMOP,
        ATC and a table with a column ``level`` the terminology says which these are; of another
        list of drugs, such as DrugBank's, the names do (`clinnlp.text.ingredients`).
    language : str
        Of these names.

    Raises
    ------
    DataError
        The terminology cannot be read, or says of nothing what stands above it.
    ArgumentError
        A code of `to` that it does not have, a level that it does not tell, or both `to` and
        `level`.
    """
    if ancestors is None:
        return None
    from clinnlp.io.tables.vocabularies import read_any_vocabulary

    vocabulary = read_any_vocabulary(ancestors, products=True)
    if level is not None:
        return _to_level(vocabulary, ancestors, to, level, language)
    above = Ancestors.of(vocabulary)
    known = {parent for concept in vocabulary for parent in concept.parents}
    if not known:
        said = "a terminology for ancestors must say what stands above what, got no such relation"
        raise DataError(said, path=ancestors)
    for code in to or ():
        if code not in vocabulary and code not in known:
            raise ArgumentError(f"roll_up must name codes of {ancestors}, got {code!r}")
    names = {concept.code: concept.name for concept in vocabulary}
    return RollUp(ancestors=above, to=None if to is None else frozenset(to), names=names)


def roll_up_of(settings: MineSettings) -> RollUp | None:
    """Return what codes count as in mining; raises as `read_roll_up`."""
    return read_roll_up(
        settings.ancestors,
        settings.roll_up,
        level=settings.item_level,
        language=settings.language,
    )


def check_level_met(sets: Baskets, settings: MineSettings) -> None:
    """Raise `ArgumentError` where a level was asked for and no item is a code that has it."""
    met = [n for what, n in sets.n_rolled_up.items() if what != "below none"]
    if settings.item_level is not None and sets.items and not any(met):
        raise ArgumentError(
            f"level {settings.item_level} needs codes of {settings.ancestors} among the items, got "
            "none; drugs that are names and not codes are generic names without it"
        )


def named(sets: Baskets, settings: MineSettings) -> Baskets:
    """Return the baskets with the names of a terminology beside those that they have.

    A terminology tells nothing of patients, so that its names may be shown where others are
    withheld.

    Raises
    ------
    DataError
        The terminology cannot be read.
    ArgumentError
        No item is a code of it.
    """
    # What was rolled up has the names of its terminology already, but where some were withheld
    path = settings.names or (settings.ancestors if settings.min_cell > 1 else None)
    if path is None:
        return sets
    from clinnlp.io.tables.vocabularies import read_any_vocabulary

    vocabulary = read_any_vocabulary(path, language=settings.language, products=True)
    known = {concept.code: concept.name for concept in vocabulary}
    names = names_of_items(sets.items, sets.kinds, known)
    if settings.names is not None and sets.items and not names:
        raise ArgumentError(
            f"names must be a terminology of the codes that are mined, got {path}, which has "
            f"another name for none of {len(sets.items):,} items"
        )
    return replace(sets, names={**sets.names, **names})


def _to_level(
    vocabulary: Vocabulary,
    path: str | Path,
    to: Sequence[str] | None,
    level: str,
    language: str,
) -> RollUp:
    from clinnlp.text.ingredients import with_ingredients

    if to is not None:
        raise ArgumentError("roll_up must not be given beside a level, got both")
    if level == INGREDIENT:
        vocabulary = with_ingredients(vocabulary, language=language)
    if all(concept.level != level for concept in vocabulary):
        raise ArgumentError(
            f"level {level!r} needs a terminology that tells its concepts of that level (RxNorm, "
            "OMOP, ATC, DrugBank, another list of drugs or a table with a column level), got "
            f"{path}; name the codes with roll_up instead"
        )
    return RollUp.to_level(vocabulary, level)


def told(roll_up: RollUp | None) -> dict[str, Any] | None:
    """Return how codes are counted as plain values, for a card."""
    if roll_up is None:
        return None
    return {"to": None if roll_up.to is None else sorted(roll_up.to), "levels": roll_up.levels}

"""Names of drugs: brands, abbreviations, salts, releases and combinations, from two tables."""

from functools import cache

from clinnlp.core.vocab import fold
from clinnlp.text.tables import data_path, read_table

__all__ = ["fold_drug", "is_generic", "is_ingredient"]

_EDGES = " .,;:()[]"


def fold_drug(name: str) -> str:
    """Return the generic name a drug's name stands for, case, brand, salt and release folded.

    Parameters
    ----------
    name : str
        As written in a text.

    Returns
    -------
    str
        The folded generic name, the ingredients of a combination joined by a slash; the folded
        name itself where the table does not know it.

    Examples
    --------
    >>> fold_drug("Lopressor"), fold_drug("METOPROLOL  Succinate ER"), fold_drug("Percocet")
    ('metoprolol', 'metoprolol', 'oxycodone/acetaminophen')
    """
    folded = fold(name).strip(_EDGES)
    brands, salts = _brands(), _salts()
    words = folded.split()
    while True:
        known = " ".join(words)
        if known in brands or known in _generics():
            return brands.get(known, known)
        if len(words) < 2 or words[-1].strip(_EDGES) not in salts:
            return known or folded
        words.pop()


def is_generic(name: str) -> bool:
    """Return whether a folded name, or a combination joined by slashes, is one of the table's."""
    return name in _generics()


def is_ingredient(name: str) -> bool:
    """Return whether a folded name is an ingredient of the table."""
    return name in _ingredients()


@cache
def _brands() -> dict[str, str]:
    rows = read_table(data_path("drug_names.tsv"), ("brand", "generic"))
    return {fold(brand): generic for _, (brand, generic) in rows}


@cache
def _generics() -> frozenset[str]:
    return frozenset(_brands().values())


@cache
def _ingredients() -> frozenset[str]:
    return frozenset(part for generic in _generics() for part in generic.split("/"))


@cache
def _salts() -> frozenset[str]:
    return frozenset(word for _, (word,) in read_table(data_path("drug_salts.tsv"), ("word",)))

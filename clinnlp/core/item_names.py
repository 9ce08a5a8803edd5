"""Names of items as they may be shown unasked.

An item is a concept or a code, else the folded words of a mention. Words that few baskets hold may
be those of one patient's note: such an item is shown by its number. What is asked for
(``to_pandas``, a report) names all of them.
"""

from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Ints

__all__ = ["LEAST", "shown_items"]

LEAST = 5  # baskets that hold an item of words whose name is shown


def shown_items(
    items: tuple[str, ...], matrix: sparse.csr_matrix, evidence: Ints, concepts: Any
) -> tuple[str, ...]:
    """Return the name of each item, or ``item 12`` where it is made of rare words.

    Parameters
    ----------
    items : tuple of str, length n_items
    matrix : csr_matrix, shape (n_baskets, n_items)
    evidence : array of int64, shape (n_mentions, 3)
        Basket, item and row of `concepts`.
    concepts : array of str or None, or None
        Of the mentions behind the items; None where items come from codes or columns.

    Examples
    --------
    >>> matrix = sparse.csr_matrix([[1, 1], [0, 1]])
    >>> evidence = np.array([[0, 0, 0], [0, 1, 1], [1, 1, 2]])
    >>> shown_items(("my aunt", "C01"), matrix, evidence, np.array([None, "C01", "C01"], object))
    ('item 0', 'C01')
    """
    if concepts is None:
        return items
    hidden = _in_words(len(items), evidence, concepts) & (_counts(matrix) < LEAST)
    return tuple(f"item {j}" if hidden[j] else item for j, item in enumerate(items))


def _counts(matrix: sparse.csr_matrix) -> Ints:
    return np.bincount(matrix.indices, minlength=matrix.shape[1])


def _in_words(n: int, evidence: Ints, concepts: Any) -> Bools:
    """Return which items a mention without concept makes, or no mention at all."""
    given = np.zeros(n, bool)
    given[evidence[:, 1]] = True
    unlinked = np.array([c is None for c in concepts[evidence[:, 2]].tolist()], bool)
    in_words: Bools = ~given
    in_words[evidence[unlinked, 1]] = True
    return in_words

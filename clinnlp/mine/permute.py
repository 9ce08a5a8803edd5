"""Westfall-Young: family-wise p of rules, from permutations that keep how items hang together.

The scheme: the rows of all consequents are shuffled *together* against the rows of all antecedents,
within strata where there are any. Margins stay, and so does all dependence among antecedents and
among consequents; only what joins the two sides is broken. In each permutation every candidate is
tested, also those that never met, and the smallest p is kept (single-step min-P):

    p_wy of a rule = (1 + permutations whose smallest p is at most the rule's) / (1 + permutations)

It is the chance, were no antecedent joined to any consequent, that *any* candidate would look as
striking: family-wise, not a false-discovery rate, and exact for the named scheme. Where items stand
on both sides, a candidate and its mirror are two tests, which makes p_wy a little larger.

References
----------
Westfall and Young, Resampling-based multiple testing, Wiley 1993. Phipson and Smyth, Permutation
p-values should never be zero, Stat Appl Genet Mol Biol 2010;9:39.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Counts, Floats, Ints
from clinnlp.core.basket_counts import baskets_at_hand
from clinnlp.core.checks import check_at_least
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.rules import Rules
from clinnlp.mine.sets.itemsets import Itemsets
from clinnlp.mine.strata import strata_of

__all__ = ["westfall_young"]

_MOST_CANDIDATES = 5_000_000


def westfall_young(
    rules: Rules,
    *,
    n_permutations: int = 999,
    strata: Sequence[str] | Ints | None = None,
    seed: int = 0,
) -> Floats:
    """Return the family-wise p of each rule by permutation, shape (n_rules,).

    Parameters
    ----------
    rules : Rules
        From `mine_rules`; its candidates are the family.
    n_permutations : int
        ≥ 1; the smallest p that can come out is 1 / (1 + n_permutations).
    strata : sequence of item names or array of int, shape (n_baskets,), optional
        Shuffle within strata only.
    seed : int

    Returns
    -------
    array of float64, shape (n_rules,)
        In the order of the rules; the chance that any candidate would look as striking.

    Raises
    ------
    ArgumentError
        Fewer than one permutation, or more candidates than memory would hold.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.rule_mining import mine_rules
    >>> frame = pd.DataFrame({"a": [1] * 9 + [0] * 9, "b": [1] * 9 + [0] * 9, "c": [0, 1] * 9})
    >>> rules = mine_rules(frame_baskets(frame), min_count=1)
    >>> westfall_young(rules, n_permutations=99)[:2].round(2).tolist()  # a and b
    [0.01, 0.01]
    """
    check_at_least(n_permutations, 1, name="n_permutations")
    baskets = baskets_at_hand(rules.baskets, what="a permutation")
    assert rules.candidates is not None  # they stand beside the baskets
    left, right = rules.candidates
    if len(left) * len(right) > _MOST_CANDIDATES:
        raise ArgumentError(
            f"candidates must be at most {_MOST_CANDIDATES}, got {len(left) * len(right)}; "
            "raise min_margin or name the kinds of the sides"
        )
    x, y = _indicators(left), _indicators(right)  # (n_sets, n_baskets)
    apart = (_items(left) @ _items(right).T).toarray() == 0
    small = _sizes(left)[:, None] + _sizes(right)[None] <= rules.max_len
    rows, columns = np.nonzero(apart & small)
    if len(rows) != rules.m:
        raise ArgumentError(
            f"candidates of the permutation must be the {rules.m} of the rules, got {len(rows)}"
        )
    groups = strata_of(baskets, strata)
    n_a, n_b = left.counts[rows], right.counts[columns]
    rng = np.random.default_rng(seed)
    worse = np.zeros(len(rules), np.int64)
    for _ in range(n_permutations):
        joint = (x @ y[:, _shuffled(rng, groups)].T).toarray()[rows, columns]
        # Equal tables may differ in the last digit of p
        worse += _smallest_p(joint, n_a, n_b, len(groups)) <= rules.p_fisher * (1 + 1e-9)
    # The data count as one of their permutations, so that p is never 0
    return np.asarray((1 + worse) / (1 + n_permutations), np.float64)


def _smallest_p(joint: Counts, n_a: Counts, n_b: Counts, n: int) -> float:
    """Return the least Fisher p of all candidates."""
    # Many candidates share few tables; each tail is summed once
    k, a, b = np.unique(np.stack([joint, n_a, n_b]), axis=1)
    return float(fisher_p(Table2x2(n_ab=k, n_a=a, n_b=b, n=np.full(len(k), n))).min())


def _shuffled(rng: np.random.Generator, groups: Ints) -> Ints:
    """Return a permutation of the baskets that keeps each in its stratum."""
    # By stratum, and by chance within: its k-th place gets its k-th random member
    order = np.lexsort((rng.random(len(groups)), groups))
    places = np.argsort(groups, kind="stable")
    out = np.empty(len(groups), np.int64)
    out[places] = order
    return out


def _indicators(found: Itemsets) -> sparse.csr_matrix:
    """Return which baskets hold each set, shape (n_sets, n_baskets)."""
    columns = baskets_at_hand(found.baskets, what="a permutation").matrix.tocsc().astype(np.int32)
    parts = []
    for group in found.groups:
        held = columns[:, group[:, 0]]
        for k in range(1, group.shape[1]):
            held = held.multiply(columns[:, group[:, k]])
        parts.append(sparse.csr_matrix(held.T))
    return sparse.vstack(parts, format="csr").astype(np.int32)


def _items(found: Itemsets) -> sparse.csr_matrix:
    """Return which items stand in each set, shape (n_sets, n_items)."""
    n_items, parts = len(found.baskets.items), []
    for group in found.groups:
        rows = np.repeat(np.arange(len(group)), group.shape[1])
        ones = np.ones(group.size, np.int32)
        parts.append(sparse.csr_matrix((ones, (rows, group.ravel())), shape=(len(group), n_items)))
    return sparse.vstack(parts, format="csr")


def _sizes(found: Itemsets) -> Ints:
    return np.repeat(
        [group.shape[1] for group in found.groups], [len(group) for group in found.groups]
    ).astype(np.int64)

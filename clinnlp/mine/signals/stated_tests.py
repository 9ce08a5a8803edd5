"""Stated evidence in the screen: what notes say more often than of others needs less proof.

A statement ("bleeding due to warfarin") is no count of baskets, so it does not enter p. It says
which candidates to expect something of. Each row gets ``p_stated``, the chance of as many baskets
that state it, were it no cause:

- drug → outcome: of the baskets with both, k state it. Were the drug like all others that stand
  beside this outcome, k would be binomial with the share in which those are blamed;
- drug + drug → outcome: of the baskets with all three, k state it of the one drug. Were the drugs'
  risks to add, it would be blamed there at most as often as beside the outcome where the other one
  is not taken. As that share is an estimate, k is beta-binomial with its mean and variance. Each
  drug must be blamed: p is the larger of the two.

Then the q of a weighted screen (Genovese, Roeder and Wasserman): the rows with p_stated < alpha
share half of the level among them, all other candidates the other half. So what notes state is
called on less, what no note speaks of needs p half as small, and the share of false calls stays
below alpha as long as, of what is false, statements do not follow the counts. That fails where a
drug and an outcome stand in a note only because it blames the one for the other: baskets of coded
events, or of whole patients, are safer than those of notes.

References
----------
Genovese, Roeder and Wasserman, False discovery control with p-value weighting, Biometrika
2006;93:509.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from clinnlp.core.arrays import Array, Floats, Ints
from clinnlp.core.basket_counts import baskets_at_hand
from clinnlp.core.baskets import Baskets
from clinnlp.mine.screen import q_values
from clinnlp.mine.signals.interactions import Signals

if TYPE_CHECKING:
    from scipy import sparse

__all__ = ["STATED_COLUMNS", "Told", "tests_of_stated"]

STATED_COLUMNS = ("n_stated", "n_denied", "p_stated", "q_stated", "signal_stated")
KEPT = 0.5  # share of the level that is kept for what no note speaks of
LEAST = 1e-9  # of a rate, so that what is never said of others is not impossible

Told = Mapping[tuple[str, str], Ints]
"""The baskets that state a pair of items, rising; the pair in the order of their names."""


def tests_of_stated(signals: Signals, told: Told) -> dict[str, Array]:
    """Return ``p_stated``, ``q_stated`` and ``signal_stated`` of signals.

    Parameters
    ----------
    signals : Signals
        With their baskets.
    told : mapping of (str, str) to array of int
        The baskets that state each pair.

    Raises
    ------
    ArgumentError
        The baskets are not at hand.
    """
    held = _Held(baskets_at_hand(signals.baskets, what="a test of what is stated"), told)
    if signals.keys == ("drug", "outcome"):
        p_stated, p = _of_single(signals, held), signals.columns["p"]
    else:
        p_stated, p = _of_pairs(signals, held), signals.columns["p_additive"]
    q = _weighted_q(np.asarray(p, np.float64), p_stated < signals.alpha, signals.m)
    return {"p_stated": p_stated, "q_stated": q, "signal_stated": q < signals.alpha}


class _Held:
    """Which baskets hold an item, and which of those with some items state a pair."""

    def __init__(self, baskets: Baskets, told: Told) -> None:
        self._columns: sparse.csc_matrix = baskets.matrix.tocsc()
        self._place = {item: k for k, item in enumerate(baskets.items)}
        self._told = told
        self._n = len(baskets)

    def of(self, item: str) -> Array:
        """Return whether each basket holds an item."""
        mask, k = np.zeros(self._n, bool), self._place[item]
        mask[self._columns.indices[self._columns.indptr[k] : self._columns.indptr[k + 1]]] = True
        return mask

    def stating(self, drug: str, outcome: str) -> Ints:
        """Return the baskets that state an outcome of a drug."""
        pair = (drug, outcome) if drug <= outcome else (outcome, drug)
        return self._told.get(pair, np.empty(0, np.int64))


def _of_single(signals: Signals, held: _Held) -> Floats:
    drugs, outcomes, n = (signals.columns[c] for c in ("drug", "outcome", "n_both"))
    k = np.zeros(len(signals), np.int64)
    for row, (drug, outcome) in enumerate(zip(drugs.tolist(), outcomes.tolist(), strict=True)):
        at = held.stating(drug, outcome)
        k[row] = np.sum(held.of(drug)[at] & held.of(outcome)[at]) if len(at) else 0
    _, which = np.unique(outcomes.astype(str), return_inverse=True)
    said, there = (np.bincount(which, weights=each) for each in (k, n))
    everywhere = k.sum() / max(int(n.sum()), 1)
    rate = (said[which] - k + everywhere) / (there[which] - n + 1)  # of the other drugs
    p = stats.binom.sf(k - 1, n, np.clip(rate, LEAST, 1.0))
    return np.where(k > 0, p, 1.0)


def _of_pairs(signals: Signals, held: _Held) -> Floats:
    sides = (("drug_1", "drug_2", "n_101"), ("drug_2", "drug_1", "n_011"))
    return np.maximum(*(_of_side(signals, held, *side) for side in sides))


def _of_side(signals: Signals, held: _Held, drug: str, other: str, alone: str) -> Floats:
    """Return p of one drug of each pair: blamed with the other one, beside what it is alone."""
    c, found = signals.columns, [(0, 0)] * len(signals)
    names = zip(*(c[key].tolist() for key in (drug, other, "outcome")), strict=True)
    for row, (one, two, outcome) in enumerate(names):
        at = held.stating(one, outcome)
        if len(at):
            both, has = held.of(two)[at], (held.of(one) & held.of(outcome))[at]
            found[row] = int(np.sum(has & both)), int(np.sum(has & ~both))
    k, k_alone = np.array(found, np.int64).reshape(-1, 2).T
    n, n_alone = c["n_111"], c[alone]
    everywhere = k_alone.sum() / max(int(n_alone.sum()), 1)
    mean = np.clip((k_alone + everywhere) / (n_alone + 1), LEAST, 1 - LEAST)
    size = n_alone + 1.0  # alpha + beta, so that the variance is mean (1 - mean) / (n + 2)
    p = stats.betabinom.sf(k - 1, n, mean * size, (1 - mean) * size)
    return np.where(k > 0, p, 1.0)


def _weighted_q(p: Floats, is_stated: Array, m: int) -> Floats:
    """Return q of p over weights whose mean over all m candidates is 1."""
    n = int(is_stated.sum())
    if not n:
        return q_values(p, m)
    if n == m:
        return q_values(p, m)
    weight = np.where(is_stated, (1 - KEPT) * m / n, KEPT * m / (m - n))
    return q_values(np.minimum(p / weight, 1.0), m)

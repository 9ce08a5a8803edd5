"""The additive null adjusted: for conditions, for other drugs, and for stronger signals.

An additive-risk regression (identity link) over the baskets *without* the pair,

    P(outcome) = β0 + Σ β_k x_k,   x: conditions, all drugs, and pairs already signalled,

predicts what the baskets *with* the pair should show: E = Σ over them of x·β, the two drugs'
own β not below 0. With the two drugs as the only x this is exactly n11 (p10 + p01 − p00), the
crude additive null. Least squares is unbiased under additive risks; the variance of E is the
model-robust one, Σ (x·A⁻¹s)² p (1 − p) with A = XᵀX and s = Σ x over the pair's baskets. As in
`clinnlp.mine.measures.additive`, one more report for each single drug keeps small counts honest.

Confounding by indication enters through the conditions, co-medication with a guilty drug through
that drug's β, and a *shadow* (drug c often taken with b, where a + b interact) through the pair
term. What no item of the baskets records cannot be adjusted for.

References
----------
Wacholder, Binomial regression in GLIM: estimating risk ratios and risk differences, Am J
Epidemiol 1986;123:174. White, A heteroskedasticity-consistent covariance matrix estimator,
Econometrica 1980;48:817. VanderWeele and Knol, A tutorial on interaction, Epidemiol Methods
2014;3:33.
"""

from collections.abc import Sequence

import numpy as np
from scipy import linalg, sparse

from clinnlp.core.arrays import Floats, Ints
from clinnlp.mine.measures.additive import Additive

__all__ = ["AdditiveModel"]

_RIDGE = 1e-6  # per column; only decides what no basket without the pair can tell


class AdditiveModel:
    """Additive-risk regressions over one set of covariates, fitted without a pair at a time.

    Parameters
    ----------
    drugs : csr_matrix of 0/1, shape (n_baskets, n_drugs)
    others : csr_matrix of 0/1, shape (n_baskets, n_others)
        Further covariates, such as conditions.
    """

    def __init__(self, drugs: sparse.csr_matrix, others: sparse.csr_matrix) -> None:
        ones = sparse.csr_matrix(np.ones((drugs.shape[0], 1)))
        self._drugs = drugs.astype(np.float64).tocsc()
        self._fixed = sparse.hstack([ones, self._drugs, others.astype(np.float64)], format="csr")
        self._gram: Floats = (self._fixed.T @ self._fixed).toarray()

    def null(
        self, pair: tuple[int, int], outcome: Floats, pairs: Sequence[tuple[int, int]] = ()
    ) -> Additive:
        """Return the adjusted additive null of one candidate.

        Parameters
        ----------
        pair : tuple of int
            Columns of the two drugs.
        outcome : array of float64, shape (n_baskets,)
            0 or 1.
        pairs : sequence of tuple of int
            Pairs of drugs with a term of their own.
        """
        x, gram = self._design(pairs)
        both = self._both(pair)
        xz = x[both]
        # The model of the baskets without the pair, from the products that all models share
        a = gram - (xz.T @ xz).toarray()
        a[np.diag_indices_from(a)] += _RIDGE
        rest = outcome.copy()
        rest[both] = 0.0
        factor = linalg.cho_factor(a)
        beta: Floats = linalg.cho_solve(factor, x.T @ rest)
        s = np.asarray(xz.sum(axis=0)).ravel()
        own = np.array([1 + pair[0], 1 + pair[1]])
        # A drug that seems to protect must not lower what is expected of the pair
        expected = float(s @ beta) - len(both) * float(np.minimum(beta[own], 0).sum())
        # The expectation is a weighted sum of the outcomes of the other baskets
        weights = x @ linalg.cho_solve(factor, s)  # (n_baskets,)
        risk = np.clip(x @ beta, 0.0, 1.0)
        weights[both] = 0.0
        spread = float(weights**2 @ (risk * (1 - risk)))
        one_more = len(both) / (self._totals()[list(pair)] - len(both))
        return Additive(
            n_joint=np.array([int(outcome[both].sum())]),
            n_pair=np.array([len(both)]),
            expected=np.array([max(expected, 0.0)]),
            mean=np.array([max(expected, 0.0) + one_more.sum()]),
            variance=np.array([spread + (one_more**2).sum()]),
        )

    def _design(self, pairs: Sequence[tuple[int, int]]) -> tuple[sparse.csr_matrix, Floats]:
        if not pairs:
            return self._fixed, self._gram.copy()
        terms = [self._drugs[:, i].multiply(self._drugs[:, j]) for i, j in pairs]
        x = sparse.hstack([self._fixed, *terms], format="csr")
        return x, (x.T @ x).toarray()

    def _both(self, pair: tuple[int, int]) -> Ints:
        d, (i, j) = self._drugs, pair
        first = d.indices[d.indptr[i] : d.indptr[i + 1]]
        second = d.indices[d.indptr[j] : d.indptr[j + 1]]
        return np.intersect1d(first, second).astype(np.int64)

    def _totals(self) -> Floats:
        return np.asarray(np.diff(self._drugs.indptr), np.float64)

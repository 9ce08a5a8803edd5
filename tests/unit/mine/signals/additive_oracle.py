"""The adjusted additive null of one candidate after the other, each by its own factorization."""

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

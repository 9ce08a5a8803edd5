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

Baskets with the same covariates are one row with a multiplicity, and all models are solved from one
inverse (`clinnlp.mine.signals.shared_solve`); the sums over rows are taken for some at once.

References
----------
Wacholder, Binomial regression in GLIM: estimating risk ratios and risk differences, Am J
Epidemiol 1986;123:174. White, A heteroskedasticity-consistent covariance matrix estimator,
Econometrica 1980;48:817. VanderWeele and Knol, A tutorial on interaction, Epidemiol Methods
2014;3:33.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.mine.measures.additive import Additive
from clinnlp.mine.signals.distinct_rows import LANES, distinct_rows, spreads
from clinnlp.mine.signals.shared_solve import LeftOut, SharedSolve

__all__ = ["AdditiveModel", "Asked"]

_RIDGE = 1e-6  # per column; only decides what no basket without the pair can tell
_AT_ONCE = 128  # right sides that are solved together
_TOLD = 1e-2  # least eigenvalue of terms that baskets decide, not the ridge

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A candidate to test: columns of its two drugs and of its outcome, pairs with own terms."""

    pair: Pair
    outcome: int
    beside: Sequence[Pair] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """Products of the baskets of one model, those with the pair left out."""

    own: list[int]  # the columns of its drugs
    both: Ints  # rows with the pair
    left: LeftOut
    n_joint: float
    n_pair: float
    sides: Floats  # Σ x of baskets with the pair, of others with the outcome; (n_columns, 2)
    terms: sparse.csc_matrix  # of each pair beside, where the others hold it; (n_rows, n_terms)
    cross: Floats  # of columns and terms, shape (n_columns, n_terms)
    term_gram: Floats
    term_sides: Floats  # as `sides`, of the terms


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Solutions of one model: weights of the expectation and risks, of columns and of terms."""

    sums: _Sums
    columns: Floats  # (n_columns, 2)
    terms: Floats  # (n_terms, 2)


class AdditiveModel:
    """Additive-risk regressions over one set of covariates, fitted without a pair at a time.

    Parameters
    ----------
    drugs : csr_matrix of 0/1, shape (n_baskets, n_drugs)
    others : csr_matrix of 0/1, shape (n_baskets, n_others)
        Further covariates, such as conditions.
    outcomes : csc_matrix of 0/1, shape (n_baskets, n_outcomes)

    Examples
    --------
    >>> held = sparse.csr_matrix(np.array([[1, 1], [1, 0], [0, 1], [0, 0]] * 40))
    >>> bleeds = sparse.csc_matrix(np.array([1, 0, 0, 0] * 20 + [1, 1, 0, 0] * 20)[:, None])
    >>> model = AdditiveModel(held, sparse.csr_matrix((160, 0)), bleeds)
    >>> null = model.nulls([Asked(pair=(0, 1), outcome=0)])  # half of those with drug 0 alone
    >>> null.n_joint.tolist(), null.expected.round(3).tolist()
    ([40], [20.0])
    """

    def __init__(
        self, drugs: sparse.csr_matrix, others: sparse.csr_matrix, outcomes: sparse.csc_matrix
    ) -> None:
        ones = sparse.csr_matrix(np.ones((drugs.shape[0], 1)))
        full = sparse.hstack([ones, drugs, others], format="csr", dtype=np.float64)
        self._x, self._row_of, self._times = distinct_rows(full)
        self._by_column = self._x.tocsc().sorted_indices()
        self._weighted = self._x.multiply(self._times[:, None]).tocsr()
        self._outcomes = outcomes
        self._found: dict[Pair, Ints] = {}  # rows with a pair
        self._totals = self._weighted.T @ np.ones(len(self._times))
        self._solve = SharedSolve((self._x.T @ self._weighted).toarray(), ridge=_RIDGE)

    def nulls(self, asked: Sequence[Asked]) -> Additive:
        """Return the adjusted additive null of each candidate, shape (n_asked,) each."""
        fits = (fit for block in self._blocks(asked) for fit in self._fitted(block))
        parts = [np.zeros((0, 5))]
        lanes: list[_Fit] = []
        for fit in fits:
            lanes.append(fit)
            if len(lanes) == LANES:
                parts.append(self._expected(lanes))
                lanes = []
        if lanes:
            parts.append(self._expected(lanes))
        n_joint, n_pair, expected, one_more, variance = np.concatenate(parts).T
        return Additive(
            n_joint=n_joint.astype(np.int64),
            n_pair=n_pair.astype(np.int64),
            expected=expected,
            mean=expected + one_more,
            variance=variance,
        )

    def _blocks(self, asked: Sequence[Asked]) -> Iterator[list[_Sums]]:
        block, n_sides = list[_Sums](), 0
        for one in asked:
            block.append(self._sums(one))
            n_sides += 2 + block[-1].cross.shape[1]
            if n_sides >= _AT_ONCE:
                yield block
                block, n_sides = [], 0
        if block:
            yield block

    def _sums(self, asked: Asked) -> _Sums:
        own = [1 + drug for drug in asked.pair]
        both, times = self._rows_with(asked.pair), self._times
        rows, y = self._outcome(asked.outcome)
        joint = _among(rows, both)
        rest, y_rest = rows[~joint], y[~joint]
        left = LeftOut(rows=self._x[both], times=times[both])
        # A term that only baskets with the pair hold is not of the model: its risk is 0
        beside = [
            rows for rows in map(self._rows_with, asked.beside) if not _among(rows, both).all()
        ]
        held = [_among(rows, both) for rows in beside]
        terms = self._indicators([of[~gone] for of, gone in zip(beside, held, strict=True)])
        weighted = terms.multiply(times[:, None]).tocsc()
        of_pair = [times[of[gone]].sum() for of, gone in zip(beside, held, strict=True)]
        with_y = [y_rest[_among(rest, of)].sum() for of in beside]
        return _Sums(
            own=own,
            both=both,
            left=left,
            n_joint=float(y[joint].sum()),
            n_pair=float(times[both].sum()),
            sides=np.stack([left.sums(), self._x[rest].T @ y_rest], axis=1),
            terms=terms,
            cross=(self._x.T @ weighted).toarray(),
            term_gram=(terms.T @ weighted).toarray() + _RIDGE * np.eye(len(beside)),
            term_sides=np.array([of_pair, with_y], np.float64).reshape(2, -1).T,
        )

    def _rows_with(self, pair: Pair) -> Ints:
        """Return the rows with both drugs, rising."""
        if pair in self._found:
            return self._found[pair]
        x = self._by_column
        first, second = (x.indices[x.indptr[1 + k] : x.indptr[2 + k]] for k in pair)
        few, many = (first, second) if len(first) < len(second) else (second, first)
        self._found[pair] = few[_among(few, many)].astype(np.int64)
        return self._found[pair]

    def _outcome(self, k: int) -> tuple[Ints, Floats]:
        """Return the rows with an outcome, rising, and how many of their baskets have it."""
        y = self._outcomes
        baskets = y.indices[y.indptr[k] : y.indptr[k + 1]]
        rows, times = np.unique(self._row_of[baskets], return_counts=True)
        return rows, times.astype(np.float64)

    def _indicators(self, rows: list[Ints]) -> sparse.csc_matrix:
        """Return 0/1 columns that hold these rows."""
        ends = np.cumsum([0, *map(len, rows)])
        at = np.concatenate([np.zeros(0, np.int64), *rows])
        shape = (len(self._times), len(rows))
        return sparse.csc_matrix((np.ones(len(at)), at, ends), shape=shape)

    def _fitted(self, block: list[_Sums]) -> list[_Fit]:
        sides = [np.concatenate([sums.sides, sums.cross], axis=1) for sums in block]
        solved = self._solve.solve([sums.left for sums in block], sides)
        return [self._with_terms(*one) for one in zip(block, solved, strict=True)]

    def _with_terms(self, sums: _Sums, solved: Floats) -> _Fit:
        """Return the fit with the terms, from the solutions for the columns alone."""
        columns, across = solved[:, :2], solved[:, 2:]
        inner = sums.term_gram - sums.cross.T @ across
        if len(inner) and np.linalg.eigvalsh(inner)[0] < _TOLD:
            return self._whole(sums)
        right = sums.term_sides - sums.cross.T @ columns
        terms = np.asarray(np.linalg.solve(inner, right), np.float64)
        return _Fit(sums=sums, columns=columns - across @ terms, terms=terms)

    def _whole(self, sums: _Sums) -> _Fit:
        """Return the fit by a factorization of all, where the ridge must tell terms apart."""
        a = np.block([[self._solve.matrix(sums.left), sums.cross], [sums.cross.T, sums.term_gram]])
        sides = np.concatenate([sums.sides, sums.term_sides])
        solved = linalg.cho_solve(linalg.cho_factor(a, overwrite_a=True), sides)
        n = len(sums.sides)
        return _Fit(sums=sums, columns=solved[:n], terms=solved[n:])

    def _expected(self, fits: list[_Fit]) -> Floats:
        """Return n_joint, n_pair, expected, one more report of each drug, and variance of each."""
        spread = self._spreads(fits)
        rows = []
        for fit, robust in zip(fits, spread.tolist(), strict=False):
            sums, n = fit.sums, fit.sums.n_pair
            expected = (
                sums.sides[:, 0] @ fit.columns[:, 1] + sums.term_sides[:, 0] @ fit.terms[:, 1]
            )
            # A drug that seems to protect must not lower what is expected of the pair
            expected -= n * np.minimum(fit.columns[sums.own, 1], 0).sum()
            one_more = n / (self._totals[sums.own] - n)
            variance = robust + (one_more**2).sum()
            rows.append((sums.n_joint, n, max(expected, 0.0), one_more.sum(), variance))
        return np.array(rows)

    def _spreads(self, fits: list[_Fit]) -> Floats:
        """Return Σ w² p (1 − p): the expectation is a weighted sum of the others' outcomes."""
        both = np.zeros((2, len(self._totals), LANES))
        rows, lanes, more, gone = list[Ints](), list[int](), list[Floats](), list[bool]()
        for i, fit in enumerate(fits):
            both[:, :, i] = fit.columns.T
            added = fit.sums.terms.tocoo()
            rows += [fit.sums.both, added.row]
            lanes += [i, i]
            more += [np.zeros((len(fit.sums.both), 2)), fit.terms[added.col]]
            gone += [True, False]
        at, lengths = np.concatenate(rows), [*map(len, rows)]
        order = np.argsort(at, kind="stable")
        lane, left_out = (np.repeat(of, lengths)[order] for of in (lanes, gone))
        return spreads(
            self._x.indptr.astype(np.int64), self._x.indices.astype(np.int32, copy=False),
            self._times, both[0], both[1], at[order].astype(np.int64), lane,
            np.concatenate(more)[order], left_out,
        )  # fmt: skip


def _among(few: Ints, many: Ints) -> Bools:
    """Return which of some rising rows are among others."""
    if not len(many):
        return np.zeros(len(few), bool)
    at = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return np.asarray(many[at] == few, bool)

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

Baskets with the same covariates are one row with a multiplicity. All models are solved from one
inverse (`clinnlp.mine.signals.shared_solve`), those of one pair as one with a side per outcome; the
models of one outcome share the terms of all its called pairs. Sums over rows are taken for some at
once.

References
----------
Wacholder, Binomial regression in GLIM: estimating risk ratios and risk differences, Am J
Epidemiol 1986;123:174. White, A heteroskedasticity-consistent covariance matrix estimator,
Econometrica 1980;48:817. VanderWeele and Knol, A tutorial on interaction, Epidemiol Methods
2014;3:33.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.mine.measures.additive import Additive
from clinnlp.mine.signals.distinct_rows import LANES, distinct_rows, spreads
from clinnlp.mine.signals.shared_solve import Border, LeftOut, SharedSolve

__all__ = ["AdditiveModel", "Asked"]

_RIDGE = 1e-6  # per column; only decides what no basket without the pair can tell
_AT_ONCE = 128  # right sides that are solved together

Pair = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A candidate to test: columns of its two drugs and of its outcome, pairs with own terms."""

    pair: Pair
    outcome: int
    beside: Sequence[Pair] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Terms:
    """Pairs with terms of their own, as the models of an outcome share them."""

    rows: list[Ints]  # with each pair
    there: Ints  # rows with any of them
    held: sparse.csr_matrix  # which of them each of these rows holds, (n_there, n_terms)
    border: Border
    with_y: Floats  # baskets with each pair and the outcome, (n_terms,)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sums:
    """Products of the baskets of a model, those with the pair left out, and who asks for it."""

    own: list[int]  # the columns of its drugs
    both: Ints  # rows with the pair
    left: LeftOut
    n_pair: float
    sides: Floats  # Σ x of baskets with the pair, of others with each outcome; (n_columns, 1 + …)
    terms: _Terms | None
    asked: list[int]
    n_joint: list[float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Fit:
    """Solutions for one candidate: weights of the expectation and risks, of columns and terms."""

    sums: _Sums
    k: int  # which of those who asked
    solved: Floats  # (n_columns + n_terms, 2)


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
        self._seen: dict[int, tuple[Ints, Floats, Floats]] = {}  # of an outcome
        self._totals = self._weighted.T @ np.ones(len(self._times))
        self._solve = SharedSolve((self._x.T @ self._weighted).toarray(), ridge=_RIDGE)

    def nulls(self, asked: Sequence[Asked]) -> Additive:
        """Return the adjusted additive null of each candidate, shape (n_asked,) each."""
        rows = np.zeros((len(asked), 5))
        lanes: list[_Fit] = []
        for fit in self._fits(asked):
            lanes.append(fit)
            if len(lanes) == LANES:
                self._expected(lanes, rows)
                lanes = []
        if lanes:
            self._expected(lanes, rows)
        n_joint, n_pair, expected, one_more, variance = rows.T
        return Additive(
            n_joint=n_joint.astype(np.int64),
            n_pair=n_pair.astype(np.int64),
            expected=expected,
            mean=expected + one_more,
            variance=variance,
        )

    def _fits(self, asked: Sequence[Asked]) -> Iterator[_Fit]:
        """Yield the fit of each candidate, in any order."""
        for block in self._blocks(asked):
            borders = [None if one.terms is None else one.terms.border for one in block]
            solved = self._solve.solve(
                [one.left for one in block], [one.sides for one in block], borders
            )
            for sums, x in zip(block, solved, strict=True):
                for k in range(len(sums.asked)):
                    yield _Fit(sums=sums, k=k, solved=x[:, [0, 1 + k]])

    def _blocks(self, asked: Sequence[Asked]) -> Iterator[list[_Sums]]:
        """Yield the models, those of one pair without terms as one."""
        alone, beside = defaultdict[Pair, list[int]](list), defaultdict[Any, list[int]](list)
        for k, one in enumerate(asked):
            if one.beside:
                beside[one.outcome, frozenset((one.pair, *one.beside))].append(k)
            else:
                alone[one.pair].append(k)
        block, n_sides = list[_Sums](), 0
        for sums in self._each(asked, alone, beside):
            block.append(sums)
            n_sides += sums.sides.shape[1]
            if n_sides >= _AT_ONCE:
                yield block
                block, n_sides = [], 0
        if block:
            yield block

    def _each(
        self,
        asked: Sequence[Asked],
        alone: Mapping[Pair, list[int]],
        beside: Mapping[Any, list[int]],
    ) -> Iterator[_Sums]:
        for pair, rows in alone.items():
            for low in range(0, len(rows), _AT_ONCE):
                some = rows[low : low + _AT_ONCE]
                yield self._sums(pair, [asked[k].outcome for k in some], some, None)
        for (outcome, pairs), rows in beside.items():
            terms = self._terms(sorted(pairs), outcome)
            for k in rows:
                yield self._sums(asked[k].pair, [outcome], [k], terms)

    def _terms(self, pairs: Sequence[Pair], outcome: int) -> _Terms:
        rows = [self._rows_with(pair) for pair in pairs]
        with_y, y, _ = self._outcome(outcome)
        there, place = np.unique(np.concatenate(rows), return_inverse=True)
        term = np.repeat(np.arange(len(rows)), [*map(len, rows)])
        ones = (np.ones(len(place)), (place, term))
        held = sparse.csr_matrix(ones, shape=(len(there), len(rows)))
        cross = [self._x[at].T @ self._times[at] for at in rows]
        return _Terms(
            rows=rows,
            there=there,
            held=held,
            border=Border(
                cross=np.stack(cross, axis=1),
                gram=(held.T @ held.multiply(self._times[there][:, None])).toarray(),
            ),
            with_y=held.T @ _taken(with_y, y, there),
        )

    def _sums(
        self, pair: Pair, outcomes: Sequence[int], asked: list[int], terms: _Terms | None
    ) -> _Sums:
        both = self._rows_with(pair)
        rows, times = self._x[both], self._times[both]
        if terms is not None:
            of_terms = terms.held[np.searchsorted(terms.there, both)]
            rows = sparse.hstack([rows, of_terms], format="csr")
        left = LeftOut(rows=rows, times=times)
        sides, n_joint = [left.sums()], list[float]()
        for outcome in outcomes:
            with_y, y, every = self._outcome(outcome)
            joint = _taken(with_y, y, both)
            if terms is not None:
                every = np.concatenate([every, terms.with_y])
            sides.append(every - rows.T @ joint)
            n_joint.append(float(joint.sum()))
        return _Sums(
            own=[1 + drug for drug in pair],
            both=both,
            left=left,
            n_pair=float(times.sum()),
            sides=np.stack(sides, axis=1),
            terms=terms,
            asked=asked,
            n_joint=n_joint,
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

    def _outcome(self, k: int) -> tuple[Ints, Floats, Floats]:
        """Return the rows with an outcome, rising, how many of their baskets have it, their Σ x."""
        if k not in self._seen:
            y = self._outcomes
            baskets = y.indices[y.indptr[k] : y.indptr[k + 1]]
            rows, n = np.unique(self._row_of[baskets], return_counts=True)
            times = n.astype(np.float64)
            self._seen[k] = rows, times, self._x[rows].T @ times
        return self._seen[k]

    def _expected(self, fits: list[_Fit], found: Floats) -> None:
        """Fill in n_joint, n_pair, expected, one more report of each drug, and variance of each."""
        spread = self._spreads(fits)
        for fit, robust in zip(fits, spread.tolist(), strict=False):
            sums, n = fit.sums, fit.sums.n_pair
            expected = sums.sides[:, 0] @ fit.solved[:, 1]
            # A drug that seems to protect must not lower what is expected of the pair
            expected -= n * np.minimum(fit.solved[sums.own, 1], 0).sum()
            one_more = n / (self._totals[sums.own] - n)
            variance = robust + (one_more**2).sum()
            row = [sums.n_joint[fit.k], n, max(float(expected), 0.0), one_more.sum(), variance]
            found[sums.asked[fit.k]] = np.array(row)

    def _spreads(self, fits: list[_Fit]) -> Floats:
        """Return Σ w² p (1 − p): the expectation is a weighted sum of the others' outcomes."""
        n = len(self._totals)
        both = np.zeros((2, n, LANES))
        rows, lanes, more, gone = list[Ints](), list[int](), list[Floats](), list[bool]()
        for i, fit in enumerate(fits):
            both[:, :, i] = fit.solved[:n].T
            added = [] if fit.sums.terms is None else fit.sums.terms.rows
            rest = [at[~_among(at, fit.sums.both)] for at in added]
            rows += [fit.sums.both, *rest]
            lanes += [i] * (1 + len(rest))
            more += [np.zeros((len(fit.sums.both), 2))]
            more += [np.tile(w, (len(at), 1)) for at, w in zip(rest, fit.solved[n:], strict=True)]
            gone += [True] + [False] * len(rest)
        at, lengths = np.concatenate(rows), [*map(len, rows)]
        order = np.argsort(at, kind="stable")
        lane, left_out = (np.repeat(of, lengths)[order] for of in (lanes, gone))
        return spreads(
            self._x.indptr.astype(np.int64), self._x.indices.astype(np.int32, copy=False),
            self._times, both[0], both[1], at[order].astype(np.int64), lane,
            np.concatenate(more)[order], left_out,
        )  # fmt: skip


def _taken(at: Ints, values: Floats, wanted: Ints) -> Floats:
    """Return the values of wanted rows, 0 where they have none; all rows rise."""
    if not len(at):
        return np.zeros(len(wanted))
    places = np.minimum(np.searchsorted(at, wanted), len(at) - 1)
    return np.where(at[places] == wanted, values[places], 0.0)


def _among(few: Ints, many: Ints) -> Bools:
    """Return which of some rising rows are among others."""
    if not len(many):
        return np.zeros(len(few), bool)
    at = np.minimum(np.searchsorted(many, few), len(many) - 1)
    return np.asarray(many[at] == few, bool)

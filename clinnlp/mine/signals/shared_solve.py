"""Normal equations of many regressions that differ in a few rows, solved beside each other.

All models share X; each leaves out its own rows Z of it (with multiplicities N), and some have
terms beside the columns of X:

    A = M − Zᵀ N Z,  M = Xᵀ X + r I

M⁻¹ A is near the identity but for a few directions, so conjugate gradients preconditioned by the
one M⁻¹ need some seven steps, whatever the number of rows of Z. A step is one product by M⁻¹ for
the sides of all models at once; M p needs none, since it follows from the residuals. Terms border
M; its inverse is that of M and a small one of the terms, which models of the same terms share. What
is found is checked against A itself. Where it is not right, where only the ridge tells terms apart,
or where there are few models, A is factorized.

A column that only the rows left out hold is not of the model: its solution is 0.

References
----------
Golub and Van Loan, Matrix computations, 4th ed. 2013, sections 11.3 and 11.5.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from clinnlp.core.arrays import Bools, Floats, Ints

__all__ = ["Border", "LeftOut", "SharedSolve"]

_FEW = 4  # models below which one inverse costs more than they do
_ENOUGH = 1e-12  # residual, of the right side, at which a solution is there
_SMALL = 1e-10  # largest residual against A itself
_MOST = 60  # steps after which a factorization is as fast
_TOLD = 1e-2  # least eigenvalue of terms that baskets decide, not the ridge


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """Distinct rows that one model leaves out, and how often each stands in X.

    Parameters
    ----------
    rows : csr_matrix, shape (n_rows, n_columns + n_terms)
    times : array of float64, shape (n_rows,)
    """

    rows: sparse.csr_matrix
    times: Floats

    def product(self, x: Floats) -> Floats:
        """Return Zᵀ N Z x."""
        product: Floats = self.rows.T @ (self.times[:, None] * (self.rows @ x))
        return product

    def sums(self) -> Floats:
        """Return how often each column stands in the rows, shape (n_columns + n_terms,)."""
        return np.asarray(self.rows.T @ self.times, np.float64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Border:
    """Products of terms that models have beside the columns, over all rows.

    Parameters
    ----------
    cross : array of float64, shape (n_columns, n_terms)
    gram : array of float64, shape (n_terms, n_terms)
    """

    cross: Floats
    gram: Floats


class SharedSolve:
    """Solver of A x = b for models that leave out rows.

    Parameters
    ----------
    gram : array of float64, shape (n_columns, n_columns)
        Xᵀ X of 0/1 columns.
    ridge : float
        r, above 0.

    Examples
    --------
    >>> x = np.array([[1.0, 0], [1, 1], [1, 1], [0, 1]])
    >>> left = LeftOut(rows=sparse.csr_matrix(x[1:2]), times=np.ones(1))
    >>> solve = SharedSolve(x.T @ x, ridge=1e-9)
    >>> solve.solve([left], [np.array([[3.0], [2.0]])])[0].ravel().round(6).tolist()
    [1.333333, 0.333333]
    """

    def __init__(self, gram: Floats, *, ridge: float) -> None:
        self._gram, self._ridge = gram, ridge
        self._m = gram + ridge * np.eye(len(gram))
        self._inverse: Floats | None = None

    def solve(
        self,
        left: Sequence[LeftOut],
        b: Sequence[Floats],
        borders: Sequence[Border | None] | None = None,
    ) -> list[Floats]:
        """Return the solutions of each model for its own right sides.

        Parameters
        ----------
        left : sequence of LeftOut
        b : sequence of array of float64, shape (n_columns + n_terms, n) each
        borders : sequence of Border or None, optional
            Terms of each model; none by default.
        """
        borders = borders or [None] * len(left)
        held = [self._held(*one) for one in zip(left, borders, strict=True)]
        b = [side * kept[:, None] for side, kept in zip(b, held, strict=True)]
        found: dict[int, Floats] = {}
        if self._inverse is not None or len(left) >= _FEW:
            models = self._models(left, borders, held)
            found = self._by_gradients(models, {k: b[k] for k in models})
        solved = []
        for k, kept in enumerate(held):
            x = found.get(k)
            if x is None:
                x = self._factorized(left[k], b[k], borders[k])
            solved.append(x * kept[:, None])
        return solved

    def _held(self, left: LeftOut, border: Border | None) -> Bools:
        """Return which columns and terms any row of the model holds."""
        terms = np.zeros(0) if border is None else np.diagonal(border.gram)
        held: Bools = np.concatenate([np.diagonal(self._gram), terms]) - left.sums() > 0
        return held

    def _factorized(self, left: LeftOut, b: Floats, border: Border | None) -> Floats:
        a = self._m
        if border is not None:
            a = np.block([[a, border.cross], [border.cross.T, self._ridged(border)]])
        a = a - (left.rows.T @ left.rows.multiply(left.times[:, None])).toarray()
        factor = linalg.cho_factor(a, overwrite_a=True, check_finite=False)
        return np.asarray(linalg.cho_solve(factor, b, check_finite=False), np.float64)

    def _ridged(self, border: Border) -> Floats:
        ridged: Floats = border.gram + self._ridge * np.eye(len(border.gram))
        return ridged

    def _models(
        self, left: Sequence[LeftOut], borders: Sequence[Border | None], held: Sequence[Bools]
    ) -> "dict[int, _Model]":
        """Return the models that can be solved together: whose terms baskets tell apart."""
        if self._inverse is None:
            self._inverse = linalg.inv(self._m, check_finite=False)
        known = self._inners({id(one): one for one in borders if one is not None})
        models = {}
        for k, border in enumerate(borders):
            if border is None:
                models[k] = _Model(left[k], None)
                continue
            terms = _Terms.of(known[id(border)], np.flatnonzero(held[k][len(self._m) :]))
            if terms is not None:
                models[k] = _Model(left[k], terms)
        return models

    def _inners(self, borders: dict[int, Border]) -> "dict[int, _Inner]":
        if not borders:
            return {}
        assert self._inverse is not None
        ends = np.cumsum([one.cross.shape[1] for one in borders.values()])[:-1]
        every = self._inverse @ np.concatenate([one.cross for one in borders.values()], axis=1)
        return {
            k: _Inner(one, across, self._ridged(one) - one.cross.T @ across)
            for (k, one), across in zip(borders.items(), np.split(every, ends, axis=1), strict=True)
        }

    def _by_gradients(self, models: "dict[int, _Model]", b: dict[int, Floats]) -> dict[int, Floats]:
        """Return the solutions that are right, by model."""
        if not models:
            return {}
        of, ends = [*models.values()], np.cumsum([0, *(b[k].shape[1] for k in models)])
        sides = np.zeros((max(map(len, b.values())), ends[-1]))  # all side by side, 0 below
        for k, low, high in zip(models, ends, ends[1:], strict=False):
            sides[: len(b[k]), low:high] = b[k]
        with np.errstate(all="ignore"):  # what is not finite is not right
            x = self._stepped(of, sides, np.repeat(np.arange(len(of)), np.diff(ends)))
            right = self._right(of, sides, x, ends)
        return {
            k: x[: len(b[k]), low:high]
            for k, low, high in zip(models, ends, ends[1:], strict=False)
            if right[low:high].all()
        }

    def _stepped(self, models: "list[_Model]", b: Floats, owner: Ints) -> Floats:
        """Return the solutions by conjugate gradients; `owner` is the model of each side."""
        found = np.zeros_like(b)
        at, x, r = np.arange(b.shape[1]), found.copy(), b.copy()
        z = self._conditioned(models, r, owner)
        p, mp, rz = z.copy(), r.copy(), _dots(r, z)
        enough = _ENOUGH**2 * rz
        for _ in range(_MOST):
            going = rz > enough
            if not going.any():
                break
            if 4 * going.sum() <= 3 * len(going):  # go on with those that are not there yet
                found[:, at] = x
                at, owner = at[going], owner[going]
                rz, enough = rz[going], enough[going]
                x, r, p, mp = (one[:, going] for one in (x, r, p, mp))
                going = going[going]
            ap = mp - _products(models, p, owner)
            step = np.where(going, rz / _dots(p, ap), 0.0)
            x += step * p
            r -= step * ap
            z = self._conditioned(models, r, owner)
            before, rz = rz, _dots(r, z)
            turn = np.where(going, rz / before, 0.0)
            p, mp = z + turn * p, r + turn * mp
        found[:, at] = x
        return found

    def _conditioned(self, models: "list[_Model]", r: Floats, owner: Ints) -> Floats:
        """Return M⁻¹ r, of a model with terms that of M with its border."""
        assert self._inverse is not None
        n = len(self._m)
        z = np.zeros_like(r)
        z[:n] = self._inverse @ r[:n]
        for k, low, high in _spans(owner):
            terms = models[k].terms
            if terms is not None:
                terms.mend(z[:, low:high], r[:, low:high])
        return z

    def _right(self, models: "list[_Model]", b: Floats, x: Floats, ends: Ints) -> Bools:
        """Return which sides are solved, by A itself."""
        n = len(self._m)
        product = np.zeros_like(x)
        product[:n] = self._m @ x[:n]
        scale = np.ones((len(x), 1))
        scale[:n, 0] = np.diagonal(self._m)
        for one, low, high in zip(models, ends, ends[1:], strict=False):
            if one.terms is not None:
                border = one.terms.inner.border
                g, of = len(border.gram), slice(low, high)
                product[:n, of] += border.cross @ x[n : n + g, of]
                product[n : n + g, of] = (
                    border.cross.T @ x[:n, of] + self._ridged(border) @ x[n : n + g, of]
                )
                one.terms.drop(product[:, of])
        owner = np.repeat(np.arange(len(models)), np.diff(ends))
        rest = b - (product - _products(models, x, owner))
        right: Bools = (rest**2 / scale).sum(axis=0) <= _SMALL**2 * (b**2 / scale).sum(axis=0)
        return right


@dataclass(frozen=True, slots=True, eq=False)
class _Inner:
    """What the inverse of M with a border needs."""

    border: Border
    across: Floats  # M⁻¹ cross, shape (n_columns, n_terms)
    inner: Floats  # of the terms, once the columns are taken out; (n_terms, n_terms)


@dataclass(frozen=True, slots=True, eq=False)
class _Terms:
    """The terms of one model among those of a border."""

    inner: _Inner
    kept: Ints
    factor: tuple[Floats, bool]

    @classmethod
    def of(cls, inner: _Inner, kept: Ints) -> "_Terms | None":
        """Return them, or none where only the ridge tells them apart."""
        own = inner.inner[np.ix_(kept, kept)]
        if len(own) and np.linalg.eigvalsh(own)[0] < _TOLD:
            return None
        return cls(
            inner, kept, linalg.cho_factor(own, check_finite=False) if len(own) else (own, False)
        )

    def mend(self, z: Floats, r: Floats) -> None:
        """Make of M⁻¹ r that of M with the border, in place."""
        across = self.inner.across
        n, g = across.shape
        x = np.zeros((g, z.shape[1]))
        if len(self.kept):
            rest = r[n + self.kept] - (across.T @ r[:n])[self.kept]
            x[self.kept] = linalg.cho_solve(self.factor, rest, check_finite=False)
        z[:n] -= across @ x
        z[n : n + g] = x

    def drop(self, x: Floats) -> None:
        """Set to 0 what belongs to no term of the model, in place."""
        n = len(self.inner.across)
        gone = np.ones(len(x) - n, bool)
        gone[self.kept] = False
        x[n:][gone] = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class _Model:
    left: LeftOut
    terms: _Terms | None


def _products(models: list[_Model], x: Floats, owner: Ints) -> Floats:
    """Return Zᵀ N Z x of each model for its sides."""
    product = np.zeros_like(x)
    for k, low, high in _spans(owner):
        one = models[k]
        width = one.left.rows.shape[1]
        product[:width, low:high] = one.left.product(x[:width, low:high])
        if one.terms is not None:
            one.terms.drop(product[:, low:high])
    return product


def _dots(a: Floats, b: Floats) -> Floats:
    """Return the products of two arrays column by column."""
    dots: Floats = np.einsum("ij,ij->j", a, b)
    return dots


def _spans(owner: Ints) -> list[tuple[int, int, int]]:
    """Return each model that has sides, where they begin and where they end."""
    models, starts = np.unique(owner, return_index=True)
    ends = [*starts[1:].tolist(), len(owner)]
    return list(zip(models.tolist(), starts.tolist(), ends, strict=True))

"""Normal equations of many regressions that differ in a few rows, solved from one inverse.

All models share X; each leaves out its own rows Z of it (with multiplicities N):

    A = M − Zᵀ N Z,  M = Xᵀ X + r I,   A⁻¹ b = c + M⁻¹ Zᵀ (N⁻¹ − Z M⁻¹ Zᵀ)⁻¹ Z c,  c = M⁻¹ b

(Woodbury), which costs as many rows as Z has distinct ones, not a factorization each. One step of
iterative refinement against A itself takes the rounding away; where that step is not small, where Z
has too many rows, or where there are few models, A is factorized.

A column that only the rows left out hold is not of the model: its solution is 0.

References
----------
Golub and Van Loan, Matrix computations, 4th ed. 2013, sections 2.1.4 and 3.5.3.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import linalg, sparse

from clinnlp.core.arrays import Bools, Floats

__all__ = ["LeftOut", "SharedSolve"]

_FEW = 4  # models below which one inverse costs more than they do
_SHARE = 0.5  # rows left out, per column, from which a factorization is as fast
_SMALL = 1e-6  # largest relative refinement after which a second one would not be seen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LeftOut:
    """Distinct rows that one model leaves out, and how often each stands in X.

    Parameters
    ----------
    rows : csr_matrix, shape (n_rows, n_columns)
    times : array of float64, shape (n_rows,)
    """

    rows: sparse.csr_matrix
    times: Floats

    def product(self, x: Floats) -> Floats:
        """Return Zᵀ N Z x."""
        product: Floats = self.rows.T @ (self.times[:, None] * (self.rows @ x))
        return product

    def sums(self) -> Floats:
        """Return how often each column stands in the rows, shape (n_columns,)."""
        return np.asarray(self.rows.T @ self.times, np.float64)


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
        self._gram = gram
        self._m = gram + ridge * np.eye(len(gram))
        self._inverse: Floats | None = None

    def solve(self, left: Sequence[LeftOut], b: Sequence[Floats]) -> list[Floats]:
        """Return the solutions of each model for its own right sides, shape (n_columns, n) each."""
        held = [self._held(one) for one in left]
        b = [side * kept[:, None] for side, kept in zip(b, held, strict=True)]
        shared = [k for k, one in enumerate(left) if self._is_shared(one)]
        if self._inverse is None and len(shared) < _FEW:
            shared = []
        found = dict(zip(shared, self._by_inverse(left, b, shared), strict=True))
        solved = []
        for k, one in enumerate(left):
            x = found.get(k)
            solved.append((self._factorized(one, b[k]) if x is None else x) * held[k][:, None])
        return solved

    def _held(self, left: LeftOut) -> Bools:
        """Return which columns any row of the model holds."""
        held: Bools = np.diagonal(self._gram) - left.sums() > 0
        return held

    def _is_shared(self, left: LeftOut) -> bool:
        return len(left.times) < _SHARE * len(self._m)

    def matrix(self, left: LeftOut) -> Floats:
        """Return A of a model."""
        a: Floats = self._m - (left.rows.T @ left.rows.multiply(left.times[:, None])).toarray()
        return a

    def _factorized(self, left: LeftOut, b: Floats) -> Floats:
        factor = linalg.cho_factor(self.matrix(left), overwrite_a=True, check_finite=False)
        return np.asarray(linalg.cho_solve(factor, b, check_finite=False), np.float64)

    def _by_inverse(
        self, left: Sequence[LeftOut], b: Sequence[Floats], models: list[int]
    ) -> list[Floats | None]:
        """Return the solutions of some models; none where they cannot be trusted."""
        if not models:
            return []
        if self._inverse is None:
            self._inverse = linalg.inv(self._m, check_finite=False)
        mends = [_Mend.of(self._inverse, left[k]) for k in models]
        sides = [b[k] for k in models]
        first = self._step(mends, sides)
        products = self._apart(self._m, first)
        rests = [
            side - (product - left[k].product(x))
            for k, side, product, x in zip(models, sides, products, first, strict=True)
        ]
        second = self._step(mends, rests)
        return [
            x + more
            if mend is not None and np.abs(more).max() <= _SMALL * np.abs(x).max()
            else None
            for x, more, mend in zip(first, second, mends, strict=True)
        ]

    def _step(self, mends: "list[_Mend | None]", b: list[Floats]) -> list[Floats]:
        assert self._inverse is not None
        return [
            x if mend is None else mend.of_shared(x)
            for mend, x in zip(mends, self._apart(self._inverse, b), strict=True)
        ]

    @staticmethod
    def _apart(matrix: Floats, b: list[Floats]) -> list[Floats]:
        """Return the product with each, all at once."""
        ends = np.cumsum([side.shape[1] for side in b])
        return np.split(matrix @ np.concatenate(b, axis=1), ends[:-1], axis=1)


@dataclass(frozen=True, slots=True, eq=False)
class _Mend:
    """What leaving rows out adds to a solution of all rows."""

    rows: sparse.csr_matrix
    across: Floats  # Z M⁻¹, shape (n_rows, n_columns)
    factor: tuple[Floats, bool]

    @classmethod
    def of(cls, inverse: Floats, left: LeftOut) -> "_Mend | None":
        """Return it, or none where the rows left out are all that a direction has."""
        across = left.rows @ inverse
        inner = np.diag(1 / left.times) - left.rows @ across.T
        try:
            factor = linalg.cho_factor(inner, lower=True, check_finite=False)
        except linalg.LinAlgError:
            return None
        return cls(left.rows, across, factor)

    def of_shared(self, x: Floats) -> Floats:
        mended: Floats = x + self.across.T @ linalg.cho_solve(self.factor, self.rows @ x)
        return mended

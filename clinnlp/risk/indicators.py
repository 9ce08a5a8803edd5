"""Matrices as the models want them: bins, dense rows for trees, fewer columns, a kernel."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import (
    BaseEstimator,
    ClassNamePrefixFeaturesOutMixin,
    OneToOneFeatureMixin,
    TransformerMixin,
)
from sklearn.feature_selection import f_classif
from sklearn.kernel_approximation import Nystroem
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.checks import check_at_least
from clinnlp.features.frames import as_asked

__all__ = ["BestColumns", "Dense", "Indicators", "KernelColumns"]

_STEP = 0.5  # of a number one standard deviation above where it begins
_FURTHEST = 3.0  # standard deviations


class Indicators(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns to indicators: presence for two-valued columns, quantile bins for the others.

    The bins of a column lie between the distinct quantiles of its values other than zero, each
    closed on the right, with an edge at zero where it has zeros. Two bins give one indicator,
    ``x > edge``; more give one each, but for that of zero where most rows are zero: it is what is
    left where no other is there, so that what stays sparse is told by what is there.

    Bins do not know that they follow one another. Where rows are few, that they rise together is
    what can be learned: with `linear`, a column of three bins or more stands beside them as a
    number, in half standard deviations up to three of them, from 0 where most rows are 0, else from
    the mean.

    Parameters
    ----------
    n_bins : int
        Quantile bins, at least 2; fewer where quantiles coincide.
    linear : bool
        Add numbers as they are.

    Attributes
    ----------
    edges_ : array of float64, shape (n_features, at most n_bins)
        Inner bin edges per column, rising, then ``inf`` where it has fewer.
    number_ : array of int64, shape (n_features, at most n_bins + 1)
        Indicator of each bin, -1 where it has none.
    source_ : array of int64, shape (n_features_out,)
        Column of X each indicator comes from, and behind them each number.
    linear_ : array of int64, shape (n_numbers,)
        Columns that are numbers too.
    centre_, spread_ : array of float64, shape (n_numbers,)
        Where they begin, and their standard deviation.

    Examples
    --------
    >>> X = [[0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 9.0]]
    >>> Indicators(n_bins=2).fit_transform(X).toarray()
    array([[0., 1., 0., 0.],
           [1., 0., 1., 0.],
           [1., 0., 1., 0.],
           [0., 0., 0., 1.]])
    """

    def __init__(self, *, n_bins: int = 5, linear: bool = False) -> None:
        self.n_bins = n_bins
        self.linear = linear

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Learn the bin edges."""
        check_at_least(self.n_bins, 2, name="n_bins")
        X = validate_data(self, X, accept_sparse="csc", dtype=np.float64)
        column, x = _stored(X)
        n_zeros = X.shape[0] - np.bincount(column, minlength=X.shape[1])
        self.edges_ = _edges(column, x, n_zeros, self.n_bins)
        shown = _has_indicator(self.edges_, mostly_zero=2 * n_zeros > X.shape[0])
        self.number_ = np.where(shown, np.cumsum(shown).reshape(shown.shape) - 1, -1)
        several = np.isfinite(self.edges_).sum(axis=1) > 1
        self.linear_ = np.flatnonzero(several) if self.linear else np.empty(0, np.int64)
        self.centre_, self.spread_ = _centres(column, x, n_zeros, X.shape[0], self.linear_)
        self.source_ = np.append(np.nonzero(shown)[0], self.linear_)
        return self

    def transform(self, X: Any) -> Any:
        """Return the indicators, as csr_matrix of float64, shape (n_rows, n_features_out).

        With `linear`, numbers stand behind them.

        Where ``set_output`` asks for a frame, they are dense.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csc", dtype=np.float64, reset=False)
        column, x = _stored(X)
        row = sparse.csc_matrix(X).indices[sparse.csc_matrix(X).data != 0]
        made = self.number_[column, _bins_of(x, self.edges_[column])]
        row, made = row[made >= 0], made[made >= 0]
        # Zeros are not stored, and all of them lie in one bin
        of_zero = self.number_[np.arange(X.shape[1]), _bins_of(0.0, self.edges_)]
        zero_rows, zero_columns = _zeros(X, np.flatnonzero(of_zero >= 0))
        at = (np.append(row, zero_rows), np.append(made, of_zero[zero_columns]))
        shape = (X.shape[0], len(self.source_) - len(self.linear_))
        shown = sparse.csr_matrix((np.ones(len(at[0])), at), shape=shape)
        if len(self.linear_):
            shown = sparse.hstack([shown, self._numbers(X)], format="csr")
        return as_asked(self, shown)

    def _numbers(self, X: Any) -> sparse.csr_matrix:
        """Return the columns that are numbers; those that begin at 0 stay sparse."""
        cells = sparse.csc_matrix(X)[:, self.linear_]
        stored = np.repeat(np.arange(cells.shape[1]), np.diff(cells.indptr))
        there = cells.data != 0
        row, column = _zeros(cells, np.flatnonzero(self.centre_))
        row, column = np.append(cells.indices[there], row), np.append(stored[there], column)
        x = np.append(cells.data[there], np.zeros(len(row) - int(there.sum())))
        made = self._scaled(x, column)
        at = (row, column)
        return sparse.csr_matrix((made, at), shape=cells.shape)

    def _scaled(self, x: Array, column: Array) -> Array:
        standard = (x - self.centre_[column]) / self.spread_[column]
        scaled: Array = np.clip(standard, -_FURTHEST, _FURTHEST) * _STEP
        return scaled

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the indicators, such as ``"age in (60, 70]"``."""
        check_is_fitted(self)
        return self.names_from(_names_of(self, input_features))

    def names_from(self, names: Sequence[Any], origins: Floats | None = None) -> Array:
        """Return the names of the indicators of columns whose 0 stands for another number."""
        lifted = self.edges_ if origins is None else self.edges_ + origins[:, None]
        bins = [
            _bin_name(str(names[j]), lifted[j][np.isfinite(self.edges_[j])], bin_)
            for j, bin_ in np.argwhere(self.number_ >= 0).tolist()
        ]
        return np.array(
            [*bins, *(f"{names[j]} as a number" for j in self.linear_.tolist())], dtype=object
        )

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what was saved, also before there were numbers."""
        none = {"linear": False, "linear_": np.empty(0, np.int64)}
        super().__setstate__({**none, **state} if "edges_" in state else state)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Dense(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sparse rows to dense ones where they fit into memory and trees grow faster on them.

    Parameters
    ----------
    max_cells : int
        Matrices with more cells (4 bytes each) stay sparse.
    least_share : float
        So do those with a smaller share of cells other than zero: below a twentieth a tree is grown
        faster from what is there, and is the same.

    Examples
    --------
    >>> Dense().fit_transform(sparse.csr_matrix([[0.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, *, max_cells: int = 2**28, least_share: float = 0.0) -> None:
        self.max_cells = max_cells
        self.least_share = least_share

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Learn the number of features."""
        validate_data(self, X, accept_sparse="csr", dtype=np.float32)
        return self

    def transform(self, X: Any) -> Any:
        """Return X in float32, dense or sparse, with the same values."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        if not sparse.issparse(X):
            return X
        n_cells = X.shape[0] * X.shape[1]
        is_dense = self.least_share * n_cells <= X.nnz
        return X.toarray() if is_dense and n_cells <= self.max_cells else as_asked(self, X)

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        """Take what was saved, also before there was every option."""
        super().__setstate__({"least_share": 0.0, **state})

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


class BestColumns(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """The columns whose means differ most between classes, by the F test, in their own order.

    Unlike scikit-learn's ``SelectKBest``, it takes matrices with fewer columns as they are, and
    it holds no function, which a stored model may not.

    Parameters
    ----------
    n_columns : int
        At least 1.

    Attributes
    ----------
    kept_ : array of int64, shape (at most n_columns,)

    Examples
    --------
    >>> X = [[0.0, 5.0], [1.0, 5.0], [1.0, 4.0], [0.0, 4.0]]
    >>> BestColumns(n_columns=1).fit(X, [0, 0, 1, 1]).kept_.tolist()
    [1]
    """

    def __init__(self, *, n_columns: int = 100) -> None:
        self.n_columns = n_columns

    def fit(self, X: Any, y: Any) -> Self:
        """Choose the columns."""
        check_at_least(self.n_columns, 1, name="n_columns")
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")  # constant columns, which come last
            scores = np.nan_to_num(f_classif(X, y)[0], nan=-1.0)
        order = np.lexsort((np.arange(X.shape[1]), -scores))
        self.kept_ = np.sort(order[: self.n_columns])
        return self

    def transform(self, X: Any) -> Any:
        """Return these columns of X."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        kept = X[:, self.kept_]
        return as_asked(self, kept) if sparse.issparse(kept) else kept

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the columns kept."""
        check_is_fitted(self)
        names: Array = np.asarray(_names_of(self, input_features), dtype=object)[self.kept_]
        return names

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.target_tags.required = True
        return tags


class KernelColumns(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Nyström columns of a Gaussian kernel over rows of length 1, from made-up landmarks.

    The landmarks of the Nyström method are rows of training, which a saved model would keep, one
    patient each. Here each cell of a landmark is drawn by itself, from how often its column is
    other than zero: no row is kept, and in tests the rankings are as good.

    Parameters
    ----------
    gamma : float
        ``exp(-gamma d²)`` for rows at distance d.
    n_landmarks : int
        Columns made, at least 1.
    seed : int

    Attributes
    ----------
    kernel_ : Nystroem
        Fitted on the landmarks alone.

    References
    ----------
    Williams and Seeger, Using the Nyström method to speed up kernel machines, NIPS 2000.

    Examples
    --------
    >>> KernelColumns(n_landmarks=2).fit_transform([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]).shape
    (3, 2)
    """

    def __init__(self, *, gamma: float = 1.0, n_landmarks: int = 300, seed: int = 0) -> None:
        self.gamma = gamma
        self.n_landmarks = n_landmarks
        self.seed = seed

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Draw the landmarks from the shares of the columns."""
        check_at_least(self.n_landmarks, 1, name="n_landmarks")
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64)
        column, x = _stored(X)
        n = np.bincount(column, minlength=X.shape[1])
        share = n / X.shape[0]
        height = np.bincount(column, x, minlength=X.shape[1]) / np.maximum(1, n)
        rng = np.random.default_rng(self.seed)
        drawn = [
            sparse.csr_matrix(np.where(rng.random(len(share)) < share, height, 0.0))
            for _ in range(self.n_landmarks)
        ]
        landmarks = normalize(sparse.vstack(drawn, format="csr"))
        self.kernel_ = Nystroem(
            gamma=self.gamma, n_components=self.n_landmarks, random_state=self.seed
        ).fit(landmarks)
        return self

    @property
    def _n_features_out(self) -> int:
        """Number of columns made, which scikit-learn names after the class."""
        return int(self.kernel_.components_.shape[0])

    def transform(self, X: Any) -> Array:
        """Return the columns, shape (n_rows, n_landmarks)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return np.asarray(self.kernel_.transform(normalize(X)))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


def _names_of(transformer: Indicators | BestColumns, given: Any) -> Sequence[Any]:
    from sklearn.utils.validation import _check_feature_names_in

    names: Sequence[Any] = _check_feature_names_in(transformer, given)
    return names


def _stored(X: Any) -> tuple[Array, Array]:
    """Return column and value of the cells other than zero, column by column."""
    cells = sparse.csc_matrix(X)
    column, there = np.repeat(np.arange(cells.shape[1]), np.diff(cells.indptr)), cells.data != 0
    return column[there], cells.data[there]


def _edges(column: Array, x: Array, n_zeros: Array, n_bins: int) -> Array:
    """Return the inner edges per column: the largest values of all bins but the last."""
    order = np.lexsort((x, column))
    column, x = column[order], x[order]
    n = np.bincount(column, minlength=len(n_zeros))
    first = np.cumsum(n) - n
    lowest, highest, second = _extremes(x, n, first, n_zeros > 0)
    # Of the values that are stored: many zeros would push all edges to 0. Each edge is a value
    # that occurs.
    shares = np.arange(1, n_bins) / n_bins
    at = first[:, None] + np.maximum(0, np.ceil(n[:, None] * shares - 1)).astype(int)
    quantiles = np.append(x, np.inf)[np.where(n[:, None] > 0, at, len(x))]
    with_zero = np.where(n_zeros > 0, 0.0, np.inf)
    edges = np.sort(np.column_stack([quantiles, with_zero]), axis=1)
    inside = (lowest[:, None] <= edges) & (edges < highest[:, None])
    inside[:, 1:] &= edges[:, 1:] != edges[:, :-1]
    edges[~inside] = np.inf
    edges.sort(axis=1)
    edges[:, 0] = np.where(np.isinf(edges[:, 0]), second, edges[:, 0])
    return edges[:, : max(1, int(np.isfinite(edges).sum(axis=1).max(initial=1)))]


def _extremes(x: Array, n: Array, first: Array, has_zero: Array) -> tuple[Array, Array, Array]:
    """Return lowest, highest and second highest value per column, zeros among them.

    Of a column with one value, that is all three.
    """
    padded = np.append(x, np.nan)
    some = n > 0
    ends = np.where(some, first + n - 1, len(x))
    low, high = padded[np.where(some, first, len(x))], padded[ends]
    zero = np.where(has_zero, 0.0, np.nan)
    lowest, highest = np.fmin(low, zero), np.fmax(high, zero)
    column = np.repeat(np.arange(len(n)), n)
    below = np.full(len(n), -np.inf)
    under = x < highest[column]
    np.maximum.at(below, column[under], x[under])
    below = np.where(has_zero & (highest > 0), np.fmax(below, 0.0), below)
    return lowest, highest, np.where(np.isinf(below), highest, below)


def _centres(
    column: Array, x: Array, n_zeros: Array, n_rows: int, these: Array
) -> tuple[Floats, Floats]:
    """Return where the numbers of some columns begin, and their standard deviation."""
    width = len(n_zeros)
    mean = np.bincount(column, x, minlength=width) / n_rows
    off = np.bincount(column, (x - mean[column]) ** 2, minlength=width) + n_zeros * mean**2
    spread = np.sqrt(off / n_rows)[these]
    begin = np.where(2 * n_zeros > n_rows, 0.0, mean)[these]
    return begin, np.where(spread > 0, spread, 1.0)


def _bins_of(x: Any, edges: Array) -> Array:
    """Return the number of edges below each value; `edges` holds a row for each."""
    bins = np.zeros(len(edges), int)
    for edge in edges.T:
        bins += x > edge
    return bins


def _has_indicator(edges: Array, *, mostly_zero: Array) -> Array:
    """Return which bins of which columns have an indicator."""
    n_edges = np.isfinite(edges).sum(axis=1)
    bins = np.arange(edges.shape[1] + 1)
    shown: Array = bins <= n_edges[:, None]
    shown[:, 0] &= n_edges > 1  # of two bins only the upper one is an indicator
    several = np.flatnonzero(mostly_zero & (n_edges > 1))
    shown[several, _bins_of(0.0, edges[several])] = False
    return shown


def _zeros(X: Any, columns: Array) -> tuple[Array, Array]:
    """Return row and column of the cells of some columns that are zero."""
    if not len(columns):
        return np.empty(0, int), np.empty(0, int)
    zero = np.asarray(sparse.csc_matrix(X)[:, columns].toarray()) == 0
    row, at = np.nonzero(zero)
    return row, columns[at]


def _bin_name(name: str, edges: Array, bin_: int) -> str:
    if len(edges) == 1:
        return name if edges[0] == 0 else f"{name} > {edges[0]:g}"
    if bin_ == 0:
        return f"{name} <= {edges[0]:g}"
    if bin_ == len(edges):
        return f"{name} > {edges[-1]:g}"
    return f"{name} in ({edges[bin_ - 1]:g}, {edges[bin_]:g}]"

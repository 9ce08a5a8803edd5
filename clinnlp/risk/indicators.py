"""Matrices as the models want them: bins, dense rows for trees, fewer columns, a kernel."""

import warnings
from collections.abc import Iterator, Sequence
from itertools import pairwise
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

from clinnlp.core.arrays import Array
from clinnlp.core.checks import check_at_least
from clinnlp.features.frames import as_asked

__all__ = ["BestColumns", "Dense", "Indicators", "KernelColumns"]


class Indicators(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Columns to indicators: presence for two-valued columns, quantile bins for the others.

    The bins of a column lie between the distinct quantiles of its values other than zero, each
    closed on the right, with an edge at zero where it has zeros. Two bins give one indicator,
    ``x > edge``; more give one each.

    Parameters
    ----------
    n_bins : int
        Quantile bins, at least 2; fewer where quantiles coincide.

    Attributes
    ----------
    edges_ : list of array of float64
        Inner bin edges per column.
    source_ : array of int64, shape (n_features_out,)
        Column of X each indicator comes from.

    Examples
    --------
    >>> X = [[0.0, 0.0], [1.0, 1.0], [1.0, 2.0], [0.0, 9.0]]
    >>> Indicators(n_bins=2).fit_transform(X).toarray()
    array([[0., 1., 0., 0.],
           [1., 0., 1., 0.],
           [1., 0., 1., 0.],
           [0., 0., 0., 1.]])
    """

    def __init__(self, *, n_bins: int = 5) -> None:
        self.n_bins = n_bins

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Learn the bin edges."""
        check_at_least(self.n_bins, 2, name="n_bins")
        X = validate_data(self, X, accept_sparse="csc", dtype=np.float64)
        n = X.shape[0]
        self.edges_ = [_edges(x, n - len(x), self.n_bins) for _, x in _stored(X)]
        widths = [_width(edges) for edges in self.edges_]
        self.source_ = np.repeat(np.arange(X.shape[1]), widths)
        return self

    def transform(self, X: Any) -> Any:
        """Return the indicators, as csr_matrix of float64, shape (n_rows, n_features_out).

        Where ``set_output`` asks for a frame, they are dense.
        """
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csc", dtype=np.float64, reset=False)
        n, first = X.shape[0], 0
        rows, columns = [], []
        for (where, x), edges in zip(_stored(X), self.edges_, strict=True):
            # Zeros are not stored, and all of them lie in one bin
            bins = np.full(n, np.searchsorted(edges, 0.0))
            bins[where] = np.searchsorted(edges, x, side="left")
            # Of two bins only the upper one is an indicator
            shown = np.arange(n) if len(edges) > 1 else np.flatnonzero(bins)
            rows.append(shown)
            columns.append(first + bins[shown] - (len(edges) == 1))
            first += _width(edges)
        at = (np.concatenate(rows), np.concatenate(columns))
        return as_asked(self, sparse.csr_matrix((np.ones(len(at[0])), at), shape=(n, first)))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the names of the indicators, such as ``"age in (60, 70]"``."""
        check_is_fitted(self)
        names = _names_of(self, input_features)
        made = [
            name
            for given, edges in zip(names, self.edges_, strict=True)
            for name in _bin_names(str(given), edges)
        ]
        return np.array(made, dtype=object)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags


class Dense(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sparse rows to dense ones where they fit into memory: a forest is then twice as fast.

    Parameters
    ----------
    max_cells : int
        Matrices with more cells (4 bytes each) stay sparse.

    Examples
    --------
    >>> Dense().fit_transform(sparse.csr_matrix([[0.0, 2.0]]))
    array([[0., 2.]], dtype=float32)
    """

    def __init__(self, *, max_cells: int = 2**28) -> None:
        self.max_cells = max_cells

    def fit(self, X: Any, y: object = None) -> Self:  # noqa: ARG002
        """Learn the number of features."""
        validate_data(self, X, accept_sparse="csr", dtype=np.float32)
        return self

    def transform(self, X: Any) -> Any:
        """Return X in float32, dense or sparse, with the same values."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float32, reset=False)
        small = X.shape[0] * X.shape[1] <= self.max_cells
        if not sparse.issparse(X):
            return X
        return X.toarray() if small else as_asked(self, X)

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
        columns = list(_stored(X))
        share = np.array([len(x) / X.shape[0] for _, x in columns])
        height = np.array([x.mean() if len(x) else 0.0 for _, x in columns])
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


def _stored(X: Any) -> Iterator[tuple[Array, Array]]:
    """Yield row numbers and values of the cells other than zero, column by column."""
    columns = sparse.csc_matrix(X)
    for a, b in pairwise(columns.indptr):
        there = columns.data[a:b] != 0
        yield columns.indices[a:b][there], columns.data[a:b][there]


def _edges(values: Array, n_zeros: int, n_bins: int) -> Array:
    """Return the inner edges: the largest values of all bins but the last."""
    distinct = np.unique(values)
    if n_zeros:
        distinct = np.union1d(distinct, [0.0])
    if len(distinct) > 2:
        shares = np.arange(1, n_bins) / n_bins
        # Of the values that are stored: many zeros would push all edges to 0. Each edge is a value
        # that occurs.
        edges: Array = np.unique(np.quantile(values, shares, method="inverted_cdf"))
        edges = np.union1d(edges, [0.0]) if n_zeros else edges
        edges = edges[(distinct[0] <= edges) & (edges < distinct[-1])]
        if len(edges):
            return edges
    below_last: Array = distinct[-2:][:1]
    return below_last


def _width(edges: Array) -> int:
    return 1 if len(edges) == 1 else len(edges) + 1


def _bin_names(name: str, edges: Array) -> list[str]:
    if len(edges) == 1:
        return [name if edges[0] == 0 else f"{name} > {edges[0]:g}"]
    ends = [f"{edge:g}" for edge in edges]
    inner = [f"{name} in ({a}, {b}]" for a, b in zip(ends, ends[1:], strict=False)]
    return [f"{name} <= {ends[0]}", *inner, f"{name} > {ends[-1]}"]

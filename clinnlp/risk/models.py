"""Naive Bayes, random forest and linear SVM as scikit-learn pipelines on a feature matrix.

Naive Bayes and the SVM see numbers through indicators of quantile bins, so that neither needs a
scale or a shape. Class weights, where a model has them, are for ranking alone: probabilities
come from calibration, which is unweighted.

References
----------
McCallum and Nigam, AAAI workshop 1998 (Bernoulli); Rennie et al., ICML 2003 (complement);
Breiman, Machine Learning 2001; Cortes and Vapnik, Machine Learning 1995.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import BernoulliNB, ComplementNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC
from sklearn.utils.validation import check_is_fitted, validate_data

from clinnlp.core.checks import check_at_least, check_one_of
from clinnlp.core.config import option

__all__ = [
    "MODELS",
    "Dense",
    "Indicators",
    "ModelSettings",
    "NaiveBayesSettings",
    "RandomForestSettings",
    "SvmSettings",
    "default_settings",
    "make_model",
]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class NaiveBayesSettings:
    """Naive Bayes over presence of features and of quantile bins."""

    kind: Literal["bernoulli", "complement"] = option(
        "bernoulli", "bernoulli (presence and absence) or complement (presence only)"
    )
    alpha: float = option(1.0, "pseudo-count per feature and class, above 0")
    n_bins: int = option(5, "quantile bins per number, at least 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomForestSettings:
    """Random forest of unweighted probability trees."""

    n_trees: int = option(100, "trees, at least 1")
    min_leaf: int = option(10, "training rows per leaf, at least 1")
    max_features: float | Literal["sqrt"] = option(
        "sqrt", "share of features tried per split, in (0, 1], or sqrt: square root of their number"
    )
    max_samples: float = option(0.3, "share of training rows drawn per tree, in (0, 1]")
    n_jobs: int = option(1, "threads, at least 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class SvmSettings:
    """Linear support vector machine with squared hinge loss, classes weighted to balance."""

    c: float = option(0.01, "inverse strength of the L2 penalty, above 0")
    n_bins: int = option(5, "quantile bins per number, at least 2")


ModelSettings = NaiveBayesSettings | RandomForestSettings | SvmSettings

MODELS: dict[str, type[ModelSettings]] = {
    "naive_bayes": NaiveBayesSettings,
    "random_forest": RandomForestSettings,
    "svm": SvmSettings,
}


def default_settings(models: Sequence[str]) -> dict[str, ModelSettings]:
    """Return the default settings of named models.

    Raises
    ------
    ArgumentError
        An unknown name.
    """
    for name in models:
        check_one_of(name, MODELS, name="model")
    return {name: MODELS[name]() for name in models}


def make_model(settings: ModelSettings, *, seed: int = 0) -> Pipeline:
    """Return the unfitted pipeline of some settings.

    Examples
    --------
    >>> [name for name, _ in make_model(NaiveBayesSettings()).steps]
    ['indicators', 'model']
    """
    match settings:
        case NaiveBayesSettings(kind=kind, alpha=alpha, n_bins=n_bins):
            bayes = BernoulliNB(alpha=alpha) if kind == "bernoulli" else ComplementNB(alpha=alpha)
            return Pipeline([("indicators", Indicators(n_bins=n_bins)), ("model", bayes)])
        case RandomForestSettings():
            forest = RandomForestClassifier(
                n_estimators=settings.n_trees,
                min_samples_leaf=settings.min_leaf,
                max_features=settings.max_features,
                max_samples=settings.max_samples,
                n_jobs=settings.n_jobs,
                random_state=seed,
            )
            return Pipeline([("dense", Dense()), ("model", forest)])
        case SvmSettings(c=c, n_bins=n_bins):
            svm = LinearSVC(C=c, class_weight="balanced", dual=False, random_state=seed)
            return Pipeline([("indicators", Indicators(n_bins=n_bins)), ("model", svm)])


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

    def transform(self, X: Any) -> sparse.csr_matrix:
        """Return the indicators, as csr_matrix of float64, shape (n_rows, n_features_out)."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csc", dtype=np.float64, reset=False)
        n, first = X.shape[0], 0
        rows, columns = [], []
        for (where, x), edges in zip(_stored(X), self.edges_, strict=True):
            bins = np.full(n, np.searchsorted(edges, 0.0))
            bins[where] = np.searchsorted(edges, x, side="left")
            shown = np.arange(n) if len(edges) > 1 else np.flatnonzero(bins)
            rows.append(shown)
            columns.append(first + bins[shown] - (len(edges) == 1))
            first += _width(edges)
        at = (np.concatenate(rows), np.concatenate(columns))
        return sparse.csr_matrix((np.ones(len(at[0])), at), shape=(n, first))

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


class Dense(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Sparse rows to dense ones where they fit into memory: a forest is then twice as fast.

    Parameters
    ----------
    max_cells : int
        Matrices with more cells (4 bytes each) stay sparse.
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
        return X.toarray() if sparse.issparse(X) and small else X

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float32"]
        return tags


def _names_of(indicators: Indicators, given: Any) -> Sequence[Any]:
    from sklearn.utils.validation import _check_feature_names_in

    names: Sequence[Any] = _check_feature_names_in(indicators, given)
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

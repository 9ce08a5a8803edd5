"""Naive Bayes, random forest, SVM, a network, and two to compare with, as scikit-learn pipelines.

Naive Bayes, logistic regression, the network and the SVMs see numbers through indicators of
quantile bins, so that none of them needs a scale or a shape. Class weights, where a model has
them, are for ranking alone: probabilities come from calibration, which is unweighted. The radial
SVM is linear in the Nyström columns of a Gaussian kernel, whose landmarks are made up: it keeps
no row of training.

Where rows are few, less can be learned of each bin and leaf: linear models then have the numbers
themselves beside their bins, and a forest has smaller leaves, and more trees, since these leave
more to chance.

References
----------
McCallum and Nigam, AAAI workshop 1998 (Bernoulli); Rennie et al., ICML 2003 (complement);
Breiman, Machine Learning 2001; Cortes and Vapnik, Machine Learning 1995; Williams and Seeger,
NIPS 2000 (Nyström); Ke et al., NIPS 2017 (boosting over histograms).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import BernoulliNB, ComplementNB
from sklearn.pipeline import Pipeline
from sklearn.svm import LinearSVC

from clinnlp.core.checks import check_one_of
from clinnlp.core.config import option
from clinnlp.core.errors import ArgumentError
from clinnlp.risk.forest import Forest
from clinnlp.risk.indicators import BestColumns, Dense, Indicators, KernelColumns
from clinnlp.risk.network import Network

__all__ = [
    "DEFAULT_MODELS",
    "MODELS",
    "BoostingSettings",
    "Grid",
    "LogisticSettings",
    "MlpSettings",
    "ModelSettings",
    "Models",
    "NaiveBayesSettings",
    "RandomForestSettings",
    "RbfSvmSettings",
    "SvmSettings",
    "chosen_settings",
    "make_model",
]

_MAX_STEPS = 1000  # of the logistic fit
_FEW = 1000  # rows, below which settings that are None are those of few
_MANY = 10_000  # rows, from which a forest is grown on all cores
_OF_MANY, _OF_FEW = (100, 10), (500, 3)  # trees of a forest, and rows per leaf
_DENSE = 0.05  # share of cells other than zero, below which trees grow faster from sparse rows
_SVM_TOLERANCE = 0.01  # LIBLINEAR's own; scikit-learn's hundredth of it takes twice as long
_NUMBERS = "numbers beside their bins, as they are (where there are fewer than 1,000 training rows)"


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

    n_trees: int | None = option(
        None, "trees, at least 1 (100; 500 where there are fewer than 1,000 training rows)"
    )
    min_leaf: int | None = option(
        None, "training rows per leaf, at least 1 (10; 3 where there are fewer than 1,000 in all)"
    )
    max_features: float | Literal["sqrt"] = option(
        "sqrt", "share of features tried per split, in (0, 1], or sqrt: square root of their number"
    )
    max_samples: float = option(0.3, "share of training rows drawn per tree, in (0, 1]")
    n_jobs: int | None = option(
        None, "threads, at least 1, or -1: one per core (-1; 1 below 10,000 training rows)"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class SvmSettings:
    """Linear support vector machine with squared hinge loss, classes weighted to balance."""

    c: float = option(0.01, "inverse strength of the L2 penalty, above 0")
    n_bins: int = option(5, "quantile bins per number, at least 2")
    linear: bool | None = option(None, _NUMBERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class RbfSvmSettings:
    """Support vector machine with a Gaussian kernel, by Nyström; classes weighted to balance."""

    c: float = option(0.1, "inverse strength of the L2 penalty, above 0")
    gamma: float = option(1.0, "exp(-gamma d²) for rows of length 1 at distance d, above 0")
    n_landmarks: int = option(300, "made-up rows the kernel is approximated from, at least 1")
    n_bins: int = option(5, "quantile bins per number, at least 2")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogisticSettings:
    """Logistic regression with an L2 penalty, unweighted: a reference."""

    c: float = option(0.03, "inverse strength of the L2 penalty, above 0")
    n_bins: int = option(5, "quantile bins per number, at least 2")
    linear: bool | None = option(None, _NUMBERS)


@dataclass(frozen=True, slots=True, kw_only=True)
class BoostingSettings:
    """Gradient boosting of small trees over histograms, unweighted: a reference."""

    n_rounds: int = option(100, "trees, at least 1")
    learning_rate: float = option(0.1, "weight of each tree, in (0, 1]")
    max_leaves: int = option(8, "leaves per tree, at least 2")
    min_leaf: int = option(20, "training rows per leaf, at least 1")
    l2: float = option(10.0, "L2 penalty of leaf values, at least 0")
    max_features: float = option(0.3, "share of features tried per split, in (0, 1]")
    n_columns: int = option(
        300, "columns used, those whose means differ most between the classes, at least 1"
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class MlpSettings:
    """Neural network with one hidden layer (multilayer perceptron), unweighted."""

    n_hidden: int = option(16, "hidden units, at least 1")
    penalty: float = option(
        1.0, "L2 penalty of weights over the root of the number of rows, at least 0"
    )
    n_steps: int = option(200, "steps of L-BFGS at most, at least 1")
    n_bins: int = option(5, "quantile bins per number, at least 2")


ModelSettings = (
    NaiveBayesSettings
    | RandomForestSettings
    | SvmSettings
    | RbfSvmSettings
    | LogisticSettings
    | BoostingSettings
    | MlpSettings
)
Grid = tuple[ModelSettings, ...]  # candidates; one of them is used as it is
Models = Sequence[str] | Mapping[str, ModelSettings | Sequence[ModelSettings]]

MODELS: dict[str, type[ModelSettings]] = {
    "naive_bayes": NaiveBayesSettings,
    "random_forest": RandomForestSettings,
    "svm": SvmSettings,
    "svm_rbf": RbfSvmSettings,
    "logistic": LogisticSettings,
    "boosting": BoostingSettings,
    "mlp": MlpSettings,
}
DEFAULT_MODELS = ("naive_bayes", "random_forest", "svm")


def chosen_settings(models: Models) -> dict[str, Grid]:
    """Return the settings to try per model: the defaults of names, else what a mapping gives.

    Raises
    ------
    ArgumentError
        An unknown name, or a model without any settings.

    Examples
    --------
    >>> grids = chosen_settings({"svm": [SvmSettings(c=0.01), SvmSettings(c=0.1)]})
    >>> [settings.c for settings in grids["svm"]]
    [0.01, 0.1]
    """
    if not isinstance(models, Mapping):
        names = [models] if isinstance(models, str) else models
        for name in names:
            check_one_of(name, MODELS, name="model")
        return {name: (MODELS[name](),) for name in names}
    grids = {
        name: tuple(given) if isinstance(given, Sequence) else (given,)
        for name, given in models.items()
    }
    for name, grid in grids.items():
        if not grid:
            raise ArgumentError(f"each model must have settings to try, got none for {name!r}")
    return grids


def make_model(settings: ModelSettings, *, seed: int = 0, n_rows: int | None = None) -> Pipeline:
    """Return the unfitted pipeline of some settings.

    Parameters
    ----------
    settings : settings of a model
    seed : int
    n_rows : int, optional
        Training rows, for settings that follow from their number; many by default.

    Examples
    --------
    >>> [name for name, _ in make_model(NaiveBayesSettings()).steps]
    ['indicators', 'model']
    """
    few = n_rows is not None and n_rows < _FEW
    match settings:
        case RandomForestSettings():
            forest = _of_size(settings, n_rows)
            rows = Dense(least_share=_DENSE)
            return Pipeline([("dense", rows), ("model", _trees(forest, seed))])
        case SvmSettings(linear=linear) | LogisticSettings(linear=linear):
            bins = Indicators(n_bins=settings.n_bins, linear=few if linear is None else linear)
            return Pipeline([("indicators", bins), ("model", _over_columns(settings, seed))])
        case BoostingSettings(n_columns=n):
            return Pipeline(
                [
                    ("columns", BestColumns(n_columns=n)),
                    ("dense", Dense()),
                    ("model", _trees(settings, seed)),
                ]
            )
        case RbfSvmSettings(gamma=gamma, n_landmarks=n, n_bins=n_bins):
            return Pipeline(
                [
                    ("indicators", Indicators(n_bins=n_bins)),
                    ("kernel", KernelColumns(gamma=gamma, n_landmarks=n, seed=seed)),
                    ("model", _over_columns(settings, seed)),
                ]
            )
        case _:
            return Pipeline(
                [
                    ("indicators", Indicators(n_bins=settings.n_bins)),
                    ("model", _over_columns(settings, seed)),
                ]
            )


def _of_size(given: RandomForestSettings, n_rows: int | None) -> RandomForestSettings:
    """Return settings of a forest in which nothing is left to the number of training rows."""
    few = n_rows is not None and n_rows < _FEW
    many = n_rows is None or n_rows >= _MANY
    usual = _OF_FEW if few else _OF_MANY
    return replace(
        given,
        n_trees=usual[0] if given.n_trees is None else given.n_trees,
        min_leaf=usual[1] if given.min_leaf is None else given.min_leaf,
        n_jobs=(-1 if many else 1) if given.n_jobs is None else given.n_jobs,
    )


def _over_columns(
    settings: NaiveBayesSettings | SvmSettings | RbfSvmSettings | LogisticSettings | MlpSettings,
    seed: int,
) -> Any:
    match settings:
        case NaiveBayesSettings(kind="bernoulli", alpha=alpha):
            return BernoulliNB(alpha=alpha)
        case NaiveBayesSettings(alpha=alpha):
            return ComplementNB(alpha=alpha)
        case LogisticSettings(c=c):
            return LogisticRegression(C=c, max_iter=_MAX_STEPS)
        case MlpSettings(n_hidden=n, penalty=penalty, n_steps=n_steps):
            return Network(n_hidden=n, penalty=penalty, n_steps=n_steps, seed=seed)
        case SvmSettings(c=c) | RbfSvmSettings(c=c):
            usual = {"class_weight": "balanced", "dual": False, "random_state": seed}
            return LinearSVC(C=c, tol=_SVM_TOLERANCE, **usual)


def _trees(settings: RandomForestSettings | BoostingSettings, seed: int) -> Any:
    if isinstance(settings, BoostingSettings):
        return HistGradientBoostingClassifier(
            max_iter=settings.n_rounds,
            learning_rate=settings.learning_rate,
            max_leaf_nodes=settings.max_leaves,
            min_samples_leaf=settings.min_leaf,
            l2_regularization=settings.l2,
            max_features=settings.max_features,
            early_stopping=False,
            random_state=seed,
        )
    return Forest(
        n_estimators=settings.n_trees,
        min_samples_leaf=settings.min_leaf,
        max_features=settings.max_features,
        max_samples=settings.max_samples,
        n_jobs=settings.n_jobs,
        random_state=seed,
    )

"""What a model goes by: points of naive Bayes, and permutation importance on held-out rows.

Points are log likelihood ratios, ``ln P(x | y = 1) / P(x | y = 0)``: adding the points of what
a patient has, and of what is absent, to the prior log odds gives naive Bayes' log odds.
Permutation importance is the fall in AUROC when one feature is shuffled among held-out rows.

References
----------
Kononenko, Int J Med Inform 2001 (points); Breiman 2001; Fisher et al., JMLR 2019.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from sklearn.naive_bayes import BernoulliNB, ComplementNB
from sklearn.pipeline import Pipeline

from clinnlp.core.counts import Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated

__all__ = ["Points", "naive_bayes_points", "permutation_importance", "screened_features"]

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Log likelihood ratios of one indicator: where it is present, and where it is absent."""

    name: str = field(repr=False)  # may hold words of notes
    present: float
    absent: float


def naive_bayes_points(model: Pipeline, names: Sequence[str]) -> list[Points]:
    """Return the points of a fitted naive Bayes pipeline, largest spread first.

    Parameters
    ----------
    model : Pipeline
        ``make_model(NaiveBayesSettings())``, fitted on classes 0 and 1.
    names : sequence of str
        Feature names of the matrix it was fitted on.

    Raises
    ------
    ArgumentError
        Another model.

    Examples
    --------
    >>> from clinnlp.risk.models import NaiveBayesSettings, make_model
    >>> model = make_model(NaiveBayesSettings()).fit([[1], [1], [0], [0]], [1, 1, 0, 0])
    >>> [points] = naive_bayes_points(model, ["x"])
    >>> round(points.present, 3), round(points.absent, 3)
    (1.099, -1.099)
    """
    present, absent = _points(model)
    told = model[0].get_feature_names_out(np.array(names, dtype=object))
    made = [
        Points(name=str(name), present=float(a), absent=float(b))
        for name, a, b in zip(told, present, absent, strict=True)
    ]
    return sorted(made, key=lambda p: (-abs(p.present - p.absent), p.name))


def screened_features(model: GroupCalibrated, X: sparse.csr_matrix, n: int) -> Counts:
    """Return the columns of X that the model itself ranks highest, at most `n`, best first.

    A cheap first pass, on training rows: a forest's impurity importance; for naive Bayes and
    the SVM the weight of an indicator times its standard deviation, the largest per column.
    """
    pipeline = model.estimator_
    last = pipeline[-1]
    if hasattr(last, "feature_importances_"):
        weight = np.asarray(last.feature_importances_)
    else:
        if isinstance(last, BernoulliNB | ComplementNB):
            present, absent = _points(pipeline)
            slopes = present - absent
        else:
            slopes = last.coef_.ravel()
        share = np.asarray(pipeline[0].transform(X).mean(axis=0)).ravel()
        weight = np.zeros(X.shape[1])
        np.maximum.at(weight, pipeline[0].source_, np.abs(slopes) * np.sqrt(share * (1 - share)))
    ranked: Counts = np.lexsort((np.arange(len(weight)), -weight))[:n]
    return ranked


def permutation_importance(
    model: GroupCalibrated, X: sparse.csr_matrix, y: Array, columns: Counts, *, seed: int = 0
) -> Floats:
    """Return the fall in AUROC when each of `columns` is shuffled among the rows of X.

    Parameters
    ----------
    X : csr_matrix, shape (n, n_features)
        Held-out rows.
    columns : array of int64, shape (k,)

    Returns
    -------
    array of float64, shape (k,)
        ``nan`` where the rows are of one class.
    """
    rng = np.random.default_rng(seed)
    whole = _auroc(model, X, y)
    falls = np.empty(len(columns))
    for k, j in enumerate(columns):
        order = rng.permutation(X.shape[0])
        falls[k] = whole - _auroc(model, _with_column(X, j, X[:, [j]][order]), y)
    return falls


def _points(model: Pipeline) -> tuple[Floats, Floats]:
    bayes = model[-1]
    if not isinstance(bayes, BernoulliNB | ComplementNB):
        raise ArgumentError(f"points need naive Bayes, got {type(bayes).__name__}")
    log_p = bayes.feature_log_prob_
    present = log_p[1] - log_p[0]  # complement's are -log P(x | other class): the same ratio
    if isinstance(bayes, ComplementNB):
        return present, np.zeros_like(present)
    log_q = np.log1p(-np.exp(log_p))
    return present, log_q[1] - log_q[0]


def _auroc(model: GroupCalibrated, X: sparse.csr_matrix, y: Array) -> float:
    return score_risk(y, model.predict_proba(X)[:, 1], n_boot=0).auroc.value


def _with_column(X: sparse.csr_matrix, j: int, column: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return X with column j replaced."""
    parts = [X[:, :j], column, X[:, j + 1 :]]
    return sparse.hstack(parts, format="csr")

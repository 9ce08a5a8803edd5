"""A random forest grown on all cores, and what its trees say of patients they have not seen.

Each tree draws its rows, so that of every patient some trees know nothing. The mean over these is
what a forest of as many trees, trained on all other patients, would have said: held-out scores
without a second forest. It takes patients of few rows; one with many is in nearly every tree.

References
----------
Breiman, Out-of-bag estimation, 1996; Machine Learning 2001.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from joblib import parallel_config
from scipy import sparse
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.risk.indicators import Dense

__all__ = ["Forest", "out_of_bag"]

_FEWEST = 20  # trees, which a score is the mean of


class Forest(RandomForestClassifier):  # type: ignore[misc]
    """A random forest that adds its trees up in their order, however many threads grew them.

    scikit-learn's adds them as they come: the last digits of a risk change from run to run. All
    parameters are those of ``RandomForestClassifier``.

    Examples
    --------
    >>> Forest(5, n_jobs=2, random_state=0).fit([[0.0], [1.0]] * 10, [0, 1] * 10).predict([[1.0]])
    array([1])
    """

    def predict_proba(self, X: Any) -> Floats:
        """Return the mean over the trees, shape (n, n_classes)."""
        with parallel_config(backend="sequential"):
            p: Floats = super().predict_proba(X)
        return p


def out_of_bag(model: Any, X: Any, groups: Array) -> Floats | None:
    """Return the probability of class 1 of training rows by trees that drew none of the patient.

    Parameters
    ----------
    model : estimator
        Fitted: a random forest, or a ``Pipeline`` of one behind `Dense`, which learns nothing.
    X : array, csr_matrix or DataFrame, shape (n, n_features)
        The rows it was fitted on, in their order.
    groups : array, shape (n,)
        Patient of each.

    Returns
    -------
    array of float64, shape (n,), or None
        None of another model, and where a patient is known to all but a few trees.

    Examples
    --------
    >>> X, y = np.arange(40.0)[:, None], np.arange(40) >= 20
    >>> forest = Forest(100, random_state=0).fit(X, y)
    >>> p = out_of_bag(forest, X, np.arange(40))
    >>> bool(p[:19].max() < p[21:].min())
    True
    """
    *steps, (_, last) = model.steps if isinstance(model, Pipeline) else [("", model)]
    is_forest = isinstance(last, RandomForestClassifier) and last.bootstrap
    if not (is_forest and all(isinstance(step, Dense) for _, step in steps)):
        return None
    whose = np.unique(groups, return_inverse=True)[1]
    n_known = sum(_known(last, whose), np.zeros(len(whose), np.int64))
    n = len(last.estimators_) - n_known
    if n.min() < _FEWEST:
        return None
    X = Pipeline(steps).transform(X) if steps else X
    X = X.astype(np.float32) if sparse.issparse(X) else np.asarray(X, np.float32)
    total = np.zeros(len(whose))
    for tree, knows in zip(last.estimators_, _known(last, whose), strict=True):
        total += np.where(knows, 0.0, tree.predict_proba(X)[:, 1])
    p: Floats = total / n
    return p


def _known(forest: RandomForestClassifier, whose: Counts) -> Iterator[Bools]:
    """Yield by tree of which rows it drew one of the same patient."""
    for drawn in forest.estimators_samples_:
        drew = np.zeros(whose.max() + 1, bool)
        drew[whose[drawn]] = True
        yield drew[whose]

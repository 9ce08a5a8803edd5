"""A small neural network: one hidden layer, fitted to all rows at once.

scikit-learn's perceptron by L-BFGS, whose only chance is where its weights begin. It is there to
find what goes together beyond a sum. An L2 penalty on both layers drops a feature whose sum of
residuals lies below it. By chance alone that sum grows with the root of the number of rows, and so
does the penalty here: else few rows would fit nothing, or many features only noise.

References
----------
Rumelhart, Hinton and Williams, Nature 1986; Liu and Nocedal, Math Program 1989 (L-BFGS);
Neyshabur, Tomioka and Srebro, ICLR workshop 2015 (two penalised layers as one sparse sum).
"""

import warnings
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from clinnlp.core.arrays import Array, Floats

__all__ = ["Network"]


class Network(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A classifier of two classes with one hidden layer.

    Parameters
    ----------
    n_hidden : int
        Hidden units, at least 1.
    penalty : float
        L2 penalty of the weights over the root of the number of rows, at least 0.
    n_steps : int
        Steps of L-BFGS at most; to stop before the minimum is no fault, it only fits less closely.
    seed : int
        Of the first weights.

    Attributes
    ----------
    classes_ : array, shape (2,)
    network_ : MLPClassifier

    Examples
    --------
    >>> X, y = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 1, 1, 0]
    >>> Network(n_hidden=4, penalty=0.0, seed=1).fit(X, y).predict(X).tolist()
    [0, 1, 1, 0]
    """

    def __init__(
        self, *, n_hidden: int = 16, penalty: float = 1.0, n_steps: int = 200, seed: int = 0
    ) -> None:
        self.n_hidden = n_hidden
        self.penalty = penalty
        self.n_steps = n_steps
        self.seed = seed

    def fit(self, X: Any, y: Any, sample_weight: Any = None) -> Self:
        """Fit the weights."""
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        weights = _check_sample_weight(sample_weight, X)
        self.network_ = MLPClassifier(
            (self.n_hidden,),
            solver="lbfgs",
            alpha=self.penalty * float(np.sqrt(weights.sum())),
            max_iter=self.n_steps,
            random_state=self.seed,
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            self.network_.fit(X, y, weights)
        self.classes_ = self.network_.classes_
        return self

    def predict_log_proba(self, X: Any) -> Floats:
        """Return the log probabilities of both classes, shape (n, 2)."""
        return self._asked("predict_log_proba", X)

    def predict_proba(self, X: Any) -> Floats:
        """Return the probabilities of both classes, shape (n, 2)."""
        return self._asked("predict_proba", X)

    def predict(self, X: Any) -> Array:
        """Return the likelier class of each row."""
        return self._asked("predict", X)

    def _asked(self, what: str, X: Any) -> Array:
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        made: Array = getattr(self.network_, what)(X)
        return made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

"""The best linear head on an encoder as it is: logistic regression on the mean state of a note.

The head is linear, so the mean of the logits of a note's tokens is the head of their mean state.
The means are computed once, and the head W, b minimises, over the notes i with means x and
targets y, by L-BFGS,

    Σ w_i loss(W x_i + b, y_i) + ‖W‖² / (2 C)

with the cross entropy of one label, or the summed binary cross entropies of several. C is the one
with the least loss on notes left out, in five folds by patient: 1 is best for the dialogues of
MTS-Dialog, 10 to 30 for the notes of MTSamples. Fine-tuning that starts from this head distorts
the encoder less than one that starts from a random head.

References
----------
Kumar et al., Fine-Tuning can Distort Pretrained Features, ICLR 2022.
Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (mean pooling).
"""

from typing import NamedTuple

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, softmax

from clinnlp.core.arrays import Bools, Floats, Ints

__all__ = ["HeadData", "choose_strength", "fit_head"]

_STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0)  # C
_USUAL = 10.0  # where there are too few notes to choose
_N_FOLDS = 5

Head = tuple[Floats, Floats]


class HeadData(NamedTuple):
    """What a head is fitted to.

    Parameters
    ----------
    means : array, shape (n_notes, width)
        Mean state of the tokens of each note.
    targets : array of bool, shape (n_notes, n_labels)
        Exactly one true in each row, or any number where `several`.
    weights : array, shape (n_labels,)
        Of the notes of each label; with `several`, of its notes against all others.
    several : bool
        Whether each label is decided alone.
    """

    means: Floats
    targets: Bools
    weights: Floats
    several: bool

    def of(self, notes: Bools) -> "HeadData":
        """Return what concerns some of the notes."""
        return self._replace(means=self.means[notes], targets=self.targets[notes])

    def loss(self, w: Floats, b: Floats) -> tuple[float, Floats]:
        """Return the weighted loss of a head, and its slope by the logits."""
        z, y = self.means @ w.T + b, self.targets.astype(np.float64)  # (n_notes, n_labels)
        if self.several:
            each = np.where(self.targets, self.weights, 1.0)
            loss, gap = np.logaddexp(0, z) - y * z, expit(z) - y
        else:
            each = (y @ self.weights)[:, None]
            most = np.logaddexp.reduce(z, axis=1, keepdims=True)
            loss, gap = y * (most - z), softmax(z, axis=1) - y
        return float((each * loss).sum()), each * gap


def choose_strength(data: HeadData, groups: Ints) -> float:
    """Return the C whose heads lose least on notes left out, in five folds.

    Parameters
    ----------
    data : HeadData
    groups : array of int64, shape (n_notes,)
        Notes of one group, such as a patient, are left out together.
    """
    names, group = np.unique(groups, return_inverse=True)
    if len(names) < 2 * _N_FOLDS:
        return _USUAL
    fold = np.random.default_rng(0).permutation(len(names))[group] % _N_FOLDS
    total = dict.fromkeys(_STRENGTHS, 0.0)
    for k in range(_N_FOLDS):
        kept, out = data.of(fold != k), data.of(fold == k)
        head = None
        for strength in _STRENGTHS:
            head = fit_head(kept, strength=strength, start=head)
            total[strength] += out.loss(*head)[0]
    return min(total, key=total.__getitem__)


def fit_head(data: HeadData, *, strength: float = _USUAL, start: Head | None = None) -> Head:
    """Return weights, shape (n_labels, width), and biases, shape (n_labels,), of the best head.

    Parameters
    ----------
    data : HeadData
    strength : float
        C.
    start : pair of arrays, optional
        Weights and biases to begin the search from.

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> w, b = fit_head(HeadData(x, np.eye(2, dtype=bool), np.ones(2), several=False))
    >>> (x @ w.T + b).argmax(1).tolist()
    [0, 1]
    """
    n_labels, width = data.targets.shape[1], data.means.shape[1]

    def parts(flat: Floats) -> Head:
        w, b = np.split(flat, [n_labels * width])
        return w.reshape(n_labels, width), b

    def cost(flat: Floats) -> tuple[float, Floats]:
        w, b = parts(flat)
        value, gap = data.loss(w, b)
        slope = np.concatenate([(gap.T @ data.means + w / strength).ravel(), gap.sum(0)])
        return value + float((w**2).sum()) / (2 * strength), slope

    first = np.zeros(n_labels * (width + 1))
    if start is not None:
        first = np.concatenate([part.ravel() for part in start])
    found = minimize(cost, first, jac=True, method="L-BFGS-B", options={"maxiter": 1000})
    return parts(found.x)

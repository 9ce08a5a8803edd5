"""The best linear head on an encoder as it is: logistic regression on the mean state of a note.

The head is linear, so the mean of the logits of a note's tokens is the head of their mean state.
The means are computed once, and the head W, b minimises, over the notes i with means x and
targets y, by L-BFGS,

    Σ w_i loss(W x_i + b, y_i) + ‖W‖² / (2 C)

with the cross entropy of one label, or the summed binary cross entropies of several. Fine-tuning
that starts from this head distorts the encoder less than one that starts from a random head.

References
----------
Kumar et al., Fine-Tuning can Distort Pretrained Features, ICLR 2022.
Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (mean pooling).
"""

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit, softmax

__all__ = ["fit_head"]

_STRENGTH = 10.0  # C: chosen on MTSamples, on training texts that were held out

Floats = NDArray[np.float64]


def fit_head(
    means: Floats, targets: NDArray[np.bool_], *, weights: Floats, several: bool
) -> tuple[Floats, Floats]:
    """Return weights, shape (n_labels, width), and biases, shape (n_labels,), of the best head.

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

    Examples
    --------
    >>> x = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> w, b = fit_head(x, np.eye(2, dtype=bool), weights=np.ones(2), several=False)
    >>> (x @ w.T + b).argmax(1).tolist()
    [0, 1]
    """
    n_labels, width = targets.shape[1], means.shape[1]
    y = targets.astype(np.float64)
    each = np.where(targets, weights, 1.0) if several else (y @ weights)[:, None]

    def cost(flat: Floats) -> tuple[float, Floats]:
        w, b = np.split(flat, [n_labels * width])
        w = w.reshape(n_labels, width)
        z = means @ w.T + b  # (n_notes, n_labels)
        if several:
            loss, gap = np.logaddexp(0, z) - y * z, expit(z) - y
        else:
            most = np.logaddexp.reduce(z, axis=1, keepdims=True)
            loss, gap = y * (most - z), softmax(z, axis=1) - y
        gap = each * gap
        value = (each * loss).sum() + (w**2).sum() / (2 * _STRENGTH)
        slope = np.concatenate([(gap.T @ means + w / _STRENGTH).ravel(), gap.sum(0)])
        return float(value), slope

    found = minimize(
        cost, np.zeros(n_labels * (width + 1)), jac=True, method="L-BFGS-B",
        options={"maxiter": 1000},
    )  # fmt: skip
    w, b = np.split(found.x, [n_labels * width])
    return w.reshape(n_labels, width), b

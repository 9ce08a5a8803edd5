"""Folds by patient, and the checks that no patient is on both sides.

Patients are ordered by a keyed hash and dealt out in turn, positives and negatives apart. So
folds are of nearly equal size and base rate, and depend on ids and seed only: not on the order
of rows, nor on the machine.
"""

from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from clinnlp.core.checks import check_at_least
from clinnlp.core.counts import Counts
from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.features.matrix import patient_hashes

__all__ = ["check_fitted_on", "check_folds", "patient_folds"]


def patient_folds(
    patients: NDArray[Any], y: ArrayLike | None = None, *, n_folds: int = 5, seed: int = 0
) -> Counts:
    """Return a fold id in ``0 .. n_folds - 1`` per row, all rows of a patient in one fold.

    Parameters
    ----------
    patients : array of str, shape (n,)
    y : array of 0 and 1, shape (n,), optional
        Patients with a positive row are dealt out apart, so that base rates agree.
    n_folds : int
        At least 2.

    Raises
    ------
    ArgumentError
        Fewer than 2 folds, or fewer patients than folds.

    Examples
    --------
    >>> patient_folds(np.array(["a", "b", "a", "c"]), n_folds=3).tolist()
    [0, 2, 0, 1]
    """
    check_at_least(n_folds, 2, name="n_folds")
    names, person = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if len(names) < n_folds:
        raise ArgumentError(
            f"n_folds must be at most the number of patients {len(names)}, got {n_folds}"
        )
    positive = np.zeros(len(names), bool)
    if y is not None:
        np.logical_or.at(positive, person, np.asarray(y) == 1)
    key = str(seed).encode()
    dealt = sorted(range(len(names)), key=lambda k: (not positive[k], _digest(str(names[k]), key)))
    fold_of = np.empty(len(names), np.int64)
    fold_of[dealt] = np.arange(len(names)) % n_folds
    return fold_of[person]


def check_folds(patients: NDArray[Any], folds: ArrayLike) -> None:
    """Raise `LeakageError` for a patient in two folds.

    Raises
    ------
    ArgumentError
        `folds` is not as long as `patients`.

    Examples
    --------
    >>> check_folds(np.array(["a", "b", "a"]), [0, 1, 0])
    """
    folds = np.asarray(folds)
    if folds.shape != (len(patients),):
        raise ArgumentError(
            f"folds must have one id per row, got {len(folds)} for {len(patients)} rows"
        )
    home: dict[str, Any] = {}
    split = {
        p
        for p, fold in zip(np.asarray(patients).tolist(), folds.tolist(), strict=True)
        if home.setdefault(p, fold) != fold
    }
    if split:
        raise LeakageError(
            f"all rows of a patient must lie in one fold, got {len(split)} patients in several "
            f"(first: {min(split)!r}); make folds by patient"
        )


def check_fitted_on(transformer: object, patients: NDArray[Any]) -> None:
    """Raise `LeakageError` where a transformer was fitted on one of the test `patients`.

    Parameters
    ----------
    transformer : object with ``fitted_on_``
        `PatientFeatures` or `ColumnFeatures`, fitted.

    Raises
    ------
    ArgumentError
        The transformer does not say on whom it was fitted.
    """
    fitted_on = getattr(transformer, "fitted_on_", None)
    if fitted_on is None:
        raise ArgumentError(
            f"{type(transformer).__name__} must record the patients it was fitted on "
            "(fitted_on_), got none; fit it first"
        )
    n_seen = int(np.isin(patient_hashes(patients), fitted_on).sum())
    if n_seen:
        raise LeakageError(
            f"{type(transformer).__name__} must be fitted on training patients only, got "
            f"{n_seen} test patients among those it was fitted on; fit it inside the folds"
        )


def _digest(name: str, key: bytes) -> bytes:
    return blake2b(name.encode(), digest_size=8, key=key).digest()

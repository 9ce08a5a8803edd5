"""Agreement of two annotators beyond chance: Cohen's kappa.

    kappa = (p_o - p_e) / (1 - p_e)

with p_o the observed share of agreement and p_e the share expected from the two margins.
``nan`` where both annotators use one and the same class throughout (0/0).

References
----------
Cohen, Educ Psychol Meas 1960.
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.counts import Estimate, ratio
from clinnlp.metrics.labels import resample_confusion

__all__ = ["cohen_kappa", "kappa_told"]


def cohen_kappa(
    first: Sequence[str],
    second: Sequence[str],
    *,
    groups: Sequence[Any] | Array | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Estimate:
    """Return Cohen's kappa of two labellings of the same rows, with its bootstrap interval.

    Parameters
    ----------
    first, second : sequence of str, length n
    groups : sequence of length n, optional
        Document or patient of each row, drawn together in the bootstrap.
    n_boot, level, seed
        Resamples (0 gives no interval), coverage, seed.

    Returns
    -------
    Estimate
        1 where all agree, 0 as by chance, ``nan`` where both use one label alone.

    Raises
    ------
    ArgumentError
        No rows, unequal lengths, or `level` not strictly between 0 and 1.

    Examples
    --------
    Cohen's formula by hand: p_o = 0.7, p_e = 0.5.

    >>> a = ["yes"] * 25 + ["no"] * 25
    >>> b = ["yes"] * 20 + ["no"] * 5 + ["yes"] * 10 + ["no"] * 15
    >>> round(cohen_kappa(a, b, n_boot=0).value, 6)
    0.4
    """
    made = resample_confusion(
        _kappa, first, second, groups=groups, n_boot=n_boot, level=level, seed=seed
    )
    return made.estimates[0]


def _kappa(confusion: Any) -> Floats:
    total = confusion.sum()
    observed = confusion.diagonal().sum() / total
    expected = confusion.sum(axis=0) @ confusion.sum(axis=1) / total**2
    return np.array([ratio(observed - expected, 1 - expected)])


def kappa_told(kappa: Estimate | None) -> str:
    """Return a kappa in words, also where there is none.

    Examples
    --------
    >>> kappa_told(None), kappa_told(cohen_kappa(["a", "b"], ["a", "b"], n_boot=0))
    ('no tokens', '1.000')
    >>> kappa_told(cohen_kappa(["a", "a"], ["a", "a"], n_boot=0))
    'not defined, all alike'
    """
    if kappa is None:
        return "no tokens"
    return "not defined, all alike" if math.isnan(kappa.value) else str(kappa)

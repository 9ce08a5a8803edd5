"""Many tests at once: the false-discovery rate over all candidates, also those never shown.

A miner prunes by joint count before it tests. Correcting over the survivors alone is wrong: the
pruning looked at the data. Here m is the number of *all* candidates of the queried shape that
pass a filter on margins alone, and those pruned by joint count enter with p = 1.

References
----------
Benjamini and Hochberg, J R Stat Soc B 1995;57:289. Benjamini and Yekutieli, The control of the
false discovery rate in multiple testing under dependency, Ann Stat 2001;29:1165. Bourgon,
Gentleman and Huber, Independent filtering increases detection power, PNAS 2010;107:9546.
"""

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError

__all__ = ["METHODS", "q_values"]

METHODS = ("bh", "by")


def q_values(p: ArrayLike, m: int, *, method: str = "bh") -> Floats:
    """Return q values of `p` among `m` candidates, the others having p = 1.

    q of the k-th smallest p is the least of c m p_j / j over all j ≥ k, at most 1: the smallest
    false-discovery rate at which that candidate is called. ``"bh"`` (Benjamini and Hochberg) has
    c = 1 and holds for independent tests and for tests that depend positively; ``"by"`` (Benjamini
    and Yekutieli) has c = Σ 1/i, i = 1 … m, and holds under any dependence.

    Parameters
    ----------
    p : array of float, shape (n_tested,)
        Between 0 and 1.
    m : int
        All candidates, ≥ n_tested.
    method : {"bh", "by"}

    Raises
    ------
    ArgumentError
        A p outside [0, 1], more tests than candidates, or an unknown method.

    Examples
    --------
    >>> q_values([0.01, 0.04, 0.03], m=4).round(4).tolist()
    [0.04, 0.0533, 0.0533]
    >>> q_values([0.01, 0.04, 0.03], m=4, method="by").round(4).tolist()  # 25/12 times as large
    [0.0833, 0.1111, 0.1111]
    """
    check_one_of(method, METHODS, name="method")
    values = np.asarray(p, np.float64)
    if values.ndim != 1 or not ((values >= 0) & (values <= 1)).all():
        raise ArgumentError("p must be one row of numbers between 0 and 1, got another")
    if m < len(values):
        raise ArgumentError(f"m must be at least the {len(values)} tests done, got {m}")
    # The sum of 1 / k for k = 1 ... m, in closed form.
    factor = 1.0 if method == "bh" or not m else float(special.digamma(m + 1) + np.euler_gamma)
    order = np.argsort(values, kind="stable")
    scaled = factor * values[order] * m / np.arange(1, len(values) + 1)
    q = np.empty_like(values)
    # Read from the largest p down: a smaller p never has a larger q
    q[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return q

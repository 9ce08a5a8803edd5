"""Strata of baskets: combinations of items, or numbers that the caller gives."""

from collections.abc import Sequence

import numpy as np

from clinnlp.core.arrays import Ints
from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError

__all__ = ["Ints", "strata_of"]


def strata_of(baskets: Baskets, strata: Sequence[str] | Ints | None) -> Ints:
    """Return the stratum number of each basket, from 0.

    Parameters
    ----------
    baskets : Baskets
    strata : sequence of item names or array of int, shape (n_baskets,), optional
        Combinations of these items, or one number per basket from 0 (of age group, sex, year, ...);
        one stratum by default.

    Raises
    ------
    ArgumentError
        A name is no item, or the numbers are not one per basket from 0.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> baskets = frame_baskets(pd.DataFrame({"ill": [1, 0, 1], "old": [1, 1, 0]}))
    >>> strata_of(baskets, ["ill", "old"]).tolist()
    [2, 0, 1]
    """
    if strata is None:
        return np.zeros(len(baskets), np.int64)
    if isinstance(strata, np.ndarray):
        if strata.shape != (len(baskets),) or strata.dtype.kind not in "iu" or (strata < 0).any():
            raise ArgumentError(
                f"strata must be {len(baskets)} whole numbers from 0, one per basket, "
                f"got {strata.dtype} of shape {strata.shape}"
            )
        return np.unique(strata, return_inverse=True)[1].astype(np.int64)
    absent = [name for name in strata if name not in baskets.items]
    if absent:
        raise ArgumentError(f"strata must be items of the baskets, got {', '.join(absent)}")
    held = baskets.matrix[:, [baskets.items.index(name) for name in strata]].toarray()
    return np.unique(held, axis=0, return_inverse=True)[1].astype(np.int64).ravel()

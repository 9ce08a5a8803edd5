"""Names of array types, for annotations: each says what an array holds, not how it is shaped.

Shapes stand in trailing comments where they matter.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "Array",
    "Bits",
    "Bools",
    "Bytes",
    "Counts",
    "Floats",
    "Floats32",
    "Ints",
    "Ints16",
    "Ints32",
    "objects",
]

Array = NDArray[Any]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]  # positions, codes, days
Counts = NDArray[np.int64]  # how many
Ints32 = NDArray[np.int32]  # where millions of them must fit
Ints16 = NDArray[np.int16]
Bytes = NDArray[np.uint8]
Bits = NDArray[np.uint64]  # sets, one bit for a member
Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]


def objects(values: Iterable[Any]) -> Array:
    """Return values as an array of objects, each as it is: text, missing, a set, a list.

    Examples
    --------
    >>> objects(["p1", None, [1, 2]]).tolist()
    ['p1', None, [1, 2]]
    """
    rows = list(values)
    out: Array = np.empty(len(rows), dtype=object)
    out[:] = rows
    return out

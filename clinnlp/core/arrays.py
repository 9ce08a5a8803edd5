"""Names of array types, for annotations: each says what an array holds, not how it is shaped.

Shapes stand in trailing comments where they matter.
"""

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

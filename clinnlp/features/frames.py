"""Frames in and out of the transformers, as scikit-learn's own take and give them.

A transformer here gives a sparse matrix, which no frame can hold: where a frame was asked for
(``set_output(transform="pandas")``, or the setting of scikit-learn for all of them), the rows are
made dense for it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.errors import ArgumentError, instead_of

__all__ = ["as_asked", "check_rows", "frame_columns", "numbers_of"]

_NUMBERS = ("integer", "floating", "mixed-integer-float", "boolean", "decimal")
_NO_NUMBERS = "column {!r} must hold numbers, as where it was fitted, got something else"


def as_asked(transformer: Any, rows: sparse.csr_matrix) -> Any:
    """Return sparse rows as they are, or dense where the transformer is to give a frame.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> as_asked(StandardScaler().set_output(transform="pandas"), sparse.csr_matrix([[1.0]]))
    array([[1.]])
    """
    from sklearn.utils._set_output import _get_output_config

    wanted = _get_output_config("transform", transformer)["dense"]
    return rows if wanted == "default" else rows.toarray()


def frame_columns(frame: Any) -> list[Array]:
    """Return the columns of a DataFrame: numbers as float64, all else as objects, None if missing.

    Raises
    ------
    ArgumentError
        A column that holds neither numbers nor categories, such as times.

    Examples
    --------
    >>> import pandas as pd
    >>> frame_columns(pd.DataFrame({"n": [1, None], "who": ["a", pd.NA]}))
    [array([ 1., nan]), array(['a', None], dtype=object)]
    """
    return [_column(frame.iloc[:, j], j) for j in range(frame.shape[1])]


def check_rows(columns: Sequence[Array]) -> None:
    """Raise `ArgumentError` for a table without a row, or with a number that is infinite."""
    if not len(columns[0]):
        raise ArgumentError("a frame must have at least 1 row, got none")
    if any(np.isinf(column).any() for column in columns if column.dtype.kind == "f"):
        raise ArgumentError("numbers of a frame must be finite or missing, got infinity")


def numbers_of(column: Array, name: str) -> Floats:
    """Return a column as float64; the message of one that holds words quotes none of them."""
    with instead_of((TypeError, ValueError), ArgumentError(_NO_NUMBERS.format(name))):
        return np.asarray(column, np.float64)


def _column(column: Any, j: int) -> Array:
    import pandas as pd

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in _NUMBERS:
        numbers: Array = column.astype(object).where(column.notna(), None).to_numpy(np.float64)
        return numbers
    if kind.startswith(("date", "time", "period", "interval", "complex")):
        raise ArgumentError(
            f"a column of a frame must hold numbers or categories, got {column.dtype} in column "
            f"{j}; make of it what a model can use, such as days since"
        )
    cells: Array = column.astype(object).where(column.notna(), None).to_numpy(object)
    return cells

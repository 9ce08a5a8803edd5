"""Frames in and out of the transformers, as scikit-learn's own take and give them.

A transformer here gives a sparse matrix, which no frame can hold: where a frame was asked for
(``set_output(transform="pandas")``, or the setting of scikit-learn for all of them), the rows are
made dense for it.
"""

from collections.abc import Collection, Sequence
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.arrow import arrow_table, is_frame
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.numbers import large_rows

__all__ = [
    "as_asked",
    "as_frame",
    "check_cells",
    "check_rows",
    "frame_cells",
    "frame_columns",
    "numbers_of",
    "unquoted",
]

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


def as_frame(X: Any) -> Any:
    """Return a table of polars, Arrow and others as a DataFrame, and anything else as it is.

    Examples
    --------
    >>> import pyarrow as pa
    >>> as_frame(pa.table({"who": ["a", None]})).columns.tolist()
    ['who']
    """
    if is_frame(X) or not hasattr(X, "__arrow_c_stream__"):
        return X
    return arrow_table(X).to_pandas()


def unquoted(error: Exception) -> Exception:
    """Return the error of an array, but one that quotes a word that stands in it."""
    if "could not convert string" not in str(error):
        return error
    return ArgumentError(
        "an array must hold numbers, got words; give a DataFrame, whose columns may hold categories"
    )


def frame_cells(column: Any) -> Array:
    """Return the cells of a column of a DataFrame as objects, None where one is missing."""
    cells: Array = column.astype(object).where(column.notna(), None).to_numpy(object)
    return cells


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
    """Raise `ArgumentError` for a table without a row, or with infinity or one beyond 1e100."""
    if not len(columns[0]):
        raise ArgumentError("a frame must have at least 1 row, got none")
    for j, column in enumerate(columns):
        if column.dtype.kind == "f" and (got := large_rows(column)):
            raise ArgumentError(
                f"numbers of a frame must be finite or missing, got {got} of column {j}"
            )


def check_cells(cells: Array, name: Any) -> None:
    """Raise `ArgumentError` for a cell that holds several values, or a complex number.

    Examples
    --------
    >>> check_cells(np.array(["a", None, 2.5], dtype=object), "x")
    """
    kinds = {complex} if cells.dtype.kind == "c" else set(map(type, cells.tolist()))
    for kind in kinds:
        if issubclass(kind, Collection) and not issubclass(kind, str | bytes):
            raise ArgumentError(
                f"column {name!r} must hold one number or category in each cell, got a "
                f"{kind.__name__}; make a column of each thing that may be in it"
            )
        if issubclass(kind, complex | np.complexfloating):
            raise ArgumentError(
                f"column {name!r} must hold numbers or categories, got complex numbers"
            )


def numbers_of(column: Array, name: str) -> Floats:
    """Return a column as float64; the message of one that holds words quotes none of them.

    Raises
    ------
    ArgumentError
        It holds words, infinity or a number beyond 1e100.
    """
    with instead_of((TypeError, ValueError), ArgumentError(_NO_NUMBERS.format(name))):
        numbers: Floats = np.asarray(column, np.float64)
    if got := large_rows(numbers):
        raise ArgumentError(f"column {name!r} must hold finite numbers, got {got}")
    return numbers


def _column(column: Any, j: int) -> Array:
    import pandas as pd

    kind = pd.api.types.infer_dtype(column, skipna=True)
    if kind in _NUMBERS:
        numbers: Array = column.astype(object).where(column.notna(), None).to_numpy(np.float64)
        return numbers
    if kind.startswith(("date", "time", "period", "interval")):
        raise ArgumentError(
            f"a column of a frame must hold numbers or categories, got {column.dtype} in column "
            f"{j}; make of it what a model can use, such as days since"
        )
    cells = frame_cells(column)
    check_cells(cells, str(column.name))
    return cells

"""What a table of a hospital may hold that no model should take as it stands.

Refused, each in one sentence: infinity, times in place of numbers, rows without a patient. Told,
since only who keeps the table knows: numbers and dates that are text, and so categories without an
order; a number such as -999 that stands for missing; two units in one column. A column of objects
that are numbers all is one of numbers.
"""

import re
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.core.numbers import large_rows
from clinnlp.core.times import AmbiguousTimeError, read_time
from clinnlp.features.columns import Columns
from clinnlp.features.frames import check_cells

__all__ = [
    "check_ids",
    "code_spelling",
    "factor_between",
    "plain_table",
    "stand_in",
    "text_that_is",
    "unit_factor",
]

_NUMBERS = (int, float, Decimal, np.integer, np.floating)
_NO_IDS = frozenset({"", "none", "nan", "nat", "<na>", "null"})
_NUMBER = re.compile(r"[<>≤≥]?=?\s*[+-]?\d[\d., '\u2009\u202f]*(e[+-]?\d+)?\s*%?", re.IGNORECASE)
_DATED = re.compile(
    r"\d{4}-\d\d-\d\d|\d{1,2}[./-]\d{1,2}[./-]\d{4}|\d{1,2}[- ]?[A-Za-z]{3}[- ]?\d{4}"
)
_BEFORE_DOT = 3  # characters of E11.9 and of 250.00
_NOTHING = frozenset({"", ".", "-", "?", "na", "n/a", "nan", "none", "null", "nd", "unknown"})
_MANY = 20  # values of a column of text that may be numbers or dates
_NEARLY_ALL = 0.98  # of them
_STAND_INS = (-1, -9, -99, -999, -9999, -99999, 99, 999, 9999, 99999, 999999, 9999999)
_SURELY = -999  # that, and below it, once is enough
_FEWEST_TIMES = 3
_FEWEST_VALUES = 10  # different ones beside it
_FAR_SHARE, _FAR_STEPS = 0.25, 5  # of the median, and steps between values, that 0 lies below all
_FACTORS = (2.205, 2.54, 2.66, 2.8, 4.008, 10, 17.1, 18.02, 38.67, 59.48, 88.4, 100, 1000, 1e6)
_SMALL_FACTOR = 5  # up to which the two middles must fit it well
_CLOSE, _CLOSER = 0.3, 0.1  # of the logarithm of a factor, above and up to that
_GAP = 0.35  # of the logarithm of the factor, without a value
_FEWEST_SIDE, _SHARE_SIDE = 10, 0.01  # different values, and rows, on either side of it


def code_spelling(code: str) -> str:
    """Return a code without what systems change of it: case, blanks, the dot of a classification.

    A dot behind fewer than three characters may part numbers, and stays.

    Examples
    --------
    >>> code_spelling("condition:E11.9"), code_spelling("condition: e119"), code_spelling("lab:2.5")
    ('condition:e119', 'condition:e119', 'lab:2.5')
    """
    kind, colon, name = "".join(code.split()).casefold().rpartition(":")
    head, dot, rest = name.partition(".")
    joined = dot and len(head) >= _BEFORE_DOT and head.isalnum() and rest.isalnum()
    return f"{kind}{colon}{head}{rest}" if joined else f"{kind}{colon}{name}"


def check_ids(patients: Any, what: str) -> Array:
    """Return ids of patients as an array of str.

    Raises
    ------
    ArgumentError
        A row has none: they would be one patient.

    Examples
    --------
    >>> check_ids(np.array([7.0, 8.0]), "rows").tolist()
    ['7', '8']
    """
    held = np.asarray(patients)
    ids = [_id(v) for v in held.tolist()] if held.dtype.kind in "Of" else held.astype(str).tolist()
    without = [k for k, v in enumerate(ids) if str(v).strip().casefold() in _NO_IDS]
    if without:
        raise ArgumentError(
            f"each of the {what} must have a patient, got {len(without):,} without (first: row "
            f"{without[0]}); leave them out"
        )
    return np.array(ids, dtype=object if held.dtype == object else str)


def plain_table(table: Columns) -> Columns:
    """Return a table whose numbers are numbers, and finite.

    Raises
    ------
    ArgumentError
        A column holds infinity, times, lists or complex numbers, by name; or a row has no patient.

    Examples
    --------
    >>> table = Columns(patients=np.array(["a", "b"]), values={"x": np.array([1, None], object)})
    >>> plain_table(table).values["x"].tolist()
    [1.0, nan]
    """
    values = {name: _plain_column(_array(v, name), name) for name, v in table.values.items()}
    return replace(table, patients=check_ids(table.patients, "rows"), values=values)


def text_that_is(column: Array) -> str:
    """Return what the cells of a column of text are instead: numbers, dates, or nothing else.

    Examples
    --------
    >>> text_that_is(np.array([f"{k},5" for k in range(30)], object))
    'numbers'
    >>> text_that_is(np.array(["home", "ward"] * 30, object))
    ''
    """
    if column.dtype.kind in "biufM" or column.ndim > 1:
        return ""
    held = {str(v).strip() for v in column.tolist() if not _is_missing(v)}
    cells = {cell for cell in held if cell.casefold() not in _NOTHING}
    few = len(cells) < _MANY
    return "" if few else next((what for what, is_one in _KINDS if _nearly_all(is_one, cells)), "")


def stand_in(values: Floats) -> tuple[float, int] | None:
    """Return a number that seems to stand for missing, and how often it does, or None.

    It lies far outside of all other values. So may 0, where all others are well above it, as those
    of a blood pressure are.

    Examples
    --------
    >>> stand_in(np.array([*range(50), -999.0]))
    (-999.0, 1)
    >>> stand_in(np.array([*range(50), 99.0, 99.0, 99.0])), stand_in(np.arange(-10.0, 10))
    ((99.0, 3), None)
    """
    finite = values[np.isfinite(values)]
    for number in _STAND_INS:
        n = int(np.sum(finite == number))
        rest = finite[finite != number]
        if not n or len(rest) < _MANY or len(np.unique(rest)) < _FEWEST_VALUES:
            continue
        far = rest.max() < number / 2 if number > 0 else rest.min() >= min(0, (number + 9) / 10)
        if far and (n >= _FEWEST_TIMES or number <= _SURELY):
            return float(number), n
    return _zeros(finite)


def _zeros(finite: Floats) -> tuple[float, int] | None:
    """Return how often 0 stands alone below values that are all far above it, or None."""
    rest = np.sort(finite[finite != 0])
    n = len(finite) - len(rest)
    if not _FEWEST_TIMES <= n <= len(rest) or len(rest) < _MANY or rest[0] <= 0:
        return None
    steps = np.diff(np.unique(rest))
    if len(steps) < _FEWEST_VALUES:
        return None
    far = rest[0] > max(_FAR_SHARE * np.median(rest), _FAR_STEPS * np.median(steps))
    return (0.0, n) if far else None


def unit_factor(values: Floats) -> float | None:
    """Return the factor between two units that one measurement seems to be in, or None.

    There are two heaps with nothing between them, whose middles are as far apart as two units are.

    Examples
    --------
    >>> values = np.linspace(0.5, 1.5, 100)
    >>> unit_factor(np.append(values, 88.4 * values)), unit_factor(values)
    (88.4, None)
    """
    logs = np.log(np.sort(values[np.isfinite(values) & (values > 0)]))
    least = max(_FEWEST_SIDE, int(_SHARE_SIDE * len(logs)))
    if len(logs) < 2 * least or len(logs) < 0.95 * np.isfinite(values).sum():
        return None
    gaps = np.diff(logs)[least - 1 : len(logs) - least]
    at = least + int(np.argmax(gaps))
    below, above = logs[:at], logs[at:]
    if min(len(np.unique(below)), len(np.unique(above))) < _FEWEST_SIDE:
        return None
    distance = float(np.median(above) - np.median(below))
    factor = factor_between(1.0, float(np.exp(distance)))
    return factor if factor is not None and gaps.max() >= _GAP * np.log(factor) else None


def factor_between(one: float, other: float) -> float | None:
    """Return the factor of two units that lies between two values of one measurement, or None.

    Examples
    --------
    >>> factor_between(1.0, 90.0), factor_between(90.0, 1.0), factor_between(1.0, 1.2)
    (88.4, 88.4, None)
    """
    if not (one > 0 and other > 0):
        return None
    distance = abs(float(np.log(one) - np.log(other)))
    factor = min(_FACTORS, key=lambda f: abs(np.log(f) - distance))
    within = _CLOSER if factor < _SMALL_FACTOR else _CLOSE
    return factor if abs(np.log(factor) - distance) <= within else None


def _array(column: Any, name: str) -> Array:
    refusal = ArgumentError(f"column {name!r} must hold one number or category in each cell")
    with instead_of(ValueError, refusal):  # of lists that differ in length
        return np.asarray(column)


def _plain_column(column: Array, name: str) -> Array:
    """Return a column of objects that are numbers as numbers; a wrong one is refused."""
    if column.dtype.kind in "mM" or (column.dtype == object and _holds_times(column)):
        raise ArgumentError(
            f"column {name!r} must hold numbers or categories, got times; make of them what a "
            "model can use, such as days before index"
        )
    if column.dtype.kind in "Oc":
        check_cells(column.ravel(), name)
    if column.dtype == object and column.ndim == 1:
        column = _plain_objects(column)
    if column.dtype.kind in "biuf" and column.ndim > 1:
        raise ArgumentError(
            f"column {name!r} must hold one number per row, got {column.shape[1]}; make a column "
            "of each"
        )
    if column.dtype.kind == "f" and (got := large_rows(column)):
        raise ArgumentError(
            f"column {name!r} must hold finite numbers, got {got}; leave them empty, or put a "
            "number there"
        )
    return column


def _plain_objects(column: Array) -> Array:
    """Return objects as numbers where all of them are, else with None where one is missing."""
    missing = np.array([_is_missing(v) for v in column], bool)
    kinds = {type(v) for v in column[~missing]}
    if not kinds or not all(issubclass(k, _NUMBERS) and k is not bool for k in kinds):
        held = column.copy()
        held[missing] = None
        return held
    numbers = np.full(len(column), np.nan)
    numbers[~missing] = [float(v) for v in column[~missing]]
    return numbers


def _holds_times(column: Array) -> bool:
    return any(
        type(v).__name__ == "Period"  # of pandas
        or (isinstance(v, date | timedelta | np.datetime64 | np.timedelta64) and v == v)
        for v in column.ravel().tolist()
    )


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)


def _id(value: Any) -> Any:
    if _is_missing(value):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else value


def _nearly_all(is_one: Callable[[str], bool], cells: Collection[str]) -> bool:
    return sum(map(is_one, cells)) >= _NEARLY_ALL * len(cells)


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None


def _is_date(cell: str) -> bool:
    if _DATED.match(cell) is None:
        return False
    try:
        read_time(cell)
    except AmbiguousTimeError:
        return True
    except ValueError:
        return False
    return True


_KINDS = (("dates", _is_date), ("numbers", _is_number))

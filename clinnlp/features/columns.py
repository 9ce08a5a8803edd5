"""Plain columns to a feature matrix: one-hot categories, numbers with medians.

The form for a table with one row per case. Categories and medians are fitted on training rows
only; a category that fewer than `min_patients` training patients have, or that training never
saw, gives zeros. Missing (``None``, ``nan``) stays missing: zeros for a category, and for a
number the training median beside an indicator.

An array of numbers, as scikit-learn hands on, is a table too: its columns are ``x0``, ``x1``, ...,
and each row counts as a patient of its own, whom nobody can name. So is a frame of pandas, polars
or Arrow, whose columns of numbers are numbers and whose others hold categories, as in `Columns`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import _check_feature_names_in, check_is_fitted, validate_data

from clinnlp.core.arrays import Array, Floats
from clinnlp.core.arrow import is_frame
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, instead_of
from clinnlp.features.frames import (
    as_asked,
    as_frame,
    check_rows,
    frame_cells,
    frame_columns,
    numbers_of,
    unquoted,
)
from clinnlp.features.matrix import Unnamed, patient_hashes

__all__ = ["ColumnFeatures", "Columns"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Columns:
    """A table of cases.

    Parameters
    ----------
    patients : array of str, shape (n,)
        Whose row it is; may repeat.
    values : mapping of str to array, shape (n,) each
        Arrays of numbers are numbers; any other array holds categories (str or None), several
        per row where its shape is (n, k).
    n_excluded : mapping of str to int
        Rows of the source left out, by reason.

    Raises
    ------
    ArgumentError
        Columns are not as long as `patients`.
    """

    patients: Array
    values: Mapping[str, Array]
    n_excluded: Mapping[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name, column in self.values.items():
            if len(column) != len(self.patients):
                raise ArgumentError(
                    f"column {name!r} must have one value per row, got {len(column)} for "
                    f"{len(self.patients)} rows"
                )

    def __len__(self) -> int:
        return len(self.patients)

    def __repr__(self) -> str:
        return f"Columns({len(self)} rows, {len(self.values)} columns)"

    def take(self, rows: Array) -> "Columns":
        """Return the rows at a boolean mask or at integer positions."""
        return Columns(
            patients=self.patients[rows],
            values={name: column[rows] for name, column in self.values.items()},
            n_excluded=self.n_excluded,
        )


class ColumnFeatures(Unnamed, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn transformer from `Columns`, a frame or an array of numbers to a sparse matrix.

    Parameters
    ----------
    min_patients : int
        A category, or a number at all, needs this many training patients (>= 1).

    Attributes
    ----------
    feature_names_out_ : tuple of str
    feature_concepts_ : tuple of str
        The column each feature comes from.
    n_rare_ : int
        Categories, and columns of numbers, that too few training patients have.
    n_patients_ : int
        How many patients it was fitted on.
    fitted_on_ : array of str, shape (n_patients_,)
        Hashes of their ids; not there in one that was loaded or copied, or fitted on an array.

    Examples
    --------
    >>> values = {"sex": np.array(["F", "M", None], object), "age": np.array([60.0, np.nan, 70.0])}
    >>> rows = Columns(patients=np.array(["a", "b", "c"]), values=values)
    >>> features = ColumnFeatures(min_patients=1)
    >>> features.fit_transform(rows).toarray().tolist()
    [[1.0, 0.0, 60.0, 0.0], [0.0, 1.0, 65.0, 1.0], [0.0, 0.0, 70.0, 0.0]]
    >>> features.get_feature_names_out().tolist()
    ['sex=F', 'sex=M', 'age', 'age missing']

    Of a frame, and to a frame, as within scikit-learn's ``ColumnTransformer``:

    >>> import pandas as pd
    >>> frame = pd.DataFrame({"sex": ["F", "M", None], "age": [60.0, None, 70.0]})
    >>> features.set_output(transform="pandas").fit_transform(frame).columns.tolist()
    ['sex=F', 'sex=M', 'age', 'age missing']
    """

    def __init__(self, *, min_patients: int = 5) -> None:
        self.min_patients = min_patients

    def fit(self, X: Columns | ArrayLike, y: object = None) -> Self:  # noqa: ARG002
        """Learn categories and medians from training rows."""
        check_at_least(self.min_patients, 1, name="min_patients")
        rows = self._rows(X, reset=True)
        people, person = np.unique(rows.patients.astype(str), return_inverse=True)
        self.n_patients_ = len(people)
        if rows is X:
            self.fitted_on_ = patient_hashes(people)
        else:  # an earlier fit may have left some
            self.__dict__.pop("fitted_on_", None)
        self.columns_ = list(rows.values)
        self.categories_: dict[str, list[str]] = {}
        self.usual_: list[str] = []  # features
        self.medians_: dict[str, float] = {}
        self.may_miss_: list[str] = []
        self.n_rare_ = 0
        for name, column in rows.values.items():
            if column.dtype.kind in "biuf":
                self._fit_number(name, column.astype(np.float64), person)
            else:
                found, n_rare = _categories(column, person, self.min_patients)
                self.categories_[name] = sorted(found)
                self.n_rare_ += n_rare
                # Of several cells per row none is usual: a patient may have no code
                if found and column.ndim == 1:
                    self.usual_.append(f"{name}={max(sorted(found), key=lambda c: found[c])}")
        named = [(feature, name) for name in self.columns_ for feature in self._features(name)]
        self.feature_names_out_ = tuple(feature for feature, _ in named)
        self.feature_concepts_ = tuple(name for _, name in named)
        return self

    def transform(self, X: Columns | ArrayLike) -> Any:
        """Return the features of rows.

        Returns
        -------
        csr_matrix of float64, shape (n_rows, n_features)
            Dense where ``set_output`` asks for a frame.

        Raises
        ------
        ArgumentError
            A column it was fitted on is absent, or one of numbers holds none.
        """
        check_is_fitted(self)
        rows = self._rows(X, reset=False)
        absent = [name for name in self.columns_ if name not in rows.values]
        if absent:
            raise ArgumentError(f"columns must include {', '.join(absent)}, which the table lacks")
        blocks = [sparse.csr_matrix((len(rows), 0))]
        for name in self.columns_:
            column = rows.values[name]
            if name in self.categories_:
                blocks.append(_one_hot(column, self.categories_[name]))
            elif name in self.medians_:
                blocks.append(self._number(name, numbers_of(column, name)))
        return as_asked(self, sparse.hstack(blocks, format="csr", dtype=np.float64))

    def get_feature_names_out(self, input_features: Any = None) -> Array:
        """Return the feature names, in column order."""
        check_is_fitted(self)
        if input_features is not None and hasattr(self, "n_features_in_"):
            _check_feature_names_in(self, input_features)
        return np.array(self.feature_names_out_, dtype=object)

    def reference(self) -> Floats:
        """Return the features of a possible row: usual categories, the median of each number."""
        check_is_fitted(self)
        usual = dict.fromkeys(self.usual_, 1.0) | self.medians_
        return np.array([usual.get(name, 0.0) for name in self.feature_names_out_])

    def origins(self) -> Floats:
        """Return what 0 stands for in each column: 0."""
        check_is_fitted(self)
        return np.zeros(len(self.feature_names_out_))

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.categorical = True  # of a frame or `Columns`
        return tags

    def _rows(self, X: Columns | ArrayLike, *, reset: bool) -> Columns:
        """Return the table that was given, or that an array of numbers is."""
        if isinstance(X, Columns):
            if reset:  # an earlier fit on an array may have left its names
                self.__dict__.pop("n_features_in_", None)
                self.__dict__.pop("feature_names_in_", None)
            return X
        X = as_frame(X)
        if is_frame(X) and not reset and not hasattr(self, "n_features_in_"):
            return self._named_rows(X)
        columns = frame_columns(X) if is_frame(X) else []
        if all(column.dtype.kind == "f" for column in columns):  # or no frame at all
            how: dict[str, Any] = {"ensure_all_finite": "allow-nan", "reset": reset}
            with instead_of(ValueError, unquoted):
                array: Floats = validate_data(self, X, dtype=np.float64, **how)
            columns = list(array.T)
        else:
            validate_data(self, X, reset=reset, skip_check_array=True)
        check_rows(columns)
        names = getattr(self, "feature_names_in_", [f"x{j}" for j in range(len(columns))])
        values = dict(zip(map(str, names), columns, strict=True))
        return Columns(patients=np.arange(len(columns[0])), values=values)

    def _named_rows(self, frame: Any) -> Columns:
        """Return a frame as `Columns`, such as it was fitted on, whose columns it knows by name."""
        values = {str(name): frame_cells(frame.iloc[:, j]) for j, name in enumerate(frame.columns)}
        return Columns(patients=np.arange(len(frame)), values=values)

    def _fit_number(self, name: str, column: Array, person: Array) -> None:
        missing = np.isnan(column)
        if len(np.unique(person[~missing])) < self.min_patients:
            self.n_rare_ += 1
            return
        self.medians_[name] = float(np.median(column[~missing]))
        if missing.any():
            self.may_miss_.append(name)

    def _features(self, name: str) -> list[str]:
        if name in self.categories_:
            return [f"{name}={category}" for category in self.categories_[name]]
        # Cut at True the list stays, at False it is empty
        return [name][: name in self.medians_] + [f"{name} missing"][: name in self.may_miss_]

    def _number(self, name: str, column: Array) -> sparse.csr_matrix:
        missing = np.isnan(column)
        filled = np.where(missing, self.medians_[name], column)
        both = np.column_stack([filled, missing])
        return sparse.csr_matrix(both[:, : 1 + (name in self.may_miss_)])


def _categories(column: Array, person: Array, min_patients: int) -> tuple[dict[str, int], int]:
    """Return how many persons have each category that enough have, and how many others it has."""
    values = _cells(column)
    position: dict[Any, int] = {}
    codes = np.array([position.setdefault(v, len(position)) for v in values], np.int64)
    whose = np.repeat(person, column.size // max(1, len(column)))
    # One number per patient and category: a patient with several rows counts once
    pairs = np.unique(whose * len(position) + codes)
    n_persons = np.bincount(pairs % max(1, len(position)), minlength=len(position))
    names = list(position)
    enough = {
        names[k]: int(n_persons[k])
        for k in np.flatnonzero(n_persons >= min_patients)
        if names[k] is not None
    }
    return enough, len(names) - (None in position) - len(enough)


def _one_hot(column: Array, categories: list[str]) -> sparse.csr_matrix:
    position = {value: j for j, value in enumerate(categories)}
    codes = np.array([position.get(value, -1) for value in _cells(column)], np.int64)
    width = column.size // max(1, len(column))
    at = np.flatnonzero(codes >= 0)
    shape = (len(column), len(categories))
    counts = sparse.csr_matrix((np.ones(len(at)), (at // max(1, width), codes[at])), shape=shape)
    return (counts > 0).astype(np.float64)


def _cells(column: Array) -> list[Any]:
    """Return the cells row by row: str, or None where missing."""
    return [_category(cell) for cell in column.ravel().tolist()]


def _category(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    if cell != cell:
        return None
    # 1 and 1.0 are one, as where pandas keeps both in a column with words
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)

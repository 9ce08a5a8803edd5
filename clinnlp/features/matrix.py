"""Cases to a feature matrix: counts per code and time window, recency, last values, demographics.

The vocabulary (which codes, which values, which sexes), the medians that numbers are told from,
and nothing else are fitted; on training patients only. A code, a sex or an age is kept where at
least `min_patients` of them have it, so that a rare word of a note never becomes the name of a
feature, and no median is that of one patient.

The patients it was fitted on stay with a fitted transformer, as hashes, so that an evaluation can
refuse one that has seen its test patients. They stay in memory: whoever has a list of ids can
name a patient by the hash, so nothing that is written or copied holds them.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from hashlib import blake2b
from typing import Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, LeakageError
from clinnlp.core.patients import TimeWindow
from clinnlp.core.tables import FeatureMatrix
from clinnlp.features.events import Cases
from clinnlp.features.frames import as_asked

__all__ = ["PatientFeatures", "Unnamed", "check_windows", "n_outside", "patient_hashes"]


class Unnamed:
    """Leaves the hashes of patients behind wherever a transformer is saved, pickled or copied."""

    def __getstate__(self) -> dict[str, Any]:
        """Return what may be written: all but ``fitted_on_``."""
        state: dict[str, Any] = dict(super().__getstate__())  # type: ignore[call-overload]
        state.pop("fitted_on_", None)
        return state


class PatientFeatures(Unnamed, TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """A scikit-learn transformer from `Cases` to a sparse matrix.

    Parameters
    ----------
    windows : sequence of TimeWindow
        Look-back windows in days before index; none may reach past it.
    min_patients : int
        A feature needs this many training patients (>= 1).
    recency : bool
        Add ``1 / (1 + days since the code was last known)`` per code, 0 where it never was.
    values : bool
        Add the last known value of each measurement, less the training median: 0 stands for the
        median, also where the value is missing, so that a matrix stores known values alone.
    demographics : bool
        Add age at index in years (with an indicator where it is missing) and sex.

    Attributes
    ----------
    feature_names_out_ : tuple of str
    feature_concepts_ : tuple of str
        What each feature speaks of: the same for all features of a concept.
    n_rare_ : int
        Codes left out because fewer than `min_patients` training patients have them.
    n_patients_ : int
        How many patients it was fitted on.
    fitted_on_ : array of str, shape (n_patients_,)
        Hashes of their ids; not there in one that was loaded or copied.

    Raises
    ------
    LeakageError
        On fit: a window reaches past the index time.

    Examples
    --------
    >>> from clinnlp.core.tables import EventTable, Outcome
    >>> from clinnlp.features.events import collect_cases
    >>> time = np.array(["2024-01-10", "2024-01-20"], "datetime64[s]")
    >>> outcome = Outcome(patients=np.array(["a", "b"]), index=time, values=np.array([1, 0]))
    >>> events = EventTable({
    ...     "patient": ["a", "a", "b"],
    ...     "known": ["2024-01-08", "2024-01-09", "2024-01-09"],
    ...     "code": ["x", "x", "y"],
    ...     "kind": ["drug"] * 3,
    ... })
    >>> features = PatientFeatures(min_patients=1, demographics=False)
    >>> features.fit_transform(collect_cases(outcome, events=events)).toarray()
    array([[2., 0.],
           [0., 1.]])
    >>> features.get_feature_names_out().tolist()
    ['drug:x in -3650d..0d', 'drug:y in -3650d..0d']
    """

    def __init__(
        self,
        windows: Sequence[TimeWindow] = (TimeWindow(start_days=-3650, end_days=0),),
        *,
        min_patients: int = 5,
        recency: bool = False,
        values: bool = True,
        demographics: bool = True,
    ) -> None:
        self.windows = windows
        self.min_patients = min_patients
        self.recency = recency
        self.values = values
        self.demographics = demographics

    def fit(self, X: Cases, y: object = None) -> Self:  # noqa: ARG002
        """Learn the vocabulary and the medians from training cases."""
        _check_cases(X)
        check_windows(self.windows)
        check_at_least(self.min_patients, 1, name="min_patients")
        person = np.unique(X.patients.astype(str), return_inverse=True)[1]
        self.fitted_on_ = patient_hashes(X.patients)
        self.n_patients_ = len(self.fitted_on_)
        self.counted_ = [self._frequent(X, person, _inside(X, w)) for w in self.windows]
        kept = sorted(set().union(*self.counted_))
        self.n_rare_ = len(X.codes) - len(kept)
        self.recent_: list[str] = kept if self.recency else []
        self.measured_: list[str] = []
        self.medians_ = np.empty(0)
        if self.values:
            self._fit_values(X, person)
        self.sexes_: list[str] = []
        self.usual_sex_: str | None = None
        self.ages_: list[str] = []
        self.age_median_ = 0.0
        if self.demographics:
            self._fit_demographics(X, person)
        named = self._named(dict(zip(X.codes, X.concepts, strict=True)))
        self.feature_names_out_ = tuple(name for name, _ in named)
        self.feature_concepts_ = tuple(concept for _, concept in named)
        return self

    def _named(self, concept: Mapping[str, str]) -> list[tuple[str, str]]:
        """Return name and concept of each feature, in column order."""
        return [
            *(
                (f"{code} in {w.name}", concept[code])
                for w, codes in zip(self.windows, self.counted_, strict=True)
                for code in codes
            ),
            *((f"recency of {code}", concept[code]) for code in self.recent_),
            *((f"last {code}", concept[code]) for code in self.measured_),
            *((name, "age") for name in self.ages_),
            *((f"sex={sex}", "sex") for sex in self.sexes_),
        ]

    def transform(self, X: Cases) -> Any:
        """Return the features of cases; codes not in the vocabulary are left out.

        Returns
        -------
        csr_matrix of float64, shape (n_cases, n_features)
            Dense where ``set_output`` asks for a frame.
        """
        check_is_fitted(self)
        _check_cases(X)
        return as_asked(self, self._matrix(X))

    def _matrix(self, X: Cases) -> sparse.csr_matrix:
        blocks = [
            _counts(X, _inside(X, w), codes)
            for w, codes in zip(self.windows, self.counted_, strict=True)
        ]
        if self.recent_:
            blocks.append(self._recencies(X))
        if self.measured_:
            blocks.append(self._last_values(X))
        if self.ages_:
            blocks.append(self._ages(X))
        if self.sexes_:
            blocks.append(sparse.csr_matrix(X.sex[:, None] == np.array(self.sexes_, object)))
        empty = sparse.csr_matrix((len(X), 0))
        return sparse.hstack([empty, *blocks], format="csr", dtype=np.float64)

    def get_feature_names_out(self, input_features: object = None) -> Array:  # noqa: ARG002
        """Return the feature names, in column order."""
        check_is_fitted(self)
        return np.array(self.feature_names_out_, dtype=object)

    def reference(self) -> Floats:
        """Return the features of a possible patient: no fact, median of each number, usual sex."""
        check_is_fitted(self)
        usual = np.array([sex == self.usual_sex_ for sex in self.sexes_], float)
        return self._row(np.zeros_like(self.medians_), self.age_median_, usual)

    def origins(self) -> Floats:
        """Return what 0 stands for in each column: the median of a measurement, else 0."""
        check_is_fitted(self)
        return self._row(self.medians_, 0.0, np.zeros(len(self.sexes_)))

    def _row(self, measured: Floats, age: float, sexes: Floats) -> Floats:
        """Return a row of zeros but for measurements, age and sex."""
        counts = np.zeros(sum(map(len, self.counted_)) + len(self.recent_))
        ages = [age, 0.0][: len(self.ages_)]
        row: Floats = np.concatenate([counts, measured, ages, sexes])
        return row

    def matrix(self, X: Cases) -> FeatureMatrix:
        """Return the features of cases as a `FeatureMatrix` with patients and names.

        Unlike in `transform`, a measurement is its value, and the training median where missing.
        """
        check_is_fitted(self)
        _check_cases(X)
        origins = sparse.csr_matrix(np.ones((len(X), 1))) @ sparse.csr_matrix(
            self.origins()
        )  # (n_cases, n_features)
        return FeatureMatrix(
            values=sparse.csr_matrix(self._matrix(X) + origins),
            patients=X.patients,
            names=self.feature_names_out_,
            n_excluded=X.n_excluded,
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        # It takes cases, which are no array: their facts differ in number.
        tags.input_tags.two_d_array, tags.no_validation = False, True
        return tags

    def _frequent(self, X: Cases, person: Counts, where: Array) -> list[str]:
        """Return the sorted codes that enough persons have among the facts at `where`."""
        who, code = person[X.case[where]], X.code[where]
        shape = (len(self.fitted_on_), len(X.codes))
        # A patient with several cases counts once; `has` holds one cell per patient and code
        has = sparse.csr_matrix((np.ones(len(who), bool), (who, code)), shape=shape)
        n_persons = np.bincount(has.indices, minlength=len(X.codes))
        return sorted(X.codes[k] for k in np.flatnonzero(n_persons >= self.min_patients))

    def _fit_values(self, X: Cases, person: Counts) -> None:
        self.measured_ = self._frequent(X, person, self._valued(X))
        _, column, value = self._last(X)
        value = value[np.lexsort((value, column))]
        ends = np.bincount(column, minlength=len(self.measured_)).cumsum()
        first = np.append(0, ends)[: len(ends)]
        # The middle one, or the mean of the two about the middle
        middle = value[(first + ends - 1) // 2], value[(first + ends) // 2]
        self.medians_ = np.mean(middle, axis=0)

    def _fit_demographics(self, X: Cases, person: Counts) -> None:
        known = np.isfinite(X.age_years)
        n_persons = Counter(sex for sex, _ in set(zip(X.sex, person.tolist(), strict=True)))
        self.sexes_ = sorted(
            sex for sex, n in n_persons.items() if sex is not None and n >= self.min_patients
        )
        self.usual_sex_ = max(self.sexes_, key=lambda sex: n_persons[sex], default=None)
        enough = len(np.unique(person[known])) >= self.min_patients
        self.age_median_ = float(np.median(X.age_years[known])) if enough else 0.0
        if enough:
            self.ages_ = ["age_years"] + ([] if known.all() else ["age_missing"])

    def _valued(self, X: Cases) -> Array:
        return _in_any(X, self.windows) & np.isfinite(X.value)

    def _last(self, X: Cases) -> tuple[Array, Array, Array]:
        """Return case, measured column and value of the last value of each."""
        column = _columns(X, self.measured_)
        rows = np.flatnonzero(self._valued(X) & (column >= 0))
        # By case, measurement and time: the latest value ends each run of equal keys
        rows = rows[np.lexsort((X.days[rows], column[rows], X.case[rows]))]
        key = X.case[rows] * max(1, len(self.measured_)) + column[rows]
        last = rows[np.append(key[1:] != key[:-1], True)] if len(rows) else rows
        return X.case[last], column[last], X.value[last]

    def _last_values(self, X: Cases) -> sparse.csr_matrix:
        case, column, value = self._last(X)
        at, shape = (case, column), (len(X), len(self.measured_))
        return sparse.csr_matrix((value - self.medians_[column], at), shape=shape)

    def _recencies(self, X: Cases) -> sparse.csr_matrix:
        column = _columns(X, self.recent_)
        rows = np.flatnonzero(_in_any(X, self.windows) & (column >= 0))
        key = X.case[rows] * max(1, len(self.recent_)) + column[rows]
        cells, where = np.unique(key, return_inverse=True)
        latest = np.zeros(len(cells))
        np.maximum.at(latest, where, 1 / (1 - X.days[rows]))
        at = (cells // max(1, len(self.recent_)), cells % max(1, len(self.recent_)))
        return sparse.csr_matrix((latest, at), shape=(len(X), len(self.recent_)))

    def _ages(self, X: Cases) -> sparse.csr_matrix:
        missing = ~np.isfinite(X.age_years)
        ages = np.where(missing, self.age_median_, X.age_years)
        return sparse.csr_matrix(np.column_stack([ages, missing])[:, : len(self.ages_)])


def check_windows(windows: Sequence[TimeWindow]) -> None:
    """Raise `LeakageError` for a time window that reaches past the index time."""
    for window in windows:
        if window.end_days > 0:
            raise LeakageError(
                f"a look-back window must end at 0 days at the latest, got {window.name}; "
                "nothing at or after the index time can be used"
            )


def n_outside(X: Cases, windows: Sequence[TimeWindow]) -> int:
    """Return how many facts of the cases lie in none of the time windows."""
    return int(np.sum(~_in_any(X, windows)))


def patient_hashes(patients: Iterable[str]) -> Array:
    """Return sorted hashes of the distinct patient ids, as array of str."""
    digests = {blake2b(str(p).encode(), digest_size=8).hexdigest() for p in patients}
    return np.array(sorted(digests), dtype="U16")


def _check_cases(X: object) -> None:
    if not isinstance(X, Cases):
        raise ArgumentError(
            f"X of PatientFeatures must be Cases, got {type(X).__name__}; make them with "
            "collect_cases, or take ColumnFeatures for a table of numbers"
        )


def _in_any(X: Cases, windows: Sequence[TimeWindow]) -> Bools:
    inside = np.zeros(len(X.case), bool)
    for window in windows:
        inside |= _inside(X, window)
    return inside


def _inside(X: Cases, window: TimeWindow) -> Array:
    inside: Array = (window.start_days <= X.days) & (X.days < window.end_days)
    return inside


def _columns(X: Cases, codes: Sequence[str]) -> Counts:
    """Return per fact the position of its code in `codes`, -1 where it is not there."""
    position = {code: j for j, code in enumerate(codes)}
    lookup = np.array([*(position.get(code, -1) for code in X.codes), -1], np.int64)
    columns: Counts = lookup[X.code]
    return columns


def _counts(X: Cases, where: Array, codes: Sequence[str]) -> sparse.csr_matrix:
    column = _columns(X, codes)
    rows = np.flatnonzero(where & (column >= 0))
    ones = np.ones(len(rows))
    shape = (len(X), len(codes))
    return sparse.csr_matrix((ones, (X.case[rows], column[rows])), shape=shape)

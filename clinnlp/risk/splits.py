"""Splits by patient, by time and by site, and the checks that no patient is on both sides.

By patient: patients are ordered by a keyed hash and dealt out in turn, positives and negatives
apart. So folds are of nearly equal size and base rate, and depend on ids and seed only: not on
the order of rows, nor on the machine. By time: trained on what had come to its end before a day,
tested on what began from that day on. By site: each site is tested by a model of the others.
A patient on both sides is tested, and left out of training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Counts
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, LeakageError, instead_of
from clinnlp.core.times import to_second
from clinnlp.features.matrix import patient_hashes

__all__ = [
    "Split",
    "check_fitted_on",
    "check_folds",
    "check_splits",
    "patient_folds",
    "split_by_time",
    "splits_by_site",
    "splits_of_folds",
]


_DAY = np.timedelta64(86_400, "s")
_LENGTH_OF_MONTH = len("2023-06")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Which rows a model is trained on, and which it is tested on.

    Parameters
    ----------
    name : str
        Such as ``"fold 0"``.
    train, test : array of bool, shape (n,)
    """

    name: str
    train: Array
    test: Array

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {self.train.sum()} to train, {self.test.sum()} to test)"


def patient_folds(
    patients: Array, y: ArrayLike | None = None, *, n_folds: int = 5, seed: int = 0
) -> Counts:
    """Return a fold id in ``0 .. n_folds - 1`` per row, all rows of a patient in one fold.

    Parameters
    ----------
    patients : array of str, shape (n,)
    y : array of 0 and 1, shape (n,), optional
        Patients with a positive row are dealt out apart, so that base rates agree.
    n_folds : int
        At least 2.

    Raises
    ------
    ArgumentError
        Fewer than 2 folds, or fewer patients than folds.

    Examples
    --------
    >>> patient_folds(np.array(["a", "b", "a", "c"]), n_folds=3).tolist()
    [0, 2, 0, 1]
    """
    check_at_least(n_folds, 2, name="n_folds")
    names, person = np.unique(np.asarray(patients).astype(str), return_inverse=True)
    if len(names) < n_folds:
        raise ArgumentError(
            f"n_folds must be at most the number of patients {len(names)}, got {n_folds}"
        )
    positive = np.zeros(len(names), bool)
    if y is not None:
        np.logical_or.at(positive, person, np.asarray(y) == 1)
    key = str(seed).encode()
    # Dealt like cards, positives first, so that all folds get as many; by hash, so that the order
    # of the rows does not matter
    dealt = sorted(range(len(names)), key=lambda k: (not positive[k], _digest(str(names[k]), key)))
    fold_of = np.empty(len(names), np.int64)
    fold_of[dealt] = np.arange(len(names)) % n_folds
    return fold_of[person]


def splits_of_folds(patients: Array, folds: ArrayLike) -> list[Split]:
    """Return one split per fold id: the fold is tested, all others are trained on.

    Raises
    ------
    LeakageError
        A patient in two folds.
    ArgumentError
        One fold only, or `folds` is not as long as `patients`.

    Examples
    --------
    >>> splits_of_folds(np.array(["a", "b", "a"]), [0, 1, 0])
    [Split('fold 0', 1 to train, 2 to test), Split('fold 1', 2 to train, 1 to test)]
    """
    folds = np.asarray(folds)
    check_folds(patients, folds)
    names = np.unique(folds)
    if len(names) < 2:
        raise ArgumentError("folds must be at least 2, got one for all rows")
    return [Split(name=f"fold {k}", train=folds != k, test=folds == k) for k in names.tolist()]


def split_by_time(
    patients: Array, index: Array, *, cut: Any, horizon_days: float = 0.0
) -> list[Split]:
    """Return one split: tested on index times from `cut` on, trained on those before.

    A row is trained on only where its outcome had come to its end by then: its index time lies
    at least `horizon_days` before the cut. Tested patients are not trained on.

    Parameters
    ----------
    patients : array of str, shape (n,)
        Whose each row is.
    index : array of datetime64, shape (n,)
    cut : datetime64, datetime or ISO 8601 text
        One with a zone becomes UTC, as index times do.
    horizon_days : float
        How long after index the outcome is looked for.

    Returns
    -------
    list of Split
        One.

    Raises
    ------
    ArgumentError
        A side without rows, or a `cut` that is no time.

    Examples
    --------
    >>> index = np.array(["2023-01-01", "2023-05-25", "2023-07-01"], "datetime64[s]")
    >>> split_by_time(np.array(["a", "b", "c"]), index, cut="2023-06-01", horizon_days=30)
    [Split('from 2023-06-01', 1 to train, 1 to test)]
    """
    check_at_least(horizon_days, 0, name="horizon_days")
    day: Any = _cut(cut)
    test: Array = np.asarray(index >= day)
    # On the day of the cut the outcomes of training rows must be known, as they would have been
    ended: Array = np.asarray((day - index) / _DAY >= horizon_days)
    train = ended & ~test & ~np.isin(patients.astype(str), np.unique(patients[test].astype(str)))
    if not train.any() or not test.any():
        raise ArgumentError(
            f"a split by time must leave rows on both sides of {cut}, got {train.sum()} to train "
            f"and {test.sum()} to test"
        )
    return [Split(name=f"from {day.astype('datetime64[D]')}", train=train, test=test)]


def splits_by_site(patients: Array, sites: Sequence[Any] | Array) -> list[Split]:
    """Return one split per site: the site is tested, all others are trained on.

    Patients seen at the tested site are not trained on.

    Parameters
    ----------
    patients : array of str, shape (n,)
        Whose each row is.
    sites : array of str, shape (n,)

    Returns
    -------
    list of Split
        One per site, in order of their names.

    Raises
    ------
    ArgumentError
        One site only, a missing one, or `sites` is not as long as `patients`.

    Examples
    --------
    >>> splits_by_site(np.array(["a", "b", "a"]), ["north", "hill", "hill"])
    [Split('site hill', 0 to train, 2 to test), Split('site north', 1 to train, 1 to test)]
    """
    named = np.array([None if s is None or s != s else str(s) for s in sites], dtype=object)
    if len(named) != len(patients) or any(site is None for site in named):
        raise ArgumentError(
            f"sites must give the site of each row, got {sum(s is not None for s in named)} for "
            f"{len(patients)} rows"
        )
    if len(set(named)) < 2:
        raise ArgumentError("a split by site needs at least 2 sites, got one for all rows")
    made = []
    for site in sorted(set(named)):
        test = named == site
        train = ~test & ~np.isin(patients.astype(str), np.unique(patients[test].astype(str)))
        made.append(Split(name=f"site {site}", train=train, test=test))
    return made


def check_splits(patients: Array, splits: Sequence[Split]) -> None:
    """Raise where a patient is on both sides of a split, or a row is tested twice.

    Raises
    ------
    LeakageError
        A patient on both sides.
    ArgumentError
        No split, masks of another length, or a row tested by two splits.
    """
    if not splits:
        raise ArgumentError("splits must be at least 1, got none")
    times = np.zeros(len(patients), np.int64)
    for split in splits:
        if split.train.shape != (len(patients),) or split.test.shape != (len(patients),):
            raise ArgumentError(f"masks of the split {split.name!r} must have one value per row")
        times += split.test
        both = set(patients[split.train]) & set(patients[split.test])
        if both:
            first = int(np.flatnonzero(split.test & np.isin(patients, list(both)))[0])
            raise LeakageError(
                f"no patient may be on both sides of a split, got {len(both)} in "
                f"{split.name!r} (first: tested row {first}); make splits by patient"
            )
    if (times > 1).any():
        raise ArgumentError(f"a row may be tested once, got {int((times > 1).sum())} tested again")


def check_folds(patients: Array, folds: ArrayLike) -> None:
    """Raise `LeakageError` for a patient in two folds.

    Raises
    ------
    ArgumentError
        `folds` is not as long as `patients`.

    Examples
    --------
    >>> check_folds(np.array(["a", "b", "a"]), [0, 1, 0])
    """
    folds = np.asarray(folds)
    if folds.shape != (len(patients),):
        raise ArgumentError(
            f"folds must have one id per row, got {len(folds)} for {len(patients)} rows"
        )
    home: dict[str, Any] = {}
    pairs = zip(np.asarray(patients).tolist(), folds.tolist(), strict=True)
    split = {p: row for row, (p, fold) in enumerate(pairs) if home.setdefault(p, fold) != fold}
    if split:
        raise LeakageError(
            f"all rows of a patient must lie in one fold, got {len(split)} patients in several "
            f"(one of them in row {min(split.values())}); make folds by patient"
        )


def check_fitted_on(transformer: object, patients: Array) -> None:
    """Raise `LeakageError` where a transformer was fitted on one of the test `patients`.

    Parameters
    ----------
    transformer : object with ``fitted_on_``
        `PatientFeatures` or `ColumnFeatures`, fitted in this process.

    Raises
    ------
    LeakageError
        Also where it was loaded or copied: then nobody can tell on whom it was fitted.
    ArgumentError
        The transformer does not say on whom it was fitted.
    """
    fitted_on = getattr(transformer, "fitted_on_", None)
    if fitted_on is None and hasattr(transformer, "n_patients_"):
        raise LeakageError(
            f"{type(transformer).__name__} must know the patients it was fitted on, got one that "
            "was fitted on an array, loaded or copied, which names none: nobody can tell whether "
            "it has seen the test patients; fit it anew, inside the folds"
        )
    if fitted_on is None:
        raise ArgumentError(
            f"{type(transformer).__name__} must record the patients it was fitted on "
            "(fitted_on_), got none; fit it first"
        )
    n_seen = int(np.isin(patient_hashes(patients), fitted_on).sum())
    if n_seen:
        raise LeakageError(
            f"{type(transformer).__name__} must be fitted on training patients only, got "
            f"{n_seen} test patients among those it was fitted on; fit it inside the folds"
        )


def _cut(cut: Any) -> np.datetime64:
    refusal = ArgumentError(f"cut must be a time in ISO 8601 such as 2023-06-01, got {cut!r}")
    with instead_of(ValueError, refusal):
        month = isinstance(cut, str) and len(cut.strip()) == _LENGTH_OF_MONTH
        return to_second(f"{cut.strip()}-01" if month else cut)


def _digest(name: str, key: bytes) -> bytes:
    return blake2b(name.encode(), digest_size=8, key=key).digest()

"""Whether new cases look like those a kept model was trained on.

The card keeps a profile of the training cases: which share has any fact, which fact, which sex, and
quantiles of each measurement and of the age. A measurement of fewer than `_FEWEST_VALUED` patients
has no quantiles there, since a quantile of few is the value of one. Sex is in the card as a feature
is: where enough patients have it.

New cases are compared with it. Refused are those of which fewer than half of the expected ones have
any fact: then a column, the ids or the times are other than in training, and every risk would be
that of nobody. Told, by name, is what is large: a fact that has gone, a measurement whose middle
lies outside of where nine of ten were, as by another unit.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.errors import DataError
from clinnlp.features.events import Cases
from clinnlp.features.inputs import factor_between
from clinnlp.features.matrix import PatientFeatures

__all__ = ["check_any_fact", "drift", "facts_known", "profile_of"]

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_FEWEST_VALUED = 20  # patients, for quantiles in a card
_FEWEST_EXPECTED = 5  # cases with any fact, to refuse where they have none
_FEWEST_CASES = 20  # for shares of cases to be compared
_FEWEST_VALUES = 10  # for a middle to be compared
_FAR = 3.0  # times the width of nine tenths, beyond which fewer values are told too
_NEAR = 0.01  # of the middle, within which nothing is another value
_LARGE = 0.3  # change of a share
_GONE = 0.25  # of the expected share
_STANDARD_ERRORS = 5.0
_MOST = 8  # names in a sentence, and sentences about measurements


def facts_known(model: Pipeline, cases: Cases) -> Bools:
    """Return which facts of the cases are features of a model, and in one of its windows."""
    features: PatientFeatures = model.named_steps["features"]
    names = set().union(*features.counted_, features.measured_)
    is_known = np.array([*(code in names for code in cases.codes), False], bool)
    inside = np.zeros(len(cases.case), bool)
    for window in features.windows:
        inside |= (window.start_days <= cases.days) & (cases.days < window.end_days)
    known: Bools = is_known[cases.code] & inside
    return known


def profile_of(model: Pipeline, cases: Cases) -> dict[str, Any]:
    """Return what a model expects of cases, as plain values for its card.

    Examples
    --------
    >>> from clinnlp.core.tables import EventTable, Outcome
    >>> from clinnlp.features.events import collect_cases
    >>> from clinnlp.risk.crossfit import fit_risk_model
    >>> from clinnlp.risk.models import NaiveBayesSettings
    >>> who, y = np.array([f"p{k}" for k in range(40)], object), np.arange(40) % 2
    >>> events = EventTable({"patient": who, "known": ["2024-01-01T08:00"] * 40,
    ...     "code": ["x" if v else "z" for v in y], "kind": ["drug"] * 40})
    >>> index = np.full(40, "2024-01-10", "datetime64[s]")
    >>> cases = collect_cases(Outcome(patients=who, index=index, values=y), events=events)
    >>> model = fit_risk_model(cases, y, features=PatientFeatures(), settings=NaiveBayesSettings())
    >>> profile_of(model, cases)["facts"]
    {'drug:x': 0.5, 'drug:z': 0.5}
    """
    features: PatientFeatures = model.named_steps["features"]
    known = facts_known(model, cases)
    shares, valued = _shares(cases, known), _shares(cases, known & np.isfinite(cases.value))
    names = sorted(set().union(*features.counted_))
    values = {name: _quantiles(v) for name, v in _last_values(cases, known, _FEWEST_VALUED).items()}
    ages = cases.age_years[np.isfinite(cases.age_years)]
    return {
        "cases": len(cases),
        "any_fact": _rounded(_have_any(cases, known).mean()),
        "facts_known": _rounded(known.mean()) if len(known) else None,
        "facts": {name: _rounded(shares.get(name, 0.0)) for name in names},
        "valued": {name: _rounded(valued.get(name, 0.0)) for name in features.measured_},
        "values": {name: found for name, found in values.items() if name in features.measured_},
        "age": _quantiles(ages) if len(ages) >= _FEWEST_VALUED and features.ages_ else None,
        "age_known": _rounded(len(ages) / max(1, len(cases))),
        "sexes": list(features.sexes_),
    }


def check_any_fact(profile: Mapping[str, Any], cases: Cases, known: Bools) -> None:
    """Raise where fewer than half of the expected cases have any fact that the model knows.

    Parameters
    ----------
    profile : mapping
        Of `profile_of`; one without counts, of an older card, refuses nothing.
    known : array of bool
        Of `facts_known`.

    Raises
    ------
    DataError
        With how many were expected, and why facts were left out.
    """
    expected = len(cases) * _number(profile.get("any_fact"))
    n = int(_have_any(cases, known).sum())
    if expected < _FEWEST_EXPECTED or n >= expected / 2:
        return
    lost = {**cases.n_excluded, "facts_unknown_to_the_model": int(np.sum(~known))}
    why = ", ".join(f"{reason} {k:,}" for reason, k in lost.items() if k)
    raise DataError(
        f"of {len(cases):,} cases about {expected:,.0f} must have a fact that the model knows, as "
        f"in training, got {n:,}; left out: {why or 'nothing, the sources are empty'}; check ids, "
        "times, and the columns kind, code, value and unit"
    )


def drift(
    profile: Mapping[str, Any], model: Pipeline, cases: Cases, known: Bools
) -> tuple[str, ...]:
    """Return a sentence for each large difference between new cases and those of the training.

    Parameters
    ----------
    profile, known
        As in `check_any_fact`.
    """
    if not profile:
        return ()
    return (
        *_facts_drift(profile, cases, known),
        *_unknown_drift(profile, known),
        *_values_drift(profile, cases, known),
        *_people_drift(profile, model, cases),
    )


# --- what is compared ----------------------------------------------------------------------


def _facts_drift(profile: Mapping[str, Any], cases: Cases, known: Bools) -> Iterator[str]:
    """Yield which facts have gone, or have come to far more cases."""
    n, n_before = len(cases), int(_number(profile.get("cases")))
    if n < _FEWEST_CASES or not n_before:
        return
    changed = [
        (-abs(share - was), f"{name} {was:.0%} to {share:.0%}")
        for name, share, was in _compared(profile, cases, known)
        if _is_other(share, n, was, n_before)
    ]
    said = [each for _, each in sorted(changed)]
    if said:
        more = f" and {len(said) - _MOST:,} more" if len(said) > _MOST else ""
        yield (
            f"cases have facts otherwise than in training: {', '.join(said[:_MOST])}{more}; check "
            "that codes, units and columns are the same"
        )


def _compared(
    profile: Mapping[str, Any], cases: Cases, known: Bools
) -> Iterator[tuple[str, float, float]]:
    """Yield the name of each fact, and of having a value of it, its share now, and what it was."""
    with_value = known & np.isfinite(cases.value)
    for kind, called, which in (("facts", "", known), ("valued", "a value of ", with_value)):
        now = _shares(cases, which)
        for name, before in _mapping(profile.get(kind)).items():
            yield f"{called}{name}", now.get(name, 0.0), _number(before)


def _is_other(share: float, n: int, was: float, n_before: int) -> bool:
    """Return whether a share is far from what it was, and not by chance."""
    both = (share * n + was * n_before) / (n + n_before)
    error = np.sqrt(both * (1 - both) * (1 / n + 1 / n_before))
    large = abs(share - was) >= _LARGE or share < _GONE * was
    return bool(large and abs(share - was) > _STANDARD_ERRORS * error)


def _unknown_drift(profile: Mapping[str, Any], known: Bools) -> Iterator[str]:
    was = _number(profile.get("facts_known"))
    if len(known) < _FEWEST_CASES or not was:
        return
    if known.mean() < was / 2:
        yield (
            f"{np.sum(~known):,} of {len(known):,} facts are none that the model knows, "
            f"{1 - was:.0%} in training: check codes, kinds and vocabularies"
        )


def _values_drift(profile: Mapping[str, Any], cases: Cases, known: Bools) -> Iterator[str]:
    """Yield measurements whose middle lies outside of where nine of ten were."""
    found = []
    for name, values in _last_values(cases, known, 1).items():
        before = _quantiles_of(_mapping(profile.get("values")).get(name))
        found += list(_shifted(repr(name), before, values)) if before else []
    yield from found[:_MOST]
    if len(found) > _MOST:
        yield f"and {len(found) - _MOST:,} more measurements"


def _shifted(name: str, before: Sequence[float], values: Floats) -> Iterator[str]:
    low, middle, high = before[0], before[len(before) // 2], before[-1]
    now = float(np.median(values))
    room = (high - low) * (_FAR if len(values) < _FEWEST_VALUES else 0) + _NEAR * abs(middle)
    if low - room <= now <= high + room:
        return
    factor = factor_between(middle, now)
    unit = "" if factor is None else f", as by another unit (about {factor:g} apart)"
    yield (
        f"{name} has a median of {now:.4g} here, {middle:.4g} in training (nine of ten from "
        f"{low:.4g} to {high:.4g}){unit}: check what is measured, and its unit"
    )


def _people_drift(profile: Mapping[str, Any], model: Pipeline, cases: Cases) -> Iterator[str]:
    """Yield what is other about sex and age."""
    features: PatientFeatures = model.named_steps["features"]
    given = [sex for sex in cases.sex.tolist() if sex is not None]
    n = sum(sex not in features.sexes_ for sex in given)
    if n and features.sexes_:
        yield (
            f"{n:,} of {len(given):,} cases have a sex that is none of {', '.join(features.sexes_)}"
            ", and count as of unknown sex"
        )
    was = _number(profile.get("age_known"))
    ages = cases.age_years[np.isfinite(cases.age_years)]
    if len(cases) >= _FEWEST_CASES and len(ages) / len(cases) < was - _LARGE:
        yield (
            f"the age of {len(ages) / len(cases):.0%} of the cases is known, {was:.0%} in training"
        )
    before = _quantiles_of(profile.get("age"))
    if before and len(ages):
        yield from _shifted("the age", before, ages)


# --- helpers -------------------------------------------------------------------------------


def _have_any(cases: Cases, known: Bools) -> Bools:
    """Return which cases have any of the facts that are known."""
    have = np.zeros(len(cases), bool)
    have[cases.case[known]] = True
    return have


def _shares(cases: Cases, known: Bools) -> dict[str, float]:
    """Return the share of cases with each fact."""
    n_codes = max(1, len(cases.codes))
    pairs = np.unique(cases.case[known] * n_codes + cases.code[known])
    counts: Counts = np.bincount(pairs % n_codes, minlength=n_codes)
    return {c: float(counts[k]) / max(1, len(cases)) for k, c in enumerate(cases.codes)}


def _last_values(cases: Cases, known: Bools, fewest: int) -> dict[str, Array]:
    """Return the last value of each measurement, one per case, of those with enough patients."""
    at = np.flatnonzero(np.isfinite(cases.value) & known)
    at = at[np.lexsort((cases.days[at], cases.case[at], cases.code[at]))]
    key = cases.code[at] * max(1, len(cases)) + cases.case[at]
    last = at[np.append(key[1:] != key[:-1], True)] if len(at) else at
    bounds = np.searchsorted(cases.code[last], np.arange(len(cases.codes) + 1))
    made = {}
    for name, low, high in zip(cases.codes, bounds[:-1], bounds[1:], strict=True):
        here = last[low:high]
        if len(here) and len(set(cases.patients[cases.case[here]].tolist())) >= fewest:
            made[name] = cases.value[here]
    return made


def _quantiles(values: Floats) -> list[float]:
    return [float(f"{q:.6g}") for q in np.quantile(values, _QUANTILES)]


def _rounded(share: Any) -> float:
    return round(float(share), 4)


def _number(value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and value == value else 0.0


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _quantiles_of(value: Any) -> list[float]:
    """Return quantiles of a card; none where it holds something else."""
    is_list = isinstance(value, list) and len(value) == len(_QUANTILES)
    return list(value) if is_list and all(isinstance(q, int | float) for q in value) else []

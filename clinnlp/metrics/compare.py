"""Two predictions of the same rows, and one prediction in subgroups of them.

A difference is paired: each bootstrap resample of patients scores both predictions, so that what
both find easy or hard cancels out.

References
----------
Efron and Tibshirani, An Introduction to the Bootstrap, 1993, ch. 16; Chen et al., Annu Rev Biomed
Data Sci 2021 (subgroups).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from clinnlp.core.arrays import Array, Counts
from clinnlp.core.checks import check_at_least, check_level
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.intervals import bootstrap_draws, cluster_codes, percentile_interval
from clinnlp.metrics.risk import RANKED, SCORES, RiskScores, score_risk
from clinnlp.metrics.ties import Tied, check_risks

__all__ = [
    "GroupDifference",
    "Subgroup",
    "age_bands",
    "compare_risks",
    "score_subgroups",
    "subgroup_differences",
]

_BANDS = (18, 45, 65, 80)  # years at which an age band begins


def compare_risks(
    y: ArrayLike,
    p: ArrayLike,
    other: ArrayLike,
    *,
    groups: Sequence[Any] | Array | None = None,
    strata: ArrayLike | None = None,
    alert_rate: float = 0.1,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Return the score of `p` minus that of `other`, per score of `RANKED`, paired by resample.

    Parameters
    ----------
    y : array of 0 and 1, shape (n,)
    p, other : array of float, shape (n,)
        Predicted probabilities of 1 for the same rows.
    groups, strata, alert_rate, n_boot, level, seed
        As in `score_risk`.

    Raises
    ------
    ArgumentError
        As in `score_risk`.

    Examples
    --------
    >>> found = compare_risks([0, 0, 1, 1], [0.1, 0.2, 0.3, 0.4], [0.1, 0.4, 0.3, 0.8], n_boot=0)
    >>> found["auroc"].value
    0.25
    """
    check_level(level)
    y, p = check_risks(y, p)
    _, other = check_risks(y, other)
    codes, n_groups = cluster_codes(groups, len(y))
    within = None if strata is None else cluster_codes(np.asarray(strata), len(y))[0]
    first, second = Tied(y, p, within), Tied(y, other, within)

    def difference(weights: Array) -> Array:
        rows = weights[codes]
        a, b = (tied.ranked(rows, alert_rate=alert_rate) for tied in (first, second))
        with np.errstate(invalid="ignore"):  # two infinite log losses
            return np.asarray(a - b)

    whole = difference(np.ones(n_groups))
    draws = bootstrap_draws(difference, n_groups, n_boot=n_boot, seed=seed)
    unit = "row" if groups is None else "group"
    return {
        name: percentile_interval(
            float(whole[k]), draws[:, k] if len(draws) else (), level=level, unit=unit
        )
        for k, name in enumerate(RANKED)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Subgroup:
    """Scores of the rows that share one value of an attribute.

    Parameters
    ----------
    attribute, value : str
        Such as ``"sex"`` and ``"F"``.
    n_patients, n, n_positive : int or None
        ``None`` where there are fewer patients than may be told apart.
    scores : RiskScores or None
        ``None`` where a class has fewer patients than a score needs.
    """

    attribute: str
    value: str
    n_patients: int | None
    n: int | None
    n_positive: int | None
    scores: RiskScores | None


def score_subgroups(
    y: ArrayLike,
    p: ArrayLike,
    attributes: Mapping[str, Sequence[Any] | Array],
    *,
    groups: Sequence[Any] | Array | None = None,
    strata: Array | None = None,
    min_patients: int = 20,
    alert_rate: float = 0.1,
    n_boot: int = 200,
    seed: int = 0,
) -> list[Subgroup]:
    """Return the scores within each value of each attribute.

    A subgroup is scored where both classes have at least `min_patients` clusters; where it has
    fewer than that altogether, its counts are withheld too. A missing value is a subgroup.

    Parameters
    ----------
    attributes : mapping of str to sequence of length n
        Values are text, or ``None`` where missing.
    groups, strata, alert_rate, n_boot, seed
        As in `score_risk`.

    Raises
    ------
    ArgumentError
        An attribute that is not as long as the rows, or as in `score_risk`.

    Examples
    --------
    >>> y, p = [0, 1] * 30, [0.1, 0.9] * 30
    >>> found = score_subgroups(y, p, {"sex": ["F"] * 50 + ["M"] * 10}, n_boot=0)
    >>> [(s.value, s.n, s.scores and s.scores.auroc.value) for s in found]
    [('F', 50, 1.0), ('M', None, None)]
    """
    check_at_least(min_patients, 1, name="min_patients")
    y, p = check_risks(y, p)
    codes, _ = cluster_codes(groups, len(y))
    made = []
    for attribute, values in attributes.items():
        if len(values) != len(y):
            raise ArgumentError(
                f"attribute {attribute!r} must have one value per row, got {len(values)} for "
                f"{len(y)} rows"
            )
        named = np.array([_named(value) for value in values])
        for value in np.unique(named):
            rows = named == value
            n_patients, least = _sizes(codes[rows], y[rows])
            shown = n_patients >= min_patients
            scores = None
            if least >= min_patients:
                whose = codes[rows]
                scores = score_risk(
                    y[rows], p[rows], groups=whose, strata=None if strata is None else strata[rows],
                    alert_rate=alert_rate, n_boot=n_boot, seed=seed,
                )  # fmt: skip
            made.append(
                Subgroup(
                    attribute=attribute,
                    value=str(value),
                    n_patients=n_patients if shown else None,
                    n=int(rows.sum()) if shown else None,
                    n_positive=int(y[rows].sum()) if shown else None,
                    scores=scores,
                )
            )
    return made


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupDifference:
    """Scores of one group of patients less those of another.

    Parameters
    ----------
    attribute, value, against : str
        Such as ``"sex"``, ``"M"`` and ``"F"``.
    differences : mapping of str to Estimate
        Per score of `score_risk`.
    """

    attribute: str
    value: str
    against: str
    differences: Mapping[str, Estimate]


def subgroup_differences(
    y: ArrayLike,
    p: ArrayLike,
    attributes: Mapping[str, Sequence[Any] | Array],
    *,
    groups: Sequence[Any] | Array | None = None,
    strata: Array | None = None,
    min_patients: int = 20,
    n_boot: int = 200,
    level: float = 0.95,
    seed: int = 0,
) -> list[GroupDifference]:
    """Return how each value of an attribute differs from its largest one, per score.

    One resample of patients scores both, so that a patient who is in both is drawn for both.

    Parameters
    ----------
    y, p, attributes, min_patients
        As in `score_subgroups`: smaller groups are not compared.
    groups, strata, n_boot, level, seed
        As in `score_risk`.

    Raises
    ------
    ArgumentError
        As in `score_subgroups`.

    Examples
    --------
    >>> y, p = [0, 1] * 30, [0.1, 0.9] * 20 + [0.9, 0.1] * 10
    >>> found = subgroup_differences(
    ...     y, p, {"sex": ["F"] * 40 + ["M"] * 20}, min_patients=5, n_boot=0
    ... )
    >>> found[0].value, found[0].against, found[0].differences["auroc"].value
    ('M', 'F', -1.0)
    """
    check_level(level)
    y, p = check_risks(y, p)
    codes, n_groups = cluster_codes(groups, len(y))
    draw = partial(bootstrap_draws, n_clusters=n_groups, n_boot=n_boot, seed=seed)
    interval = partial(percentile_interval, level=level, unit="row" if groups is None else "group")
    made = []
    for attribute, values in attributes.items():
        named = np.array([_named(value) for value in values])
        largest, others = _compared(named, y, codes, min_patients)
        score = partial(_scorer, y, p, codes=codes, strata=strata)
        for value in others:
            apart = partial(_apart, one=score(named == value), other=score(named == largest))
            whole, draws = apart(np.ones(n_groups)), draw(apart)
            found = [interval(float(v), draws[:, k] if n_boot else ()) for k, v in enumerate(whole)]
            differences = dict(zip(SCORES, found, strict=True))
            made.append(
                GroupDifference(
                    attribute=attribute, value=value, against=largest, differences=differences
                )
            )
    return made


def _compared(
    named: Array, y: Counts, codes: Counts, min_patients: int
) -> tuple[str, tuple[str, ...]]:
    """Return the largest of the groups that are large enough, and the others."""
    sizes = {str(v): _sizes(codes[named == v], y[named == v]) for v in np.unique(named)}
    shown = [v for v, (_, least) in sizes.items() if least >= min_patients]
    largest = max(shown, key=lambda v: (sizes[v][0], v), default="")
    return largest, tuple(v for v in shown if v != largest)


def _scorer(
    y: Counts, p: Array, rows: Array, codes: Counts, strata: Array | None
) -> Callable[[Array], Array]:
    """Return what scores some rows from the weights of clusters."""
    within = None if strata is None else np.unique(strata[rows], return_inverse=True)[1]
    tied, whose = Tied(y[rows], p[rows], within), codes[rows]
    return lambda weights: tied.scores(weights[whose])[: len(SCORES)]


def _apart(weights: Array, one: Callable[[Array], Array], other: Callable[[Array], Array]) -> Array:
    """Return the scores of one group less those of the other."""
    with np.errstate(invalid="ignore"):  # two infinite log losses
        return np.asarray(one(weights) - other(weights))


def _named(value: Any) -> str:
    return "missing" if value is None or value != value else str(value)


def age_bands(age_years: ArrayLike) -> Array:
    """Return the age band of each row as text, ``None`` where the age is missing.

    Examples
    --------
    >>> age_bands([17.9, 45.0, 91.0, float("nan")]).tolist()
    ['0-17', '45-64', '80 and over', None]
    """
    ages = np.asarray(age_years, np.float64)
    names = [f"{a}-{b - 1}" for a, b in zip((0, *_BANDS), _BANDS, strict=False)]
    names.append(f"{_BANDS[-1]} and over")
    bands = np.array([*names, None], dtype=object)[np.searchsorted(_BANDS, ages, side="right")]
    bands[np.isnan(ages)] = None
    made: Array = bands
    return made


def _sizes(codes: Counts, y: Counts) -> tuple[int, int]:
    """Return the clusters, and those of the class that has fewer."""
    return len(np.unique(codes)), min(len(np.unique(codes[y == k])) for k in (0, 1))

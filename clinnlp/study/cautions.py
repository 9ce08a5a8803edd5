"""What the reader of a risk study has to know, each one sentence."""

from collections.abc import Collection, Iterator, Mapping

import numpy as np

from clinnlp.core.arrays import Array, Counts
from clinnlp.features.columns import Columns
from clinnlp.features.events import Cases
from clinnlp.features.facts import mixed_units
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.crossfit import CrossFit

__all__ = ["LEVEL", "UNSURE", "cautions_of", "level_cautions"]

LEVEL = (
    "the scores of held-out patients fell with the outcome or were all the same, so every case has "
    "the base rate as its risk"
)
UNSURE = (
    "the scores of held-out patients did not rise with the outcome, so risks are drawn towards the "
    "base rate and their order may mean nothing"
)

_TOO_GOOD = 0.95  # AUROC of one column alone that is more likely a leak than a finding
_FEWEST_ROWS = 20  # per category, on average, for its share of positives to mean something


def cautions_of(
    rows: Cases | Columns, y: Counts, *, n_copied: int = 0, min_patients: int = 5
) -> tuple[str, ...]:
    """Return the cautions about the rows of a study.

    Told are units that change within a measurement, missing birth dates, notes copied between
    training and tested patients, and a column that by itself tells the outcome. A unit that fewer
    than `min_patients` patients have is counted and not named.

    Examples
    --------
    >>> table = Columns(patients=np.arange(60).astype(str), values={"left": np.arange(60) % 2})
    >>> cautions_of(table, np.arange(60) % 2)
    ("column 'left' alone has an AUROC of 1.00: check that it was known before the index time",)
    """
    cautions = _of_columns(rows, y) if isinstance(rows, Columns) else _of_cases(rows, min_patients)
    copied = (f"{n_copied:,} notes of tested patients stand word for word among those trained on",)
    return (*cautions, *(copied if n_copied else ()))


def level_cautions(fits: Mapping[str, CrossFit]) -> tuple[str, ...]:
    """Return a caution for each model that had nothing to tell tested cases apart by.

    Where all cases of a split have one risk, they are tied within it: an AUROC of 0.5. Where scores
    did not rise with the outcome, there is no ground for their order either.
    """
    return tuple(
        f"{name}: in {n} of {len(fit.auroc_folds)} splits {said}"
        for name, fit in fits.items()
        for n, said in ((fit.n_flat, LEVEL), (fit.n_not_rising - fit.n_flat, UNSURE))
        if n
    )


def _of_cases(cases: Cases, min_patients: int) -> Iterator[str]:
    for name, units in mixed_units(cases.schema).items():
        facts = cases.schema[f"unit of {name}"]
        frequent = [unit for unit in units if _n_patients(cases, facts[unit]) >= min_patients]
        n_rare = len(units) - len(frequent)
        others = [f"{n_rare} of fewer than {min_patients} patients"] * bool(n_rare)
        if frequent:
            said = ", ".join([*frequent, *others])
            yield f"{name!r} is measured in {said}: each unit is a feature of its own"
    n_ageless = int(np.isnan(cases.age_years).sum())
    if 0 < n_ageless < len(cases):
        yield f"{n_ageless:,} of {len(cases):,} cases have no birth date: their age is missing"


def _n_patients(cases: Cases, names: Collection[str]) -> int:
    """Return how many patients have one of these facts."""
    those = [k for k, code in enumerate(cases.codes) if code in names]
    return len(set(cases.patients[cases.case[np.isin(cases.code, those)]]))


def _of_columns(table: Columns, y: Counts) -> Iterator[str]:
    for name, column in table.values.items():
        auroc = _auroc_alone(column, y)
        if auroc >= _TOO_GOOD:
            yield (
                f"column {name!r} alone has an AUROC of {auroc:.2f}: check that it was known "
                "before the index time"
            )


def _auroc_alone(column: Array, y: Counts) -> float:
    """Return the AUROC of a column of numbers, or of the share of positives of each category."""
    if column.ndim > 1:
        return 0.5
    if column.dtype.kind in "biuf":
        values = column.astype(np.float64)
        there = np.isfinite(values)
    else:
        codes = np.unique([str(v) for v in column], return_inverse=True)[1]
        n = np.bincount(codes)
        if len(n) * _FEWEST_ROWS > len(codes):  # nearly an id: its share is its own outcome
            return 0.5
        values, there = (np.bincount(codes, y) / n)[codes], np.ones(len(y), bool)
    if len(np.unique(y[there])) < 2:
        return 0.5
    ranks = np.unique(values[there], return_inverse=True)[1]
    auroc = score_risk(y[there], ranks / max(1, ranks.max()), n_boot=0).auroc.value
    return max(auroc, 1 - auroc)

"""What a journal asks of a risk model beside its scores.

Per model: alerts at chosen thresholds, the decision curve, smooth calibration, and how groups of
patients differ. Per study: how many patients its development would need.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Counts, Floats
from clinnlp.metrics.compare import GroupDifference, subgroup_differences
from clinnlp.metrics.sample_size import SampleSize, riley_sample_size
from clinnlp.metrics.smooth import SmoothCalibration, smooth_calibration
from clinnlp.metrics.thresholds import ThresholdScores, score_thresholds

__all__ = [
    "KEPT",
    "OF_SPLITS",
    "Reported",
    "needed_size",
    "reported",
    "size_cautions",
]

KEPT = (
    "scores are of the model fitted on all rows, for new patients like these: estimated by models "
    "fitted on the other folds, within folds"
)
OF_SPLITS = (
    "scores are of models fitted on the training rows of a split, for patients like those tested "
    "there; a model that is kept is fitted on all rows and was not tested itself"
)
_N_CURVE = 40  # thresholds of the decision curve
_DRAWS = 200  # bootstrap draws for curves and groups, at most


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reported:
    """What a journal asks of one model.

    Parameters
    ----------
    thresholds : tuple of ThresholdScores
        At the thresholds that were chosen.
    decision : tuple of ThresholdScores
        Over thresholds up to the highest risk: the decision curve.
    smooth : SmoothCalibration
    groups : tuple of GroupDifference
        Scores of a group less those of the largest group of the same attribute.
    """

    thresholds: tuple[ThresholdScores, ...]
    decision: tuple[ThresholdScores, ...]
    smooth: SmoothCalibration
    groups: tuple[GroupDifference, ...]

    def rows(self) -> list[dict[str, Any]]:
        """Return one plain row per number of smooth calibration, as `RiskScores.rows`."""
        named = ("expected_observed", "ici", "e50", "e90")
        found = [(name, getattr(self.smooth, name)) for name in named]
        return [
            {"score": name, "value": e.value, "low": e.low, "high": e.high}
            | {"level": e.level, "method": e.method}
            for name, e in found
        ]


def reported(
    y: Counts,
    p: Floats,
    attributes: Mapping[str, Array],
    *,
    patients: Array,
    folds: Counts,
    thresholds: Sequence[float],
    min_patients: int,
    n_boot: int,
    seed: int,
) -> Reported:
    """Return what a journal asks of one model, from the risks of tested rows.

    Parameters
    ----------
    y, p, patients, folds : arrays, shape (n,)
        Outcomes, risks, whose they are, and in which split each was tested.
    attributes : mapping of str to array, shape (n,) each
        Groups of patients.
    thresholds : sequence of float
    min_patients : int
        Patients of each class without whom a group is not compared.
    n_boot, seed : int
        Of the resampling.
    """
    few: dict[str, Any] = {"groups": patients, "n_boot": min(n_boot, _DRAWS), "seed": seed}
    top = float(np.clip(p.max(), 0.02, 0.99))
    return Reported(
        thresholds=score_thresholds(y, p, thresholds, groups=patients, n_boot=n_boot, seed=seed),
        decision=score_thresholds(y, p, np.linspace(0.01, top, _N_CURVE), **few),
        smooth=smooth_calibration(y, p, **few),
        groups=tuple(
            subgroup_differences(y, p, attributes, strata=folds, min_patients=min_patients, **few)
        ),
    )


def needed_size(n_features: int, y: Counts, patients: Array) -> SampleSize | None:
    """Return how many patients a development with so many features needs, by Riley et al."""
    share = len(np.unique(patients[y == 1])) / len(np.unique(patients))
    if not n_features or not 0 < share < 1:
        return None
    return riley_sample_size(n_features, share)


def size_cautions(needed: SampleSize | None, n_features: int, patients: Array) -> tuple[str, ...]:
    """Return the caution that there are fewer patients than a development needs, if so."""
    n = len(np.unique(patients))
    if needed is None or n >= needed.n:
        return ()
    said = (
        f"{n:,} patients are fewer than the {needed.n:,}, {needed.n_events:,} of them with the "
        f"outcome, that a model of {n_features:,} candidate features needs (Riley et al. 2019, 15 "
        "% of the largest R² expected): another sample of patients would give another model"
    )
    return (said,)

"""What a correct method must find in ``cohort-mini``: expected counts and power of each plant.

The test is one-sided, per drug pair and outcome, over stays. Among stays with both drugs (11), one
of them (10, 01) and neither (00), y of n have the outcome, f = y / n, o = f / (1 - f). The additive
null expects::

    E = n11 (1 - 1 / (max(o00, o10) + max(o00, o01) - o00 + 1))

E is estimated, so it gets a gamma distribution: each single-drug count that of Fay and Feuer, of
mean w (y + 1) and variance w² (y + 1) with w = n11 / n. Given E the count y11 is Poisson, hence
negative binomial in all, and p = P(N ≥ y11). A pair is signalled where its Benjamini-Hochberg q
over all pairs and outcomes is below 0.05.

Power is found by drawing the outcomes anew, given who took what, the null being estimated in each
draw. A draw counts where p is at most q K / m, what BH demands of the
K-th smallest of m; K = 5 and m all pairs times outcomes, both on the cautious side.

References
----------
Norén et al., A statistical methodology for drug-drug interaction surveillance, Stat Med
2008;27:3057. Fay and Feuer, Confidence intervals for directly standardized rates, Stat Med
1997;16:791.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from scipy import special

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.study.synthetic.scenario import Plant, drug_codes, outcome_bases, plants
from clinnlp.study.synthetic.simulate import Cohort

__all__ = ["Q_LEVEL", "additive_null", "additive_p", "plant_truth", "threshold"]


Q_LEVEL = 0.05
N_TRUE = 5  # K: signals assumed to be found, for the threshold
N_DRAWS = 300  # redrawn outcome columns behind each power
HIGH_POWER = 0.9
GROUPS = ("p_neither", "p_only_1", "p_only_2", "p_both")  # shares of stays with the outcome
CHUNK = 50  # draws held in memory at a time


def additive_null(n: Floats, k: Floats) -> Floats:
    """Return E, the stays with both drugs and the outcome that the additive null expects.

    ``nan`` where a group of stays is empty.

    Parameters
    ----------
    n : array of shape (..., 4)
        Stays with neither drug, only the first, only the second, both.
    k : array of shape (..., 4)
        Those of them with the outcome.

    Examples
    --------
    >>> n = np.array([10000.0, 1000, 1000, 100])
    >>> round(float(additive_null(n, np.array([100.0, 20, 30, 9]))), 2)
    3.96
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        odds = k / (n - k)
    o00, o10, o01 = odds[..., 0], odds[..., 1], odds[..., 2]
    joint = np.maximum(o00, o10) + np.maximum(o00, o01) - o00
    expected: Floats = n[..., 3] * (1 - 1 / (joint + 1))
    return expected


def additive_p(n: Floats, k: Floats) -> Floats:
    """Return P(N ≥ y11) under the additive null with its estimation error.

    1 where a group of stays is empty.

    Parameters and shapes as in `additive_null`.

    Examples
    --------
    >>> n = np.array([10000.0, 400, 400, 50])
    >>> round(float(additive_p(n, np.array([100.0, 20, 10, 9]))), 3)
    0.016
    """
    w = n[..., 3:] / np.maximum(n[..., :3], 1)  # (..., 3)
    base = (w * k[..., :3])[..., 0]
    alone = w[..., 1:] * (k[..., 1:3] + 1)
    mean = np.maximum(base[..., None], alone).sum(axis=-1) - base
    spread = (w**2 * k[..., :3]).sum(axis=-1) + (w[..., 1:] ** 2).sum(axis=-1)
    usable = (n > 0).all(axis=-1) & (k[..., 3] > 0)
    shape = np.where(usable, mean**2 / np.where(usable, spread, 1), 1)
    p = special.betainc(np.maximum(k[..., 3], 1), shape, mean / (shape + mean))
    return np.where(usable, p, 1.0)


def threshold() -> dict[str, float]:
    """Return the candidates m, the assumed K, the level q and the p that a signal must reach."""
    n_drugs = len(drug_codes())
    m = n_drugs * (n_drugs - 1) // 2 * len(outcome_bases())
    return {"n_candidates": m, "n_true": N_TRUE, "q": Q_LEVEL, "p": Q_LEVEL * N_TRUE / m}


def plant_truth(cohort: Cohort, *, seed: int) -> list[dict[str, Any]]:
    """Return each plant with its parameters, expected counts and power.

    Parameters
    ----------
    cohort : Cohort
        Who took what; its outcomes are drawn anew.
    seed : int
        Of the redrawn outcomes.
    """
    rng = np.random.default_rng([seed, 1])
    cells = {plant: _cells(cohort, plant) for plant in plants()}
    p_values: dict[Plant, list[Floats]] = {plant: [] for plant in plants()}
    for at, outcome in enumerate(outcome_bases()):
        here = [plant for plant in plants() if plant.outcome == outcome]
        chances = cohort.chances[:, at].astype(np.float32)
        for _ in range(N_DRAWS // CHUNK):
            draws = rng.random((CHUNK, len(chances)), dtype=np.float32) < chances
            for plant in here:
                k = _sums(draws, cells[plant])
                p_values[plant].append(additive_p(_count(cells[plant]), k))
    return [
        _truth(number, plant, cohort, cells[plant], np.concatenate(p_values[plant]))
        for number, plant in enumerate(plants(), start=1)
    ]


def _truth(
    number: int, plant: Plant, cohort: Cohort, cells: Ints, p_values: Floats
) -> dict[str, Any]:
    chances = cohort.chances[:, list(outcome_bases()).index(plant.outcome)]
    n, k = _count(cells), _count(cells, chances)
    shares = k / np.where(n > 0, n, np.nan)
    power = float((p_values <= threshold()["p"]).mean())
    is_interaction = plant.kind == "interaction"
    return {
        "id": f"plant-{number:02d}",
        "kind": plant.kind,
        "drugs": list(plant.drugs),
        "outcome": plant.outcome,
        **({"guilty": plant.drugs[0]} if plant.kind == "single_guilty" else {}),
        **({"condition": plant.condition} if plant.condition else {}),
        "parameters": _parameters(plant),
        "expected": {
            "n_both": int(n[3]),
            "n_both_outcome": _rounded(k[3], 2),
            "n_both_outcome_additive": _rounded(additive_null(n, k), 2),
            **{name: _rounded(p, 5) for name, p in zip(GROUPS, shares, strict=True)},
        },
        "power": round(power, 4),
        "must_signal": is_interaction and power >= HIGH_POWER,
        "must_not_signal": not is_interaction,
    }


def _rounded(value: object, digits: int) -> float | None:
    """Return a number for JSON, None where it is not finite."""
    number = float(np.asarray(value))
    return round(number, digits) if np.isfinite(number) else None


def _parameters(plant: Plant) -> Mapping[str, float]:
    found = {"base": outcome_bases()[plant.outcome]}
    if plant.kind == "confounded":
        return {**found, "effect_condition": plant.effect_joint}
    found |= {"effect_1": plant.effects[0], "effect_2": plant.effects[1]}
    return {**found, "effect_joint": plant.effect_joint}


def _cells(cohort: Cohort, plant: Plant) -> Ints:
    """Return 0 neither, 1 only the first, 2 only the second, 3 both drugs, shape (s,)."""
    first, second = (cohort.taken[:, drug_codes().index(drug)] for drug in plant.drugs)
    return first.astype(np.int64) + 2 * second


def _sums(draws: Bools, cells: Ints) -> Floats:
    """Return outcomes per draw and cell, shape (draws, 4)."""
    indicator = (cells[:, None] == np.arange(4)).astype(np.float32)
    sums: Floats = (draws.astype(np.float32) @ indicator).astype(np.float64)
    return sums


def _count(cells: Ints, weights: Floats | None = None) -> Floats:
    """Return stays, or the sum of their weights, per cell, shape (4,)."""
    return np.bincount(cells, weights=weights, minlength=4).astype(np.float64)

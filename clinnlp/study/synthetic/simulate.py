"""Draw the patients and stays of ``cohort-mini``: who has what, takes what, and what befalls them.

Everything is an array. A patient has two to four stays before index time and one or two after.
Drugs for a chronic condition are chosen once per patient and taken in 92 % of the stays; drugs for
an acute condition, and those given in any stay, are drawn per stay. Adverse outcomes are drawn per
stay from the additive model of ``scenario``, the readmission after index from a logistic one.

Only ``Generator.random`` is used: it is the one stream that stays the same between numpy versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.study.synthetic.scenario import (
    NOTE_ONLY,
    RISK,
    RISK_BASE,
    conditions,
    drug_codes,
    every_stay,
    outcome_bases,
    plants,
)

__all__ = ["HORIZON_DAYS", "Cohort", "draw_cohort", "outcome_chances"]


HORIZON_DAYS = 90  # readmission within this time after index is the risk outcome
P_TAKEN = 0.92  # chance that a stay records a drug of the patient's regimen
P_CODED = 0.88  # chance that a stay codes a condition the patient has
AGES = (35.0, 90.0)  # years at index
LARGEST_CHANCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohort:
    """Patients (rows p) and their stays (rows s, by patient and time).

    Columns of conditions, drugs and outcomes follow ``scenario.conditions``, ``drug_codes`` and
    ``outcome_bases``.
    """

    age: Floats  # (p,) years at index
    woman: Bools  # (p,)
    has: Bools  # (p, conditions) chronic ones
    regimen: Bools  # (p, drugs)
    facts: Bools  # (p, note-only facts)
    readmitted: Bools  # (p,) within the horizon
    risk: Floats  # (p,) true chance of it
    risk_structured: Floats  # (p,) log odds without the note-only facts
    patient: Ints  # (s,) row of the patient
    place: Ints  # (s,) -1 for the last stay before index, -2 the one before, 0 the first after
    coded: Bools  # (s, conditions)
    ill: Bools  # (s, conditions) present, coded or not
    taken: Bools  # (s, drugs)
    chances: Floats  # (s, outcomes) true chance of each
    befell: Bools  # (s, outcomes)
    creatinine: Floats  # (s,) mg/dL
    hemoglobin: Floats  # (s,) g/dL
    days: Floats  # (s,) length of stay


def draw_cohort(seed: int, n_patients: int) -> Cohort:
    """Draw a cohort.

    Parameters
    ----------
    seed : int
        Equal seeds give equal cohorts.
    n_patients : int
        At least 1.

    Examples
    --------
    >>> cohort = draw_cohort(1, 50)
    >>> cohort.taken.shape[1], cohort.befell.shape[1]
    (60, 12)
    """
    rng = np.random.default_rng(seed)
    people, prone = _people(rng, n_patients)
    n_before = 2 + (3 * rng.random(n_patients)).astype(np.int64)
    n_after = 1 + (2 * rng.random(n_patients)).astype(np.int64)
    n_stays = n_before + n_after
    patient = np.repeat(np.arange(n_patients), n_stays)
    place = np.arange(len(patient)) - np.repeat(np.cumsum(n_stays) - n_after, n_stays)
    stays = _stays(rng, people, prone, patient)
    last = place == -1
    older = (people["age"] - 65) / 10
    structured = _log_odds(
        older, people["has"], stays["taken"][last], stays["creatinine"][last], n_before
    )
    weights = np.array([RISK[fact] for fact in NOTE_ONLY])
    risk = special.expit(structured + people["facts"] @ weights)
    return Cohort(
        **people,
        **stays,
        readmitted=rng.random(n_patients) < risk,
        risk=risk,
        risk_structured=structured,
        patient=patient,
        place=place,
    )


def outcome_chances(ill: Bools, taken: Bools) -> Floats:
    """Return the true chance of each outcome in each stay, shape (s, outcomes)."""
    bases = outcome_bases()
    chances = np.tile(np.array(list(bases.values())), (len(taken), 1))
    drugs = {code: at for at, code in enumerate(drug_codes())}
    told: set[tuple[str, str]] = set()
    for plant in plants():
        column = chances[:, list(bases).index(plant.outcome)]
        for drug, effect in zip(plant.drugs, plant.effects, strict=True):
            if effect and (drug, plant.outcome) not in told:
                told.add((drug, plant.outcome))
                column += effect * taken[:, drugs[drug]]
        if plant.condition is not None:
            column += plant.effect_joint * ill[:, _column(plant.condition)]
        elif plant.effect_joint:
            both = taken[:, drugs[plant.drugs[0]]] & taken[:, drugs[plant.drugs[1]]]
            column += plant.effect_joint * both
    return chances.clip(max=LARGEST_CHANCE)


def _people(rng: np.random.Generator, n: int) -> tuple[dict[str, Any], Floats]:
    """Draw the columns of `Cohort` about patients; also return how prone each is to what."""
    age = AGES[0] + (AGES[1] - AGES[0]) * rng.random(n) ** 0.8
    woman = rng.random(n) < 0.52
    prone = _prevalences(age)  # (p, conditions)
    has = (rng.random(prone.shape) < prone) & ~_acute()
    regimen = _any(rng, has, _uses())
    facts = rng.random((n, len(NOTE_ONLY))) < np.array(list(NOTE_ONLY.values()))
    people = {"age": age, "woman": woman, "has": has, "regimen": regimen, "facts": facts}
    return people, prone


def _stays(
    rng: np.random.Generator, people: Mapping[str, Any], prone: Floats, patient: Ints
) -> dict[str, Any]:
    """Draw the columns of `Cohort` about stays."""
    n = len(patient)
    now = (rng.random((n, prone.shape[1])) < prone[patient]) & _acute()
    ill = people["has"][patient] | now
    coded = ill & (rng.random(ill.shape) < P_CODED)
    taken = people["regimen"][patient] & (rng.random((n, len(drug_codes()))) < P_TAKEN)
    taken |= _any(rng, now, _uses()) | _any(rng, np.ones((n, 1), bool), _always())
    chances = outcome_chances(ill, taken)
    befell = rng.random(chances.shape) < chances
    kidney = ill[:, _column("problem:chronic_kidney_disease")]
    creatinine = 0.7 + 0.5 * rng.random(n)
    creatinine += kidney * (0.4 + 1.6 * rng.random(n))
    return {
        "coded": coded,
        "ill": ill,
        "taken": taken,
        "chances": chances,
        "befell": befell,
        "creatinine": creatinine.round(2),
        "hemoglobin": (9.5 + 5.5 * rng.random(n) - 1.2 * kidney).round(1),
        "days": 2.0 + np.floor(7 * rng.random(n)),
    }


def _log_odds(
    older: Floats, has: Bools, taken: Bools, creatinine: Floats, n_before: Ints
) -> Floats:
    """Return the log odds of readmission without the note-only facts, shape (p,)."""
    total: Floats = RISK["age_decades_over_65"] * older + RISK_BASE
    for at, condition in enumerate(conditions()):
        total += RISK.get(condition.code, 0.0) * has[:, at]
    for at, code in enumerate(drug_codes()):
        total += RISK.get(code, 0.0) * taken[:, at]
    total += RISK["creatinine_over_1"] * (creatinine - 1)
    total += RISK["stays_before_index_over_2"] * (n_before - 2)
    return total


def _prevalences(age: Floats) -> Floats:
    prevalence = np.array([condition.prevalence for condition in conditions()])
    slope = np.array([condition.per_decade for condition in conditions()])
    log_odds = special.logit(prevalence) + slope * (age[:, None] - 65) / 10
    prone: Floats = special.expit(log_odds)
    return prone


def _acute() -> Bools:
    return np.array([condition.acute for condition in conditions()])


def _uses() -> Floats:
    """Return the chance of each drug given each condition, shape (conditions, drugs)."""
    return np.array([[c.uses.get(drug, 0.0) for drug in drug_codes()] for c in conditions()])


def _always() -> Floats:
    return np.array([[every_stay().uses.get(drug, 0.0) for drug in drug_codes()]])


def _any(rng: np.random.Generator, present: Bools, uses: Floats) -> Bools:
    """Return which drugs at least one present condition leads to, shape (rows, drugs)."""
    spared = np.exp(present.astype(np.float64) @ np.log1p(-uses))
    return rng.random(spared.shape) >= spared


def _column(condition: str) -> int:
    return [known.code for known in conditions()].index(condition)

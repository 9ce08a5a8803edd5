"""The world of ``cohort-mini`` as tables: conditions, what they are treated with, and the plants.

Chance of an adverse outcome in one stay, on the additive scale::

    p = base + Σ effect of each single drug taken
             + Σ effect_joint of each interacting pair taken together
             + Σ effect_joint of each confounding condition the patient has

- **interaction**: two drugs together add `effect_joint` to what each adds alone: to be signalled.
- **single_guilty**: `drug_1` alone raises the outcome; `drug_2` is often taken with it and adds
  nothing: no pair with this outcome and that drug is to be signalled for it.
- **confounded**: the condition raises the outcome and both drugs are taken for the condition,
  hardly ever without it; the drugs add nothing: not to be signalled.

The tables are ``data/conditions.tsv`` (prevalence at 65 years, change of its log odds per decade,
drugs with the chance of being taken), ``data/outcomes.tsv`` and ``data/plants.tsv``.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from clinnlp.study.synthetic.words import code_of, table

__all__ = [
    "NOTE_ONLY",
    "RISK",
    "RISK_BASE",
    "Condition",
    "Plant",
    "conditions",
    "drug_codes",
    "every_stay",
    "outcome_bases",
    "plants",
]

RISK_BASE = -3.35  # log odds of a readmission within the horizon
RISK = {  # log odds; conditions by code, drugs as taken in the last stay before index
    "age_decades_over_65": 0.25,
    "problem:heart_failure": 0.7,
    "problem:chronic_kidney_disease": 0.5,
    "problem:chronic_obstructive_pulmonary_disease": 0.55,
    "problem:cirrhosis": 0.7,
    "problem:type_2_diabetes_mellitus": 0.25,
    "drug:oxycodone": 0.4,
    "creatinine_over_1": 0.3,  # per mg/dL, last value before index
    "stays_before_index_over_2": 0.25,  # per stay
    "problem:frailty": 1.0,
    "problem:medication_nonadherence": 1.1,
    "problem:tobacco_use": 0.6,
    "problem:malnutrition": 0.9,
    "problem:homelessness": 0.9,
}
NOTE_ONLY = {  # facts that only notes tell: prevalence
    "problem:frailty": 0.2,
    "problem:medication_nonadherence": 0.2,
    "problem:tobacco_use": 0.25,
    "problem:malnutrition": 0.12,
    "problem:homelessness": 0.08,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A condition and the drugs taken for it."""

    code: str
    prevalence: float  # at 65 years
    per_decade: float  # change of the log odds per ten years of age
    acute: bool  # drawn anew for each stay
    uses: Mapping[str, float]  # code of a drug to the chance of taking it


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """A planted truth; effects are probabilities per stay, added to the outcome's own."""

    kind: str  # interaction, single_guilty or confounded
    drugs: tuple[str, str]
    outcome: str
    condition: str | None
    effects: tuple[float, float]  # of each drug alone
    effect_joint: float  # of both together; of the condition where confounded


@cache
def conditions() -> tuple[Condition, ...]:
    """Return the twenty conditions in file order."""
    return tuple(c for c in _conditions() if c.code != every_stay().code)


@cache
def every_stay() -> Condition:
    """Return the drugs given in any stay whatever the conditions, as one condition all have."""
    return _conditions()[0]


@cache
def drug_codes() -> tuple[str, ...]:
    """Return the codes of all drugs of the cohort, sorted."""
    return tuple(sorted({drug for condition in _conditions() for drug in condition.uses}))


@cache
def outcome_bases() -> dict[str, float]:
    """Return the code of each adverse outcome with its own chance per stay."""
    return {code_of("Problem", row["name"]): float(row["base"]) for row in table("outcomes.tsv")}


@cache
def plants() -> tuple[Plant, ...]:
    """Return what is planted, in file order."""
    return tuple(
        Plant(
            kind=row["kind"],
            drugs=(code_of("Drug", row["drug_1"]), code_of("Drug", row["drug_2"])),
            outcome=code_of("Problem", row["outcome"]),
            condition=code_of("Problem", row["condition"]) if row["condition"] else None,
            effects=(float(row["effect_1"]), float(row["effect_2"])),
            effect_joint=float(row["effect_joint"]),
        )
        for row in table("plants.tsv")
    )


@cache
def _conditions() -> tuple[Condition, ...]:
    return tuple(
        Condition(
            code=code_of("Problem", row["name"]),
            prevalence=float(row["prevalence"]),
            per_decade=float(row["per_decade"]),
            acute=row["course"] == "acute",
            uses={
                code_of("Drug", name): float(chance)
                for name, chance in (use.split("=") for use in row["drugs"].split("|"))
            },
        )
        for row in table("conditions.tsv")
    )

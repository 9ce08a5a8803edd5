"""Discharge notes for patients of ``cohort-mini``, true to what their last stay before index holds.

The note names the patient's chronic conditions (also those the stay did not code), the drugs of the
regimen under medications, the other drugs of the stay in its course, each adverse outcome with the
drugs that caused it where drugs did, and the facts of life that no table has. Denied, uncertain,
past and relatives' problems stand beside them as in any note.
"""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

from clinnlp.core.arrays import Bools
from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.notes import compose, draw_style
from clinnlp.study.synthetic.scenario import (
    NOTE_ONLY,
    Condition,
    conditions,
    drug_codes,
    outcome_bases,
    plants,
)
from clinnlp.study.synthetic.simulate import Cohort
from clinnlp.study.synthetic.stories import Case, Chooser, draw_allergies, draw_facts, story_of
from clinnlp.study.synthetic.words import Term, lexicon, terms_of

__all__ = ["cohort_note"]

REASONS = {  # condition to the illness that brings such a patient to hospital
    "problem:heart_failure": "problem:acute_decompensated_heart_failure",
    "problem:chronic_obstructive_pulmonary_disease": "problem:acute_exacerbation_of_copd",
    "problem:atrial_fibrillation": "problem:atrial_fibrillation_with_rapid_ventricular_response",
    "problem:epilepsy": "problem:breakthrough_seizure",
    "problem:coronary_artery_disease": "problem:unstable_angina",
    "problem:hypertension": "problem:hypertensive_emergency",
    "problem:type_2_diabetes_mellitus": "problem:diabetic_ketoacidosis",
}
OTHER_REASONS = (  # in anybody
    "problem:acute_gout_flare",
    "problem:small_bowel_obstruction",
    "problem:deep_vein_thrombosis",
    "problem:hip_fracture",
    "problem:acute_pancreatitis",
    "problem:nephrolithiasis",
    "problem:influenza",
    "problem:syncope",
)
KEEP = frozenset({"past_medical_history", "medications", "hospital_course"})


def cohort_note(
    cohort: Cohort, stay: int, *, name: str, start: datetime, end: datetime, seed: int
) -> dict[str, Any]:
    """Return the discharge note of a stay with its gold annotations.

    Parameters
    ----------
    cohort : Cohort
        Patients and stays.
    stay : int
        Row of the stay.
    name : str
        Id of the note, which also seeds its wording.
    start, end : datetime
        Of the stay; the note is known from `end`.
    seed : int
        Of the corpus.
    """
    dice = Dice(f"{seed}/{name}")
    person = int(cohort.patient[stay])
    facts = draw_facts(
        dice, sex="F" if cohort.woman[person] else "M", age=int(cohort.age[person]), when=end
    )
    story = story_of(_case(cohort, stay, dice), Chooser(dice), facts=facts, closed=True)
    writer = compose(dice, story, draw_style(dice), keep=KEEP)
    return writer.record(id=name, time=start.isoformat(), known=end.isoformat(), kind="discharge")


def _case(cohort: Cohort, stay: int, dice: Dice) -> Case:
    person = cohort.patient[stay]
    present = set(_chosen([c.code for c in conditions()], cohort.ill[stay]))
    chronic = [c for c in conditions() if c.code in present and not c.acute]
    taken = _chosen(drug_codes(), cohort.taken[stay])
    regimen = set(_chosen(drug_codes(), cohort.regimen[person]))
    home = _home(taken, regimen, chronic)
    at_home = {drug.code for drug, _ in home}
    given = dice.shuffled(terms_of(code for code in taken if code not in at_home))
    illness = _illness(present, taken, dice)
    caused, complications = _outcomes(cohort, stay, set(taken), dice)
    return Case(
        illness=illness,
        symptoms=dice.shuffled(terms_of(illness.symptoms)),
        chronic=terms_of(c.code for c in chronic),
        home=home,
        given=given,
        caused=caused,
        complications=complications,
        ways=terms_of(_chosen(NOTE_ONLY, cohort.facts[person])),
        allergies=draw_allergies(Chooser(dice), taken),
    )


def _chosen(codes: Iterable[str], flags: Bools) -> list[str]:
    return [code for code, is_so in zip(codes, flags, strict=True) if is_so]


def _home(
    taken: Iterable[str], regimen: Collection[str], chronic: Sequence[Condition]
) -> list[tuple[Term, Term | None]]:
    """Return the drugs of the regimen that have a reason: each with its first chronic condition."""
    reasons = {drug: [c.code for c in chronic if drug in c.uses] for drug in taken}
    used = {drug: codes[0] for drug, codes in reasons.items() if drug in regimen and codes}
    return [(lexicon()[drug], lexicon()[reason]) for drug, reason in used.items()]


def _illness(present: set[str], taken: Collection[str], dice: Dice) -> Term:
    """Return why the patient came: an acute illness if there is one, else one that was treated."""
    acute = [c.code for c in conditions() if c.acute and c.code in present]
    if acute:
        return lexicon()[acute[0]]
    own = terms_of(reason for condition, reason in REASONS.items() if condition in present)
    others = terms_of(OTHER_REASONS)
    for options in (own, others):
        treated = [term for term in options if not set(term.treatments).isdisjoint(taken)]
        if treated:
            return dice.pick(treated)
    return dice.pick(others)


def _outcomes(
    cohort: Cohort, stay: int, taken: set[str], dice: Dice
) -> tuple[list[tuple[Term, Term | None, Term]], list[Term]]:
    """Return outcomes with the drugs that caused them, and outcomes without a drug to blame."""
    caused: list[tuple[Term, Term | None, Term]] = []
    others: list[Term] = []
    for (code, base), befell in zip(outcome_bases().items(), cohort.befell[stay], strict=True):
        if not befell:
            continue
        options: dict[tuple[str, ...], float] = {(): base} | _causes(code, taken)
        cause = terms_of(dice.weighted(list(options), list(options.values())))
        if cause:
            caused.append((cause[0], cause[1] if len(cause) > 1 else None, lexicon()[code]))
        else:
            others.append(lexicon()[code])
    return caused, others


def _causes(outcome: str, taken: set[str]) -> dict[tuple[str, ...], float]:
    """Return the drugs that may have caused an outcome, alone or in pairs, with their effects."""
    causes: dict[tuple[str, ...], float] = {}
    for plant in plants():
        if plant.outcome != outcome or plant.condition is not None:
            continue
        for drugs, effect in (
            ((plant.drugs[0],), plant.effects[0]),
            ((plant.drugs[1],), plant.effects[1]),
            (plant.drugs, plant.effect_joint),
        ):
            if effect and taken.issuperset(drugs):
                causes.setdefault(drugs, effect)
    return causes

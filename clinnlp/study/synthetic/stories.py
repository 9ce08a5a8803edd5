"""Stories for notes: a patient, the reason for admission, drugs, reactions, and red herrings.

A story is drawn from the lexicon so that it hangs together: symptoms belong to the illness, home
drugs to the chronic problems, treatments to the illness, reactions to a drug that was given.
A `Chooser` can keep part of the lexicon out, which is how names come to appear in development and
test notes only.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from clinnlp.study.synthetic.dice import Dice
from clinnlp.study.synthetic.words import Term, drugs, problems, reactions, terms_of
from clinnlp.study.synthetic.writer import Story

__all__ = [
    "Case",
    "Chooser",
    "draw_allergies",
    "draw_facts",
    "draw_reaction",
    "story_of",
    "with_role",
]

COMMON = 3.0  # weight of the problems that most inpatients have, beside 1 for the others
COMMON_CODES = frozenset(
    f"problem:{name}"
    for name in (
        "hypertension",
        "type_2_diabetes_mellitus",
        "hyperlipidemia",
        "coronary_artery_disease",
        "heart_failure",
        "gastroesophageal_reflux_disease",
        "depression",
        "tobacco_use",
        "pneumonia",
    )
)
AS_NEEDED = tuple(
    f"drug:{name}"
    for name in (
        "acetaminophen",
        "ibuprofen",
        "ondansetron",
        "docusate",
        "senna",
        "oxycodone",
        "tramadol",
        "diphenhydramine",
        "loperamide",
        "naproxen",
        "polyethylene_glycol",
        "famotidine",
        "hydroxyzine",
        "cyclobenzaprine",
        "prochlorperazine",
    )
)
RELIEVED = (  # symptoms that as-needed medicines are for
    *("problem:headache", "problem:back_pain", "problem:joint_pain", "problem:leg_pain"),
    *("problem:myalgias", "problem:hip_pain", "problem:abdominal_pain", "problem:nausea"),
    *("problem:vomiting", "problem:pruritus", "problem:constipation", "problem:dry_cough"),
)
PROTOCOL = ("drug:heparin", "drug:enoxaparin")
SURNAMES = ("Alvarez", "Brandt", "Chen", "Dawson", "Eriksen", "Fontaine", "Iqbal", "Kowalski")
DOCTORS = (  # some are names of illnesses elsewhere: not to be tagged here
    *("Graves", "Parkinson", "Bell", "Addison", "Crohn", "Hodgkin", "Wilson", "Whipple"),
    *("Okafor", "Lindgren", "Patel", "Moreau", "Nakamura", "Rossi", "Haddad", "Novak"),
)
N_SPARE = 10  # red herrings drawn per pool; more than any note uses

ORNAMENTS = (  # pool, role of its problems, how many
    ("nsoc", "L", N_SPARE),
    ("nsx", "S", N_SPARE),
    ("nrx", "R", N_SPARE),
    ("unc", "A", N_SPARE),
    ("past", "H", 3),
    ("nch", "C", 2),
    ("fam", "F", 2),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """What is true of a patient in one stay; everything else in a note is ornament."""

    illness: Term
    symptoms: Sequence[Term]
    chronic: Sequence[Term]
    home: Sequence[tuple[Term, Term | None]]  # drug and the problem it is taken for
    given: Sequence[Term]  # drugs of the stay
    caused: Sequence[tuple[Term, Term | None, Term]]  # drug, second drug, reaction
    complications: Sequence[Term] = ()  # of the stay, no drug named
    ways: Sequence[Term] = ()  # of life: tobacco use, frailty, ...
    allergies: Sequence[tuple[Term, Term]] = ()  # drug and reaction


@dataclass(frozen=True, slots=True)
class Chooser:
    """Weighted draws from the lexicon, part of which may be held out.

    Parameters
    ----------
    dice : Dice
        Source of every choice.
    held_out : frozenset of str
        Codes of terms under embargo.
    p_held_out : float
        Weight of a held-out term beside 1 for any other; 0 keeps them out.
    """

    dice: Dice
    held_out: frozenset[str] = frozenset()
    p_held_out: float = 1.0

    def draw(self, terms: Sequence[Term], n: int, without: Collection[str] = ()) -> list[Term]:
        """Return up to `n` terms without replacement (Efraimidis and Spirakis 2006)."""
        ready = _exponents(tuple(terms), self.held_out, self.p_held_out)
        uniform = self.dice.uniform
        keyed = [
            (uniform() ** power, at) for at, (t, power) in enumerate(ready) if t.code not in without
        ]
        keyed.sort(reverse=True)
        return [ready[at][0] for _, at in keyed[: max(n, 0)]]


@cache
def _exponents(
    terms: tuple[Term, ...], held_out: frozenset[str], p_held_out: float
) -> tuple[tuple[Term, float], ...]:
    """Return the terms that may be drawn with 1 over their weight."""
    found = []
    for term in terms:
        weight = COMMON if term.code in COMMON_CODES else 1.0
        weight *= p_held_out if term.code in held_out else 1.0
        if weight:
            found.append((term, 1 / weight))
    return tuple(found)


def story_of(
    case: Case, chooser: Chooser, *, facts: Mapping[str, str], closed: bool = False
) -> Story:
    """Return the pools of a case with red herrings that do not contradict it.

    With `closed`, no drug is said to be given but those of the case.
    """
    pools = {**_told(case), **_ornaments(chooser, case, closed=closed)}
    return Story(pools=pools, facts=facts)


def draw_allergies(chooser: Chooser, taken: Collection[str]) -> list[tuple[Term, Term]]:
    """Draw up to two drugs that are not `taken`, each with a reaction it once caused."""
    n = chooser.dice.weighted((0, 1, 2), (4, 4, 2))
    options = terms_of(reactions())
    found = []
    for drug in chooser.draw(options, n, taken):
        effect = draw_reaction(chooser, drug)
        if effect is not None:
            found.append((drug, effect))
    return found


def draw_reaction(chooser: Chooser, drug: Term) -> Term | None:
    """Draw a reaction that `drug` is known for; None where all of them are held out."""
    options = terms_of(reactions()[drug.code])
    return next(iter(chooser.draw(options, 1)), None)


def draw_facts(
    dice: Dice, *, when: datetime, sex: str | None = None, age: int | None = None
) -> dict[str, str]:
    """Return the small facts of a note; ``|`` separates values that may differ each time.

    Parameters
    ----------
    dice : Dice
        Source of every choice.
    when : datetime
        Day of discharge.
    sex : {"F", "M"}, optional
        Drawn where not given.
    age : int, optional
        In years; drawn from 28 to 91 where not given.
    """
    woman = (sex or dice.pick(("F", "M"))) == "F"
    return {
        "age": str(age if age is not None else dice.between(28, 91)),
        "man": dice.pick(("woman", "female", "lady") if woman else ("man", "male", "gentleman")),
        "mf": "F" if woman else "M",
        "title": "Ms." if woman else "Mr.",
        "he": "she" if woman else "he",
        "him": "her" if woman else "him",
        "his": "her" if woman else "his",
        "surname": dice.pick(SURNAMES),
        "doctor": dice.pick(DOCTORS),
        "days": "2|3|4|5|6",
        "n": "2|3|4|5|7|10",
        "year": "|".join(str(when.year - back) for back in (2, 4, 5, 7, 9, 12)),
        "kinage": "41|48|52|57|63|66|70",
        "kin": "a daughter|a son|family|a cousin|a caregiver",
        "job": "teacher|carpenter|bus driver|nurse|farmer|accountant|cook|electrician",
        "date": f"{dice.between(1, 12):02d}/{dice.between(1, 28):02d}/{when.year}",
        "temp": f"{dice.between(970, 993) / 10:.1f}",
        "hot": f"{dice.between(1006, 1034) / 10:.1f}",
        "bp": f"{dice.between(92, 178)}/{dice.between(48, 98)}",
        "hr": str(dice.between(54, 124)),
        "rr": str(dice.between(12, 26)),
        "sat": str(dice.between(89, 99)),
        "wbc": f"{dice.between(42, 189) / 10:.1f}",
        "hgb": f"{dice.between(72, 152) / 10:.1f}",
        "na": str(dice.between(126, 146)),
        "k": f"{dice.between(32, 57) / 10:.1f}",
        "bun": str(dice.between(9, 58)),
        "cr": f"{dice.between(6, 32) / 10:.1f}",
        "glu": str(dice.between(72, 340)),
        "trough": f"{dice.between(90, 240) / 10:.1f}",
        "dig": f"{dice.between(5, 23) / 10:.1f}",
        "lac": f"{dice.between(8, 42) / 10:.1f}",
    }


@cache
def with_role(role: str) -> tuple[Term, ...]:
    """Return the problems that can play a role (see ``words``)."""
    return tuple(term for term in problems() if role in term.roles)


def _told(case: Case) -> dict[str, Sequence[Term | None]]:
    """Return the pools that tell the case."""
    treatment = _treatment(case)
    first_drug = {why.code: drug for drug, why in reversed(case.home) if why is not None}
    return {
        "dx": [case.illness],
        "sx": case.symptoms,
        "pmh": case.chronic,
        "pm": [first_drug.get(term.code) for term in case.chronic],
        **_columns(("med", "why"), case.home),
        "tx": treatment,
        "gv": [drug for drug in case.given if drug not in treatment[:2]],
        **_columns(("rxd", "rxe", "rxr"), case.caused),
        **_columns(("ald", "alr"), case.allergies),
        "cmp": case.complications,
        "soc": case.ways,
    }


def _treatment(case: Case) -> list[Term]:
    """Return the drugs given, those for the illness first; those of home where none was given."""
    home = [drug for drug, _ in case.home]
    fitting = [t for t in (*case.given, *home) if t.code in case.illness.treatments]
    return list(dict.fromkeys((*fitting, *case.given))) or home


def _columns(
    pools: Sequence[str], rows: Sequence[tuple[Term | None, ...]]
) -> dict[str, list[Term | None]]:
    return {pool: [row[k] for row in rows] for k, pool in enumerate(pools)}


def _ornaments(chooser: Chooser, case: Case, *, closed: bool) -> dict[str, Sequence[Term]]:
    """Return the pools of red herrings: what is denied, suspected, past or another's."""
    true = _true_problems(case)
    taken = {t.code for t in case.given} | {drug.code for drug, _ in case.home}
    sayable = taken if closed else {*AS_NEEDED, *PROTOCOL}
    as_needed = terms_of(code for code in AS_NEEDED if code in sayable)
    pools: dict[str, Sequence[Term]] = {
        pool: chooser.draw(with_role(role), n, () if role == "F" else true)
        for pool, role, n in ORNAMENTS
    }
    pools["prs"] = chooser.draw(terms_of(RELIEVED), N_SPARE)
    pools["prn"] = chooser.draw(as_needed, 2, () if closed else taken)
    pools["ppx"] = terms_of(code for code in PROTOCOL if code in sayable)
    for pool, n in (("pastmed", 1), ("fammed", 1), ("new", 3), ("nodrug", 4)):
        pools[pool] = chooser.draw(drugs(), n, taken)
    return pools


def _true_problems(case: Case) -> set[str]:
    """Return the codes of the problems that the patient has."""
    own = (case.illness, *case.symptoms, *case.chronic, *case.ways, *case.complications)
    return {t.code for t in own} | {effect.code for *_, effect in case.caused}

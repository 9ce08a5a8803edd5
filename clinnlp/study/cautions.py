"""What the reader of a risk study has to know, each one sentence."""

from collections.abc import Collection, Iterator, Mapping, Sequence

import numpy as np

from clinnlp.core.arrays import Counts, Floats
from clinnlp.features.columns import Columns
from clinnlp.features.events import Cases
from clinnlp.features.facts import mixed_units
from clinnlp.features.inputs import code_spelling, stand_in, text_that_is, unit_factor
from clinnlp.features.joined import BEGINS_LATER, DAY_OF_INDEX, SPELLED
from clinnlp.risk.copies import n_doubled, n_repeated, n_spelled_alike
from clinnlp.risk.crossfit import CrossFit
from clinnlp.risk.leaks import Suspect, suspects

__all__ = [
    "LEVEL",
    "UNSURE",
    "cautions_of",
    "excluded_cautions",
    "level_cautions",
    "repeated_facts",
]

LEVEL = (
    "the scores of held-out patients fell with the outcome or were all the same, so every case has "
    "the base rate as its risk"
)
UNSURE = (
    "the scores of held-out patients did not rise with the outcome, so risks are drawn towards the "
    "base rate and their order may mean nothing"
)

_MOST = 8  # sentences of one sort
_OLDEST = 110.0  # years: hardly anybody was older, and a birth date of 1900 stands for none
_SURE = 0.98  # mean AUROC of splits that no model of patients should have
_REPEATED = 0.4  # of the facts of events, as where a table was read twice
_FEWEST_REPEATED = 20
_HOW = {
    "value": "the value of {name} alone has {auroc}",
    "count": "how often {name} stands in a record alone has {auroc}",
    "recency": "how long ago {name} was known last alone has {auroc}",
}
_TEXT = {
    "numbers": "make numbers of it where it is measured",
    "dates": "make days before index of it",
}
_LEFT_OUT = {
    SPELLED: "rows of {source} have a patient whose id differs from one asked for in case, blanks, "
    "leading zeros or .0 alone, and were not used: write ids alike everywhere",
    DAY_OF_INDEX: "facts of {source} are of the index day and were not used, since all times of "
    "{source} lie at midnight, as days do: give hours, or an index at the beginning of the day",
    BEGINS_LATER: "facts begin after the index time though they are said to be known before it, "
    "and were not used: check what known says",
}


def cautions_of(
    rows: Cases | Columns,
    y: Counts,
    *,
    n_copied: int = 0,
    min_patients: int = 5,
    by_time: bool = False,
    aurocs: Mapping[str, float] | None = None,
) -> tuple[str, ...]:
    """Return the cautions about the rows of a study.

    Told is what is more likely a leak than a finding: a fact, a group of codes, a column, or having
    a value there at all, that by itself tells the outcome; records and notes of tested patients
    that stand among those trained on; and what was left out because its time or patient is in
    doubt. Told is also what the values cannot mean: units that change within a measurement, text
    that is numbers or dates, numbers that stand for missing, ages that nobody reaches, one code in
    several spellings. A unit that
    fewer than `min_patients` patients have is counted and not named.

    Parameters
    ----------
    rows : Cases or Columns
    y : array of 0 and 1, shape (n,)
    n_copied : int
        Notes of tested patients that stand among those trained on.
    min_patients : int
    by_time : bool
        Models see how long ago a thing was known.
    aurocs : mapping of str to float, optional
        Mean AUROC of the splits, by model: where facts are given, nothing among them tells the
        outcome, and a model does all the same, that is told.

    Examples
    --------
    >>> table = Columns(patients=np.arange(60).astype(str), values={"left": np.arange(60) % 2})
    >>> cautions_of(table, np.arange(60) % 2)
    ("column 'left' alone has an AUROC of 1.00: check that it was known before the index time",)
    """
    is_table = isinstance(rows, Columns)
    found = suspects(rows, y, by_time=by_time)
    said = [_suspected(s, "column " if is_table else "") for s in found]
    if not (found or is_table):
        said += _too_good(aurocs or {})
    doubts = _of_columns(rows) if isinstance(rows, Columns) else _of_cases(rows, min_patients)
    repeated = () if isinstance(rows, Columns) else repeated_facts(rows)
    return (*_copied(n_copied), *_first(said), *_twice(rows), *repeated, *_first(list(doubts)))


def excluded_cautions(n_excluded: Mapping[str, int]) -> tuple[str, ...]:
    """Return the cautions about facts that were left out since their time or patient is in doubt.

    Examples
    --------
    >>> [said[:28] for said in excluded_cautions({"events_begin_after_index": 3})]
    ['3 facts begin after the inde']
    """
    return tuple(
        f"{n:,} {said.format(source=reason.removesuffix(ending))}"
        for reason, n in n_excluded.items()
        for ending, said in _LEFT_OUT.items()
        if n and reason.endswith(ending)
    )


def repeated_facts(cases: Cases) -> tuple[str, ...]:
    """Return a caution where many facts of events are another one of the same case once more.

    Two orders of a day may be alike, as far as a table tells. Where nearly half of all are, a table
    was read or joined twice, and whatever counts facts counts them twice.
    """
    n, n_facts = n_repeated(cases), int(np.sum(~cases.of_note))
    if n < max(_FEWEST_REPEATED, _REPEATED * n_facts):
        return ()
    said = (
        f"{n:,} of {n_facts:,} facts of events repeat another one of the same patient, code, time "
        "and value, and each counts: where a table was read or joined twice, leave repeats out"
    )
    return (said,)


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


def _suspected(suspect: Suspect, what: str) -> str:
    name, auroc = _shown(suspect.name), f"an AUROC of {suspect.auroc:.2f}"
    if suspect.sort == "index":
        return (
            f"the index time alone has {auroc}: those with the outcome and the others were asked "
            "about at other times, so whatever changed between these tells the outcome"
        )
    if suspect.sort in _HOW:
        how = "{name} alone has {auroc}" if what else _HOW[suspect.sort]
        said = how.format(name=f"{what}{name}", auroc=auroc)
        return f"{said}: check that it was known before the index time"
    return (
        f"{what}{name} alone tells the outcome: of {suspect.n:,} patients with it "
        f"{suspect.n_positive:,} have the outcome, of the {suspect.n_others:,} others "
        f"{suspect.n_others_positive:,}; check that it is neither the outcome itself nor known "
        "because of it, and leave out patients who had the outcome before"
    )


def _too_good(aurocs: Mapping[str, float]) -> list[str]:
    """Return the sentence about models that tell the outcome though nothing alone does, if any."""
    best = [name for name, auroc in aurocs.items() if auroc >= _SURE]
    said = (
        f"{', '.join(best)}: an AUROC of {max(aurocs.values(), default=0):.2f} in tested patients, "
        "though no fact alone tells the outcome, is more often a leak than a finding: check that "
        "what the model leans on most was known before the index time"
    )
    return [said] * bool(best)


def _shown(name: str) -> str:
    """Return a name, or of a mention in notes its class alone, since it may hold their words."""
    if not name.startswith("note:"):
        return repr(name)
    label = name.split(":")[1]
    return f"a mention of the class {label!r} in notes, among those the models lean on most,"


def _first(said: Sequence[str]) -> tuple[str, ...]:
    """Return the first sentences, and how many more there are."""
    more = len(said) - _MOST
    return (*said[:_MOST], *([f"and {more:,} more of this sort"] * (more > 0)))


def _twice(rows: Cases | Columns) -> Iterator[str]:
    """Yield what says that one person may stand on both sides of a split under two ids."""
    n_alike = n_spelled_alike(rows.patients)
    if n_alike:
        yield (
            f"{n_alike:,} patients have an id that differs from another one in case, blanks, "
            "leading zeros or .0 alone: give one person one id"
        )
    n_same = n_doubled(rows)
    if n_same:
        yield (
            f"{n_same:,} patients have, fact for fact, the record of another one: where it is one "
            "person under two ids, give one id, or the same person is trained on and tested"
        )


def _copied(n: int) -> tuple[str, ...]:
    said = f"{n:,} notes of tested patients stand word for word among those trained on"
    return (said,) * bool(n)


def _of_cases(cases: Cases, min_patients: int) -> Iterator[str]:
    for name, units in mixed_units(cases.schema).items():
        facts = cases.schema[f"unit of {name}"]
        frequent = [unit for unit in units if _n_patients(cases, facts[unit]) >= min_patients]
        n_rare = len(units) - len(frequent)
        others = [f"{n_rare} of fewer than {min_patients} patients"] * bool(n_rare)
        if frequent:
            said = ", ".join([*frequent, *others])
            yield f"{name!r} is measured in {said}: each unit is a feature of its own"
    yield from _spelled_in_several_ways(cases, min_patients)
    n_ageless = int(np.isnan(cases.age_years).sum())
    if 0 < n_ageless < len(cases):
        yield f"{n_ageless:,} of {len(cases):,} cases have no birth date: their age is missing"
    n_old = int(np.sum(cases.age_years > _OLDEST))
    if n_old:
        yield f"{n_old:,} cases are older than {_OLDEST:.0f} years at index: check birth dates"
    for name, values in _measured(cases):
        yield from _doubts(repr(name), values)


def _spelled_in_several_ways(cases: Cases, min_patients: int) -> Iterator[str]:
    """Yield what says that one code is written in several ways, some of them named."""
    alike: dict[str, set[str]] = {}
    for concept in cases.concepts:
        if not concept.startswith("note:"):  # words of notes were made alike before
            alike.setdefault(code_spelling(concept), set()).add(concept)
    several = [sorted(names) for names in alike.values() if len(names) > 1]
    frequent = ([n for n in names if _n_patients(cases, {n}) >= min_patients] for names in several)
    shown = next((names for names in frequent if len(names) > 1), [])
    if several:
        such = f" ({', '.join(map(repr, shown))})" * bool(shown)
        yield (
            f"codes in several spellings: {len(several):,}{such}, which differ in case, blanks or "
            "a dot alone; each spelling is a feature of its own, so write them alike"
        )


def _measured(cases: Cases) -> Iterator[tuple[str, Floats]]:
    """Yield the values of each measurement."""
    at = np.flatnonzero(np.isfinite(cases.value))
    at = at[np.argsort(cases.code[at], kind="stable")]
    bounds = np.searchsorted(cases.code[at], np.arange(len(cases.codes) + 1))
    for name, low, high in zip(cases.codes, bounds[:-1], bounds[1:], strict=True):
        if high > low:
            yield name, cases.value[at[low:high]]


def _of_columns(table: Columns) -> Iterator[str]:
    for name, column in table.values.items():
        what = text_that_is(column)
        if what:
            yield (
                f"column {name!r} holds {what} as text, each a category of its own without an "
                f"order: {_TEXT[what]}"
            )
        if column.dtype.kind in "iuf":
            yield from _doubts(f"column {name!r}", column.astype(np.float64))


def _doubts(name: str, values: Floats) -> Iterator[str]:
    """Yield what numbers cannot mean."""
    stands = stand_in(values)
    if stands is not None:
        number, n = stands
        yield (
            f"{name} is {number:g} in {n:,} rows, far outside of its other values: where that "
            "stands for missing, leave it empty"
        )
        values = values[values != number]
    factor = unit_factor(values)
    if factor is not None:
        yield (
            f"{name} has two heaps of values about {factor:g} apart, as in two units: say the unit "
            "of each value, or bring them to one"
        )


def _n_patients(cases: Cases, names: Collection[str]) -> int:
    """Return how many patients have one of these facts or concepts."""
    both = zip(cases.codes, cases.concepts, strict=True)
    those = [k for k, (code, concept) in enumerate(both) if code in names or concept in names]
    return len(set(cases.patients[cases.case[np.isin(cases.code, those)]]))

"""Facts and columns that tell the outcome by themselves: more likely a leak than a finding.

A model is not needed to see them. Looked at is each code, each concept (a code whatever its unit or
section), and each group of codes with one stem (E11.0, E11.9), by two questions:

*Who has it?* A leak is something that nearly only cases have: the outcome's own code, what is
ordered because of it, what prevalent cases have had for years, a laboratory value that nobody else
gets measured. At least `_FEWEST` patients have it, at least 95 % of them have the outcome, and by
chance alone nothing among all that was looked at would be so one-sided (binomial, Bonferroni). Or
having it has an AUROC above 0.98, in either direction.

*Of those who have it, who has how much?* A number alone with an AUROC above 0.98, or above 0.95
where it stands apart from all others: findings come in company, as the sizes of a tumour do. How
often a code stands in a record is such a number, and the index time itself: cases and others who
were not asked in the same years cannot be told apart by what they have. So is, where a model sees
it, how long ago a code was known last.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from scipy.stats import binom

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.features.columns import Columns
from clinnlp.features.events import Cases
from clinnlp.risk.crossfit import auroc_of

__all__ = ["Suspect", "suspects"]

_SURE = 0.98  # AUROC of one thing alone
_HIGH = 0.95  # AUROC that is one too where nothing else comes near
_APART = 0.1  # how far the best of the others lies below
_FEWEST = 20  # patients who have a thing, and of each class that has a number
_SHARE = 0.95  # of those with a thing who have the outcome
_BASE = 0.8  # share of the outcome above which that is no wonder
_CHANCE = 1e-6  # that a thing is so one-sided, among all that were looked at
_PER_CATEGORY = 20  # rows, on average, for a share of positives to mean something
_STEM = 3  # letters of ICD-10 and of ATC that name a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspect:
    """A thing that tells the outcome by itself.

    Parameters
    ----------
    name : str
        Of a fact, a concept, a group of codes or a column.
    sort : {"value", "count", "recency", "index", "presence"}
        Whether how much of it, how often or how long ago it was there, the index time, or having
        it at all tells the outcome.
    auroc : float
        Of it alone, at least 0.5: a thing that only those without the outcome have counts alike.
    n, n_positive : int
        Patients who have it, and of these who have the outcome.
    n_others, n_others_positive : int
        The same of all other patients.
    """

    name: str = field(repr=False)  # may hold words of notes
    sort: str
    auroc: float
    n: int
    n_positive: int
    n_others: int
    n_others_positive: int


def suspects(rows: Cases | Columns, y: Counts, *, by_time: bool = False) -> list[Suspect]:
    """Return what tells the outcome by itself, highest AUROC first.

    A concept or group is not named where one of its codes is.

    Parameters
    ----------
    rows : Cases or Columns
    y : array of 0 and 1, shape (n,)
    by_time : bool
        Look at how long ago each code was known last too: a model sees it by its recency, or where
        there are several windows.

    Examples
    --------
    >>> y = np.arange(80) % 2
    >>> table = Columns(patients=np.arange(80).astype(str), values={"left": y * 1.0})
    >>> [(s.sort, s.auroc) for s in suspects(table, y)]
    [('value', 1.0)]
    """
    y = np.asarray(y, np.int64)
    person = np.unique(rows.patients.astype(str), return_inverse=True)[1]
    classes = _Classes(y, person)
    if min(classes.n_patients[1], int(np.sum(y == 0))) < 2:
        return []
    if isinstance(rows, Columns):
        numbers, layers = _of_columns(rows, y)
    else:
        numbers, layers = _of_cases(rows, by_time=by_time)
    found: list[Suspect] = []
    for sort, family in numbers:
        told = {s.name for s in found}
        found += [s for s in _numbers(sort, family, classes) if s.name not in told]
    for layer in layers:
        told = {s.name for s in found}
        # Of a column that has a value and a category for one reason the first is named
        for suspect in sorted(_one_sided(layer, classes), key=lambda s: (-s.auroc, s.name)):
            these = {suspect.name, *_members(suspect.name, layer)}
            if told.isdisjoint(these):
                found.append(suspect)
                told |= these
    return sorted(found, key=lambda s: (-s.auroc, s.sort, s.name))


_Numbers = Iterator[tuple[str, Array, Floats]]  # name, rows that have one, the numbers there
_Families = list[tuple[str, _Numbers]]  # of each sort of a suspect


class _Layer(NamedTuple):
    """Who has what: one pair per row and thing."""

    row: Counts
    thing: Counts
    names: Sequence[str]
    members: Sequence[frozenset[str]]  # names of another layer that a thing stands for


class _Classes:
    """Outcomes of rows, and of the patients they belong to."""

    def __init__(self, y: Counts, person: Counts) -> None:
        self.y, self.person = y, person
        n = int(person.max()) + 1 if len(person) else 0
        self.positive = np.zeros(n, bool)  # (n_patients,): with the outcome in some row
        self.positive[person[y == 1]] = True
        self.n_patients = n, int(self.positive.sum())

    def n_least(self, at: Array) -> int:
        """Return the patients of the class that has fewer, among some rows."""
        return min(len(np.unique(self.person[at[self.y[at] == k]])) for k in (0, 1))

    def suspect(self, name: str, sort: str, auroc: float, has: Array) -> Suspect:
        """Return a suspect, `has` being the rows that have it."""
        having = np.unique(self.person[has])
        n, n_positive = len(having), int(self.positive[having].sum())
        every, positive = self.n_patients
        return Suspect(name=name, sort=sort, auroc=auroc, n=n, n_positive=n_positive,
                       n_others=every - n, n_others_positive=positive - n_positive)  # fmt: skip


# --- numbers -------------------------------------------------------------------------------


def _numbers(sort: str, numbers: _Numbers, classes: _Classes) -> Iterator[Suspect]:
    """Yield numbers that tell the outcome: name, rows that have one, and the values there."""
    found: list[tuple[float, str, Array]] = []
    for name, at, values in numbers:
        if len(at) and np.ptp(values) and classes.n_least(at) >= _FEWEST:
            auroc = auroc_of(classes.y[at], values)
            found.append((max(auroc, 1 - auroc), name, at))
    aurocs = np.array([0.5, *(auroc for auroc, *_ in found)])
    others = aurocs[aurocs < _HIGH].max()
    apart = aurocs[aurocs >= _HIGH].min(initial=1.0) - others >= _APART
    for auroc, name, at in found:
        if auroc >= (_HIGH if apart else _SURE):
            yield classes.suspect(name, sort, auroc, at)


# --- who has what --------------------------------------------------------------------------


def _one_sided(layer: _Layer, classes: _Classes) -> Iterator[Suspect]:
    """Yield the things of a layer that nearly only one class has."""
    n_things = len(layer.names)
    if not n_things:
        return
    per_row = np.unique(layer.row * n_things + layer.thing)
    row, thing = np.divmod(per_row, n_things)
    n_rows = np.bincount(thing, minlength=n_things)
    n_up = np.bincount(thing, classes.y[row], minlength=n_things)
    n, up = len(classes.y), int(classes.y.sum())
    aurocs = (1 + n_up / up - (n_rows - n_up) / (n - up)) / 2
    person, of = np.divmod(np.unique(classes.person[row] * n_things + thing), n_things)
    n_patients = np.bincount(of, minlength=n_things)
    n_cases = np.bincount(of, classes.positive[person], minlength=n_things)
    told = _only_cases(n_patients, n_cases, classes) | (np.abs(aurocs - 0.5) >= _SURE - 0.5)
    few = np.minimum(n_patients, classes.n_patients[0] - n_patients)
    order = np.argsort(thing, kind="stable")
    ends = np.cumsum(n_rows)
    for k in np.flatnonzero(told & (few >= _FEWEST)).tolist():
        has = row[order[ends[k] - n_rows[k] : ends[k]]]
        auroc = float(max(aurocs[k], 1 - aurocs[k]))
        yield classes.suspect(layer.names[k], "presence", auroc, has)


def _only_cases(n: Counts, n_cases: Array, classes: _Classes) -> Bools:
    """Return which things nearly only patients with the outcome have, and not by chance."""
    every, positive = classes.n_patients
    base = positive / every
    if base > _BASE:
        return np.zeros(len(n), bool)
    enough = (n >= _FEWEST) & (n_cases >= _SHARE * n)
    chance = binom.sf(n_cases - 1, n, base) * len(n)
    told: Bools = enough & (chance < _CHANCE)
    return told


def _members(name: str, layer: _Layer) -> frozenset[str]:
    """Return the names of another layer that a thing stands for."""
    return layer.members[layer.names.index(name)] if layer.members else frozenset()


# --- of cases ------------------------------------------------------------------------------


def _of_cases(cases: Cases, *, by_time: bool) -> tuple[_Families, Iterator[_Layer]]:
    when = cases.index.astype("datetime64[s]").astype(np.float64)
    families: _Families = [
        ("value", _values_of(cases)),
        ("count", _each_code(cases, "count")),
        ("index", iter([("index time", np.arange(len(cases)), when)])),
    ]
    families += [("recency", _each_code(cases, "recency"))] * by_time
    return families, _layers_of(cases)


def _values_of(cases: Cases) -> _Numbers:
    """Yield the age, and the last value of each measurement, of the cases that have one."""
    aged = np.flatnonzero(np.isfinite(cases.age_years))
    yield "age", aged, cases.age_years[aged]
    at = np.flatnonzero(np.isfinite(cases.value))
    at = at[np.lexsort((cases.days[at], cases.case[at], cases.code[at]))]
    key = cases.code[at] * max(1, len(cases)) + cases.case[at]
    last = at[np.append(key[1:] != key[:-1], True)] if len(at) else at
    yield from _by_code(cases, cases.code[last], cases.case[last], cases.value[last])


def _each_code(cases: Cases, sort: str) -> _Numbers:
    """Yield of each code how often the cases that have it do, or how long ago they had it last."""
    width = max(1, len(cases))
    order = np.lexsort((cases.days, cases.case, cases.code))
    key = cases.code[order] * width + cases.case[order]
    last = np.flatnonzero(np.append(key[1:] != key[:-1], True)) if len(key) else order
    code, case = np.divmod(key[last], width)
    counts = np.diff(last, prepend=-1).astype(np.float64)
    days = cases.days[order[last]]
    yield from _by_code(cases, code, case, counts if sort == "count" else days)


def _by_code(cases: Cases, code: Counts, case: Counts, numbers: Floats) -> _Numbers:
    """Yield the numbers of each code, which come code by code."""
    bounds = np.searchsorted(code, np.arange(len(cases.codes) + 1))
    for name, low, high in zip(cases.codes, bounds[:-1], bounds[1:], strict=True):
        if high > low:
            yield name, case[low:high], numbers[low:high]


def _layers_of(cases: Cases) -> Iterator[_Layer]:
    """Yield who has which sex and an age, which code, which concept, which group of concepts."""
    yield _people(cases)
    yield _Layer(cases.case, cases.code, cases.codes, ())
    concepts, concept_of = np.unique(np.array(cases.concepts, dtype=str), return_inverse=True)
    stems, stem_of = np.unique([_stem(c) for c in concepts.tolist()] or [""], return_inverse=True)
    of_concept: list[set[str]] = [set() for _ in concepts]
    of_stem: list[set[str]] = [set() for _ in stems]
    for code, k in zip(cases.codes, concept_of.tolist(), strict=True):
        of_concept[k].add(code)
        of_stem[stem_of[k]] |= {code, str(concepts[k])}
    for names, places, members in (
        (concepts, concept_of, of_concept),
        (stems, stem_of[concept_of], of_stem),
    ):
        listed = [f"{name}" for name in names.tolist()]
        held = [frozenset(each) for each in members]
        if len(cases.code):
            yield _Layer(cases.case, places[cases.code], listed, held)


def _people(cases: Cases) -> _Layer:
    """Return who has a birth date, a sex at all, and which."""
    sexes = sorted({str(sex) for sex in cases.sex if sex is not None})
    has: dict[str, Array] = {
        "age (any value)": np.isfinite(cases.age_years),
        "sex (any value)": np.array([sex is not None for sex in cases.sex], bool),
        **{f"sex={sex}": cases.sex == sex for sex in sexes},
    }
    at = [np.flatnonzero(who) for who in has.values()]
    thing = np.repeat(np.arange(len(has)), [len(rows) for rows in at])
    members = [frozenset({name.split("=")[0].split(" ")[0]}) for name in has]
    return _Layer(np.concatenate(at), thing, list(has), members)


def _stem(concept: str) -> str:
    """Return the name of the group a concept is of: ``condition:E11...`` of E11.9, else itself.

    Examples
    --------
    >>> _stem("condition:E11.9"), _stem("condition:250.83"), _stem("drug:metformin")
    ('condition:E11...', 'condition:250...', 'drug:metformin')
    """
    kind, _, code = concept.rpartition(":")
    head, dot, _ = code.partition(".")
    letters = code[:1].isalpha() and code[1:_STEM].isdecimal() and len(code) >= _STEM
    if letters and code.isascii() and " " not in code:
        return f"{kind}:{code[:_STEM].upper()}..."
    return f"{kind}:{head}..." if dot and head.isalnum() else concept


# --- of columns ----------------------------------------------------------------------------


def _of_columns(table: Columns, y: Counts) -> tuple[_Families, Iterator[_Layer]]:
    return [("value", _column_values(table, y))], iter([_presences(table)])


def _column_values(table: Columns, y: Counts) -> _Numbers:
    """Yield numbers as they are, and categories as their shares of positives."""
    for name, column in table.values.items():
        if column.dtype.kind in "biuf":
            values = column.astype(np.float64)
            at = np.flatnonzero(np.isfinite(values))
            yield name, at, values[at]
        elif column.ndim == 1:
            codes = np.unique([str(v) for v in column], return_inverse=True)[1]
            n = np.bincount(codes)
            if len(n) * _PER_CATEGORY <= len(codes):  # else nearly an id: its own outcome
                yield name, np.arange(len(codes)), (np.bincount(codes, y) / n)[codes]


def _presences(table: Columns) -> _Layer:
    """Return who has a value at all in a column, and who has which category."""
    rows: list[Array] = []
    things: list[Array] = []
    names: list[str] = []
    members: list[frozenset[str]] = []

    def add(name: str, of: frozenset[str], at: Array) -> None:
        rows.append(at)
        things.append(np.full(len(at), len(names)))
        names.append(name)
        members.append(of)

    for name, column in table.values.items():
        if column.dtype.kind in "biuf":
            add(f"{name} (any value)", frozenset({name}), np.flatnonzero(np.isfinite(column)))
            continue
        cells = column.reshape(len(column), -1)
        there = np.array([[v is not None and v == v for v in row] for row in cells], bool)
        add(f"{name} (any value)", frozenset({name}), np.flatnonzero(there.any(axis=1)))
        at, _ = np.nonzero(there)
        values, which = np.unique([str(v) for v in cells[there]] or [""], return_inverse=True)
        n = np.bincount(which, minlength=len(values))
        for k in np.flatnonzero(n >= _FEWEST):
            add(f"{name}={values[k]}", frozenset({name}), np.unique(at[which == k]))
    empty = np.empty(0, np.int64)
    return _Layer(np.concatenate([empty, *rows]), np.concatenate([empty, *things]), names, members)

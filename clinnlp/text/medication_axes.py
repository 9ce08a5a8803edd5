"""Axes of a drug that only the words of prescriptions can tell.

Some words decide an axis of the drug that they are said of ("not given", "contraindicated",
"penicillin: rash"). Others take back what a cue says of the words before the drug: "no bleeding on
warfarin" negates the bleeding, "do not stop aspirin" the stopping, and an order begins a clause of
its own ("no fever, start aspirin"). A drug that stands with a dose among past conditions is none of
them: "PMH: htn, lisinopril 10 mg daily".
"""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from clinnlp.core.notes import AXES, Assertion, Entity
from clinnlp.core.spans import Span
from clinnlp.core.tables import LEAVING
from clinnlp.text.medication_changes import Change
from clinnlp.text.medication_gaps import WORD, line_of
from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["in_use", "settled"]

_MOST = 120  # characters between a cue and a drug that it does not speak of
_MOST_WORDS = 4  # between words of a prescription and their drug
_ENDED = ("negated", "uncertain")  # axes that an order ends
_CLAUSE = re.compile(r"[,;]\s*\Z")
_BREAK = re.compile(r"[,;:]")
_PART = re.compile(r"[,;:\n]|\.(?=\s)")  # ends a clause
_YEAR = re.compile(r"(?<!\d)(?:19|20)\d\d(?!\d)")
_NEAR = 40  # characters around a drug that tell when it was taken
_TAKEN = frozenset(("dose", "strength", "frequency", "prn"))


def settled(
    terms: Terms, folded: str, drugs: Sequence[Entity], changes: Sequence[Change], start: int
) -> list[Assertion]:
    """Return the assertion of each drug of a passage, its own axes settled.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    drugs : sequence of Entity
        In text order.
    changes : sequence of Change
        What is said of each.
    start : int
        Where the passage begins.
    """
    made: list[Assertion] = []
    freed: Span | None = None  # the cue that does not speak of the drug before
    for k, (drug, change) in enumerate(zip(drugs, changes, strict=True)):
        before = drugs[k - 1].span.end if k else start
        said, freed = _freed(terms, folded, drug, before, freed)
        if k and change.value == "start" and changes[k - 1].value == "stop":
            said = _current(said, drugs[k - 1].span)
        said = _without_risk(terms, folded, said, drug.span.start)
        if said.negated or said.uncertain:
            said = _in_own_clause(terms, folded, said, drug.span.start)
        made.append(_decided(said, change, _condition(terms, folded, start, drug.span.start)))
    return made


def in_use(
    terms: Terms,
    folded: str,
    said: Assertion,
    drug: Span,
    found: Mapping[str, object],
    headings: Collection[Span | None] = (),
) -> Assertion:
    """Return the assertion of a drug, not past where it is taken among past conditions.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    said : Assertion
    drug : Span
    found : mapping
        The attributes of the drug.
    headings : collection of Span
        Of the sections of past conditions.
    """
    cue = said.cues.get("historical") if said.historical else None
    if cue is None or cue.end > drug.start or found.get("change") in LEAVING:
        return said
    word = folded[cue.start : cue.end]
    if cue not in headings and not terms.is_term("history", word):
        return said
    used = terms.uses.search(folded, max(cue.end, drug.start - _NEAR), drug.start)
    if used is None and (terms.word_value("history", word) == "use" or not _TAKEN & found.keys()):
        return said
    is_past = "duration" in found or _was_taken(terms, folded, cue.end, drug, used)
    return said if is_past else _without(said, "historical")


def _was_taken(
    terms: Terms, folded: str, after: int, drug: Span, used: re.Match[str] | None
) -> bool:
    """Return whether the words around a drug say that it was taken once, or in a year."""
    at = used.start() if used else drug.start
    before = folded[_clause_before(folded, after, at) : at]
    if used:
        before = " ".join(before.split()[-1:])  # "previously on"; not: "s/p stent on"
    end = _PART.search(folded, drug.end, drug.end + _NEAR)
    behind = folded[drug.end : end.start() if end else drug.end + _NEAR]
    return any((terms.used_once.search(before), _YEAR.search(before), _YEAR.search(behind)))


def _clause_before(folded: str, start: int, at: int) -> int:
    """Return where the clause begins that goes on to an offset."""
    return max((m.end() for m in _PART.finditer(folded, max(start, at - _MOST), at)), default=start)


def _freed(
    terms: Terms, folded: str, drug: Entity, before: int, freed: Span | None
) -> tuple[Assertion, Span | None]:
    """Return what is said of a drug without a negation of other words, and the cue of that."""
    said, at = drug.assertion, drug.span.start
    cue = _cue(said, "negated", at)
    if cue is None:
        return said, None
    goes_on = freed == cue and terms.ands.issuperset(WORD.findall(folded[before:at]))
    if not goes_on and not _is_of_other(terms, folded, cue, at, has_before=before > cue.end):
        return said, None
    past = said.cues.get("historical")
    said = _without(said, "negated")
    # the "reaction to" of "no reaction to"
    return (_without(said, "historical") if past and past.start >= cue.end else said), cue


def _cue(said: Assertion, axis: str, at: int) -> Span | None:
    """Return the words a little before a drug that made an axis true."""
    cue = said.cues.get(axis) if getattr(said, axis) else None
    return cue if cue is not None and cue.end <= at < cue.end + _MOST else None


def _is_of_other(terms: Terms, folded: str, cue: Span, at: int, *, has_before: bool) -> bool:
    """Return whether a negation before a drug is said of other words than the drug."""
    between = folded[cue.end : at]
    if has_before:
        return terms.is_term("before", folded[cue.start : cue.end]) and bool(_BREAK.search(between))
    if terms.effects.search(between):
        return True
    if terms.is_term("denies", folded[cue.start : cue.end]) and terms.ons.search(between):
        return True
    return any(
        item.start < cue.end and _takes_on(terms, item, folded[item.end : at])
        for item in terms.find(folded, cue.start, at)
    )


def _takes_on(terms: Terms, item: Item, rest: str) -> bool:
    """Return whether a find right before a drug says that it goes on: "do not stop"."""
    is_near = len(rest.split()) <= _MOST_WORDS and not _BREAK.search(rest)
    return is_near and item.field == "none" and terms.value(item) != ""


def _current(said: Assertion, before: Span) -> Assertion:
    """Return what is said of a drug that takes the place of one before: it is not past."""
    cue = said.cues.get("historical")
    if said.historical and cue is not None and cue.end <= before.start:
        return _without(said, "historical")
    return said


def _without_risk(terms: Terms, folded: str, said: Assertion, at: int) -> Assertion:
    """Return what is said of a drug without what is of its effect: "risk of bleeding on A"."""
    cue = _cue(said, "hypothetical", at)
    if cue is None:
        return said
    is_effect = terms.effects.search(folded, cue.end, at) and terms.ons.search(folded[cue.end : at])
    if is_effect or _is_above(terms, folded, cue, at):
        return _without(said, "hypothetical")
    return said


def _is_above(terms: Terms, folded: str, cue: Span, at: int) -> bool:
    """Return whether "as needed for pain" ends the line above that of a drug."""
    if line_of(folded, cue.end, at) < 0:
        return False
    return any(item.field == "prn" for item in terms.find(folded, cue.start, cue.end))


def _in_own_clause(terms: Terms, folded: str, said: Assertion, at: int) -> Assertion:
    """Return what is said of a drug without axes whose cue stands before an order: ", start"."""
    for axis in _ENDED:
        cue = _cue(said, axis, at)
        if cue is not None and _ends(terms, folded, cue.end, at, axis):
            said = _without(said, axis)
    return said


def _ends(terms: Terms, folded: str, start: int, at: int, axis: str) -> bool:
    """Return whether an order stands between the end of a cue and a drug."""
    if axis == "uncertain" and terms.includes.search(folded, start, at):
        return True
    return any(
        item.field in CHANGE_FIELDS
        and terms.value(item).removeprefix(">") not in AXES
        and _CLAUSE.search(folded, start, item.start) is not None
        and _BREAK.search(folded, item.end, at) is None
        for item in terms.find(folded, start, at)
    )


def _condition(terms: Terms, folded: str, start: int, at: int) -> Span | None:
    """Return the "if" of "If pain persists, take X"."""
    comma = folded.rfind(",", start, at)
    if comma < 0 or not terms.takes.match(folded, comma + 1, at):
        return None
    cue = terms.ifs.search(folded, max(start, folded.rfind(". ", start, at)), comma)
    few = len(WORD.findall(folded[comma:at])) <= _MOST_WORDS
    return Span(*cue.span()) if cue is not None and few else None


def _decided(said: Assertion, change: Change, condition: Span | None) -> Assertion:
    """Return an assertion with the axis true that the words of a change decide."""
    axis, cue = (change.value, change.cue) if change.value in AXES else ("", None)
    if condition is not None and change.value not in (*LEAVING, *AXES):
        axis, cue = "hypothetical", condition
    if not axis or getattr(said, axis):
        return said
    cues = dict(said.cues) if cue is None else {**said.cues, axis: cue}
    made: dict[str, Any] = {axis: True}
    return replace(said, cues=cues, **made)


def _without(said: Assertion, axis: str) -> Assertion:
    made: dict[str, Any] = {axis: False}
    return replace(said, cues={k: v for k, v in said.cues.items() if k != axis}, **made)

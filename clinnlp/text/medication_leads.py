"""What leads to each dose of a drug: "from 20 mg to 40 mg", "20 -> 40 mg", "now 40 mg".

A range is taken apart into two doses only where the dose is changed ("increase A 20 mg to 40 mg",
but "20 mg to 40 mg"), and into the steps of a taper behind a word such as "taper from".
"""

import re
from collections.abc import Sequence

from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["DOSES", "TURNS", "Led", "led"]

DOSES = ("amount", "count", "number")
TURNS = ("before", "now", "into")  # what leads to a dose that replaces another or is replaced

_LOOK_BACK = 60  # characters before a dose in which words lead to it
_STOP = re.compile(r"[.;](?=\s)|\n")

Led = tuple[Item, str]  # a find, and the field of the words that lead to it


def led(items: Sequence[Item], terms: Terms, folded: str, *, turned: bool) -> list[Led]:
    """Return the finds with what leads to each dose, doses that a change joins taken apart.

    Parameters
    ----------
    items : sequence of Item
        Of one drug, from the left.
    terms : Terms
    folded : str
        The whole text, folded.
    turned : bool
        The dose is increased or decreased.
    """
    leads = _leads(items, terms, folded)
    found: list[Led] = []
    tapers = follows = False  # follows: no word of change since the dose before
    for k, (item, (since, lead)) in enumerate(zip(items, leads, strict=True)):
        if item.field not in DOSES:
            found.append((item, ""))
            follows = follows and item.field not in CHANGE_FIELDS
            continue
        turned = turned or terms.switches.search(folded, since, item.start) is not None
        if lead == "before" or _is_turn(item, lead, terms, turned=turned and not follows):
            tapers = terms.tapers.search(folded, since, item.start) is not None
            is_last = not any(name in ("into", "now") for _, name in leads[k + 1 :])
            doses = _doses(item, "before", terms, turned=turned or tapers, is_last=is_last)
        else:
            lead = _towards(lead, found, turned=turned and follows)
            doses = _doses(item, lead, terms, turned=turned, is_last=False)
        if found and doses[-1][1] == "now" and terms.is_term("now", found[-1][0].text):
            found.pop()  # the "now" of "now 40 mg", which elsewhere is a frequency
        found += _as_steps(doses) if tapers else doses
        follows = True
    return found


def _is_turn(item: Item, lead: str, terms: Terms, *, turned: bool) -> bool:
    """Return whether a range is a change of dose: "increase A 20 mg to 40 mg"."""
    return turned and not lead and terms.joins_by_to(item)


def _as_steps(doses: Sequence[Led]) -> list[Led]:
    """Return the doses of a taper: each follows the one before, none replaces it."""
    return [(dose, "then" if name in TURNS else name) for dose, name in doses]


def _doses(item: Item, lead: str, terms: Terms, *, turned: bool, is_last: bool) -> list[Led]:
    """Return the doses of one find with what leads to each; of two rates the one in force."""
    pieces = terms.apart(item)
    led = list(zip(pieces, [lead, *("now" for _ in pieces[1:])], strict=True))
    ends = terms.apart(item, by_to=True) if lead == "before" and is_last else []
    if len(pieces) == 1 and len(ends) > 1:
        if not turned:
            return [(item, "")]  # "from 1/2 to 3/4 tablet"
        led = list(zip(ends, ("before", *("into" for _ in ends[1:])), strict=True))
    return led[-1:] if len(led) > 1 and terms.is_rate(item) else led


def _towards(lead: str, before: Sequence[Led], *, turned: bool) -> str:
    """Return what "to" means before a dose: "20 mg daily to 40 mg daily" is never a sum."""
    if lead != "into" or any(name == "before" for _, name in before):
        return lead
    if not any(item.field in DOSES for item, _ in before):
        return ""
    return "now" if turned else "then"


def _leads(items: Sequence[Item], terms: Terms, folded: str) -> list[tuple[int, str]]:
    """Return for each find where the text before it begins, and what leads to it if a dose."""
    leads = []
    since = _since(folded, items[0].start)
    for item in items:
        is_dose = item.field in DOSES
        since = max(since, item.start - _LOOK_BACK)
        leads.append((since, terms.lead(folded, since, item.start) if is_dose else ""))
        if item.field not in (*CHANGE_FIELDS, "then") and not terms.is_term("now", item.text):
            since = item.end
    return leads


def _since(folded: str, end: int) -> int:
    start = max(0, end - _LOOK_BACK)
    return max((stop.end() for stop in _STOP.finditer(folded, start, end)), default=start)

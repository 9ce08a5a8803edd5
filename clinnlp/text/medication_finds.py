"""Which finds between two drugs say something of a drug, and which only look as if they did.

A value that was measured is no dose ("level 1.2 ng/mL", "trough 15", "K 4.1"). A bare number is one
behind the name of a drug where nothing else follows ("ASA 81, Plavix 75") or a route, a frequency
or the like does, or behind "alternating". One day of the week is said of a dose only where others
are: "5 mg daily except 2.5 mg on Wed". Two letters that are also words are a frequency behind a
dose alone ("5 mg od").
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from clinnlp.text.medication_terms import Item, Terms

__all__ = ["Finds"]

_BESIDE_NUMBER = (
    "route",
    "frequency",
    "meals",
    "prn",
    "duration",
    "days",
    "others",
)  # before one of these a number counts
_BEHIND_BRIEF = ("route", "prn", "duration", "stretch", "for")
_DOSES = ("amount", "count", "number")
_BEFORE_DAYS = (*_DOSES, "route", "frequency", "form", "others", "pair")
_BRIEF = ("brief", "stretch")  # what counts behind a dose, or a frequency, alone
_DIGITS = ("amount", "pair", "number", "ratio")
_LOOK_BACK = 24  # characters before a value in which "level" stands
_CLOSED = re.compile(r"\s*(?:[,;+&|\n]|[-–—]+>?\s|[)/]|\.(?!\d)|\Z)")
_NUMBERED = re.compile(r"\s*[.)]\s*\Z")  # the "2." before the next drug of a list
_PLAIN = re.compile(r"\d{1,4}|\d{1,2}\.(?:5|25|75|125|375|625)")
_PER_LITRE = re.compile(r"/\s?l\Z")
_PER_VOLUME = re.compile(r"/\s?(?:[md]?l|cc)\Z")
_DATE = re.compile(r"/\d")  # "1/7/20"
_TWO = re.compile(r"\d{1,4}/[1-9]\d{1,3}")
_PER_WEIGHT = re.compile(r"kg|m2|kilogram")
_OF_EYE = "ophthalmic"  # the routes behind which "od" is the right eye
_YEARS = range(1900, 2100)
_LEAST_MIXED = 10  # "5-325" of two drugs in one, but "1-2" of their tablets
_LEAST_MONITORED = 50  # a smaller number behind "digoxin" or "vancomycin" is a level
_BREAK = re.compile(r"[,;:)\n]|\.(?=\s)")


@dataclass(frozen=True, slots=True)
class Finds:
    """The finds of a gap, read where they stand.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    start, end : int
        The gap.
    name : str
        The drug before the gap, folded; empty before the first drug.
    has_next : bool
        A drug ends the gap.
    """

    terms: Terms
    folded: str
    start: int
    end: int
    name: str
    has_next: bool

    def kept(self, found: Sequence[Item]) -> Iterator[Item]:
        """Yield those that say something of a drug, as what they are where they stand."""
        last: Item | None = None
        several = sum(item.field in ("days", "others") for item in found) > 1
        for item, following in zip(found, [*found[1:], None], strict=False):
            touched = self._touching(last, item)
            made = (
                self._days(item, touched, several=several)
                if item.field == "days"
                else self._read(item, touched, following)
            )
            if made is not None and self._counts(made, touched, following):
                yield made
                last = made

    def _touching(self, last: Item | None, item: Item) -> Item | None:
        """Return the find before another if nothing stands between them."""
        if last is None:
            return None
        passed: frozenset[str] = frozenset()
        if item.field in ("days", "others"):
            passed = self.terms.ons_of_days
        elif last.field == "alternate":
            passed = self.terms.intos
        elif item.field == "brief" and last.field == "frequency" and self._is_brief(last):
            passed = self.terms.ands
        between = self.folded[last.end : item.start].split()
        return last if passed.issuperset(between) else None

    def _read(self, item: Item, last: Item | None, following: Item | None) -> Item | None:
        """Return a find as what it is behind the find that it touches, None where it is nothing."""
        if item.field == "none":
            return None
        if item.field == "chain":
            return item._replace(field="amount")
        if item.field == "meals":
            return item._replace(field="frequency") if last or self._is_first(item) else None
        if item.field in _BRIEF or (item.field == "route" and self._is_brief(item)):
            return self._brief(item, last, following)
        if item.field == "pair" and "-" in item.text:
            return self._pair(item)
        return item

    def _days(self, item: Item, last: Item | None, *, several: bool) -> Item | None:
        """Return days as a frequency behind a dose, as days off behind "except"."""
        if self._is_left_out(item.start):
            return item._replace(field="days_off")
        if last is None or last.field not in _BEFORE_DAYS:
            return None
        is_said = several or self._is_left_out(last.start) or not self.terms.is_one_day(item)
        return item._replace(field="frequency") if is_said else None

    def _is_left_out(self, start: int) -> bool:
        """Return whether "except", or "except on", stands before an offset."""
        before = self.folded[max(self.start, start - _LOOK_BACK) : start].rstrip()
        *_, last = ("", *before.split())
        if last in self.terms.ons_of_days:
            before = before.removesuffix(last)
        return self.terms.lead(before, 0, len(before)) == "except"

    def _is_brief(self, item: Item) -> bool:
        return self.terms.is_term("brief", item.text)

    def _pair(self, item: Item) -> Item:
        """Return "875-125" as it stands, "50-100" of one drug as a range."""
        low, _, high = item.text.partition("-")
        is_mixed = float(high) >= _LEAST_MIXED and self.terms.is_combination(self.name)
        return item if is_mixed or float(low) > float(high) else item._replace(field="number")

    def _brief(self, item: Item, last: Item | None, following: Item | None) -> Item | None:
        """Return what has a meaning only at the end of a phrase: "5 mg od", "60 mg daily 1 wk"."""
        is_closed = last is not None and self._is_closed(item, following)
        if item.field == "stretch":
            ends = is_closed and last is not None and last.field == "frequency"
            ends = ends and not ("/" in item.text and _DATE.match(self.folded, item.end))
            return item._replace(field="duration") if ends or self._is_of(item) else _other(item)
        if is_closed and last is not None and self._leads_brief(item, last):
            return item._replace(field="frequency")
        return None if item.field == "brief" else item

    def _leads_brief(self, item: Item, last: Item) -> bool:
        """Return whether "od" behind a find is how often: "5 mg od", "5 mg iv od"."""
        if last.field == "route":
            return self.terms.value(last) != _OF_EYE and not self._is_brief(last)
        if last.field == "frequency":
            return self._is_brief(last) and item.field == "brief"  # "40 mg am and pm"
        return _weighs(self.terms, last)

    def _is_of(self, item: Item) -> bool:
        """Return whether a stretch is that of the next drug: "10 days of doxycycline"."""
        return self.has_next and self.folded[item.end : self.end].strip() in self.terms.ofs

    def _beside(self, item: Item, following: Item | None) -> str:
        """Return the field of the find right behind another, empty where there is none."""
        if following is None or self.folded[item.end : following.start].strip():
            return ""
        return following.field

    def _is_closed(self, item: Item, following: Item | None = None) -> bool:
        """Return whether the text behind a find goes on with no word of its phrase."""
        if self._beside(item, following) in _BEHIND_BRIEF:
            return True
        rest = self.folded[item.end : self.end]
        return _CLOSED.match(rest) is not None or rest.split()[0] in self.terms.ands

    def _counts(self, item: Item, last: Item | None, following: Item | None) -> bool:
        if item.field in _DIGITS and self._is_measured(item):
            return False
        if item.field == "number" and last is not None and last.field == "alternate":
            return True
        if item.field == "number":
            return self._is_dose(item, following)
        # "80/125" counts right behind the name of a combination
        return item.field != "pair" or self._is_first(item)

    def _is_first(self, item: Item) -> bool:
        return not self.folded[self.start : item.start].strip()

    def _is_measured(self, item: Item) -> bool:
        """Return whether a find is a value that was measured, or a step: "increase by 10 mg"."""
        terms, folded = self.terms, self.folded
        if "/" in item.text and terms.is_measured(item):
            return True
        since = max(self.start, item.start - _LOOK_BACK)
        last = folded[since : item.start].rsplit(None, 1)[-1:]
        if not terms.step_ends.isdisjoint(last) and terms.steps.search(folded, since, item.start):
            return not terms.lead(folded, since, item.start)
        if not self.name:
            return False
        clause = _BREAK.split(folded[since : item.start])[-1]
        named = list(terms.measures.finditer(clause))
        if named and not any(map(str.isdigit, clause[named[-1].end() :])):
            return item.field in ("amount", "number")  # not: "level 18 on 300 mg"
        return not clause.strip() and self._is_level(item)

    def _is_level(self, item: Item) -> bool:
        """Return whether a rate right behind a drug is its level: "phenytoin 14 mcg/mL"."""
        if item.field != "amount" or "/" not in item.text or not self.terms.is_rate(item):
            return False
        if not _PER_VOLUME.search(item.text):
            return False
        field = "lab" if _PER_LITRE.search(item.text) else "monitored"
        return self.terms.is_term(field, self.name) or self.terms.is_term("monitored", self.name)

    def _is_dose(self, item: Item, following: Item | None) -> bool:
        """Return whether a bare number is a dose."""
        beside = self._beside(item, following)
        is_first = self._is_first(item)
        if beside in _BESIDE_NUMBER:
            return is_first or beside != "duration"
        if not is_first or not self._is_plain(item.text):
            return False
        if beside:
            return beside not in ("for", *_DIGITS)
        is_numbered = self.has_next and _NUMBERED.match(self.folded[item.end : self.end])
        return not is_numbered and self._is_closed(item)

    def _is_plain(self, text: str) -> bool:
        """Return whether a number can be the dose of the drug without a unit."""
        if not self.name or not _PLAIN.fullmatch(text) or float(text) in _YEARS:
            return False
        if self.terms.is_term("lab", self.name):
            return False
        return float(text) >= _LEAST_MONITORED or not self.terms.is_term("monitored", self.name)


def _other(item: Item) -> Item | None:
    """Return "5/25" that is no stretch as two numbers, None where there are none."""
    if _TWO.fullmatch(item.text):
        return item._replace(field="pair")
    return item._replace(field="number") if "/" in item.text else None


def _weighs(terms: Terms, item: Item) -> bool:
    """Return whether a find is a dose that is swallowed: of no drops, puffs or percent."""
    if item.field == "amount":
        return terms.amount(item.text).mg is not None or _PER_WEIGHT.search(item.text) is not None
    form = terms.form_in(item) if item.field == "count" else None
    return form is not None and terms.value(form) == "unit"

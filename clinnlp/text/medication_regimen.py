"""From the finds around one drug to its attributes, with their values.

The finds are read from the left into *steps*: an amount or a count, its strength, form and
frequency. A new amount after a frequency, or after a word such as "then", begins the next step.
Where two doses stand before one frequency, neither has it. One step gives words and values; of
several the first gives the words, `schedule` keeps them all, and the daily dose is their sum,
unless they follow one another (a taper). Doses taken in turn ("alternating 5 mg and 2.5 mg daily")
are steps that share their frequency. Days of the week that leave some out give no daily dose where
each has its own ("5 mg Mon, 2.5 mg Tue").

A dose that another takes the place of is no step: "from 20 mg daily to 40 mg daily", "20 -> 40 mg",
"40 mg, previously 20 mg". A range is taken apart so only where the dose is changed ("increased from
20 to 40 mg", but "20 to 40 mg"), and into the steps of a taper behind a word such as "taper from".
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from clinnlp.core.notes import Attribute
from clinnlp.text.medication_leads import DOSES, TURNS, Led, led
from clinnlp.text.medication_terms import CHANGE_FIELDS, Amount, Item, Range, Terms

__all__ = ["regimen"]

_ROUND = 6
_MOST_ITEMS = 100  # finds of one drug: a page of numbers is read in linear time
_PAIR = re.compile(r"\d\s?[-–/]\s?\d")


@dataclass(slots=True)
class _Step:
    amount: Item | None = None  # "40 mg"
    count: Item | None = None  # "2 tablets"
    strength: Item | None = None  # "1%"
    form: Item | None = None
    frequency: Item | None = None
    per_day: Range | None = None
    is_doubtful: bool = False  # of two doses nobody knows which the frequency belongs to
    is_except: bool = False  # on days that the step before leaves out
    is_other: bool = False  # on the days that another step leaves
    is_old: bool = False  # no longer in force
    is_new: bool = False  # in place of an old one
    items: list[Item] = field(default_factory=list)

    def holds_dose(self) -> bool:
        return self.amount is not None or self.count is not None

    def is_whole(self) -> bool:
        """Return whether a dose behind another is more than its repetition."""
        return self.frequency is not None or self.is_old or self.is_new or self.lasts()

    def lasts(self) -> bool:
        return any(item.field == "duration" for item in self.items)


def regimen(
    items: Sequence[Item],
    terms: Terms,
    text: str,
    folded: str,
    *,
    change: str = "",
    is_mixed: bool = False,
) -> dict[str, Attribute]:
    """Return the attributes that the finds of one drug give; what the text does not say is absent.

    Parameters
    ----------
    items : sequence of Item
        From the left.
    terms : Terms
    text, folded : str
        Of the whole note.
    change : str
        What the note says of the drug, such as ``"increase"``.
    is_mixed : bool
        The drug is two in one: "25-100 mg" is no range.
    """
    if not items:
        return {}
    items = items[:_MOST_ITEMS]
    turned = change in ("increase", "decrease")
    every, is_taper = _steps(led(items, terms, folded, turned=turned), terms, folded)
    steps, old = _in_force(every, turned=turned)
    first = steps[0]
    dose, strength = _dose_and_strength(first, terms, folded)
    duration = None if steps[1:] else _first(items, "duration")
    items_of = {
        "dose": dose,
        "strength": strength,
        "form": first.form,
        "route": _first(items, "route"),
        "frequency": first.frequency,
        "duration": duration,
        "dose_before": _dose_and_strength(old[0], terms, folded)[0] if old else None,
    }
    found: dict[str, Attribute] = {
        name: _words(text, item.start, item.end) for name, item in items_of.items() if item
    }
    if _first(items, "prn"):
        found["prn"] = True
    if old and not change:
        found |= _turned(old[0], first, terms, folded)
    doses = _doses(steps, terms, folded, is_mixed=is_mixed)
    _put(found, "dose_mg", doses[0])
    if len(steps) == 1:
        _put(found, "doses_per_day", first.per_day)
        _put(found, "duration_days", terms.computed(duration) if duration else None)
    else:
        found["schedule"] = _schedule(text, steps)
    # the sum of a taper's steps is taken on no day, and of "as needed" nobody knows how often
    if not is_taper and "prn" not in found and not _leaves_days(steps, terms):
        _put_daily(found, doses, [step.per_day for step in steps])
    return found


def _turned(old: _Step, new: _Step, terms: Terms, folded: str) -> dict[str, Attribute]:
    """Return the change that an arrow between two doses of one unit says: "40 -> 80 mg"."""
    doses = [_dose_and_strength(step, terms, folded)[0] for step in (old, new)]
    if doses[0] is None or doses[1] is None or old.per_day not in (None, new.per_day):
        return {}
    if not terms.has_arrow(folded, doses[0].start, doses[1].start):
        return {}
    return _turn(terms.amount(doses[0].text), terms.amount(doses[1].text))


def _turn(before: Amount, now: Amount) -> dict[str, Attribute]:
    if before.numbers is None or now.numbers is None or before.mg not in (None, now.mg):
        return {}
    if before.numbers == now.numbers:
        return {}
    return {"change": "increase" if before.numbers < now.numbers else "decrease"}


def _schedule(text: str, steps: Sequence[_Step]) -> str:
    said = [item for step in steps for item in step.items if item.field not in CHANGE_FIELDS]
    return _words(text, said[0].start, said[-1].end)


def _first(items: Sequence[Item], name: str) -> Item | None:
    return next((item for item in items if item.field == name), None)


def _steps(finds: Sequence[Led], terms: Terms, folded: str) -> tuple[list[_Step], bool]:
    """Return the steps of a regimen, and whether they follow one another."""
    reading = _Reading()
    for item, lead in finds:
        if item.field == "then":
            reading.then = True
            continue
        if item.field == "alternate":
            reading.in_turn = True
        elif item.field == "days_off":
            reading.leave_out(item, terms)
            continue
        if item.field in DOSES and not terms.is_rate(item):
            reading.dose(item, lead)
        elif lead in ("now", "into"):
            reading.steps[-1].strength = None  # of two rates the one in force
        _add(reading.steps[-1], item, terms, folded)
    return _kept(reading)


def _kept(reading: "_Reading") -> tuple[list[_Step], bool]:
    """Return the steps that are more than repetitions, and whether they follow one another."""
    first, *more = reading.steps
    whole = [step for step in more if reading.is_taper or reading.in_turn or step.is_whole()]
    steps = [first, *whole]
    for k, step in enumerate(steps):
        _share_days(steps[:k], step)
    whole = [step for step in whole if step.holds_dose() or not step.is_except]
    steps = [first, *whole]
    if reading.in_turn:
        _take_in_turn([step for step in steps if step.holds_dose()])
    is_taper = reading.is_taper or all(step.lasts() for step in steps)
    return steps, is_taper and bool(whole)


def _share_days(before: Sequence[_Step], step: _Step) -> None:
    """Let "other days" be the days of the week that the steps before leave, and "except" so too."""
    rest = 1.0 - sum(one.per_day[0] for one in before if one.per_day)
    if step.is_other and 0 < rest < 1:
        step.per_day = (rest, rest)
    elif step.is_except and step.per_day and before and before[0].per_day == (1.0, 1.0):
        rest = 1 - step.per_day[0]
        before[0].per_day = (rest, rest) if rest > 0 else before[0].per_day


@dataclass(slots=True)
class _Reading:
    """The steps that the finds read so far make."""

    steps: list[_Step] = field(default_factory=lambda: [_Step()])
    then: bool = False  # a word such as "then" stood behind the last dose
    is_taper: bool = False
    in_turn: bool = False  # a word such as "alternating" stood before or between the doses

    def leave_out(self, item: Item, terms: Terms) -> None:
        """Begin the step of the days that the one before leaves out; a dose may follow."""
        per_day = terms.computed(item._replace(field="frequency"))
        self.steps.append(_Step(frequency=item, per_day=per_day, is_except=True, items=[item]))

    def dose(self, item: Item, lead: str) -> None:
        """Begin the next step with a dose, where it is no part of the step at hand."""
        step = self.steps[-1]
        self.then = self.then or lead == "then"
        if lead == "now" and (self.then or step.is_new or step.lasts()):
            self.then, lead = True, ""  # "60 -> 40 -> 20 mg", "20 mg for a week, increased to 40"
            self._keep_all()
        if lead == "into" and not step.is_old:
            lead = ""
        if _is_next(step, item, then=self.then or self.in_turn, turns=lead in TURNS):
            self._begin(item, lead)
            self.steps[-1].is_except = lead == "except"
        elif lead == "before":
            step.is_old = True

    def _keep_all(self) -> None:
        """Take what looked like a change for the steps of a taper."""
        for one in self.steps:
            one.is_old = one.is_new = False

    def _begin(self, item: Item, lead: str) -> None:
        self.is_taper = self.is_taper or self.then
        if lead == "now":  # it takes the place of all before it
            for one in self.steps:
                one.is_old = True
        self.steps.append(_next(self.steps[-1], item, lead))
        self.then = False


def _take_in_turn(steps: Sequence[_Step]) -> None:
    """Let doses taken in turn share a frequency that is said once of all of them."""
    said = [step for step in steps if step.frequency is not None]
    n = len(steps)
    if n < 2 or len(said) != 1:
        return
    frequency, per_day = said[0].frequency, said[0].per_day
    if per_day and per_day[1] > 1 / n:  # not "every other day", which is said of each
        per_day = per_day[0] / n, per_day[1] / n
    for step in steps:
        step.frequency, step.per_day = frequency, per_day


def _leaves_days(steps: Sequence[_Step], terms: Terms) -> bool:
    """Return whether doses each of one day leave days of the week of which nothing is said."""
    ones = [
        step.frequency is not None
        and not terms.is_term("frequency", step.frequency.text)
        and terms.is_one_day(step.frequency)
        for step in steps
    ]
    return len(steps) > 1 and all(ones) and len(steps) < 7


def _is_next(step: _Step, item: Item, *, then: bool, turns: bool) -> bool:
    """Return whether a dose begins the next step."""
    if not step.holds_dose():
        return False
    counts = item.field == "count" and step.count is None and step.frequency is None
    return step.frequency is not None or then or step.lasts() or (turns and not counts)


def _next(step: _Step, item: Item, lead: str) -> _Step:
    made = _Step(is_old=lead == "before" or (step.is_old and lead not in ("now", "into")))
    made.is_new = lead in ("now", "into")
    if item.field == "count" and step.count is not None and lead in TURNS:
        made.amount, made.strength = step.amount, step.strength  # "20 mg, from 1 to 2 tablets"
    return made


def _in_force(steps: Sequence[_Step], *, turned: bool) -> tuple[list[_Step], list[_Step]]:
    """Return the steps that are in force, and those that are no longer."""
    old = [step for step in steps if step.is_old]
    steps = [step for step in steps if not step.is_old]
    if not any(step.holds_dose() for step in steps):
        if old and not turned:  # "the dose was 20 mg" tells of no other
            return old, []
        return steps or [_Step()], old
    if steps[0].frequency is None:
        _share_frequency(old, steps[0])
    return steps, old


def _share_frequency(old: Sequence[_Step], first: _Step) -> None:
    """Give the dose in force a frequency said once of both: before the two doses or behind them."""
    for step in old:
        ends = sorted(_starts(step)[:1] + _starts(first)[:1])
        if step.frequency is not None and not ends[0] < step.frequency.start < ends[-1]:
            first.frequency, first.per_day = step.frequency, step.per_day


def _starts(step: _Step) -> list[int]:
    return [item.start for item in (step.count, step.amount) if item is not None]


def _add(step: _Step, item: Item, terms: Terms, folded: str) -> None:
    step.items.append(item)
    if terms.is_rate(item):
        step.strength = step.strength or item
    elif item.field == "amount":
        _add_amount(step, item, terms, folded)
    elif item.field == "number" and not step.holds_dose():
        step.amount = item
    elif item.field in ("count", "number"):
        step.count = step.count or item
        step.form = step.form or (terms.form_in(item) if item.field == "count" else None)
    elif item.field == "form":
        step.form = step.form or item
    elif item.field == "frequency":
        _add_frequency(step, item, terms, folded)
    elif item.field == "others":
        step.frequency, step.is_other = step.frequency or item, True


def _add_amount(step: _Step, item: Item, terms: Terms, folded: str) -> None:
    if step.amount is None:
        step.amount = item
    elif step.count is None and terms.amount(item.text).mg is None:
        # "250 mg/5 ml, 10 ml": what has no weight, right behind one that has, is how much is taken
        beside = folded[step.items[-2].end : item.start].strip()
        step.count = None if beside.strip(",") else item
    elif step.count is None and step.form is None and step.frequency is None:
        step.is_doubtful = step.is_doubtful or _is_rival(step.amount, item, terms, folded)


def _is_rival(first: Item, second: Item, terms: Terms, folded: str) -> bool:
    """Return whether a dose is another than the one before it, not said of it or beside it."""
    if terms.amount(first.text).numbers == terms.amount(second.text).numbers:
        return False
    between = folded[first.end : second.start]
    is_aside = between.rfind("(") > between.rfind(")")  # "12.5 mg (half of a 25 mg tablet)"
    return not is_aside and between.strip() != "/"  # "7.5 mg/500 mg"


def _add_frequency(step: _Step, item: Item, terms: Terms, folded: str) -> None:
    per_day = terms.computed(item)
    known = step.frequency
    if step.is_doubtful:
        return
    if known is None:
        step.frequency, step.per_day = item, per_day
        return
    between = folded[known.end : item.start].strip()
    joined = Item(known.start, item.end, item.field, folded[known.start : item.end])
    if step.per_day is None and per_day is not None:
        step.frequency, step.per_day = item, per_day
    elif step.per_day and per_day and between in terms.ands:
        step.frequency = joined
        step.per_day = (step.per_day[0] + per_day[0], step.per_day[1] + per_day[1])
    elif step.per_day and per_day and between in terms.tos:
        ends = (*step.per_day, *per_day)
        step.frequency, step.per_day = joined, (min(ends), max(ends))


def _dose_and_strength(step: _Step, terms: Terms, folded: str) -> tuple[Item | None, Item | None]:
    if step.count is not None or _holds_one(step, terms, folded):
        return step.count, step.strength or step.amount
    return step.amount, step.strength


def _holds_one(step: _Step, terms: Terms, folded: str) -> bool:
    """Return whether the amount is what one unit holds, not what is taken: "40 mg tablets"."""
    amount, form = step.amount, step.form
    if step.count is not None or amount is None or form is None or form.start < amount.end:
        return False
    return terms.value(form) == "unit" and not folded[amount.end : form.start].strip()


def _doses(
    steps: Sequence[_Step], terms: Terms, folded: str, *, is_mixed: bool
) -> list[Range | None]:
    """Return the milligrams taken at once in each step."""
    of_unit = _unit_of_all(steps, terms)
    return [_mg(step, terms, folded, is_mixed=is_mixed, of_unit=of_unit) for step in steps]


def _unit_of_all(steps: Sequence[_Step], terms: Terms) -> float | None:
    """Return the milligrams of the one unit that the doses of a schedule have, None if several."""
    amounts = [step.amount.text for step in steps if step.amount and step.amount.field == "amount"]
    units = {terms.amount(text).mg for text in amounts}
    return units.pop() if len(units) == 1 else None


def _mg(
    step: _Step, terms: Terms, folded: str, *, is_mixed: bool, of_unit: float | None
) -> Range | None:
    """Return the milligrams taken at once; a bare number has the unit of the other doses."""
    if step.amount is None or (is_mixed and _PAIR.search(step.amount.text)):
        return None
    amount = terms.amount(step.amount.text)
    if step.amount.field == "number":
        amount = amount._replace(mg=of_unit)
    if amount.mg is None or amount.numbers is None:
        return None
    if _holds_one(step, terms, folded):
        return None
    low, high = (number * amount.mg for number in amount.numbers)
    if step.count is None:
        return low, high
    if step.count.field == "amount":  # millilitres of a strength that names none
        return None
    times = terms.numbers(step.count.text)
    return (low * times[0], high * times[1]) if times else None


def _put(found: dict[str, Attribute], name: str, value: Range | None) -> None:
    if value is None:
        return
    low, high = round(value[0], _ROUND), round(value[1], _ROUND)
    if low == high:
        found[name] = low
    else:
        found[f"{name}_low"], found[f"{name}_high"] = low, high


def _put_daily(
    found: dict[str, Attribute], doses: list[Range | None], per_day: list[Range | None]
) -> None:
    low = high = 0.0
    for dose, times in zip(doses, per_day, strict=True):
        if dose is None or times is None:
            return
        low, high = low + dose[0] * times[0], high + dose[1] * times[1]
    _put(found, "daily_mg", (low, high))


def _words(text: str, start: int, end: int) -> str:
    return " ".join(text[start:end].split())

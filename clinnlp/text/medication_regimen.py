"""From the finds around one drug to its attributes, with their values.

The finds are read from the left into *steps*: an amount or a count, its strength, form and
frequency. A new amount after a frequency, or after a word such as "then", begins the next step.
One step gives words and values; of several the first gives the words, `schedule` keeps them all,
and the daily dose is their sum, unless they follow one another (a taper).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from clinnlp.core.notes import Attribute
from clinnlp.text.medication_terms import Item, Range, Terms

__all__ = ["regimen"]

_ROUND = 6


@dataclass(slots=True)
class _Step:
    amount: Item | None = None  # "40 mg"
    count: Item | None = None  # "2 tablets"
    strength: Item | None = None  # "1%"
    form: Item | None = None
    frequency: Item | None = None
    per_day: Range | None = None
    items: list[Item] = field(default_factory=list)

    def holds_dose(self) -> bool:
        return self.amount is not None or self.count is not None


def regimen(items: Sequence[Item], terms: Terms, text: str, folded: str) -> dict[str, Attribute]:
    """Return the attributes that the finds of one drug give; what the text does not say is absent.

    Parameters
    ----------
    items : sequence of Item
        From the left.
    terms : Terms
    text, folded : str
        Of the whole note.
    """
    steps, is_taper = _steps(items, terms, folded)
    first = steps[0]
    if first.count is not None or _holds_one(first, terms, folded):
        dose, strength = first.count, first.strength or first.amount
    else:
        dose, strength = first.amount, first.strength
    duration = next((item for item in items if item.field == "duration"), None)
    route = next((item for item in items if item.field == "route"), None)
    words = {
        "dose": dose,
        "strength": strength,
        "form": first.form,
        "route": route,
        "frequency": first.frequency,
        "duration": duration if len(steps) == 1 else None,
    }
    found: dict[str, Attribute] = {
        name: _words(text, item.start, item.end) for name, item in words.items() if item
    }
    if any(item.field == "prn" for item in items):
        found["prn"] = True
    doses = [_mg(step, terms, folded) for step in steps]
    _put(found, "dose_mg", doses[0])
    if len(steps) == 1:
        _put(found, "doses_per_day", first.per_day)
        _put(found, "duration_days", terms.computed(duration) if duration else None)
    else:
        found["schedule"] = _words(text, steps[0].items[0].start, steps[-1].items[-1].end)
    if not is_taper and "prn" not in found:
        _put_daily(found, doses, [step.per_day for step in steps])
    return found


def _steps(items: Sequence[Item], terms: Terms, folded: str) -> tuple[list[_Step], bool]:
    """Return the steps of a regimen, and whether they follow one another."""
    steps = [_Step()]
    then = is_taper = False
    for item in items:
        step = steps[-1]
        if item.field == "then":
            then = True
            continue
        if item.field in ("amount", "count", "number") and not terms.is_rate(item):
            full = step.frequency is not None or (then and step.holds_dose())
            if full and step.holds_dose():
                is_taper = is_taper or then
                step, then = _Step(), False
                steps.append(step)
        _add(step, item, terms, folded)
    whole = [s for s in steps[1:] if s.frequency is not None or is_taper]
    return [steps[0], *whole], is_taper and bool(whole)


def _add(step: _Step, item: Item, terms: Terms, folded: str) -> None:
    step.items.append(item)
    if terms.is_rate(item):
        step.strength = step.strength or item
    elif item.field == "amount":
        if step.amount is None:
            step.amount = item
        elif step.count is None and terms.amount(item.text).mg is None:
            beside = folded[step.items[-2].end : item.start].strip()
            step.count = None if beside.strip(",") else item
    elif item.field == "number":
        if step.amount is None and step.count is None:
            step.amount = item
        else:
            step.count = step.count or item
    elif item.field == "count":
        step.count = step.count or item
        step.form = step.form or terms.form_in(item)
    elif item.field == "form":
        step.form = step.form or item
    elif item.field == "frequency":
        _add_frequency(step, item, terms, folded)


def _add_frequency(step: _Step, item: Item, terms: Terms, folded: str) -> None:
    per_day = terms.computed(item)
    known = step.frequency
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


def _holds_one(step: _Step, terms: Terms, folded: str) -> bool:
    """Return whether the amount is what one unit holds, not what is taken: "40 mg tablets"."""
    amount, form = step.amount, step.form
    if step.count is not None or amount is None or form is None or form.start < amount.end:
        return False
    return terms.value(form) == "unit" and not folded[amount.end : form.start].strip()


def _mg(step: _Step, terms: Terms, folded: str) -> Range | None:
    """Return the milligrams taken at once."""
    amount = terms.amount(step.amount.text) if step.amount else None
    if amount is None or amount.mg is None or amount.numbers is None:
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

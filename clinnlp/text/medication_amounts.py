"""Numbers and amounts of prescriptions: what "1,000", "½", "50-100 ug" and "20 -> 40 mg" say.

A number is in digits, with a decimal point or comma, separators of thousands or a fraction, or in
words of the table. An amount is a number or a range with a unit, which may stand behind both ends
("500 mg to 1 g"). An arrow joins two doses of which the second is in force.
"""

import re
from typing import NamedTuple
from unicodedata import numeric

from clinnlp.text.medication_patterns import Rows

__all__ = ["CHAIN", "MEALS", "VULGAR", "Amount", "Amounts", "Range", "per_meals"]

Range = tuple[float, float]  # low, high

VULGAR = "¼½¾⅓⅔⅛⅜⅝⅞"
CHAIN = r"\d+(?:\.\d+)?(?:-\d+(?:\.\d+)?){2,3}(?![\d-])"  # morning, noon, night: 300-300-600
MEALS = r"[0-3½](?:\s?[-–]\s?[0-3½]){2,3}(?![\w-])"  # units at breakfast, noon, dinner: 1-0-1
_WIDEST = 20  # times its lower end, a range
_MOST_JOINED = 6  # numbers behind a first one, so that a line of numbers is read in linear time
_DIGITS = (
    r"\d+[ -]\d/\d(?!\d)|\d/\d(?![\d/])"
    r"|(?:0,\d+|\d+,\d{1,2})(?![\d,])"  # a decimal comma; "1,000" has three digits behind it
    r"|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\w)\.\d+"
)
_POINTED = r"[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?(?![\d.])|\d+,\d+(?!\d)"  # where . parts thousands
_HYPHEN = re.compile(r"\s*[-–]")
_COMMA = re.compile(r"0,\d+|\d+,\d{1,2}")


class Amount(NamedTuple):
    """Numbers with a unit: "1-2 mg"; `mg` is the milligrams of one unit where it is a mass."""

    numbers: Range | None
    mg: float | None
    is_rate: bool


class Amounts:
    """The numbers, units and joining words of a table.

    Parameters
    ----------
    rows : Rows

    Attributes
    ----------
    number, numbers : str
        Patterns of a number, and of a number or a range.
    counted : str
        Pattern of a number or an article.
    slashed : str
        Pattern of the further numbers of "5/325".
    spanned : str
        Pattern of the further number behind a first one: "-2" of "1-2 mg".
    turned : str
        Pattern of those that an arrow leads to: "->2" of "1->2 mg".

    Examples
    --------
    >>> rows = [("mg", "unit", "1"), ("g", "unit", "1000"), ("to", "to", ""), ("->", "now", "")]
    >>> amounts = Amounts(Rows(rows))
    >>> amounts.amount("500 mg to 1 g"), amounts.apart("1 -> 2 mg")
    (Amount(numbers=(0.5, 1.0), mg=1000.0, is_rate=False), [(0, 1, '1 mg'), (5, 9, '2 mg')])
    """

    def __init__(self, rows: Rows) -> None:
        self._rows = rows
        ands, tos = (_any_word(rows.terms[field]) for field in ("and", "to"))
        self._arrows = [term for term in rows.terms["now"] if not term[0].isalnum()]
        arrows = _any_word(self._arrows)
        self._is_pointed = "." in rows.terms["thousands"]
        digits = f"{_POINTED}|{_DIGITS}" if self._is_pointed else _DIGITS
        self.number = (
            rf"(?:(?:\d+\s?)?[{VULGAR}]|\d+\s+(?:{ands})\s+\d/\d(?!\d)|{digits}"
            rf"|(?<![^\W\d_])(?:{rows.any('number')})(?!\w))"
        )
        number, to, arrow = self.number, rf"\s*(?:{tos})\s*", rf"\s*(?:{arrows})\s*"
        self.numbers = rf"{number}(?:{to}{number})?"
        self.counted = rf"(?:{number}|{rows.any('article')})"
        self.slashed = rf"(?:/{number}){{0,{_MOST_JOINED}}}"
        unit = rows.any("rate", "unit", numbers=self.numbers)
        middle = rf"(?:\s*(?:{unit})\.?)?"
        self.turned = rf"(?:{middle}{arrow}{number}){{1,{_MOST_JOINED}}}"
        self.spanned = rf"{middle}{to}{number}"
        self._range = re.compile(rf"({number})(?:{to}({number}))?")
        self._amount = re.compile(
            rf"({self.counted})({self.slashed})(?:(?:\s*({unit})\.?)?{to}({number}))?[\s-]*({unit})"
        )
        self._arrow = re.compile(arrow)
        words = _any_word([term for term in rows.terms["to"] if term[0].isalpha()])
        self._by_word = re.compile(rf"\s(?:{words})\s+{number}")
        self._joint = re.compile(
            rf"({self.counted}{self.slashed})(\s*(?:{unit})|)\.?({to}|{arrow})(?={number})"
        )
        self._tail = re.compile(rf"({self.counted}{self.slashed})(.*)", re.DOTALL)

    def has_arrow(self, text: str, start: int, end: int) -> bool:
        """Return whether an arrow stands in a range of a text."""
        return any(text.find(arrow, start, end) >= 0 for arrow in self._arrows)

    def range_in(self, text: str) -> Range | None:
        """Return the first number or range in a text, None where it holds none."""
        match = self._range.search(text)
        if match is None:
            article = self._rows.value("article", text.strip().partition(" ")[0])
            return (float(article), float(article)) if article else None
        ends = [self._float(end) for end in match.groups() if end is not None]
        return min(ends), max(ends)

    def amount(self, text: str) -> Amount:
        """Return what an amount says; a slash between numbers ("10/325 mg") leaves none."""
        match = self._amount.fullmatch(text)
        if match is None:
            return Amount(self.range_in(text), None, is_rate=False)
        low, several, low_unit, high, unit = match.groups()
        mg, is_rate = self._unit(unit)
        ends = [] if several else self._ends(low, high, low_unit, mg)
        if len(ends) == 2 and ends[0] > ends[1] and _HYPHEN.match(text[len(low) :]):
            ends = []  # "20-12.5 mg" is two ingredients
        numbers = (min(ends), max(ends)) if ends else None
        if numbers and numbers[1] > _WIDEST * numbers[0]:  # "5-325 mg" is two ingredients
            numbers = None
        return Amount(numbers, mg, is_rate)

    def one(self, text: str) -> str:
        """Return an amount without a second one that is of another kind: "5 mg/ml - 6 ml"."""
        match = self._amount.fullmatch(text) if "/" in text else None
        if match is None or not match[3] or not match[4]:
            return text
        is_other = self._unit(match[3])[1] and not self._unit(match[5])[1]
        return text[: match.end(3)] if is_other else text

    def by_word(self, text: str) -> bool:
        """Return whether a word joins the ends of a range."""
        return self._by_word.search(text) is not None

    def unit_in(self, text: str) -> str:
        """Return the unit of an amount, empty where there is none."""
        match = self._amount.fullmatch(text)
        return match[5] if match else ""

    def _ends(self, low: str, high: str | None, unit: str | None, mg: float | None) -> list[float]:
        """Return the ends of a range in the unit of its second one; none of "5 mg to 10 ml"."""
        ends = [self._float(end) for end in (low, high) if end]
        low_mg = self._unit(unit)[0] if unit else mg
        if (low_mg is None) != (mg is None):
            return []
        if low_mg and mg:
            ends[0] *= low_mg / mg
        return ends

    def value(self, field: str, text: str) -> str | None:
        """Return the value cell of a find: as it stands, else with ``#`` for its first number."""
        exact = self._rows.value(field, text)
        if exact is not None:
            return exact
        return self._rows.value(field, self._range.sub("#", text, count=1))

    def apart(self, text: str, *, by_to: bool = False) -> list[tuple[int, int, str]]:
        """Return the doses that an arrow joins, each with its place and the unit they share.

        Parameters
        ----------
        text : str
            An amount, a count or a number; without arrow it is returned whole.
        by_to : bool
            Take the ends of a range apart too.
        """
        if not by_to and not self._arrow.search(text):
            return [(0, len(text), text)]
        pieces: list[tuple[int, int, str, str]] = []  # place, number, unit
        at = 0
        while (match := self._joint.match(text, at)) is not None:
            if not by_to and not self._arrow.fullmatch(match[3]):
                break
            pieces.append((at, match.end(2), match[1], match[2].strip()))
            at = match.end()
        last = self._tail.match(text, at)
        if not pieces or last is None:
            return [(0, len(text), text)]
        pieces.append((at, len(text), last[1], last[2].strip(" -")))
        shared = next((unit for _, _, _, unit in reversed(pieces) if unit), "")
        return [(start, end, f"{n} {unit or shared}".rstrip()) for start, end, n, unit in pieces]

    def _unit(self, unit: str) -> tuple[float | None, bool]:
        """Return the milligrams of a unit that is a mass, and whether it is a rate."""
        look_up = self.value if any(map(str.isdigit, unit)) else self._rows.value
        if look_up("rate", unit) is not None:
            return None, True
        mg = look_up("unit", unit)
        return (float(mg) if mg else None), False

    def _float(self, text: str) -> float:
        for field in ("number", "article"):
            known = self._rows.value(field, text)
            if known:
                return float(known)
        if text[-1] in VULGAR:
            return float(text[:-1] or 0) + numeric(text[-1])
        whole, *others = re.split(r"[^\d.,/]+", text)
        return sum(self._quotient(part) for part in (whole, *others[-1:]))

    def _quotient(self, text: str) -> float:
        if self._is_pointed and re.fullmatch(_POINTED, text):
            text = text.replace(".", "").replace(",", ".")
        top, _, bottom = text.replace(",", "." if _COMMA.fullmatch(text) else "").partition("/")
        return float(top) / (float(bottom or 1) or 1)


def per_meals(text: str) -> str | None:
    """Return the doses per day of "1-0-1"; None where a meal has more or less than one unit.

    >>> per_meals("1-0-1"), per_meals("2-0-1"), per_meals("daily")
    ('2', None, None)
    """
    units = re.findall(r"[0-3½]", text) if re.fullmatch(MEALS, text) else []
    return str(units.count("1")) if set(units) <= {"0", "1"} and "1" in units else None


def _any_word(words: list[str]) -> str:
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"

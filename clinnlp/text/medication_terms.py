"""The words of prescriptions: from a table to one pattern, and the values of what it finds.

A term of the table may hold ``<n>`` for a number or a range in digits or words, full stops that
come all or none (``b.i.d.``, ``bid``), hyphens that may be blanks, and alternatives in brackets.
Where a word begins like a term, the terms that begin so are tried as one regular expression with
a group per field. What a find means is looked up under its *key*: its letters, with ``#`` for
the number, as everywhere inside this module.

A value is computed from the left: ``24/<n>`` of "every 4 to 6 hours" is 4 to 6 doses per day.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import product
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.tables import read_table

__all__ = ["Amount", "Item", "Range", "Terms", "read_terms"]

Range = tuple[float, float]  # low, high

FIELDS = (
    *("number", "to", "article", "unit", "rate", "form", "piece", "route", "frequency"),
    *("duration", "prn", "change", "for", "skip", "end", "and", "then", "of", "join", "take"),
)
_FOUND = ("duration", "frequency", "prn", "route", "change", "then", "for", "form")  # by priority
_MUST_COUNT = ("number", "article")  # fields whose rows need a value
_MAY_COUNT = ("unit", "frequency", "duration")
_FORMULA = re.compile(r"(?:\d+(?:\.\d+)?|#)(?:[*/](?:\d+(?:\.\d+)?|#))*")
_DIGITS = (
    r"\d+[ -]\d/\d(?!\d)|\d/\d(?![\d/])|\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|(?<!\w)\.\d+"
)
_FRACTION = re.compile(r"(?:\d+[ -])?\d/\d")
_WIDEST = 20  # times its lower end, a range
_NUMBER = "#"
_HEAD = re.compile(r"(?<![\w$#])(?<!\d[.,/:])(?:[^\W\d_]+|[\d½¼¾]|\.(?=\d))|/")
_LETTERS = re.compile(r"[^\W\d_]+")
_SQUEEZED = re.compile(r"[\s.-]+")
_BRACKETS = re.compile(r"\(([^()]*)\)")


class Item(NamedTuple):
    """A find: its place, its field (of the table; or amount, count, ratio, pair) and its words."""

    start: int
    end: int
    field: str
    text: str  # folded


class Amount(NamedTuple):
    """Numbers with a unit: "1-2 mg"; `mg` is the milligrams of one unit where it is a mass."""

    numbers: Range | None
    mg: float | None
    is_rate: bool


class Terms:
    """The terms of a table, ready to be found.

    Parameters
    ----------
    rows : iterable of (term, field, value)

    Examples
    --------
    >>> rows = [("mg", "unit", "1"), ("-", "to", ""), ("q.<n>h.", "frequency", "24/<n>")]
    >>> terms = Terms(rows)
    >>> found = list(terms.find("40 mg q6-8h", 0, 11))
    >>> [(item.field, item.text) for item in found], terms.computed(found[1])
    ([('amount', '40 mg'), ('frequency', 'q6-8h')], (3.0, 4.0))
    """

    def __init__(self, rows: Iterable[tuple[str, str, str]]) -> None:
        self._terms: dict[str, list[str]] = defaultdict(list)
        self._values: dict[tuple[str, str], str] = {}
        for term, field, value in rows:
            folded = fold_keeping_length(term).replace("<n>", "#")
            self._terms[field].append(folded)
            for variant in _variants(folded):
                self._values.setdefault((field, _key(variant)), value.replace("<n>", "#"))
        ands = "|".join(map(re.escape, self._terms["and"])) or "(?!)"
        self._number = (
            rf"(?:\d*[½¼¾]|\d+\s+(?:{ands})\s+\d/\d(?!\d)|{_DIGITS}"
            rf"|(?<![^\W\d_])(?:{_any(self._terms['number'])})(?!\w))"
        )
        to = "|".join(map(re.escape, self._terms["to"]))
        self._to = rf"\s*(?:{to or '(?!)'})\s*"
        self._numbers = rf"{self._number}(?:{self._to}{self._number})?"
        self._compile()
        self._terms_by_head: dict[str, dict[str, list[str]]] = {}
        for field in _FOUND:
            for term in self._terms[field]:
                for head in _heads(term):
                    self._terms_by_head.setdefault(head, {}).setdefault(field, []).append(term)
        self._counted = {_NUMBER}.union(
            *(_heads(term) for field in _MUST_COUNT for term in self._terms[field])
        )
        self._patterns: dict[str, re.Pattern[str]] = {}  # by head, made when first needed
        self._numeric = self._numbered()
        self._bare = re.compile(rf"(?P<number>{self._numbers})(?!\s?[\d/.:,]?\d)(?!\w)")
        self.ands = frozenset(word for term in self._terms["and"] for word in term.split())
        self.tos, self.ofs = frozenset(self._terms["to"]), frozenset(self._terms["of"])
        self.joins = self.ofs.union(self._terms["join"])

    def find(self, folded: str, start: int, end: int) -> list[Item]:
        """Return the finds in a range of folded text, from the left and disjoint."""
        found: list[Item] = []
        at = start
        for head in _HEAD.finditer(folded, start, end):
            if head.start() < at:
                continue
            letters = head[0] if head[0].isalpha() else _NUMBER if head[0] != "/" else "/"
            match = self._match(letters, folded, head.start(), end)
            if match is not None:
                at = match.end()
                found.append(Item(match.start(), at, (match.lastgroup or "").rstrip("_"), match[0]))
        return found

    def value(self, item: Item) -> str:
        """Return the value cell of a find, empty where it has none."""
        return self._value(item.field, item.text)

    def numbers(self, text: str) -> Range | None:
        """Return the first number or range in a text, None where it holds none."""
        match = self._range.search(text)
        if match is None:
            article = self._values.get(("article", text.strip().partition(" ")[0]))
            return (float(article), float(article)) if article else None
        ends = [self._float(end) for end in match.groups() if end is not None]
        return min(ends), max(ends)

    def amount(self, text: str) -> Amount:
        """Return what an amount says; a slash between numbers ("10/325 mg") leaves none."""
        match = self._amount.fullmatch(text)
        if match is None:
            return Amount(self.numbers(text), None, is_rate=False)
        whole = match[1] + (match[2] or "")
        several = "/" in whole and not _FRACTION.fullmatch(whole)
        mg = self._value("unit", match[3])
        is_rate = ("rate", _key(match[3])) in self._values
        numbers = None if several else self.numbers(whole)
        if numbers and numbers[1] > _WIDEST * numbers[0]:  # "5-325 mg" is two ingredients
            numbers = None
        return Amount(numbers, float(mg) if mg and not is_rate else None, is_rate)

    def is_rate(self, item: Item) -> bool:
        """Return whether a find is a concentration or a rate, such as "1%" and "5 mg/kg"."""
        return item.field in ("ratio", "pair") or (
            item.field == "amount" and self.amount(item.text).is_rate
        )

    def form_in(self, item: Item) -> Item | None:
        """Return the form that a count ends in: the tablets of "2 tablets"."""
        match = self._form_at_end.search(item.text)
        if match is None:
            return None
        return Item(item.start + match.start(), item.end, "form", match[0])

    def computed(self, item: Item) -> Range | None:
        """Return doses per day of a frequency, days of a duration; None where it says none."""
        formula = self.value(item)
        numbers = self.numbers(item.text) if "#" in formula else (1.0, 1.0)
        if not formula or numbers is None or 0 in numbers:
            return None
        ends = [_computed(formula, number) for number in numbers]
        return min(ends), max(ends)

    def _value(self, field: str, text: str) -> str:
        exact = self._values.get((field, _key(text)))
        if exact is not None:
            return exact
        return self._values.get((field, _key(self._range.sub("#", text, count=1))), "")

    def _float(self, text: str) -> float:
        known = self._values.get(("number", _key(text)))
        if known is not None:
            return float(known)
        whole, *others = re.split(r"[^\d.,/]+", text)
        return sum(_quotient(part) for part in (whole, *others[-1:]))

    def _match(self, head: str, folded: str, start: int, end: int) -> re.Match[str] | None:
        """Return the find that begins with a head: amounts first, terms, then a bare number."""
        counted = head in self._counted
        match = self._numeric.match(folded, start, end) if counted else None
        if match is None and head in self._terms_by_head:
            pattern = self._patterns.get(head)
            if pattern is None:
                pattern = self._patterns[head] = self._lettered(head)
            match = pattern.match(folded, start, end)
        if match is None and counted:
            match = self._bare.match(folded, start, end)
        return match

    def _compile(self) -> None:
        unit = self._any("rate", "unit")
        self._range = re.compile(rf"({self._number})(?:{self._to}({self._number}))?")
        self._amount = re.compile(  # the unit may stand behind both ends of a range
            rf"(.*?)(?:\s*(?:{unit}))?({self._to}{self._number})?[\s-]*({unit})"
        )
        self._form_at_end = re.compile(rf"(?<!\w)(?:{self._any('form')})\Z")
        self.ends = re.compile(rf"(?<!\w)(?:{self._any('end')})(?!\w)")
        self.skips = re.compile(rf"\s*(?:(?:{self._any('skip')})\s+)*")
        self.takes = re.compile(rf"[\s*•:-]*(?:{self._any('take')})(?!\w)")

    def _lettered(self, head: str) -> re.Pattern[str]:
        """Return the pattern of the terms that begin with some letters."""
        terms = self._terms_by_head[head]
        fields = [field for field in _FOUND if field in terms]
        parts = [rf"(?P<{field}>{_any(terms[field], self._numbers)})" for field in fields]
        return re.compile(rf"(?:{'|'.join(parts)})(?!\w)")

    def _numbered(self) -> re.Pattern[str]:
        """Return the pattern of all finds that begin with a number."""
        number, counted = self._number, f"(?:{self._number}|{self._any('article')})"
        span = rf"(?:(?:\s*(?:{self._any('unit')}))?{self._to}{number})?"
        units = [
            term
            for term in (*self._terms["form"], *self._terms["piece"])
            if self._values.get(("form", _key(term)), "unit") == "unit"
        ]
        terms = self._terms_by_head.get(_NUMBER, {})
        parts = [
            rf"(?P<amount>{counted}(?:/{number})*{span}[\s-]*(?:{self._any('rate', 'unit')}))",
            rf"(?P<count>{counted}{span}[\s-]*(?:{_any(units)}))",
            rf"(?P<count_>{number}{span}[\s-]*(?:{self._any('form')}))",
            r"(?P<pair>\d{1,4}/[1-9]\d{1,3}(?![\d/]))",
            r"(?P<ratio>\d{1,2}:(?:\d{1,3}(?:,\d{3})+|\d{3,}))",
            *(
                rf"(?P<{field}_>{_any(terms[field], self._numbers)})"
                for field in _FOUND
                if field in terms
            ),
        ]
        return re.compile(rf"(?:{'|'.join(parts)})(?!\w)")

    def _any(self, *fields: str) -> str:
        return _any([term for field in fields for term in self._terms[field]], self._numbers)


def read_terms(path: str | Path) -> Terms:
    """Return the terms of a TSV with columns ``term``, ``field`` and ``value``.

    Raises
    ------
    DataError
        An unknown field, or a value that is not what its field needs.
    """
    rows = []
    for line, (term, field, value) in read_table(path, ("term", "field", "value")):
        if field not in FIELDS:
            raise DataError(
                f"field must be one of {', '.join(FIELDS)}, got {field!r}", path=path, line=line
            )
        counts = field in _MUST_COUNT or (field in _MAY_COUNT and value)
        if counts and not _FORMULA.fullmatch(value.replace("<n>", "#")):
            raise DataError(
                f"value of a {field} must be a number, or numbers and <n> joined by * and /",
                path=path,
                line=line,
            )
        rows.append((term, field, value))
    return Terms(rows)


def _computed(formula: str, number: float) -> float:
    value, operator = 1.0, "*"
    for part in re.split(r"([*/])", formula):
        if part in ("*", "/"):
            operator = part
            continue
        factor = number if part == "#" else float(part)
        value = value * factor if operator == "*" else value / factor
    return value


def _quotient(text: str) -> float:
    top, _, bottom = text.replace(",", "").partition("/")
    return float(top) / (float(bottom or 1) or 1)


def _variants(term: str) -> Iterator[str]:
    """Yield what a term stands for, its alternatives spelled out."""
    pieces = [
        piece.split("|") if i % 2 else [piece] for i, piece in enumerate(_BRACKETS.split(term))
    ]
    yield from map("".join, product(*pieces))


def _heads(term: str) -> set[str]:
    """Return the letters that a term can begin with, ``#`` for a number."""
    heads = set()
    for variant in _variants(term):
        for text in (variant, variant.replace(".", ""), variant.replace("-", "")):
            found = _LETTERS.match(text)
            heads.add(found[0] if found else text[:1])
    return heads


def _key(text: str) -> str:
    return _SQUEEZED.sub("", text)


def _any(terms: Iterable[str], numbers: str = "") -> str:
    """Return the pattern of any of some terms, the longest first; `numbers` matches ``#``."""
    longest = {term: max(map(len, _variants(term))) for term in terms}
    ordered = sorted(longest, key=lambda term: (-longest[term], term))
    return "|".join(_pattern(term).replace("#", numbers) for term in ordered) or "(?!)"


def _pattern(term: str) -> str:
    """Return the pattern of a term, ``#`` still in it; blanks beside brackets may be absent."""
    pieces = [
        "(?:" + "|".join(map(_words, piece.split("|"))) + ")" if i % 2 else _words(piece)
        for i, piece in enumerate(_BRACKETS.split(term))
    ]
    return "".join(pieces).replace(r")\s+", r")\s*").replace(r"\s+(?:", r"\s*(?:")


def _words(text: str) -> str:
    return "".join(
        r"\s+" if word.isspace() else _word(word) for word in re.split(r"(\s+)", text) if word
    )


def _word(word: str) -> str:
    """Return the pattern of a word; its full stops come all or none."""
    parts = [re.escape(part).replace(r"\#", r"#\s?") for part in word.split(".") if part]
    parts = [part.replace(r"\-", r"[\s-]?") for part in parts]
    if "." not in word:
        return parts[0]
    if len(parts) == 1:
        return rf"{parts[0]}\.?"
    plain = r"\s?".join(parts) if "#" in word else "".join(parts)
    return "(?:" + r"\.\s?".join(parts) + rf"\.?|{plain})"

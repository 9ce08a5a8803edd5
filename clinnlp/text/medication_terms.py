"""The words of prescriptions: from a table to one pattern, and the values of what it finds.

A term of the table may hold ``<n>`` for a number or a range in digits or words, full stops that
come all or none (``b.i.d.``, ``bid``), hyphens that may be blanks, and alternatives in brackets.
Where a word begins like a term, the terms that begin so are tried as one regular expression with
a group per field. What a find means is looked up under its *key*: its letters, with ``#`` for
the number, as everywhere inside this module.

A value is computed from the left: ``24/<n>`` of "every 4 to 6 hours" is 4 to 6 doses per day.
"""

import re
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from itertools import chain
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import AXES
from clinnlp.core.tables import CHANGES
from clinnlp.text.medication_amounts import (
    CHAIN,
    MEALS,
    VULGAR,
    Amount,
    Amounts,
    Range,
    per_meals,
)
from clinnlp.text.medication_days import Weekdays
from clinnlp.text.medication_patterns import Rows, any_of, heads, variants
from clinnlp.text.tables import language_path, read_table

__all__ = ["CHANGE_FIELDS", "Amount", "Item", "Range", "Terms", "language_terms", "read_terms"]

FIELDS = (
    *("number", "to", "article", "unit", "rate", "form", "piece", "route", "frequency"),
    *("duration", "prn", "for", "skip", "end", "and", "then", "of", "join", "take"),
    *("before", "now", "into", "with", "switch", "taper"),
    *(
        "change",
        "again",
        "resume",
        "order",
        "new",
        "none",
        "if",
        "limit",
        "until",
        "be",
        "one",
        "alone",
        "list",
    ),
    *(
        "swap",
        "brief",
        "weekday",
        "others",
        "except",
        "alternate",
        "history",
        "use",
        "once",
        "apart",
        "past",
        "reaction",
        "step",
        "stretch",
        "on_days",
        "ended",
        "thousands",
    ),
    *("effect", "effect_of", "effect_on", "denies", "including"),
    *("measured", "measure", "lab", "monitored", "combination", "given"),
)
CHANGE_FIELDS = ("change", "again", "resume", "order", "new")  # whose values are changes
_FOUND = (  # by priority
    *("none", "duration", "frequency", "others", "prn", "route", "again", "resume", "order"),
    *("change", "new", "then", "for", "form", "brief", "stretch", "alternate"),
)
_LEADS = ("then", "now", "before", "into", "except")  # fields that lead to a dose, by priority
_MUST_COUNT = ("number", "article")  # fields whose rows need a value
_MAY_COUNT = ("unit", "frequency", "duration", "brief", "stretch")
_FORMULA = re.compile(r"(?:\d+(?:\.\d+)?|#)(?:[*/](?:\d+(?:\.\d+)?|#))*")
_NUMBER = "#"
_WORD = re.compile(r"[^\W\d_]+")
_JOINED = re.compile(r"[^\W\d_]{4}\s?[-/+]\s?[^\W\d_]{4}")
_GLUED = re.compile(r"(?<=[^\W\d_]{3})\d")
_HEAD = re.compile(rf"(?<![\w$#])(?<!\d[.,/:])(?:[^\W\d_]+|[\d{VULGAR}]|\.(?=\d))|[/↑↓]")


class Item(NamedTuple):
    """A find: its place, its field and its words.

    The field is one of the table, or amount, count, ratio, pair, chain, meals or days.
    """

    start: int
    end: int
    field: str
    text: str  # folded


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
        self._made_of = tuple(rows)
        self._rows = Rows(self._made_of)
        self._amounts = Amounts(self._rows)
        self._terms_by_head = self._by_head()
        self._counted = {_NUMBER}.union(
            *(heads(term) for field in _MUST_COUNT for term in self._rows.terms[field])
        )
        self._patterns: dict[str, re.Pattern[str]] = {}  # by head, made when first needed
        self._days = Weekdays(self._rows) if self._rows.terms["weekday"] else None
        self._numeric = self._numbered(turned=False)
        self._bare = re.compile(rf"(?P<number>{self._amounts.numbers})(?!\s?[\d/.:,]?\d)(?!\w)")
        self._form_at_end = re.compile(rf"(?<!\w)(?:{self._any('form')})\Z")
        between = self._any("skip", "join", "of")
        self._leads = {field: _ending(self._any(field), between) for field in _LEADS}
        self.skips = re.compile(rf"\s*(?:(?:{self._any('skip')})\s+)*")
        self.takes = re.compile(rf"[\s*•:-]*(?:{self._any('take')})(?!\w)")
        self.taken = self._whole("take")
        self.ands, self.bes, self.ones, self.lists = (
            self._words(field) for field in ("and", "be", "one", "list")
        )
        self.known = self._words(
            *("and", "be", "alone", "take", "end", "skip", "for", "list", "join", "one", "of")
        )
        self.intos = self._words("into", "with")
        self.fillers = self._words("be", "end", "skip", "alone")
        self.turns = self._words("be", "skip", "alone") | self.intos
        self.tos, self.ofs = (frozenset(self._rows.terms[field]) for field in ("to", "of"))
        self.joins = self.ofs.union(self._rows.terms["join"])
        self.ends, self.ifs, self.limits, self.switches, self.tapers = (
            self._whole(field) for field in ("end", "if", "limit", "switch", "taper")
        )
        self.untils = self._whole("until")
        self.aparts, self.measures = (self._whole(field) for field in ("apart", "measure"))
        self._pasts = _ending(rf"(?P<past>{self._any('past')})", self._any("skip"))
        self.ons_of_days = self._words("on_days")
        self.steps = _ending(self._any("step"), "(?!)")
        self.step_ends = frozenset(term.split()[-1] for term in self._spelled("step"))
        self.uses, self.used_once = (
            _ending(self._any("use"), self._any("skip")),
            self._whole("once"),
        )
        self.includes = self._whole("including")
        self.effects, self.ons = self._effects()
        self.reactions = self._behind("reaction")
        self.alones = re.compile(rf"\s*(?:{self._any('alone', 'end', 'for', 'and', 'be')})(?!\w)")
        verb = rf"(?<!\w)(?P<verb>{self._any('switch', 'swap')})"
        self.switching = re.compile(rf"{verb}\s+(?:(?:{self._any('skip')})\s+)*\Z")

    def _by_head(self) -> dict[str, dict[str, list[str]]]:
        """Return the terms that are found, by the letters that they begin with and by field."""
        found: dict[str, dict[str, list[str]]] = {}
        for field in _FOUND:
            for term in self._rows.terms[field]:
                for head in heads(term):
                    found.setdefault(head, {}).setdefault(field, []).append(term)
        return found

    def __reduce__(self) -> tuple[type["Terms"], tuple[tuple[tuple[str, str, str], ...]]]:
        return Terms, (self._made_of,)  # not the patterns that notes have asked for

    def find(self, folded: str, start: int, end: int) -> list[Item]:
        """Return the finds in a range of folded text, from the left and disjoint."""
        found: list[Item] = []
        turned = self.has_arrow(folded, start, end)
        numeric = self._numeric_turned if turned else self._numeric
        at = start
        glued = _GLUED.finditer(folded, start, min(end, start + 1))  # "metoprolol50mg"
        for head in chain(glued, _HEAD.finditer(folded, start, end)):
            if head.start() < at:
                continue
            letters = head[0] if head[0].isalpha() or head[0] in "/↑↓" else _NUMBER
            match = self._match(letters, numeric, folded, head.start(), end)
            if match is not None:
                field = (match.lastgroup or "").rstrip("_")
                text = self._amounts.one(match[0]) if field == "amount" else match[0]
                at = match.start() + len(text)
                found.append(Item(match.start(), at, field, text))
        return found

    def counts(self, folded: str, start: int, end: int) -> bool:
        """Return whether a range begins with what is taken at once: "1 tablet by mouth daily"."""
        head = _HEAD.search(folded, start, end)
        if head is None or folded[start : head.start()].strip(" \t\r\n*•-"):
            return False
        match = self._numeric.match(folded, head.start(), end)
        return match is not None and (match.lastgroup or "").rstrip("_") == "count"

    def value(self, item: Item) -> str:
        """Return the value cell of a find, empty where it has none."""
        value = self._amounts.value(item.field, item.text)
        if value is None and item.field == "duration":
            value = self._amounts.value("stretch", item.text)
        if value is None and item.field == "frequency":
            value = self._amounts.value("brief", item.text)
            if value is None:
                value = per_meals(item.text)
            if value is None and self._days is not None:
                value = self._days.formula(item.text)
        return value or ""

    def numbers(self, text: str) -> Range | None:
        """Return the first number or range in a text, None where it holds none."""
        return self._amounts.range_in(text)

    def amount(self, text: str) -> Amount:
        """Return what an amount says; a slash between numbers ("10/325 mg") leaves none."""
        return self._amounts.amount(text)

    def apart(self, item: Item, *, by_to: bool = False) -> list[Item]:
        """Return the doses that an arrow joins in one find, and with `by_to` the ends of a range.

        Each has the unit that they share.
        """
        return [
            Item(item.start + start, item.start + end, item.field, text)
            for start, end, text in self._amounts.apart(item.text, by_to=by_to)
        ]

    def has_arrow(self, folded: str, start: int, end: int) -> bool:
        """Return whether an arrow stands in a range of a text: "20 mg -> 40 mg"."""
        return self._amounts.has_arrow(folded, start, end)

    def joins_by_to(self, item: Item) -> bool:
        """Return whether the words of a range are joined by a word: "50 mg to 25 mg"."""
        return item.field != "number" and self._amounts.by_word(item.text)

    def lead(self, folded: str, start: int, end: int) -> str:
        """Return the field of the words that lead to a dose at `end`, empty where none do."""
        for field, pattern in self._leads.items():
            if pattern.search(folded, start, end):
                return field
        return ""

    def least_past(self, folded: str, start: int, end: int) -> float | None:
        """Return the days from which on a stretch lies behind, None where it need not.

        The words before a drug tell: "has been on", "on".
        """
        match = self._pasts.search(folded, start, end)
        return float(self._rows.value("past", match["past"]) or 0) if match else None

    def swapped(self, verb: str) -> str:
        """Return what "swap A for B" says of A: stop, or start of "substitute A for B"."""
        return self._rows.value("swap", verb) or ""

    def word_value(self, field: str, text: str) -> str:
        """Return the value of a word of a field, empty where it has none."""
        return self._rows.value(field, text) or ""

    def is_combination(self, name: str) -> bool:
        """Return whether a folded name is that of two drugs: "Percocet", "carbidopa-levodopa"."""
        return _JOINED.search(name) is not None or any(
            self.is_term("combination", word) for word in name.split()
        )

    def is_one_day(self, item: Item) -> bool:
        """Return whether a find is one day of the week, not several."""
        return self.computed(item._replace(field="frequency")) == (1 / 7, 1 / 7)

    def is_term(self, field: str, text: str) -> bool:
        """Return whether a text is a term of a field."""
        return self._rows.value(field, text) is not None

    def is_rate(self, item: Item) -> bool:
        """Return whether a find is a concentration or a rate, such as "1%" and "5 mg/kg"."""
        return item.field in ("ratio", "pair") or (
            item.field == "amount" and self.amount(self.apart(item)[-1].text).is_rate
        )

    def is_measured(self, item: Item) -> bool:
        """Return whether a find has a unit in which blood is measured, such as "1.2 ng/mL"."""
        return item.field == "amount" and self.is_term("measured", self._amounts.unit_in(item.text))

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

    def _words(self, *fields: str) -> frozenset[str]:
        return frozenset(word for one in self._spelled(*fields) for word in _WORD.findall(one))

    def _spelled(self, *fields: str) -> Iterator[str]:
        """Yield what the terms of some fields stand for."""
        for field in fields:
            for term in self._rows.terms[field]:
                yield from variants(term)

    def _effects(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Return the patterns of "side effects from" and of "bleeding on" before a drug."""
        skips = rf"(?:\s+(?:{self._any('skip')}))*\s+\Z"
        of = self._any("effect_of")
        return (
            re.compile(rf"(?<!\w)(?:{self._any('effect')})(?:\s+\w+)?\s+(?:{of}){skips}"),
            re.compile(rf"\A(?:\s+\w[\w-]*){{1,5}}\s+(?:{self._any('effect_on')}){skips}"),
        )

    def _behind(self, field: str) -> dict[str, re.Pattern[str]]:
        """Return for each value of a field the pattern of its terms right behind a drug."""
        by_value: dict[str, list[str]] = {}
        for term in self._rows.terms[field]:
            by_value.setdefault(self._rows.value(field, next(variants(term))) or "", []).append(
                term
            )
        skips = rf"(?:(?:{self._any('skip', 'be')})\s+)*"
        return {
            value: re.compile(rf"\s*[(:=–—-]*\s*{skips}(?P<term>{any_of(terms)})(?!\w)")
            for value, terms in by_value.items()
        }

    def _whole(self, field: str) -> re.Pattern[str]:
        """Return the pattern of any whole term of a field; a sign needs no blank beside it."""
        return re.compile(rf"(?:(?<!\w)|(?=\W))(?:{self._any(field)})(?:(?!\w)|(?<=\W))")

    def _match(
        self, head: str, numeric: re.Pattern[str], folded: str, start: int, end: int
    ) -> re.Match[str] | None:
        """Return the find that begins with a head: amounts first, terms, then a bare number."""
        counted = head in self._counted
        match = numeric.match(folded, start, end) if counted else None
        if match is None and (head in self._terms_by_head or self._is_day(head)):
            pattern = self._patterns.get(head)
            if pattern is None:
                pattern = self._patterns[head] = self._lettered(head)
            match = pattern.match(folded, start, end)
        if match is None and counted:
            match = self._bare.match(folded, start, end)
        return match

    def _is_day(self, head: str) -> bool:
        return self._days is not None and head in self._days.heads

    def _lettered(self, head: str) -> re.Pattern[str]:
        """Return the pattern of the terms that begin with some letters."""
        parts = self._groups(self._terms_by_head.get(head, {}), "")
        if self._days is not None and self._is_day(head):
            parts.append(rf"(?P<days>{self._days.pattern})")
            parts.append(rf"(?P<days_>{self._days.one})")
        return re.compile(rf"(?:{'|'.join(parts)})(?!\w)")

    @cached_property
    def _numeric_turned(self) -> re.Pattern[str]:
        return self._numbered(turned=True)

    def _numbered(self, *, turned: bool) -> re.Pattern[str]:
        """Return the pattern of all finds that begin with a number.

        It is much shorter where no dose is `turned` into another by an arrow.
        """
        number, counted = self._amounts.number, self._amounts.counted
        ways = [self._amounts.spanned, *([self._amounts.turned] if turned else [])]
        spanned = self._amounts.slashed + rf"(?:{'|'.join(ways)})?"
        units = [
            term
            for term in (*self._rows.terms["form"], *self._rows.terms["piece"])
            if self._rows.value("form", term) in (None, "unit")
        ]
        unit = self._any("rate", "unit")
        parts = [
            rf"(?P<amount_>{counted}{spanned}[\s-]*(?:{unit}))",
            rf"(?P<count>{counted}{spanned}[\s-]*(?:{any_of(units)}))",
            rf"(?P<count_>{number}{spanned}[\s-]*(?:{self._any('form')}))",
            rf"(?P<chain>{CHAIN}\s*(?:{unit}))",
            rf"(?P<meals>{MEALS})",
            *self._groups(self._terms_by_head.get(_NUMBER, {}), "_"),
            r"(?P<pair>\d{1,4}/[1-9]\d{1,3}(?![\d/]))",
            r"(?P<ratio>\d{1,2}:(?:\d{1,3}(?:,\d{3})+|\d{3,}))",
            r"(?P<pair_>\d{1,4}(?:\.\d)?-[1-9]\d{0,3}(?:\.\d)?(?![\d/-]|\.\d))",
        ]
        if turned:
            no_more = rf"(?!\s?[\d/.:,]?\d|[\s-]*(?:{unit}))"
            parts.insert(0, rf"(?P<amount>{number}\s*(?:{unit}){self._amounts.turned}{no_more})")
        return re.compile(rf"(?:{'|'.join(parts)})(?!\w)")

    def _groups(self, terms: dict[str, list[str]], mark: str) -> list[str]:
        """Return a named group per field, in the order of their priority."""
        return [
            rf"(?P<{field}{mark}>{any_of(terms[field], self._amounts.numbers)})"
            for field in _FOUND
            if field in terms
        ]

    def _any(self, *fields: str) -> str:
        return self._rows.any(*fields, numbers=self._amounts.numbers)


@cache
def language_terms(language: str) -> Terms:
    """Return the terms of a language's own table, read once: its patterns are made as needed."""
    return read_terms(language_path("medication", language))


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
        wrong = _wrong(field, value)
        if wrong:
            raise DataError(f"value of a {field} must be {wrong}", path=path, line=line)
        rows.append((term, field, value))
    return Terms(rows)


def _wrong(field: str, value: str) -> str:
    """Return what a value must be where it is not."""
    counts = field in _MUST_COUNT or (field in _MAY_COUNT and value)
    if counts and not _FORMULA.fullmatch(value.replace("<n>", "#")):
        return "a number, or numbers and <n> joined by * and /"
    if field in CHANGE_FIELDS and value.removeprefix(">") not in (*CHANGES, *AXES):
        known = ", ".join((*CHANGES, *AXES))
        return f"one of {known}, with > before it or without, got {value!r}"
    return ""


def _ending(terms: str, between: str) -> re.Pattern[str]:
    """Return the pattern of words at the end of a range; an arrow needs no blank before it."""
    return re.compile(rf"(?:(?<!\w)|(?=\W))(?:{terms})(?:\s+(?:{between}))*\s*\Z")


def _computed(formula: str, number: float) -> float:
    value, operator = 1.0, "*"
    for part in re.split(r"([*/])", formula):
        if part in ("*", "/"):
            operator = part
            continue
        factor = number if part == "#" else float(part)
        value = value * factor if operator == "*" else value / factor
    return value

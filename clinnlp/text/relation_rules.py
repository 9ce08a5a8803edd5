"""The table of what sentences state: forms of words around a drug and a problem, as patterns.

A row holds forms with the places DRUG and PROBLEM, classes of words in braces, and ``{other}`` for
a mention between them. Around a place adjectives and doses may stand, beside words those of the
classes fill, unsure and denied. A row that says nothing keeps its pairs from all other rows.
``{listed}`` is all that may stand between a drug and its reaction in a list of allergies: marks,
dates, and words of the classes field and reaction; ``{reacted}`` such that names a reaction.
Accents do not count, as many are typed without.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError, located
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.tables import read_table

__all__ = [
    "NOTHING",
    "OTHER",
    "RELATION_LABELS",
    "RelationRule",
    "RelationRules",
    "first_fitting",
    "folded",
    "relation_rules",
]

RELATION_LABELS = {  # the roles of each; the first of two that fit one pair counts
    "stopped_for": ("drug", "reason"),
    "causes": ("drug", "effect"),
    "treats": ("drug", "reason"),
}
NOTHING = "nothing"  # says that a pair is not related ("avoid aspirin if bleeding")
_ORDER = (NOTHING, *RELATION_LABELS)
_WORD = "word"
_CLASSES = (
    "due", "taken", "allergic", "whom", "developed", "be", "stop", "because", "given", "fill",
    "unsure", "denied", "joint", "list", "dose", "had", "arose", "go", "gone",
    "untolerated", "side", "if", "day", "onset", "number", "made", "caused", "treated", "changed",
    "field", "reaction", "allergy", "unsaid",
)  # fmt: skip
_RUNS = ("listed", "reacted")  # written as classes in a form, made of several
_PLACES = ("drug", "problem")
_TOKEN = re.compile(r"\{(\w+)\}|[^\s{}]+")
_BLANK = r"[ \t]*\s?[ \t]*"  # at most one line end
OTHER = "\0"  # stands for a mention between two that are related
_DATE = r"(?:[a-z]{1,3}\s)?\d{1,2}[/.]\d{1,2}(?:[/.]\d{2,4})?"
_ADJECTIVE = r"[^\W_][\w'-]{0,24}"
_MARK = r"[-\u2013\u2014=]++>?|\.{2,}+|[:>\u2192|/\\,()\[\]{}~*\u2022\u00b7_\u2026]"
_DAY = r"(?<!\w)\d[\d./:-]{0,9}+(?!\w)"  # a date, an hour, a year
_FIGURES = r"\d{1,3}(?:st|nd|rd|th|[ºª°])?"
_BARE = {
    code: ord(plain)
    for code in range(0xC0, 0x180)
    if chr(code) not in "ñÑ" and (plain := unicodedata.normalize("NFD", chr(code))[0]).isascii()
}


class RelationRule(NamedTuple):
    """A form: which place stands first, and what stands before, between and behind."""

    says: str
    drug_first: bool
    before: re.Pattern[str] | None
    between: re.Pattern[str]
    behind: re.Pattern[str] | None
    kinds: frozenset[str]
    row: str
    pieces: tuple[str, ...]  # words and marks of `between`
    classes: frozenset[str]  # classes of `between`

    def may_fit(self, between: str) -> bool:
        """Return whether all words and marks of `between` stand in a text."""
        return all(piece in between for piece in self.pieces)

    def is_asked(self, kind: str, *, led: bool) -> bool:
        """Return whether the form counts in a kind of section, or behind a lead."""
        return led or not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class RelationRules:
    """The forms of a language, and its words that are sought apart from them."""

    rules: tuple[RelationRule, ...]
    unsure: re.Pattern[str]
    denied: re.Pattern[str]
    lead: re.Pattern[str]
    stop: re.Pattern[str]
    gone: re.Pattern[str]
    untolerated: re.Pattern[str]
    conditional: re.Pattern[str]
    row: re.Pattern[str]  # between two mentions in a row
    list_word: re.Pattern[str]  # "and", between two of a row
    unsaid: re.Pattern[str]  # words behind which nothing is said of a drug in a list
    kinds: frozenset[str]  # of sections that list drugs with what they caused
    listed: re.Pattern[str]  # what may stand in such a list beside drugs and reactions
    listed_row: re.Pattern[str]  # between two reactions in a row there
    reaction: re.Pattern[str]  # how a line of a reaction begins
    classes: Mapping[str, re.Pattern[str]]  # those that stand between the places of a form

    def likely(
        self, between: str, *, drug_first: bool, kind: str, led: bool
    ) -> Iterator[RelationRule]:
        """Yield the rules of which all words stand in a text between two mentions."""
        if self._is_unsaid(between, kind=kind, led=led):
            led, kind = False, ""
        there = {name for name, words in self.classes.items() if words.search(between)}
        for rule in self.rules:
            if rule.drug_first == drug_first and rule.classes <= there and rule.may_fit(between):
                if rule.is_asked(kind, led=led):
                    yield rule

    def _is_unsaid(self, between: str, *, kind: str, led: bool) -> bool:
        """Return whether a list tells no reaction of a drug: "reaction unknown"."""
        return (led or kind in self.kinds) and self.unsaid.search(between) is not None

    def is_row(self, gap: str, *, is_listed: bool) -> bool:
        """Return whether a text stands between two mentions, or reactions of a list, in a row."""
        return bool(self.row.fullmatch(gap) or (is_listed and self.listed_row.fullmatch(gap)))


def first_fitting(
    rules: Iterable[RelationRule], before: str, between: str, behind: str
) -> tuple[RelationRule | None, list[re.Match[str]]]:
    """Return the first rule that fits before, between and behind two mentions, and its matches."""
    for rule in rules:
        found = [rule.between.fullmatch(between)]
        if found[0] is None:
            continue
        found += [rule.before.search(before)] if rule.before else []
        found += [rule.behind.match(behind)] if rule.behind else []
        if all(found):
            return rule, [match for match in found if match]
    return None, []


def folded(text: str) -> str:
    """Return a text as forms are compared: plain, in small letters, without accents; as long.

    Examples
    --------
    >>> folded("Se suspendió por NÁUSEAS")
    'se suspendio por nauseas'
    """
    plain = fold_keeping_length(text)
    return plain if plain.isascii() else plain.translate(_BARE)


@cache
def relation_rules(path: Path) -> RelationRules:
    """Return the rules of a table."""
    forms, classes = _read(path)
    number = f"(?:{_FIGURES}|{_any(classes['number'])})"
    shapes = _Shapes({name: _any(words, number) for name, words in classes.items()})
    made = []
    for form, says, section, line in forms:
        with located(path, line):
            made.append(_rule(form, says, section, f"{path.name}:{line}", shapes))
    asked = frozenset[str]().union(*(rule.classes for rule in made))
    caused = (rule.kinds for rule in made if rule.says == "causes")
    return RelationRules(
        rules=tuple(sorted(made, key=lambda rule: _ORDER.index(rule.says))),
        unsure=_whole(shapes["unsure"]),
        denied=_whole(shapes["denied"]),
        lead=_whole(shapes["allergic"]),
        stop=_whole(shapes["stop"]),
        gone=_whole(shapes["gone"]),
        untolerated=_whole(shapes["untolerated"]),
        conditional=_whole(shapes["if"]),
        classes={name: _whole(shapes[name]) for name in asked},
        list_word=_whole(shapes["list"]),
        unsaid=_whole(shapes["unsaid"]),
        kinds=frozenset[str]().union(*caused),
        listed=re.compile(rf"{shapes['listed']}\s*"),
        listed_row=re.compile(
            rf"(?:{shapes['listed']}|\s*;|[ \t]*[\n\r])(?:\s*(?:{shapes['list']})\s)?"
            rf"{shapes.adjectives}\s*"
        ),
        reaction=re.compile(rf"(?:{_MARK}|\s)*+(?<!\w)(?:{shapes['reaction']})(?!\w)"),
        row=re.compile(
            rf"{shapes.dose}(?:{_BLANK}(?:,|/|&|\+){_BLANK}(?:(?:{shapes['list']})\s+)?"
            rf"|\s+(?:{shapes['list']})\s+){shapes.adjectives}\s*"
        ),
    )


def _read(path: Path) -> tuple[list[tuple[str, str, str, int]], dict[str, list[str]]]:
    """Return the forms of a table, with what each says, its sections and line, and the classes."""
    forms: list[tuple[str, str, str, int]] = []
    classes: dict[str, list[str]] = {name: [] for name in _CLASSES}
    for line, (cell, says, section) in read_table(path, ("form", "says"), optional=("section",)):
        words = [folded(form.strip()) for form in cell.split("|") if form.strip()]
        if says == _WORD and section in classes:
            classes[section] += words
        elif says in _ORDER and words:
            forms += [(form, says, section, line) for form in words]
        else:
            raise DataError(
                f"a row needs forms and one of {', '.join(_ORDER)}, or word and a class "
                f"of {', '.join(_CLASSES)}",
                path=path,
                line=line,
            )
    return forms, classes


class _Shapes(dict[str, str]):
    """Patterns of the classes, and of what may stand around a place."""

    def __init__(self, classes: Mapping[str, str]) -> None:
        super().__init__(classes)
        one = rf"{_MARK}|{_DAY}|(?<!\w)(?:{self['reaction']}|{self['field']})(?!\w)"
        # a semicolon or stop parts a drug from what does not begin as a field or a reaction
        one = rf"(?:{one}|;(?=\s*(?:{one}))|\.(?=\s*(?:{self['reaction']})(?!\w)))"
        self["listed"] = rf"(?:\s*+{one})++"
        self["reacted"] = (
            rf"(?!.{{0,99}}(?<!\w)(?:{self['unsaid']})(?!\w))(?:\s*{one}){{0,12}}?"
            rf"\s*(?<!\w)(?:{self['reaction']})(?!\w)\s*[-:=>(]{{0,3}}"
        )

    @property
    def fill(self) -> str:
        """Up to three words that may stand beside those of a form; the group is all of them."""
        every = f"{self['denied']}|{self['unsure']}|{self['fill']}|{_DATE}"
        every += rf"|(?:{_FIGURES}|{self['number']})\s(?:{self['dose']})"
        return rf"((?:\s*(?<!\w)(?:{every})(?!\w)){{0,3}})"

    @property
    def adjectives(self) -> str:
        """Up to two words before a mention."""
        return rf"(?:\s*(?<!\w)(?!(?:{self['joint']})(?!\w)){_ADJECTIVE}(?!\w)){{0,2}}"

    @property
    def dose(self) -> str:
        """Numbers, units and times behind a drug."""
        number = r"x?\d[\d.,/-]{0,9}(?:%|[a-z]{1,6})?|q\d{1,2}(?:-\d{1,2})?\s?(?:h|hrs?|d|w|wks?)?"
        words = rf"(?<!\w)(?:{number}|{self['dose']})(?!\w)"
        return rf"(?:\s*[,/]?\s*{words}){{0,14}}"


def _rule(form: str, says: str, section: str, row: str, shapes: _Shapes) -> RelationRule:
    """Return the rule of a form."""
    places = sorted((form.find(place), place) for place in _PLACES)
    if places[0][0] < 0 or any(form.count(place) != 1 for place in _PLACES):
        raise DataError("a form needs DRUG and PROBLEM, each once")
    (a, one), (b, other) = places
    before, between = form[:a], form[a + len(one) : b]
    behind = form[b + len(other) :]
    lead = rf"{shapes.dose}(?:\s*\([^()\n]{{1,30}}\))?" if one == "drug" else ""
    tail = shapes.dose if other == "drug" else ""
    head = "" if not between.strip() else shapes.fill + _literal(between, shapes)
    return RelationRule(
        says=says,
        drug_first=one == "drug",
        before=re.compile(rf"{_literal(before, shapes)}{shapes.fill}{shapes.adjectives}\s*\Z")
        if before.strip()
        else None,
        between=re.compile(rf"{lead}{head}{shapes.fill}{shapes.adjectives}\s*"),
        behind=re.compile(rf"{tail}{shapes.fill}{_literal(behind, shapes)}")
        if behind.strip()
        else None,
        kinds=frozenset(filter(None, map(str.strip, section.split("|")))),
        row=row,
        pieces=tuple(token[0] for token in _TOKEN.finditer(between) if not token[1])
        + ((OTHER,) if "{other}" in between else ()),
        classes=frozenset(token[1] for token in _TOKEN.finditer(between) if token[1])
        - {"other", *_RUNS},
    )


def _literal(words: str, shapes: _Shapes) -> str:
    """Return the pattern of the words of a form, with fill between them."""
    parts = []
    for token in _TOKEN.finditer(words):
        if token[1] == "other":
            parts.append(rf"{shapes.adjectives}\s*{OTHER}")
        elif token[1] in _RUNS:
            parts.append(shapes[token[1]])
        elif token[1]:
            if token[1] not in shapes:
                raise DataError(f"a class of a form must be one of {', '.join(_CLASSES)}")
            parts.append(rf"(?<!\w)(?:{shapes[token[1]]})(?!\w)")
        else:
            parts.append(_piece(token[0]))
    return r"\s*" + rf"{shapes.fill}\s*".join(parts)


def _whole(words: str) -> re.Pattern[str]:
    """Return the pattern of words that no letter or digit stands beside."""
    return re.compile(rf"(?<!\w)(?:{words})(?!\w)")


def _piece(token: str) -> str:
    """Return the pattern of one word or mark; a word ends where letters end."""
    start = r"(?<!\w)" if token[0].isalnum() else ""
    return start + re.escape(token) + (r"(?!\w)" if token[-1].isalnum() else "")


def _any(phrases: Iterable[str], number: str = "#") -> str:
    """Return the alternatives of phrases, longest first, with any blanks between their words.

    The word ``#`` is any number.
    """
    ordered = sorted(phrases, key=len, reverse=True)
    words = ([number if w == "#" else re.escape(w) for w in one.split()] for one in ordered)
    return "|".join(r"\s+".join(each) for each in words) or "(?!)"

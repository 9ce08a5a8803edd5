"""Rules of identifiers: patterns that are tried only where a word stands that may begin them.

A table of a language gives each rule its finder, what begins it and its pattern, whose groups are
named by labels. So one pass over the words of a text serves all rules, and a text without digits
costs next to nothing. Patterns are bounded: the time grows with the text, whatever stands in it.
"""

import re
from collections import defaultdict
from typing import NamedTuple

from clinnlp.core.errors import DataError, instead_of
from clinnlp.text.identifier_lexicon import Lexicon, Words
from clinnlp.text.tables import language_path, read_table

__all__ = ["Find", "Rules"]

LEAD = "LEAD_"
_PIECE = re.compile(r"%(\w+)%")
_SIGNS = ("#", "&", "@", "^", "C")
_BEHIND_SIGNED = frozenset("-@.+_")
N_LOCAL = 64  # characters before an @, at most
Lead = tuple[int, str, str]  # where something begins, its label, who says so


class Find(NamedTuple):
    """An identifier: where it stands, what it is, which rule or list found it, and how surely."""

    start: int
    end: int
    label: str
    finder: str
    doubt: float = 0.0


class Rule(NamedTuple):
    """A pattern, and the labels of its groups."""

    finder: str
    pattern: re.Pattern[str]
    labels: dict[str, str]
    doubt: float


class Rules:
    """The rules of a language.

    Parameters
    ----------
    language : str
    lexicon : Lexicon
        Of that language; its months, regions and streets stand in patterns as ``%month%``.
    """

    def __init__(self, language: str, lexicon: Lexicon) -> None:
        self._by_word: dict[str, list[Rule]] = defaultdict(list)
        self._by_sign: dict[str, list[Rule]] = {sign: [] for sign in _SIGNS}
        pieces = _pieces(lexicon)
        path = language_path("identifier_rules", language)
        columns = ("finder", "start", "pattern")
        for line, row in read_table(path, columns, optional=("doubt",)):
            finder, start, pattern, doubt = row
            wrong = DataError(f"rule {finder} is no pattern with a doubt", path=path, line=line)
            with instead_of((KeyError, ValueError, re.error), wrong):
                written = _PIECE.sub(lambda match: pieces[match[1]], pattern)
                rule = _rule(finder, written, float(doubt or 0))
            if start == "=":
                pieces[finder] = written
                continue
            for word in start.split(","):
                for at in _starts(word, lexicon):
                    (self._by_sign if at in self._by_sign else self._by_word)[at].append(rule)

    def __call__(self, text: str, words: Words) -> tuple[list[Find], list[tuple[int, str, str]]]:
        """Return identifiers, and places where a name begins with its label and finder."""
        found: list[Find] = []
        leads: list[tuple[int, str, str]] = []
        by_word, capital = self._by_word.get, self._by_sign["C"]
        last = 0  # end of what a rule of digits found
        for start, word in zip(words.starts, words.words, strict=True):
            rules = by_word(word if word.islower() else word.lower())
            if rules is not None:
                _try(rules, text, start, found, leads)
            if capital and word[0].isupper():
                _try(capital, text, start, found, leads)
            if not word.isalpha():
                if start < last:
                    continue
                last = max(last, self._number(text, start, word, found, leads))
            end = start + len(word)
            if text[end : end + 1] in _BEHIND_SIGNED:
                self._signed(text, start, end, word, found)
        return found, leads

    def _number(
        self, text: str, start: int, word: str, found: list[Find], leads: list[Lead]
    ) -> int:
        """Try the rules of a word with digits; return where what the first of them found ends."""
        for rule in self._by_sign["#" if word[0].isdigit() else "&"]:
            if match := rule.pattern.match(text, start):
                _enter(match, rule, found, leads)
                return match.end()
        return 0

    def _signed(self, text: str, start: int, end: int, word: str, found: list[Find]) -> None:
        """Try the rules of a word before an ``@``, or of capitals, a hyphen and a digit."""
        is_code = text[end] == "-" and word.isupper() and text[end + 1 : end + 2].isdigit()
        if not is_code and "@" not in text[end : end + N_LOCAL]:
            return
        if found and start < found[-1].end and found[-1].label == "EMAIL":
            return  # a part of one
        _try(self._by_sign["^" if is_code else "@"], text, start, found, [])


def _try(rules: list[Rule], text: str, start: int, found: list[Find], leads: list[Lead]) -> None:
    for rule in rules:
        if match := rule.pattern.match(text, start):
            _enter(match, rule, found, leads)


def _pieces(lexicon: Lexicon) -> dict[str, str]:
    """Return what patterns may write between percent signs: the terms of a language by kind."""
    pieces = {
        name.replace(" ", ""): _either(terms)
        for name, terms in lexicon.terms.items()
        if name != "city"
    }
    streets = lexicon.terms["street"]
    pieces["fullmonth"] = _either([m for m in lexicon.terms["month"] if len(m) > 3])
    pieces["streetcase"] = _either([term.capitalize() for term in streets])
    pieces["streetcaps"] = _either([term.upper() for term in streets])
    return pieces


def _starts(word: str, lexicon: Lexicon) -> set[str]:
    """Return the words that a cell stands for: itself, or the first words of terms of a kind."""
    match = _PIECE.fullmatch(word)
    if match is None:
        return {word}
    kind = next(kind for kind in lexicon.terms if kind.replace(" ", "") == match[1])
    return {term.lower().split()[0] for term in lexicon.terms[kind]}


def _enter(
    match: re.Match[str], rule: Rule, found: list[Find], leads: list[tuple[int, str, str]]
) -> None:
    for group, label in rule.labels.items():
        start, end = match.span(group)
        if start < 0:
            continue
        if label.startswith(LEAD):
            leads.append((start, label.removeprefix(LEAD), f"rule:{rule.finder}"))
        elif end > start:
            found.append(Find(start, end, label, f"rule:{rule.finder}", rule.doubt))


def _rule(finder: str, pattern: str, doubt: float) -> Rule:
    compiled = re.compile(pattern, re.IGNORECASE)
    named = {
        group: re.sub(r"_\d$", "", group) for group in compiled.groupindex if group[0].isupper()
    }
    return Rule(finder, compiled, named, doubt)


def _either(terms: tuple[str, ...] | list[str]) -> str:
    ordered = sorted(terms, key=len, reverse=True)
    return "(?:" + "|".join(re.escape(term).replace(r"\ ", r"\s") for term in ordered) + ")"

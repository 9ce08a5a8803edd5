"""Rules of identifiers: patterns that are tried only where a word stands that may begin them.

A table of a language gives each rule its finder, what begins it and its pattern, whose groups are
named by labels. So one pass over the words of a text serves all rules, and a text without digits
costs next to nothing. Patterns are bounded: the time grows with the text, whatever stands in it.
"""

import re
from collections import defaultdict
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.text.identifier_lexicon import Lexicon, Words
from clinnlp.text.tables import language_path, read_table

__all__ = ["Find", "Rules"]

LEAD = "LEAD_"
_PIECE = re.compile(r"%(\w+)%")
_SIGNS = ("#", "&", "@", "^", "C")


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
        pieces = {
            name.replace(" ", ""): _either(terms)
            for name, terms in lexicon.terms.items()
            if name != "city"
        }
        pieces["fullmonth"] = _either([m for m in lexicon.terms["month"] if len(m) > 3])
        streets = lexicon.terms["street"]
        pieces["streetcase"] = _either([term.capitalize() for term in streets])
        pieces["streetcaps"] = _either([term.upper() for term in streets])
        path = language_path("identifier_rules", language)
        columns = ("finder", "start", "pattern")
        for line, row in read_table(path, columns, optional=("doubt",)):
            finder, start, pattern, doubt = row
            try:
                written = _PIECE.sub(lambda match: pieces[match[1]], pattern)
                if start == "=":
                    pieces[finder] = written
                    continue
                rule = _rule(finder, written, float(doubt or 0))
            except (KeyError, ValueError, re.error) as error:
                raise DataError(
                    f"rule {finder} is no pattern: {error}", path=path, line=line
                ) from None
            for word in start.split(","):
                self._enter(word, rule, lexicon)

    def _enter(self, word: str, rule: Rule, lexicon: Lexicon) -> None:
        if word in self._by_sign:
            self._by_sign[word].append(rule)
        elif match := _PIECE.fullmatch(word):
            kind = next(k for k in lexicon.terms if k.replace(" ", "") == match[1])
            firsts = {term.lower().split()[0] for term in lexicon.terms[kind]}
            for first in firsts:
                self._by_word[first].append(rule)
        else:
            self._by_word[word].append(rule)

    def __call__(self, text: str, words: Words) -> tuple[list[Find], list[tuple[int, str, str]]]:
        """Return identifiers, and places where a name begins with its label and finder."""
        found: list[Find] = []
        leads: list[tuple[int, str, str]] = []
        by_word, digits = self._by_word.get, self._by_sign["#"]
        capital = self._by_sign["C"]
        last = 0  # end of what a rule of digits found
        n_chars = len(text)
        for start, word in zip(words.starts, words.words, strict=True):
            rules = by_word(word if word.islower() else word.lower())
            if rules is not None:
                for rule in rules:
                    if match := rule.pattern.match(text, start):
                        _enter(match, rule, found, leads)
            end = start + len(word)
            if capital and word[0].isupper():
                for rule in capital:
                    if match := rule.pattern.match(text, start):
                        _enter(match, rule, found, leads)
            if word.isalpha():
                if end < n_chars and text[end] in "-@.+_":
                    self._signed(text, start, end, word, found)
                continue
            if start < last:
                continue
            sign = digits if word[0].isdigit() else self._by_sign["&"]
            for rule in sign:
                if match := rule.pattern.match(text, start):
                    _enter(match, rule, found, leads)
                    last = found[-1].end
                    break
            if end < n_chars and text[end] in "@.+_-":
                self._signed(text, start, end, word, found)
        return found, leads

    def _signed(self, text: str, start: int, end: int, word: str, found: list[Find]) -> None:
        """Try the rules of a word before an ``@``, or of capitals, a hyphen and a digit."""
        sign = (
            "^"
            if text[end] == "-" and word.isupper() and text[end + 1 : end + 2].isdigit()
            else "@"
        )
        if sign == "@" and "@" not in text[end : end + 64]:
            return
        for rule in self._by_sign[sign]:
            if (match := rule.pattern.match(text, start)) and not (
                found and found[-1].finder == f"rule:{rule.finder}" and start < found[-1].end
            ):
                _enter(match, rule, found, [])
                return


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

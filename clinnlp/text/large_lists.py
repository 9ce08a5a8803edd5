"""Names of a large word list that mostly mean something else where they stand in a note.

A published list holds each code and abbreviation that anyone has used: DrugBank has "L", "AP" and
"ABC". Such names of a list of more than 1,000 names are found only beside a dose ("K 20 mEq p.o.",
"iron 325 mg daily"); a smaller list holds what its writer wants, and all of it is found.

============  ====================================================================================
reason        the name
============  ====================================================================================
short         has one or two characters
word          is a word of every-day language: a row of the table of common words
abbreviation  of a drug, has up to five letters, all of them capitals; not one that the table of
              drug names knows (ASA, HCTZ)
laboratory    of a drug, names what is measured in blood: a row ``lab`` of the medication table
salt          of a drug, names a salt alone: a row of the table of salts; never found
============  ====================================================================================

A dose is an amount in milligrams, millilitres, units or the like, or a number of tablets, right
beside the name; beside a name of the laboratory also a form, a route, a frequency, a word such as
"taking" or "supplement", or a section of medications. What was measured is no dose ("potassium
4.1", "calcium 8.0 mg%"), and what is only measured (creatinine) has none.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from clinnlp.core.spans import Span
from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.drugs import drug_names
from clinnlp.text.matcher import Match
from clinnlp.text.medication_links import linked
from clinnlp.text.medication_terms import Item, Terms, language_terms
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.tables import language_path, read_table

__all__ = ["ALL", "DRUG_LABELS", "N_LARGE", "Doubtful", "common_words"]

ALL = "all"
N_LARGE = 1000  # names; a list of more is large
_N_SHORT = 2  # characters
_N_ABBREVIATION = 5  # characters
_AMOUNT = ("amount",)
_FIELDS = {
    "short": _AMOUNT,
    "word": _AMOUNT,
    "abbreviation": ("amount", "count"),
    "laboratory": ("amount", "count", "form", "route", "frequency", "prn"),
}
_NUMBERED = ("short", "word", "abbreviation")  # whose dose has a number in digits
_NEAR = 32  # characters on each side in which a dose is sought
_BETWEEN = " :,-–("
_NUMBER_BEHIND = re.compile(rf"[\s{re.escape(_BETWEEN)}]*[.<>]?\d")
_NUMBER_BEFORE = re.compile(r"\d[\s-]?[^\W\d]+\W+(?:\w+\s+)?\Z")  # "20 mEq", "20 mg of"
_PERCENT = re.compile(r"\s?(?:%|percent\b)")
_NO_NAME = re.compile(r"(?:\d\s?|-)\Z")  # before letters: "10 cc 1% lidocaine", "Micro-K 10 mEq"


class Doubtful:
    """Which terms of a vocabulary are doubtful, and whether a find of one is to be left out.

    Parameters
    ----------
    vocabulary : Vocabulary
    terms : sequence of (name, code)
        Its terms, by whose numbers finds are told.
    keep : collection of str, or "all"
        Names that are found anywhere all the same.
    language : str
        Whose tables.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        terms: Sequence[tuple[str, str]],
        *,
        keep: Collection[str] | str = (),
        language: str = "en",
    ) -> None:
        self.reasons: dict[int, str] = {}
        self._language = language
        kept = frozenset(map(fold, (keep,) if isinstance(keep, str) else keep))
        self.is_large = len(terms) > N_LARGE
        if not self.is_large or ALL in kept:
            return
        tables = _tables(language)
        self.reasons = dict(_doubted(vocabulary, terms, kept, tables))
        self._never = frozenset(
            number
            for number, reason in self.reasons.items()
            if reason == "salt" or fold(terms[number][0]) in tables.never
        )

    def __call__(self, lower: str, match: Match, *, in_medications: bool = False) -> bool:
        """Return whether a find of a doubtful term in folded text is to be left out."""
        if match.term in self._never:
            return True
        reason, tables = self.reasons[match.term], _tables(self._language)
        if reason == "laboratory" and (in_medications or tables.is_given(lower, match)):
            return False
        return not _has_dose(tables.terms, lower, match, reason)

    def salt_behind(self, lower: str, end: int) -> int:
        """Return where the salt behind a drug ends in folded text, `end` where there is none."""
        found = _tables(self._language).salt.match(lower, end)
        return found.end() if found else end


def common_words(language: str, *, kind: str = "") -> frozenset[str]:
    """Return the words that a name matches only in exactly its own case, or those of a kind."""
    return frozenset(word for word, own in _words(language) if own == kind)


def _doubted(
    vocabulary: Vocabulary,
    terms: Sequence[tuple[str, str]],
    kept: Collection[str],
    tables: "_Tables",
) -> Iterator[tuple[int, str]]:
    for number, (name, code) in enumerate(terms):
        if len(name) > _N_ABBREVIATION and name.casefold() not in tables.suspects:
            continue  # as nearly all of millions
        concept = vocabulary[code]
        folded = fold(name)
        if concept.always or folded in kept:
            continue
        if len(folded) <= _N_SHORT:
            yield number, "short"
        elif folded in tables.words:
            yield number, "word"
        elif concept.label in DRUG_LABELS:
            reason = tables.reason_of_drug(name.strip(), folded)
            if reason:
                yield number, reason


def _has_dose(terms: Terms, lower: str, match: Match, reason: str) -> bool:
    start, end = match.start, match.end
    least, most = max(0, start - _NEAR), min(len(lower), end + _NEAR)
    if not _may_have_dose(lower, match, least, reason):
        return False
    [found] = linked(terms, lower, least, most, [Span(start, end)])
    return any(
        item.field in _FIELDS[reason]
        and not _is_value(terms, lower, item, match)
        and (reason != "word" or terms.amount(item.text).mg is not None)
        for item in found.items
    )


def _may_have_dose(lower: str, match: Match, least: int, reason: str) -> bool:
    """Return whether there is a number right beside a name that needs one."""
    if reason == "short" and _NO_NAME.search(lower, least, match.start):
        return False
    return reason not in _NUMBERED or bool(
        _NUMBER_BEHIND.match(lower, match.end) or _NUMBER_BEFORE.search(lower, least, match.start)
    )


def _is_value(terms: Terms, lower: str, item: Item, match: Match) -> bool:
    """Return whether a find stands apart from a name or was measured: "iron 13%", "75 mg%"."""
    if terms.is_measured(item):
        return True
    if item.start < match.end:
        return False
    return (
        bool(lower[match.end : item.start].strip(_BETWEEN))
        or item.text.endswith(("%", "percent"))
        or _PERCENT.match(lower, item.end) is not None
    )


class _Tables:
    """What the tables of a language say of doubtful names."""

    def __init__(self, language: str) -> None:
        path = language_path("medication", language)
        rows = [row for _, row in read_table(path, ("term", "field", "value"))]
        self.terms = language_terms(language)
        self._names = drug_names(language)
        salts = self._names.behind.get("salt", frozenset())
        self.words = frozenset(word for word, kind in _words(language) if kind != "short")
        self._lab = frozenset(fold(term) for term, field, _ in rows if field == "lab")
        self._salts = salts
        only = {fold(term) for term, field, value in rows if (field, value) == ("lab", "only")}
        self.never = self._names.behind.get("release", frozenset()).union(only)
        self.suspects = self.words | self._lab | salts
        self.salt = re.compile(rf"(?: (?:{_any_of(salts)})(?!\w))+")
        before, behind, goes_on = (
            _any_of(term for term, field, value in rows if (field, value) == ("given", where))
            for where in ("before", "behind", "goes_on")
        )
        self._before = re.compile(rf"(?<![\w-])(?:{before})\s+\Z")
        self._behind = re.compile(rf"\s(?:{behind})(?!\w)")
        self._goes_on = re.compile(rf"\s?(?:[,.;:()\n]|\Z|(?:{goes_on})(?!\w))")

    def reason_of_drug(self, name: str, folded: str) -> str:
        """Return why the name of a drug is doubtful, empty where it is not."""
        if folded in self._lab:
            return "laboratory"
        if folded in self._salts:
            return "salt"
        is_abbreviation = len(name) <= _N_ABBREVIATION and name.upper() == name != name.lower()
        return "abbreviation" if is_abbreviation and not self._names.is_brand(folded) else ""

    def is_given(self, lower: str, match: Match) -> bool:
        """Return whether words beside the name of a substance say that it is given."""
        if self._behind.match(lower, match.end):
            return True
        before = self._before.search(lower, max(0, match.start - _NEAR), match.start)
        return before is not None and self._goes_on.match(lower, match.end) is not None


@cache
def _tables(language: str) -> _Tables:
    return _Tables(language)


@cache
def _words(language: str) -> tuple[tuple[str, str], ...]:
    rows = read_table(language_path("common_words", language), ("word",), optional=("kind",))
    return tuple((word, kind) for _, (word, kind) in rows)


def _any_of(words: Iterable[str]) -> str:
    """Return the pattern of any of some words, the longest first; of none it is never there."""
    return "|".join(map(re.escape, sorted(words, key=len, reverse=True))) or "(?!)"

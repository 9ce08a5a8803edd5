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
from collections.abc import Collection, Iterator, Sequence
from functools import cache

from clinnlp.core.spans import Span
from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.drugs import is_brand, salts
from clinnlp.text.matcher import Match
from clinnlp.text.medication_links import linked
from clinnlp.text.medication_terms import Item, Terms, read_terms
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.tables import data_path, read_table

__all__ = ["ALL", "DRUG_LABELS", "N_LARGE", "REASONS", "Doubtful", "common_words", "salt_behind"]

ALL = "all"
REASONS = ("short", "word", "abbreviation", "laboratory", "salt")
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
_NUMBERED = ("short", "word")  # whose dose has a number in digits
_NEAR = 32  # characters on each side in which a dose is sought
_BETWEEN = " :,-–("
_DIGIT = re.compile(r"\d")
_PERCENT = re.compile(r"\s?(?:%|percent\b)")
_NO_NAME = re.compile(
    r"(?:\d\s?|-)\Z"
)  # before one or two letters: "10 cc 1% lidocaine", "Micro-K"


class Doubtful:
    """Which terms of a vocabulary are doubtful, and whether a find of one stands beside a dose.

    Parameters
    ----------
    vocabulary : Vocabulary
    terms : sequence of (name, code)
        Its terms, by whose numbers finds are told.
    keep : collection of str, or "all"
        Names that are found anywhere all the same.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        terms: Sequence[tuple[str, str]],
        *,
        keep: Collection[str] | str = (),
    ) -> None:
        self.reasons: dict[int, str] = {}
        kept = frozenset(map(fold, (keep,) if isinstance(keep, str) else keep))
        self.is_large = len(terms) > N_LARGE
        if self.is_large and ALL not in kept:
            self.reasons = dict(_doubted(vocabulary, terms, kept))
        never = _laboratory("only") | salts("release")
        self._never = frozenset(
            k for k, why in self.reasons.items() if why == "salt" or fold(terms[k][0]) in never
        )

    def __call__(self, lower: str, match: Match, *, in_medications: bool = False) -> bool:
        """Return whether a find of a doubtful term in folded text is to be left out."""
        reason = self.reasons[match.term]
        if match.term in self._never:
            return True
        if reason == "laboratory" and (in_medications or _is_given(lower, match)):
            return False
        return not _has_dose(_terms(), lower, match, reason)


def common_words() -> Collection[str]:
    """Return the words that a name matches only in exactly its own case, whatever the list."""
    return frozenset(word for word, kind in _words() if not kind)


def salt_behind(lower: str, end: int) -> int:
    """Return where the salt behind a drug ends in folded text, `end` where there is none.

    Examples
    --------
    >>> salt_behind("morphine sulfate 4 mg", 8)
    16
    """
    found = _salt().match(lower, end)
    return found.end() if found else end


def _doubted(
    vocabulary: Vocabulary, terms: Sequence[tuple[str, str]], kept: Collection[str]
) -> Iterator[tuple[int, str]]:
    words = frozenset(word for word, _ in _words())
    longest = max(map(len, words | _laboratory("", "only") | salts("salt")))
    for number, (name, code) in enumerate(terms):
        if len(name) > longest:
            continue
        concept = vocabulary[code]
        folded = fold(name)
        if concept.always or folded in kept:
            continue
        if len(folded) <= _N_SHORT:
            yield number, "short"
        elif folded in words:
            yield number, "word"
        elif concept.label in DRUG_LABELS:
            reason = _of_drug(name.strip(), folded)
            if reason:
                yield number, reason


def _of_drug(name: str, folded: str) -> str:
    """Return why the name of a drug is doubtful, empty where it is not."""
    if folded in _laboratory("", "only"):
        return "laboratory"
    if folded in salts("salt"):
        return "salt"
    is_abbreviation = len(name) <= _N_ABBREVIATION and name.upper() == name != name.lower()
    return "abbreviation" if is_abbreviation and not is_brand(folded) else ""


def _has_dose(terms: Terms, lower: str, match: Match, reason: str) -> bool:
    start, end = match.start, match.end
    if reason == "short" and _NO_NAME.search(lower, max(0, start - 2), start):
        return False
    least, most = max(0, start - _NEAR), min(len(lower), end + _NEAR)
    if reason in _NUMBERED and not _DIGIT.search(lower, least, most):
        return False
    [found] = linked(terms, lower, least, most, [Span(start, end)])
    return any(
        item.field in _FIELDS[reason]
        and (item.end <= start or not lower[end : item.start].strip(_BETWEEN))
        and not _is_value(terms, lower, item, is_behind=item.start >= end)
        and (reason != "word" or terms.amount(item.text).mg is not None)
        for item in found.items
    )


def _is_value(terms: Terms, lower: str, item: Item, *, is_behind: bool) -> bool:
    """Return whether a find is what was measured: "iron 13%", "75 mg%", "8.1 mg/dL"."""
    is_percent = is_behind and (
        item.text.endswith(("%", "percent")) or _PERCENT.match(lower, item.end) is not None
    )
    return is_percent or terms.is_measured(item)


def _is_given(lower: str, match: Match) -> bool:
    """Return whether words beside the name of a substance say that it is given."""
    before, behind, goes_on = _given()
    if behind.match(lower, match.end):
        return True
    is_before = before.search(lower, max(0, match.start - _NEAR), match.start)
    return is_before is not None and goes_on.match(lower, match.end) is not None


@cache
def _terms() -> Terms:
    return read_terms(data_path("medication_en.tsv"))


@cache
def _laboratory(*values: str) -> frozenset[str]:
    return frozenset(fold(term) for term, value in _rows("lab") if value in values)


@cache
def _given() -> tuple[re.Pattern[str], re.Pattern[str], re.Pattern[str]]:
    """Return the words before a substance that is given, those behind it, and what may follow."""
    before, behind, goes_on = (
        "|".join(re.escape(term) for term, value in _rows("given") if value == where)
        for where in ("before", "behind", "goes_on")
    )
    return (
        re.compile(rf"(?<![\w-])(?:{before})\s+\Z"),
        re.compile(rf"\s(?:{behind})(?!\w)"),
        re.compile(rf"\s?(?:[,.;:()\n]|\Z|(?:{goes_on})(?!\w))"),
    )


def _rows(field: str) -> list[tuple[str, str]]:
    rows = read_table(data_path("medication_en.tsv"), ("term", "field", "value"))
    return [(term, value) for _, (term, of, value) in rows if of == field]


@cache
def _words() -> tuple[tuple[str, str], ...]:
    rows = read_table(data_path("common_words_en.tsv"), ("word",), optional=("kind",))
    return tuple((word, kind) for _, (word, kind) in rows)


@cache
def _salt() -> re.Pattern[str]:
    words = "|".join(map(re.escape, sorted(salts("salt"), key=len, reverse=True)))
    return re.compile(rf"(?: (?:{words})(?!\w))+")

"""Finding many terms at once in text that is folded without losing its offsets.

The text is case-folded character by character, so that its length stays, and runs of white
space are squeezed to one blank, whose lost characters a short list remembers. One Aho-Corasick
automaton then finds every term; a match counts only between word boundaries. All occurrences
are looked at, not only the leftmost longest, because a longest match that ends inside a word
would hide a shorter whole one.

References
----------
Aho and Corasick, Communications of the ACM 18(6), 1975.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick

from clinnlp.text.plain import plain_text
from clinnlp.text.variants import N_SHORTEST, Variants, loosened

__all__ = ["Folded", "Match", "TermMatcher", "fold_keeping_length", "fold_text", "leftmost_longest"]

_BLANKS = tuple(char for char in map(chr, range(0x3001)) if char.isspace() and char != " ")
_FIRST_NOT_BLANK = re.compile(r"[^ ]|\Z")
_APOSTROPHES = "’‘ʼ‛´`′＇ʹ"  # as word processors, telephones and keyboards write it


class Match(NamedTuple):
    """Term number `term` at ``[start, end)`` of the folded text."""

    start: int
    end: int
    term: int


class Folded(NamedTuple):
    """A text made ready for matching.

    `cased` has white space squeezed, `lower` is `cased` case-folded; both have one length.
    `at` and `shifts` lead from their offsets back to the original ones.
    """

    lower: str
    cased: str
    at: list[int]
    shifts: list[int]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the original offsets of a non-empty range of the folded text."""
        if not self.at:
            return start, end
        first = self.shifts[bisect_right(self.at, start)]
        # Of the last character, not of the place behind it, which may lie beyond a gap
        last = self.shifts[bisect_right(self.at, end - 1)]
        return start + first, end + last


def fold_keeping_length(text: str) -> str:
    """Return `text` case-folded where that keeps each character one character, ``'`` for ``’``.

    Examples
    --------
    >>> fold_keeping_length("İSTANBUL Straße: doesn’t")
    "İstanbul straße: doesn't"
    """
    for apostrophe in _APOSTROPHES:
        text = text.replace(apostrophe, "'")
    if text.isascii():
        return text.lower()
    folded = text.casefold()  # never shorter than the text
    return folded if len(folded) == len(text) else "".join(_fold_char(c) for c in text)


def fold_text(text: str) -> Folded:
    """Return `text` folded and squeezed, with the way back to its offsets.

    Examples
    --------
    >>> folded = fold_text("Chest\\n  PAIN")
    >>> folded.lower, folded.original(6, 10)
    ('chest pain', (8, 12))
    """
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    at: list[int] = []
    shifts = [0]
    pieces: list[str] = []
    start, gap = 0, text.find("  ")
    while gap >= 0:
        pieces.append(text[start : gap + 1])
        at.append(gap + 1 - shifts[-1])
        start = _end_of_gap(text, gap)
        shifts.append(shifts[-1] + start - gap - 1)
        gap = text.find("  ", start)
    cased = "".join([*pieces, text[start:]]) if pieces else text
    return Folded(fold_keeping_length(cased), cased, at, shifts)


class TermMatcher:
    """Terms, found all at once.

    It never changes, and threads may share it. Pickled it is its terms; the automaton is built
    again where they are read.

    Parameters
    ----------
    terms : sequence of str
        White space in them is squeezed. Repeated terms answer with the first one's number.
    n_cased : int
        Terms of up to this many characters match only in exactly their own case.
    common : collection of str
        Lower-case terms that also do.
    variants : Variants, optional
        How names may look otherwise; absent: they match as they are.

    Examples
    --------
    >>> matcher = TermMatcher(["chest pain", "pain", "PE"], n_cased=3)
    >>> [tuple(m) for m in matcher.find(fold_text("Chest pain: PE? (pe, painful)"))]
    [(0, 10, 0), (6, 10, 1), (12, 14, 2)]
    >>> matcher = TermMatcher(["beta-blocker", "biopsy"], variants=Variants())
    >>> [tuple(m) for m in matcher.find(fold_text("Beta blockers; biopsies"))]
    [(0, 13, 0), (15, 23, 1)]
    """

    def __init__(
        self,
        terms: Sequence[str],
        *,
        n_cased: int = 0,
        common: Collection[str] = (),
        variants: Variants | None = None,
    ) -> None:
        lower: dict[str, int] = {}
        cased: dict[str, int] = {}
        self._variants = variants
        self._endings = variants.endings if variants is not None else ()
        # One string and not an object for each term: there may be millions
        joined = "\n".join(_squeezed(term) for term in terms)
        self._made_of = joined, n_cased, tuple(sorted(common))
        for number, term in enumerate(terms):
            squeezed = _squeezed(term)
            folded = fold_keeping_length(squeezed)
            if 0 < len(squeezed) <= n_cased or folded in common:
                cased.setdefault(squeezed, number)
            elif squeezed:
                lower.setdefault(self._key(folded), number)
        if variants is not None:
            _add_variants(lower, terms, variants, cased)
        self._lower, self._lower_terms = _automaton(lower)
        self._cased, self._cased_terms = _automaton(cased)

    def __reduce__(self) -> tuple[Callable[..., "TermMatcher"], tuple[Any, ...]]:
        return _rebuilt, (*self._made_of, self._variants)

    def find(self, folded: Folded) -> list[Match]:
        """Return every whole-word occurrence by start, the longer first; they may overlap."""
        text = self._key(folded.lower)
        found = _whole_words(self._lower, self._lower_terms, text, self._endings)
        if self._cased is not None:
            found += _whole_words(self._cased, self._cased_terms, folded.cased, ())
        found.sort(key=_by_start_then_length)
        return found

    def _key(self, folded: str) -> str:
        return loosened(folded) if self._variants is not None else folded


def _rebuilt(
    terms: str, n_cased: int, common: tuple[str, ...], variants: Variants | None
) -> TermMatcher:
    return TermMatcher(terms.split("\n"), n_cased=n_cased, common=common, variants=variants)


def _add_variants(
    lower: dict[str, int], terms: Sequence[str], variants: Variants, cased: Mapping[str, int]
) -> None:
    """Add the other looks of terms, behind all terms themselves."""
    for number, term in enumerate(terms):
        squeezed = _squeezed(term)
        if squeezed and squeezed not in cased:
            for other in variants.of(fold_keeping_length(squeezed)):
                lower.setdefault(loosened(other), number)


def leftmost_longest(matches: Sequence[Match]) -> list[Match]:
    """Return the disjoint matches met from the left, the longest at each place.

    `matches` come by start, the longer first, as `TermMatcher.find` gives them.
    """
    kept: list[Match] = []
    end = 0
    for match in matches:
        if match.start >= end:
            kept.append(match)
            end = match.end
    return kept


def _squeezed(term: str) -> str:
    plain = plain_text(term)
    return " ".join((term if plain is None else plain.text).split())


def _automaton(terms: dict[str, int]) -> tuple[AhoCorasick | None, list[int]]:
    made = AhoCorasick(list(terms), store_patterns=False) if terms else None
    return made, list(terms.values())


def _whole_words(
    automaton: AhoCorasick | None, numbers: list[int], text: str, endings: Sequence[str]
) -> list[Match]:
    if automaton is None:
        return []
    out = []
    n_chars = len(text)
    for pattern, start, end in automaton.find_matches_as_indexes(text, overlapping=True):
        # Inside a word; beside a sign such as "+" there is none to be inside of
        if start and text[start - 1].isalnum() and text[start].isalnum():
            continue
        if end < n_chars and text[end].isalnum() and text[end - 1].isalnum():
            end = _ended(text, start, end, endings)
            if not end:
                continue
        out.append(Match(start, end, numbers[pattern]))
    return out


def _ended(text: str, start: int, end: int, endings: Sequence[str]) -> int:
    """Return where a word that goes on behind a find ends, 0 where not with an ending."""
    # Not behind a letter alone: "hepatitis as" is no plural of "hepatitis a"
    if end - start >= N_SHORTEST and text[end - 2 : end].isalpha():
        for ending in endings:
            stop = end + len(ending)
            if text.startswith(ending, end) and not text[stop : stop + 1].isalnum():
                return stop
    return 0


def _by_start_then_length(match: Match) -> tuple[int, int]:
    return match.start, -match.end


def _end_of_gap(text: str, start: int) -> int:
    found = _FIRST_NOT_BLANK.search(text, start)
    return found.start() if found else len(text)


def _fold_char(char: str) -> str:
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char

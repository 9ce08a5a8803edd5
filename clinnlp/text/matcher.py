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
from collections.abc import (
    Callable,
    Collection,
    Container,
    Iterator,
    Mapping,
    Sequence,
)
from itertools import accumulate
from operator import itemgetter
from typing import Any, NamedTuple

from ahocorasick_rs import AhoCorasick

from clinnlp.core.pipeline import chunks
from clinnlp.text.plain import plain_characters, plain_text
from clinnlp.text.variants import N_SHORTEST, Variants, loosened

__all__ = ["Folded", "Match", "TermMatcher", "fold_keeping_length", "fold_text", "leftmost_longest"]

_BLANKS = "\t\n\v\f\r\x1c\x1d\x1e\x1f"  # besides the blank itself, in plain text
_GAP = re.compile("( {2,})")
_N_AT_ONCE = 1000  # terms that are folded as one string

_NONE: Mapping[str, int] = {}
_Found = tuple[int, int, int]  # start, end below zero (so that the longer come first), term


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
    """Return `text` in plain characters, case-folded where that keeps each one character.

    Examples
    --------
    >>> fold_keeping_length("İSTANBUL Straße: doesn’t")
    "İstanbul straße: doesn't"
    """
    text = plain_characters(text)
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
    text = plain_characters(text)
    for blank in _BLANKS:
        text = text.replace(blank, " ")
    pieces, gaps = _between_gaps(text)
    if not gaps:
        return Folded(fold_keeping_length(text), text, [], [0])
    cased = " ".join(pieces)
    at = [end + k for k, end in enumerate(accumulate(map(len, pieces[:-1])), 1)]
    shifts = list(accumulate((len(gap) - 1 for gap in gaps), initial=0))
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
    capitals : collection of str
        Lower-case terms that match in their own case and in capitals.
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
        capitals: Collection[str] = (),
        variants: Variants | None = None,
    ) -> None:
        self._variants = variants
        self._endings = variants.endings if variants is not None else ()
        plain = _squeezed(terms)
        # One string and not an object for each term: there may be millions
        self._made_of = "\n".join(plain), n_cased, tuple(sorted(common)), tuple(sorted(capitals))
        folded = _each(plain, fold_keeping_length)
        keys = _each(folded, self._key)
        bound = {*common, *capitals}
        cased = _cased(plain, folded, n_cased, bound) if n_cased or bound else set()
        # From the last to the first: of terms that are alike the first holds
        numbers = reversed(range(len(plain)))
        lower = {keys[number]: number for number in numbers if number not in cased}
        lower.pop("", None)
        if variants is not None:
            _add_variants(lower, folded, variants, cased)
        exact: dict[str, dict[str, int]] = {}
        for number in sorted(cased):
            exact.setdefault(keys[number], {}).setdefault(plain[number], number)
        for number in sorted(cased) if capitals else ():  # behind all that are written so
            if folded[number] in capitals:
                exact[keys[number]].setdefault(plain[number].upper(), number)
        self._compile(lower, exact)

    def _compile(self, lower: Mapping[str, int], exact: Mapping[str, Mapping[str, int]]) -> None:
        """Make one automaton of all terms; what needs its own case is looked at where found."""
        keys = sorted({*lower, *exact})  # an automaton of sorted terms is made faster
        self._numbers = [lower.get(key, -1) for key in keys]
        self._exact = {k: exact[key] for k, key in enumerate(keys) if key in exact}
        self._automaton = AhoCorasick(_each(keys, _headed), store_patterns=False) if keys else None

    def __reduce__(self) -> tuple[Callable[..., "TermMatcher"], tuple[Any, ...]]:
        return _rebuilt, (*self._made_of, self._variants)

    def find(self, folded: Folded) -> list[Match]:
        """Return every whole-word occurrence by start, the longer first; they may overlap."""
        return [Match(start, -less, term) for start, less, term in self._found(folded)]

    def longest(self, folded: Folded) -> list[Match]:
        """Return disjoint occurrences; of two that overlap the longer stays, then the first."""
        kept: list[Match] = []
        begun = ended = 0  # of the last one kept
        for start, less, term in self._found(folded):
            if start >= ended:
                kept.append(Match(start, -less, term))
            elif -less - start > ended - begun:
                kept[-1] = Match(start, -less, term)
            else:
                continue
            begun, ended = start, -less
        return kept

    def _found(self, folded: Folded) -> list[_Found]:
        """Return every whole-word occurrence in order."""
        if self._automaton is None:
            return []
        text = self._key(folded.lower)
        raw = self._automaton.find_matches_as_indexes(_headed(text), overlapping=True)
        around = text + " "  # so that there is a character before and behind each
        if self._exact or self._endings:
            found = list(self._looked_at(raw, around, folded.cased))
            found.sort(key=itemgetter(0, 1))
            return found
        numbers = self._numbers
        found = [
            (start, -end, numbers[pattern])
            for pattern, start, end in raw
            if not (around[end].isalnum() and around[end - 1].isalnum())
            and not (around[start - 1].isalnum() and around[start].isalnum())
        ]
        found.sort()
        return found

    def _looked_at(
        self, raw: Sequence[tuple[int, int, int]], around: str, cased: str
    ) -> Iterator[_Found]:
        """Yield the whole words, with their endings, and in their own case where they need it."""
        for pattern, start, end in raw:
            if around[start - 1].isalnum() and around[start].isalnum():
                continue
            stop = end
            if around[end].isalnum() and around[end - 1].isalnum():
                stop = _ended(around, start, end, self._endings)
            if stop and self._numbers[pattern] >= 0:
                yield start, -stop, self._numbers[pattern]
            if stop == end:
                number = self._exact.get(pattern, _NONE).get(cased[start:end], -1)
                if number >= 0:
                    yield start, -end, number

    def _key(self, folded: str) -> str:
        return loosened(folded) if self._variants is not None else folded


def _rebuilt(
    terms: str,
    n_cased: int,
    common: tuple[str, ...],
    capitals: tuple[str, ...],
    variants: Variants | None,
) -> TermMatcher:
    return TermMatcher(
        terms.split("\n"), n_cased=n_cased, common=common, capitals=capitals, variants=variants
    )


def _cased(
    plain: Sequence[str], folded: Sequence[str], n_cased: int, common: Collection[str]
) -> set[int]:
    """Return the numbers of the terms that match only in their own case."""
    return {
        number
        for number, (term, same) in enumerate(zip(plain, folded, strict=True))
        if 0 < len(term) <= n_cased or same in common
    }


def _add_variants(
    lower: dict[str, int], folded: Sequence[str], variants: Variants, cased: Container[int]
) -> None:
    """Add the other looks of terms, behind all terms themselves."""
    for number, term in enumerate(folded):
        if term and number not in cased:
            for other in variants.of(term):
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


def _squeezed(terms: Sequence[str]) -> list[str]:
    """Return terms in plain text, each run of white space one blank."""
    found: list[str] = []
    for some in chunks(terms, _N_AT_ONCE):
        if plain_text("\n".join(some)) is not None:
            copies = map(plain_text, some)
            some = [copy.text if copy else term for copy, term in zip(copies, some, strict=True)]
        found += [" ".join(term.split()) for term in some]
    return found


def _each(terms: Sequence[str], made: Callable[[str], str]) -> list[str]:
    """Return what a function makes of each term, of many at once: it leaves line ends alone."""
    return [
        term for some in chunks(terms, _N_AT_ONCE) for term in made("\n".join(some)).split("\n")
    ]


def _headed(folded: str) -> str:
    """Return folded text with a capital at the start of each word; its length stays.

    A term, headed likewise, is then found at the start of words alone.
    """
    if folded.isascii():
        return folded.encode().title().decode()
    headed = folded.title()
    return headed if len(headed) == len(folded) else "".join(_headed_chars(folded))


def _headed_chars(folded: str) -> Iterator[str]:
    """Yield the characters of headed text, those that would become two as they are."""
    inside = False
    for char in folded:
        made = char.lower() if inside else char.title()
        yield made if len(made) == 1 else char
        inside = char.islower() or char.isupper() or char.istitle()


def _ended(text: str, start: int, end: int, endings: Sequence[str]) -> int:
    """Return where a word that goes on behind a find ends, 0 where not with an ending."""
    # Not behind a letter alone: "hepatitis as" is no plural of "hepatitis a"
    if end - start >= N_SHORTEST and text[end - 2 : end].isalpha():
        for ending in endings:
            stop = end + len(ending)
            if text.startswith(ending, end) and not text[stop : stop + 1].isalnum():
                return stop
    return 0


def _between_gaps(text: str) -> tuple[list[str], list[str]]:
    """Return the pieces of a text between runs of two blanks or more, and these runs."""
    if "   " in text:
        parts = _GAP.split(text)
        return parts[::2], parts[1::2]
    pieces = text.split("  ")
    return pieces, ["  "] * (len(pieces) - 1)


def _fold_char(char: str) -> str:
    for folded in (char.casefold(), char.lower()):
        if len(folded) == 1:
            return folded
    return char

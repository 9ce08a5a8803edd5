"""How far a cue reaches that belongs to one noun phrase, such as "negative" and "absent".

Nothing is parsed. A phrase ends at a punctuation mark, at a word that no noun phrase holds
("with", "showed") and at an "and". A cue leads its phrase ("with negative cultures") where one of
these stands before it and a word of a phrase behind it; else it ends its phrase ("cultures
negative"), and then a list whose last item follows an "and" or "or" counts as one phrase.
"""

import re
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass

from clinnlp.core.spans import Span

__all__ = ["PhraseWords", "phrase_of"]

_WIDEST = 160  # characters looked at on either side of a cue
_PIECE = re.compile(r"\w+(?:[-'’./]\w+)*|[^\w\s]")
_LINE_END = re.compile(r"[\r\n]")
_HYPHENS = ("-", "‐", "‑")
_SKIPPED = (",", ":", "-", "–", "=")  # between a phrase and the cue that ends it
_NONE: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class PhraseWords:
    """The words, in lower case, that tell where phrases end; see `clinnlp.text.cues`.

    Parameters
    ----------
    outside : set of str
        Words that no noun phrase holds.
    within : set of str
        Words between the parts of one: "of", "in".
    joining : set of str
        Words and marks before the last item of a list.
    test : set of str
        Last words of what has a result; such a phrase stands in no list.
    looked : set of str
        Those that look at what stands before them: a "mass biopsy negative" is still a mass.
    listing : set of str
        First words of cues before a list that may end in a verb: "no rash, edema seen".
    """

    outside: Set[str] = _NONE
    within: Set[str] = _NONE
    joining: Set[str] = _NONE
    test: Set[str] = _NONE
    looked: Set[str] = _NONE
    listing: Set[str] = _NONE

    @classmethod
    def of(cls, classes: Mapping[str, Set[str]]) -> "PhraseWords":
        """Return those among the classes of a cue table."""
        names = ("outside", "within", "joining", "test", "looked", "listing")
        return cls(**{name: classes.get(name, _NONE) for name in names})


def phrase_of(text: str, start: int, end: int, words: PhraseWords) -> Span:
    """Return the phrase of a cue at ``[start, end)``, with the cue.

    Examples
    --------
    >>> words = PhraseWords(outside={"with"}, joining={"and"}, test={"cultures"})
    >>> text = "Pneumonia with negative cultures; fever, chills and cough negative"
    >>> [text[slice(*phrase_of(text, at, at + 8, words))] for at in (15, 58)]
    ['negative cultures', 'fever, chills and cough negative']
    """
    offset = max(0, start - _WIDEST)
    before = [(offset + m.start(), m[0].lower()) for m in _PIECE.finditer(text[offset:start])]
    if text[start - 1 : start] in _HYPHENS and text[start - 2 : start - 1].isalnum():
        return Span(before[-2][0], end)  # "HER2-negative" says nothing of what follows
    if length := _length_led(text[end : end + _WIDEST], before[-1][1] if before else "", words):
        return Span(start, end + length)
    while before and (before[-1][1] in _SKIPPED or before[-1][1] in words.outside):
        before.pop()  # "cultures: all negative"
    if before and before[-1][1] in words.looked:
        return Span(before[-1][0], end)  # what was looked at is there
    return Span(_start_of_list(before, words, start), end)


def _length_led(ahead: str, last: str, words: PhraseWords) -> int:
    """Return the length of the phrase that a cue leads, 0 where it ends one."""
    if last not in words.within and not _ends(last, words):
        return 0
    if not last[:1].isalnum():  # "Fever: negative" does not lead what the next line holds
        ahead = _LINE_END.split(ahead, 1)[0]
    return _length(ahead, words)


def _length(text: str, words: PhraseWords) -> int:
    """Return how many characters of a text belong to the phrase at its start."""
    length = 0
    for piece in _PIECE.finditer(text):
        if _ends(piece[0].lower(), words):
            break
        length = piece.end()
    return length


def _start_of_list(before: Sequence[tuple[int, str]], words: PhraseWords, start: int) -> int:
    """Return where the phrase or list begins that ends with the last of some pieces."""
    is_test = bool(before) and before[-1][1] in words.test
    in_list = False
    for at, piece in reversed(before):
        if piece in words.joining and not is_test:
            in_list = True
        elif piece in words.within and is_test:
            break
        elif piece != "," or not in_list:
            if _ends(piece, words):
                break
            start = at
    return start


def _ends(piece: str, words: PhraseWords) -> bool:
    return not piece[:1].isalnum() or piece in words.outside or piece in words.joining

"""Short forms of the names in training notes: those that a note defines, else their initials.

What a note calls "renal failure (RF)" it calls "RF" from then on, and both are one thing. Names
exchanged while training (`clinnlp.bert.swaps`) keep to that: a short form gives way to the short
form of what its long form gave way to.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from clinnlp.bert.windows import TokenisedText
from clinnlp.core.abbreviations import short_forms
from clinnlp.core.arrays import Ints, Ints32

__all__ = ["Defined", "Name", "bracketed", "defined", "initials", "one_word"]

_MOST_LETTERS = 6
_SMALL_WORDS = frozenset(
    "a an and by de del due for from in la of on or the to with y".split()  # noqa: SIM905
)


class Name(NamedTuple):
    """Tokens that stand in a text, which of them begin words, and how the words are tagged.

    Tags are 0 for a word outside of mentions, 1 where one begins and 2 where it goes on.
    """

    ids: Ints32
    first: Ints
    tags: Ints


class Defined(NamedTuple):
    """Words ``[a, b)`` of a short form, and those of the long form that a text gives it."""

    short: tuple[int, int]
    long: tuple[int, int]


def defined(text: str, words: TokenisedText) -> list[Defined]:
    """Return the words of each short form that a text defines, and of its long form."""
    pairs = short_forms(text)
    return [Defined(words.words_of(short), words.words_of(long)) for short, long in pairs]


def initials(words: Iterable[str]) -> str:
    """Return the initials of a name of several words in capitals, or "" where it has none.

    Examples
    --------
    >>> initials(["inhibitor", "of", "cholesterol", "transfer"]), initials(["aspirin"])
    ('ICT', '')
    >>> initials(["5", "-", "HT"])
    ''
    """
    big = [word for word in words if word.lower() not in _SMALL_WORDS]
    if not (2 <= len(big) <= _MOST_LETTERS and all(word.isalpha() for word in big)):
        return ""
    return "".join(word[0] for word in big).upper()


def one_word(ids: Ints32) -> Name:
    """Return a name of one word."""
    return Name(ids, np.zeros(1, np.int64), np.ones(1, np.int64))


def bracketed(long: Name, brackets: tuple[Ints32, Ints32], short: Name) -> Name:
    """Return a name followed by its short form in brackets."""
    opens, closes = brackets
    lengths = np.cumsum([0, len(long.ids), len(opens), len(short.ids)])
    return Name(
        np.concatenate([long.ids, opens, short.ids, closes]),
        np.concatenate([long.first, lengths[1:2], short.first + lengths[2], lengths[3:4]]),
        np.concatenate([long.tags, [0], short.tags, [0]]),
    )

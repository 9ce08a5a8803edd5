"""Short forms that a text defines: in brackets after their long forms, or before them.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462.
"""

import re
from typing import NamedTuple

from clinnlp.core.spans import Span

__all__ = ["ShortForm", "abbreviations", "short_forms"]

_SHORT = re.compile(r"(?<=\s)\(([^\W_][\w/-]{1,9})\)")
_LONG = re.compile(r"\s\(([^\W_][^()]{4,99})\)")
_LAST = re.compile(r"(?<![\w/-])[^\W_][\w/-]{1,9}\Z")
_WORD = re.compile(r"\S+")
_N_BEFORE = 12  # characters before a bracket in which a short form stands


class ShortForm(NamedTuple):
    """Where a text gives a short form, and the long form that it stands for."""

    short: Span
    long: Span


def abbreviations(text: str) -> dict[str, str]:
    """Return the short forms that a text defines, with their long forms.

    Examples
    --------
    >>> abbreviations("known congestive heart failure (CHF) and diabetes (see below)")
    {'CHF': 'congestive heart failure'}
    >>> abbreviations("given MTX (methotrexate)")
    {'MTX': 'methotrexate'}
    """
    return {
        text[short.start : short.end]: " ".join(text[long.start : long.end].split())
        for short, long in short_forms(text)
    }


def short_forms(text: str) -> list[ShortForm]:
    """Return where each short form that a text defines first stands beside its long form.

    Examples
    --------
    >>> short_forms("known heart failure (HF)")
    [ShortForm(short=Span(start=21, end=23), long=Span(start=6, end=19))]
    """
    found: dict[str, ShortForm] = {}
    for match in _SHORT.finditer(text):
        if match[1] not in found and _is_short(match[1]):
            long = _long_before(text, match.start(), match[1])
            if long is not None:
                found[match[1]] = ShortForm(Span(*match.span(1)), long)
    for match in _LONG.finditer(text):
        last = _LAST.search(text[max(0, match.start() - _N_BEFORE) : match.start()])
        if last is None or last[0] in found or not _is_short(last[0]):
            continue
        if _long_form(last[0], match[1]) == 0:
            short = Span(match.start() - len(last[0]), match.start())
            found[last[0]] = ShortForm(short, Span(*match.span(1)))
    return list(found.values())


def _is_short(word: str) -> bool:
    return any(char.isupper() for char in word)


def _long_before(text: str, end: int, short: str) -> Span | None:
    """Return the long form of a short form in brackets, among the words before a bracket."""
    n_words = min(len(short) + 5, 2 * len(short))
    begins = max(0, end - 20 * n_words)
    words = list(_WORD.finditer(text, begins, end))[-n_words:]
    if not words:
        return None
    first, last = words[0].start(), words[-1].end()
    at = _long_form(short, text[first:last])
    return None if at is None else Span(first + at, last)


def _long_form(short: str, before: str) -> int | None:
    """Return where the shortest tail of `before` begins that holds the letters of `short` in order.

    The first letter must begin a word (Schwartz and Hearst 2003, figure 1).
    """
    at = len(before)
    letters = [char for char in short.casefold() if char.isalnum()]
    folded = before.lower() if len(before.lower()) == len(before) else before
    for k, letter in reversed(list(enumerate(letters))):
        at -= 1
        while at >= 0 and (
            folded[at] != letter or (k == 0 and at > 0 and folded[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return None
    long_form = before[at:]
    return at if len(long_form) > len(short) and short not in long_form.split() else None

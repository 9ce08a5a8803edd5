"""Short forms that a text defines: in brackets after their long forms, or before them.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462.
"""

import re

__all__ = ["abbreviations"]

_SHORT = re.compile(r"(?<=\s)\(([^\W_][\w/-]{1,9})\)")
_BEFORE = re.compile(r"(?<![\w/-])([^\W_][\w/-]{1,9})\s\(([^\W_][^()]{4,99})\)")


def abbreviations(text: str) -> dict[str, str]:
    """Return the short forms that a text defines, with their long forms.

    Examples
    --------
    >>> abbreviations("known congestive heart failure (CHF) and diabetes (see below)")
    {'CHF': 'congestive heart failure'}
    >>> abbreviations("given MTX (methotrexate)")
    {'MTX': 'methotrexate'}
    """
    found = _defined_after(text)
    for short, long_form in _BEFORE.findall(text):
        words = " ".join(long_form.split())
        if short not in found and _is_short(short) and _long_form(short, words) == words:
            found[short] = words
    return found


def _is_short(word: str) -> bool:
    return any(char.isupper() for char in word)


def _defined_after(text: str) -> dict[str, str]:
    """Return the short forms in brackets after their long forms."""
    found: dict[str, str] = {}
    for match in _SHORT.finditer(text):
        short = match[1]
        if short in found or not _is_short(short):
            continue
        n_words = min(len(short) + 5, 2 * len(short))
        before = text[max(0, match.start() - 20 * n_words) : match.start()]
        long_form = _long_form(short, " ".join(before.split()[-n_words:]))
        if long_form:
            found[short] = long_form
    return found


def _long_form(short: str, before: str) -> str:
    """Return the shortest tail of `before` that holds the letters of `short` in order.

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
            return ""
    long_form = before[at:]
    return long_form if len(long_form) > len(short) and short not in long_form.split() else ""

"""Short forms that a text defines: in brackets after their long forms, or before them.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462.
"""

import re

__all__ = ["abbreviations"]

_SHORT = re.compile(r"(?<=\s)\(([^\W_][\w/-]{1,9})\)")
_LONG = re.compile(r"\s\(([^\W_][^()]{4,99})\)")
_LAST = re.compile(r"(?<![\w/-])[^\W_][\w/-]{1,9}\Z")
_N_BEFORE = 12  # characters before a bracket in which a short form stands


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
    for match in _LONG.finditer(text):
        last = _LAST.search(text[max(0, match.start() - _N_BEFORE) : match.start()])
        if last is None or last[0] in found or not _is_short(last[0]):
            continue
        words = " ".join(match[1].split())
        if _long_form(last[0], words) == words:
            found[last[0]] = words
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

"""Short forms that a text defines in brackets after their long forms.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462.
"""

import re

__all__ = ["abbreviations"]

_SHORT = re.compile(r"(?<=\s)\(([^\W_][\w/-]{1,9})\)")


def abbreviations(text: str) -> dict[str, str]:
    """Return the short forms that a text defines in brackets after their long forms.

    Examples
    --------
    >>> abbreviations("known congestive heart failure (CHF) and diabetes (see below)")
    {'CHF': 'congestive heart failure'}
    """
    found: dict[str, str] = {}
    for match in _SHORT.finditer(text):
        short = match[1]
        if short in found or not any(char.isupper() for char in short):
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

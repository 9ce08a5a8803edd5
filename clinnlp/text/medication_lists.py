"""Lists of drugs under a line that says what becomes of all of them: "STOP taking:".

Such a line holds a word of change and else only words of the table, and ends in a colon unless
one of those words stands in it. The lines below that begin with a drug are its list, up to a line
of another kind; or the drugs are its list that stand behind the colon ("DISCONTINUED: ...").
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from clinnlp.core.spans import Span
from clinnlp.core.tables import CHANGES
from clinnlp.text.medication_gaps import MARKER, WORD
from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["listed"]

_LINE = re.compile(r"[^\n]*\n?")
_STOP = re.compile(r"[.;](?=\s)")
_BULLET = re.compile(r"\s*(?:[*•·–+>-]|\(?\d{1,2}[.)])\s")
_MOST_CHARS = 80  # of the line above a list
_MOST_WORDS = 3  # of a change


def listed(terms: Terms, folded: str, drugs: Sequence[Span]) -> dict[int, str]:
    """Return what the line above a list says, by the position of each drug in the list.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    drugs : sequence of Span
        In text order.

    Examples
    --------
    >>> terms = Terms([("stop", "change", "stop"), ("taking", "list", "")])
    >>> listed(terms, "stop taking:\\n- lasix 20 mg\\n- asa\\nseen by lasix\\n", [
    ...     Span(15, 20), Span(29, 32), Span(41, 46)
    ... ])
    {0: 'stop', 1: 'stop'}
    """
    lines = [match.span() for match in _LINE.finditer(folded) if match[0]]
    starts = [drug.start for drug in drugs]
    found: dict[int, str] = {}  # by where the drug begins
    for n, (start, end) in enumerate(lines):
        colon = folded.find(":", start, min(end, start + _MOST_CHARS)) + 1 or end
        said = _change_above(terms, folded, start, colon)
        if said:
            stop = _STOP.search(folded, colon, end)
            beside = _inside(starts, colon, stop.start() if stop else end)
            below = [] if beside else _list(terms, folded, lines, n + 1, starts)
            found |= dict.fromkeys((*beside, *below), said)
    return {k: found[start] for k, start in enumerate(starts) if start in found}


def _change_above(terms: Terms, folded: str, start: int, end: int) -> str:
    """Return what a line says of the list below it, empty where it says nothing."""
    line = folded[start:end].strip(" \t\r\n*_#")
    words = WORD.findall(line) if len(line) <= _MOST_CHARS else []
    others = [word for word in words if word not in terms.lists]
    if not words or len(others) > _MOST_WORDS:
        return ""
    change = _only_change(terms, folded, start, end)
    if change is None:
        return ""
    rest = WORD.findall(folded[start : change.start] + " " + folded[change.end : end])
    if not (rest or line.endswith(":")) or not terms.lists.issuperset(rest):
        return ""
    value = terms.value(change).removeprefix(">")
    return value if value in CHANGES else ""


def _only_change(terms: Terms, folded: str, start: int, end: int) -> Item | None:
    """Return the change of a line, None where there is none or something else is found too."""
    items = [item for item in terms.find(folded, start, end) if item.field != "brief"]
    said = [item for item in items if item.field != "new"] or items[:1]  # "stop these new drugs"
    return said[0] if len(said) == 1 and said[0].field in CHANGE_FIELDS else None


def _list(
    terms: Terms,
    folded: str,
    lines: Sequence[tuple[int, int]],
    first: int,
    starts: Sequence[int],
) -> Iterator[int]:
    """Yield where the drugs begin that stand in the list that begins at some line."""
    begun = False
    for n in range(first, len(lines)):
        start, end = lines[n]
        line = folded[start:end].strip()
        marker = MARKER.match(folded, start, end)
        inside = _inside(starts, start, end)
        if not line:
            following = lines[n + 1] if n + 1 < len(lines) else None
            if begun and not (following and _BULLET.match(folded, *following)):
                return
        elif marker is not None and inside and inside[0] == marker.end():
            begun = True
            yield from inside
        elif inside or not begun or line.endswith(":") or not _goes_on(terms, folded, start):
            return


def _inside(starts: Sequence[int], start: int, end: int) -> Sequence[int]:
    return starts[bisect_left(starts, start) : bisect_left(starts, end)]


def _goes_on(terms: Terms, folded: str, start: int) -> bool:
    """Return whether a line without a drug goes on with the one above."""
    return folded[start].isspace() or terms.takes.match(folded, start) is not None

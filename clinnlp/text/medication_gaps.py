"""The text between the drugs of a passage, with what was found in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinnlp.core.spans import Span
from clinnlp.text.medication_terms import Item, Terms

__all__ = ["WORD", "Gap", "gaps_between", "is_name"]

WORD = re.compile(r"[^\W\d_]+")
_BESIDE_NUMBER = ("route", "frequency", "prn")  # a bare number counts only before one of these


@dataclass(frozen=True, slots=True)
class Gap:
    """The text between two drugs, or before the first, or behind the last."""

    start: int
    end: int
    items: list[Item]
    is_list: bool  # nothing but finds, commas and "and"
    is_bare: bool  # not even finds

    def rest(self, folded: str, start: int, end: int) -> str:
        """Return the text of a range without the finds in it."""
        inner = [item for item in self.items if start <= item.start and item.end <= end]
        return _rest(inner, folded, start, end)


def gaps_between(
    terms: Terms, folded: str, start: int, end: int, drugs: Sequence[Span]
) -> list[Gap]:
    """Return the gap before the first drug of a passage, those between, and the one behind.

    Examples
    --------
    >>> from clinnlp.text.medication_terms import Terms
    >>> terms = Terms([("mg", "unit", "1"), ("and", "and", "")])
    >>> made = gaps_between(terms, "asa 81 mg and lasix", 0, 19, [Span(0, 3), Span(14, 19)])
    >>> [(gap.start, gap.end, gap.is_list) for gap in made]
    [(0, 0, True), (3, 14, True), (19, 19, True)]
    """
    edges = [start, *(offset for drug in drugs for offset in drug), end]
    return [_gap(terms, folded, *edges[2 * k : 2 * k + 2]) for k in range(len(drugs) + 1)]


def is_name(gap: Gap, folded: str, drug: Span) -> bool:
    """Return whether the drug behind a gap is another name of the one before: "(Plavix)"."""
    return folded[gap.start : gap.end].strip() == "(" and folded.startswith(")", drug.end)


def _rest(items: Sequence[Item], folded: str, start: int, end: int) -> str:
    edges = [start, *(offset for item in items for offset in item[:2]), end]
    return " ".join(folded[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))


def _counts(item: Item, following: Item | None, folded: str, start: int) -> bool:
    """Return whether a find of the gap that begins at `start` says something of a drug."""
    if item.field == "number":
        if following is None or following.field not in _BESIDE_NUMBER:
            return False
        return not folded[item.end : following.start].strip()
    if item.field == "pair":  # "80/125", right behind the name of a combination
        return not folded[start : item.start].strip()
    return item.field != "none"


def _gap(terms: Terms, folded: str, start: int, end: int) -> Gap:
    found = terms.find(folded, start, end) if start < end else []
    items = [
        item
        for item, following in zip(found, [*found[1:], None], strict=False)
        if _counts(item, following, folded, start)
    ]
    rest = _rest(items, folded, start, max(start, end))
    is_list = terms.ands.issuperset(WORD.findall(rest)) and "(" not in rest
    return Gap(start, end, items, is_list, is_list and not items)

"""The text between the drugs of a passage, with what was found in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from clinnlp.core.spans import Span
from clinnlp.text.medication_finds import Finds
from clinnlp.text.medication_terms import Item, Terms

__all__ = ["MARKER", "WORD", "Gap", "gaps_between", "is_name", "line_of"]

WORD = re.compile(r"[^\W\d_]+")
MARKER = re.compile(r"[\s*•·–+>#-]*(?:\(?\d{1,2}[.)])?\s*")  # before the drugs of a list


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
    names = ["", *(folded[drug.start : drug.end] for drug in drugs)]
    return [
        _gap(Finds(terms, folded, edges[2 * k], edges[2 * k + 1], name, k < len(drugs)))
        for k, name in enumerate(names)
    ]


def is_name(gap: Gap, folded: str, drug: Span) -> bool:
    """Return whether the drug behind a gap is another name of the one before: "(Plavix)"."""
    return folded[gap.start : gap.end].strip() == "(" and folded.startswith(")", drug.end)


def line_of(folded: str, start: int, drug: int) -> int:
    """Return where the line of a drug begins that stands first in it, -1 if not behind `start`.

    Examples
    --------
    >>> line_of("take 1 tablet daily\\n- lasix", 0, 22), line_of("asa\\niv lasix", 0, 7)
    (20, -1)
    """
    line = folded.rfind("\n", start, drug) + 1
    return line if line and MARKER.fullmatch(folded, line, drug) else -1


def _rest(items: Sequence[Item], folded: str, start: int, end: int) -> str:
    edges = [start, *(offset for item in items for offset in item[:2]), end]
    return " ".join(folded[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True))


def _gap(at: Finds) -> Gap:
    terms, folded, start, end = at.terms, at.folded, at.start, at.end
    items = list(at.kept(terms.find(folded, start, end))) if start < end else []
    rest = _rest(items, folded, start, max(start, end))
    is_list = terms.ands.issuperset(WORD.findall(rest)) and "(" not in rest
    return Gap(start, end, items, is_list, is_list and not items)

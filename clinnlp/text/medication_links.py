"""Which drug of a passage a find belongs to.

The passage is cut at its drugs. Of the finds between two drugs, those that lead to the second
without a break go to it, the others to the first. Changes and indications, which the drugs of a
list share, are linked by themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from clinnlp.core.spans import Span
from clinnlp.text.medication_terms import Item, Terms

__all__ = ["Linked", "linked"]

_MOST_GAP = 48  # characters between a drug or a find and the next find that belongs to it
_MOST_WORDS = 8  # of an indication; between a change and its drug
_MOST_CHARS = 120  # of an indication; between a change and its drug
_DOSES = ("amount", "count", "number")
_LEADING = ("amount", "ratio", "count", "route", "form", "duration", "frequency")
_BESIDE_NUMBER = ("route", "frequency", "prn")  # a bare number counts only before one of these
_ENDS_INDICATION = (*_DOSES, "ratio", "frequency", "duration", "prn", "then", "for")
_BREAK = re.compile(r"[,;:()\[\]\n]|\.(?=\s|\Z)")
_WORD = re.compile(r"[^\W\d_]+")


@dataclass(slots=True)
class Linked:
    """What belongs to one drug."""

    items: list[Item] = field(default_factory=list)
    change: str = ""
    changed_before: bool = False  # by a word before the drug
    indication: Span | None = None


@dataclass(frozen=True, slots=True)
class _Gap:
    """The text between two drugs, or before the first, or behind the last."""

    start: int
    end: int
    items: list[Item]
    is_list: bool  # nothing but finds, commas and "and"
    is_bare: bool  # not even finds


def linked(terms: Terms, folded: str, start: int, end: int, drugs: Sequence[Span]) -> list[Linked]:
    """Return for each drug the finds of the passage that belong to it.

    Parameters
    ----------
    terms : Terms
    folded : str
        The whole text, folded.
    start, end : int
        The passage; all drugs begin in it.
    drugs : sequence of Span
        In text order.
    """
    out = [Linked() for _ in drugs]
    edges = [start, *(offset for drug in drugs for offset in drug), end]
    gaps = [_gap(terms, folded, *edges[2 * k : 2 * k + 2]) for k in range(len(drugs) + 1)]
    for k, gap in enumerate(gaps):
        before = out[k - 1] if k else None
        after = out[k] if k < len(drugs) else None
        n_before = len(gap.items) if after is None else _n_before(terms, folded, gap, bool(k))
        if after is not None:
            after.items = gap.items[n_before:]
        if before is not None:
            _take(terms, folded, gap, gap.items[:n_before], before)
        _change(terms, folded, gap, before, after)
    _share(out, gaps, folded, drugs)
    return out


def _gap(terms: Terms, folded: str, start: int, end: int) -> _Gap:
    found = terms.find(folded, start, end) if start < end else []
    items = []
    for item, following in zip(found, [*found[1:], None], strict=False):
        if item.field == "number":
            beside = following and not folded[item.end : following.start].strip()
            if not (beside and following and following.field in _BESIDE_NUMBER):
                continue
        elif item.field == "pair" and folded[start : item.start].strip():
            continue
        items.append(item)
    edges = [start, *(offset for item in items for offset in item[:2]), max(start, end)]
    rest = [folded[a:b] for a, b in zip(edges[::2], edges[1::2], strict=True)]
    words = {word for piece in rest for word in _WORD.findall(piece)}
    is_list = words <= terms.ands and not any("(" in piece for piece in rest)
    return _Gap(start, end, items, is_list, is_list and not items)


def _n_before(terms: Terms, folded: str, gap: _Gap, has_before: bool) -> int:  # noqa: FBT001
    """Return how many finds of a gap do not lead to the drug behind it."""
    n, until = len(gap.items), gap.end
    while n and gap.items[n - 1].field in _LEADING:
        if until - gap.items[n - 1].end > _MOST_GAP:
            break
        words = folded[gap.items[n - 1].end : until].split()
        if " ".join(words) not in terms.joins and not terms.joins.issuperset(words):
            break
        n -= 1
        until = gap.items[n].start
    if not has_before or n == len(gap.items):
        return n
    if n and gap.items[n - 1].field in ("then", "change"):
        return n
    since = gap.items[n - 1].end if n else gap.start
    return n if folded[since:until].strip() else len(gap.items)


def _take(terms: Terms, folded: str, gap: _Gap, items: list[Item], drug: Linked) -> None:
    """Give a drug the finds behind it that are near enough."""
    has_dose = any(item.field in _DOSES and not terms.is_rate(item) for item in drug.items)
    until = [gap.end]  # where an indication behind each find would end, from the right
    for item in reversed(items[1:]):
        until.append(item.start if item.field in _ENDS_INDICATION else until[-1])
    at = gap.start
    for item, end in zip(items, reversed(until), strict=False):
        if item.start - at > _MOST_GAP:
            return
        is_other = item.field in _DOSES and (
            has_dose or not terms.ofs.isdisjoint(folded[item.end : item.end + 8].split()[:1])
        )
        if not is_other:
            drug.items.append(item)
        at = item.end
        if item.field in ("for", "prn") and drug.indication is None:
            drug.indication = _indication(terms, folded, item.end, end)
            at = drug.indication.end if drug.indication else at


def _indication(terms: Terms, folded: str, start: int, end: int) -> Span | None:
    """Return the words that begin at `start`, up to a break, a word that ends them, or `end`."""
    skipped = terms.skips.match(folded, start, end)
    start = skipped.end() if skipped else start
    end = min(end, start + _MOST_CHARS)
    for pattern in (_BREAK, terms.ends):
        found = pattern.search(folded, start, end)
        end = found.start() if found else end
    words = list(re.finditer(r"\S+", folded[start:end]))[:_MOST_WORDS]
    while words and words[-1][0] in terms.ands:
        words.pop()
    if not words or not words[0][0][0].isalpha():
        return None
    return Span(start + words[0].start(), start + words[-1].end())


def _change(
    terms: Terms, folded: str, gap: _Gap, before: Linked | None, after: Linked | None
) -> None:
    """Give the changes of a gap to the drug they speak of."""
    for item in gap.items:
        if item.field != "change":
            continue
        is_near = gap.end - item.end <= _MOST_CHARS
        between = folded[item.end : gap.end] if is_near else ""
        words = _WORD.findall(between)
        if (
            after is not None
            and is_near
            and len(words) <= _MOST_WORDS
            and not _BREAK.search(between.rstrip(" ("))
            and not terms.ands.intersection(words)
        ):
            after.change, after.changed_before = terms.value(item), True
        elif before is not None and not before.change and item.start - gap.start < 2 * _MOST_GAP:
            before.change = terms.value(item)


def _share(out: list[Linked], gaps: list[_Gap], folded: str, drugs: Sequence[Span]) -> None:
    """Let the drugs of a list share their change and indication, other names all they have."""
    for k in range(1, len(out)):
        first, second = out[k - 1], out[k]
        if gaps[k].is_list and first.changed_before and not second.change:
            second.change, second.changed_before = first.change, True
    for k in range(len(out) - 1, 0, -1):
        first, second, gap = out[k - 1], out[k], gaps[k]
        is_name = folded[gap.start : gap.end].strip() == "(" and folded.startswith(
            ")", drugs[k].end
        )
        if is_name:
            first.items += second.items
        if is_name or gap.is_bare:
            first.change = first.change or second.change
            first.indication = first.indication or second.indication

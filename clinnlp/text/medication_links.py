"""Which drug of a passage a find belongs to.

The passage is cut at its drugs. Of the finds between two drugs, those that lead to the second
without a break go to it, the others to the first. Changes and indications, which the drugs of a
list share, are linked by themselves.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from clinnlp.core.spans import Span
from clinnlp.core.tables import LEAVING
from clinnlp.text.medication_changes import changes
from clinnlp.text.medication_gaps import Gap, gaps_between, is_name
from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["Linked", "linked"]

_MOST_GAP = 48  # characters between a drug or a find and the next find that belongs to it
_MOST_WORDS = 8  # of an indication
_MOST_CHARS = 120  # of an indication
_DOSES = ("amount", "count", "number")
_LEADING = ("amount", "ratio", "count", "route", "form", "duration", "frequency")
_ENDS_INDICATION = (*_DOSES, "ratio", "frequency", "duration", "prn", "then", "for")
_BREAK = re.compile(r"[,;:()\[\]\n]|\.(?=\s|\Z)")


@dataclass(slots=True)
class Linked:
    """What belongs to one drug."""

    items: list[Item] = field(default_factory=list)
    change: str = ""
    indication: Span | None = None


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
    gaps = gaps_between(terms, folded, start, end, drugs)
    for k, gap in enumerate(gaps):
        before = out[k - 1] if k else None
        after = out[k] if k < len(drugs) else None
        n_before = len(gap.items) if after is None else _n_before(terms, folded, gap, bool(k))
        if after is not None:
            after.items = gap.items[n_before:]
        if before is not None:
            _take(terms, folded, gap, gap.items[:n_before], before, gaps[k - 1])
    for drug, change in zip(out, changes(terms, folded, gaps, drugs), strict=True):
        drug.change = change
    _share(out, gaps, folded, drugs)
    return out


def _n_before(terms: Terms, folded: str, gap: Gap, has_before: bool) -> int:  # noqa: FBT001
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
    if n and gap.items[n - 1].field in ("then", *CHANGE_FIELDS):
        return n
    since = gap.items[n - 1].end if n else gap.start
    return n if folded[since:until].strip() else len(gap.items)


def _take(terms: Terms, folded: str, gap: Gap, items: list[Item], drug: Linked, first: Gap) -> None:
    """Give a drug the finds behind it that are near enough."""
    has_dose = any(_is_dose(terms, item) for item in drug.items)
    at = gap.start  # the end of what the drug has so far
    # `left` is the end of "held" and of the finds right behind it, -1 where none is near
    left = gap.start if first.items and _leaves(terms, first.items[-1]) else -1
    for item, end in zip(items, _ends_of_reasons(gap, items), strict=True):
        if item.start - at > _MOST_GAP:
            return
        if not _is_of_another(terms, folded, gap, item, has_dose=has_dose):
            drug.items.append(item)
        goes_on = left >= 0 and not folded[left : item.start].strip()
        at = item.end
        left = at if goes_on or _leaves(terms, item) else left
        is_stretch = goes_on and item.field == "for"  # "held for 3 days"
        if item.field in ("for", "prn") and drug.indication is None and not is_stretch:
            drug.indication = _indication(terms, folded, item.end, end)
            at = drug.indication.end if drug.indication else at


def _is_dose(terms: Terms, item: Item) -> bool:
    return item.field in _DOSES and not terms.is_rate(item)


def _ends_of_reasons(gap: Gap, items: Sequence[Item]) -> list[int]:
    """Return where an indication behind each find would end: at a find that cannot be in one."""
    ends = [gap.end]
    for item in reversed(items[1:]):
        ends.append(item.start if item.field in _ENDS_INDICATION else ends[-1])
    return ends[::-1] if items else []


def _is_of_another(terms: Terms, folded: str, gap: Gap, item: Item, *, has_dose: bool) -> bool:
    """Return whether a dose is not this drug's: it has one, or an "of" leads to the next drug."""
    if item.field not in _DOSES:
        return False
    leads_on = not terms.ofs.isdisjoint(folded[item.end : item.end + 8].split()[:1])
    return leads_on or (has_dose and not _turns(terms, folded, gap, item))


def _turns(terms: Terms, folded: str, gap: Gap, item: Item) -> bool:
    """Return whether a dose takes the place of one before the drug, or had it."""
    since = max(gap.start, item.start - _MOST_GAP)
    return terms.lead(folded, since, item.start) in ("now", "before")


def _leaves(terms: Terms, item: Item) -> bool:
    return item.field in CHANGE_FIELDS and terms.value(item) in LEAVING


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


def _share(out: list[Linked], gaps: list[Gap], folded: str, drugs: Sequence[Span]) -> None:
    """Let the drugs of a list share their indication, other names all they have."""
    for k in range(len(out) - 1, 0, -1):
        first, second, gap = out[k - 1], out[k], gaps[k]
        names = is_name(gap, folded, drugs[k])
        if names:
            first.items += second.items
        if names or gap.is_bare:
            first.indication = first.indication or second.indication

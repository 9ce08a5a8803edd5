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
from clinnlp.text.medication_changes import NO_CHANGE, Change, changes
from clinnlp.text.medication_gaps import WORD, Gap, gaps_between, is_name, line_of
from clinnlp.text.medication_terms import CHANGE_FIELDS, Item, Terms

__all__ = ["Linked", "linked"]

_MOST_GAP = 48  # characters between a drug or a find and the next find that belongs to it
_MOST_WORDS = 8  # of an indication
_MOST_CHARS = 120  # of an indication
_DOSES = ("amount", "count", "number")
_LEADING = ("amount", "ratio", "count", "route", "form", "duration", "frequency")
_ENDS_INDICATION = (*_DOSES, "ratio", "frequency", "duration", "prn", "then", "for")
_OF_TIME = ("duration", "frequency")
_SIG = re.compile(r":\s*\Z")  # "Take 2 tablets daily: metformin 500 mg"
_CLAUSE_BREAK = re.compile(r"[,;]")
_BREAK = re.compile(r"[,;:()\[\]\n#]|\.(?=\s|\Z)")


@dataclass(slots=True)
class Linked:
    """What belongs to one drug."""

    items: list[Item] = field(default_factory=list)
    change: Change = NO_CHANGE
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
            own = _not_elapsed(terms, folded, gaps[k - 1], drugs[k - 1], gap.items[:n_before])
            _take(terms, folded, gap, own, before, gaps[k - 1])
    for drug, change in zip(out, changes(terms, folded, gaps, drugs), strict=True):
        drug.change = change
    _share(out, gaps, folded, drugs)
    return out


def _n_before(terms: Terms, folded: str, gap: Gap, has_before: bool) -> int:  # noqa: FBT001
    """Return how many finds of a gap do not lead to the drug behind it."""
    if not has_before and _SIG.search(folded, gap.start, gap.end):
        return 0 if terms.takes.match(folded, gap.start) else len(gap.items)
    n, until = _n_leading(terms, folded, gap)
    if not has_before or n == len(gap.items):
        return n
    if n and gap.items[n - 1].field in ("then", *CHANGE_FIELDS):
        return n
    since = gap.items[n - 1].end if n else gap.start
    return n if folded[since:until].strip() else len(gap.items)


def _n_leading(terms: Terms, folded: str, gap: Gap) -> tuple[int, int]:
    """Return how many finds do not lead to the next drug, and where those that do begin."""
    n, until = len(gap.items), gap.end
    since = _gone_on(terms, folded, gap)
    while n and gap.items[n - 1].field in _LEADING and gap.items[n - 1].start >= since:
        words = folded[gap.items[n - 1].end : until].split()
        if until - gap.items[n - 1].end > _MOST_GAP:
            break
        if " ".join(words) not in terms.joins and not terms.joins.issuperset(words):
            break
        n -= 1
        until = gap.items[n].start
    return n, until


def _gone_on(terms: Terms, folded: str, gap: Gap) -> int:
    """Return where lines end that go on with the drug before: "A 40 mg Take 1 nightly"."""
    line = line_of(folded, gap.start, gap.end)
    return line if line >= 0 and terms.taken.search(folded, gap.start, line) else gap.start


@dataclass(slots=True)
class _Reach:
    """How far the finds behind a drug belong to it."""

    at: int  # the end of what the drug has so far
    left: int  # the end of "held" and of the finds right behind it, -1 where none is near
    has_dose: bool
    has_count: bool
    is_apart: bool = False  # in a clause that speaks of something else


def _take(terms: Terms, folded: str, gap: Gap, items: list[Item], drug: Linked, first: Gap) -> None:
    """Give a drug the finds behind it that are near enough."""
    reach = _Reach(
        at=gap.start,
        left=gap.start if first.items and _leaves(terms, first.items[-1]) else -1,
        has_dose=any(_is_dose(terms, item) for item in drug.items),
        has_count=any(item.field == "count" for item in drug.items),
    )
    for item, end in zip(items, _ends_of_reasons(gap, items), strict=True):
        if item.start - reach.at > _MOST_GAP:
            return
        is_other = _stays_apart(terms, folded, reach, item) or _is_of_stop(
            terms, folded, reach, item
        )
        reach.at = item.end
        if is_other:
            continue
        _give(terms, folded, gap, item, drug, reach)
        if item.field in ("for", "prn") and drug.indication is None:
            drug.indication = _indication(terms, folded, item.end, end)
            reach.at = drug.indication.end if drug.indication else reach.at


def _is_of_stop(terms: Terms, folded: str, reach: _Reach, item: Item) -> bool:
    """Return whether a stretch is that of a stop: "held for 3 days"."""
    goes_on = reach.left >= 0 and not folded[reach.left : item.start].strip()
    if goes_on or _leaves(terms, item):
        reach.left = item.end
    return goes_on and item.field in ("for", "duration")


def _give(terms: Terms, folded: str, gap: Gap, item: Item, drug: Linked, reach: _Reach) -> None:
    if reach.has_count and item.field == "amount" and terms.amount(item.text).mg is not None:
        drug.items.insert(0, item)  # what one of the tablets holds that were counted before
    elif not _is_of_another(terms, folded, gap, item, has_dose=reach.has_dose):
        drug.items.append(item)


def _stays_apart(terms: Terms, folded: str, reach: _Reach, item: Item) -> bool:
    """Return whether a find is said of something else than the drug, as the ones before it."""
    if item.field in (*_DOSES, *CHANGE_FIELDS):
        reach.is_apart = False
    elif item.field in (*_OF_TIME, "for"):
        reach.is_apart = reach.is_apart or _is_apart(terms, folded, reach.at, item)
        return reach.is_apart
    return False


def _not_elapsed(
    terms: Terms, folded: str, before: Gap, drug: Span, items: list[Item]
) -> list[Item]:
    """Return finds without how long a drug has been taken so far: "has been on X for 5 years"."""
    if all(item.field != "duration" for item in items):
        return items
    least = terms.least_past(folded, max(before.start, drug.start - _MOST_GAP), drug.start)
    if least is None:
        return items
    return [item for item in items if item.field != "duration" or not _lasts(terms, item, least)]


def _lasts(terms: Terms, item: Item, least: float) -> bool:
    days = terms.computed(item)
    return days is not None and days[0] >= least and not item.text[0].isdigit()


def _is_apart(terms: Terms, folded: str, start: int, item: Item) -> bool:
    """Return whether "for 3 days" is said of something else: ", cough for 3 days"."""
    *others, clause = _CLAUSE_BREAK.split(folded[start : item.start])
    cues = [cue.end() for cue in terms.aparts.finditer(clause)] if item.field != "for" else []
    if not others and not cues:
        return False
    return not terms.known.issuperset(WORD.findall(clause[cues[0] if cues else 0 :]))


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
    if leads_on:  # "200 mg of B", but not "200 mg de lunes a viernes"
        leads_on = all(
            folded[item.end : other.start].strip() for other in gap.items if other.start >= item.end
        )
    return leads_on or (has_dose and not _turns(terms, folded, gap, item))


def _turns(terms: Terms, folded: str, gap: Gap, item: Item) -> bool:
    """Return whether a dose takes the place of one before the drug, or had it."""
    since = max(gap.start, item.start - _MOST_GAP)
    return terms.lead(folded, since, item.start) in ("now", "before")


def _leaves(terms: Terms, item: Item) -> bool:
    is_change = item.field in CHANGE_FIELDS and not terms.is_term("ended", item.text)
    return is_change and terms.value(item).removeprefix(">") in LEAVING


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

"""Spans of text, and all interval arithmetic of the library.

A span is half-open and counts Unicode code points of the untouched note text, so that
``text[span.start:span.end]`` is the mention. An empty span is refused: it names nothing and
shares no code point with anything, itself included.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from clinnlp.core.errors import OffsetError

__all__ = [
    "Span",
    "contains",
    "cover",
    "keep_longest",
    "merge",
    "n_shared",
    "overlaps",
    "pairs_overlapping",
    "within",
]


class Span(NamedTuple("Span", [("start", int), ("end", int)])):
    """Half-open range of code points ``[start, end)``; ordered by start, then end.

    Raises
    ------
    OffsetError
        Where not ``0 <= start < end``.

    Examples
    --------
    >>> Span(7, 12).length
    5
    """

    __slots__ = ()

    def __new__(cls, start: int, end: int) -> "Span":
        if not 0 <= start < end:
            raise OffsetError(f"a span must have 0 <= start < end, got {start} and {end}")
        return tuple.__new__(cls, (int(start), int(end)))

    @property
    def length(self) -> int:
        """Number of code points."""
        return self.end - self.start

    def shift(self, by: int) -> "Span":
        """Return the span moved by `by` code points."""
        return Span(self.start + by, self.end + by)


def n_shared(a: Span, b: Span) -> int:
    """Return how many code points two spans share; symmetric, 0 where they only touch."""
    return max(0, min(a.end, b.end) - max(a.start, b.start))


def overlaps(a: Span, b: Span) -> bool:
    """Return whether two spans share at least one code point; symmetric."""
    return a.start < b.end and b.start < a.end


def contains(outer: Span, inner: Span) -> bool:
    """Return whether every code point of `inner` lies in `outer`."""
    return outer.start <= inner.start and inner.end <= outer.end


def within(span: Span, n_chars: int, *, note: str | None = None) -> Span:
    """Return `span` where it lies inside a text of `n_chars` code points.

    Raises
    ------
    OffsetError
        Where the span ends past the text.
    """
    if span.end > n_chars:
        raise OffsetError(
            f"offsets must lie inside the text of {n_chars} characters, "
            f"got {span.start}-{span.end}",
            note=note,
        )
    return span


def cover(spans: Iterable[Span]) -> Span:
    """Return the smallest span that contains all `spans` (at least one)."""
    spans = list(spans)
    if not spans:
        raise OffsetError("at least one span is needed to cover, got none")
    return Span(min(s.start for s in spans), max(s.end for s in spans))


def merge(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Return sorted, disjoint, non-touching spans over the same code points.

    Examples
    --------
    >>> merge([Span(4, 6), Span(0, 2), Span(2, 3)])
    (Span(start=0, end=3), Span(start=4, end=6))
    """
    out: list[Span] = []
    for span in sorted(spans):
        if out and span.start <= out[-1].end:
            if span.end > out[-1].end:
                out[-1] = Span(out[-1].start, span.end)
        else:
            out.append(span)
    return tuple(out)


def keep_longest(spans: Sequence[Span]) -> list[int]:
    """Return the indices of a non-overlapping subset: longest first, then leftmost, then first.

    The indices come back in text order.

    Examples
    --------
    >>> keep_longest([Span(0, 3), Span(2, 9), Span(10, 12)])
    [1, 2]
    """
    from bisect import bisect_left

    order = sorted(range(len(spans)), key=lambda i: (-spans[i].length, spans[i].start, i))
    kept: list[tuple[int, int, int]] = []  # (start, end, index), sorted and disjoint
    for i in order:
        span = spans[i]
        # Those kept are disjoint, so only the two neighbours can be in the way
        at = bisect_left(kept, (span.start, span.end, -1))
        free_left = at == 0 or kept[at - 1][1] <= span.start
        free_right = at == len(kept) or kept[at][0] >= span.end
        if free_left and free_right:
            kept.insert(at, (span.start, span.end, i))
    return [i for _, _, i in kept]


def pairs_overlapping(a: Sequence[Span], b: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield every index pair ``(i, j)`` for which ``a[i]`` and ``b[j]`` share a code point.

    A sweep over both sequences in text order: O(n log n + pairs) where spans are short.
    """
    right = sorted(range(len(b)), key=lambda j: b[j])
    first = 0
    longest = max((s.length for s in b), default=0)
    for i in sorted(range(len(a)), key=lambda i: a[i]):
        # None is longer: these end before this span begins, and before all that follow
        while first < len(right) and b[right[first]].start <= a[i].start - longest:
            first += 1
        for k in range(first, len(right)):
            j = right[k]
            if b[j].start >= a[i].end:
                break
            if overlaps(a[i], b[j]):
                yield i, j

"""Which pairs of a note are asked about: neighbours in a sentence, or all in a document.

Ends are mentions, or the concepts that mentions carry. A pair of concepts is read at the mentions
of both, the nearest first, and counts in each sentence alone where pairs are sought in sentences.
Only pairs of labels that are related somewhere in train are asked about; of those, pairs farther
apart than `reach` are cut and counted.
"""

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span

__all__ = ["Ends", "Found", "Pair", "Search", "Within"]

Ends = Literal["mentions", "concepts"]
Within = Literal["sentence", "document"]
_MOST_PLACES = 12  # mention pairs at which one pair of concepts is read
_NO_CONCEPT = ("", "-", "-1")


class Place(NamedTuple):
    """Two mentions of a pair, and the text in which they are read."""

    first: Span
    second: Span
    region: Span


class Pair(NamedTuple):
    """Two ends to ask about: their ids, their labels, and the mentions at which they are read."""

    ends: tuple[str, str]
    labels: tuple[str, str]
    places: tuple[Place, ...]


class Found(NamedTuple):
    """The pairs of a note, in order of their ends, and how many were too far apart."""

    pairs: list[Pair]
    n_cut: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What pairs are sought.

    Parameters
    ----------
    allowed : collection of (str, str)
        Labels of a first and a second end.
    ends : {"mentions", "concepts"}
    within : {"sentence", "document"}
    reach : int
        Most characters between two mentions.
    """

    allowed: Collection[tuple[str, str]]
    ends: Ends
    within: Within
    reach: int

    def __call__(self, note: Note) -> Found:
        """Return the pairs of a note.

        Raises
        ------
        DataError
            Pairs are sought in sentences, and the note has not been split into any.

        Examples
        --------
        >>> mentions = (Entity(id="T1", span=Span(0, 4), label="Effect"),
        ...             Entity(id="T2", span=Span(11, 18), label="Drug"))
        >>> note = Note(id="n", text="Rash after aspirin.", entities=mentions)
        >>> search = Search(allowed={("Effect", "Drug")}, ends="mentions", within="document",
        ...                 reach=100)
        >>> [pair.ends for pair in search(note).pairs]
        [('T1', 'T2')]
        """
        labels = {label for pair in self.allowed for label in pair}
        mentions = sorted((e for e in note.entities if e.label in labels), key=_in_text)
        if len(mentions) < 2:
            return Found([], 0)
        regions = self._regions(note, mentions)
        if self.ends == "mentions":
            return self._of_mentions(mentions, regions)
        return self._of_concepts(mentions, regions)

    def _regions(self, note: Note, mentions: Sequence[Entity]) -> list[Span]:
        """Return the text in which each mention is related to others."""
        if self.within == "document":
            return [Span(0, len(note.text))] * len(mentions)
        if note.sentences is None:
            raise DataError(
                "notes must have sentences where pairs are sought in them, got none: run "
                "clinnlp.Sentences() over them first",
                note=note.id,
            )
        starts = [sentence.start for sentence in note.sentences]
        out = []
        for mention in mentions:
            k = bisect_right(starts, mention.span.start) - 1
            end = max(note.sentences[k].end, mention.span.end) if k >= 0 else mention.span.end
            out.append(Span(starts[k] if k >= 0 else mention.span.start, end))
        return _joined(out)

    def _of_mentions(self, mentions: Sequence[Entity], regions: Sequence[Span]) -> Found:
        pairs, n_cut = [], 0
        for i, j in _together(regions):
            a, b = mentions[i], mentions[j]
            if (a.label, b.label) not in self.allowed:
                continue
            if b.span.start - a.span.end > self.reach:
                n_cut += 1
                continue
            place = Place(a.span, b.span, regions[i])
            pairs.append(Pair((a.id, b.id), (a.label, b.label), (place,)))
        return Found(pairs, n_cut)

    def _of_concepts(self, mentions: Sequence[Entity], regions: Sequence[Span]) -> Found:
        held = _by_concept(mentions)
        order = sorted(held, key=lambda key: (key[0], held[key][0], key[1]))
        pairs, n_cut = [], 0
        for one, other in combinations(order, 2):
            labels = one[0], other[0]
            if labels not in self.allowed:
                continue
            both = _nearest(mentions, regions, held[one], held[other])
            near = [place for gap, place in both if gap <= self.reach]
            if near:
                pairs.append(Pair((one[1], other[1]), labels, tuple(near[:_MOST_PLACES])))
            n_cut += bool(both) and not near
        return Found(pairs, n_cut)


def _by_concept(mentions: Sequence[Entity]) -> dict[tuple[str, str], list[int]]:
    """Return the mentions of each concept, by the label of the first of them and the concept."""
    held: dict[tuple[str, str], list[int]] = {}
    label_of: dict[str, str] = {}
    for i, mention in enumerate(mentions):
        for concept in mention.concepts:
            if concept not in _NO_CONCEPT:
                label = label_of.setdefault(concept, mention.label)
                held.setdefault((label, concept), []).append(i)
    return held


def _nearest(
    mentions: Sequence[Entity], regions: Sequence[Span], ours: list[int], theirs: list[int]
) -> list[tuple[int, Place]]:
    """Return the mention pairs of two concepts in one region, with their gaps, nearest first."""
    out = []
    for i in ours:
        for j in theirs:
            if i != j and regions[i] == regions[j]:
                a, b = mentions[i].span, mentions[j].span
                out.append((max(a.start, b.start) - min(a.end, b.end), Place(a, b, regions[i])))
    return sorted(out)


def _together(regions: Sequence[Span]) -> Iterator[tuple[int, int]]:
    """Yield the index pairs of mentions of one region; regions ascend."""
    for i, region in enumerate(regions):
        for j in range(i + 1, len(regions)):
            if regions[j] != region:
                break
            yield i, j


def _joined(regions: Sequence[Span]) -> list[Span]:
    """Return regions of which those with one start have one end, the farthest."""
    ends: dict[int, int] = {}
    for region in regions:
        ends[region.start] = max(ends.get(region.start, 0), region.end)
    return [Span(region.start, ends[region.start]) for region in regions]


def _in_text(mention: Entity) -> tuple[Span, str]:
    return mention.span, mention.id

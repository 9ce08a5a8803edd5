"""Pairs of mentions as rows of tokens: what the network reads of a pair, in three ways.

    inserted    [CLS] <1:Effect> rash </1:Effect> after <2:Drug> aspirin </2:Drug> [SEP]
    appended    [CLS] rash after aspirin [SEP] <1:Effect> <2:Drug> ...
    hidden      [CLS] <1:Effect> after <2:Drug> and <other:Drug> [SEP]

*Inserted* markers stand around the mentions, so that the text itself is read in their light: one
pass per pair. *Appended* ones stand behind the text, two for each pair of the text; each has the
position of the first token of its mention, sees the text and its partner, and the text sees none:
one pass for all pairs, the faster reading. Markers are typed: each label of mentions has its own.

*Hidden* mentions are read as their markers alone, and so are the other mentions that are asked
about: rows are short, one pass per pair, and no name is learned; that a mention has the name of an
end is still told. Of others that follow one another in a list the first stands for all.

A pair's answer is that of its two first markers together (see `clinnlp.bert.relate`).

References
----------
Zhong and Chen, A Frustratingly Easy Approach for Entity and Relation Extraction, NAACL 2021,
sections 3.2 (typed markers) and 3.4 (batched markers); Ye et al., Packed Levitated Marker, ACL
2022 (one marker an end); Sahu and Anand, Drug-drug interaction extraction from biomedical texts
using long short-term memory network, J Biomed Inform 2018, section 3.1 (drugs without names).
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from clinnlp.bert.relation_pairs import Pair, Place
from clinnlp.bert.windows import TokenisedText, Window, split_windows
from clinnlp.core.arrays import Bools, Ints, Ints32
from clinnlp.core.spans import Span

__all__ = ["MarkedRow", "Marker", "Reading", "RowMaker"]

Reading = Literal["inserted", "appended", "hidden"]
_MOST_PAIRS = 256  # of a row with appended markers, whose text is read again in the next one

Range = tuple[int, int]  # tokens [a, b)


class Marker(NamedTuple):
    """The ids of a label's tokens: what opens and closes a first end, and a second one.

    Where mentions are hidden nothing is closed: the first of `closes` is then another mention, the
    second one with the name of an end.
    """

    opens: tuple[int, int]
    closes: tuple[int, int]


class MarkedRow(NamedTuple):
    """One row to read.

    Parameters
    ----------
    ids : array of int32, shape (n_tokens,)
        Vocabulary ids, special ones and markers among them.
    n_text : int
        Tokens before the appended markers, ``n_tokens`` where there are none.
    places : array of int32, shape (n_tokens,)
        The position of each token.
    marks : array of int64, shape (n_places, 2)
        Where the marker of the first and of the second mention of each pair of mentions stands.
    owners : array of int64, shape (n_places,)
        The pair that they are of.
    """

    ids: Ints32
    n_text: int
    places: Ints32
    marks: Ints
    owners: Ints

    def of(self, drawn: Bools) -> "MarkedRow":
        """Return the row without the appended markers of pairs that are not drawn.

        Parameters
        ----------
        drawn : array of bool, shape (n_pairs,)
            Of all pairs, by their number.
        """
        kept = drawn[self.owners]
        if kept.all():
            return self
        read = np.concatenate([np.ones(self.n_text, np.bool_), np.repeat(kept, 2)])
        return MarkedRow(
            ids=self.ids[read],
            n_text=self.n_text,
            places=self.places[read],
            marks=np.arange(self.n_text, int(read.sum())).reshape(-1, 2),
            owners=self.owners[kept],
        )


class RowMaker:
    """Makes the rows of notes.

    Parameters
    ----------
    markers : mapping of str to Marker
        By label of mentions.
    reading : {"inserted", "appended", "hidden"}
    prefix, suffix : arrays of int32
        Special ids around a text.
    size, stride : int
        Tokens of a window without special ones, and those that neighbours share.
    """

    def __init__(
        self,
        markers: Mapping[str, Marker],
        reading: Reading,
        *,
        prefix: Ints32,
        suffix: Ints32,
        size: int,
        stride: int,
    ) -> None:
        self._markers, self._reading = markers, reading
        self._prefix, self._suffix, self._size, self._stride = prefix, suffix, size, stride

    def __call__(
        self, text: TokenisedText, pairs: Sequence[Pair], *, first: int = 0
    ) -> list[MarkedRow]:
        """Return the rows of a note's pairs, which are numbered from `first` on.

        A pair whose mentions do not fit into one window has none.
        """
        if self._reading == "appended":
            return self._appended(text, pairs, first)
        if self._reading == "hidden":
            others = _mentions(text, pairs)
            rows = [self._hidden(text, pair, first + k, others) for k, pair in enumerate(pairs)]
        else:
            rows = [self._inserted(text, pair, first + k) for k, pair in enumerate(pairs)]
        return [row for row in rows if row is not None]

    # --- markers around the mentions ---------------------------------------------------------

    def _inserted(self, text: TokenisedText, pair: Pair, owner: int) -> MarkedRow | None:
        region = tokens_of(text, pair.places[0].region)
        held: list[tuple[Range, Range]] = []
        low, high = len(text.ids), 0
        for place in pair.places:
            both = tokens_of(text, place.first), tokens_of(text, place.second)
            if tokens_of(text, place.region) != region:
                continue
            a = min(low, *(start for start, _ in both))
            b = max(high, *(end for _, end in both))
            if b - a + 2 * len({*_ends(held, 0), *_ends(held, 1), *both}) <= self._size:
                low, high = a, b
                held.append(both)
        if not held:
            return None
        n_marks = 2 * (len(set(_ends(held, 0))) + len(set(_ends(held, 1))))
        start, end = widened((low, high), region, self._size - n_marks)
        ids, where = self._written(text.ids[start:end], held, pair.labels, start)
        return self._alone(ids, [(where[0, a], where[1, b]) for a, b in held], owner)

    def _alone(self, ids: Ints32, marks: Sequence[Range], owner: int) -> MarkedRow:
        """Return the row of one pair."""
        ids = np.concatenate([self._prefix, ids, self._suffix])
        return MarkedRow(
            ids=ids,
            n_text=len(ids),
            places=np.arange(len(ids), dtype=np.int32),
            marks=np.array(marks, np.int64) + len(self._prefix),
            owners=np.full(len(marks), owner, np.int64),
        )

    def _written(
        self,
        ids: Ints32,
        held: Sequence[tuple[Range, Range]],
        labels: tuple[str, str],
        start: int,
    ) -> tuple[Ints32, dict[tuple[int, Range], int]]:
        """Return the ids with markers in them, and where those that open stand."""
        inserts: list[tuple[int, int, int, int, tuple[int, Range] | None]] = []
        for end, label in enumerate(labels):
            marker = self._markers[label]
            for mention in dict.fromkeys(_ends(held, end)):
                a, b = mention[0] - start, mention[1] - start
                # at one place what closes comes first, and of what opens the longer mention
                inserts.append((a, 1, -b, marker.opens[end], (end, mention)))
                inserts.append((b, 0, -a, marker.closes[end], None))
        inserts.sort(key=lambda each: (each[:3], each[3]))
        at = [each[0] for each in inserts]
        out = np.insert(ids, at, np.array([each[3] for each in inserts], np.int32))
        return out, {each[4]: each[0] + k for k, each in enumerate(inserts) if each[4] is not None}

    # --- markers in place of the mentions ----------------------------------------------------

    def _hidden(
        self, text: TokenisedText, pair: Pair, owner: int, others: Mapping[Range, str]
    ) -> MarkedRow | None:
        region = tokens_of(text, pair.places[0].region)
        both = [
            (tokens_of(text, place.first), tokens_of(text, place.second))
            for place in pair.places
            if tokens_of(text, place.region) == region
        ]
        puts = self._puts(text.ids, both, pair.labels, region, others)
        ids, where = _with_markers(text.ids, region, puts)
        held, low, high = list[Range](), len(ids), 0
        for one, other in both:
            i, j = where[0, one], where[1, other]
            a, b = min(low, i, j), max(high, i + 1, j + 1)
            if b - a <= self._size:
                low, high = a, b
                held.append((i, j))
        if not held:
            return None
        start, end = widened((low, high), (0, len(ids)), self._size)
        return self._alone(ids[start:end], [(i - start, j - start) for i, j in held], owner)

    def _puts(
        self,
        ids: Ints32,
        both: Sequence[tuple[Range, Range]],
        labels: tuple[str, str],
        region: Range,
        others: Mapping[Range, str],
    ) -> list["_Put"]:
        """Return what stands for the mentions of a region, in the order of the text."""
        names = [{ids[a:b].tobytes() for a, b in _ends(both, end)} for end in (0, 1)]
        puts = list[_Put]()
        for end, label in enumerate(labels):
            marker = self._markers[label]
            same = end == 1 and not names[0].isdisjoint(names[1])
            token = marker.closes[1] if same else marker.opens[end]
            puts += [_Put(each, end, token) for each in dict.fromkeys(_ends(both, end))]
        taken = [put.mention for put in puts]
        for (a, b), label in others.items():
            if region[0] <= a and b <= region[1] and not _meets((a, b), taken):
                known = ids[a:b].tobytes() in names[0] | names[1]
                token = self._markers[label].closes[int(known)]
                puts.append(_Put((a, b), _NAMED if known else _OTHER, token))
        puts.sort(key=lambda put: (put.mention[0], -put.mention[1], put.end))
        return puts

    # --- markers behind the text -------------------------------------------------------------

    def _appended(self, text: TokenisedText, pairs: Sequence[Pair], first: int) -> list[MarkedRow]:
        windows: dict[Span, list[Window]] = {}
        held: dict[Range, list[list[int]]] = {}
        for k, pair in enumerate(pairs):
            ids = [self._markers[label].opens[end] for end, label in enumerate(pair.labels)]
            for place in pair.places:
                if place.region not in windows:
                    windows[place.region] = self._windows(text, place.region)
                found = _window(windows[place.region], text, place)
                if found is not None:
                    (a, b), one, other = found
                    held.setdefault((a, b), []).append([first + k, one - a, other - a, *ids])
        return [
            self._row(text.ids[a:b], each[at : at + _MOST_PAIRS])
            for (a, b), each in held.items()
            for at in range(0, len(each), _MOST_PAIRS)
        ]

    def _windows(self, text: TokenisedText, region: Span) -> list[Window]:
        a, b = tokens_of(text, region)
        found = split_windows(b - a, size=self._size, stride=self._stride)
        return [Window(*(at + a for at in window)) for window in found]

    def _row(self, ids: Ints32, each: Sequence[Sequence[int]]) -> MarkedRow:
        words = np.concatenate([self._prefix, ids, self._suffix])
        columns = np.array(each, np.int64)  # (n_places, 5)
        places = (columns[:, 1:3] + len(self._prefix)).ravel()
        n_text, n_marks = len(words), len(places)
        return MarkedRow(
            ids=np.concatenate([words, columns[:, 3:5].ravel().astype(np.int32)]),
            n_text=n_text,
            places=np.concatenate([np.arange(n_text), places]).astype(np.int32),
            marks=np.arange(n_text, n_text + n_marks).reshape(-1, 2),
            owners=columns[:, 0],
        )


def tokens_of(text: TokenisedText, span: Span) -> Range:
    """Return the tokens ``[a, b)`` of the words that share a code point with a span."""
    a, b = text.words_of(span)
    n = len(text.ids)
    bounds = [int(text.first[k]) if k < text.n_words else n for k in (a, b)]
    return bounds[0], bounds[1]


def widened(inner: Range, region: Range, size: int) -> Range:
    """Return a range of at most `size` tokens around `inner`, inside `region`.

    Examples
    --------
    >>> widened((4, 6), (0, 20), 6), widened((1, 2), (0, 20), 6), widened((4, 6), (3, 8), 9)
    ((2, 8), (0, 6), (3, 8))
    """
    low, high = min(region[0], inner[0]), max(region[1], inner[1])
    room = max(0, size - (inner[1] - inner[0]))
    start = max(low, inner[0] - room // 2)
    end = min(high, start + max(size, inner[1] - inner[0]))
    return max(low, min(start, end - size)), end


class _Put(NamedTuple):
    """A marker in place of a mention."""

    mention: Range
    end: int  # 0 or 1, or one of those below
    token: int


_NAMED, _OTHER = 2, 3  # another mention, with the name of an end or without
_LIST_GAP = 2  # most tokens between neighbours of a list


def _with_markers(
    ids: Ints32, region: Range, puts: Sequence[_Put]
) -> tuple[Ints32, dict[tuple[int, Range], int]]:
    """Return a region with markers in it, and where those of the ends stand.

    Of others that follow one another in a list the first alone is kept: a list is as short as any.
    """
    out, where, at = list[int](), dict[tuple[int, Range], int](), region[0]
    before = -1
    for (a, b), end, token in puts:
        if end == before == _OTHER and a - at <= _LIST_GAP:
            at = max(at, b)
            continue
        out += ids[at : max(a, at)].tolist()
        if end < _NAMED:
            where[end, (a, b)] = len(out)
        out.append(token)
        at, before = max(at, b), end
    out += ids[at : max(at, region[1])].tolist()
    return np.array(out, np.int32), where


def _mentions(text: TokenisedText, pairs: Sequence[Pair]) -> dict[Range, str]:
    """Return the mentions of some pairs by their tokens, each with its label, the longest first."""
    found: dict[Range, str] = {}
    for pair in pairs:
        for place in pair.places:
            for span, label in zip(place[:2], pair.labels, strict=True):
                found.setdefault(tokens_of(text, span), label)
    kept: dict[Range, str] = {}
    for each in sorted(found, key=lambda r: (r[0] - r[1], r[0])):
        if not _meets(each, kept):
            kept[each] = found[each]
    return kept


def _meets(one: Range, others: Iterable[Range]) -> bool:
    return any(one[0] < b and a < one[1] for a, b in others)


def _ends(held: Sequence[tuple[Range, Range]], end: int) -> list[Range]:
    return [both[end] for both in held]


def _window(
    windows: Sequence[Window], text: TokenisedText, place: Place
) -> tuple[Range, int, int] | None:
    """Return the window in whose middle two mentions stand most, and their first tokens."""
    one, other = tokens_of(text, place.first), tokens_of(text, place.second)
    low, high = min(one[0], other[0]), max(one[1], other[1])
    fits = [w for w in windows if w.start <= low and high <= w.end]
    if not fits:
        return None
    best = max(fits, key=lambda w: min(low - w.start, w.end - high))
    return (best.start, best.end), one[0], other[0]

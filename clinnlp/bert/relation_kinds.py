"""What relations a corpus has, as kinds of pairs: a label, and the role of either end.

A pair is read in one order only, that of the text (of concepts: by label, then by their first
mention), so the role of its *first* end tells the direction. A relation of more than two ends is
the pairs of its ends in different roles; all keep their role names. A label without direction
has one kind, whose roles are in alphabetical order.

Which labels of mentions can be related in which way is learned from train: a pair of labels that
no relation joins there is never asked about, and one that some join can only be of their kinds.

References
----------
Zhong and Chen, A Frustratingly Easy Approach for Entity and Relation Extraction, NAACL 2021.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.arrays import Bools
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note, Relation

__all__ = ["Kind", "Kinds", "Link", "ends_of", "learn_kinds", "links_of"]

LabelPair = tuple[str, str]
Place = tuple[Any, ...]  # sorts in the order of reading; ends in label and id


class Kind(NamedTuple):
    """A relation label, and the roles of the end that is read first and of the other."""

    label: str
    first: str
    second: str


class Link(NamedTuple):
    """Two ends of one relation, the one that is read first before the other."""

    kind: Kind
    ends: tuple[str, str]
    labels: LabelPair  # of the ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """The kinds that are learned, and which of them a pair of labels can be.

    Parameters
    ----------
    kinds : tuple of Kind
        Sorted.
    allowed : mapping of (str, str) to tuple of int
        By the labels of the first and the second end, in order, the kinds that are possible.
    roles : tuple of str, optional
        Only pairs of these roles are learned.
    undirected : tuple of str
        Labels whose roles say nothing.
    """

    kinds: tuple[Kind, ...]
    allowed: Mapping[LabelPair, tuple[int, ...]]
    roles: tuple[str, ...] | None = None
    undirected: tuple[str, ...] = ()

    @property
    def labels(self) -> tuple[str, ...]:
        """The relation labels, sorted."""
        return tuple(sorted({kind.label for kind in self.kinds}))

    @property
    def end_labels(self) -> tuple[str, ...]:
        """The labels of mentions that are ends, sorted: each has markers of its own."""
        return tuple(sorted({label for pair in self.allowed for label in pair}))

    def possible(self, pairs: Sequence[LabelPair]) -> Bools:
        """Return which kinds each pair of labels can be, shape (n_pairs, n_kinds)."""
        out = np.zeros((len(pairs), len(self.kinds)), np.bool_)
        for row, pair in zip(out, pairs, strict=True):
            row[list(self.allowed.get(pair, ()))] = True
        return out

    def gold(self, note: Note) -> dict[tuple[str, str], set[int]]:
        """Return the kinds of each pair of ends that a note relates; -1 is one without a label."""
        at = {kind: k for k, kind in enumerate(self.kinds)}
        out: dict[tuple[str, str], set[int]] = {}
        for link in self._links(note):
            k = at.get(link.kind, None if link.kind.label else -1)
            if k is not None:
                out.setdefault(link.ends, set()).add(k)
        return out

    def as_pairs(self, note: Note, *, labels: Collection[str]) -> Note:
        """Return the note with its relations of some labels as pairs of ends, each once."""
        found = {link[:2]: link for link in self._links(note) if link.kind.label in labels}
        relations = (
            _related(f"R{n}", link.kind, link.ends) for n, link in enumerate(found.values(), 1)
        )
        return note.with_(relations=tuple(relations))

    def _links(self, note: Note) -> Iterator[Link]:
        return links_of(note, roles=self.roles, undirected=self.undirected)

    def relation(self, name: str, k: int, ends: tuple[str, str], **said: Any) -> Relation:
        """Return the relation of kind `k` between two ends."""
        return _related(name, self.kinds[k], ends, **said)


def learn_kinds(
    corpora: Mapping[str, Iterable[Note]],
    *,
    labels: Sequence[str] | None = None,
    roles: Sequence[str] | None = None,
    undirected: Collection[str] = (),
) -> Kinds:
    """Return the kinds that the relations of training notes have.

    Raises
    ------
    DataError
        No note has a relation of two ends that have a label.
    ArgumentError
        A wanted label, or a label without direction, occurs nowhere.
    """
    named = None if roles is None else tuple(roles)
    notes = (note for each in corpora.values() for note in each)
    seen = {link for note in notes
            for link in _unplaced(links_of(note, roles=named, undirected=undirected))}  # fmt: skip
    found = {kind.label for _, kind in seen}
    if not found:
        raise DataError("train must hold at least one relation between two labelled ends, got none")
    _check_among(labels, found, "labels")
    _check_among(undirected or None, found, "undirected")
    wanted = found if labels is None else set(labels)
    kinds = tuple(sorted({kind for _, kind in seen if kind.label in wanted}))
    allowed: dict[LabelPair, list[int]] = {}
    for pair, kind in sorted(seen):
        if kind.label in wanted:
            allowed.setdefault(pair, []).append(kinds.index(kind))
    return Kinds(
        kinds=kinds,
        allowed={pair: tuple(each) for pair, each in allowed.items()},
        roles=named,
        undirected=tuple(sorted(undirected)),
    )


def _unplaced(links: Iterable[Link]) -> Iterator[tuple[LabelPair, Kind]]:
    """Yield labels of ends and kind of each link that has a label: others do not say which."""
    return ((link.labels, link.kind) for link in links if link.kind.label)


def links_of(
    note: Note, *, roles: Sequence[str] | None = None, undirected: Collection[str] = ()
) -> Iterator[Link]:
    """Yield each pair of ends of a note's relations; ends that are relations have none.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...         Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> note = Note(id="n", text="Rash after aspirin", entities=ends, relations=(said,))
    >>> [(*link.kind, link.ends) for link in links_of(note)]
    [('causes', 'effect', 'drug', ('T1', 'T2'))]
    """
    places = ends_of(note)
    for relation in note.relations:
        for a, b in _ends_in_pairs(relation, places, roles):
            (role, first), (other, second) = sorted((a, b), key=lambda end: places[end[1]])
            if relation.label in undirected:
                role, other = sorted((role, other))
            labels = places[first][-2], places[second][-2]
            yield Link(Kind(relation.label, role, other), (first, second), labels)


def _ends_in_pairs(
    relation: Relation, places: Mapping[str, Place], roles: Sequence[str] | None
) -> Iterator[tuple[tuple[str, str], tuple[str, str]]]:
    """Yield pairs of (role, end) in different roles, or in the only one."""
    named = [(role, end) for role, ends in relation.roles.items() for end in ends if end in places]
    if roles is not None:
        named = [(role, end) for role, end in named if role in roles]
    one_role = len({role for role, _ in named}) == 1
    for a, b in combinations(named, 2):
        alike = type(places[a[1]][0]) is type(places[b[1]][0])  # two mentions, or two concepts
        if alike and a[1] != b[1] and (one_role or a[0] != b[0]):
            yield a, b


def ends_of(note: Note) -> dict[str, Place]:
    """Return of each mention and concept its place in the order of reading, its label and its id.

    Mentions come as they stand in the text, concepts by label, then by their first mention.
    """
    out: dict[str, Place] = {}
    for entity in sorted(note.entities, key=lambda e: (e.span, e.id)):
        for concept in entity.concepts:
            place = (entity.label, entity.span.start, entity.span.end, entity.label, concept)
            out.setdefault(concept, place)
    for entity in note.entities:
        out[entity.id] = (entity.span.start, entity.span.end, entity.label, entity.id)
    return out


def _related(name: str, kind: Kind, ends: tuple[str, str], **said: Any) -> Relation:
    if kind.first == kind.second:
        return Relation(id=name, label=kind.label, roles={kind.first: ends}, **said)
    roles = {kind.first: (ends[0],), kind.second: (ends[1],)}
    return Relation(id=name, label=kind.label, roles=dict(sorted(roles.items())), **said)


def _check_among(asked: Collection[str] | None, found: Collection[str], name: str) -> None:
    if asked is None:
        return
    unknown = sorted(set(asked) - set(found))
    if unknown or not asked:
        raise ArgumentError(
            f"{name} must be among those of train ({', '.join(sorted(found))}), "
            f"got {', '.join(unknown) or 'none'}"
        )

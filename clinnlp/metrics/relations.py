"""Scores of extracted relations against gold ones.

**Strict**: label, roles and all ends equal; an end that is a mention equals one of the same label
and parts, an end that is a concept one of the same id. **Relaxed**: same label and roles, and ends
that are mentions share a code point of their parts and the label, relations paired one-to-one so
that the number of pairs is the largest possible. Both are micro-averaged over labels.

With predicted mentions an end may be missing, and its relations are missed. ``ends="shared"``
counts only relations whose mentions stand in both notes: what is wrong there is wrong about the
relation.

Intervals resample documents, as those of mentions do.

References
----------
Segura-Bedmar et al., SemEval 2013 task 9 (strict); Taillé et al., EMNLP 2020 (what is compared).
"""

from collections import Counter
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal, NamedTuple, TypeVar

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import maximum_bipartite_matching

from clinnlp.core.arrays import Counts, Floats
from clinnlp.core.checks import check_at_least, check_level, check_one_of, check_several
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note, Relation
from clinnlp.core.spans import Span, overlaps
from clinnlp.metrics.mentions import Difference, difference_of_counts
from clinnlp.metrics.spans import (
    Match,
    SpanScores,
    labels_among,
    pair_entities,
    scores_of_counts,
)

__all__ = [
    "Ends",
    "RelationError",
    "compare_relations",
    "list_relation_errors",
    "score_relations",
]

Ends = Literal["all", "shared"]
Kind = Literal["type", "direction", "end", "missed", "invented"]
_ANY = "any"
_T = TypeVar("_T")


class RelationError(NamedTuple):
    """One error, by note and offsets, never by text; absent sides are None.

    Ends are sorted by role; that of a concept is its id.
    """

    note: str
    kind: Kind
    gold_label: str | None
    gold_ends: tuple[Span | str, ...] | None
    label: str | None
    ends: tuple[Span | str, ...] | None


@dataclass(frozen=True, slots=True)
class _Link:
    """A relation with its ends resolved: (role, end) pairs, sorted where they can be."""

    label: str
    roles: tuple[tuple[str, "_End"], ...]


@dataclass(frozen=True, slots=True)
class _End:
    """A mention, a concept, or a relation as an end."""

    label: str = ""
    pieces: tuple[Span, ...] = ()
    concept: str = ""
    link: _Link | None = None


def score_relations(
    gold: Iterable[Note],
    predicted: Iterable[Note],
    *,
    match: Match = "strict",
    ends: Ends = "all",
    typed: bool = True,
    undirected: Collection[str] = (),
    labels: Collection[str] | None = None,
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> SpanScores:
    """Score the relations of predicted notes against gold notes of the same ids.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id, in any order; read once.
    match : {"strict", "relaxed"}
        Equal ends, or ends that share a code point.
    ends : {"all", "shared"}
        Count every relation, or only those whose mentions stand in both notes with the same label
        and parts.
    typed : bool
        Whether labels must agree; without them it is told whether a relation is there (detection).
    undirected : collection of str
        Labels whose roles say nothing: both orders are equal.
    labels : collection of str, optional
        Score only these; all labels of both sides by default.
    n_boot : int
        Resamples of documents for the intervals; 0 gives none.
    level : float
        Coverage of the intervals.
    seed : int
        Seed of the resampling.

    Returns
    -------
    SpanScores
        Micro precision, recall and F1 with intervals by document, and counts per label.

    Raises
    ------
    ArgumentError
        An unknown `match` or `ends`, a label that stands in neither side, or a `level` that is not
        strictly between 0 and 1.
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> mentions = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...             Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> gold = Note(id="n", text="Rash after aspirin", entities=mentions, relations=(said,))
    >>> turned = Relation(id="R1", label="causes", roles={"drug": ("T1",), "effect": ("T2",)})
    >>> found = gold.with_(relations=(turned,))
    >>> score_relations([gold], [found]).micro
    PRF(tp=0, fp=1, fn=1)
    >>> score_relations([gold], [found], undirected=["causes"]).micro
    PRF(tp=1, fp=0, fn=0)
    """
    check_one_of(match, ("strict", "relaxed"), name="match")
    check_one_of(ends, ("all", "shared"), name="ends")
    check_level(level)
    check_several(gold, name="gold")
    check_several(predicted, name="predicted")
    if isinstance(undirected, str):
        raise ArgumentError(
            f"undirected must be a collection of labels, got the one string {undirected!r}"
        )
    pairs = _paired(gold, predicted, undirected=undirected, ends=ends)
    known = {link.label for _, *sides in pairs for side in sides for link in side}
    asked = labels_among(known, labels, what="relations")
    names = asked if typed else [_ANY] if asked else []
    counts = np.zeros((len(pairs), len(names), 3), np.int64)
    for row, (_, ours, theirs) in enumerate(pairs):
        for k, name in enumerate(names):
            among = (name,) if typed else asked
            first, second = (_under(among, side, typed=typed) for side in (ours, theirs))
            counts[row, k] = _counted(first, second, match)
    return scores_of_counts(counts, names, match=match, n_boot=n_boot, level=level, seed=seed)


def compare_relations(
    gold: Iterable[Note],
    a: Iterable[Note],
    b: Iterable[Note],
    *,
    match: Match = "strict",
    undirected: Collection[str] = (),
    n_boot: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Difference:
    """Return how much better `a` is than `b` in micro F1 of relations, paired by document.

    Parameters
    ----------
    gold, a, b : re-iterable of Note
        Of the same ids.
    match, undirected
        As for `score_relations`.
    n_boot : int
        Resamples for the interval, and random swaps for p, at least 1.
    level, seed
        As for `score_relations`.

    Returns
    -------
    Difference
        F1 of `a` less that of `b` with its interval, and p of random swaps.

    Raises
    ------
    ArgumentError
        `n_boot` below 1, an unknown `match`, a `level` not strictly between 0 and 1, or notes that
        are read only once.
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...         Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> gold = [Note(id=f"n{k}", text="Rash after aspirin", entities=ends, relations=(said,))
    ...         for k in range(9)]
    >>> none = [note.with_(relations=()) for note in gold]
    >>> compare_relations(gold, gold, none).difference.value
    1.0
    """
    check_at_least(n_boot, 1, name="n_boot")
    check_level(level)
    check_one_of(match, ("strict", "relaxed"), name="match")
    for notes, name in ((gold, "gold"), (a, "a"), (b, "b")):
        check_several(notes, name=name)
        if iter(notes) is notes:
            raise ArgumentError(f"{name} must be re-iterable, got a one-shot iterator")
    both = [_note_counts(gold, side, match=match, undirected=undirected) for side in (a, b)]
    return difference_of_counts(np.stack(both), n_boot=n_boot, level=level, seed=seed)


def list_relation_errors(
    gold: Iterable[Note], predicted: Iterable[Note], *, undirected: Collection[str] = ()
) -> list[RelationError]:
    """Return what went wrong with relations, note by note, by offsets.

    Parameters
    ----------
    gold, predicted : iterable of Note
        Paired by id.
    undirected : collection of str
        As for `score_relations`.

    Returns
    -------
    list of RelationError
        Note id, kind, labels and ends of both: ``direction``, the right label on the right ends in
        other roles; ``type``, the right ends under another label; ``end``, the right label with an
        end in common or overlapping ones; ``missed`` and ``invented``, what is left.

    Raises
    ------
    DataError
        Ids that repeat or have no partner, or texts that differ under one id.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> ends = (Entity(id="T1", span=Span(0, 4), label="Effect"),
    ...         Entity(id="T2", span=Span(11, 18), label="Drug"))
    >>> said = Relation(id="R1", label="causes", roles={"drug": ("T2",), "effect": ("T1",)})
    >>> gold = Note(id="n", text="Rash after aspirin", entities=ends, relations=(said,))
    >>> [(e.kind, e.gold_label) for e in list_relation_errors([gold], [gold.with_(relations=())])]
    [('missed', 'causes')]
    """
    out: list[RelationError] = []
    for note, ours, theirs in _paired(gold, predicted, undirected=undirected, ends="all"):
        same = Counter(ours) & Counter(theirs)
        left, right = _without(ours, same), _without(theirs, same)
        for kind, agree in _PARTNERS:
            for a in list(left):
                b = next((b for b in right if agree(a, b)), None)
                if b is not None:
                    left.remove(a)
                    right.remove(b)
                    out.append(RelationError(note, kind, a.label, _shown(a), b.label, _shown(b)))
        out += [RelationError(note, "missed", a.label, _shown(a), None, None) for a in left]
        out += [RelationError(note, "invented", None, None, b.label, _shown(b)) for b in right]
    return out


# --- relations with their ends -------------------------------------------------------------


def _paired(
    gold: Iterable[Note], predicted: Iterable[Note], *, undirected: Collection[str], ends: Ends
) -> list[tuple[str, list[_Link], list[_Link]]]:
    """Return the id of each note, its gold relations and its predicted ones."""
    kept: dict[str, Note] = {}

    def seen(notes: Iterable[Note]) -> Iterable[Note]:
        for note in notes:
            kept[note.id] = note
            yield note

    first = pair_entities(gold, seen(predicted))
    out = []
    for note, ours, theirs in first:
        left, right = (_links(side, undirected) for side in (note, kept[note.id]))
        if ends == "shared":
            shared = {(e.label, e.pieces) for e in ours} & {(e.label, e.pieces) for e in theirs}
            left, right = ([x for x in side if _stands_in(x, shared)] for side in (left, right))
        out.append((note.id, left, right))
    return out


def _links(note: Note, undirected: Collection[str]) -> list[_Link]:
    entities = {entity.id: entity for entity in note.entities}
    relations = {relation.id: relation for relation in note.relations}
    made: dict[str, _Link] = {}

    def link(relation: Relation, above: frozenset[str]) -> _Link:
        if relation.id not in made:
            above = above | {relation.id}
            named = relation.label not in undirected
            roles = [(r * named, end(i, above)) for r, ids in relation.roles.items() for i in ids]
            made[relation.id] = _Link(relation.label, tuple(sorted(roles, key=_order)))
        return made[relation.id]

    def end(name: str, above: frozenset[str]) -> _End:
        entity = entities.get(name)
        if entity is not None:
            return _End(label=entity.label, pieces=entity.pieces)
        if name in relations and name not in above:  # a circle ends as a name
            return _End(link=link(relations[name], above))
        return _End(concept=name)

    return [link(relation, frozenset()) for relation in note.relations]


def _order(role: tuple[str, _End]) -> tuple[str, str]:
    return role[0], repr(role[1])


def _stands_in(link: _Link, shared: set[tuple[str, tuple[Span, ...]]]) -> bool:
    return all(
        _stands_in(end.link, shared)
        if end.link
        else (not end.pieces or (end.label, end.pieces) in shared)
        for _, end in link.roles
    )


# --- counting ------------------------------------------------------------------------------


def _under(labels: Collection[str], links: Iterable[_Link], *, typed: bool) -> list[_Link]:
    """Return the relations of some labels; without types all under one."""
    chosen = [link for link in links if link.label in labels]
    return chosen if typed else [_Link(_ANY, link.roles) for link in chosen]


def _counted(ours: Sequence[_Link], theirs: Sequence[_Link], match: Match) -> tuple[int, int, int]:
    same = Counter(ours) & Counter(theirs)
    tp = sum(same.values()) if match == "strict" else _n_relaxed(ours, theirs)
    return tp, len(theirs) - tp, len(ours) - tp


def _n_relaxed(ours: Sequence[_Link], theirs: Sequence[_Link]) -> int:
    return _n_pairs(ours, theirs, _near)


def _n_pairs(ours: Sequence[_T], theirs: Sequence[_T], fit: Callable[[_T, _T], bool]) -> int:
    """Return how many pair up one-to-one, at most."""
    cells = [(i, j) for i, a in enumerate(ours) for j, b in enumerate(theirs) if fit(a, b)]
    if not cells:
        return 0
    rows, columns = zip(*cells, strict=True)
    graph = sparse.csr_matrix(
        (np.ones(len(rows), np.int8), (rows, columns)), shape=(len(ours), len(theirs))
    )
    return int((maximum_bipartite_matching(graph, perm_type="column") >= 0).sum())


def _near(a: _Link, b: _Link) -> bool:
    """Return whether two relations of one label have ends that touch, each in its role."""
    if a.label != b.label or len(a.roles) != len(b.roles):
        return False
    fit = _n_pairs(a.roles, b.roles, lambda x, y: x[0] == y[0] and _touch(x[1], y[1]))
    return fit == len(a.roles)


def _touch(a: _End, b: _End) -> bool:
    if a.link and b.link:
        return _near(a.link, b.link)
    if not a.pieces or not b.pieces:
        return a == b
    return a.label == b.label and any(overlaps(x, y) for x in a.pieces for y in b.pieces)


def _note_counts(
    gold: Iterable[Note], predicted: Iterable[Note], *, match: Match, undirected: Collection[str]
) -> Floats:
    pairs = _paired(gold, predicted, undirected=undirected, ends="all")
    rows = [_micro(ours, theirs, match) for _, ours, theirs in pairs]
    return np.array(rows, np.float64).reshape(-1, 3)


def _micro(ours: Sequence[_Link], theirs: Sequence[_Link], match: Match) -> Counts:
    labels = {link.label for link in (*ours, *theirs)}
    under = partial(_under, typed=True)
    counts = [_counted(under((x,), ours), under((x,), theirs), match) for x in sorted(labels)]
    total: Counts = np.array(counts, np.int64).reshape(-1, 3).sum(axis=0)
    return total


# --- errors --------------------------------------------------------------------------------


def _without(links: Iterable[_Link], same: Counter[_Link]) -> list[_Link]:
    left, same = [], Counter(same)
    for link in links:
        if same[link]:
            same[link] -= 1
        else:
            left.append(link)
    return left


def _bag(link: _Link) -> frozenset[tuple[Hashable, int]]:
    return frozenset(Counter(end for _, end in link.roles).items())


def _have_common(a: _Link, b: _Link) -> bool:
    return a.label == b.label and any(_touch(x, y) for _, x in a.roles for _, y in b.roles)


_PARTNERS: tuple[tuple[Kind, Callable[[_Link, _Link], bool]], ...] = (
    ("direction", lambda a, b: a.label == b.label and _bag(a) == _bag(b)),
    ("type", lambda a, b: _bag(a) == _bag(b)),
    ("end", _have_common),
)


def _shown(link: _Link) -> tuple[Span | str, ...]:
    """Return the ends as spans; of a concept its id, of a relation its label."""
    return tuple(
        end.link.label if end.link else (_cover(end) if end.pieces else end.concept)
        for _, end in link.roles
    )


def _cover(end: _End) -> Span:
    return Span(end.pieces[0].start, end.pieces[-1].end)

"""Mentions as a table: one row each, the shared assertion filter, and the name of an item.

The filter is the default of every consumer of mentions: an axis excludes a mention only where
it is ``True``; ``None`` (nobody assessed it) passes and is counted. Chronic is not past: a
historical mention whose course is ``chronic`` passes, and is counted. A drug that the note says is
stopped or held is left out too. An item is the first concept of a mention where it has one, else
its case-folded, space-squeezed text.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from sys import intern
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Bools
from clinnlp.core.checks import check_one_of, check_several
from clinnlp.core.notes import AXES, Attribute, Entity, Note, Section
from clinnlp.core.spans import contains
from clinnlp.core.tables import CHANGES, DAILY, DOSES, LEAVING, TAKEN, EntityTable
from clinnlp.core.times import naive_utc
from clinnlp.core.vocab import fold

__all__ = [
    "CHANGE_NAMES",
    "AssertionCounts",
    "Items",
    "asserted",
    "entity_table",
    "excludes",
    "item_of",
]

CHANGE_NAMES = dict(  # what a mention left out by its change is counted under
    zip(CHANGES, ("started", "stopped", "held", "increased", "decreased", "continued"), strict=True)
)
_PAST = "historical"
_CHRONIC = "chronic"
_OF_DRUG = frozenset((*TAKEN, "prn", *DAILY, *DOSES))
_NOT_TAKEN: tuple[Any, ...] = (*(None for _ in TAKEN), -1, *(np.nan for _ in DAILY))
_NO_DOSES = (np.nan,) * len(DOSES)
_FLAGS: dict[bool | None, int] = {None: -1, False: 0, True: 1}


@dataclass(frozen=True, slots=True, kw_only=True)
class AssertionCounts:
    """What an assertion filter did.

    Parameters
    ----------
    n_excluded : mapping of str to int
        Mentions left out, each counted once under the first axis that excludes it; under
        ``"<axis>_unassessed"`` where `strict` left it out because nobody assessed the axis. Behind
        the axes, drugs are counted under ``"stopped"`` and ``"held"`` where there are any.
    n_unassessed : mapping of str to int
        Mentions that passed although nobody assessed the axis.
    n_chronic : int
        Historical mentions that passed because the condition is chronic.
    """

    n_excluded: Mapping[str, int]
    n_unassessed: Mapping[str, int]
    n_chronic: int = 0


class Items(NamedTuple):
    """Item name per mention (array of str), and how many came from a concept and from text."""

    names: NDArray[np.object_]
    n_concept: int
    n_text: int


def entity_table(notes: Iterable[Note]) -> EntityTable:
    """Return one row per mention, in the order of notes and of their entities.

    Parameters
    ----------
    notes : iterable of Note
        Read once; only the columns are kept. Times with a zone are turned into UTC.

    Returns
    -------
    EntityTable
        `section` is the kind of the innermost section that contains the whole mention; `change` and
        what stands behind it are the attributes of these names, which `Medications` gives, as is
        `course`, of `Courses`.

    Raises
    ------
    ArgumentError
        One note, or text, in place of several notes.

    Examples
    --------
    >>> from clinnlp.core.notes import Assertion
    >>> from clinnlp.core.spans import Span
    >>> pain = Entity(
    ...     id="T1", span=Span(7, 17), label="Problem", assertion=Assertion(negated=True)
    ... )
    >>> table = entity_table([Note(id="n1", text="Denies chest pain.", entities=(pain,))])
    >>> table["text"].tolist(), table["negated"].tolist(), table["historical"].tolist()
    (['chest pain'], [1], [-1])
    """
    check_several(notes, name="notes")
    names = tuple(EntityTable.SCHEMA)
    columns: list[list[Any]] = [[] for _ in names]
    for note in notes:
        if not note.entities:
            continue
        head = (note.id, note.patient, note.encounter, naive_utc(note.time), naive_utc(note.known))
        kind = intern(note.kind) if note.kind else None
        ordered = sorted(note.sections or (), key=lambda s: (s.span.start, -s.span.end))
        starts = [s.span.start for s in ordered]
        for entity in note.entities:
            row = (*head, *_mention(note, entity), *_rest(entity, ordered, starts), kind)
            row = (*row, *_said(note, entity))
            for column, value in zip(columns, row, strict=True):
                column.append(value)
    return EntityTable(dict(zip(names, columns, strict=True)))


def asserted(
    table: EntityTable,
    *,
    strict: bool = False,
    axes: Sequence[str] = AXES,
    changes: Sequence[str] = LEAVING,
    chronic_counts: bool = True,
) -> tuple[Bools, AssertionCounts]:
    """Return which mentions the notes assert of the patient, and the counts of the filter.

    Parameters
    ----------
    strict : bool
        Demand that every axis is known to be ``False``; else ``None`` passes.
    axes : sequence of str
        Which of negated, uncertain, hypothetical, historical, experiencer exclude.
    changes : sequence of str
        Which changes of a drug exclude, of start, stop, hold, increase, decrease, continue; ``()``
        for none. A mention of which the note says no change passes.
    chronic_counts : bool
        Let a historical mention pass whose course is ``chronic``.

    Returns
    -------
    mask : array of bool, shape (n_mentions,)
    counts : AssertionCounts

    Raises
    ------
    ArgumentError
        An unknown axis or change.

    Examples
    --------
    >>> columns = {"start": [0, 0], "end": [1, 1], "n_concepts": [0, 0], "negated": [1, -1]}
    >>> mask, counts = asserted(EntityTable(columns), axes=("negated",))
    >>> mask.tolist(), counts.n_excluded, counts.n_unassessed
    ([False, True], {'negated': 1}, {'negated': 1})
    """
    for axis in axes:
        check_one_of(axis, AXES, name="axis")
    for change in changes:
        check_one_of(change, CHANGES, name="change")
    kept = np.ones(len(table), bool)
    n_excluded: dict[str, int] = {}
    for axis in axes:
        out = excludes(table, axis, chronic_counts=chronic_counts)
        n_excluded[axis] = int(np.sum(kept & out))
        kept &= ~out
        if strict:
            unassessed = table[axis] == -1
            n_excluded[f"{axis}_unassessed"] = int(np.sum(kept & unassessed))
            kept &= ~unassessed
    for change in changes:
        left = kept & (table["change"] == change)
        if left.any():
            n_excluded[CHANGE_NAMES[change]] = int(np.sum(left))
        kept &= ~left
    n_unassessed = {axis: int(np.sum(kept & (table[axis] == -1))) for axis in axes}
    n_chronic = int(np.sum(kept & (table[_PAST] == 1))) if _PAST in axes else 0
    return kept, AssertionCounts(
        n_excluded=n_excluded, n_unassessed=n_unassessed, n_chronic=n_chronic
    )


def excludes(table: EntityTable, axis: str, *, chronic_counts: bool = True) -> Bools:
    """Return which mentions an axis says not to count; what is chronic is not past.

    Examples
    --------
    >>> columns = {"start": [0, 9], "end": [4, 12], "n_concepts": [0, 0]}
    >>> columns |= {"historical": [1, 1], "course": ["chronic", "ended"]}
    >>> excludes(EntityTable(columns), "historical").tolist()
    [False, True]
    """
    out: Bools = table[axis] == 1
    if axis == _PAST and chronic_counts:
        out &= table["course"] != _CHRONIC
    return out


def item_of(table: EntityTable) -> Items:
    """Return the item name of each mention: its first concept, else its folded text.

    Examples
    --------
    >>> columns = {"start": [0, 0], "end": [1, 1], "n_concepts": [1, 0]}
    >>> columns |= {"text": ["ASA", "Chest  Pain"], "concept": ["d1", None]}
    >>> items = item_of(EntityTable(columns))
    >>> items.names.tolist(), items.n_concept, items.n_text
    (['d1', 'chest pain'], 1, 1)
    """
    folded: dict[str, str] = {}
    names = np.empty(len(table), dtype=object)
    n_concept = 0
    for i, (concept, text) in enumerate(zip(table["concept"], table["text"], strict=True)):
        if concept:
            names[i] = concept
            n_concept += 1
            continue
        key = text or ""
        if key not in folded:
            folded[key] = fold(key)
        names[i] = folded[key]
    return Items(names, n_concept, len(table) - n_concept)


def _mention(note: Note, entity: Entity) -> tuple[Any, ...]:
    """Values of the columns entity, label, start, end, text, concept, n_concepts."""
    concepts = entity.concepts
    return (
        entity.id,
        intern(entity.label),
        entity.span.start,
        entity.span.end,
        note.mention(entity),
        intern(concepts[0]) if concepts else None,
        len(concepts),
    )


def _rest(entity: Entity, sections: Sequence[Section], starts: list[int]) -> tuple[Any, ...]:
    """Values of the five axes, and of change, section, score, source."""
    flags = tuple(_FLAGS[value] for value in entity.assertion.axes)
    word = _text(entity.attributes.get("change"))
    score = np.nan if entity.score is None else entity.score
    return (*flags, word, _section(entity, sections, starts), score, entity.source)


def _said(note: Note, entity: Entity) -> tuple[Any, ...]:
    """Values of name, of the cue of each axis, of the attributes of a drug, course among them."""
    held, cues = entity.attributes, entity.assertion.cues
    words = [_words(note[cues[axis]]) if axis in cues else None for axis in AXES]
    if not held:
        return (None, *words, *_NOT_TAKEN, None, *_NO_DOSES)
    name, course = _text(held.get("name")), _text(held.get("course"))
    if _OF_DRUG.isdisjoint(held):  # as of each problem
        return (name, *words, *_NOT_TAKEN, course, *_NO_DOSES)
    taken = [_text(held.get(key)) for key in TAKEN]
    prn = held.get("prn")
    flag = _FLAGS[prn if type(prn) is bool else None]
    daily, doses = ([_number(held.get(key)) for key in keys] for keys in (DAILY, DOSES))
    return (name, *words, *taken, flag, *daily, course, *doses)


def _words(cue: str) -> str:
    """Return a cue as words alone: ", no" is "no", a mark alone stays."""
    squeezed = " ".join(cue.split())
    return squeezed.strip(" ,;:") or squeezed


def _text(value: Attribute) -> str | None:
    return intern(value) if type(value) is str else None


def _number(value: Attribute) -> float:
    return float(value) if type(value) in (float, int) else np.nan  # type: ignore[arg-type]


def _section(entity: Entity, sections: Sequence[Section], starts: list[int]) -> str | None:
    for k in range(bisect_right(starts, entity.span.start) - 1, -1, -1):
        if contains(sections[k].span, entity.span):
            return sections[k].kind
    return None

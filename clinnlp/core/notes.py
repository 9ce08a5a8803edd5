"""Notes and what stands in them: the nouns every room shares.

Values are frozen. A note keeps its text exactly as read; everything else points into it by
half-open code-point offsets. ``repr`` shows ids and counts, never text. Gold and prediction are
two notes with the same id.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from itertools import count, islice
from operator import attrgetter
from typing import Any, TypedDict, Unpack, overload

from clinnlp.core.display import display_html
from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.spans import Span, cover, within

__all__ = [
    "AXES",
    "AXIS_SIGNS",
    "Assertion",
    "Coverage",
    "Entity",
    "Note",
    "NoteChanges",
    "Relation",
    "Section",
    "check_note",
    "fresh_ids",
]

Attribute = str | int | float | bool | None


def _axis(sign: str, meaning: str) -> Any:
    return field(default=None, metadata={"axis": (sign, meaning)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Assertion:
    """What the note says about a mention, on five axes.

    Each axis is ``True``, ``False`` or ``None`` (not assessed). `experiencer` is ``True`` where
    the mention is about someone other than the patient. `cues` maps an axis to the span of the
    words that decided it. A field made by ``_axis`` is an axis, in every table, filter, format and
    page, with a short sign and what it means; its cues stand in the tables of the text room.

    Parameters
    ----------
    negated : bool, optional
        The mention is denied.
    uncertain : bool, optional
        It is possible, not sure.
    hypothetical : bool, optional
        It is a condition or a plan: what may come, or what to do then.
    historical : bool, optional
        It lies in the past.
    experiencer : bool, optional
        It is someone else's than the patient's.
    cues : mapping of str to Span
        By axis, where in the text the words stand that decided it.

    References
    ----------
    Harkema et al., ConText, J Biomed Inform 2009; the i2b2 2010 assertion task.

    Examples
    --------
    >>> denied = Assertion(negated=True, cues={"negated": Span(0, 6)})
    >>> denied.negated, denied.historical, denied.axes[:2]
    (True, None, (True, None))
    """

    negated: bool | None = _axis("NEG", "negated: the note says it is absent")
    uncertain: bool | None = _axis("UNC", "uncertain: possible, not established")
    hypothetical: bool | None = _axis("HYP", "hypothetical: conditional or planned")
    historical: bool | None = _axis("HX", "historical: in the past")
    experiencer: bool | None = _axis("FAM", "about someone other than the patient")
    cues: Mapping[str, Span] = field(default_factory=dict, hash=False)

    @property
    def axes(self) -> tuple[bool | None, ...]:
        """Values in the order of `AXES`."""
        return _axes_of(self)


AXIS_SIGNS: Mapping[str, tuple[str, str]] = {  # sign and meaning
    f.name: f.metadata["axis"] for f in fields(Assertion) if "axis" in f.metadata
}
AXES = tuple(AXIS_SIGNS)
_axes_of = attrgetter(*AXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """A mention: a labelled span, its concepts and its assertion.

    Parameters
    ----------
    id : str
        Unique within the note.
    span : Span
        Cover of all `parts`.
    label : str
        Class, such as ``"Chemical"``.
    parts : tuple of Span
        At least two disjoint spans in text order for a discontinuous mention, else empty.
    concepts : tuple of str
        Vocabulary entries; several for a composite mention.
    score : float, optional
        Probability in [0, 1] where a model made the mention.
    source : str, optional
        Who made it: a pipe's name, or ``None`` for what was read.
    assertion : Assertion
        What the note says of it; nothing assessed by default.
    attributes : mapping of str to str, number, bool or None
        Such as the dose that `Medications` gives; equality minds them, a hash does not.

    Examples
    --------
    >>> note = Note(id="n1", text="Denies chest pain.")
    >>> pain = Entity(id="T1", span=Span(7, 17), label="Problem", assertion=Assertion(negated=True))
    >>> note.mention(pain), pain.assertion.negated
    ('chest pain', True)
    """

    id: str
    span: Span
    label: str
    parts: tuple[Span, ...] = ()
    concepts: tuple[str, ...] = ()
    assertion: Assertion = Assertion()
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False, repr=False)
    score: float | None = None
    source: str | None = None

    def __post_init__(self) -> None:
        if self.parts:
            _check_parts(self)

    @property
    def pieces(self) -> tuple[Span, ...]:
        """`parts`, or the one span: what strict scoring compares."""
        return self.parts or (self.span,)

    def asserted(self, assertion: Assertion) -> "Entity":
        """Return the entity with another assertion; done for every mention, so field by field."""
        return Entity(
            id=self.id,
            span=self.span,
            label=self.label,
            parts=self.parts,
            concepts=self.concepts,
            assertion=assertion,
            attributes=self.attributes,
            score=self.score,
            source=self.source,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Relation:
    """A labelled link: `roles` maps a role to ids of entities, relations or concepts.

    Parameters
    ----------
    id : str
        Unique within the note.
    label : str
        What kind of link.
    roles : mapping of str to tuple of str
        Role name to ids of entities or relations of the note, or of concepts.
    attributes : mapping of str to str, number, bool or None
    score : float, optional
        Probability in [0, 1] where a model made it.
    source : str, optional
        Who made it: a pipe's name, or ``None`` for what was read.

    Examples
    --------
    >>> link = Relation(id="R1", label="Treats", roles={"drug": ("T1",), "problem": ("T2",)})
    >>> link.roles["problem"]
    ('T2',)
    """

    id: str
    label: str
    roles: Mapping[str, tuple[str, ...]] = field(hash=False)
    attributes: Mapping[str, Attribute] = field(default_factory=dict, hash=False, repr=False)
    score: float | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a note under a heading; `kind` is canonical, such as ``"family_history"``.

    Parameters
    ----------
    span : Span
        From its heading to the next one.
    kind : str
        Canonical name, equal for all wordings of a heading.
    heading : Span, optional
        The words of the heading.

    Examples
    --------
    >>> note = Note(id="n1", text="Allergies: none")
    >>> note[Section(span=Span(0, 15), kind="allergies", heading=Span(0, 9)).heading]
    'Allergies'
    """

    span: Span
    kind: str
    heading: Span | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """How much of a note a model has read, and how unlike its training text the note is.

    Parameters
    ----------
    n_seen, n_total : int
        Tokens read of tokens there; equal numbers mean that nothing was cut.
    n_new, n_new_pairs : int, optional
        Tokens, and pairs of neighbouring tokens, that hardly any training note holds; None where
        the model does not know.
    unlike : bool, optional
        Whether more of its pairs are new than of 95 in 100 training notes: scores that were
        measured on notes like those do not hold here. None where that cannot be said.
    """

    n_seen: int
    n_total: int
    n_new: int | None = None
    n_new_pairs: int | None = None
    unlike: bool | None = None


class NoteChanges(TypedDict, total=False):
    """The fields of a note that `Note.with_` may replace, each of which may be left out."""

    patient: str | None
    encounter: str | None
    time: datetime | None
    known: datetime | None
    kind: str | None
    tokens: tuple[Span, ...] | None
    sections: tuple[Section, ...] | None
    sentences: tuple[Span, ...] | None
    entities: tuple[Entity, ...]
    relations: tuple[Relation, ...]
    labels: tuple[str, ...]
    coverage: Coverage | None


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Note:
    """One clinical text with its annotations.

    Parameters
    ----------
    id : str
        Unique within a collection.
    text : str
        Exactly what was read.
    patient, encounter : str, optional
        Whom and which stay it belongs to.
    time : datetime, optional
        What time the note speaks of.
    known : datetime, optional
        When it could first be read; a discharge note is known at discharge. Prediction uses
        this one.
    kind : str, optional
        Document type.
    tokens : tuple of Span, optional
        Only where the source came tokenised.
    sections, sentences, entities, relations, labels : tuple
        Annotations; ``None`` for sections or sentences means not computed.
    coverage : Coverage, optional
        Tokens a model saw of tokens in.

    Examples
    --------
    >>> note = Note(id="n1", text="Denies chest pain.")
    >>> note[Span(7, 17)]
    'chest pain'
    >>> note
    Note(id='n1', n_chars=18, n_entities=0, n_relations=0)
    """

    id: str
    text: str
    patient: str | None = None
    encounter: str | None = None
    time: datetime | None = None
    known: datetime | None = None
    kind: str | None = None
    tokens: tuple[Span, ...] | None = None
    sections: tuple[Section, ...] | None = None
    sentences: tuple[Span, ...] | None = None
    entities: tuple[Entity, ...] = ()
    relations: tuple[Relation, ...] = ()
    labels: tuple[str, ...] = ()
    coverage: Coverage | None = None

    @overload
    def __getitem__(self, where: Span) -> str: ...
    @overload
    def __getitem__(self, where: slice) -> str: ...
    def __getitem__(self, where: Span | slice) -> str:
        """Return the text at a span."""
        if isinstance(where, Span):
            return self.text[where.start : where.end]
        return self.text[where]

    def __repr__(self) -> str:
        return (
            f"Note(id={self.id!r}, n_chars={len(self.text)}, n_entities={len(self.entities)}, "
            f"n_relations={len(self.relations)})"
        )

    def _repr_html_(self) -> str:
        """Return counts; `clinnlp.show` shows the text, where it is asked to."""
        labels = sorted({e.label for e in self.entities})
        of = {label: [e for e in self.entities if e.label == label] for label in labels}
        columns: dict[str, list[Any]] = {"label": labels}
        columns["mentions"] = [len(of[label]) for label in labels]
        for axis in AXES:
            counts = [sum(getattr(e.assertion, axis) is True for e in of[x]) for x in labels]
            columns |= {axis: counts} if any(counts) else {}
        facts = {"characters": len(self.text), "mentions": len(self.entities)}
        facts |= {"relations": len(self.relations)} if self.relations else {}
        for name in ("sections", "sentences"):
            facts |= {name: len(getattr(self, name))} if getattr(self, name) is not None else {}
        hint = "Text is hidden: clinnlp.show(note, show_text=True) shows it."
        return display_html(
            f"Note {self.id}", facts=facts, columns=columns, n_rows=len(labels), notes=[hint]
        )

    def mention(self, entity: Entity) -> str:
        """Return the text of an entity, the parts of a discontinuous one joined by a blank."""
        return " ".join(self[piece] for piece in entity.pieces)

    def with_(self, **changes: Unpack["NoteChanges"]) -> "Note":
        """Return a copy with some fields replaced; id and text cannot be."""
        if "id" in changes or "text" in changes:
            raise DataError("id and text of a note cannot be replaced", note=self.id)
        return replace(self, **changes)

    def without_source(self, *sources: str) -> "Note":
        """Return the note without the entities and relations that `sources` had added."""
        if not any(e.source in sources for e in self.entities) and not any(
            r.source in sources for r in self.relations
        ):
            return self
        return replace(
            self,
            entities=tuple(e for e in self.entities if e.source not in sources),
            relations=tuple(r for r in self.relations if r.source not in sources),
        )


def check_note(note: Note) -> Note:
    """Return `note` where all its offsets lie inside the text and entity ids are unique.

    Raises
    ------
    OffsetError
        A span ends past the text.
    DataError
        Two entities share an id.
    """
    n_chars = len(note.text)
    for span in _all_spans(note):
        if span.end > n_chars:
            within(span, n_chars, note=note.id)
    ids = [entity.id for entity in note.entities]
    if len(set(ids)) != len(ids):
        raise DataError("entity ids must be unique within a note, got a repeated one", note=note.id)
    return note


def fresh_ids(note: Note, prefix: str, n: int) -> list[str]:
    """Return `n` ids ``prefix1, prefix2, ...`` that no entity or relation of the note has.

    Examples
    --------
    >>> fresh_ids(Note(id="n", text=""), "T", 2)
    ['T1', 'T2']
    """
    taken = {e.id for e in note.entities} | {r.id for r in note.relations}
    names = (name for name in (f"{prefix}{k}" for k in count(1)) if name not in taken)
    return list(islice(names, n))


def _all_spans(note: Note) -> Iterable[Span]:
    for entity in note.entities:
        yield entity.span
        yield from entity.assertion.cues.values()
    for section in note.sections or ():
        yield section.span
    yield from note.sentences or ()
    yield from note.tokens or ()


def _check_parts(entity: Entity) -> None:
    parts = entity.parts
    ordered = all(a.end <= b.start for a, b in zip(parts, parts[1:], strict=False))
    if len(parts) < 2 or not ordered or cover(parts) != entity.span:
        raise OffsetError(
            f"parts of entity {entity.id!r} must be two or more disjoint spans in text order "
            f"that begin and end with its span {entity.span.start}-{entity.span.end}, "
            f"got {[(p.start, p.end) for p in parts]}"
        )

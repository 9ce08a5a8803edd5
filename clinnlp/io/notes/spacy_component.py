"""Pipes of notes as a component of spaCy: what it reads of a Doc, writes on it, keeps on disk.

Mentions of other components (rulers, recognisers) are asserted, linked and given their doses like
those that this library finds, and stay where they are. What this library finds is the same with
and without them.

``nlp.pipe`` gives the pipelines as many texts at a time as its ``batch_size`` says. ``nlp.to_disk``
and ``nlp.to_bytes`` take vocabulary, model and table of chronic conditions along, as they are
(`clinnlp.io.notes.spacy_files`).
"""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import mkdtemp
from typing import Any
from weakref import finalize

from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import raise_error

from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.pipeline import Pipeline, chunks
from clinnlp.core.spans import Span, pairs_overlapping
from clinnlp.io.notes.docbin import concepts_of
from clinnlp.io.notes.spacy import (
    EXTENSIONS,
    GROUP,
    OTHERS,
    say,
    set_extensions,
    write_on,
)
from clinnlp.io.notes.spacy_files import (
    copied_files,
    copy_files,
    files_in,
    packed_files,
    paths_of,
    remove_folder,
)
from clinnlp.io.notes.spacy_names import NAMES, add_name
from clinnlp.metrics.assertion import score_assertions

__all__ = ["Component", "Habits", "Parts", "register"]

Parts = tuple[Pipeline, Pipeline]  # what finds mentions, and what says something of them

_ASSIGNS = (
    *("doc.ents", "doc.spans", "doc.sents", "token.ent_iob", "token.ent_type"),
    *("token.ent_kb_id", "token.is_sent_start"),
    *(f"span._.{name}" for name in (*EXTENSIONS, *NAMES, "section_category")),
)
_WEIGHTS = {"ents_f": 1.0, "ents_p": 0.0, "ents_r": 0.0, "ents_per_type": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Habits:
    """How the component reads and writes a Doc.

    Parameters
    ----------
    spans_key : str
        Group of ``doc.spans`` that holds all mentions of this library.
    overwrite_ents : bool
        Whether these take the place of ``doc.ents`` that they overlap.
    ent_types : tuple of str, optional
        Labels of the mentions of others that are asserted; all by default.
    span_keys : tuple of str
        Groups of ``doc.spans`` whose mentions are asserted too.
    chunk_prefix : tuple of str
        Words, in small letters, that belong to the context where a mention of others begins with
        them, as in "no headache".
    extension_name : str, optional
        One more name for `negated`.
    """

    spans_key: str = GROUP
    overwrite_ents: bool = False
    ent_types: tuple[str, ...] | None = None
    span_keys: tuple[str, ...] = ()
    chunk_prefix: tuple[str, ...] = ()
    extension_name: str | None = None


def register(name: str, make: Callable[..., "Component"], **defaults: Any) -> Any:
    """Return `make` as the factory of a component, for ``nlp.add_pipe(name)``.

    Parameters
    ----------
    name : str
    make : callable
        Takes the pipeline, the name of the component and its settings; typed, for spaCy checks.
    **defaults : values
        The settings.
    """
    return Language.factory(
        name,
        default_config=defaults,
        assigns=list(_ASSIGNS),
        default_score_weights=_WEIGHTS,
        func=make,
    )


class Component:
    """Two pipelines of notes as a spaCy component; made anew from its settings in a new process.

    Parameters
    ----------
    make : callable
        Takes the settings and returns what finds mentions, and what says something of them.
    settings : dict
        Where one that may name a file names a path that is not there, the pipelines are made when
        they are first needed: ``nlp.from_disk`` or ``nlp.from_bytes`` brings the files.
    habits : Habits
    name : str
        Of the component in its pipeline, for the handler of errors.
    """

    def __init__(
        self,
        make: Callable[..., Parts],
        settings: dict[str, Any],
        habits: Habits | None = None,
        name: str = GROUP,
    ) -> None:
        self.name = name
        self._make, self._settings = make, dict(settings)
        self._habits = habits or Habits()
        self._handler: Callable[..., Any] = raise_error
        self._holds_files = False  # which came as bytes
        self._parts: Parts | None = None
        self._begin()

    def __call__(self, doc: Doc) -> Doc:
        """Return the Doc with what the pipelines found and said written onto it."""
        return self._batch([doc])[0]

    def pipe(self, docs: Iterable[Doc], *, batch_size: int = 64) -> Iterator[Doc]:
        """Yield Docs as `__call__` returns them, `batch_size` of them at a time.

        Where one of them fails, they are tried one by one: the handler of errors gets that alone.
        """
        for several in chunks(docs, batch_size):
            try:
                done = self._batch(several)
            except Exception:
                done = None  # whose fault it is will be seen below
            yield from self._one_by_one(several) if done is None else done

    def set_error_handler(self, error_handler: Callable[..., Any]) -> None:
        """Set what is called with name, component, Docs and error where a Doc fails."""
        self._handler = error_handler

    def get_error_handler(self) -> Callable[..., Any]:
        """Return what `set_error_handler` set; by default the error is raised."""
        return self._handler

    def __getstate__(self) -> dict[str, Any]:
        packed = self.to_bytes() if self._holds_files else None
        return {**self.__dict__, "_parts": None, "packed": packed}

    def __setstate__(self, state: dict[str, Any]) -> None:
        packed = state.pop("packed")
        self.__dict__ |= state
        if packed is None:
            self._begin()
        else:
            self.from_bytes(packed)

    def initialize(self, get_examples: Any = None, *, nlp: Any = None) -> None:  # noqa: ARG002
        """Make the pipelines, where their files were not there yet."""
        self._ready()

    def score(self, examples: Iterable[Any], **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002
        """Return the scores of spaCy's recognisers, and those of each axis that gold assesses.

        They are ``ents_p``, ``ents_r``, ``ents_f`` and ``ents_per_type``, those of the group where
        gold has it (``spans_clinnlp_f``), and ``negated_f`` and so on over mentions in both.
        """
        examples = list(examples)
        key = self._habits.spans_key
        scores: dict[str, Any] = get_ner_prf(examples)
        if any(key in example.reference.spans for example in examples):
            scores |= Scorer.score_spans(
                examples,
                f"spans_{key}",
                getter=partial(_group, key),
                has_annotation=partial(_has_group, key),
                allow_overlap=True,
            )
        return scores | _axis_scores(examples)

    def to_disk(self, path: Any, *, exclude: Collection[str] = ()) -> None:
        """Copy the files that the settings name; the settings stand in the pipeline's own."""
        copy_files(self._settings, Path(path), exclude=exclude)

    def from_disk(self, path: Any, *, exclude: Collection[str] = ()) -> "Component":
        """Return the component with the files that `to_disk` copied."""
        return self._with(copied_files(Path(path), exclude=exclude))

    def to_bytes(self, *, exclude: Collection[str] = ()) -> bytes:
        """Return the files that the settings name, and a vocabulary in them, as bytes."""
        return packed_files(self._settings, exclude=exclude)

    def from_bytes(self, packed: bytes, *, exclude: Collection[str] = ()) -> "Component":
        """Return the component with what `to_bytes` packed.

        The files lie in a folder for as long as the component lives.

        Raises
        ------
        DataError
            The bytes are others.
        """
        folder = Path(mkdtemp(prefix=f"{GROUP}-"))
        finalize(self, remove_folder, folder, os.getpid())
        found = files_in(packed, folder, exclude=exclude)
        self._holds_files = self._holds_files or bool(paths_of(found))
        return self._with(found)

    def _with(self, found: dict[str, Any]) -> "Component":
        """Return the component with settings that name other files."""
        if found:
            self._settings |= found
            self._parts = self._make(**self._settings)
        self._know_names()
        return self

    def _begin(self) -> None:
        """Make the pipelines, where all their files are there."""
        if all(path.exists() for path in paths_of(self._settings).values()):
            self._parts = self._make(**self._settings)
        self._know_names()

    def _batch(self, docs: Sequence[Doc]) -> list[Doc]:
        """Return Docs with what is found and said in each; nothing is written before all is."""
        find, tell = self._ready()
        others = [self._others(doc) for doc in docs]
        texts = [Note(id=str(d.user_data.get("id", "text")), text=d.text) for d in docs]
        read = find.batch(texts)
        notes = tell.batch(read)
        named = [
            _named(note, [self._entity(span) for span in spans])
            for note, spans in zip(notes, others, strict=True)
        ]
        theirs = _told(tell, read, named)
        for doc, note, spans, told in zip(docs, notes, others, theirs, strict=True):
            self._write(doc, note, spans, told)
        return list(docs)

    def _write(
        self, doc: Doc, note: Note, spans: Sequence[DocSpan], told: Sequence[Entity]
    ) -> None:
        """Write a note, and what is said of the mentions of others, onto its Doc."""
        for span, entity in zip(spans, told, strict=True):
            say(span, entity, note)
        how = self._habits
        made = _with_others(note, told)
        write_on(doc, made, group=how.spans_key, overwrite_ents=how.overwrite_ents)

    def _one_by_one(self, docs: Iterable[Doc]) -> Iterator[Doc]:
        for doc in docs:
            try:
                done = self._batch([doc])
            except Exception as error:
                self._handler(self.name, self, [doc], error)
            else:
                yield from done

    def _ready(self) -> Parts:
        if self._parts is None:
            self._parts = self._make(**self._settings)
        return self._parts

    def _know_names(self) -> None:
        set_extensions()
        if self._habits.extension_name is not None:
            add_name(self._habits.extension_name, "negated")

    def _others(self, doc: Doc) -> list[DocSpan]:
        """Return the mentions of other components; those of an earlier run of ours are dropped."""
        how = self._habits
        earlier = {_key(span) for span in doc.spans.pop(how.spans_key, ())}
        if earlier:
            doc.set_ents([span for span in doc.ents if _key(span) not in earlier])
        spans = list(doc.ents)
        for key in how.span_keys:
            spans += doc.spans.get(key, ())
        return [s for s in spans if how.ent_types is None or s.label_ in how.ent_types]

    def _entity(self, span: DocSpan) -> Entity:
        """Return a mention of another component, without the words that belong to its context."""
        start = span.start
        while start < span.end - 1 and span.doc[start].lower_ in self._habits.chunk_prefix:
            start += 1
        return Entity(
            id="",
            span=Span(span.doc[start].idx, span.end_char),
            label=span.label_,
            concepts=concepts_of(span),
            source=OTHERS,
        )


def _named(note: Note, theirs: Sequence[Entity]) -> tuple[Entity, ...]:
    """Return mentions of others with ids that no mention of the note has."""
    taken = {entity.id for entity in note.entities}
    free = (name for k in range(1, len(taken) + len(theirs) + 1) if (name := f"S{k}") not in taken)
    return tuple(replace(entity, id=name) for entity, name in zip(theirs, free, strict=False))


def _told(
    tell: Pipeline, read: Sequence[Note], theirs: Sequence[tuple[Entity, ...]]
) -> list[list[Entity]]:
    """Return for each note the mentions of others with what is said of them, in order."""
    held = [k for k, entities in enumerate(theirs) if entities]
    asked = [read[k].with_(entities=theirs[k], relations=()) for k in held]
    told: list[list[Entity]] = [[] for _ in theirs]
    for k, note in zip(held, tell.batch(asked) if asked else (), strict=True):
        said = {entity.id: entity for entity in note.entities}
        told[k] = [said[entity.id] for entity in theirs[k]]
    return told


def _with_others(note: Note, theirs: Sequence[Entity]) -> Note:
    """Return a note with the mentions of others that none of its own overlaps: each counts once."""
    if not theirs:
        return note
    pieces = [piece for entity in note.entities for piece in entity.pieces]
    taken = {k for k, _ in pairs_overlapping([entity.span for entity in theirs], pieces)}
    beside = (entity for k, entity in enumerate(theirs) if k not in taken)
    return note.with_(entities=(*note.entities, *beside))


def _key(span: DocSpan) -> tuple[int, int, str]:
    return span.start, span.end, span.label_


def _group(key: str, doc: Doc, _: str) -> list[DocSpan]:
    return list(doc.spans.get(key, ()))


def _has_group(key: str, doc: Doc) -> bool:
    return key in doc.spans


def _axis_scores(examples: Sequence[Any]) -> dict[str, float]:
    """Return precision, recall and F1 of each axis that a mention of gold has assessed."""
    gold = [_asserted(str(k), example.reference) for k, example in enumerate(examples)]
    found = [_asserted(str(k), example.predicted) for k, example in enumerate(examples)]
    said = [entity.assertion for note in gold for entity in note.entities]
    scores: dict[str, float] = {}
    for axis, counts in score_assertions(gold, found).items():
        if any(getattr(assertion, axis) is not None for assertion in said):
            scores |= {
                f"{axis}_p": counts.precision,
                f"{axis}_r": counts.recall,
                f"{axis}_f": counts.f1,
            }
    return scores


def _asserted(id: str, doc: Doc) -> Note:
    entities = (
        Entity(
            id=f"T{k}",
            span=Span(span.start_char, span.end_char),
            label=span.label_,
            assertion=Assertion(**{axis: span._.get(axis) for axis in AXES}),
        )
        for k, span in enumerate(doc.ents)
    )
    return Note(id=id, text=doc.text, entities=tuple(entities))

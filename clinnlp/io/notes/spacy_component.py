"""Pipes of notes as a component of spaCy: what it reads of a Doc, writes on it, keeps on disk.

Mentions of other components (rulers, recognisers) are asserted, linked and given their doses like
those that this library finds, and stay where they are. What this library finds is the same with
and without them.

``nlp.to_disk`` takes vocabulary, model and table of chronic conditions along, copied as they are:

    <component>/vocabulary/drugs.csv     <component>/model/toy/...     <component>/chronic/own.tsv
"""

import shutil
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from spacy.language import Language
from spacy.scorer import Scorer, get_ner_prf
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan

from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span, pairs_overlapping
from clinnlp.io.notes.spacy import (
    EXTENSIONS,
    GROUP,
    OTHERS,
    say,
    set_extensions,
    write_on,
)
from clinnlp.io.notes.spacy_names import NAMES, add_name
from clinnlp.metrics.assertion import score_assertions

__all__ = ["FILES", "Component", "Habits", "Parts", "register"]

FILES = ("vocabulary", "model", "chronic")  # settings that may name a file or folder
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
        Where one of `FILES` names a path that is not there, the pipelines are made when they are
        first needed: ``nlp.from_disk`` brings the files.
    habits : Habits
    """

    def __init__(
        self, make: Callable[..., Parts], settings: dict[str, Any], habits: Habits | None = None
    ) -> None:
        self._make, self._settings = make, dict(settings)
        self._habits = habits or Habits()
        self._parts: Parts | None = None
        if all(path.exists() for path in self._paths().values()):
            self._parts = make(**settings)
        self._know_names()

    def __call__(self, doc: Doc) -> Doc:
        """Return the Doc with what the pipelines found and said written onto it."""
        find, tell = self._ready()
        others = self._others(doc)
        read = find(Note(id=str(doc.user_data.get("id", "text")), text=doc.text))
        note = tell(read)
        theirs = _told(tell, read, note, [self._entity(span) for span in others])
        for span, entity in zip(others, theirs, strict=True):
            say(span, entity, note)
        how = self._habits
        made = _with_others(note, theirs)
        return write_on(doc, made, group=how.spans_key, overwrite_ents=how.overwrite_ents)

    def __reduce__(self) -> tuple[Any, ...]:
        return Component, (self._make, self._settings, self._habits)

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
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for name, source in self._paths().items():
            place = folder / name
            if name in exclude or source.resolve().parent == place.resolve():
                continue
            if place.exists():
                shutil.rmtree(place)
            place.mkdir()
            copy = shutil.copytree if source.is_dir() else shutil.copy2
            copy(source, place / source.name)

    def from_disk(self, path: Any, *, exclude: Collection[str] = ()) -> "Component":
        """Return the component with the files that `to_disk` copied."""
        kept = {
            name: next(iter(sorted((Path(path) / name).iterdir())), None)
            for name in FILES
            if name not in exclude and (Path(path) / name).is_dir()
        }
        if any(kept.values()):
            self._settings |= {name: str(file) for name, file in kept.items() if file}
            self._parts = self._make(**self._settings)
        return self

    def _ready(self) -> Parts:
        if self._parts is None:
            self._parts = self._make(**self._settings)
        return self._parts

    def _paths(self) -> dict[str, Path]:
        """Return the settings that name a file or folder."""
        return {
            name: Path(value)
            for name in FILES
            if isinstance(value := self._settings.get(name), str)
        }

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
            concepts=(span.kb_id_,) if span.kb_id_ else (),
            source=OTHERS,
        )


def _told(tell: Pipeline, read: Note, note: Note, theirs: Sequence[Entity]) -> list[Entity]:
    """Return the mentions of others with what is said of each, in order."""
    if not theirs:
        return []
    taken = {entity.id for entity in note.entities}
    free = (name for k in range(1, len(taken) + len(theirs) + 1) if (name := f"S{k}") not in taken)
    named = [replace(entity, id=name) for entity, name in zip(theirs, free, strict=False)]
    said = {e.id: e for e in tell(read.with_(entities=tuple(named), relations=())).entities}
    return [said[entity.id] for entity in named]


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

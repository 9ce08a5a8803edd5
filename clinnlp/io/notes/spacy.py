"""spaCy: notes as Docs, Docs as notes, and what a pipeline found written onto a Doc.

What a mention says stands in three places:

- ``doc.ents``: the longest mentions that do not overlap, with ``kb_id_`` the first concept;
- ``doc.spans["clinnlp"]``: all mentions;
- ``span._.negated`` and the other extensions of `EXTENSIONS`, on the spans of both.

The values of extensions are plain and kept in ``doc.user_data``, so they survive pickling, several
processes, ``to_bytes`` and a DocBin with ``store_user_data=True``. A program that only reads such
Docs calls `set_extensions` once.

A mention that begins or ends inside a token covers the whole token on the Doc.
"""

import json
from collections.abc import Callable
from typing import Any

from spacy.language import Language
from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import filter_spans
from spacy.vocab import Vocab

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.io.notes.docbin import OURS, doc_of, json_of, note_of
from clinnlp.io.notes.records import note_from_record

__all__ = [
    "EXTENSIONS",
    "GROUP",
    "Component",
    "from_spacy",
    "register",
    "set_extensions",
    "to_spacy",
    "write_on",
]

GROUP = "clinnlp"
EXTENSIONS = (*AXES, "cues", "concepts", "attributes", "score", "source")


def from_spacy(doc: Doc, *, id: str | None = None) -> Note:
    """Return a Doc as a note: text, tokens, sentences, entities, span groups and categories.

    A Doc that `to_spacy` or `write_on` made gives back the very note.

    Parameters
    ----------
    doc : Doc
    id : str, optional
        Of the note; absent: the one `to_spacy` kept, else ``doc.user_data["id"]``, else ``"text"``.

    Examples
    --------
    >>> import spacy
    >>> doc = spacy.blank("en")("No fever.")
    >>> doc.set_ents([doc.char_span(3, 8, label="Problem")])
    >>> note = from_spacy(doc)
    >>> [(e.label, note[e.span]) for e in note.entities], len(note.tokens)
    ([('Problem', 'fever')], 3)
    """
    said = doc.user_data.get(OURS)
    if said is None:
        return note_of(doc, id or str(doc.user_data.get("id", "text")))
    record = json.loads(said)
    return note_from_record({**record, "id": id or record["id"], "text": doc.text})


def to_spacy(note: Note, vocab: Vocab | None = None) -> Doc:
    """Return a note as a Doc whose tokens begin and end with its mentions and sentences.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> note = Note(id="n", text="No fever.")
    >>> from_spacy(to_spacy(note)) == note
    True
    """
    doc = doc_of(note, Vocab() if vocab is None else vocab)
    set_extensions()
    for entity in note.entities:
        _say(doc.char_span(entity.span.start, entity.span.end), entity)
    doc.spans[GROUP] = list(doc.spans.pop("sc"))
    return doc


def write_on(doc: Doc, note: Note, *, group: str = GROUP) -> Doc:
    """Write the mentions of a note onto the Doc of the same text, and return the Doc.

    ``doc.ents`` that were there stay where no mention overlaps them.
    """
    set_extensions()
    doc.user_data[OURS] = json_of(note)
    spans = []
    for entity in note.entities:
        span = doc.char_span(
            entity.span.start,
            entity.span.end,
            label=entity.label,
            kb_id=entity.concepts[0] if entity.concepts else "",
            alignment_mode="expand",
        )
        if span is not None and span.label_:
            _say(span, entity)
            spans.append(span)
    doc.spans[group] = spans
    kept = filter_spans(spans)
    taken = {token.i for span in kept for token in span}
    others = [span for span in doc.ents if taken.isdisjoint(range(span.start, span.end))]
    doc.set_ents([*kept, *others])
    return doc


def set_extensions() -> None:
    """Make `EXTENSIONS` known to spaCy: ``None`` where nobody wrote them."""
    for name in EXTENSIONS:
        if not DocSpan.has_extension(name):
            DocSpan.set_extension(name, default=None)


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
    return Language.factory(name, default_config=defaults, func=make)


class Component:
    """A pipe of notes as a spaCy component; made anew from its settings in another process."""

    def __init__(self, make: Callable[..., Callable[[Note], Note]], settings: dict[str, Any]):
        self._make, self._settings = make, settings
        self._pipe = make(**settings)
        set_extensions()

    def __call__(self, doc: Doc) -> Doc:
        """Return the Doc with what the pipe found written onto it."""
        note = Note(id=str(doc.user_data.get("id", "text")), text=doc.text)
        return write_on(doc, self._pipe(note))

    def __reduce__(self) -> tuple[Any, ...]:
        return Component, (self._make, self._settings)

    def to_disk(self, path: Any, *, exclude: Any = ()) -> None:
        """Write nothing: the settings stand in the configuration of the pipeline."""

    def from_disk(self, path: Any, *, exclude: Any = ()) -> "Component":  # noqa: ARG002
        """Return the component as its settings made it."""
        return self


def _say(span: DocSpan | None, entity: Entity) -> None:
    if span is None:
        return
    assertion = entity.assertion
    for axis, value in zip(AXES, assertion.axes, strict=True):
        span._.set(axis, value)
    span._.cues = {axis: list(cue) for axis, cue in assertion.cues.items()}
    span._.concepts = list(entity.concepts)
    span._.attributes = dict(entity.attributes)
    span._.score, span._.source = entity.score, entity.source

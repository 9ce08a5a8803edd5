"""spaCy: notes as Docs, Docs as notes, and what a pipeline found written onto a Doc.

What a mention says stands in these places:

- ``doc.ents``: the longest mentions that do not overlap, with ``kb_id_`` the first concept;
- ``doc.spans["clinnlp"]``: all mentions that this library found;
- ``doc.spans["sections"]``: the sections of the note, with ``label_`` their kind;
- ``span._.negated`` and the other extensions of `EXTENSIONS`, on all these mentions;
- ``span._.is_negated``, ``span._.negex`` and the other names of `clinnlp.io.notes.spacy_names`,
  which programs for other components read.

The values of extensions are plain and kept in ``doc.user_data``, so they survive pickling, several
processes, ``to_bytes`` and a DocBin with ``store_user_data=True``. A program that only reads such
Docs calls `set_extensions` once.

A mention that begins or ends inside a token covers the whole token on the Doc.
"""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Sequence

from spacy.tokens import Doc
from spacy.tokens import Span as DocSpan
from spacy.util import filter_spans
from spacy.vocab import Vocab

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.io.notes.docbin import OURS, doc_of, json_of, note_of
from clinnlp.io.notes.records import note_from_record
from clinnlp.io.notes.spacy_names import name_as_others, set_names_of_others

__all__ = [
    "EXTENSIONS",
    "GROUP",
    "OTHERS",
    "SECTIONS",
    "from_spacy",
    "say",
    "set_extensions",
    "to_spacy",
    "write_on",
]

GROUP = "clinnlp"
SECTIONS = "sections"
OTHERS = "spacy"  # source of a mention that another component of the pipeline made
EXTENSIONS = (*AXES, "cues", "concepts", "attributes", "score", "source", "section_kind")


def from_spacy(doc: Doc, *, id: str | None = None) -> Note:
    """Return a Doc as a note: text, tokens, sentences, entities, span groups and categories.

    A Doc that `to_spacy` or `write_on` made gives back the very note.

    Parameters
    ----------
    doc : Doc
    id : str, optional
        Of the note; absent: the one `to_spacy` kept, else ``doc.user_data["id"]``, else ``"text"``.

    Returns
    -------
    Note
        Its text is the very text of the Doc.

    Raises
    ------
    OffsetError
        What another tool kept in the Doc lies outside its text.

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

    Parameters
    ----------
    note : Note
    vocab : Vocab, optional
        Of the pipeline the Doc is for; absent: a new one.

    Returns
    -------
    Doc
        Its text is the very text of the note.

    Raises
    ------
    DataError
        A mention is empty, so that no token is its own.

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
        span = doc.char_span(entity.span.start, entity.span.end)
        if span is not None:
            say(span, entity, note)
    doc.spans[GROUP] = list(doc.spans.pop("sc"))
    _write_sections(doc, note)
    return doc


def write_on(doc: Doc, note: Note, *, group: str = GROUP, overwrite_ents: bool = False) -> Doc:
    """Write the mentions of a note onto the Doc of the same text, and return the Doc.

    Sentence starts are set where the Doc has none.

    Parameters
    ----------
    doc : Doc
    note : Note
        Mentions whose source is `OTHERS` are on the Doc already.
    group : str
        Key in ``doc.spans`` under which all mentions of the note stand.
    overwrite_ents : bool
        Whether a mention of the note takes the place of ``doc.ents`` that it overlaps. By default
        those that were there stay, and the mention stands in the group alone.
    """
    set_extensions()
    doc.user_data[OURS] = json_of(note)
    _start_sentences(doc, note)
    _write_sections(doc, note)
    spans = []
    for entity in (each for each in note.entities if each.source != OTHERS):
        span = _span(doc, entity)
        if span is not None and span.label_:
            say(span, entity, note)
            spans.append(span)
    doc.spans[group] = spans
    ours, theirs = filter_spans(spans), list(doc.ents)
    doc.set_ents(_beside(ours, theirs) if overwrite_ents else _beside(theirs, ours))
    return doc


def set_extensions() -> None:
    """Make `EXTENSIONS` known to spaCy: ``None`` where nobody wrote them."""
    for name in EXTENSIONS:
        if not DocSpan.has_extension(name):
            DocSpan.set_extension(name, default=None)
    set_names_of_others()


def say(span: DocSpan, entity: Entity, note: Note) -> None:
    """Write what a note says of one of its mentions onto a span of its Doc."""
    assertion = entity.assertion
    for axis, value in zip(AXES, assertion.axes, strict=True):
        span._.set(axis, value)
    span._.cues = {axis: list(cue) for axis, cue in assertion.cues.items()}
    span._.concepts = list(entity.concepts)
    span._.attributes = dict(entity.attributes)
    span._.score, span._.source = entity.score, entity.source
    span._.section_kind = _section_kind(note, entity.span.start)
    name_as_others(span)


def _beside(first: Sequence[DocSpan], second: Sequence[DocSpan]) -> list[DocSpan]:
    """Return the first spans, and those of the second that share no token with them."""
    taken = {token.i for span in first for token in span}
    return [*first, *(s for s in second if taken.isdisjoint(range(s.start, s.end)))]


def _span(doc: Doc, entity: Entity) -> DocSpan | None:
    """Return the tokens in which a mention lies."""
    return doc.char_span(
        entity.span.start,
        entity.span.end,
        label=entity.label,
        kb_id=entity.concepts[0] if entity.concepts else "",
        alignment_mode="expand",
    )


def _section_kind(note: Note, at: int) -> str | None:
    """Return the kind of the section in which a place of a note lies."""
    sections = note.sections or ()
    k = bisect_right(sections, at, key=lambda section: section.span.start) - 1
    return sections[k].kind if k >= 0 and at < sections[k].span.end else None


def _write_sections(doc: Doc, note: Note) -> None:
    if note.sections is None:
        return
    found = (
        doc.char_span(s.span.start, s.span.end, label=s.kind, alignment_mode="expand")
        for s in note.sections
    )
    doc.spans[SECTIONS] = [span for span in found if span is not None]


def _start_sentences(doc: Doc, note: Note) -> None:
    """Set sentence starts where nobody did; one inside a token begins with the token."""
    if not note.sentences or doc.has_annotation("SENT_START"):
        return
    starts = sorted(sentence.start for sentence in note.sentences)
    for token in doc:
        k = bisect_left(starts, token.idx)
        token.is_sent_start = token.i == 0 or (
            k < len(starts) and starts[k] < token.idx + len(token)
        )

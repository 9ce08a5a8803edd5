"""spaCy's DocBin (``.spacy``): documents as spaCy trains on them, with all that a note holds.

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
text of a Doc               text, character for character
``user_data["clinnlp"]``    JSON with everything else of a note that this library wrote; the rows
                            below are for files of others
``ents``, ``kb_id_``,       entities and their concepts: of a linker, and of the pattern of a
``ent_id_``                 ruler
``spans`` (span groups)     entities with ``attributes["group"]``
tokens but white space      ``tokens``
sentence starts             ``sentences``
``cats`` of at least 0.5    ``labels``
=========================== ===============================================================

The writer cuts tokens so that every mention begins and ends with one. ``ents`` are the longest
mentions that do not overlap; the span group ``sc`` has all of them. A DocBin is one packed block,
so that its tokens are in memory as a whole; notes are made one at a time.

References
----------
https://spacy.io/api/docbin
"""

import json
import zlib
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.installed import needed
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span, keep_longest
from clinnlp.core.tokens import tokenize
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.lines import (
    BROKEN,
    OversizedError,
    encode,
    most_unpacked,
    open_bytes,
    unpacking_fault,
    write_bytes,
)
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, id_of
from clinnlp.io.notes.records import note_from_record, note_to_record

if TYPE_CHECKING:
    from spacy.tokens import Doc
    from spacy.vocab import Vocab

__all__ = ["DOCBIN", "OURS", "concepts_of", "doc_of", "json_of", "note_of"]

OURS = "clinnlp"
_GROUP = "sc"
_LIKELY = 0.5
_CHUNK = 1 << 16  # bytes
_LEAST_TOKENS = 1 << 21  # that a file may hold in any case
_MOST_TOKENS = 20  # that it may hold for each of its bytes
_ATTRIBUTES = ("ENT_IOB", "ENT_TYPE", "ENT_KB_ID", "ENT_ID", "SENT_START")


def _split(source: Source) -> Iterator[Document]:
    needed("spacy")
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    raw = _raw(source.path)
    refusal = DataError("a DocBin must be whole, got another file", path=source.path)
    with instead_of(Exception, refusal):  # zlib, msgpack, numpy and spaCy each raise their own
        packed = DocBin().from_bytes(raw) if raw else DocBin()
    most = max(_LEAST_TOKENS, _MOST_TOKENS * len(raw))
    if sum(map(len, packed.tokens)) > most:
        said = f"a DocBin of {len(raw)} bytes must hold at most {most} tokens, got more"
        raise DataError(said, path=source.path)
    docs = packed.get_docs(Vocab())
    first = _next(docs, source.path, 0)
    n = 0
    while first is not None:
        yield Document(source.path, None, first, id_of(source.path, n))
        n += 1
        first = _next(docs, source.path, n)


def _raw(path: Path) -> bytes:
    """Return a DocBin as it lies on disk, where it does not unpack to more than a file may."""
    try:
        with open_bytes(path) as handle:
            raw = handle.read()
        _check_unpacked(raw, most_unpacked(path))
        said = ""
    except BROKEN as error:
        said = unpacking_fault(error)
    if said:
        raise DataError(said, path=path)
    return raw


def _check_unpacked(raw: bytes, most: int) -> None:
    unpacker, n = zlib.decompressobj(), 0
    for k in range(0, len(raw), _CHUNK):
        rest = raw[k : k + _CHUNK]
        while rest:
            n += len(unpacker.decompress(rest, _CHUNK))
            rest = unpacker.unconsumed_tail
            if n > most:
                raise OversizedError


def _next(docs: "Iterator[Doc]", path: Path, n: int) -> "Doc | None":
    refusal = DataError(f"a DocBin must be whole, got a broken document {n}", path=path)
    with instead_of(Exception, refusal):  # as above
        doc = next(docs, None)
        n_chars = 0 if doc is None else int(doc.to_array("LENGTH").sum()) + len(doc)
    if n_chars > most_unpacked(path):  # few long words, named often
        raise DataError("a document must be no longer than its file may unpack to", path=path)
    return doc


def _parse(document: Document) -> Note:
    doc = document.data
    said = doc.user_data.get(OURS)
    if said is None:
        return note_of(doc, document.name)
    record = json_value(said) if isinstance(said, str) else None
    if not isinstance(record, dict):
        raise document.wrong("user data of this library must be the JSON that it wrote")
    return note_from_record({**record, "text": doc.text})


def note_of(doc: "Doc", name: str) -> Note:
    """Return a Doc that this library did not write as a note."""
    found: list[tuple[Any, dict[str, str]]] = [(span, {}) for span in doc.ents]
    found += [(span, {"group": key}) for key, group in doc.spans.items() for span in group]
    tokens = (Span(t.idx, t.idx + len(t)) for t in doc if not t.text.isspace())
    sentences = None
    if doc.has_annotation("SENT_START"):
        sentences = tuple(Span(s.start_char, s.end_char) for s in doc.sents)
    return Note(
        id=name,
        text=doc.text,
        tokens=tuple(tokens),
        sentences=sentences,
        entities=tuple(_entity(span, k, more) for k, (span, more) in enumerate(found, 1)),
        labels=tuple(label for label, p in doc.cats.items() if p >= _LIKELY),
    )


def _entity(span: Any, position: int, attributes: dict[str, str]) -> Entity:
    return Entity(
        id=f"T{position}",
        span=Span(span.start_char, span.end_char),
        label=span.label_,
        concepts=concepts_of(span),
        attributes=attributes,
    )


def concepts_of(span: Any) -> tuple[str, ...]:
    """Return what a linker calls a span, and what the pattern of a ruler calls it, if they do."""
    return tuple(dict.fromkeys(code for code in (span.kb_id_, span.id_) if code))


# --- writing -------------------------------------------------------------------------------


def _write(notes: Iterable[Note], path: Path) -> int:
    needed("spacy")
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    packed, vocab = DocBin(attrs=list(_ATTRIBUTES), store_user_data=True), Vocab()
    with write_bytes(path) as handle:
        for note in notes:
            packed.add(doc_of(note, vocab))
        handle.write(packed.to_bytes())
    return len(packed)


def doc_of(note: Note, vocab: "Vocab") -> "Doc":
    """Return a note as a Doc that keeps all of it."""
    from spacy import tokens as spacy

    encode(note.text, note=note.id)
    bounds = _cut(note)
    words, spaces = _words(note.text, bounds)
    starts = {s.start for s in note.sentences or ()}
    doc = spacy.Doc(
        vocab,
        words=words,
        spaces=spaces,
        sent_starts=None if note.sentences is None else [b.start in starts for b in bounds],
    )
    spans = _spans(doc, note, bounds)
    named = [k for k in keep_longest([e.span for e in note.entities]) if note.entities[k].label]
    doc.set_ents([spans[k] for k in named])
    doc.spans[_GROUP] = spans
    doc.cats = dict.fromkeys(note.labels, 1.0)
    doc.user_data[OURS] = json_of(note)
    return doc


def _spans(doc: "Doc", note: Note, bounds: list[Span]) -> list[Any]:
    """Return the entities of a note as spans of a Doc, whose tokens have these bounds."""
    from spacy import tokens as spacy

    first = {b.start: k for k, b in enumerate(bounds)}
    last = {b.end: k for k, b in enumerate(bounds, 1)}
    return [
        spacy.Span(
            doc,
            first[e.span.start],
            last[e.span.end],
            label=e.label,
            kb_id=e.concepts[0] if e.concepts else "",
        )
        for e in note.entities
    ]


def json_of(note: Note) -> str:
    """Return all of a note but its text as JSON."""
    record: dict[str, Any] = note_to_record(note)
    del record["text"]
    return json.dumps(record, ensure_ascii=False, separators=(",", ":"))


def _cut(note: Note) -> list[Span]:
    """Return tokens that are the text, but for single blanks behind them."""
    kept = [*(note.sentences or ()), *(entity.span for entity in note.entities)]
    tokens = tokenize(note.text) if note.tokens is None else note.tokens
    cuts = {0, len(note.text)}.union(*((s.start, s.end) for s in (*kept, *tokens)))
    begun, ended = {s.start for s in kept}, {s.end for s in kept}
    bounds: list[Span] = []
    for start, end in pairwise(sorted(cuts)):
        behind = bool(bounds) and bounds[-1].end == start and note.text[start:end] == " "
        if not behind or start in begun or end in ended:
            bounds.append(Span(start, end))
    return bounds


def _words(text: str, bounds: list[Span]) -> tuple[list[str], list[bool]]:
    """Return the tokens, and whether a blank stands behind each."""
    following = [*(b.start for b in bounds[1:]), len(text)]
    spaces = [after > b.end for b, after in zip(bounds, following, strict=False)]
    return [text[b.start : b.end] for b in bounds], spaces


DOCBIN = Format(suffixes=(".spacy",), split=_split, parse=_parse, write=_write)

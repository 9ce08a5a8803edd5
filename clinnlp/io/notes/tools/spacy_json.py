r"""spaCy's training data as JSON: of version 2 and 3, and as pairs of text and offsets.

::

    [{"id": 0, "paragraphs": [{"raw": "No 💊.", "sentences": [{"tokens": [
        {"id": 0, "orth": "No", "ner": "O"}, {"id": 1, "orth": "💊", "ner": "U-Drug"}, ...]}],
      "cats": [{"label": "ENT", "value": 1.0}]}]}]                                    version 2

    [{"text": "No 💊.", "ents": [{"start": 3, "end": 4, "label": "Drug"}], "sents": [...],
      "tokens": [{"id": 0, "start": 0, "end": 2}, ...], "cats": {"ENT": 1.0}}]        Doc.to_json

    [{"doc_annotation": {"entities": ["O", "U-Drug", "O"], "cats": {}},
      "token_annotation": {"ORTH": ["No", "💊", "."], "SPACY": [true, false, false]}}]
                                                                             Example.to_dict

    [["No 💊.", {"entities": [[3, 4, "Drug"]], "cats": {}}]]                           pairs

    {"classes": ["Drug"], "annotations": [["No 💊.", {"entities": [[3, 4, "Drug"]]}]]}  pairs

================================== ========================================================
in the file                        in the note
================================== ========================================================
``id``                             id; of several paragraphs ``<id>-<k>``; else ``<file>-<n>``
``raw``, ``text``, ``ORTH`` with   text; tokens without ``raw`` are joined by blanks
``SPACY``
``tokens``, sentences              ``tokens``, ``sentences``
``ner`` (BILUO), ``ents``,         entities ``T1``, ...
``entities``
``kb_id``                          ``concepts``
``spans`` (span groups)            entities with ``attributes["group"]``
``cats`` of at least 0.5           ``labels``
``clinnlp``                        everything else of a note that this library wrote
================================== ========================================================

Offsets count code points. Tags, heads and lemmas have no place in a note and are read over. The
writer gives ``Doc.to_json``, which ``Doc.from_json`` reads, with ``clinnlp`` beside; training takes
a DocBin (``.spacy``). A file of objects is read one at a time; one of pairs is in memory as a
whole, unless each stands on a line.

References
----------
https://spacy.io/api/data-formats and https://v2.spacy.io/api/annotation#json-input
"""

import json
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.installed import needed
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import decode_tags
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.lines import byte_chunks, decode, write_bytes
from clinnlp.io.files.lines import encode as encoded
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.docbin import OURS, doc_of, json_of
from clinnlp.io.notes.documents import Format, id_of
from clinnlp.io.notes.records import note_from_record
from clinnlp.io.notes.tools.tasks import (
    Json,
    first_task,
    name_of,
    shaped,
    span_of,
    split_tasks,
    text_of,
)

__all__ = ["SPACY_JSON"]

_LIKELY = 0.5
_FORMS = ("paragraphs", "ents", "doc_annotation", "entities")
_PAIRS = "a pair must be a text and its annotations, got another form"


def _is_spacy(path: Path, encoding: str) -> bool:
    task = first_task(path, encoding)
    if not task:
        return _has_pairs(path, encoding)
    marks = ({"paragraphs"}, {"doc_annotation"}, {"text", "ents"}, {"classes", "annotations"})
    return any(mark <= task.keys() for mark in marks)


def _has_pairs(path: Path, encoding: str) -> bool:
    """Return whether a file begins as pairs of text and annotations do."""
    head = next(iter(byte_chunks(path, encoding)), b"").lstrip().replace(b" ", b"")[:20]
    tight = head.replace(b"\n", b"").replace(b"\r", b"")
    return tight.startswith((b'[["', b'["', b'{"classes":'))


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give each paragraph, document or pair."""
    n = 0
    found = _pairs(source) if _has_pairs(source.path, source.encoding) else split_tasks(source)
    for document in found:
        for data in _parts(document):
            yield document._replace(data=data, name=id_of(source.path, n))
            n += 1


def _parts(document: Document) -> list[Any]:
    """Return the paragraphs of a document of version 2; any other as it is."""
    value = document.data
    if isinstance(value, bytes):
        value = json_value(decode(value, document.path, document.line or 1))
    paragraphs = value.get("paragraphs") if isinstance(value, dict) else None
    if not isinstance(paragraphs, list) or not all(isinstance(p, dict) for p in paragraphs):
        return [document.data]
    name, several = value.get("id"), len(paragraphs) > 1
    made = []
    for k, paragraph in enumerate(paragraphs):
        said = {} if name is None else {"id": f"{name}-{k}" if several else name}
        made.append({**paragraph, **said, "paragraph": True})
    return made


def _pairs(source: Source) -> Iterator[Document]:
    """Give the pairs of a file, which is one array or has one pair a line."""
    text = decode(b"".join(byte_chunks(source.path, source.encoding)), source.path, 1)
    for number, pair in _numbered(text):
        document = Document(source.path, number, None)
        good = isinstance(pair, list) and len(pair) == 2 and isinstance(pair[1], dict)
        data = {"text": pair[0], **pair[1]} if good else document.wrong(_PAIRS)
        yield document._replace(data=data)


def _numbered(text: str) -> list[tuple[int, Any]]:
    """Return pairs with the lines on which they, or all of them, begin."""
    value = json_value(text)
    listed = value.get("annotations") if isinstance(value, dict) else value
    if isinstance(listed, list) and listed and isinstance(listed[0], list):
        return [(1, one) for one in listed if one is not None]
    lines = enumerate(text.split("\n"), 1)
    return [(k, json_value(line)) for k, line in lines if line.strip()]


def _build(document: Document, task: Json) -> Note:
    if not task.keys() & {*_FORMS, "paragraph"}:
        raise document.wrong(
            f"training data of spaCy must have one of {', '.join(_FORMS)}, got none"
        )
    if OURS in task:
        return note_from_record({**task[OURS], "text": task["text"]})
    name = task.get("id")
    if "paragraph" in task:
        note = _of_paragraph(task)
    elif "doc_annotation" in task:
        note = _of_example(task["doc_annotation"], task["token_annotation"])
    else:
        note = _of_doc(task, document)
    return Note(
        id=document.name if name is None else name_of(name),
        text=note.text,
        tokens=note.tokens,
        sentences=note.sentences,
        entities=note.entities,
        labels=note.labels,
    )


def _of_paragraph(task: Json) -> Note:
    """Return the note of a paragraph of version 2, whose tokens stand in its raw text in order."""
    sentences = [sentence["tokens"] for sentence in task.get("sentences", ())]
    words = [token["orth"] for sentence in sentences for token in sentence]
    raw = task.get("raw")
    text = " ".join(words) if raw is None else raw + ""
    tokens = _aligned(words, text)
    tags = [[token.get("ner", "O") for token in sentence] for sentence in sentences]
    at, bounds = 0, []
    for sentence in sentences:
        held = tokens[at : at + len(sentence)]
        bounds += [Span(held[0].start, held[-1].end)] if held else []
        at += len(sentence)
    cats = {one["label"]: one["value"] for one in task.get("cats", ())}
    return Note(
        id="",
        text=text,
        tokens=tokens,
        sentences=tuple(bounds),
        entities=_tagged(tags, tokens),
        labels=_likely(cats),
    )


def _aligned(words: list[str], text: str) -> tuple[Span, ...]:
    """Return where words stand in a text that they follow one another in.

    Raises
    ------
    DataError
        A word is not there.
    """
    made: list[Span] = []
    at = 0
    for word in words:
        start = text.find(word, at)
        if start < 0 or text[at:start].strip() or not word:
            raise DataError("tokens must follow one another in the raw text, got another text")
        at = start + len(word)
        made.append(Span(start, at))
    return tuple(made)


def _of_example(doc: Json, token: Json) -> Note:
    """Return the note of an Example of version 3."""
    words, spaces = token["ORTH"], token.get("SPACY") or [True] * len(token["ORTH"])
    text, tokens = "", []
    for word, space in zip(words, spaces, strict=True):
        tokens.append(Span(len(text), len(text) + len(word)))
        text += word + (" " if space else "")
    starts = [k for k, begins in enumerate(token.get("SENT_START", ())) if begins in (1, True)]
    ends = [*starts[1:], len(tokens)]
    sentences = tuple(
        Span(tokens[a].start, tokens[b - 1].end) for a, b in zip(starts, ends, strict=False)
    )
    entities = list(_tagged([doc["entities"]], tuple(tokens)))
    for group, spans in doc.get("spans", {}).items():
        for start, end, label, *more in spans:
            entities.append(_made(Span(start, end), label, more, group, len(entities)))
    return Note(
        id="",
        text=text,
        tokens=tuple(tokens),
        sentences=sentences or None,
        entities=tuple(entities),
        labels=_likely(doc.get("cats", {})),
    )


def _tagged(tags: list[list[str]], tokens: tuple[Span, ...]) -> tuple[Entity, ...]:
    """Return the mentions of BILUO tags, a list to a sentence; of a hyphen nothing is known."""
    if sum(map(len, tags)) != len(tokens):
        raise ValueError
    made: list[Entity] = []
    at = 0
    for sentence in tags:
        for each in decode_tags(["O" if tag in ("-", "") else tag for tag in sentence]):
            span = Span(tokens[at + each.start].start, tokens[at + each.end - 1].end)
            made.append(Entity(id=f"T{len(made) + 1}", span=span, label=each.label))
        at += len(sentence)
    return tuple(made)


def _of_doc(task: Json, document: Document) -> Note:
    """Return the note of a Doc as JSON, or of a text with its offsets."""
    text = text_of(task["text"])
    found: list[tuple[Any, str | None]] = [(one, None) for one in task.get("ents", ())]
    found += [(one, None) for one in task.get("entities", ())]
    found += [(one, group) for group, spans in task.get("spans", {}).items() for one in spans]
    entities: list[Entity] = []
    for one, group in found:
        start, end, label, *more = _bounds(one)
        span = span_of(document, text, start, end)
        entities.append(_made(span, label, more, group, len(entities)))
    sentences, tokens = task.get("sents"), task.get("tokens")
    return Note(
        id="",
        text=text,
        tokens=None if tokens is None else _spans(tokens, text, document),
        sentences=None if sentences is None else _spans(sentences, text, document),
        entities=tuple(entities),
        labels=_likely(task.get("cats") or {}),
    )


def _bounds(one: Any) -> list[Any]:
    if isinstance(one, list):
        return one
    return [one["start"], one["end"], one["label"], one.get("kb_id")]


def _made(span: Span, label: Any, more: list[Any], group: str | None, n: int) -> Entity:
    concepts = tuple(name_of(each) for each in more[:1] if each)
    attributes = {} if group is None else {"group": group}
    return Entity(
        id=f"T{n + 1}",
        span=span,
        label=name_of(label),
        concepts=concepts,
        attributes=attributes,
    )


def _spans(listed: list[Json], text: str, document: Document) -> tuple[Span, ...]:
    return tuple(span_of(document, text, one["start"], one["end"]) for one in listed)


def _likely(cats: Json) -> tuple[str, ...]:
    return tuple(label for label, p in cats.items() if p >= _LIKELY)


# --- writing -------------------------------------------------------------------------------


def _write(notes: Iterable[Note], path: Path) -> int:
    needed("spacy")
    from spacy.vocab import Vocab

    vocab, n = Vocab(), 0
    with write_bytes(path) as handle:
        handle.write(b"[\n")
        for note in notes:
            record = {**doc_of(note, vocab).to_json(), OURS: json.loads(json_of(note))}
            line = json.dumps(record, ensure_ascii=False)
            handle.write(encoded((",\n" if n else "") + line, note=note.id))
            n += 1
        handle.write(b"\n]\n")
    return n


SPACY_JSON = Format(
    suffixes=(".spacy.json",),
    looks=dict.fromkeys((".json", ".jsonl"), _is_spacy),
    split=_split,
    parse=partial(shaped, build=_build),
    write=_write,
)

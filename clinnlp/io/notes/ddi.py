r"""DDI-2013 XML: a document of sentences, drugs in them, and which pairs of drugs interact.

::

    <document id="d1">
      <sentence id="d1.s0" text="Indinavir (IDV) and didanosine.">
        <entity id="d1.s0.e0" charOffset="0-8" type="drug" text="Indinavir"/>
        <pair id="d1.s0.p0" e1="d1.s0.e0" e2="d1.s0.e1" ddi="true" type="mechanism"/>

============================ ==============================================================
in the file                  in the note
============================ ==============================================================
sentences                    text: one after the other, a blank between two that have no white
                             space there; ``sentences``
entity, its ``type``         entity, its label
``charOffset="a-b;c-d"``     span and `parts`; offsets are of the sentence, ends are included
pair with ``ddi="true"``     relation with the roles ``Arg1`` and ``Arg2``; its label is the
                             ``type`` (one pair of the corpus has none: ``""``)
pair with ``ddi="false"``    nothing: the writer lists every pair of a sentence that is no
                             relation in this way
============================ ==============================================================

A folder is one corpus, with a file to a document; the id of a note is that of its document. The
writer takes the sentences of a note, or the whole text as one, and refuses a mention or a
relation over two of them.

References
----------
Herrero-Zazo et al., The DDI corpus, J Biomed Inform 2013; SemEval-2013 task 9.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import partial
from itertools import combinations

from clinnlp.core.notes import Entity, Note, Relation, check_note
from clinnlp.core.spans import Span, contains, cover
from clinnlp.io.files.source import Document
from clinnlp.io.files.xml_stream import Element, check_xml, escaped, root_of
from clinnlp.io.notes.documents import Format, folder_writer, split_files
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import place

__all__ = ["DDI"]

_ROLES = ("Arg1", "Arg2")
_INSIDE = "mentions and relations inside one sentence"
_MOST_MENTIONS = 1_000
_OFFSET = r"\d{1,18}-\d{1,18}"
_OFFSETS = re.compile(rf"{_OFFSET}(?:;{_OFFSET})*")


def _parse(document: Document) -> Note:
    root = root_of(document.path)
    if root.tag != "document" or "id" not in root.attributes:
        raise document.wrong("a file must be one <document> with an id, got another", root.line)
    text = ""
    bounds: list[Span] = []
    entities: list[Entity] = []
    relations: list[Relation] = []
    for sentence in root.all("sentence"):
        words = _needed(sentence, "text", document)
        text += _gap(text, words)
        start = len(text)
        text += words
        if words:
            bounds.append(Span(start, len(text)))
        entities += [_entity(e, start, words, document) for e in sentence.all("entity")]
        pairs = (p for p in sentence.all("pair") if p.attributes.get("ddi") == "true")
        relations += [_relation(pair, document) for pair in pairs]
    _check_ends(relations, entities, document, root.line)
    return check_note(
        Note(
            id=root.attributes["id"],
            text=text,
            sentences=tuple(bounds),
            entities=tuple(entities),
            relations=tuple(relations),
        )
    )


def _check_ends(
    relations: list[Relation], entities: list[Entity], document: Document, line: int | None
) -> None:
    known = {entity.id for entity in entities}
    if not all(end in known for r in relations for ends in r.roles.values() for end in ends):
        raise document.wrong("a pair must join two entities of its document, got another", line)


def _gap(text: str, words: str) -> str:
    touching = text and words and not text[-1].isspace() and not words[0].isspace()
    return " " if touching else ""


def _entity(element: Element, start: int, words: str, document: Document) -> Entity:
    offsets = _needed(element, "charOffset", document)
    if not _OFFSETS.fullmatch(offsets):
        raise document.wrong("charOffset must have the form 0-8 or 0-3;6-8", element.line)
    bounds = [(int(a), int(b) + 1) for a, b in (x.split("-") for x in offsets.split(";"))]
    mention = element.attributes.get("text")
    pieces = place(document, words, bounds, mention, line=element.line)
    pieces = tuple(piece.shift(start) for piece in pieces)
    return Entity(
        id=_needed(element, "id", document),
        span=cover(pieces),
        label=_needed(element, "type", document),
        parts=pieces if len(pieces) > 1 else (),
    )


def _relation(element: Element, document: Document) -> Relation:
    ends = [_needed(element, name, document) for name in ("e1", "e2")]
    return Relation(
        id=_needed(element, "id", document),
        label=element.attributes.get("type", ""),
        roles={role: (end,) for role, end in zip(_ROLES, ends, strict=True)},
    )


def _needed(element: Element, name: str, document: Document) -> str:
    value = element.attributes.get(name)
    if value is None:
        raise document.wrong(f"<{element.tag}> must have the attribute {name}", element.line)
    return value


# --- writing -------------------------------------------------------------------------------


def _contents(note: Note) -> dict[str, str]:
    lines = ['<?xml version="1.0" encoding="UTF-8"?>', f"<document{_attributes(id=note.id)}>"]
    taken = {thing.id for thing in note.relations}
    sentences = _sentences(note)
    mentions = _by_sentence(note, sentences)
    links = _links(note, mentions)
    for k, (sentence, inside) in enumerate(zip(sentences, mentions, strict=True)):
        name = f"{note.id}.s{k}"
        lines.append(f"<sentence{_attributes(id=name, text=note[sentence])}>")
        lines += [_entity_line(note, entity, sentence) for entity in inside]
        lines += _pair_lines(name, inside, links[k], taken)
        lines.append("</sentence>")
    return {".xml": check_xml("\n".join([*lines, "</document>\n"]), note=note.id)}


def _sentences(note: Note) -> tuple[Span, ...]:
    """Return the sentences, where the reader would join them to the same text."""
    whole = (Span(0, len(note.text)),) if note.text else ()
    sentences = whole if note.sentences is None else note.sentences
    text = ""
    for sentence in sentences:
        text += _gap(text, note[sentence]) + note[sentence]
        if sentence.end != len(text):
            break
    if text != note.text:
        raise refusal(
            "DDI XML", note, "sentences that are the text, but for blanks between", "others"
        )
    return sentences


def _by_sentence(note: Note, sentences: Sequence[Span]) -> list[list[Entity]]:
    starts = [sentence.start for sentence in sentences]
    inside: list[list[Entity]] = [[] for _ in sentences]
    for entity in note.entities:
        k = bisect_right(starts, entity.span.start) - 1
        if k < 0 or not contains(sentences[k], entity.span):
            raise refusal("DDI XML", note, _INSIDE, "one over two")
        inside[k].append(entity)
    if any(len(each) > _MOST_MENTIONS for each in inside):  # each pair of them is a line
        raise refusal("DDI XML", note, f"{_MOST_MENTIONS} mentions in a sentence at most", "more")
    return inside


def _links(note: Note, mentions: list[list[Entity]]) -> list[list[Relation]]:
    """Return the relations of each sentence."""
    links: list[list[Relation]] = [[] for _ in mentions]
    where: dict[str, int] = {}
    for k, inside in enumerate(mentions):
        where |= dict.fromkeys((entity.id for entity in inside), k)
    for relation in note.relations:
        ends = {end for ends in relation.roles.values() for end in ends}
        if tuple(relation.roles) != _ROLES or len(ends) != 2:
            raise refusal("DDI XML", note, "relations with one Arg1 and one Arg2", "another")
        (k, *others) = {where.get(end, -1) for end in ends}
        if others or k < 0:
            raise refusal("DDI XML", note, _INSIDE, "one over two")
        links[k].append(relation)
    return links


def _entity_line(note: Note, entity: Entity, sentence: Span) -> str:
    pieces = (piece.shift(-sentence.start) if sentence.start else piece for piece in entity.pieces)
    offsets = ";".join(f"{piece.start}-{piece.end - 1}" for piece in pieces)
    said = {"id": entity.id, "charOffset": offsets, "type": entity.label}
    return f"<entity{_attributes(**said, text=note.mention(entity))}/>"


def _pair_lines(
    name: str, inside: list[Entity], links: list[Relation], taken: set[str]
) -> Iterator[str]:
    related = set()
    for relation in links:
        ends = [relation.roles[role][0] for role in _ROLES]
        related.add(frozenset(ends))
        said = {"id": relation.id, "e1": ends[0], "e2": ends[1], "ddi": "true"}
        if relation.label:
            said["type"] = relation.label
        yield f"<pair{_attributes(**said)}/>"
    k = 0
    for a, b in combinations(inside, 2):
        if frozenset((a.id, b.id)) not in related:
            while f"{name}.p{k}" in taken:
                k += 1
            yield f"<pair{_attributes(id=f'{name}.p{k}', e1=a.id, e2=b.id, ddi='false')}/>"
            k += 1


def _attributes(**values: str) -> str:
    return "".join(f' {k}="{escaped(v, attribute=True)}"' for k, v in values.items())


DDI = Format(
    suffixes=(),
    looks={".xml": rb"<document\s[^>]*>\s*<sentence\s"},
    split=partial(split_files, suffix=".xml"),
    parse=_parse,
    write=folder_writer(_contents, suffix=".xml"),
    holds=frozenset({"entities", "entity.parts", "relations", "sentences"}),
    in_folder=True,
    packs=False,
)

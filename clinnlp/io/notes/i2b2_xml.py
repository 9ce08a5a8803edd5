r"""i2b2 2014 XML, also of MEDDOCAN: the text of a record, and tags that point into it.

::

    <deIdi2b2><TEXT><![CDATA[Record date: 2067-05-03 ...]]></TEXT>
      <TAGS><DATE id="P0" start="13" end="23" text="2067-05-03" TYPE="DATE" comment=""/></TAGS>

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``TEXT``                    text (XML reads ``\r\n`` as ``\n``)
tag with start and end      entity; its label is ``TYPE``, or the tag where there is none
the tag, beside a ``TYPE``  ``attributes["category"]``
tag without start           relation without roles, its label the tag (2014 heart-disease track)
any other attribute         attribute, unless empty
=========================== ===============================================================

A folder is one corpus, with a file to a document; the id of a note is its path below the folder
without suffix. The text of each tag is checked.

References
----------
Stubbs and Uzuner, Annotating longitudinal clinical narratives for de-identification: the 2014
i2b2/UTHealth corpus, J Biomed Inform 2015; Marimon et al., MEDDOCAN, IberLEF 2019.
"""

import re
from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

from clinnlp.core.notes import Entity, Note, Relation, check_note
from clinnlp.io.files.source import Document
from clinnlp.io.files.xml_stream import Element, check_xml, escaped, root_of
from clinnlp.io.notes.documents import Format, folder_writer, split_files
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import is_offset, place

__all__ = ["I2B2_XML"]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_OWN = ("id", "start", "end", "text", "TYPE")
_CATEGORY = "category"


def _parse(document: Document) -> Note:
    root = root_of(document.path)
    tags = root.first("TAGS")
    text = root.text_of("TEXT")
    if text is None or tags is None:
        raise document.wrong("a file must have TEXT and TAGS, got another", root.line)
    entities: list[Entity] = []
    relations: list[Relation] = []
    for k, tag in enumerate(tags.children, 1):
        if "start" in tag.attributes:
            entities.append(_entity(tag, f"T{k}", text, document))
        else:
            made = Relation(
                id=tag.attributes.get("id", f"R{k}"),
                label=tag.tag,
                roles={},
                attributes={key: v for key, v in tag.attributes.items() if v and key != "id"},
            )
            relations.append(made)
    note = Note(id=document.name, text=text, entities=tuple(entities), relations=tuple(relations))
    return check_note(note)


def _entity(tag: Element, unnamed: str, text: str, document: Document) -> Entity:
    given = tag.attributes
    if not (is_offset(given["start"]) and is_offset(given.get("end", ""))):
        raise document.wrong("start and end of a tag must be whole numbers", tag.line)
    bounds = [(int(given["start"]), int(given["end"]))]
    (span,) = place(document, text, bounds, given.get("text"), line=tag.line)
    attributes = {key: value for key, value in given.items() if value and key not in _OWN}
    if "TYPE" in given:
        attributes[_CATEGORY] = tag.tag
    return Entity(
        id=given.get("id", unnamed),
        span=span,
        label=given.get("TYPE", tag.tag),
        attributes=attributes,
    )


def _contents(note: Note) -> dict[str, str]:
    lines = [
        '<?xml version="1.0" encoding="UTF-8" ?>',
        f"<deIdi2b2>\n<TEXT>{escaped(note.text)}</TEXT>",
        "<TAGS>",
        *_tag_lines(note),
        "</TAGS>\n</deIdi2b2>\n",
    ]
    return {".xml": check_xml("\n".join(lines), note=note.id)}


def _tag_lines(note: Note) -> Iterator[str]:
    for entity in note.entities:
        category = entity.attributes.get(_CATEGORY)
        said = {"id": entity.id, "start": entity.span.start, "end": entity.span.end}
        said |= {"text": note[entity.span]}
        if category is not None:
            said["TYPE"] = entity.label
        others = {k: v for k, v in entity.attributes.items() if k != _CATEGORY}
        yield _line(note, entity.label if category is None else category, said, others)
    for relation in note.relations:
        if relation.roles:
            raise refusal("i2b2 XML", note, "no relations with roles", "one")
        if "start" in relation.attributes:
            raise refusal("i2b2 XML", note, "no attribute 'start' of a relation", "one")
        yield _line(note, relation.label, {"id": relation.id}, relation.attributes)


def _line(note: Note, tag: Any, said: Mapping[str, Any], others: Mapping[str, Any]) -> str:
    named = [tag, *others]
    if not all(isinstance(name, str) and _NAME.fullmatch(name) for name in named):
        raise refusal(
            "i2b2 XML", note, "labels and names of attributes that are names in XML", "another"
        )
    if any(not isinstance(v, str) or not v for v in others.values()) or said.keys() & others:
        raise refusal(
            "i2b2 XML", note, "attributes that are text and not called as its own", "another"
        )
    values = {**said, **others}
    listed = (f' {key}="{escaped(str(v), attribute=True)}"' for key, v in values.items())
    return f"<{tag}{''.join(listed)}/>"


I2B2_XML = Format(
    suffixes=(),
    looks={".xml": rb"<TEXT>"},
    split=partial(split_files, suffix=".xml"),
    parse=_parse,
    write=folder_writer(_contents, suffix=".xml"),
    holds=frozenset({"entities", "entity.attributes", "relations", "relation.attributes"}),
    in_folder=True,
    packs=False,
)

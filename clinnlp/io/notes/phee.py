r"""JSON of two corpora of adverse drug events: PHEE and SPL-ADR-200db; read only.

PHEE, one sentence to a line (``phee-json``)::

    {"id": "1_3", "context": "PLP can occur after paclitaxel.", "annotations": [{"events": [
      {"event_id": "E1", "event_type": "Adverse_event",
       "Trigger": {"text": [["occur"]], "start": [[8]], "entity_id": ["T5"]},
       "Treatment": {"text": [["paclitaxel"]], "start": [[20]], "entity_id": ["T3"],
                     "Drug": {...}},
       "Speculated": {..., "value": true}}]}]}

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``context``                 text
each ``entity_id``          entity; its label is the name of the argument, of a trigger the type
                            of the event; several starts become `parts`. One that stands in
                            several events is one entity, one with two names two (``T6``,
                            ``T6/Combination``)
event                       relation, its label the type; roles ``trigger``, ``Treatment``,
                            ``Treatment.Drug``, ...
``value`` of an argument    attribute of the event, called as the argument
=========================== ===============================================================

SPL-ADR-200db, an array of sections of drug labels (``spl-adr``): ``label_id/section_name`` is the
id, ``section_name`` the kind; each adverse event becomes entities ``AdverseReaction`` with the
concept ``MedDRA:<preferred term>``, the terms, the lower-level code and the origin as attributes.
Mentions are checked without case. An event without a place in the text becomes a relation of that
label, with its concept and ``attributes["mention"]``.

References
----------
Sun et al., PHEE, EMNLP 2022; Demner-Fushman et al., Scientific Data 2018.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import Entity, Note, Relation, check_note
from clinnlp.core.spans import cover
from clinnlp.io.files.json_stream import json_items, json_object
from clinnlp.io.files.lines import byte_lines
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format
from clinnlp.io.notes.offsets import place

__all__ = ["PHEE", "SPL_ADR"]

Json = dict[str, Any]

_TRIGGER = "Trigger"
_ADVERSE = "AdverseReaction"
_N_FIELDS = 8


def _shaped(document: Document, build: Any) -> Note:
    """Return what `build` makes of the object, or raise `DataError` for one of another form."""
    record = json_object(document)

    def refusal(error: Exception) -> DataError:
        if isinstance(error, DataError):
            return error.at(document.path, document.line)
        return document.wrong("an object must have the form of its corpus, got another")

    with instead_of((KeyError, TypeError, ValueError, AttributeError, IndexError), refusal):
        return check_note(build(document, record))


# --- PHEE ----------------------------------------------------------------------------------


def _split_lines(source: Source) -> Iterator[Document]:
    for number, raw in byte_lines(source.path, source.encoding):
        if raw.strip():
            yield Document(source.path, number, raw)


def _phee(document: Document, record: Json) -> Note:
    text: str = record["context"] + ""
    entities: dict[str, Entity] = {}
    relations: list[Relation] = []
    for event in (e for a in record["annotations"] for e in a["events"]):
        roles: dict[str, tuple[str, ...]] = {}
        attributes: Json = {}
        for path, name, argument in _arguments(event, ""):
            label = event["event_type"] if name == _TRIGGER else name
            ids = [e.id for e in _mentions(argument, label, text, document, entities)]
            roles["trigger" if path == _TRIGGER else path] = tuple(ids)
            if "value" in argument:
                attributes[path] = argument["value"]
        relations.append(
            Relation(
                id=event["event_id"], label=event["event_type"], roles=roles, attributes=attributes
            )
        )
    return Note(
        id=record["id"], text=text, entities=tuple(entities.values()), relations=tuple(relations)
    )


def _arguments(part: Json, prefix: str) -> Iterator[tuple[str, str, Json]]:
    """Yield (path, name, argument), arguments before what stands in them."""
    for name, value in part.items():
        if isinstance(value, list) and prefix and value and isinstance(value[0], dict):
            values: list[Any] = value  # combinations: several groups of one name
        else:
            values = [value]
        for k, one in enumerate(values, 1):
            if isinstance(one, dict):
                path = f"{prefix}{name}" if k == 1 else f"{prefix}{name}#{k}"
                if "entity_id" in one:
                    yield path, name, one
                yield from _arguments(one, f"{path}.")


def _mentions(
    argument: Json, label: str, text: str, document: Document, entities: dict[str, Entity]
) -> Iterator[Entity]:
    found = zip(argument["text"], argument["start"], argument["entity_id"], strict=True)
    for words, starts, name in found:
        bounds = [(a, a + len(w)) for w, a in zip(words, starts, strict=True)]
        pieces = place(document, text, bounds, " ".join(words))
        known = entities.get(name)
        same = known is None or (known.label, known.pieces) == (label, pieces)
        made = Entity(
            id=name if same else f"{name}/{label}",
            span=cover(pieces),
            label=label,
            parts=pieces if len(pieces) > 1 else (),
        )
        yield entities.setdefault(made.id, made)


# --- SPL-ADR -------------------------------------------------------------------------------


def _spl(document: Document, record: Json) -> Note:
    text: str = record["section_text"] + ""
    entities: list[Entity] = []
    unplaced: list[Relation] = []
    for event in record["adverse_events"]:
        if len(event) != _N_FIELDS:
            raise document.wrong(f"an adverse event must have {_N_FIELDS} fields, got {len(event)}")
        mention, term, code, low_term, low_code, start, length, origin = event
        low = None if low_code is None else str(int(low_code))
        said = {"term": term, "low_term": low_term, "low_code": low, "origin": origin}
        attributes: Json = {key: value for key, value in said.items() if value is not None}
        concepts = () if code is None else (f"MedDRA:{int(code)}",)
        if start is None:
            link = Relation(
                id=f"R{len(unplaced) + 1}",
                label=_ADVERSE,
                roles={"concept": concepts} if concepts else {},
                attributes={"mention": mention, **attributes},
            )
            unplaced.append(link)
            continue
        bounds = (int(start), int(start) + int(length))
        same = text[slice(*bounds)].casefold().split() == mention.casefold().split()
        (span,) = place(document, text, [bounds], None if same else mention)
        made = Entity(
            id=f"T{len(entities) + 1}",
            span=span,
            label=_ADVERSE,
            concepts=concepts,
            attributes=attributes,
        )
        entities.append(made)
    return Note(
        id=f"{record['label_id']}/{record['section_name']}",
        text=text,
        kind=record["section_name"],
        entities=tuple(entities),
        relations=tuple(unplaced),
    )


def _split_items(source: Source) -> Iterator[Document]:
    for line, raw in json_items(source.path, None, source.encoding):
        yield Document(source.path, line, raw)


PHEE = Format(
    suffixes=(".phee.json",),
    looks={".json": rb'\s*\{"id".*"is_mult_event"'},
    split=_split_lines,
    parse=partial(_shaped, build=_phee),
)
SPL_ADR = Format(
    suffixes=(".spl.json",),
    looks={".json": rb'\s*\[\s*\{\s*"label_id"'},
    split=_split_items,
    parse=partial(_shaped, build=_spl),
)

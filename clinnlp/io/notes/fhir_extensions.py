"""Two extensions of FHIR: what a note holds beside its text, and where a mention stands.

=================== =========================================================================
url                 where, and what it holds
=================== =========================================================================
urn:clinnlp:note    on a DocumentReference, an attachment of JSON: ``note`` has the fields of the
                    note, as in JSON Lines, that no element of R4 holds, or not as they are
                    (mentions, relations, sections, a time without zone); ``text`` is the SHA-256
                    of the text that they belong to
urn:clinnlp:mention on a resource that was made of a mention: ``note``, its id; ``id``, ``label``,
                    ``source``, ``score``; ``start``, ``end`` and each ``part`` of the mention, in
                    code points of the text; each ``concept``; each axis of its assertion as true
                    or false (absent: not assessed); each ``cue`` with ``axis``, ``start``,
                    ``end``; each ``attribute`` with ``name``, ``value``
=================== =========================================================================

Notes are read from the first alone, so that the file of the documents is enough, as a bulk export
gives it, and a mention of which no resource was made is not lost. A text that was edited since is
refused with its mentions, which would stand elsewhere in it. The second is for who reads a
Condition; text that FHIR cannot hold (a control character, an empty one) is left out of it.
"""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import AXES, Attribute, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.source import Document
from clinnlp.io.notes.fhir_elements import Json, text_of
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = ["mention_extension", "note_extension", "with_extension"]

_NOTE = "urn:clinnlp:note"
_MENTION = "urn:clinnlp:mention"
_MARK = "\ufeff"
_MOST = 1 << 31  # of a whole number in FHIR


def note_extension(note: Note, kept: Iterable[str]) -> list[Json]:
    """Return the extension with all of a note but the fields that stand elsewhere, if any.

    Parameters
    ----------
    note : Note
    kept : iterable of str
        Fields that the elements of the resource hold as they are.
    """
    record = note_to_record(note)
    fields = {"time": None} if note.time is None and note.known is not None else {}
    fields |= {name: value for name, value in record.items() if name not in {*kept, "text"}}
    if not fields and not note.text.startswith(_MARK):
        return []
    said = json.dumps({"text": _hash(note.text), "note": fields}, separators=(",", ":"))
    data = base64.b64encode(said.encode()).decode()
    return [{"url": _NOTE, "valueAttachment": {"contentType": "application/json", "data": data}}]


def with_extension(note: Note, resource: Mapping[str, Any], document: Document) -> Note:
    """Return a note with what an extension of its DocumentReference holds of it.

    Raises
    ------
    DataError
        The extension is no such one, or the text was edited since.
    """
    listed = resource.get("extension") or []
    listed = listed if isinstance(listed, list) else [listed]  # one alone, in XML
    found = next((one for one in listed if isinstance(one, dict) and one.get("url") == _NOTE), None)
    if found is None:
        return note
    said = _said(found)
    if said is None:
        raise document.wrong(f"an extension {_NOTE} must be one that this library wrote")
    # a byte-order mark at the head of a text is lost on many ways
    texts = (note.text, _MARK + note.text)
    text = next((text for text in texts if _hash(text) == said["text"]), None)
    if text is None:
        raise DataError(
            "a text must be as it was when its mentions were written, got another; delete the "
            f"extension {_NOTE} to read the text alone",
            path=document.path,
            line=document.line,
        )
    record = {**note_to_record(note), **said["note"], "text": text}
    return note_from_record({name: value for name, value in record.items() if value is not None})


def _said(extension: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return what the extension holds, None where it has another form."""
    try:
        data = "".join(extension["valueAttachment"]["data"].split())
        raw = base64.b64decode(data, validate=True).decode()
    except (KeyError, TypeError, AttributeError, ValueError, binascii.Error):
        return None
    said = json_value(raw)
    is_ours = isinstance(said, dict) and {k: type(v) for k, v in said.items()} == {
        "text": str,
        "note": dict,
    }
    return said if is_ours else None


def mention_extension(note: Note, entity: Entity) -> list[Json]:
    """Return the extension that says where a mention stands and what is known of it."""
    inner = [*_text("note", note.id), *_text("id", entity.id), *_text("label", entity.label)]
    inner += _bounds(entity.span)
    inner += [{"url": "part", "extension": _bounds(part)} for part in entity.parts]
    for concept in entity.concepts:
        inner += _text("concept", concept)
    if entity.score is not None:
        inner.append({"url": "score", "valueDecimal": entity.score})
    inner += _text("source", entity.source or "")
    assertion = entity.assertion
    for axis, truth in zip(AXES, assertion.axes, strict=True):
        inner += [] if truth is None else [{"url": axis, "valueBoolean": truth}]
    for axis, cue in assertion.cues.items():
        of_axis = {"url": "axis", "valueCode": axis}
        inner.append({"url": "cue", "extension": [of_axis, *_bounds(cue)]})
    for name, value in entity.attributes.items():
        pair = [*_text("name", name), *_value(value)]
        inner += [{"url": "attribute", "extension": pair}] if len(pair) == 2 else []
    return [{"url": _MENTION, "extension": inner}]


def _bounds(span: Span) -> list[Json]:
    return [
        {"url": "start", "valueUnsignedInt": span.start},
        {"url": "end", "valueUnsignedInt": span.end},
    ]


def _text(url: str, value: str) -> list[Json]:
    value = text_of(value)
    return [{"url": url, "valueString": value}] if value else []


def _value(value: Attribute) -> list[Json]:
    if value is None or isinstance(value, str):
        return _text("value", value or "")
    if isinstance(value, bool):
        return [{"url": "value", "valueBoolean": value}]
    if isinstance(value, int):
        return [{"url": "value", "valueInteger": value}] if -_MOST <= value < _MOST else []
    return [{"url": "value", "valueDecimal": value}]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()

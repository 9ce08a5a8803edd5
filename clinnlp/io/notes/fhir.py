"""FHIR R4: DocumentReference as notes; bundles and NDJSON (the record: `io.record.fhir`).

=========================== ===============================================================
DocumentReference           note
=========================== ===============================================================
id                          id; of a second text ``id/2``
content.attachment.data     text: base64 of ``text/plain``, in its charset (else UTF-8); one
                            of another type, or behind a url, is refused, as nothing is fetched
subject                     ``patient``
context.encounter           ``encounter``
context.period.start        ``time``, else ``date``
date                        ``known``: when the reference was made
type                        ``kind``: its text, or the display or code of its first coding
=========================== ===============================================================

What is not to be read is left out, by the table in `clinnlp.io.record.fhir_statuses`. What a
reference means is said in `clinnlp.io.record.fhir_references`; a note is looked up in its own
file only. An entry without id has that of its ``fullUrl``. Times keep their zone. A year or month
is its first day.

References
----------
https://hl7.org/fhir/R4/documentreference.html
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from functools import cache, partial

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import Note
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format
from clinnlp.io.notes.fhir_extensions import with_extension
from clinnlp.io.record.fhir_references import Names, needs_names, pointed
from clinnlp.io.record.fhir_resources import entry_of, resources
from clinnlp.io.record.fhir_statuses import left_out
from clinnlp.io.record.fhir_values import Json, coded, time_of

__all__ = ["FHIR"]

_NOTE = "DocumentReference"


def _split(source: Source) -> Iterator[Document]:
    names = cache(partial(_names, source))  # read at the first reference that needs them
    for document in resources(source):
        if b'"DocumentReference"' not in document.data:
            continue
        try:
            _, resource = entry_of(document)
            counts = resource["resourceType"] == _NOTE and left_out(resource) is None
        except (DataError, TypeError, AttributeError):
            yield document  # `_parse` says again what is wrong
            continue
        contents = resource.get("content")
        n = len(contents) if isinstance(contents, list) else 1
        for k in range(n if counts else 0):
            yield document._replace(data=(resource, k, names))


def _names(source: Source) -> Names:
    """Return whom the references in a file mean, as far as the file tells."""
    names = Names()
    found = resources(source)
    while True:
        try:
            document = next(found)
            if Names.concern(document.data):
                names.add(*entry_of(document))
        except StopIteration:
            return names
        except (DataError, TypeError, AttributeError):
            continue  # what is wrong is said where the notes are read


def _parse(document: Document) -> Note:
    refusal = document.wrong("a DocumentReference must have the form of FHIR R4")
    with instead_of((KeyError, TypeError, AttributeError, IndexError), refusal):
        if isinstance(document.data, bytes):
            left_out(entry_of(document)[1])
        resource, k, names = document.data
        context = resource.get("context", {})
        encounters = context.get("encounter") or [None]
        name = resource["id"] + ""
        spoken = context.get("period", {}).get("start") or resource.get("date")
        note = Note(
            id=name if k == 0 else f"{name}/{k + 1}",
            text=_text(resource["content"][k]["attachment"], document),
            patient=_referred(resource.get("subject"), "Patient", resource, names),
            encounter=_referred(encounters[0], "Encounter", resource, names),
            time=time_of(spoken, document),
            known=time_of(resource.get("date"), document),
            kind=coded(resource.get("type"))[2],
        )
        return with_extension(note, resource, document) if k == 0 else note


def _referred(
    reference: Json | None, wanted: str, resource: Json, names: Callable[[], Names]
) -> str | None:
    key = pointed(reference, wanted, resource)
    return key if key is None or not needs_names(key) else names().id_of(key, wanted)


def _text(attachment: Json, document: Document) -> str:
    kind, *parameters = (part.strip() for part in attachment["contentType"].split(";"))
    if "data" not in attachment and attachment.get("size") == 0:
        return ""  # FHIR has no empty values
    if kind != "text/plain" or "data" not in attachment:
        raise document.wrong("an attachment must be text/plain with its data, got another")
    charset = next((p[8:] for p in parameters if p.lower().startswith("charset=")), UTF_8)
    text: str | None
    try:
        text = base64.b64decode(attachment["data"], validate=True).decode(charset.strip('"'))
    except (binascii.Error, UnicodeDecodeError, LookupError, ValueError):
        text = None
    if text is None:
        raise document.wrong("an attachment must be base64 of text in its charset")
    return text


FHIR = Format(
    suffixes=(".fhir.json", ".fhir.ndjson"),
    looks={".json": rb'"resourceType"\s*:\s*"Bundle"'},
    split=_split,
    parse=_parse,
)

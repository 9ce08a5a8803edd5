"""FHIR R4: DocumentReference as notes, the rest of the record as events; bundles and NDJSON.

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

=========================== ===============================================================
resource                    events (`read_fhir`): when it counts as known
=========================== ===============================================================
Patient                     patients: ``birthDate``, ``gender``
Encounter                   encounters
Condition                   kind ``condition``: ``recordedDate``
MedicationRequest           kind ``drug``: ``authoredOn``
MedicationStatement         kind ``drug``: ``dateAsserted``
Medication                  the code of those that refer to it
Observation                 kind ``measurement`` (a quantity: value and unit) or ``observation``
                            (``code=value``); each component is one; known: ``issued``, else when
                            it took effect
=========================== ===============================================================

The first coding is the code, its system the vocabulary (``SNOMED-CT``, ``LOINC``, ``RxNorm``,
``ICD-10-CM``, else the last part of its address); without a coding the text is the code.
What did not happen is left out and counted, by the table in `clinnlp.io.fhir_statuses`. A
medication in a resource of its own (``medicationReference``) has the code of that resource, which
may be contained, in the same file or in another of the folder; where it is in none, it is named
by its id. What a reference means is said in `clinnlp.io.fhir_references`; a note is looked up in
its own file only. An entry without id has that of its ``fullUrl``. Times with a zone become UTC
in a table; notes keep theirs. A year or month is its first day.

References
----------
https://hl7.org/fhir/R4/documentreference.html
"""

import base64
import binascii
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.io.documents import Document, Format, Source
from clinnlp.io.fhir_record import Record
from clinnlp.io.fhir_references import Names, name_in, needs_names, pointed
from clinnlp.io.fhir_statuses import left_out
from clinnlp.io.fhir_values import Json, coded, time_of
from clinnlp.io.json_stream import json_items, json_object
from clinnlp.io.lines import UTF_8, byte_lines
from clinnlp.io.timelines import Timelines

__all__ = ["FHIR", "read_fhir"]

_NOTE = "DocumentReference"


def _resources(source: Source) -> Iterator[Document]:
    """Give each resource of a bundle or of lines, not yet parsed."""
    if _is_lines(source):
        for number, raw in byte_lines(source.path, source.encoding):
            if raw.strip():
                yield Document(source.path, number, raw)
    else:
        for line, raw in json_items(source.path, ("entry",), source.encoding):
            yield Document(source.path, line, raw)


def _is_lines(source: Source) -> bool:
    name = source.path.name.lower().removesuffix(".gz").removesuffix(".xz")
    return name.endswith(".ndjson")


def _entry(document: Document) -> tuple[Any, Json]:
    """Return the address and the resource of an entry of a bundle, or of a line."""
    record = json_object(document)
    address, inner = record.get("fullUrl"), record.get("resource", record)
    if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
        raise document.wrong("a resource must be an object with a resourceType")
    name = name_in(address) if isinstance(address, str) else None
    if "id" not in inner and name is not None:
        inner["id"] = name
    return address, inner


# --- notes ---------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    names = cache(partial(_names, source))  # read at the first reference that needs them
    for document in _resources(source):
        if b'"DocumentReference"' not in document.data:
            continue
        try:
            _, resource = _entry(document)
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
    found = _resources(source)
    while True:
        try:
            document = next(found)
            if Names.concern(document.data):
                names.add(*_entry(document))
        except StopIteration:
            return names
        except (DataError, TypeError, AttributeError):
            continue  # what is wrong is said where the notes are read


def _parse(document: Document) -> Note:
    try:
        if isinstance(document.data, bytes):
            left_out(_entry(document)[1])
        resource, k, names = document.data
        context = resource.get("context", {})
        encounters = context.get("encounter") or [None]
        name = resource["id"] + ""
        spoken = context.get("period", {}).get("start") or resource.get("date")
        return Note(
            id=name if k == 0 else f"{name}/{k + 1}",
            text=_text(resource["content"][k]["attachment"], document),
            patient=_referred(resource.get("subject"), "Patient", resource, names),
            encounter=_referred(encounters[0], "Encounter", resource, names),
            time=time_of(spoken, document),
            known=time_of(resource.get("date"), document),
            kind=coded(resource.get("type"))[2],
        )
    except (KeyError, TypeError, AttributeError, IndexError):
        failure = document.wrong("a DocumentReference must have the form of FHIR R4")
    raise failure from None


def _referred(
    reference: Json | None, wanted: str, resource: Json, names: Callable[[], Names]
) -> str | None:
    key = pointed(reference, wanted, resource)
    return key if key is None or not needs_names(key) else names().id_of(key, wanted)


def _text(attachment: Json, document: Document) -> str:
    kind, *parameters = (part.strip() for part in attachment["contentType"].split(";"))
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


# --- events --------------------------------------------------------------------------------


def read_fhir(path: str | Path, *, encoding: str = UTF_8) -> Timelines:
    """Return patients, encounters and events of a bundle, an NDJSON file or a folder of them.

    What did not happen is left out, and counted in ``n_excluded`` by resource and reason (see
    `clinnlp.io.fhir_statuses`), with notes that `read_notes` leaves out for theirs; so is what is
    of no patient, such as of a group or a device.

    Raises
    ------
    DataError
        With file and line: broken JSON, or a resource of another form.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = Path(folder.name, "lines.ndjson")
    >>> drug = '{"resourceType": "MedicationStatement", "status": "%s", "subject": {"reference": '
    >>> drug += '"Patient/p1/_history/2"}, "medicationCodeableConcept": {"text": "aspirin"}}\\n'
    >>> _ = path.write_text(drug % "active" + drug % "not-taken")
    >>> record = read_fhir(path)
    >>> [(row["patient"], row["code"]) for row in record.events.rows()], record.n_excluded
    ([('p1', 'aspirin')], {'MedicationStatement not-taken': 1})
    >>> folder.cleanup()
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        named = sorted(p for p in path.iterdir() if p.is_file())
        files = [p for p in named if p.name.lower().endswith((".json", ".ndjson", ".gz", ".xz"))]
    record = Record()
    for file in files:
        for document in _resources(Source(file, encoding)):
            address, resource = _entry(document)
            try:
                record.add(address, resource, document)
            except (KeyError, TypeError, AttributeError, IndexError):
                kind = resource["resourceType"]
                failure = document.wrong(f"a {kind} must have the form of FHIR R4")
                raise failure from None
        record.end_file()
    return record.timelines()


FHIR = Format(suffixes=(".fhir.json", ".fhir.ndjson"), split=_split, parse=_parse)

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
Observation                 kind ``measurement`` (a quantity: value and unit) or ``observation``
                            (``code=value``); each component is one; known: ``issued``, else when
                            it took effect
=========================== ===============================================================

The first coding is the code, its system the vocabulary (``SNOMED-CT``, ``LOINC``, ``RxNorm``,
``ICD-10-CM``, else the last part of its address); without a coding the text is the code.
What is entered in error, not done, or refuted is left out. A medication in a resource of its own
(``medicationReference``) is named by the id of that. A reference is the id behind its last ``/``
or ``:``. Times with a zone become UTC in a table; notes keep theirs. A year or month is its first
day.

References
----------
https://hl7.org/fhir/R4/documentreference.html
"""

import base64
import binascii
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.documents import Document, Format, Source
from clinnlp.io.json_stream import json_items, json_object
from clinnlp.io.lines import UTF_8, byte_lines
from clinnlp.io.timelines import Timelines

__all__ = ["FHIR", "read_fhir"]

Json = dict[str, Any]

_NOTE = "DocumentReference"
_LEFT_OUT = ("entered-in-error", "not-done", "refuted")
_SEX = {"male": "M", "female": "F"}
_SYSTEMS = {
    "http://snomed.info/sct": "SNOMED-CT",
    "http://loinc.org": "LOINC",
    "http://www.nlm.nih.gov/research/umls/rxnorm": "RxNorm",
    "http://hl7.org/fhir/sid/icd-10-cm": "ICD-10-CM",
}
_SHORTEST_DAY = 10  # characters of a date with its day


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


def _resource(document: Document) -> Json:
    """Return the resource of an entry of a bundle, or of a line."""
    record = json_object(document)
    inner = record.get("resource", record)
    if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
        raise document.wrong("a resource must be an object with a resourceType")
    return inner


# --- notes ---------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    for document in _resources(source):
        if b'"DocumentReference"' not in document.data:
            continue
        try:
            resource = _resource(document)
        except DataError:
            yield document  # `_parse` says again what is wrong
            continue
        contents = resource.get("content")
        if resource["resourceType"] != _NOTE or resource.get("status") in _LEFT_OUT:
            continue
        n = len(contents) if isinstance(contents, list) else 1
        for k in range(n):
            yield document._replace(data=(resource, k))


def _parse(document: Document) -> Note:
    if isinstance(document.data, bytes):
        _resource(document)
    resource, k = document.data
    try:
        context = resource.get("context", {})
        encounters = context.get("encounter") or [None]
        name = resource["id"] + ""
        spoken = context.get("period", {}).get("start") or resource.get("date")
        return Note(
            id=name if k == 0 else f"{name}/{k + 1}",
            text=_text(resource["content"][k]["attachment"], document),
            patient=_referred(resource.get("subject")),
            encounter=_referred(encounters[0]),
            time=_time(spoken, document),
            known=_time(resource.get("date"), document),
            kind=_coded(resource.get("type"))[2],
        )
    except (KeyError, TypeError, AttributeError, IndexError):
        failure = document.wrong("a DocumentReference must have the form of FHIR R4")
    raise failure from None


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


def _referred(reference: Json | None) -> str | None:
    if reference is None or not isinstance(reference.get("reference"), str):
        return None
    name: str = reference["reference"]
    return name.replace(":", "/").rpartition("/")[2] or None


def _coded(concept: Json | None) -> tuple[str | None, str, str | None]:
    """Return code, vocabulary and what it is called."""
    coding = ((concept or {}).get("coding") or [{}])[0]
    text = (concept or {}).get("text") or coding.get("display") or coding.get("code")
    system, code = str(coding.get("system", "")), coding.get("code")
    last = system.rstrip("/").replace(":", "/").rpartition("/")[2]
    return (code, _SYSTEMS.get(system, last), text) if code else (text, "", text)


def _time(value: Any, document: Document) -> datetime | None:
    if value is None:
        return None
    try:
        return datetime.fromisoformat(_day(value))
    except (ValueError, TypeError):
        pass
    raise document.wrong("a time must have the form of FHIR, such as 2024-03-01T08:00:00Z")


def _day(value: str) -> str:
    """Return a date with its month and day."""
    return value + "-01-01"[len(value) - 4 :] if len(value) < _SHORTEST_DAY else value


# --- events --------------------------------------------------------------------------------


def read_fhir(path: str | Path, *, encoding: str = UTF_8) -> Timelines:
    """Return patients, encounters and events of a bundle, an NDJSON file or a folder of them.

    Raises
    ------
    DataError
        With file and line: broken JSON, or a resource of another form.
    """
    path = Path(path)
    files = [path]
    if path.is_dir():
        named = sorted(p for p in path.iterdir() if p.is_file())
        files = [p for p in named if p.name.lower().endswith((".json", ".ndjson", ".gz", ".xz"))]
    patients: dict[str, Patient] = {}
    encounters: dict[str, Encounter] = {}
    deaths: dict[str, datetime] = {}
    rows: list[Json] = []
    for document in (d for file in files for d in _resources(Source(file, encoding))):
        resource = _resource(document)
        if _left_out(resource):
            continue
        try:
            _gather(resource, document, patients, encounters, deaths, rows)
        except (KeyError, TypeError, AttributeError, IndexError):
            failure = document.wrong(f"a {resource['resourceType']} must have the form of FHIR R4")
            raise failure from None
    events = EventTable.from_rows(rows)
    return Timelines(list(patients.values()), list(encounters.values()), events, deaths)


def _left_out(resource: Json) -> bool:
    verified = _coded(resource.get("verificationStatus"))[0]
    return resource.get("status") in _LEFT_OUT or verified in _LEFT_OUT


def _gather(
    resource: Json,
    document: Document,
    patients: dict[str, Patient],
    encounters: dict[str, Encounter],
    deaths: dict[str, datetime],
    rows: list[Json],
) -> None:
    kind = resource["resourceType"]
    if kind == "Patient":
        born = _time(resource.get("birthDate"), document)
        died = _utc(_time(resource.get("deceasedDateTime"), document))
        name = resource["id"] + ""
        patients[name] = Patient(
            id=name,
            birth_date=None if born is None else date(born.year, born.month, born.day),
            sex=_SEX.get(resource.get("gender", "")),
        )
        if died is not None:
            deaths[name] = died
    elif kind == "Encounter":
        start, end = _period(resource.get("period"), document)
        patient = _referred(resource.get("subject")) or ""
        name = resource["id"] + ""
        encounters[name] = Encounter(id=name, patient=patient, start=start, end=end)
    elif kind in _EVENTS:
        rows.extend(_EVENTS[kind](resource, document))


def _period(period: Json | None, document: Document) -> list[datetime | None]:
    return [_utc(_time((period or {}).get(side), document)) for side in ("start", "end")]


def _utc(time: datetime | None) -> datetime | None:
    if time is None or time.tzinfo is None:
        return time
    return time.astimezone(UTC).replace(tzinfo=None)


def _row(resource: Json, kind: str, code: Any, times: Any, document: Document) -> Json:
    name, vocabulary, _ = code
    encounter = resource.get("encounter", resource.get("context"))
    start, end, known = (_utc(_time(time, document)) for time in times)
    return {
        "patient": _referred(resource["subject"]),
        "encounter": _referred(encounter),
        "start": start,
        "end": end,
        "known": known,
        "code": name or "",
        "vocabulary": vocabulary,
        "kind": kind,
        "source_id": resource.get("id"),
    }


def _condition(resource: Json, document: Document) -> Iterator[Json]:
    start = resource.get("onsetDateTime") or resource.get("onsetPeriod", {}).get("start")
    times = start, resource.get("abatementDateTime"), resource.get("recordedDate")
    yield _row(resource, "condition", _coded(resource.get("code")), times, document)


def _medication(resource: Json, document: Document) -> Iterator[Json]:
    if "medicationReference" in resource:
        code: Any = (_referred(resource["medicationReference"]), "Medication", None)
    else:
        code = _coded(resource["medicationCodeableConcept"])
    period = resource.get("effectivePeriod", {})
    authored = resource.get("authoredOn")
    start = authored or resource.get("effectiveDateTime") or period.get("start")
    times = start, period.get("end"), authored or resource.get("dateAsserted")
    row = _row(resource, "drug", code, times, document)
    asked = resource.get("dosageInstruction", resource.get("dosage")) or [{}]
    rate = (asked[0].get("doseAndRate") or [{}])[0].get("doseQuantity")
    said = f"{rate['value']} {rate.get('unit', '')}".strip() if rate else asked[0].get("text")
    yield {**row, "dose": said}


def _observation(resource: Json, document: Document) -> Iterator[Json]:
    start = resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start")
    times = start, resource.get("effectivePeriod", {}).get("end"), resource.get("issued") or start
    for part in (resource, *resource.get("component", [])):
        if not any(key.startswith("value") for key in part):
            continue
        code = _coded(part.get("code"))
        quantity = part.get("valueQuantity")
        if quantity is not None and "value" in quantity:
            row = _row(resource, "measurement", code, times, document)
            yield {**row, "value": float(quantity["value"]), "unit": quantity.get("unit")}
        else:
            said = f"{code[0]}={_value(part)}"
            yield _row(resource, "observation", (said, code[1], None), times, document)


def _value(part: Json) -> str:
    key = next(key for key in part if key.startswith("value"))
    value = part[key]
    return str(_coded(value)[0] if isinstance(value, dict) else value)


_EVENTS = {
    "Condition": _condition,
    "MedicationRequest": _medication,
    "MedicationStatement": _medication,
    "Observation": _observation,
}

FHIR = Format(suffixes=(".fhir.json", ".fhir.ndjson"), split=_split, parse=_parse)

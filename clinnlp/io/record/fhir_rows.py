"""Events and stays of one resource, as rows; or, as text, why it has none.

What a row says of others (``patient``, ``encounter``, ``medication``) is not yet settled: see
`clinnlp.io.record.fhir_references`.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from clinnlp.io.files.source import Document
from clinnlp.io.record.fhir_observations import Value, value_of
from clinnlp.io.record.fhir_references import contained, pointed
from clinnlp.io.record.fhir_values import (
    Json,
    coded,
    display_of,
    each,
    first,
    known_of,
    period_of,
    said_quantity,
    text_in,
    utc_of,
)

__all__ = ["MEDICATION", "ROWS", "own_code"]

MEDICATION = "Medication"  # vocabulary of a drug that is named by the id of its resource
_UNCODED = "without code"
_Code = tuple[str | None, str]


def _stay(resource: Json, document: Document) -> Iterator[Json | str]:
    period = resource.get("period", resource.get("actualPeriod"))  # the second: R5
    start, end = period_of(period, document)
    patient = pointed(resource.get("subject"), "Patient", resource)
    yield {"id": resource["id"] + "", "patient": patient, "start": start, "end": end}


def _row(resource: Json, kind: str, code: Any, times: Any, document: Document) -> Json:
    name, vocabulary, *_ = code
    encounter = resource.get("encounter", resource.get("context"))
    start, end = (utc_of(time, document) for time in times[:2])
    return {
        "patient": pointed(resource.get("subject"), "Patient", resource),
        "encounter": pointed(encounter, "Encounter", resource),
        "start": start,
        "end": end,
        "known": known_of(times[2], document),
        "code": name,
        "vocabulary": vocabulary,
        "kind": kind,
        "source_id": text_in(resource.get("id")),
    }


def _condition(resource: Json, document: Document) -> Iterator[Json | str]:
    onset, abated = resource.get("onsetPeriod") or {}, resource.get("abatementPeriod") or {}
    times = (
        resource.get("onsetDateTime") or onset.get("start"),
        resource.get("abatementDateTime") or abated.get("end"),
        resource.get("recordedDate"),
    )
    concept = resource.get("code")
    row = _row(resource, "condition", coded(concept), times, document)
    yield {**row, "name": display_of(concept)} if row["code"] else _UNCODED


# --- drugs ---------------------------------------------------------------------------------


def _drug(resource: Json, document: Document) -> Iterator[Json | str]:
    code, named = _medication(resource)
    row = _row(resource, "drug", code, _TIMES[resource["resourceType"]](resource), document)
    asked = first(resource.get("dosageInstruction", resource.get("dosage")))
    yield {**row, "dose": _dose(asked), **named} if code[0] or named else _UNCODED


def _dose(asked: Json) -> str | None:
    rate = first(asked.get("doseAndRate"))
    one = said_quantity(rate.get("doseQuantity")) or said_quantity(asked.get("dose"))
    some = rate.get("doseRange") or {}
    low, high = (said_quantity(some.get(side)) for side in ("low", "high"))
    return one or (f"{low}-{high}" if low and high else text_in(asked.get("text"))) or None


def _ordered(resource: Json) -> tuple[Any, Any, Any]:
    authored = resource.get("authoredOn")
    return authored, None, authored


def _stated(resource: Json) -> tuple[Any, Any, Any]:
    period = resource.get("effectivePeriod") or {}
    start = resource.get("effectiveDateTime") or period.get("start")
    return start, period.get("end"), resource.get("dateAsserted")


def _given(resource: Json) -> tuple[Any, Any, Any]:
    period = resource.get("effectivePeriod", resource.get("occurencePeriod")) or {}
    start = resource.get("effectiveDateTime", resource.get("occurenceDateTime"))  # spelled so in R5
    start = start or period.get("start")
    return start, period.get("end"), start


def _handed_over(resource: Json) -> tuple[Any, Any, Any]:
    start = resource.get("whenHandedOver") or resource.get("whenPrepared")
    return start, None, start


# resource: when it began, when it ended, when it was known
_TIMES: Mapping[str, Callable[[Json], tuple[Any, Any, Any]]] = {
    "MedicationRequest": _ordered,
    "MedicationStatement": _stated,
    "MedicationAdministration": _given,
    "MedicationDispense": _handed_over,
}


def _medication(resource: Json) -> tuple[_Code, Json]:
    """Return the code of a medication, and where it stands elsewhere, what that is called."""
    either = resource.get("medication") or {}  # one element for both in R5
    reference = resource.get("medicationReference", either.get("reference"))
    if reference is None:
        concept = resource.get("medicationCodeableConcept", either.get("concept"))
        name = display_of(concept)
        return coded(concept)[:2], {"name": name} if name else {}
    address = str(reference.get("reference", ""))
    inside = contained(resource, address[1:]) if address.startswith("#") else None
    code = own_code(inside or {})
    if code[0]:
        return code, {}
    name = pointed(reference, "Medication", resource)
    if name is None:
        return (text_in(reference.get("display")) if not address else None, ""), {}
    return ("", MEDICATION), {"medication": name, "called": text_in(reference.get("display"))}


def own_code(medication: Json) -> _Code:
    """Return the code of a Medication, or of the one thing that it is made of."""
    code = coded(medication.get("code"))[:2]
    made_of = each(medication.get("ingredient"))
    if code[0] or len(made_of) != 1:
        return code
    item = made_of[0].get("item") or {}  # R5
    return coded(made_of[0].get("itemCodeableConcept", item.get("concept")))[:2]


# --- observations --------------------------------------------------------------------------


def _observation(resource: Json, document: Document) -> Iterator[Json | str]:
    period = resource.get("effectivePeriod") or {}
    start = resource.get("effectiveDateTime") or resource.get("effectiveInstant")
    start = start or period.get("start")
    times = start, period.get("end"), resource.get("issued") or start
    components = each(resource.get("component"))
    own = value_of(resource)
    if own.is_there or own.lack != "without value" or not components:
        yield _found(own, resource, resource, times, document)
    for part in components:
        yield _found(value_of(part), part, resource, times, document)


def _found(value: Value, part: Json, resource: Json, times: Any, document: Document) -> Json | str:
    code, vocabulary, _ = coded(part.get("code"))
    is_number = value.number is not None
    said = code if is_number else f"{code}={value.text}"
    kind = "measurement" if is_number else "observation"
    row = _row(resource, kind, (said, vocabulary), times, document)
    if not value.is_there:
        return value.lack
    if not code:
        return _UNCODED
    if not is_number:
        return row
    return {**row, "value": value.number, "unit": value.unit, "comparator": value.comparator}


# resource: its rows; text says what it, or a part of it, lacks
ROWS: Mapping[str, Callable[[Json, Document], Iterator[Json | str]]] = {
    "Encounter": _stay,
    "Condition": _condition,
    **dict.fromkeys(_TIMES, _drug),
    "Observation": _observation,
}

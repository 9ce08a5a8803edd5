"""FHIR R4: the record of patients, of bundles and NDJSON (notes: `io.notes.fhir`).

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
What did not happen is left out and counted, by the table in `clinnlp.io.record.fhir_statuses`. A
medication in a resource of its own (``medicationReference``) has the code of that resource, which
may be contained, in the same file or in another of the folder; where it is in none, it is named
by its id. What a reference means is said in `clinnlp.io.record.fhir_references`. An entry without
id has that of its ``fullUrl``. Times with a zone become UTC. A year or month is its first day.

What a reference means may stand behind it, or in another file. So the events of a file wait
until it has been read, and what then is still open, until all have: an identifier, or the code of
a medication. Only the codes of medications and the names of patients and stays are kept for it.

References
----------
https://hl7.org/fhir/R4/resourcelist.html
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of, located
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.source import Document, Source
from clinnlp.io.record.fhir_references import Names, contained, pointed
from clinnlp.io.record.fhir_resources import entry_of, resources
from clinnlp.io.record.fhir_statuses import left_out
from clinnlp.io.record.fhir_values import Json, coded, period_of, text_in, time_of, utc_of
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.cells import number_of

__all__ = ["read_fhir"]

_SEX = {"male": "M", "female": "F"}
_MEDICATION = "Medication"  # vocabulary of a drug that is named by the id of its resource
_Code = tuple[str | None, str]


def read_fhir(path: str | Path, *, encoding: str = UTF_8) -> Timelines:
    """Return patients, encounters and events of a bundle, an NDJSON file or a folder of them.

    What did not happen is left out, and counted in ``n_excluded`` by resource and reason (see
    `clinnlp.io.record.fhir_statuses`), with notes that `read_notes` leaves out for theirs; so is
    what is of no patient, such as of a group or a device.

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
        ends = (".json", ".ndjson", ".gz", ".xz")
        files = files_of(path, (p for p in path.iterdir() if p.name.lower().endswith(ends)))
    record = _Record()
    for file in files:
        for document in resources(Source(file, encoding)):
            address, resource = entry_of(document)
            refusal = partial(_refusal, document, resource)
            foreign = (KeyError, TypeError, AttributeError, IndexError)
            with located(document.path, document.line), instead_of(foreign, refusal):
                record.add(address, resource, document)
        record.end_file()
    return record.timelines()


def _refusal(document: Document, resource: Json, _: Exception) -> DataError:
    return document.wrong(f"a {resource['resourceType']} must have the form of FHIR R4")


class _Record:
    """Patients, stays and events; resources that do not count are counted."""

    def __init__(self) -> None:
        self._patients: dict[str, Patient] = {}
        self._deaths: dict[str, datetime] = {}
        self._encounters: dict[str, Json] = {}
        self._events: list[Json] = []
        self._n_excluded: Counter[str] = Counter()
        self._names = Names()
        self._waiting: list[tuple[str, list[Json]]] = []  # resources of this file
        self._drugs: dict[str, _Code] = {}  # medications of this file
        self._all_drugs: dict[str, _Code] = {}

    def add(self, address: object, resource: Json, document: Document) -> None:
        """Add a resource and, in a bundle, the address of its entry."""
        self._names.add(address, resource)
        reason = left_out(resource)
        kind = resource["resourceType"]
        if reason is not None:
            self._n_excluded[reason] += 1
        elif kind == "Patient":
            self._add_patient(resource, document)
        elif kind == "Medication":
            self._add_drug(resource)
        elif kind in _ROWS:
            self._waiting.append((kind, list(_ROWS[kind](resource, document))))

    def _add_patient(self, resource: Json, document: Document) -> None:
        born = time_of(resource.get("birthDate"), document)
        died = utc_of(resource.get("deceasedDateTime"), document)
        name = resource["id"] + ""
        self._patients[name] = Patient(
            id=name,
            birth_date=None if born is None else date(born.year, born.month, born.day),
            sex=_SEX.get(resource.get("gender", "")),
        )
        if died is not None:
            self._deaths[name] = died

    def _add_drug(self, resource: Json) -> None:
        code = coded(resource.get("code"))[:2]
        if code[0] is not None and "id" in resource:
            self._drugs[resource["id"]] = code

    def end_file(self) -> None:
        """Say whom and what the references of this file mean, as far as it tells."""
        for kind, rows in self._waiting:
            for row in rows:
                self._settle(row, self._drugs)
            if rows and rows[0]["patient"] is None:
                self._n_excluded[f"{kind} of no patient"] += 1
            elif kind == "Encounter":
                self._encounters.update((row["id"], row) for row in rows)
            else:
                self._events += rows
        for name, code in self._drugs.items():
            if self._all_drugs.setdefault(name, code) != code:
                self._all_drugs[name] = (name, _MEDICATION)  # of two drugs, it names neither
        self._waiting, self._drugs = [], {}
        self._names.end_file()

    def _settle(self, row: Json, drugs: dict[str, _Code]) -> None:
        row["patient"] = self._names.id_of(row["patient"], "Patient")
        if "encounter" in row:
            row["encounter"] = self._names.id_of(row["encounter"], "Encounter")
        if "medication" in row:
            name = row["medication"] = self._names.id_of(row["medication"], "Medication")
            row["code"], row["vocabulary"] = drugs.get(name or "", (name or "", _MEDICATION))
            if name in drugs:
                del row["medication"]

    def timelines(self) -> Timelines:
        """Return what all files together tell."""
        for row in chain(self._events, self._encounters.values()):
            self._settle(row, self._all_drugs)
        encounters = [Encounter(**row) for row in self._encounters.values()]
        events = EventTable.from_rows(self._events)
        counts = dict(sorted(self._n_excluded.items()))
        return Timelines(list(self._patients.values()), encounters, events, self._deaths, counts)


# --- rows of one resource ------------------------------------------------------------------


def _stay(resource: Json, document: Document) -> Iterator[Json]:
    start, end = period_of(resource.get("period"), document)
    patient = pointed(resource.get("subject"), "Patient", resource)
    yield {"id": resource["id"] + "", "patient": patient, "start": start, "end": end}


def _row(resource: Json, kind: str, code: Any, times: Any, document: Document) -> Json:
    name, vocabulary, *_ = code
    encounter = resource.get("encounter", resource.get("context"))
    start, end, known = (utc_of(time, document) for time in times)
    return {
        "patient": pointed(resource["subject"], "Patient", resource),
        "encounter": pointed(encounter, "Encounter", resource),
        "start": start,
        "end": end,
        "known": known,
        "code": name or "",
        "vocabulary": vocabulary,
        "kind": kind,
        "source_id": text_in(resource.get("id")),
    }


def _condition(resource: Json, document: Document) -> Iterator[Json]:
    start = resource.get("onsetDateTime") or resource.get("onsetPeriod", {}).get("start")
    times = start, resource.get("abatementDateTime"), resource.get("recordedDate")
    yield _row(resource, "condition", coded(resource.get("code")), times, document)


def _drug(resource: Json, document: Document) -> Iterator[Json]:
    code, named = _medication(resource)
    period = resource.get("effectivePeriod", {})
    authored = resource.get("authoredOn")
    start = authored or resource.get("effectiveDateTime") or period.get("start")
    times = start, period.get("end"), authored or resource.get("dateAsserted")
    row = _row(resource, "drug", code, times, document)
    asked = resource.get("dosageInstruction", resource.get("dosage")) or [{}]
    rate = (asked[0].get("doseAndRate") or [{}])[0].get("doseQuantity")
    said = f"{rate['value']} {rate.get('unit', '')}".strip() if rate else asked[0].get("text")
    yield {**row, "dose": text_in(said), **named}


def _medication(resource: Json) -> tuple[_Code, Json]:
    """Return the code of a medication, and where it stands elsewhere, what that is called."""
    either = resource.get("medication", {})  # one element for both in R5
    reference = resource.get("medicationReference", either.get("reference"))
    if reference is None:
        concept = either["concept"] if either else resource["medicationCodeableConcept"]
        return coded(concept)[:2], {}
    address = str(reference.get("reference", ""))
    inside = contained(resource, address[1:]) if address.startswith("#") else None
    code = coded((inside or {}).get("code"))[:2]
    if code[0] is not None:
        return code, {}
    name = pointed(reference, "Medication", resource)
    if name is None and not address:
        return (reference.get("display"), ""), {}
    return ("", _MEDICATION), {"medication": name}


def _observation(resource: Json, document: Document) -> Iterator[Json]:
    resource.setdefault("subject", None)  # it may be of nobody
    start = resource.get("effectiveDateTime") or resource.get("effectivePeriod", {}).get("start")
    times = start, resource.get("effectivePeriod", {}).get("end"), resource.get("issued") or start
    for part in (resource, *resource.get("component", [])):
        if not any(key.startswith("value") for key in part):
            continue
        code = coded(part.get("code"))
        quantity = part.get("valueQuantity")
        if quantity is not None and "value" in quantity:
            row = _row(resource, "measurement", code, times, document)
            value = number_of(quantity["value"], "the value of a quantity")
            yield {**row, "value": value, "unit": text_in(quantity.get("unit"))}
        else:
            said = f"{code[0]}={_value(part)}"
            yield _row(resource, "observation", (said, code[1]), times, document)


def _value(part: Json) -> str:
    key = next(key for key in part if key.startswith("value"))
    value = part[key]
    return str(coded(value)[0] if isinstance(value, dict) else value)


_ROWS: dict[str, Callable[[Json, Document], Iterator[Json]]] = {
    "Encounter": _stay,
    "Condition": _condition,
    "MedicationRequest": _drug,
    "MedicationStatement": _drug,
    "Observation": _observation,
}

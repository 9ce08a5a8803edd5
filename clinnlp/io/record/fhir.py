"""FHIR R4: the record of patients, of bundles, lines and folders (notes: `io.notes.fhir`).

=========================== ===============================================================
resource                    events (`read_fhir`): when it counts as known
=========================== ===============================================================
Patient                     patients: ``birthDate``, ``gender``
Encounter                   encounters
Condition                   kind ``condition``: ``recordedDate``
MedicationRequest           kind ``drug``: ``authoredOn``
MedicationStatement         kind ``drug``: ``dateAsserted``
MedicationAdministration    kind ``drug``: when it was begun
MedicationDispense          kind ``drug``: ``whenHandedOver``, else ``whenPrepared``
Medication                  the code of those that refer to it
Observation                 kind ``measurement`` or ``observation``, by the kind of value (see
                            `clinnlp.io.record.fhir_observations`); each component is one; known:
                            ``issued``, else when it took effect
DocumentReference,          notes: see `clinnlp.io.notes.fhir`
DiagnosticReport,
Composition
all others                  none
=========================== ===============================================================

The first coding with a code is the code, its system the vocabulary (``SNOMED-CT``, ``LOINC``,
``RxNorm``, ``ICD-10-CM``, else the last part of its address); without one the text is the code.
A medication in a resource of its own (``medicationReference``) has the code of that resource, which
may be contained, in the same file or in another of the folder; where it is in none, it is named by
the ``display`` of the reference, else by its id. What a reference means is said in
`clinnlp.io.record.fhir_references`, how files are kept in `clinnlp.io.record.fhir_resources`. An
entry without id has that of its ``fullUrl``. Times with a zone become UTC. A year or month is its
first day.

**Every resource is counted**: it is a patient, a stay, at least one event, a note that `read_notes`
gives, or one of ``n_excluded``, by its type and the reason:

- a word of status (`clinnlp.io.record.fhir_statuses`), such as ``Condition refuted``
- ``of no patient``: of a group, a device, nobody; also by a reference that leads to another type
- ``without code``, ``without value``, ``of absent data``, ``of a value that is no single one``;
  ``part of an Observation`` and the reason is no resource, but a component of one that has others
- ``of an older version``, ``repeated``: of one id and patient the newest counts, and what is said
  twice once; what neither ``meta`` nor its own words tell apart is not compared
- of notes: see `clinnlp.io.record.fhir_texts`, and ``of the same text as a DocumentReference``
- ``not read``: resources of other types; ``read for its code``: a Medication
- ``entry without resource``; ``file without resources`` of a folder

What a reference means may stand behind it, or in another file. So what is open at the end of a
file is settled there, and what then is still open, at the end of all: an identifier, or the code of
a medication. Only the codes of medications and the names of patients and stays are kept for it.

References
----------
https://hl7.org/fhir/R4/resourcelist.html
"""

from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import date, datetime
from functools import partial
from math import nan
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError, instead_of, located
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.source import Document, Source
from clinnlp.io.record.fhir_columns import Columns
from clinnlp.io.record.fhir_notes import NoteCounts, whose
from clinnlp.io.record.fhir_references import Names, needs_names
from clinnlp.io.record.fhir_resources import entries_of, fhir_files, resources
from clinnlp.io.record.fhir_rows import MEDICATION, ROWS, own_code
from clinnlp.io.record.fhir_statuses import left_out
from clinnlp.io.record.fhir_texts import NOTES
from clinnlp.io.record.fhir_values import Json, time_of, utc_of
from clinnlp.io.record.fhir_versions import Stamp, stamp_of, version_of
from clinnlp.io.record.timelines import Timelines

__all__ = ["read_fhir"]

_SEX = {"male": "M", "female": "F"}
_NUMBERS = {name: nan for name, kind in EventTable.SCHEMA.items() if kind == "float"}
_FOREIGN = (KeyError, TypeError, AttributeError, IndexError)
# column of rows: the type of resource that it names
_REFERENCES = {"patient": "Patient", "encounter": "Encounter", "medication": "Medication"}
_NEEDED = {"patient": "of no patient", "medication": "without code"}
_Code = tuple[str | None, str]


def read_fhir(path: str | Path, *, encoding: str = UTF_8) -> Timelines:
    """Return patients, encounters and events of a bundle, a resource, lines or a folder of them.

    What did not happen is left out, and counted in ``n_excluded`` by resource and reason (see
    `clinnlp.io.record.fhir_statuses`), with notes that `read_notes` leaves out for theirs; so is
    every other resource that gives nothing (see `clinnlp.io.record.fhir`).

    Parameters
    ----------
    path : str or Path
        A file (``.gz``, ``.xz`` too), a folder or a zip file.
    encoding : str
        Of JSON and lines; XML says its own.

    Returns
    -------
    Timelines
        Patients, encounters, an `EventTable`, and what was left out (``n_excluded``).

    Raises
    ------
    DataError
        With file and line: broken JSON or XML, or a resource of another form or version.

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
    source = Source(Path(path), encoding)
    files, others = fhir_files(source)
    record = _Record(n_others=len(others))
    for file in files:
        for document in resources(source._replace(path=file)):
            record.add_all(document)
        record.end_file()
    return record.timelines()


class _Seen(NamedTuple):
    """A resource that was read: of whom, which version, and its rows."""

    patient: str | None
    stamp: Stamp
    rows: range


class _Open(NamedTuple):
    """A reference of rows that is not settled yet."""

    kind: str
    rows: range
    column: str
    key: str
    called: str | None = None  # the medication


class _Record:
    """Patients, stays and events; resources that do not count are counted."""

    def __init__(self, *, n_others: int) -> None:
        self._n_excluded: Counter[str] = Counter()
        if n_others:
            self._n_excluded["file without resources"] = n_others
        self._patients: dict[str, Patient] = {}
        self._deaths: dict[str, datetime] = {}
        self._stays = Columns(("id", "patient", "start", "end"), {})
        self._events = Columns(EventTable.SCHEMA, _NUMBERS)
        self._notes = NoteCounts(self._count)
        self._names = Names()
        self._seen: defaultdict[str, dict[str, _Seen]] = defaultdict(dict)  # by type, by id
        self._open: list[_Open] = []  # of this file
        self._late: list[_Open] = []  # of all
        self._drugs: dict[str, _Code] = {}  # medications of this file
        self._all_drugs: dict[str, _Code] = {}

    def add_all(self, document: Document) -> None:
        """Add the resources of an entry or a line.

        Raises
        ------
        DataError
            One has another form than FHIR R4's.
        """
        for address, resource in entries_of(document):
            if resource is None:
                self._n_excluded["entry without resource"] += 1
                continue
            refusal = partial(_refusal, document, resource["resourceType"])
            with located(document.path, document.line), instead_of(_FOREIGN, refusal):
                self._names.add(address, resource)
                self._add(address, resource, document)

    def _add(self, address: object, resource: Json, document: Document) -> None:
        kind = resource["resourceType"]
        if kind in ROWS:
            self._add_rows(kind, resource, document)
        elif kind in NOTES:
            self._notes.add(resource)
        elif kind == "Patient":
            self._add_patient(resource, document)
        elif kind == "Medication":
            self._add_drug(resource)
        else:
            if kind == "Binary":
                self._notes.add_binary(address, resource)
            self._count(kind, "not read")

    def _count(self, kind: str, reason: str) -> None:
        self._n_excluded[f"{kind} {reason}"] += 1

    # --- one resource ----------------------------------------------------------------------

    def _add_patient(self, resource: Json, document: Document) -> None:
        born = time_of(resource.get("birthDate"), document)
        died = utc_of(resource.get("deceasedDateTime"), document)
        name = resource["id"] + ""
        stamp = stamp_of(resource)
        before = self._seen["Patient"].get(name)
        if before is not None:
            versions = version_of(before.stamp), version_of(stamp)
            self._count("Patient", _again(*versions))
            if _is_older(*versions[::-1]):
                return
        self._seen["Patient"][name] = _Seen(name, stamp, range(0))
        self._deaths.pop(name, None)
        self._patients[name] = Patient(
            id=name,
            birth_date=None if born is None else date(born.year, born.month, born.day),
            sex=_SEX.get(resource.get("gender", "")),
        )
        if died is not None:
            self._deaths[name] = died

    def _add_drug(self, resource: Json) -> None:
        reason = left_out(resource)
        code = own_code(resource)
        if reason is None and code[0] and "id" in resource:
            self._drugs[resource["id"]] = code
        self._n_excluded[reason or "Medication read for its code"] += 1

    def _add_rows(self, kind: str, resource: Json, document: Document) -> None:
        reason = left_out(resource)
        found = [] if reason else list(ROWS[kind](resource, document))
        rows = [row for row in found if isinstance(row, dict)]
        patient = rows[0]["patient"] if rows else whose(resource)
        again = self._repeats(kind, resource, patient, rows)
        if again:
            self._count(kind, again)
            return
        lacks = [lack for lack in found if isinstance(lack, str)]
        if patient is None or not rows:
            none = "of no patient" if patient is None else "".join(lacks[:1])
            self._n_excluded[reason or f"{kind} {none}"] += 1
            rows, lacks = [], []
        self._n_excluded.update(f"part of an {kind} {lack}" for lack in lacks)
        self._keep(kind, resource, patient, rows)

    def _keep(self, kind: str, resource: Json, patient: str | None, rows: list[Json]) -> None:
        at = self._columns(kind).add(rows)
        if isinstance(resource.get("id"), str):
            self._seen[kind][resource["id"]] = _Seen(patient, stamp_of(resource), at)
        for column in _REFERENCES if rows else ():
            key = rows[0].get(column)
            if key is not None and (column == "medication" or needs_names(key)):
                self._open.append(_Open(kind, at, column, key, rows[0].get("called")))

    def _columns(self, kind: str) -> Columns:
        return self._stays if kind == "Encounter" else self._events

    def _repeats(self, kind: str, resource: Json, patient: str | None, rows: list[Json]) -> str:
        """Return why a resource does not count beside an earlier one, else take that one back."""
        before = self._seen[kind].get(resource.get("id") or "")
        if before is None:
            return ""
        versions = version_of(before.stamp), version_of(stamp_of(resource))
        of_one = None not in versions and before.patient == patient
        if not of_one and kind != "Encounter":
            return "repeated" if self._events.equal(before.rows, rows) else ""
        if of_one and not _is_older(*versions):
            return _again(*versions)
        if self._columns(kind).drop(before.rows):
            self._count(kind, _again(*versions))
        return ""

    # --- references ------------------------------------------------------------------------

    def end_file(self) -> None:
        """Say whom and what the references of this file mean, as far as it tells."""
        for one in self._open:
            self._settle(one, self._drugs)
        for name, code in self._drugs.items():
            if self._all_drugs.setdefault(name, code) != code:
                self._all_drugs[name] = (name, MEDICATION)  # of two drugs, it names neither
        self._notes.end_file(self._names)
        self._open, self._drugs = [], {}
        self._names.end_file()

    def _settle(self, one: _Open, drugs: Mapping[str, _Code]) -> None:
        columns = self._columns(one.kind)
        name = self._names.id_of(one.key, _REFERENCES[one.column])
        if one.column == "medication":
            unknown = (one.called, "") if one.called else (name, MEDICATION)
            code, vocabulary = drugs.get(name or "", unknown)
            columns.put(one.rows, code=code, vocabulary=vocabulary)
            is_open = name not in drugs
        else:
            columns.put(one.rows, **{one.column: name})
            is_open = name is not None and needs_names(name)
        if name is None and one.column in _NEEDED:
            if columns.drop(one.rows):
                self._count(one.kind, _NEEDED[one.column])
        elif is_open:
            self._late.append(one._replace(key=name or ""))

    def timelines(self) -> Timelines:
        """Return what all files together tell."""
        late, self._late = self._late, []
        for one in late:
            self._settle(one, self._all_drugs)
        self._notes.finish(self._names)
        return Timelines(
            list(self._patients.values()),
            [Encounter(**row) for row in self._stays.rows()],
            EventTable(self._events.kept()),
            self._deaths,
            dict(sorted(self._n_excluded.items())),
        )


def _refusal(document: Document, kind: str, _: Exception) -> DataError:
    return document.wrong(f"a {kind} must have the form of FHIR R4")


def _is_older(version: tuple[str, int] | None, than: tuple[str, int] | None) -> bool:
    return version is not None and than is not None and version < than


def _again(before: tuple[str, int] | None, version: tuple[str, int] | None) -> str:
    """Return what to say of the one of two that does not count."""
    told_apart = before is not None and version is not None and before != version
    return "of an older version" if told_apart else "repeated"

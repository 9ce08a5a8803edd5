"""FHIR written as FHIR: resources with the ids and days of the notes, one in a line.

Elements are told by their names, as columns of tables are: codes, quantities, statuses and the
links between resources stay, ids get their surrogates, dates move with their patient. An element of
any other name is left out and counted, names, addresses, identifiers, narratives, attachments,
extensions and contained resources among them.
"""

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clinnlp.core.times import naive_utc
from clinnlp.io.files.lines import UTF_8, write_bytes
from clinnlp.io.files.source import Source
from clinnlp.io.record.fhir_resources import entries_of, fhir_files, resources
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.records import born
from clinnlp.study.deidentify.tables import CopiedTables

__all__ = ["copy_fhir", "gather_fhir", "is_fhir_target"]

Json = dict[str, Any]

_TARGETS = re.compile(r".+\.(?:ndjson|jsonl)(?:\.gz|\.xz)?", re.IGNORECASE)
_OF_PATIENT = ("subject", "patient", "beneficiary")
_ELEMENTS = {
    "walked": "code category type class medicationCodeableConcept valueCodeableConcept "
    "valueQuantity valueRange valueRatio quantity low high numerator denominator referenceRange "
    "component interpretation clinicalStatus verificationStatus period effectivePeriod "
    "performedPeriod onsetPeriod occurrencePeriod dosageInstruction dosage doseAndRate "
    "doseQuantity rateQuantity timing repeat route method dispenseRequest validityPeriod "
    "reasonCode vaccineCode maritalStatus subject patient beneficiary encounter context performer "
    "requester recorder asserter participant individual hospitalization dischargeDisposition "
    "diagnosis condition medicationReference reasonReference reaction manifestation substance "
    "bodySite severity outcome stage summary hasMember derivedFrom result serviceProvider coding "
    "actor basedOn partOf ingredient itemCodeableConcept strength form",
    "stays": "resourceType code unit status gender intent comparator value criticality frequency "
    "period periodUnit valueInteger valueBoolean doNotPerform asNeededBoolean deceasedBoolean "
    "active rank sequence numberOfRepeatsAllowed multipleBirthBoolean multipleBirthInteger "
    "category type use",
}
_WALKED, _STAYS = (frozenset(names.split()) for names in _ELEMENTS.values())
_CODED = ("system", "display", "version")  # beside a code
_DATED = re.compile(
    r"date|time|issued|recorded|authored|^start$|^end$|abatement|onset", re.IGNORECASE
)
_DATE = re.compile(r"(\d{4})(-\d\d(-\d\d(T.*)?)?)?")
_LINK = re.compile(r"(?:https?://\S+/)?([A-Z][A-Za-z]+)/([A-Za-z0-9.-]{1,64})(?:/_history/.*)?")
_URN = "urn:uuid:"


def is_fhir_target(path: str | Path) -> bool:
    """Return whether FHIR is to be written as FHIR, by the name of the output.

    Examples
    --------
    >>> is_fhir_target("out.ndjson"), is_fhir_target("out")
    (True, False)
    """
    return _TARGETS.fullmatch(Path(path).name) is not None


def gather_fhir(source: str | Path, to: Deidentifier) -> dict[str, datetime]:
    """Take the ids of all resources, and return when anything is last known of whom.

    Raises
    ------
    DataError
        A resource that is broken, or of another version than R4.
    """
    last: dict[str, datetime] = {}
    for resource in _read(Path(source)):
        who = patient_of(resource)
        to.gather_ids(_ids(resource))
        for when in _times(resource):
            if who is not None:
                last[who] = max(last.get(who, when), when)
    return last


def copy_fhir(
    source: str | Path, out: str | Path, by: Deidentifier, last: dict[str, datetime]
) -> CopiedTables:
    """Write resources as NDJSON, without what identifies somebody.

    Parameters
    ----------
    source : path
        A file or folder of FHIR R4, as `read_fhir` takes it; bundles are written as their entries.
    out : path
        Ends in .ndjson or .jsonl, perhaps in .gz or .xz behind it.
    by : Deidentifier
        Which has gathered from it.
    last : dict of str to datetime
        From `gather_fhir`.

    Raises
    ------
    DataError
        A resource that is broken, or of another version than R4.
    RunError
        The disk is full or may not be written.
    """
    done = CopiedTables()
    with write_bytes(out) as file:
        for resource in _read(Path(source)):
            made = _Made(by, patient_of(resource), last, done)(resource)
            file.write(json.dumps(made, ensure_ascii=False).encode() + b"\n")
            kind = str(resource["resourceType"])
            done.rows[kind] = done.rows.get(kind, 0) + 1
    return done


def patient_of(resource: Json) -> str | None:
    """Return the id of the patient whom a resource is of, None where it names none."""
    if resource["resourceType"] == "Patient":
        return _text(resource.get("id"))
    for name in _OF_PATIENT:
        reference = resource.get(name)
        link = _link(reference.get("reference")) if isinstance(reference, dict) else None
        if link is not None and link[0] in ("Patient", _URN):
            return link[1]
    return None


class _Made:
    """Makes one resource anew."""

    def __init__(
        self, by: Deidentifier, who: str | None, last: dict[str, datetime], done: CopiedTables
    ) -> None:
        self._by, self._who, self._last, self._done = by, who, last, done

    def __call__(self, resource: Json) -> Json:
        self._kind = str(resource["resourceType"])
        return self._object(resource, is_top=True)

    def _object(self, given: Json, *, is_top: bool = False) -> Json:
        out: Json = {}
        for name, value in given.items():
            made = self._element(name, value, given, is_top=is_top)
            if made is None:
                self._done.emptied[f"{self._kind}: {name}"] += 1
            else:
                out[name] = made
        return out

    def _element(self, name: str, value: Any, beside: Json, *, is_top: bool) -> Any:
        if isinstance(value, dict | list):
            return self._nested(name, value)
        if name == "id" and is_top:
            return self._by.surrogates.ids(value) if isinstance(value, str) else None
        if name == "reference":
            return self._reference(value)
        if name == "birthDate":
            return self._birth(value)
        if name in _STAYS or (name in _CODED and "code" in beside):
            return value
        if name == "text" and "coding" in beside:
            return value  # of a concept with a code
        if isinstance(value, bool | int | float):
            return None
        return self._time(value) if _DATED.search(name) else None

    def _nested(self, name: str, value: Json | list[Any]) -> Any:
        if name not in _WALKED:
            return None
        if isinstance(value, dict):
            return self._object(value) or None
        parts = [self._object(part) for part in value if isinstance(part, dict)]
        return [part for part in parts if part] or None

    def _reference(self, value: Any) -> str | None:
        link = _link(value)
        if link is None:
            return None
        kind, name = link
        made = self._by.surrogates.ids(name)
        return f"{_URN}{made}" if kind == _URN else f"{kind}/{made}"

    def _time(self, value: Any) -> str | None:
        match = _DATE.fullmatch(value) if isinstance(value, str) else None
        when = None if match is None else _when(value)
        if match is None or when is None or self._who is None:
            self._done.n_unreadable_times += 1
            return None
        made = self._by.replacing.time(when, self._who)
        if made is None:
            return None
        is_whole = match[3] is not None and self._by.settings.dates == "shift"
        return f"{made:%Y-%m-%d}{value[10:]}" if is_whole else str(when.year)

    def _birth(self, value: Any) -> str | None:
        when = _when(value) if isinstance(value, str) and _DATE.fullmatch(value) else None
        if when is None or self._who is None:
            return None
        made = born(when.date(), self._last.get(self._who), self._who, self._by)
        is_whole = len(value) == len("2000-01-01") and self._by.settings.dates == "shift"
        return None if made is None else made.isoformat() if is_whole else str(made.year)


def _read(source: Path) -> Iterator[Json]:
    whole = Source(source, UTF_8)
    for file in fhir_files(whole)[0]:
        for document in resources(whole._replace(path=file)):
            yield from (resource for _, resource in entries_of(document) if resource is not None)


def _ids(given: Any) -> Iterator[str]:
    """Yield the ids of a resource and of those that it points to."""
    for name, value in given.items() if isinstance(given, dict) else ():
        link = _link(value) if name == "reference" else None
        if name == "id" and isinstance(value, str):
            yield value
        elif link is not None:
            yield link[1]
        for part in value if isinstance(value, list) else [value]:
            yield from _ids(part)


def _times(resource: Json) -> Iterator[datetime]:
    """Yield the times of a resource but for the birth of its patient."""
    for name, value in resource.items():
        for part in value if isinstance(value, list) else [value]:
            if isinstance(part, dict) and name in _WALKED:
                yield from _times(part)
            elif isinstance(part, str) and _DATED.search(name) and name != "birthDate":
                when = _when(part) if _DATE.fullmatch(part) else None
                if when is not None:
                    yield when


def _when(value: str) -> datetime | None:
    """Return the time that a date of FHIR says, its first day where it says but a month or year."""
    whole = value if len(value) > 7 else f"{value}-01-01"[:10] if len(value) == 4 else f"{value}-01"
    try:
        return (
            naive_utc(datetime.fromisoformat(whole))
            if len(whole) > 10
            else datetime.combine(date.fromisoformat(whole), datetime.min.time())
        )
    except ValueError:
        return None


def _link(address: Any) -> tuple[str, str] | None:
    """Return the type (or that it is a UUID) and the id of what a reference means."""
    if not isinstance(address, str):
        return None
    if address.startswith(_URN):
        return _URN, address.removeprefix(_URN)
    match = _LINK.fullmatch(address)
    return None if match is None else (match[1], match[2])


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None

"""Of which version of FHIR a resource is, where it is another than R4: by what R4 has not.

STU3 and DSTU2 hold the same words in other places (who, when it was known, whether it was given),
so that a reader of R4 would lose them without a word. They are refused by name. What R5 says as R4
does is read; what it does not say any more is counted (`clinnlp.io.record.fhir_statuses`).

References
----------
https://hl7.org/fhir/R4/diff.html, https://hl7.org/fhir/STU3/diff.html
"""

import re
from contextlib import suppress
from typing import Any

from clinnlp.core.errors import DataError
from clinnlp.core.times import time_from_text
from clinnlp.io.files.source import Document
from clinnlp.io.record.fhir_values import Json, each

__all__ = ["Stamp", "check_version", "stamp_of", "version_of"]

Stamp = tuple[Any, Any] | None  # versionId and lastUpdated

_BOTH = "STU3 or DSTU2"
# resource: element that R4 has not, to the version that has it
_ELEMENTS = {
    "Condition": {"assertedDate": "STU3", "dateRecorded": "DSTU2", "patient": "DSTU2"},
    "DocumentReference": {"indexed": _BOTH, "class": _BOTH, "created": _BOTH},
    "DiagnosticReport": {"codedDiagnosis": _BOTH},
    "Encounter": {"incomingReferral": _BOTH, "patient": "DSTU2"},
    "MedicationAdministration": {
        **dict.fromkeys(("notGiven", "reasonNotGiven"), _BOTH),
        **dict.fromkeys(("wasNotGiven", "patient", "practitioner"), "DSTU2"),
        **dict.fromkeys(("effectiveTimeDateTime", "effectiveTimePeriod"), "DSTU2"),
    },
    "MedicationDispense": {
        **dict.fromkeys(("notDone", "notDoneReasonCodeableConcept"), "STU3"),
        **dict.fromkeys(("patient", "dispenser"), "DSTU2"),
    },
    "MedicationStatement": {
        "reasonNotTaken": _BOTH,
        **dict.fromkeys(("wasNotTaken", "patient", "informationSourcePatient"), "DSTU2"),
    },
    "Medication": {"isBrand": _BOTH, "product": "DSTU2"},
    "Observation": {"comment": "STU3", "comments": "DSTU2"},
    "Patient": {"animal": _BOTH, "careProvider": "DSTU2"},
}
_RESOURCES = dict.fromkeys(("Conformance", "DiagnosticOrder", "MedicationOrder"), "DSTU2")
_PROFILES = re.compile(r"/(STU3|DSTU2)/|/fhir/([13])\.0/|(/guides/argonaut/)", re.IGNORECASE)
_COUNTED = re.compile("[0-9]{1,18}")
_NUMBERS = {"0": "DSTU1", "1": "DSTU2", "3": "STU3"}


def check_version(resource: Json, document: Document) -> None:
    """Raise `DataError` for a resource of STU3 or DSTU2, naming its version and what tells it."""
    found = _told(resource)
    if found is not None:
        version, by = found
        raise document.wrong(
            f"a resource must be of FHIR R4, got a {resource['resourceType']} of {version} "
            f"({by}); export or convert it as R4"
        )


def stamp_of(resource: Json) -> Stamp:
    """Return what a resource says of its version, as it stands there."""
    meta = resource.get("meta")
    return (meta.get("versionId"), meta.get("lastUpdated")) if isinstance(meta, dict) else None


def version_of(stamp: Stamp) -> tuple[str, int] | None:
    """Return what tells versions of one resource apart, later above earlier; None where nothing.

    Examples
    --------
    >>> version_of(("2", "2024-03-01T10:00:00+02:00"))
    ('2024-03-01T08:00:00', 2)
    """
    number, updated = stamp or (None, None)
    n = int(number) if isinstance(number, str) and _COUNTED.fullmatch(number) else 0
    time = ""
    if isinstance(updated, str):
        with suppress(ValueError, DataError):
            time = time_from_text(updated).isoformat()
    return (time, n) if time or n else None


def _told(resource: Json) -> tuple[str, str] | None:
    kind = resource["resourceType"]
    if kind in _RESOURCES:
        return _RESOURCES[kind], "which alone has it"
    for element, version in _ELEMENTS.get(kind, {}).items():
        if element in resource:
            return version, f"it has {element}"
    stated = resource.get("fhirVersion") if kind == "CapabilityStatement" else None
    if isinstance(stated, str) and stated[:1] in _NUMBERS:
        return _NUMBERS[stated[:1]], "by its fhirVersion"
    return _profiled(resource.get("meta"))


def _profiled(meta: object) -> tuple[str, str] | None:
    profiles = each(meta.get("profile")) if isinstance(meta, dict) else []
    for profile in profiles:
        found = _PROFILES.search(profile) if isinstance(profile, str) else None
        if found is not None:
            named, number, _ = found.groups()
            version = named.upper() if named else _NUMBERS.get(number or "", "DSTU2")
            return version, "by its profile"
    return None

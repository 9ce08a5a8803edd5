"""Which resources with a text are left out as notes, and why: counted by the record.

What `io.notes.fhir` gives and leaves out, seen from the record: the same rules, without reading a
text. A Binary may stand in another file than what names it, and a report before or behind the
document that has the same text, so both are told when all has been read.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from clinnlp.io.record.fhir_references import Names, name_in, pointed
from clinnlp.io.record.fhir_statuses import left_out
from clinnlp.io.record.fhir_texts import BEHIND, Part, binary_part, parts_of
from clinnlp.io.record.fhir_values import Json
from clinnlp.io.record.fhir_versions import stamp_of, version_of

__all__ = ["COPY", "DOCUMENT", "Newest", "NoteCounts", "binary_names", "unread", "whose"]

DOCUMENT = "DocumentReference"
COPY = f"of the same text as a {DOCUMENT}"


class Newest:
    """The newest version of each resource so far, where they say one."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Any], tuple[str, int]] = {}

    def reason(self, resource: Json) -> str | None:
        """Return why a resource is left out beside those before, or None where it is newer."""
        version = version_of(stamp_of(resource))
        if version is None:
            return None
        before = self._seen.setdefault((resource["resourceType"], resource.get("id")), version)
        if before is version:
            return None
        if before < version:
            self._seen[resource["resourceType"], resource.get("id")] = version
            return None
        return "repeated" if before == version else "of an older version"


def whose(resource: Json) -> str | None:
    """Return whom a resource is of, as `fhir_references.pointed` does."""
    return pointed(resource.get("subject"), "Patient", resource)


def binary_names(address: object, resource: Json) -> set[str]:
    """Return what a reference to a Binary may call it, behind its last ``/`` or ``:``."""
    named = {resource.get("id"), name_in(address) if isinstance(address, str) else None}
    return {name for name in named if isinstance(name, str)}


class _Text(NamedTuple):
    kind: str
    patient: str | None
    digests: list[int]
    binaries: list[str]  # that its parts stand in; empty where they stand in it


class NoteCounts:
    """Counts resources of `fhir_texts.NOTES` that are left out.

    Parameters
    ----------
    count : callable
        Takes the type of the resource and the reason.
    """

    def __init__(self, count: Callable[[str, str], None]) -> None:
        self._count = count
        self._newest = Newest()
        self._texts: list[_Text] = []  # of this file
        self._open: list[_Text] = []  # which only the other files settle
        self._documents: set[tuple[str | None, int]] = set()  # whose, and digest
        self._binaries: dict[str, str] = {}  # name to why it has no text, or nothing

    def add(self, resource: Json) -> None:
        """Add a resource that may be a note."""
        found = unread(resource, self._newest)
        kind = resource["resourceType"]
        if isinstance(found, str):
            self._count(kind, found)
        else:
            binaries = [part.binary for part in found if part.binary]
            digests = [part.digest for part in found]
            self._texts.append(_Text(kind, whose(resource), digests, binaries))

    def add_binary(self, address: object, resource: Json) -> None:
        """Add a Binary that others may name."""
        found = binary_part(resource)
        for name in binary_names(address, resource):
            self._binaries[name] = found if isinstance(found, str) else ""

    def end_file(self, names: Names) -> None:
        """Say whose the notes of this file are."""
        for text in self._texts:
            patient = names.id_of(text.patient, "Patient")
            if text.kind == DOCUMENT:
                self._documents.update((patient, digest) for digest in text.digests)
            if text.kind != DOCUMENT or text.binaries:
                self._open.append(text._replace(patient=patient))
        self._texts = []

    def finish(self, names: Names) -> None:
        """Count what only all files together tell."""
        documents = {(names.id_of(key, "Patient"), digest) for key, digest in self._documents}
        for kind, key, digests, binaries in self._open:
            patient = names.id_of(key, "Patient")
            if kind != DOCUMENT and {(patient, digest) for digest in digests} <= documents:
                self._count(kind, COPY)
                continue
            reasons = [self._binaries.get(name, BEHIND) for name in binaries]
            if reasons and all(reasons):
                self._count(kind, reasons[0])


def unread(resource: Json, newest: Newest) -> list[Part] | str:
    """Return the texts of a resource, or why it is left out."""
    kind = resource["resourceType"]
    again = newest.reason(resource)
    if again is not None:
        return again
    reason = left_out(resource)
    return parts_of(resource) if reason is None else reason.removeprefix(f"{kind} ")

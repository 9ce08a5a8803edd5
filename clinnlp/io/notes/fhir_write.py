"""FHIR R4 written out: notes as documents, and what their mentions state, in a bundle or as lines.

=========================== ===============================================================
note                        DocumentReference
=========================== ===============================================================
id                          ``id``; one that FHIR does not allow is ``identifier``, beside a
                            UUID that is made of it
text                        ``content.attachment``: base64 of UTF-8, with its size and SHA-1
patient, encounter          ``subject``, ``context.encounter``; where they are no ids: by
                            identifier
time                        ``context.period.start``
known                       ``date``
kind                        ``type.text``
all else                    extension ``urn:clinnlp:note``, see `clinnlp.io.notes.fhir_extensions`
=========================== ===============================================================

Behind each document stand the resources that its mentions state, by the tables of
`clinnlp.io.notes.fhir_statements`, and one Provenance: its targets are these resources, its source
is the document, and its agent the software with version and, where it is given, the hash of the
model. ``recorded`` is given or that of the note (`known`, else `time`), not of the clock, so that
the same notes are the same bytes.

Condition, MedicationStatement and FamilyMemberHistory must have a patient in R4. Where a note has
none, they are about a reference with the display ``unknown patient`` and the extension
``data-absent-reason``; nobody is made up. A time without zone counts as UTC.

A name that ends in ``.ndjson`` gets one resource a line, which refer to each other by type and id;
any other a bundle of type ``collection``, whose entries refer to each other by ``urn:uuid``. A
bundle asks a server for nothing: whether it takes these resources, and under which ids, is said
where they are sent. Nothing of a note is lost: `read_notes` gives back the same notes.

References
----------
https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/provenance.html,
https://hl7.org/fhir/R4/bundle.html
"""

import base64
import hashlib
import io
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import IO

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.places import is_stream
from clinnlp.io.files.lines import encode, write_bytes
from clinnlp.io.files.packing import check_packing, plain_name
from clinnlp.io.notes.documents import add_id
from clinnlp.io.notes.fhir import FHIR as READ
from clinnlp.io.notes.fhir_elements import (
    Json,
    absent,
    day_or_instant,
    fhir_id,
    instant,
    is_fhir_id,
    made_id,
    reference_to,
    text_of,
    with_value,
)
from clinnlp.io.notes.fhir_extensions import note_extension
from clinnlp.io.notes.fhir_statements import (
    CONDITION_LABELS,
    DRUG_LABELS,
    About,
    Labels,
    is_unassessed,
    left_out,
    statements,
)
from clinnlp.io.notes.sidecar import sidecar_path
from clinnlp.io.notes.values import check_values

__all__ = ["FHIR", "FhirSummary", "fhir_bundle", "write_fhir"]

_SOFTWARE = "clinnlp"
_NAMES = "urn:clinnlp:note"  # system of ids that FHIR does not allow
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEAD = '{"resourceType":"Bundle","type":"collection","entry":[\n'
_EMPTY = b'{"resourceType":"Bundle","type":"collection"}\n'  # FHIR has no empty lists
_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"


@dataclass(slots=True, kw_only=True)
class FhirSummary:
    """What was written: notes, their mentions, resources by type.

    `n_left_out` counts the mentions of which no resource was made, by the reason; they stand in
    the note alone. `n_unassessed` counts the others of which nobody looked whether they are negated
    or uncertain; their resources do not state them as facts.
    """

    n_notes: int = 0
    n_mentions: int = 0
    n_unassessed: int = 0
    n_resources: Counter[str] = field(default_factory=Counter)
    n_left_out: Counter[str] = field(default_factory=Counter)

    def __str__(self) -> str:
        said = [f"{n} {name}" for name, n in sorted(self.n_resources.items())]
        if self.n_left_out:
            reasons = (f"{reason}: {n}" for reason, n in sorted(self.n_left_out.items()))
            said.append(
                f"{self.n_left_out.total()} mentions in the note alone ({', '.join(reasons)})"
            )
        if self.n_unassessed:
            said.append(f"not assessed {self.n_unassessed}")
        return ", ".join(said) or "no resources"


def write_fhir(
    notes: Iterable[Note],
    path: str | Path,
    *,
    made_by: Mapping[str, str] | None = None,
    recorded: datetime | None = None,
    drug_labels: Sequence[str] = DRUG_LABELS,
    condition_labels: Sequence[str] = CONDITION_LABELS,
) -> FhirSummary:
    """Write notes and what their mentions state as FHIR R4; return what was written.

    Parameters
    ----------
    notes : iterable of Note
        Streamed.
    path : path
        A name in ``.ndjson`` gets lines, any other a bundle; ``.gz`` and ``.xz`` are packed. The
        file appears when it is whole.
    made_by : mapping of str to str, optional
        Beside the version of clinnlp, what made the mentions, by a name: such as ``model`` and its
        hash. It stands in each Provenance.
    recorded : datetime, optional
        When the mentions were made; absent: the time of each note.
    drug_labels, condition_labels : sequence of str
        Labels of the mentions that are drugs and conditions, in any case.

    Returns
    -------
    FhirSummary
        How many resources of each type were written, and what was left out, by reason.

    Raises
    ------
    ArgumentError
        A name in ``.xml``, or of another packing.
    DataError
        Two notes share an id, or a text cannot be written.
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.core.notes import Assertion, Entity
    >>> from clinnlp.core.spans import Span
    >>> folder = tempfile.TemporaryDirectory()
    >>> denied = Assertion(negated=True)
    >>> fever = Entity(id="T1", span=Span(7, 12), label="Problem", assertion=denied)
    >>> note = Note(id="n1", text="Denies fever.", patient="p1", entities=(fever,))
    >>> print(write_fhir([note], Path(folder.name, "notes.fhir.json")))
    1 Condition, 1 DocumentReference, 1 Provenance
    >>> folder.cleanup()
    """
    path = Path(path)
    check_packing(path, packs=True)
    if plain_name(path).endswith(".xml"):
        raise ArgumentError(f"FHIR must be written as .fhir.json or .fhir.ndjson, got {path}")
    labels = _folded(drug_labels, condition_labels)
    run = _Run(labels, made_by or {}, recorded, is_lines=plain_name(path).endswith(".ndjson"))
    with write_bytes(path) as handle:
        run.write(map(check_values, notes), handle, path)
    if not is_stream(path):
        sidecar_path(path).unlink(missing_ok=True)  # of what stood here before
    return run.summary


def fhir_bundle(notes: Iterable[Note], *, made_by: Mapping[str, str] | None = None) -> bytes:
    """Return notes and what their mentions state as a bundle, as `write_fhir` writes it.

    Raises
    ------
    DataError
        Two notes share an id, or a text cannot be written.

    Examples
    --------
    >>> bundle = json.loads(fhir_bundle([Note(id="n1", text="Denies fever.")]))
    >>> [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    ['DocumentReference', 'Provenance']
    """
    handle = io.BytesIO()
    labels = _folded(DRUG_LABELS, CONDITION_LABELS)
    run = _Run(labels, made_by or {}, None, is_lines=False)
    run.write(map(check_values, notes), handle, None)
    return handle.getvalue()


class _Run:
    """How resources are made of notes, and how many were."""

    def __init__(
        self,
        labels: Labels,
        made_by: Mapping[str, str],
        recorded: datetime | None,
        *,
        is_lines: bool,
    ) -> None:
        self.labels, self.recorded, self.is_lines = labels, recorded, is_lines
        self.device = _device(made_by)
        self.summary = FhirSummary()

    def write(self, notes: Iterable[Note], handle: IO[bytes], path: Path | None) -> None:
        seen: set[str] = set()
        mark = "\n" if self.is_lines else ",\n"
        before = "" if self.is_lines else _HEAD
        for note in notes:
            add_id(seen, note.id, path)
            lines = [self._line(resource) for resource in self._resources(note)]
            handle.write(encode(before + mark.join(lines), note=note.id))
            before = mark
            self.summary.n_notes += 1
        if self.is_lines:
            handle.write(b"\n" if seen else b"")
        else:
            handle.write(b"\n]}\n" if seen else _EMPTY)

    def _line(self, resource: Json) -> str:
        kind, name = resource["resourceType"], resource["id"]
        self.summary.n_resources[kind] += 1
        whole = resource if self.is_lines else {"fullUrl": _uuid(kind, name), "resource": resource}
        return json.dumps(whole, ensure_ascii=False, separators=(",", ":"))

    def _resources(self, note: Note) -> list[Json]:
        document = _document(note)
        about = About(note, self._reference(document), reference_to("Encounter", note.encounter))
        made = [document]
        for entity in note.entities:
            kind = self.labels.kind_of(entity)
            reason = left_out(note, entity, kind)
            self.summary.n_mentions += 1
            if reason is None:
                made += statements(about, entity, kind)
                self.summary.n_unassessed += is_unassessed(entity)
            else:
                self.summary.n_left_out[reason] += 1
        return [*made, self._provenance(about, made)]

    def _reference(self, resource: Json) -> Json:
        kind, name = resource["resourceType"], resource["id"]
        return {"reference": f"{kind}/{name}" if self.is_lines else _uuid(kind, name)}

    def _provenance(self, about: About, made: list[Json]) -> Json:
        note = about.note
        moment = self.recorded or note.known or note.time
        recorded = {"_recorded": {"extension": absent()}}  # R4 wants it
        return {
            "resourceType": "Provenance",
            "id": made_id("Provenance", note.id),
            "contained": [self.device],
            "target": [self._reference(resource) for resource in made],
            **({"recorded": instant(moment)} if moment else recorded),
            "agent": [
                {
                    "type": {"coding": [{"system": _AGENT, "code": "assembler"}]},
                    "who": {"reference": f"#{_SOFTWARE}", "display": _SOFTWARE},
                }
            ],
            "entity": [{"role": "source", "what": about.document}],
        }


def _folded(drugs: Sequence[str], conditions: Sequence[str]) -> Labels:
    return Labels(*(frozenset(map(str.casefold, labels)) for labels in (drugs, conditions)))


def _uuid(kind: str, name: str) -> str:
    """Return the address of a resource in a bundle; ids that are made are UUIDs already."""
    return f"urn:uuid:{name if _UUID.fullmatch(name) else made_id(kind, name)}"


def _device(made_by: Mapping[str, str]) -> Json:
    from clinnlp import __version__  # looked up in the files of the installation

    versions = {_SOFTWARE: __version__, **made_by}
    named = ((text_of(name), text_of(value)) for name, value in versions.items())
    return {
        "resourceType": "Device",
        "id": _SOFTWARE,
        "deviceName": [{"name": _SOFTWARE, "type": "model-name"}],
        "version": [{"type": {"text": n}, "value": value} for n, value in named if n and value],
    }


def _document(note: Note) -> Json:
    """Return the document of a note, with what no element holds in an extension."""
    kind = text_of(note.kind or "")
    start = None if note.time is None else day_or_instant(note.time)
    date = None if note.known is None else instant(note.known)
    held = {
        "id": is_fhir_id(note.id),
        "patient": note.patient is None or is_fhir_id(note.patient),
        "encounter": note.encounter is None or is_fhir_id(note.encounter),
        "time": start is None or datetime.fromisoformat(start) == note.time,
        "known": date is None or datetime.fromisoformat(date) == note.known,
        "kind": kind != "" and kind == note.kind,
    }
    stay = reference_to("Encounter", note.encounter)
    named = {"system": _NAMES, "value": text_of(note.id) or "?"}
    return with_value(
        {
            "resourceType": "DocumentReference",
            "id": fhir_id(note.id),
            "extension": note_extension(note, {name for name, is_held in held.items() if is_held}),
            "identifier": [] if held["id"] else [named],
            "status": "current",
            "type": with_value({"text": kind}),
            "subject": reference_to("Patient", note.patient),
            "date": date,
            "content": [{"attachment": _attachment(note.text)}],
            "context": with_value(
                {"encounter": [stay] if stay else [], "period": with_value({"start": start})}
            ),
        }
    )


def _attachment(text: str) -> Json:
    raw = text.encode("utf-8", "surrogatepass")
    digest = hashlib.sha1(raw, usedforsecurity=False).digest()  # the kind that R4 wants
    return with_value(
        {
            "contentType": "text/plain; charset=utf-8",
            "data": base64.b64encode(raw).decode(),
            "size": len(raw),
            "hash": base64.b64encode(digest).decode(),
        }
    )


def _write(notes: Iterable[Note], path: Path) -> int:
    return write_fhir(notes, path).n_notes


FHIR = replace(READ, write=_write, suffixes=(".fhir.json", ".fhir.ndjson"))

"""FHIR R4: documents, reports and compositions as notes (the record: `io.record.fhir`).

=========================== ===============================================================
DocumentReference           note
=========================== ===============================================================
id                          id; of a second text ``id/2``
content.attachment          text: plain text where there is some, else that of HTML
subject                     ``patient``
context.encounter           ``encounter``
context.period.start        ``time``, else ``date``
date                        ``known``: when the reference was made
type                        ``kind``: its text, or the display or code of its first coding
=========================== ===============================================================

=========================== =================== ===========================================
note                        DiagnosticReport    Composition
=========================== =================== ===========================================
id                          ``DiagnosticReport/`` and its id; ``Composition/`` and its id
text                        ``presentedForm``,  narratives of the sections, under titles
                            else ``conclusion``
patient, encounter          ``subject``, ``encounter``
time                        effective           ``date``
known                       issued, else        ``date``
                            effective
kind                        ``code``            ``type``
=========================== =================== ===========================================

What is a text and what is none is said in `clinnlp.io.record.fhir_texts`; offsets count in what is
given as the note's text, of HTML without its markup. What is not to be read is left out, by the
table in `clinnlp.io.record.fhir_statuses`; a report is, where a document of the same patient has
the same data; and so is an older version behind a newer one. `Notes.n_excluded` counts them by
reason, as `read_fhir` does. What a reference means is said in `clinnlp.io.record.fhir_references`,
how files are kept in `clinnlp.io.record.fhir_resources`; a folder is read as one, documents first.
An entry without id has that of its ``fullUrl``. Times keep their zone. A year or month is its
first day.

References
----------
https://hl7.org/fhir/R4/documentreference.html
"""

from collections import Counter
from collections.abc import Iterator
from functools import cached_property, partial
from typing import NamedTuple

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import Note
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format
from clinnlp.io.notes.fhir_extensions import with_extension
from clinnlp.io.record.fhir_notes import COPY, DOCUMENT, Newest, binary_names, unread
from clinnlp.io.record.fhir_references import Names, needs_names, pointed
from clinnlp.io.record.fhir_resources import (
    LOOKS,
    entries_of,
    fhir_files,
    is_fhir_folder,
    is_fhir_zip,
    resources,
)
from clinnlp.io.record.fhir_texts import BEHIND, NOTES, Part, binary_part, text_of_part
from clinnlp.io.record.fhir_values import Json, coded, each, time_of

__all__ = ["FHIR"]

_FOREIGN = (KeyError, TypeError, AttributeError, IndexError)
_REPORTS = tuple(kind for kind in NOTES if kind != DOCUMENT)


class _Found(NamedTuple):
    """A text that is a note, and whose."""

    resource: Json
    position: int  # among the texts of its resource
    part: Part
    patient: str | None
    encounter: str | None


class _Pending:
    """A resource whose texts stand in Binary resources."""

    def __init__(self, kind: str, found: list[_Found]) -> None:
        self.kind = kind
        self.found = {one.part.binary: one for one in found}
        self.reason = BEHIND  # why none of them was read
        self.is_read = False


def _split(source: Source) -> Iterator[Document]:
    """Give the documents, then what may be a copy of one, then what stands in a Binary."""
    reader = _Reader(source)
    yield from reader.given((DOCUMENT,))
    if reader.has_reports:
        yield from reader.given(_REPORTS)
    if reader.has_pending:
        yield from reader.given(("Binary",))
        reader.count_pending()


class _Reader:
    def __init__(self, source: Source) -> None:
        files, _ = fhir_files(source)
        self._sources = [source._replace(path=path) for path in files]
        self._n_excluded: Counter[str] = Counter()
        if source.n_excluded is not None:
            self._n_excluded = source.n_excluded
        self._whom = _Whom(self._sources)
        self._newest = Newest()
        self._texts: set[int] = set()  # of documents: hashes of whose and which
        self._pending: dict[str, list[_Pending]] = {}  # by what the Binary is called
        self._failed: set[tuple[object, int]] = set()  # files, and which document of them
        self.has_reports = False  # at a first pass

    @property
    def has_pending(self) -> bool:
        return bool(self._pending)

    def given(self, kinds: tuple[str, ...]) -> Iterator[Document]:
        """Give the texts in resources of some types, what is left out, and what is wrong."""
        wanted, reports = _quoted(kinds), _quoted(_REPORTS)
        for source in self._sources:
            for position, document in enumerate(resources(source)):
                raw = document.data
                is_json = isinstance(raw, bytes)
                self.has_reports = self.has_reports or not is_json or any(r in raw for r in reports)
                if not is_json or any(kind in raw for kind in wanted):
                    yield from self._documents(document, position, source, kinds)

    def _documents(
        self, document: Document, position: int, source: Source, kinds: tuple[str, ...]
    ) -> Iterator[Document]:
        failure: DataError | None = None
        try:
            for address, resource in entries_of(document):
                if resource is not None and resource["resourceType"] in kinds:
                    yield from self._of(address, resource, document, source)
        except DataError as error:
            failure = error
        if failure is not None and (source.path, position) not in self._failed:
            self._failed.add((source.path, position))  # a later pass does not tell it again
            yield document._replace(data=failure)

    def _of(
        self, address: object, resource: Json, document: Document, source: Source
    ) -> Iterator[Document]:
        kind = resource["resourceType"]
        with instead_of(_FOREIGN, partial(_refusal, document, kind)):
            if kind == "Binary":
                given = self._of_binary(address, resource)
            else:
                given = self._of_note(resource, source)
        yield from (document._replace(data=one) for one in given)

    def _of_note(self, resource: Json, source: Source) -> list[_Found]:
        kind = resource["resourceType"]
        parts = unread(resource, self._newest)
        if isinstance(parts, str):
            self._n_excluded[f"{kind} {parts}"] += 1
            return []
        patient, encounter = self._whom.of(resource, source)
        texts = {hash((patient, part.digest)) for part in parts}
        if kind == DOCUMENT:
            self._texts |= texts
        elif texts <= self._texts:
            self._n_excluded[f"{kind} {COPY}"] += 1
            return []
        found = [_Found(resource, k, part, patient, encounter) for k, part in enumerate(parts)]
        if not parts[0].binary:
            return found
        pending = _Pending(kind, found)
        for name in pending.found:
            self._pending.setdefault(name, []).append(pending)
        return []

    def _of_binary(self, address: object, resource: Json) -> list[_Found]:
        part = binary_part(resource)
        given = []
        for name in sorted(binary_names(address, resource)):
            for pending in self._pending.get(name, ()):
                found = pending.found.pop(name, None)
                if isinstance(part, str):
                    pending.reason = part
                elif found is not None:
                    pending.is_read = True
                    given.append(found._replace(part=part))
        return given

    def count_pending(self) -> None:
        """Count the resources of whose texts none was found."""
        waiting = {id(one): one for listed in self._pending.values() for one in listed}
        lost = (f"{one.kind} {one.reason}" for one in waiting.values() if not one.is_read)
        self._n_excluded.update(lost)


def _quoted(kinds: tuple[str, ...]) -> list[bytes]:
    return [f'"{kind}"'.encode() for kind in kinds]


class _Whom:
    """Whom references mean: addresses by their own file, identifiers by all files.

    Either is read at the first reference that needs it.
    """

    def __init__(self, sources: list[Source]) -> None:
        self._sources = sources
        self._own: tuple[Source, Names] | None = None  # the names in the file that is read

    def of(self, resource: Json, source: Source) -> tuple[str | None, str | None]:
        """Return patient and encounter of a resource."""
        context = resource.get("context") or {}
        stays = each(resource.get("encounter"))
        if isinstance(context, list) or "reference" in context:  # of R5
            stays += each(context)
        else:
            stays += each(context.get("encounter"))
        named = (self._id_of(stay, "Encounter", resource, source) for stay in stays)
        patient = self._id_of(resource.get("subject"), "Patient", resource, source)
        return patient, next((name for name in named if name is not None), None)

    def _id_of(
        self, reference: Json | None, wanted: str, resource: Json, source: Source
    ) -> str | None:
        key = pointed(reference, wanted, resource)
        if key is None or not needs_names(key):
            return key
        if self._own is None or self._own[0] != source:
            self._own = source, _names([source])
        name = self._own[1].id_of(key, wanted)
        is_open = name is not None and needs_names(name) and len(self._sources) > 1
        return self._all.id_of(name, wanted) if is_open else name

    @cached_property
    def _all(self) -> Names:
        return _names(self._sources)


def _names(sources: list[Source]) -> Names:
    """Return whom the references in files mean, as far as they tell."""
    names = Names()
    for source in sources:
        found = resources(source)
        while True:
            try:
                document = next(found)
                if isinstance(document.data, dict) or Names.concern(document.data):
                    for address, resource in entries_of(document):
                        if resource is not None:
                            names.add(address, resource)
            except StopIteration:
                break
            except (DataError, *_FOREIGN):
                continue  # what is wrong is said where the notes are read
        if len(sources) > 1:
            names.end_file()
    return names


def _parse(document: Document) -> Note:
    resource, position, part, patient, encounter = document.data
    kind = resource["resourceType"]
    with instead_of(_FOREIGN, partial(_refusal, document, kind)):
        name = resource["id"] + ""
        name = name if kind == DOCUMENT else f"{kind}/{name}"
        spoken, known = _times(resource)
        note = Note(
            id=name if position == 0 else f"{name}/{position + 1}",
            text=text_of_part(part, document),
            patient=patient,
            encounter=encounter,
            time=time_of(spoken, document),
            known=time_of(known, document),
            kind=coded(resource.get("code" if kind == "DiagnosticReport" else "type"))[2],
        )
        is_own = kind == DOCUMENT and position == 0
        return with_extension(note, resource, document) if is_own else note


def _refusal(document: Document, kind: str, _: Exception) -> DataError:
    return document.wrong(f"a {kind} must have the form of FHIR R4")


def _times(resource: Json) -> tuple[object, object]:
    """Return of when a resource speaks, and when it could be read."""
    if resource["resourceType"] == "DiagnosticReport":
        period = resource.get("effectivePeriod") or {}
        spoken = resource.get("effectiveDateTime") or period.get("start")
        return spoken, resource.get("issued") or spoken
    context = resource.get("context") or {}
    period = context.get("period") if isinstance(context, dict) else None
    period = period or resource.get("period") or {}  # the second: R5
    return period.get("start") or resource.get("date"), resource.get("date")


FHIR = Format(
    suffixes=(".fhir.json", ".fhir.ndjson", ".fhir.xml"),
    looks={**LOOKS, ".zip": is_fhir_zip},
    split=_split,
    parse=_parse,
    in_folder=True,
    fits_folder=is_fhir_folder,
)

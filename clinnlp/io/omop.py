"""OMOP common data model 5.4: notes with their mentions, and the tables of a patient's record.

=========================== ===============================================================
NOTE, NOTE_NLP              in the note
=========================== ===============================================================
note_id, note_text          id, text
person_id                   ``patient``
visit_occurrence_id         ``encounter``
note_datetime, note_date    ``time``
note_title                  ``kind``
offset, lexical_variant     entity; the variant is checked against the text
note_nlp_concept_id         ``concepts``, unless 0
nlp_system                  ``source``
term_exists                 ``assertion.negated``: ``Y`` false, ``N`` true
term_modifiers              ``name=value`` between commas: ``label`` (else ``Term``), the other
                            axes of `assertion` as ``true`` or ``false``, ``concept``; any other
                            is an attribute
=========================== ===============================================================

A folder holds the tables as CSV, TSV (packed or not) or Parquet, each in a file of its name in
any case. The writer fills every column of NOTE and NOTE_NLP; ids of notes, patients and visits
must be whole numbers, as the model has them. What it cannot know is left empty (nlp_date) or 0
(concept ids of types). NOTE_NLP is held in memory while notes are read. The files
are for a database: text stands there exactly as it is, and a spreadsheet would run what looks like
a formula.

=========================== ===============================================================
table                       events (`read_omop`)
=========================== ===============================================================
PERSON                      patients: birth date where day or date is there, sex by concept
                            (8507 M, 8532 F)
VISIT_OCCURRENCE            encounters; an event of kind ``visit``, known when it began
DRUG_EXPOSURE               kind ``drug``; known when it began
CONDITION_OCCURRENCE        kind ``condition``; known when its visit ended (codes are given at
                            discharge), without a visit never
=========================== ===============================================================

A code is the concept id (vocabulary ``OMOP``), or where that is 0 the source value (``source``).

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_folder
from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.documents import Document, Format, Source, add_id
from clinnlp.io.lines import encode
from clinnlp.io.losses import refusal
from clinnlp.io.offsets import is_offset, place
from clinnlp.io.rows import column_names, read_rows
from clinnlp.io.timelines import Timelines, table_path, time_of

__all__ = ["OMOP", "read_omop"]

_NOTE = (
    *("note_id", "person_id", "note_date", "note_datetime", "note_type_concept_id"),
    *("note_class_concept_id", "note_title", "note_text", "encoding_concept_id"),
    *("language_concept_id", "provider_id", "visit_occurrence_id", "visit_detail_id"),
    *("note_source_value", "note_event_id", "note_event_field_concept_id"),
)
_NLP = (
    *("note_nlp_id", "note_id", "section_concept_id", "snippet", "offset", "lexical_variant"),
    *("note_nlp_concept_id", "note_nlp_source_concept_id", "nlp_system", "nlp_date"),
    *("nlp_datetime", "term_exists", "term_temporal", "term_modifiers"),
)
_ZERO = ("note_type_concept_id", "note_class_concept_id", "encoding_concept_id",
         "language_concept_id", "section_concept_id", "note_nlp_source_concept_id")  # fmt: skip
_EXISTS = {"Y": False, "N": True}
_TRUTH = {"true": True, "false": False}
_LABEL, _CONCEPT, _NO_LABEL = "label", "concept", "Term"
_SEX = {"8507": "M", "8532": "F"}
_NO_CONCEPT = ("", "0", None)

Row = dict[str, str | None]


# --- notes ---------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    folder = source.path if source.path.is_dir() else source.path.parent
    notes, mentions = table_path(folder, "note"), table_path(folder, "note_nlp")
    if notes is None:
        raise DataError("an OMOP folder must hold the table NOTE, got none", path=folder)
    found: dict[str | None, list[tuple[int, Row]]] = defaultdict(list)
    for line, row in _rows(mentions, _NLP) if mentions else ():
        found[row["note_id"]].append((line, row))
    for line, row in _rows(notes, _NOTE):
        yield Document(notes, line, (row, mentions, found.pop(row["note_id"], [])))


def _parse(document: Document) -> Note:
    row, path, mentions = document.data
    if row["note_id"] is None:
        raise document.wrong("note_id must be there, got none")
    line = document.line or 1
    when = "note_datetime" if row["note_datetime"] else "note_date"
    text = row["note_text"] or ""
    return Note(
        id=row["note_id"],
        text=text,
        patient=row["person_id"],
        encounter=row["visit_occurrence_id"],
        time=time_of(row[when], when, document.path, line),
        kind=row["note_title"],
        entities=tuple(
            _entity(row, k, text, document._replace(path=path, line=at))
            for k, (at, row) in enumerate(mentions, 1)
        ),
    )


def _entity(row: Row, position: int, text: str, document: Document) -> Entity:
    start, mention = row["offset"] or "", row["lexical_variant"] or ""
    if not is_offset(start) or not mention:
        raise document.wrong("a mention must have an offset and a lexical variant")
    (span,) = place(document, text, [(int(start), int(start) + len(mention))], mention)
    pairs = [x.partition("=") for x in (row["term_modifiers"] or "").split(",") if x.strip()]
    said = {name.strip(): value.strip() for name, _, value in pairs}
    axes: dict[str, Any] = {"negated": _EXISTS.get(row["term_exists"] or "")}
    axes |= {axis: _TRUTH.get(said.pop(axis)) for axis in AXES if said.get(axis) in _TRUTH}
    concept = row["note_nlp_concept_id"]
    concepts = [] if concept in _NO_CONCEPT else [str(concept)]
    concepts += [c for c in said.pop(_CONCEPT, "").split("|") if c]
    return Entity(
        id=f"T{position}",
        span=span,
        label=said.pop(_LABEL, _NO_LABEL),
        concepts=tuple(concepts),
        assertion=Assertion(**axes),
        attributes=said,
        source=row["nlp_system"],
    )


def _write(notes: Iterable[Note], path: Path) -> int:
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ArgumentError(f"a folder to write must be new or empty, got {path}")
    seen: set[str] = set()
    n_mentions = 0
    with (
        atomic_folder(path) as folder,
        open(folder / "NOTE.csv", "wb") as note_file,
        open(folder / "NOTE_NLP.csv", "wb") as nlp_file,
    ):
        note_file.write(_csv_line(_NOTE))
        nlp_file.write(_csv_line(_NLP))
        for note in notes:
            add_id(seen, note.id, path)
            raw = _csv_line(_full(_NOTE, _note_row(note)))
            for entity in note.entities:
                n_mentions += 1
                row = {"note_nlp_id": str(n_mentions), **_mention_row(note, entity)}
                nlp_file.write(_csv_line(_full(_NLP, row)))
            _check_order(note)
            note_file.write(raw)
    return len(seen)


def _note_row(note: Note) -> dict[str, str]:
    for name, value in (("ids", note.id), ("patients", note.patient), ("visits", note.encounter)):
        if not (value is None and name != "ids") and not (value or "").isdecimal():
            raise refusal("OMOP", note, f"{name} that are whole numbers", "others")
    if note.time is not None and note.time.tzinfo is not None:
        raise refusal("OMOP", note, "times without zone", "one with")
    if note.kind == "":
        raise refusal("OMOP", note, "no empty kind", "one")
    encode(note.text, note=note.id)
    return {
        "note_id": note.id,
        "person_id": note.patient or "",
        "note_date": note.time.date().isoformat() if note.time else "",
        "note_datetime": note.time.isoformat() if note.time else "",
        "note_title": note.kind or "",
        "note_text": note.text,
        "visit_occurrence_id": note.encounter or "",
    }


def _mention_row(note: Note, entity: Entity) -> dict[str, str]:
    whole = entity.concepts[:1] if entity.concepts and entity.concepts[0].isdecimal() else ()
    if whole == ("0",):
        whole = ()
    said: dict[str, Any] = {_LABEL: entity.label} if entity.label != _NO_LABEL else {}
    axes = zip(AXES, entity.assertion.axes, strict=True)
    said |= {axis: str(truth).lower() for axis, truth in axes if truth is not None}
    if entity.concepts[len(whole) :]:
        said[_CONCEPT] = "|".join(entity.concepts[len(whole) :])
    own = {_LABEL, _CONCEPT, *AXES}
    if own & entity.attributes.keys() or entity.parts or entity.assertion.cues:
        raise refusal("OMOP", note, "mentions of one piece without cues", "another")
    said |= entity.attributes
    for name, value in said.items():
        plain = isinstance(value, str) and value == value.strip() and value
        if not plain or not name or {",", "="} & {*name, *value} or name != name.strip():
            raise refusal(
                "OMOP", note, "labels, concepts and attributes without ',' and '='", "one with"
            )
    if any(not c or "|" in c for c in entity.concepts) or entity.source == "":
        raise refusal("OMOP", note, "concepts without '|' and no empty values", "another")
    negated = entity.assertion.negated
    return {
        "note_id": note.id,
        "offset": str(entity.span.start),
        "lexical_variant": note[entity.span],
        "note_nlp_concept_id": whole[0] if whole else "0",
        "nlp_system": entity.source or "",
        "term_exists": "" if negated is None else "N" if negated else "Y",
        "term_modifiers": ",".join(f"{name}={value}" for name, value in said.items()),
    }


def _check_order(note: Note) -> None:
    if [entity.id for entity in note.entities] != [f"T{k + 1}" for k in range(len(note.entities))]:
        raise refusal("OMOP", note, "entity ids T1, T2, ... in order", "others")


def _full(columns: Iterable[str], row: Mapping[str, str]) -> list[str]:
    return [row.get(name, "0" if name in _ZERO else "") for name in columns]


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


# --- record --------------------------------------------------------------------------------


def read_omop(folder: str | Path) -> Timelines:
    """Return patients, visits, drug exposures and conditions of a folder of OMOP tables.

    Raises
    ------
    DataError
        No table PERSON, a column that is missing, or a value of another form.
    """
    folder = Path(folder)
    person = table_path(folder, "person") if folder.is_dir() else None
    if person is None:
        raise DataError("an OMOP folder must hold the table PERSON, got none", path=folder)
    patients = [_patient(row, person, line) for line, row in _rows(person, _PERSON)]
    visits = {
        encounter.id: (encounter, row)
        for encounter, row in _visits(table_path(folder, "visit_occurrence"))
    }
    rows = [_event(row, "visit", "visit_concept_id", "visit_source_value", e.start, e.end, e.start)
            for e, row in visits.values()]  # fmt: skip
    ends = {name: encounter.end for name, (encounter, _) in visits.items()}
    for table, (kind, columns) in _EVENTS.items():
        path = table_path(folder, table)
        for line, row in _rows(path, _columns(columns)) if path else ():
            start, end = (_when(row, columns[x], path, line) for x in ("start", "end"))
            known = start if kind == "drug" else ends.get(row["visit_occurrence_id"] or "")
            rows.append(_event(row, kind, columns["code"], columns["source"], start, end, known))
    encounters = [encounter for encounter, _ in visits.values()]
    return Timelines(patients, encounters, EventTable.from_rows(rows), {})


_PERSON = (
    *("person_id", "gender_concept_id", "year_of_birth", "month_of_birth", "day_of_birth"),
    "birth_datetime",
)
_EVENTS = {
    "drug_exposure": (
        "drug",
        {
            "start": "drug_exposure_start",
            "end": "drug_exposure_end",
            "code": "drug_concept_id",
            "source": "drug_source_value",
            "id": "drug_exposure_id",
        },
    ),
    "condition_occurrence": (
        "condition",
        {
            "start": "condition_start",
            "end": "condition_end",
            "code": "condition_concept_id",
            "source": "condition_source_value",
            "id": "condition_occurrence_id",
        },
    ),
}
_VISIT = {
    "start": "visit_start",
    "end": "visit_end",
    "code": "visit_concept_id",
    "source": "visit_source_value",
    "id": "visit_occurrence_id",
}


def _columns(named: Mapping[str, str]) -> tuple[str, ...]:
    times = [f"{named[x]}_{unit}" for x in ("start", "end") for unit in ("datetime", "date")]
    return ("person_id", "visit_occurrence_id", named["code"], named["source"], *times)


def _rows(path: Path, wanted: Iterable[str]) -> Iterator[tuple[int, Row]]:
    """Yield the named cells; a column that is absent or empty is None, but an id must be there."""
    there = {name.lower(): name for name in column_names(path)}
    needed = [name for name in wanted if name in there or name in ("person_id", "note_id")]
    empty: Row = dict.fromkeys(wanted)
    for line, row in read_rows(path, [there.get(name, name) for name in needed]):
        cells = (None if cell in (None, "") else str(cell) for cell in row)
        yield line, {**empty, **dict(zip(needed, cells, strict=True))}


def _visits(path: Path | None) -> Iterator[tuple[Encounter, Row]]:
    for line, row in _rows(path, _columns(_VISIT)) if path else ():
        start, end = (_when(row, _VISIT[x], path, line) for x in ("start", "end"))
        name, patient = row["visit_occurrence_id"], row["person_id"]
        if name is None or patient is None:
            raise DataError("a visit must have its id and person_id", path=path, line=line)
        yield Encounter(id=name, patient=patient, start=start, end=end), row


def _when(row: Row, column: str, path: Path | None, line: int) -> datetime | None:
    name = f"{column}_datetime" if row[f"{column}_datetime"] else f"{column}_date"
    return time_of(row[name], name, path or Path(), line)


def _event(
    row: Row, kind: str, code: str, source: str,
    start: datetime | None, end: datetime | None, known: datetime | None,
) -> dict[str, Any]:  # fmt: skip
    coded = row[code] not in _NO_CONCEPT
    return {
        "patient": row["person_id"],
        "encounter": row["visit_occurrence_id"],
        "start": start,
        "end": end,
        "known": known,
        "code": row[code] if coded else row[source] or "0",
        "vocabulary": "OMOP" if coded else "source",
        "kind": kind,
    }


def _patient(row: Row, path: Path, line: int) -> Patient:
    born = time_of(row["birth_datetime"], "birth_datetime", path, line)
    parts = [row[f"{unit}_of_birth"] for unit in ("year", "month", "day")]
    day = None if born is None else born.date()
    if day is None and all(part and part.isdecimal() for part in parts):
        try:
            day = date(*(int(part or 0) for part in parts))
        except (ValueError, OverflowError):
            raise DataError("a birth date must be a day", path=path, line=line) from None
    return Patient(
        id=row["person_id"] or "", birth_date=day, sex=_SEX.get(row["gender_concept_id"] or "")
    )


OMOP = Format(
    suffixes=(),
    split=_split,
    parse=_parse,
    write=_write,
    holds=frozenset({"entities", "patient", "encounter", "time", "kind"})
    | {f"entity.{field}" for field in ("concepts", "assertion", "attributes", "source")},
    in_folder=True,
)

"""OMOP common data model 5.4: notes with their mentions (the record: `io.record.omop`).

=========================== ===============================================================
NOTE, NOTE_NLP              in the note
=========================== ===============================================================
note_id, note_text          id, text
person_id                   ``patient``
visit_occurrence_id         ``encounter``
note_datetime, note_date    ``time``; ``known`` at that hour, or at the end of a day without one
                            (which the model writes as midnight)
note_type_concept_id        0: nobody says where the note comes from, so ``known`` is missing
note_title                  ``kind``
offset, lexical_variant     entity; the variant is checked against the text, in any case
note_nlp_concept_id         ``concepts``, unless 0
nlp_system                  ``source``
term_exists, term_temporal  ``assertion``, see `clinnlp.io.notes.omop_terms`
term_modifiers              ``name=value`` between commas: ``label`` (else ``Term``), axes of
                            `assertion`, ``concept``; any other is an attribute
=========================== ===============================================================

A folder holds the tables as CSV, TSV (packed or not) or Parquet, each in a file of its name in
any case. The writer fills every column of NOTE and NOTE_NLP; ids of notes, patients and visits
must be whole numbers, as the model has them. What it cannot know is left empty (nlp_date) or 0
(concept ids of types). NOTE_NLP is held in memory while notes are read; its rows without
offset, and those of a note that is not there, are left out and counted. The files are for a
database: text stands there exactly as it is, and a spreadsheet would run what looks like a formula.

References
----------
https://ohdsi.github.io/CommonDataModel/cdm54.html
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_folder
from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.times import end_of_day
from clinnlp.io.files.lines import encode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, add_id
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import is_offset, place
from clinnlp.io.notes.omop_terms import assertion_of, axis_of, modifiers_of, words_of
from clinnlp.io.tables.cells import plain_names, table_path, time_of
from clinnlp.io.tables.omop_rows import NO_CONCEPT, OmopRow, omop_rows

__all__ = ["OMOP"]

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
_PLACE = ("note_id", "offset")
_ZERO = ("note_type_concept_id", "note_class_concept_id", "encoding_concept_id",
         "language_concept_id", "section_concept_id", "note_nlp_source_concept_id")  # fmt: skip
_LABEL, _CONCEPT, _NO_LABEL = "label", "concept", "Term"
_OF_EHR = "32831"  # type of a note from a health record, whose date is when it was written
_RANGE = re.compile(r"\s*(\d+)\s*(?:[-:]\s*(\d+)\s*)?")


def _has_notes(folder: Path) -> bool:
    notes = table_path(folder, "note")
    return notes is not None and {"note_id", "note_text"} <= plain_names(notes).keys()


def _split(source: Source) -> Iterator[Document]:
    folder = source.path if source.path.is_dir() else source.path.parent
    notes, mentions = table_path(folder, "note"), table_path(folder, "note_nlp")
    if notes is None:
        raise DataError("an OMOP folder must hold the table NOTE, got none", path=folder)
    n_excluded: Counter[str] = Counter() if source.n_excluded is None else source.n_excluded
    found = _mentions(mentions, n_excluded) if mentions else {}
    short: list[DataError] = []
    for line, row in _rows(notes, _NOTE, short):
        whole = (row, mentions, found.pop(row["note_id"], []))
        yield Document(notes, line, short.pop() if short else whole)
    left = sum(map(len, found.values()))
    n_excluded.update({"NOTE_NLP row of a note that is not in NOTE": left} if left else {})


def _mentions(
    path: Path, n_excluded: "Counter[str]"
) -> dict[str | None, list[tuple[int, OmopRow]]]:
    """Return the rows of NOTE_NLP by note, but for those that nothing places in one."""
    found: dict[str | None, list[tuple[int, OmopRow]]] = defaultdict(list)
    for line, row in _rows(path, _NLP):
        missing = next((name for name in _PLACE if row[name] is None), None)
        if missing is None:
            found[row["note_id"]].append((line, row))
        else:
            n_excluded[f"NOTE_NLP row without {missing}"] += 1
    return dict(found)


def _parse(document: Document) -> Note:
    row, path, mentions = document.data
    if row["note_id"] is None:
        raise document.wrong("note_id must be there, got none")
    line = document.line or 1
    when = "note_datetime" if row["note_datetime"] else "note_date"
    text = row["note_text"] or ""
    time = time_of(row[when], when, document.path, line)
    return Note(
        id=row["note_id"],
        text=text,
        patient=row["person_id"],
        encounter=row["visit_occurrence_id"],
        time=time,
        known=None if row["note_type_concept_id"] == "0" else _known_at(time),
        kind=row["note_title"],
        entities=tuple(
            _entity(row, k, text, document._replace(path=path, line=at))
            for k, (at, row) in enumerate(mentions, 1)
        ),
    )


def _entity(row: OmopRow, position: int, text: str, document: Document) -> Entity:
    (span,) = place(document, text, [_bounds(row, document)], row["lexical_variant"], any_case=True)
    modifiers = modifiers_of(row["term_modifiers"])
    assertion = assertion_of(row, modifiers)
    concept = row["note_nlp_concept_id"]
    first = () if concept in NO_CONCEPT else (str(concept),)
    others = [c for c in modifiers.pop(_CONCEPT, "").split("|") if c]
    return Entity(
        id=f"T{position}",
        span=span,
        label=modifiers.pop(_LABEL, _NO_LABEL),
        concepts=(*first, *others),
        assertion=assertion,
        attributes=modifiers,
        source=row["nlp_system"],
    )


def _bounds(row: OmopRow, document: Document) -> tuple[int, int]:
    """Return start and end, for which some write ``3`` and some ``3-8``."""
    found = _RANGE.fullmatch(row["offset"] or "")
    if found is None or not all(is_offset(part) for part in found.groups() if part):
        raise document.wrong("the offset of a mention must be a whole number, got another form")
    if not row["lexical_variant"]:
        raise document.wrong("a mention must have a lexical variant, got none")
    start, end = int(found[1]), found[2]
    return start, start + len(row["lexical_variant"]) if end is None else int(end)


def _known_at(time: datetime | None) -> datetime | None:
    """Return when a note of a time could be read; the model writes a day without hour as midnight.

    It is then the end of the day.
    """
    has_hour = time is not None and (time.hour, time.minute, time.second) != (0, 0, 0)
    return time if has_hour else end_of_day(time)


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
    _check_note(note)
    return {
        "note_id": note.id,
        "person_id": note.patient or "",
        "note_date": note.time.date().isoformat() if note.time else "",
        "note_datetime": note.time.isoformat() if note.time else "",
        "note_type_concept_id": "0" if note.known is None else _OF_EHR,
        "note_title": note.kind or "",
        "note_text": note.text,
        "visit_occurrence_id": note.encounter or "",
    }


def _check_note(note: Note) -> None:
    """Raise `DataError` for what NOTE cannot hold."""
    numbers = {"ids": note.id, "patients": note.patient, "visits": note.encounter}
    for name, value in numbers.items():
        if value is not None and not value.isdecimal():
            raise refusal("OMOP", note, f"{name} that are whole numbers", "others")
    if note.time is not None and note.time.tzinfo is not None:
        raise refusal("OMOP", note, "times without zone", "one with")
    if note.known is not None and note.known != _known_at(note.time):
        raise refusal("OMOP", note, "notes known when they were written", "one of another time")
    if note.kind == "":
        raise refusal("OMOP", note, "no empty kind", "one")
    encode(note.text, note=note.id)


def _mention_row(note: Note, entity: Entity) -> dict[str, str]:
    code, others = _coded(entity.concepts)
    modifiers = _modifiers(entity, others)
    _check_mention(note, entity, modifiers)
    return {
        "note_id": note.id,
        "offset": str(entity.span.start),
        "lexical_variant": note[entity.span],
        "note_nlp_concept_id": code,
        "nlp_system": entity.source or "",
        **words_of(entity.assertion),
        "term_modifiers": ",".join(f"{name}={value}" for name, value in modifiers.items()),
    }


def _coded(concepts: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the concept that has the column of its own, which holds numbers only, and the rest."""
    if concepts and concepts[0].isdecimal() and concepts[0] != "0":
        return concepts[0], concepts[1:]
    return "0", concepts


def _modifiers(entity: Entity, concepts: tuple[str, ...]) -> dict[str, Any]:
    modifiers: dict[str, Any] = {_LABEL: entity.label} if entity.label != _NO_LABEL else {}
    axes = zip(AXES, entity.assertion.axes, strict=True)
    modifiers |= {axis: str(truth).lower() for axis, truth in axes if truth is not None}
    if concepts:
        modifiers[_CONCEPT] = "|".join(concepts)
    return {**modifiers, **entity.attributes}


def _check_mention(note: Note, entity: Entity, modifiers: Mapping[str, Any]) -> None:
    """Raise `DataError` for what NOTE_NLP cannot hold, or what would be read as another."""
    own = {_LABEL, _CONCEPT, *AXES} & entity.attributes.keys()
    own |= {name for name, value in entity.attributes.items() if axis_of(name, str(value))}
    if own or entity.parts or entity.assertion.cues:
        raise refusal("OMOP", note, "mentions of one piece without cues", "another")
    if not all(_is_plain(name, value) for name, value in modifiers.items()):
        raise refusal(
            "OMOP", note, "labels, concepts and attributes without ',' and '='", "one with"
        )
    if any(not c or "|" in c for c in entity.concepts) or entity.source == "":
        raise refusal("OMOP", note, "concepts without '|' and no empty values", "another")


def _is_plain(name: str, value: Any) -> bool:
    """Return whether a modifier is read as it is written."""
    if not isinstance(value, str) or {",", "="} & {*name, *value} or ";" in name:
        return False
    return all(part and part == part.strip() for part in (name, value))


def _check_order(note: Note) -> None:
    if [entity.id for entity in note.entities] != [f"T{k + 1}" for k in range(len(note.entities))]:
        raise refusal("OMOP", note, "entity ids T1, T2, ... in order", "others")


def _full(columns: Iterable[str], row: Mapping[str, str]) -> list[str]:
    return [row.get(name, "0" if name in _ZERO else "") for name in columns]


def _csv_line(cells: Iterable[str]) -> bytes:
    line = io.StringIO(newline="")
    csv.writer(line).writerow(cells)
    return line.getvalue().encode()


def _rows(
    path: Path, wanted: Sequence[str], short: list[DataError] | None = None
) -> Iterator[tuple[int, OmopRow]]:
    return omop_rows(path, wanted, needed=("note_id",), short=short)


OMOP = Format(
    suffixes=(),
    split=_split,
    parse=_parse,
    write=_write,
    holds=frozenset({"entities", "patient", "encounter", "time", "known", "kind"})
    | {f"entity.{field}" for field in ("concepts", "assertion", "attributes", "source")},
    in_folder=True,
    packs=False,
    fits_folder=_has_notes,
)

"""Notes in tables: CSV, TSV and Parquet, with the columns that the caller names.

Absent, the columns are called ``id, text, patient, encounter, time, known, kind, label``, as they
are written, in any case of letters; where there is no such one, the id, the patient, the encounter
and the text may have a usual name, such as ``note_id`` and ``mrn`` (`USUAL`). What is missing stays
missing: an empty cell is ``None``, and a row without text is no note: it is left out and counted
(``Notes.n_excluded``). So is one whose whole text is ``nan``, ``None`` or ``NULL``, which programs
write where there was none. A note of empty text comes back from a table that was written here, and
from Parquet. Times are read as `tables.dates` reads them. Without an id column the id of a note is
the position of its row from 0, behind the name of its file (``notes-0``), so that the rows of two
files differ.

In CSV and TSV, which may be opened in a spreadsheet, text that it would run as a formula begins
with an apostrophe, which the reader takes off again: a last column ``guarded`` says of each row
where it stands (`core.formulas`). A program that reads such a file otherwise has to take it off
itself, as offsets count without it; in Parquet text stands as it is. Files of other programs have
no such column, and keep their apostrophes.

A table of mentions, which ``clinnlp extract`` writes (`io.tables.mentions`), holds no notes: its
``text`` is that of a mention. It is refused, unless the caller names the column of the text.
"""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.cells import MISSING
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.formulas import GUARDED, guarded, unguarded
from clinnlp.core.notes import Note
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.files.lines import encode, write_bytes
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, id_of
from clinnlp.io.notes.foreign import ANNOTATIONS
from clinnlp.io.notes.values import WITHOUT_TEXT, is_no_text
from clinnlp.io.tables.cells import text_of
from clinnlp.io.tables.columns import columns_named
from clinnlp.io.tables.dates import TimeReader, time_fault, time_reader
from clinnlp.io.tables.rows import DELIMITERS, FORMS, column_names, read_rows, table_form

__all__ = [
    "COLUMNS",
    "CSV",
    "PARQUET",
    "TSV",
    "Cells",
    "note_of_row",
    "usual_columns",
    "write_table",
]

COLUMNS = ("id", "text", "patient", "encounter", "time", "known", "kind", "label")

USUAL: Mapping[str, Sequence[str]] = {  # by preference
    "id": ("note_id", "noteid", "document_id", "documentid", "doc_id", "docid", "report_id"),
    "patient": ("patient_id", "patientid", "subject_id", "person_id", "pat_id", "mrn"),
    "encounter": ("encounter_id", "encounterid", "hadm_id", "visit_id", "visit_occurrence_id"),
    "text": ("note_text", "report_text", "document_text", "free_text"),
}

_TIMES = ("time", "known")
_NO_TEXT = "row without text"
_MENTION = frozenset({"note", "entity", "start", "end"})  # columns of each table of mentions
_ROWS = frozenset({"id", "text", "entities", "relations", "coverage"})  # columns of a data set
_SPANS = ANNOTATIONS - {
    *("label", "labels", "data", "context", "words", "word", "tag", "tags", "answer", "events"),
    *("projects", "concept", "cui", "cuis", "start", "end", "begin", "offset", "offsets"),
    *("passages", "entity", "mention", "annotation_id"),
}  # columns that hold mentions in the cell of a text
_LISTED = re.compile(r"\s*\[\s*[{\[]")  # of spans, in a cell
_LABELS = ("label", "type", "entity_type", "category", "tag", "entity_label")
_BOUNDS = (("start", "end"), ("begin", "end"), ("start_offset", "end_offset"), ("start", "stop"))


class Cells(NamedTuple):
    """How the cells of a row are read."""

    read_time: TimeReader = time_reader(Dialect())
    column_of: Mapping[str, str] = {}  # of each field, as the table calls it
    empty_text: bool = False  # a note may be of empty text, for the table tells it from none


def write_table(notes: Iterable[Note], path: str | Path, *, form: str | None = None) -> int:
    """Write notes as a table, CSV, TSV or Parquet by suffix or `form`, and return how many.

    Raises
    ------
    DataError
        A note with several labels, an empty id or other empty value, or for Parquet a time with
        a zone: the table would not give it back.
    """
    path = Path(path)
    form = table_form(path, form)
    rows = map(_values, notes)
    return _write_parquet(rows, path) if form == "parquet" else _write_csv(rows, path, form)


def _split(source: Source, *, form: str) -> Iterator[Document]:
    """Give the rows; without names, of the columns called as in `COLUMNS`."""
    path, named = source.path, dict(source.columns)
    names = column_names(path, form=form, dialect=source.dialect)
    guards = [GUARDED] if form != "parquet" and names.count(GUARDED) == 1 else []
    unknown = sorted(set(named) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    if "text" not in named:
        _refuse_mentions(names, path)
    usual = usual_columns(named, names)
    named = {"text": "text", **(named or columns_named(COLUMNS, names)), **usual}
    wanted = [*named.values(), *guards]
    short: list[DataError] = []
    rows = read_rows(path, wanted, form=form, dialect=source.dialect, short=short)
    cells = Cells(
        read_time=time_reader(source.dialect),
        column_of=named,
        empty_text=bool(guards) or form == "parquet",
    )
    n_excluded: Counter[str] = Counter() if source.n_excluded is None else source.n_excluded
    for n, (line, values) in enumerate(rows):
        data = short.pop() if short else (_fields(named, values, guards), cells)
        if isinstance(data, tuple) and _has_no_text(data[0]["text"], cells):
            n_excluded[_NO_TEXT] += 1
        else:
            yield Document(path, line, data, id_of(path, n))


def usual_columns(named: Mapping[str, str], names: Sequence[str]) -> dict[str, str]:
    """Return the columns that are taken by their usual names, by field.

    Where the caller names some, the id, the patient and the encounter are looked for as well.

    Parameters
    ----------
    named : mapping of str to str
        Those that the caller names, by field.
    names : sequence of str
        The columns of the table.

    Examples
    --------
    >>> usual_columns({}, ["Note_ID", "mrn", "text"])
    {'id': 'Note_ID', 'patient': 'mrn'}
    >>> usual_columns({}, ["id", "note_id", "text"])
    {}
    >>> usual_columns({"text": "body"}, ["id", "note_id", "body"])
    {'id': 'id'}
    """
    own = {} if named else columns_named(COLUMNS, names)
    wanted = [field for field in USUAL if field not in named and field not in own]
    found = {field: columns_named((field, *USUAL[field]), names) for field in wanted}
    taken = {field: next(iter(columns.values())) for field, columns in found.items() if columns}
    return {field: name for field, name in taken.items() if name not in named.values()}


def _has_no_text(text: object, cells: Cells) -> bool:
    return text is None or (not cells.empty_text and isinstance(text, str) and is_no_text(text))


def _refuse_mentions(names: Sequence[str], path: Path) -> None:
    if set(names) >= _MENTION:
        raise DataError(
            "a table of notes must have a note in each row, got a table of mentions that `clinnlp "
            "extract` wrote; give the notes that it was extracted from, extract to .jsonl to keep "
            "notes and mentions together, or give this table to `clinnlp mine`",
            path=path,
        )
    plain = {name.strip().lower() for name in names}
    if any({*pair} <= plain for pair in _BOUNDS) and plain & {*_LABELS}:
        raise DataError(
            "a table of notes must have a note in each row, got a table of spans; put it into a "
            "folder with the table of the texts (format='spans', --format spans), or name the "
            "column of the text",
            path=path,
        )
    if plain >= _ROWS:
        raise DataError(
            "a table of notes must hold no mentions, got the rows of a data set that to_dataset "
            "made; give what its to_json writes, or load it and give it to clinnlp.from_dataset",
            path=path,
        )
    others = sorted(plain & _SPANS)
    if others:
        raise DataError(
            f"a table of notes must hold no mentions, got the column {others[0]!r}; name the "
            "columns to read, or give the notes as JSON",
            path=path,
        )


def _fields(
    named: Mapping[str, str], values: Sequence[Any], guards: Sequence[str]
) -> dict[str, Any]:
    """Return the cells by field, those that are said to be guarded as they were."""
    cells = dict(zip(named, values, strict=not guards))
    if guards and values[-1]:
        said = values[-1].split()
        at = [field for field, column in named.items() if column in said]
        cells |= {field: unguarded(cells[field]) for field in at}
    return cells


def _parse(document: Document) -> Note:
    values, cells = document.data
    return note_of_row(values, document.name, document.path, document.line, cells=cells)


def note_of_row(
    values: dict[str, Any],
    unnamed: str,
    path: str | Path,
    line: int | None,
    *,
    cells: Cells | None = None,
) -> Note:
    """Return the note of one row, by field; its id is `unnamed` where the row names none.

    Raises
    ------
    DataError
        A time that is none, a value that is not text, an empty id, or no text.
    """
    cells = cells or Cells()
    made: dict[str, Any] = {f: _cell(f, value, cells, path, line) for f, value in values.items()}
    text = values["text"] if isinstance(values["text"], str) else made["text"]
    if _has_no_text(text, cells):
        raise DataError(WITHOUT_TEXT, path=path, line=line)
    if "id" in made and made["id"] is None:
        raise DataError("each note must have an id, got an empty one", path=path, line=line)
    label = made.pop("label", None)
    if isinstance(label, str) and _LISTED.match(label):
        raise DataError(
            "a label must be the name of a class, got a list of spans; give the notes as JSON",
            path=path,
            line=line,
        )
    labels = () if label is None else (label,)
    return Note(**{"id": unnamed, **made, "text": text, "labels": labels})


def _cell(
    field: str, value: Any, cells: Cells, path: str | Path, line: int | None
) -> str | datetime | None:
    def refusal(error: Exception) -> DataError:
        column = cells.column_of.get(field, field)
        said = f"{field} must be text or a number, got another form in column {column!r}"
        if field in _TIMES:
            said = time_fault(error, f"{field} must be an ISO 8601 time", column)
        return DataError(said, path=path, line=line)

    with instead_of((ValueError, TypeError), refusal):  # which quotes the cell
        return _time(value, cells.read_time) if field in _TIMES else text_of(value)


def _time(value: Any, read: TimeReader) -> datetime | None:
    if value is None or (isinstance(value, str) and value.strip().lower() in MISSING):
        return None
    if isinstance(value, datetime):
        return _plain(value)
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        raise TypeError
    return read(value)


def _plain(value: datetime) -> datetime | None:
    """Return a time of pandas as a plain one; its missing time is the one that is not itself."""
    if value != value:
        return None
    plain = getattr(value, "to_pydatetime", None)
    stamp: datetime = value if plain is None else plain(warn=False)
    return stamp


# --- writing -------------------------------------------------------------------------------


def _values(note: Note) -> dict[str, Any]:
    if len(note.labels) > 1:
        raise DataError("a table holds one label of a note, got several", note=note.id)
    values = {
        "id": note.id,
        "text": note.text,
        "patient": note.patient,
        "encounter": note.encounter,
        "time": note.time,
        "known": note.known,
        "kind": note.kind,
        "label": note.labels[0] if note.labels else None,
    }
    if any(value == "" for field, value in values.items() if field != "text"):
        raise DataError("a table holds no empty value but the text; use None", note=note.id)
    return values


def _write_csv(rows: Iterable[dict[str, Any]], path: Path, form: str) -> int:
    n = 0
    line = io.StringIO(newline="")
    writer = csv.DictWriter(line, (*COLUMNS, GUARDED), delimiter=DELIMITERS[form])
    with write_bytes(path) as handle:
        writer.writeheader()
        for row in rows:
            times = {key: row[key] and row[key].isoformat() for key in _TIMES}
            writer.writerow(_guarded_row({**row, **times}))
            handle.write(encode(line.getvalue(), note=row["id"]))
            line.seek(0)
            line.truncate()
            n += 1
        handle.write(line.getvalue().encode())
    return n


def _guarded_row(row: dict[str, Any]) -> dict[str, Any]:
    made = {key: guarded(cell) for key, cell in row.items() if cell and guarded(cell) is not cell}
    return {**row, **made, GUARDED: " ".join(made)}


def _write_parquet(rows: Iterable[dict[str, Any]], path: Path) -> int:
    from clinnlp.io.tables.parquet import write_parquet

    return write_parquet(map(_checked, rows), path, COLUMNS, times=_TIMES)


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    encode(row["text"], note=row["id"])
    if any(row[field] is not None and row[field].tzinfo is not None for field in _TIMES):
        raise DataError("Parquet holds times without zone, got one with", note=row["id"])
    return row


def _format(form: str) -> Format:
    return Format(
        suffixes=(f".{form}",),
        split=partial(_split, form=form),
        parse=_parse,
        write=partial(write_table, form=form),
        holds=frozenset({"patient", "encounter", "time", "known", "kind", "labels"}),
        packs=form != "parquet",
        named=True,
    )


CSV, TSV, PARQUET = (_format(form) for form in FORMS)

"""Notes in tables: CSV, TSV and Parquet, with the columns that the caller names.

Absent, the columns are called ``id, text, patient, encounter, time, known, kind, label``, as they
are written. What is missing stays missing: an empty cell is ``None``, except that a note without
text is a note of empty text. Times are ISO 8601. Without an id column the id of a note is the
position of its row from 0, behind the name of its file (``notes-0``), so that the rows of two
files differ.

In CSV and TSV, which may be opened in a spreadsheet, text that it would run as a formula begins
with an apostrophe, which the reader takes off again: a last column ``guarded`` says of each row
where it stands (`core.formulas`). A program that reads such a file otherwise has to take it off
itself, as offsets count without it; in Parquet text stands as it is. Files of other programs have
no such column, and keep their apostrophes.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.formulas import GUARDED, guarded, unguarded
from clinnlp.core.notes import Note
from clinnlp.io.files.lines import encode, write_bytes
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, id_of
from clinnlp.io.tables.cells import text_of
from clinnlp.io.tables.rows import DELIMITERS, FORMS, column_names, read_rows, table_form

__all__ = ["COLUMNS", "CSV", "PARQUET", "TSV", "note_of_row", "write_table"]

COLUMNS = ("id", "text", "patient", "encounter", "time", "known", "kind", "label")

_TIMES = ("time", "known")
_TIME_FORM = "an ISO 8601 time such as 2024-03-01T08:00:00"


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
    guards = _guards(source, form)
    unknown = sorted(set(named) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    if not named:
        names = column_names(path, form=form, encoding=source.encoding)
        named = {name: name for name in COLUMNS if name in names}
    named = {"text": "text", **named}
    wanted = [*named.values(), *guards]
    short: list[DataError] = []
    rows = read_rows(path, wanted, form=form, encoding=source.encoding, short=short)
    for n, (line, values) in enumerate(rows):
        data = short.pop() if short else _fields(named, values, guards)
        yield Document(path, line, data, id_of(path, n))


def _guards(source: Source, form: str) -> list[str]:
    """Return the column that says where cells are guarded, in a list, where there is one."""
    if form == "parquet":
        return []
    names = column_names(source.path, form=form, encoding=source.encoding)
    return [GUARDED] if names.count(GUARDED) == 1 else []


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
    return note_of_row(document.data, document.name, document.path, document.line)


def note_of_row(values: dict[str, Any], unnamed: str, path: str | Path, line: int | None) -> Note:
    """Return the note of one row, by field; its id is `unnamed` where the row names none.

    Raises
    ------
    DataError
        A time that is none, a value that is not text, or an empty id.
    """
    made: dict[str, Any] = {f: _cell(f, value, path, line) for f, value in values.items()}
    text = values["text"] if isinstance(values["text"], str) else made["text"] or ""
    if "id" in made and made["id"] is None:
        raise DataError("each note must have an id, got an empty one", path=path, line=line)
    label = made.pop("label", None)
    labels = () if label is None else (label,)
    return Note(**{"id": unnamed, **made, "text": text, "labels": labels})


def _cell(field: str, value: Any, path: str | Path, line: int | None) -> str | datetime | None:
    def refusal(_: Exception) -> DataError:
        form = _TIME_FORM if field in _TIMES else "text or a number"
        return DataError(f"{field} must be {form}, got another form", path=path, line=line)

    with instead_of((ValueError, TypeError), refusal):  # which quotes the cell
        return _time(value) if field in _TIMES else text_of(value)


def _time(value: Any) -> datetime | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, datetime):
        return _plain(value)
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        raise TypeError
    return datetime.fromisoformat(value.strip())


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
    )


CSV, TSV, PARQUET = (_format(form) for form in FORMS)

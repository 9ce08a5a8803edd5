"""Tables: notes, events, mentions and vocabularies in CSV, TSV, Parquet and DataFrames.

A hospital's own file works by naming its columns. What is missing stays missing: an empty cell
is ``None``, except that a note without text is a note of empty text. Times are ISO 8601. Without
an id column the id of a note is the position of its row from 0, behind the name of its file
where it has one (``notes-0``), so that the rows of two files differ.

Mentions and events in CSV and TSV may be opened in a spreadsheet: text that it would run as a
formula begins with an apostrophe, which the reader takes off again (`core.formulas`). Notes are
data, to be read by programs: their text stands there exactly as it is.

========================== ==================================================================
table                      columns
========================== ==================================================================
notes                      named by the caller; written as ``id, text, patient, encounter,
                           time, known, kind, label``
events                     as in `EventTable.SCHEMA`; ``patient`` and ``code`` are needed
mentions                   as in `EntityTable.SCHEMA`
vocabulary                 ``name``; also ``code`` (the folded name where absent), ``system``,
                           ``synonyms`` (separated by ``|``), ``label``
========================== ==================================================================
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime, time
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_path
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.core.vocab import Concept, Vocabulary, fold
from clinnlp.io.arrow import read_columns, write_columns
from clinnlp.io.documents import Document, Format, Source, add_id, id_of
from clinnlp.io.lines import encode, write_bytes
from clinnlp.io.rows import DELIMITERS, FORMS, check_columns, column_names, read_rows, table_form

__all__ = [
    "TABLES",
    "from_pandas",
    "read_entity_table",
    "read_events",
    "read_vocabulary",
    "write_entity_table",
    "write_events",
    "write_table",
]

COLUMNS = ("id", "text", "patient", "encounter", "time", "known", "kind", "label")

_TIMES = ("time", "known")
_CONCEPT = ("code", "system", "name", "synonyms", "label")
_CHUNK = 1_000  # notes written to Parquet at a time


def from_pandas(
    df: pd.DataFrame,
    *,
    text: str,
    id: str | None = None,
    patient: str | None = None,
    encounter: str | None = None,
    time: str | None = None,
    known: str | None = None,
    kind: str | None = None,
    label: str | None = None,
) -> list[Note]:
    """Return one note per row of a DataFrame.

    Parameters
    ----------
    df : DataFrame
    text : str
        Name of the column with the text; the others likewise, each optional.
    id : str, optional
        Absent: the position of the row from 0.
    time, known : str, optional
        What time the note speaks of, and when it could first be read: datetimes or ISO 8601.
    label : str, optional
        Becomes the one label of the note.

    Raises
    ------
    DataError
        A missing column, a repeated id, a time that is none.

    Examples
    --------
    >>> frame = pd.DataFrame({"note": ["No cough."], "mrn": [7], "dept": ["ENT"]})
    >>> notes = from_pandas(frame, text="note", patient="mrn", label="dept")
    >>> notes[0].id, notes[0].patient, notes[0].labels
    ('0', '7', ('ENT',))
    """
    named = _named(locals())
    check_columns(list(named.values()), [str(c) for c in df.columns])
    columns = [
        df[name].astype(object).where(df[name].notna(), None).tolist() for name in named.values()
    ]
    seen: set[str] = set()
    notes = []
    for row, values in enumerate(zip(*columns, strict=True)):
        notes.append(_note(dict(zip(named, values, strict=True)), str(row), f"row {row}", None))
        add_id(seen, notes[-1].id, f"row {row}")
    return notes


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


def read_events(path: str | Path, **columns: str) -> EventTable:
    """Return the structured events in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Parameters
    ----------
    path : str or Path
    **columns : str
        Which column is which of `EventTable.SCHEMA`, such as ``patient="subject_id"``. Absent:
        the columns have the names of the schema, and no others.

    Raises
    ------
    DataError
        A column that is missing, unknown, or of the wrong type; an event without patient or
        code.
    """
    table = read_columns(EventTable, path, columns)
    for name in ("patient", "code"):
        n_missing = sum(value is None for value in table[name])
        if n_missing:
            raise DataError(f"each event must have a {name}, got {n_missing} without", path=path)
    return table


def write_events(table: EventTable, path: str | Path) -> None:
    """Write events as CSV, TSV or Parquet by suffix, or without one as a folder of parts."""
    write_columns(table, path)


def read_entity_table(path: str | Path) -> EntityTable:
    """Return the mentions in a CSV, TSV or Parquet file, or a folder of Parquet parts.

    Raises
    ------
    DataError
        A column that is unknown, missing or of the wrong type.
    """
    return read_columns(EntityTable, path, {})


def write_entity_table(table: EntityTable, path: str | Path) -> None:
    """Write mentions as CSV, TSV or Parquet by suffix, or without one as a folder of parts."""
    write_columns(table, path)


def read_vocabulary(path: str | Path, *, label: str | None = None, **columns: str) -> Vocabulary:
    """Return the concepts in a CSV, TSV or Parquet file.

    Parameters
    ----------
    path : str or Path
    label : str, optional
        Label of every concept; else the column ``label``, else ``"Term"``.
    **columns : str
        Which column is ``name``, ``code``, ``system``, ``synonyms``; absent: those called so.

    Raises
    ------
    DataError
        No column of names, an empty name, or a code that stands there twice.
    """
    path = Path(path)
    unknown = sorted(set(columns) - set(_CONCEPT))
    if unknown:
        raise ArgumentError(
            f"columns of a vocabulary are {', '.join(_CONCEPT)}, got {', '.join(unknown)}"
        )
    names = column_names(path)
    named = {field: columns.get(field, field) for field in _CONCEPT}
    wanted = [f for f in _CONCEPT if f in columns or f == "name" or named[f] in names]
    concepts: list[Concept] = []
    codes: set[str] = set()
    for line, row in read_rows(path, [named[field] for field in wanted]):
        values = {field: _text(value) for field, value in zip(wanted, row, strict=True)}
        concepts.append(_concept(values, label, path, line))
        if concepts[-1].code in codes:
            raise DataError("codes of a vocabulary must be unique", path=path, line=line)
        codes.add(concepts[-1].code)
    return Vocabulary(concepts)


# --- reading -------------------------------------------------------------------------------


def _named(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Return field to column name for the fields that a caller named."""
    return {field: arguments[field] for field in COLUMNS if arguments[field] is not None}


def _split(source: Source, *, form: str) -> Iterator[Document]:
    """Give the rows; without names, of the columns called as in `COLUMNS`."""
    path, named = source.path, dict(source.columns)
    unknown = sorted(set(named) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    if not named:
        names = column_names(path, form=form, encoding=source.encoding)
        named = {name: name for name in COLUMNS if name in names}
    named = {"text": "text", **named}
    wanted = list(named.values())
    short: list[DataError] = []
    rows = read_rows(path, wanted, form=form, encoding=source.encoding, short=short)
    for n, (line, values) in enumerate(rows):
        data = dict(zip(named, values, strict=True)) if not short else short.pop()
        yield Document(path, line, data, id_of(path, n))


def _parse(document: Document) -> Note:
    if isinstance(document.data, DataError):
        raise document.data
    return _note(document.data, document.name, document.path, document.line)


def _note(values: dict[str, Any], unnamed: str, path: str | Path, line: int | None) -> Note:
    made: dict[str, Any] = {}
    for field, value in values.items():
        try:
            made[field] = _time(value) if field in _TIMES else _text(value)
            wrong = False
        except (ValueError, TypeError):
            wrong = True
        if wrong:
            form = (
                "an ISO 8601 time such as 2024-03-01T08:00:00"
                if field in _TIMES
                else "text or a number"
            )
            raise DataError(
                f"{field} must be {form}, got another form",
                path=path,
                line=line,
            )
    text = values["text"] if isinstance(values["text"], str) else made["text"] or ""
    if "id" in made and made["id"] is None:
        raise DataError("each note must have an id, got an empty one", path=path, line=line)
    label = made.pop("label", None)
    labels = () if label is None else (label,)
    return Note(**{"id": unnamed, **made, "text": text, "labels": labels})


def _text(value: Any) -> str | None:
    if isinstance(value, float):
        if value != value:
            return None
        return str(int(value)) if value.is_integer() else str(value)
    if isinstance(value, bytes | list | tuple | dict | set):
        raise TypeError
    return None if value is None or value == "" else str(value)


def _time(value: Any) -> datetime | None:
    if value is None or (isinstance(value, str) and not value.strip()) or value is pd.NaT:
        return None
    if isinstance(value, pd.Timestamp):
        stamp: datetime = value.to_pydatetime(warn=False)
        return stamp
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    if not isinstance(value, str):
        raise TypeError
    return datetime.fromisoformat(value.strip())


def _concept(values: Mapping[str, str | None], label: str | None, path: Path, line: int) -> Concept:
    name = (values["name"] or "").strip()
    if not name:
        raise DataError("each concept must have a name, got an empty one", path=path, line=line)
    synonyms = (s.strip() for s in (values.get("synonyms") or "").split("|"))
    return Concept(
        code=values.get("code") or fold(name),
        name=name,
        system=values.get("system") or "",
        synonyms=tuple(s for s in synonyms if s),
        label=label or values.get("label") or "Term",
    )


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
    writer = csv.DictWriter(line, COLUMNS, delimiter=DELIMITERS[form])
    with write_bytes(path) as handle:
        writer.writeheader()
        for row in rows:
            times = {key: row[key] and row[key].isoformat() for key in _TIMES}
            writer.writerow({**row, **times})
            handle.write(encode(line.getvalue(), note=row["id"]))
            line.seek(0)
            line.truncate()
            n += 1
        handle.write(line.getvalue().encode())
    return n


def _write_parquet(rows: Iterable[dict[str, Any]], path: Path) -> int:
    kinds = {field: pa.timestamp("us") if field in _TIMES else pa.string() for field in COLUMNS}
    schema = pa.schema(list(kinds.items()))
    n = 0
    with atomic_path(path) as temporary, pq.ParquetWriter(temporary, schema) as writer:
        for chunk in chunks(rows, _CHUNK):
            for row in chunk:
                _check_parquet(row)
            writer.write_table(pa.Table.from_pylist(chunk, schema=schema))
            n += len(chunk)
    return n


def _check_parquet(row: Mapping[str, Any]) -> None:
    encode(row["text"], note=row["id"])
    if any(row[field] is not None and row[field].tzinfo is not None for field in _TIMES):
        raise DataError("Parquet holds times without zone, got one with", note=row["id"])


TABLES = {
    form: Format(
        suffixes=(f".{form}",),
        split=partial(_split, form=form),
        parse=_parse,
        write=partial(write_table, form=form),
        holds=frozenset({"patient", "encounter", "time", "known", "kind", "labels"}),
    )
    for form in FORMS
}

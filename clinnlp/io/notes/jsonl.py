"""JSON Lines: the native form, one note per line, which holds everything a `Note` holds.

Keys are absent where a value is empty or ``None``; offsets are half-open code points into
``text``::

    {"id": "n1", "text": "...", "patient": "p1", "time": "2024-03-01T08:00:00",
     "entities": [{"id": "T1", "start": 5, "end": 12, "label": "Drug", "concepts": ["D1"],
                   "assertion": {"negated": true, "cues": {"negated": [0, 2]}}}],
     "relations": [{"id": "R1", "label": "Adverse", "roles": {"drug": ["T1"]}}]}

======================= ===========================================================
key of a note           value
======================= ===========================================================
id, text                text
patient, encounter      text
time, known             ISO 8601
kind                    text
labels                  list of text
tokens, sentences       list of [start, end]
sections                list of {start, end, kind, heading: [start, end]}
entities                list of {id, start, end, label, parts: [[start, end], ...],
                        concepts, assertion, attributes, score, source}
relations               list of {id, label, roles: {role: [id, ...]}, attributes,
                        score, source}
coverage                [n_seen, n_total]
======================= ===========================================================

An assertion has the axes as true or false (absent: not assessed) and ``cues``, axis to
[start, end]. The id of an entity or relation may be absent: it becomes ``T1``, ``T2``, ... or
``R1``, ``R2``, ... by position.

Lines of other programs are read where they say no more than a note does: ``{"text": ...}`` alone,
whose id is its position from 0 behind the name of the file (``notes-0``); ids of notes, patients
and encounters as whole numbers; one ``label``. Unknown keys are refused, by name where they are
those of an annotation tool. Where the caller says which key is the text, the id, ..., as of the
columns of a table, keys that nobody named are read over, but what may hold mentions is counted
(`Notes.n_excluded`). Rows of a data set of Hugging Face that `to_dataset` made are read as its
``to_json`` writes them.

A ``.json`` of such objects, one a line or in one array, is read too.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of, located
from clinnlp.core.notes import Note
from clinnlp.io.files.json_stream import json_items, json_value
from clinnlp.io.files.lines import byte_lines, decode
from clinnlp.io.files.packing import plain_name
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.datasets import is_row, record_of_row
from clinnlp.io.notes.documents import Format, file_writer, id_of
from clinnlp.io.notes.foreign import ANNOTATIONS
from clinnlp.io.notes.records import NOTE_KEYS, note_from_record, note_to_record
from clinnlp.io.notes.tools.tasks import first_task, is_array

__all__ = ["JSONL", "parse_note", "stands_in_lines"]

_NUMBERED = ("id", "patient", "encounter")
_PLAIN = {*_NUMBERED, "label"}
_PLACED = {"start", "end", "label"}


def stands_in_lines(path: Path) -> bool:
    """Return whether the name of a file says that each note stands on a line of its own."""
    return not plain_name(path).endswith(".json")


def parse_note(line: str, path: str | Path, number: int, name: str = "") -> Note:
    """Return the note of one line of a file, called `name` where it has no id.

    Raises
    ------
    DataError
        With file and line: not JSON, unknown keys, a value of the wrong type. `OffsetError` for
        a span outside the text.
    """
    with located(path, number):
        return note_from_record(_native(_object(line, path, number), name))


def _object(line: str, path: str | Path, number: int) -> Any:
    record = json_value(line)
    if record is None:
        said = "a line must be one JSON object, got broken JSON or an endless number"
        raise DataError(said, path=path, line=number)
    return record


def _native(record: Any, name: str) -> Any:
    """Return an object with its id, numbers as text and a label as labels."""
    if not isinstance(record, dict):
        return record
    made = _unpacked(record) if is_row(record) else dict(record)
    if not (made.keys() & _PLAIN or "id" not in made):
        return made
    if made.get("id") is None and name and type(made.get("text")) is str:
        made["id"] = name
    made |= {key: str(made[key]) for key in _NUMBERED if type(made.get(key)) is int}
    return _with_label(made)


def _unpacked(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row of a data set as an object of this form."""
    refusal = DataError("a row of a data set must be as to_dataset makes it, got another form")
    with instead_of((TypeError, ValueError, AttributeError, RecursionError), refusal):
        return record_of_row(row)


def _with_label(record: dict[str, Any]) -> dict[str, Any]:
    """Return an object with one label, as classifiers call it, as labels."""
    if "labels" in record or type(record.get("label", ())) not in (str, int, type(None)):
        return record
    label = record.pop("label")
    return record if label is None else {**record, "labels": [str(label)]}


def _split(source: Source) -> Iterator[Document]:
    named, path = dict(source.columns), source.path
    position = 0
    if stands_in_lines(path) or not is_array(path, source.encoding):
        found = byte_lines(path, source.encoding)
    else:
        found = json_items(path, None, source.encoding)
    for number, raw in found:
        if raw.strip():
            data = (raw, named) if named else raw
            yield Document(path, number, data, id_of(path, position))
            position += 1


def _parse(document: Document) -> Note:
    number = document.line or 1
    raw, named = document.data if isinstance(document.data, tuple) else (document.data, {})
    line = decode(raw, document.path, number)
    if not named:
        return parse_note(line, document.path, number, document.name)
    record = _object(line, document.path, number)
    if not isinstance(record, dict):
        raise document.wrong("a line must be one JSON object, got another value")
    with located(document.path, number):
        return note_from_record(_native(_renamed(record, named, document), document.name))


def _renamed(record: Mapping[str, Any], named: Mapping[str, str], document: Document) -> Any:
    """Return an object with the keys of a note, as the caller named them."""
    named = {"text": "text", **named}
    missing = [field for field, key in named.items() if key not in record]
    if missing:
        raise document.wrong(f"each line must have the key named for {missing[0]}, got none")
    for key in record.keys() & (ANNOTATIONS - NOTE_KEYS - {*named.values()}):
        document.leave_out(f"key {key!r} of JSON Lines that was not named")
    native = {key: value for key, value in record.items() if key in NOTE_KEYS - set(named)}
    return {**native, **{field: record[key] for field, key in named.items()}}


def _is_native(path: Path, encoding: str) -> bool:
    """Return whether the first object of a file has the keys of a note alone, and its marks."""
    task = first_task(path, encoding)
    if not isinstance(task.get("text"), str) or not task.keys() <= {*NOTE_KEYS, "label"}:
        return False
    listed = [task.get(key) or [] for key in ("entities", "labels")]
    if isinstance(task.get("label"), list) or not all(isinstance(each, list) for each in listed):
        return False
    entities, labels = (each[:1] for each in listed)
    is_placed = all(isinstance(one, dict) and one.keys() >= _PLACED for one in entities)
    return is_placed and all(isinstance(one, str) for one in labels)


def _encode(note: Note) -> str:
    return json.dumps(note_to_record(note), ensure_ascii=False, separators=(",", ":")) + "\n"


JSONL = Format(
    suffixes=(".jsonl", ".ndjson"),
    looks={".json": _is_native},
    split=_split,
    parse=_parse,
    write=file_writer(_encode),
    named=True,
)

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
``R1``, ``R2``, ... by position. Unknown keys are refused.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from clinnlp.core.errors import DataError, located
from clinnlp.core.notes import Note
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.lines import byte_lines, decode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.records import note_from_record, note_to_record

__all__ = ["JSONL", "parse_note"]


def parse_note(line: str, path: str | Path, number: int) -> Note:
    """Return the note of one line of a file.

    Raises
    ------
    DataError
        With file and line: not JSON, unknown keys, a value of the wrong type. `OffsetError` for
        a span outside the text.
    """
    record = json_value(line)
    if record is None:
        said = "a line must be one JSON object, got broken JSON or an endless number"
        raise DataError(said, path=path, line=number)
    with located(path, number):
        return note_from_record(record)


def _split(source: Source) -> Iterator[Document]:
    for number, raw in byte_lines(source.path, source.encoding):
        if raw.strip():
            yield Document(source.path, number, raw)


def _parse(document: Document) -> Note:
    number = document.line or 1
    return parse_note(decode(document.data, document.path, number), document.path, number)


def _encode(note: Note) -> str:
    return json.dumps(note_to_record(note), ensure_ascii=False, separators=(",", ":")) + "\n"


JSONL = Format(
    suffixes=(".jsonl", ".ndjson"), split=_split, parse=_parse, write=file_writer(_encode)
)

"""Tables as Spark takes them: columns in its words, and rows beside what became of each note.

One job gives two tables: rows of mentions or relations, and one row for each note. They travel as
one, told apart by ``n_rows``, which only a note has.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from clinnlp.core.arrow import arrow_schema, table_to_arrow
from clinnlp.core.columnar import Table

__all__ = ["NOTE_COLUMNS", "NoteRead", "both_columns", "both_rows"]

_WORDS = {
    "text": "string",
    "int": "bigint",
    "float": "double",
    "time": "timestamp_ntz",
    "flag": "boolean",
}
_OF_NOTE = {
    "n_rows": ("bigint", pa.int64()),
    "labels": ("array<string>", pa.list_(pa.string())),
    "error": ("string", pa.string()),
    "message": ("string", pa.string()),
}
_NOTE_FIELDS = [pa.field(name, of) for name, (_, of) in _OF_NOTE.items()]
NOTE_COLUMNS = ("note", *_OF_NOTE)


class NoteRead(NamedTuple):
    """What became of a note: its rows and labels, or the kind and words of its error."""

    note: str | None
    n_rows: int = 0
    labels: Sequence[str] = ()
    error: str | None = None
    message: str | None = None


def both_columns(kind: type[Table]) -> str:
    """Return names and types of the columns of rows and notes, as Spark writes them.

    Examples
    --------
    >>> from clinnlp.core.tables import EntityTable
    >>> both_columns(EntityTable)[:43]
    '`note` string, `patient` string, `encounter'
    """
    words = {name: _WORDS[how] for name, how in kind.SCHEMA.items()}
    words |= {name: word for name, (word, _) in _OF_NOTE.items()}
    return ", ".join(f"`{name}` {word}" for name, word in words.items())


def both_rows(table: Table, notes: Sequence[NoteRead]) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table, and those of its notes behind them."""
    schema = pa.schema([*arrow_schema(table.SCHEMA), *_NOTE_FIELDS])
    rows = pa.table(
        [*table_to_arrow(table).columns, *(pa.nulls(len(table), of.type) for of in _NOTE_FIELDS)],
        schema=schema,
    )
    told = {name: [getattr(note, name) for note in notes] for name in NOTE_COLUMNS}
    told["labels"] = [list(labels) for labels in told["labels"]]
    columns = [
        pa.array(told[of.name], of.type) if of.name in told else pa.nulls(len(notes), of.type)
        for of in schema
    ]
    for part in (rows, pa.table(columns, schema=schema)):
        yield from part.combine_chunks().to_batches()

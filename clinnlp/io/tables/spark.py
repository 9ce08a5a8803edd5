"""Tables as Spark takes them: columns in its words, and rows beside what became of each note.

One job gives two tables: rows of mentions or relations, and one row for each note. They travel as
one, told apart by ``n_rows``, which only a note has. Where relations come beside mentions, their
columns stand behind, under names of their own, which only a relation has.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pyarrow as pa

from clinnlp.core.arrow import arrow_schema, table_to_arrow
from clinnlp.core.columnar import Table

__all__ = ["BESIDE", "NOTE_COLUMNS", "NoteRead", "both_columns", "both_rows"]

BESIDE = "beside_"  # before the names of the columns of a second table

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


def both_columns(kind: type[Table], beside: type[Table] | None = None) -> str:
    """Return names and types of the columns of rows and notes, as Spark writes them.

    Those of a table `beside` follow.

    Examples
    --------
    >>> from clinnlp.core.tables import EntityTable
    >>> both_columns(EntityTable)[:43]
    '`note` string, `patient` string, `encounter'
    """
    words = {name: _WORDS[how] for name, how in kind.SCHEMA.items()}
    words |= {name: word for name, (word, _) in _OF_NOTE.items()}
    if beside is not None:
        words |= {f"{BESIDE}{name}": _WORDS[how] for name, how in beside.SCHEMA.items()}
    return ", ".join(f"`{name}` {word}" for name, word in words.items())


def both_rows(
    table: Table, notes: Sequence[NoteRead], beside: Table | None = None
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a table, those of one beside it, and those of its notes behind them."""
    schema = pa.schema([*arrow_schema(table.SCHEMA), *_NOTE_FIELDS])
    parts = [_named(table_to_arrow(table))]
    if beside is not None:
        more = table_to_arrow(beside)
        named = _named(more, BESIDE)
        for of in arrow_schema(beside.SCHEMA):
            schema = schema.append(pa.field(f"{BESIDE}{of.name}", of.type))
        parts.append(named | {"note": more.column("note")})
    told = {name: [getattr(note, name) for note in notes] for name in NOTE_COLUMNS}
    told["labels"] = [list(labels) for labels in told["labels"]]
    parts.append({name: pa.array(told[name], schema.field(name).type) for name in told})
    for columns in parts:
        n = len(columns["note"])
        full = [columns.get(of.name, pa.nulls(n, of.type)) for of in schema]
        yield from pa.table(full, schema=schema).combine_chunks().to_batches()


def _named(table: pa.Table, before: str = "") -> dict[str, pa.ChunkedArray]:
    return {f"{before}{name}": table.column(name) for name in table.column_names}

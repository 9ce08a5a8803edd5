"""Rows and notes travel to Spark as one table, told apart by `n_rows`."""

import pyarrow as pa

from clinnlp.core.arrow import arrow_schema
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.io.tables.spark import NOTE_COLUMNS, NoteRead, both_columns, both_rows

ROW = {"note": "n1", "label": "Drug", "start": 0, "end": 7, "n_concepts": 0, "negated": True}


def test_rows_come_first_and_notes_behind():
    table = EntityTable.from_rows([ROW])
    told = [NoteRead("n1", 1, ("ENT",)), NoteRead("n2", error="DataError", message="no text")]
    rows = pa.Table.from_batches(both_rows(table, told)).to_pylist()
    assert [row["n_rows"] for row in rows] == [None, 1, 0]
    assert (rows[0]["label"], rows[0]["negated"], rows[0]["historical"]) == ("Drug", True, None)
    assert [[row[name] for name in NOTE_COLUMNS] for row in rows[1:]] == [
        ["n1", 1, ["ENT"], None, None],
        ["n2", 0, [], "DataError", "no text"],
    ]
    assert rows[1]["label"] is None


def test_columns_in_words_are_those_of_the_rows():
    for kind, beside in ((EntityTable, None), (RelationTable, None), (EntityTable, RelationTable)):
        names = [column.split("`")[1] for column in both_columns(kind, beside).split(", ")]
        more = beside and beside({})
        made = pa.Table.from_batches(both_rows(kind({}), [NoteRead("n1")], more))
        assert names == made.column_names
        assert made.schema.field("time").type == arrow_schema(kind.SCHEMA).field("time").type

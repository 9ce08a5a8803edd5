"""Columns to Arrow and back."""

import numpy as np
import pyarrow as pa

from clinnlp.core.arrow import arrow_schema
from clinnlp.core.arrow import table_to_arrow as to_arrow
from clinnlp.core.tables import EntityTable
from clinnlp.io.tables.arrow import from_arrow

TABLE = EntityTable(
    {
        "note": ["n", None],
        "entity": ["T1", "T2"],
        "label": ["A", "B"],
        "start": [0, 1],
        "end": [1, 2],
        "text": ["x", ""],
        "n_concepts": [0, 1],
        "time": ["2024-01-01T00:00:01", "NaT"],
        "negated": [1, -1],
        "uncertain": [0, 0],
        "score": [0.5, np.nan],
    }
)


def test_missing_values_are_nulls():
    arrow = to_arrow(TABLE)
    assert arrow.schema == arrow_schema(EntityTable.SCHEMA)
    nulls = {name for name in arrow.column_names if arrow[name].null_count == 1}
    assert nulls == {"note", "time", "negated", "score"}
    assert arrow["negated"].to_pylist() == [True, None]
    assert arrow["concept"].null_count == 2


def test_back_again():
    back = from_arrow(EntityTable, to_arrow(TABLE))
    for name, kind in EntityTable.SCHEMA.items():
        assert back[name].dtype == TABLE[name].dtype
        assert np.array_equal(back[name], TABLE[name], equal_nan=kind in ("float", "time"))


def test_no_rows():
    empty = from_arrow(EntityTable, to_arrow(EntityTable({})))
    assert len(empty) == 0
    assert pa.types.is_timestamp(to_arrow(empty).schema.field("known").type)

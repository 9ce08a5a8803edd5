"""Tables of relations come back as they were, a formula guarded on the way."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.tables import RelationTable
from clinnlp.io.tables.relations import read_relation_table, write_relation_table

ROW = {
    "note": "n1", "patient": "p", "relation": "R1", "label": "causes", "first_role": "drug",
    "first": "T1", "first_label": "Drug", "first_text": "=aspirin", "second_role": "effect",
    "second": "T2", "second_label": "Problem", "second_text": "rash", "start": 3, "end": 20,
    "negated": 1, "rule": "relations_en.tsv:7", "score": 0.5,
}  # fmt: skip


@pytest.mark.parametrize("name", ["r.csv", "r.tsv", "r.parquet", "parts"])
def test_a_table_comes_back(tmp_path, name):
    table = RelationTable.from_rows([ROW, ROW | {"negated": 0, "score": float("nan")}])
    write_relation_table(table, tmp_path / name)
    again = read_relation_table(tmp_path / name)
    assert again.to_pandas().equals(table.to_pandas())


def test_another_table_is_refused(tmp_path):
    (tmp_path / "r.csv").write_text("note,label\nn,causes\n")
    with pytest.raises(DataError, match="start"):
        read_relation_table(tmp_path / "r.csv")

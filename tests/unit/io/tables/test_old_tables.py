"""Tables of mentions with what is said of a drug, and older ones without that column."""

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.tables import EntityTable
from clinnlp.features.baskets import baskets
from clinnlp.io.tables.mentions import read_entity_table, write_entity_table
from clinnlp.io.tables.parts import PartWriter

TABLE = EntityTable(
    {
        "note": ["n1", "n1", "n2"],
        "patient": ["p", "p", "p"],
        "label": ["Drug"] * 3,
        "start": [0, 9, 0],
        "end": [5, 16, 5],
        "text": ["Lasix", "aspirin", "Lasix"],
        "n_concepts": [0, 0, 0],
        "change": ["stop", None, "continue"],
    }
)


@pytest.mark.parametrize("name", ["m.csv", "m.tsv.gz", "m.parquet", "folder"])
def test_what_is_said_of_a_drug_is_written_and_read(tmp_path, name):
    write_entity_table(TABLE, tmp_path / name)
    assert read_entity_table(tmp_path / name)["change"].tolist() == ["stop", None, "continue"]


def test_it_goes_to_pandas_and_back():
    frame = TABLE.to_pandas()
    assert frame["change"].isna().tolist() == [False, True, False]
    assert EntityTable.from_pandas(frame)["change"].tolist() == ["stop", None, "continue"]


def old(table):
    return table.to_pandas().drop(columns="change")


def test_older_tables_are_read_and_pass_the_filter(tmp_path):
    old(TABLE).to_csv(tmp_path / "old.csv", index=False)
    frame = old(TABLE)
    flags = [name for name, kind in EntityTable.SCHEMA.items() if kind == "flag"]
    frame[flags] = frame[flags].astype("boolean")
    pq.write_table(pa.Table.from_pandas(frame, preserve_index=False), tmp_path / "old.parquet")
    for name in ("old.csv", "old.parquet"):
        table = read_entity_table(tmp_path / name)
        assert table["change"].tolist() == [None] * 3
        made = baskets(table)
        assert made.items == ("aspirin", "lasix")
        assert "stopped" not in made.n_excluded
    assert EntityTable.from_pandas(old(TABLE))["change"].tolist() == [None] * 3


def test_a_folder_begun_before_goes_on(tmp_path):
    with PartWriter(tmp_path, notes_per_part=1) as writer:
        writer.add("n1", TABLE.take([0, 1]))
    part = tmp_path / "part-00000.parquet"
    pq.write_table(pq.read_table(part).drop_columns(["change"]), part)  # as it was written then
    with PartWriter(tmp_path, notes_per_part=1) as writer:
        assert writer.done == {"n1"}
        writer.add("n2", TABLE.take([2]))
    assert read_entity_table(tmp_path)["change"].tolist() == [None, None, "continue"]


def test_a_frame_without_words_says_nothing():
    frame = pd.DataFrame({"start": [0], "end": [1], "n_concepts": [0], "change": [float("nan")]})
    assert EntityTable.from_pandas(frame)["change"].tolist() == [None]

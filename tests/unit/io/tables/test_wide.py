"""Wide tables in words: which cells are there, which columns are meant, what is refused."""

import zipfile

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.tables.wide import read_wide

TABLE = "id,age,a,b,c\nx,60,No,Steady,?\ny,70,Up,No,1\nz,80,,NONE,0\n"


def test_cells_say_whether_an_item_is_there(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE)
    held = read_wide(path, ["a:c"], unit="id")
    assert held.index.tolist() == ["x", "y", "z"]
    assert held.to_numpy().tolist() == [[0, 1, 0], [1, 0, 1], [0, 0, 0]]
    every = read_wide(path, [":"], unit="id").columns.tolist()
    assert every == ["id", "age", "a", "b", "c"]
    assert read_wide(path, ["c", "a"]).index.tolist() == ["1", "2", "3"]
    assert read_wide(path, ["b"], absent=["steady"])["b"].tolist() == [False, True, True]


def test_the_largest_table_of_a_zip_file(tmp_path):
    path = tmp_path / "t.zip"
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("folder/small.csv", "a\n")
        packed.writestr("folder/data.csv", TABLE)
    assert read_wide(path, ["a"])["a"].tolist() == [False, True, False]
    with zipfile.ZipFile(path, "w") as packed:
        packed.writestr("folder/data.csv", TABLE + "w,1\n")
    with pytest.raises(DataError, match=r"t.zip/folder/data.csv:5: a row must have 5 fields"):
        read_wide(path, ["a"])


def test_what_is_refused(tmp_path):
    path = tmp_path / "t.csv"
    path.write_text(TABLE + "x,1,1,1,1\n")
    with pytest.raises(DataError, match=r"t.csv:5: ids in 'id' must be unique"):
        read_wide(path, ["a"], unit="id")
    for items in (["c:a"], ["a:z"], ["nothing"]):
        with pytest.raises(DataError, match=r"columns are 'id', 'age'"):
            read_wide(path, items)
    (tmp_path / "broken.zip").write_text("no")
    with pytest.raises(DataError, match="must be whole"):
        read_wide(tmp_path / "broken.zip", ["a"])
    with zipfile.ZipFile(tmp_path / "empty.zip", "w") as packed:
        packed.writestr("readme.txt", "no table")
    with pytest.raises(DataError, match="must hold a CSV, TSV or Parquet table, got none"):
        read_wide(tmp_path / "empty.zip", ["a"])

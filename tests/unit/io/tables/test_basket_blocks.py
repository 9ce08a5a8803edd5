"""Baskets of a long Parquet table in blocks: what counts as a basket, and what is refused."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.io.tables.basket_blocks import basket_blocks


def written(path, **columns):
    pq.write_table(pa.table(columns), path)
    return path


def told(source, **options):
    """Return baskets, items and kinds, and each basket's items."""
    with basket_blocks(source, **options) as blocks:
        rows = [
            {blocks.items[j] for j in block.indices[block.indptr[i] : block.indptr[i + 1]]}
            for block in blocks
            for i in range(block.shape[0])
        ]
        return len(blocks), blocks.items, blocks.kinds, sorted(rows, key=sorted)


def test_a_basket_is_a_set_and_counts_without_an_item_too(tmp_path):
    path = written(
        tmp_path / "a.parquet",
        report=[3, 1, 3, 3, None, 2, 1],
        code=["iron", "rash", "rash", "iron", "lost", None, "  "],
        kind=["drug", "outcome", "outcome", "drug", "drug", "drug", "drug"],
    )
    wanted = (3, ("iron", "rash"), ("drug", "outcome"), [set(), {"iron", "rash"}, {"rash"}])
    for rows_per_block in (1, 2, 1000):
        assert told(path, unit="report", rows_per_block=rows_per_block) == wanted
    with basket_blocks(path, unit="report") as blocks:
        assert blocks.n_excluded == {"no_report": 1, "no_code": 2}
    n, items, _, rows = told(path, unit="report", kinds=["drug"])
    assert (n, items, rows) == (3, ("iron",), [set(), set(), {"iron"}])


@pytest.mark.parametrize(
    "ids",
    [["a", "", " \t", "a"], ["a", "None", None, "a"], [1.0, float("nan"), float("nan"), 1.0]],
    ids=["blank", "None", "nan"],
)
def test_a_blank_id_is_no_basket(tmp_path, ids):
    path = written(tmp_path / "a.parquet", patient=ids, code=["w", "x", "y", "z"], kind=["d"] * 4)
    with basket_blocks(path) as blocks:
        assert len(blocks) == 1
        assert blocks.n_excluded == {"no_patient": 2, "no_code": 0}


def test_a_name_of_two_kinds_is_two_items_and_whole_numbers_are_whole(tmp_path):
    written(
        tmp_path / "1.parquet",
        patient=[1.0, 2.0],
        code=["7", "pain"],
        kind=["drug", "outcome"],
    )
    written(tmp_path / "2.parquet", patient=[1, 2], code=[7, 8], kind=["drug", "drug"])
    written(tmp_path / "3.parquet", patient=["1"], code=["pain"], kind=["drug"])
    n, items, kinds, rows = told(tmp_path)
    assert (n, items) == (2, ("7", "8", "pain (drug)", "pain (outcome)"))
    assert kinds == ("drug", "drug", "drug", "outcome")
    assert rows == [{"7", "pain (drug)"}, {"8", "pain (outcome)"}]


def test_what_cannot_be_read_is_refused(tmp_path):
    path = written(tmp_path / "a.parquet", patient=[1], code=["a"], kind=["drug"])
    with pytest.raises(DataError, match="one column must be named 'report', got none"):
        told(path, unit="report")
    with pytest.raises(DataError, match="must be there, got none"):
        told(tmp_path / "none.parquet")
    with pytest.raises(ArgumentError, match="at least one Parquet file"):
        (tmp_path / "empty").mkdir()
        told(tmp_path / "empty")
    with pytest.raises(ArgumentError, match="rows_per_block must be at least 1"):
        told(path, rows_per_block=0)
    (tmp_path / "b.parquet").write_bytes(b"PAR1 not one PAR1")
    with pytest.raises(DataError, match="must be whole"):
        told(tmp_path / "b.parquet")
    nobody = pa.array([None], pa.string())
    written(tmp_path / "c.parquet", patient=nobody, code=["a"], kind=["drug"])
    with pytest.raises(DataError, match="a row must name a basket in 'patient'"):
        told(tmp_path / "c.parquet")


def test_a_full_disk_is_one_sentence_and_nothing_is_left(tmp_path, monkeypatch):
    import errno
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()

    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, "No space left on device")

    path = written(tmp_path / "a.parquet", patient=[1], code=["a"], kind=["drug"])
    monkeypatch.setattr("clinnlp.io.tables.basket_blocks.write_block", full)
    with pytest.raises(RunError, match="failed: the disk is full"):
        told(path)
    assert not list((tmp_path / "scratch").iterdir())

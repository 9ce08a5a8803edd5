"""Columns of a table as text, in parts."""

from datetime import datetime

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.tables.arrow_times import end_of_days
from clinnlp.io.tables.text_batches import text_batches


def cells(path, wanted, needed=()):
    return [
        row
        for batch in text_batches(path, wanted, needed=needed)
        for row in zip(*(batch.text(name).to_pylist() for name in wanted), strict=True)
    ]


@pytest.mark.parametrize("head", ["A,B", "a,b", ' A , "b" ', '"""a""",[b]', "\ufeffa,b"])
def test_names_are_free_in_case_and_quotes(tmp_path, head):
    (tmp_path / "t.csv").write_text(f"{head}\n1, x \n,\n", encoding="utf-8")
    assert cells(tmp_path / "t.csv", ["b", "a", "c"]) == [("x", "1", None), (None, None, None)]


def test_a_row_longer_than_a_block_is_read_with_those_around_it(tmp_path):
    long = "x" * (3 << 19)
    rows = [f"{k},{'y' * 100}" for k in range(12_000)]
    rows[11_000] = f'11000,"{long}"'
    (tmp_path / "t.csv").write_text("a,b\n" + "\n".join(rows) + "\n")
    found = cells(tmp_path / "t.csv", ["a", "b"])
    assert [a for a, _ in found] == [str(k) for k in range(12_000)]
    assert found[11_000][1] == long


def test_parts_are_small(tmp_path):
    (tmp_path / "t.csv").write_text("a,b\n" + "12345,67890\n" * 300_000)
    sizes = [len(batch) for batch in text_batches(tmp_path / "t.csv", ["a"], needed=[])]
    assert sum(sizes) == 300_000
    assert max(sizes) <= (1 << 20) // 12 + 1


@pytest.mark.parametrize("name", ["t.csv", "t.tsv"])
def test_an_empty_table_has_no_rows(tmp_path, name):
    (tmp_path / name).write_text("")
    assert cells(tmp_path / name, ["a"], ["a"]) == []
    (tmp_path / name).write_text("a\n")
    assert cells(tmp_path / name, ["a"], ["a"]) == []


def test_a_value_of_another_form_is_found_by_its_line(tmp_path):
    (tmp_path / "t.csv").write_text('note,n,t\n"two\nlines",1,2024-01-01\nx,Joe,Joe\n')
    (batch,) = text_batches(tmp_path / "t.csv", ["n", "t"], needed=[])
    for read, said in ((batch.numbers, "n must be a finite number"), (batch.times, "t must be")):
        with pytest.raises(DataError, match=rf"t\.csv:4: {said}") as caught:
            read(said[0])
        assert "Joe" not in str(caught.value)
        assert caught.value.__context__ is None


def test_times_in_each_form(tmp_path):
    rows = ("2024-01-01", "2024-01-01 08:00", "2024-01-01T08:00:00+02:00", "20240101", "")
    (tmp_path / "t.csv").write_text("t,x\n" + "".join(f"{row},x\n" for row in rows))
    (batch,) = text_batches(tmp_path / "t.csv", ["t"], needed=[])
    midnight = datetime(2024, 1, 1)
    assert batch.times("t").to_pylist() == [
        midnight, datetime(2024, 1, 1, 8), datetime(2024, 1, 1, 6), midnight, None
    ]  # fmt: skip
    ends = end_of_days(batch.times("t")).to_pylist()
    assert ends == [*[datetime(2024, 1, 1, 23, 59, 59)] * 4, None]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n3\n", r"t\.csv:3: a row must have 2 fields"),
        ("b\n1\n", r"t\.csv: one column must be named 'a', got none"),
        ("a,A,a\n1,2,3\n", r"t\.csv: one column must be named 'a', got several"),
        ('a,b\n1,"2\n', r"t\.csv:2: a field with quotes"),
        ('a,b\n1,2\n3,"4\n5,6\n7,8\n', r"t\.csv:3: a field with quotes"),
        (b"a,b\n1,2\n3,\xff\n", r"t\.csv:3: "),
    ],
)
def test_broken_tables_are_refused(tmp_path, text, message):
    (tmp_path / "t.csv").write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DataError, match=message):
        cells(tmp_path / "t.csv", ["a", "b"], ["a"])


def test_a_packed_table_that_breaks_off_is_refused(tmp_path):
    import gzip

    raw = gzip.compress(b"a,b\n" + b"1,2\n" * 10_000)
    (tmp_path / "t.csv.gz").write_bytes(raw[: len(raw) // 2])
    with pytest.raises(DataError, match="compressed data must be whole"):
        cells(tmp_path / "t.csv.gz", ["a"], ["a"])

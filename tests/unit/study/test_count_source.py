"""A table of counts: told by its columns, refused by its line, mined without reports."""

import pandas as pd
import pytest

from clinnlp import read_counts, read_signals
from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.io.files.dialect import Dialect

LINES = [
    "drug,event,a,n_drug,n_event,n",
    "statin,myalgia,20,100,38,1000",
    "iron,myalgia,18,500,38,1000",
    'iron,"rash; itch",6,500,10,1000',
]


def write(folder, lines, name="counts.csv"):
    path = folder / name
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("named", [False, True])
def test_the_command_mines_counts(tmp_path, capsys, named):
    lines, asked = LINES, []
    if named:
        lines = ["pt;ae;both;drug reports;pt reports;total", *(
            ";".join(row) for row in (
                ["statin", "myalgia", "20", "100", "38", "1000"],
                ["iron", "myalgia", "18", "500", "38", "1000"],
                ["iron", '"rash; itch"', "6", "500", "10", "1000"]))]  # fmt: skip
        asked = ["--columns", "drug=pt", "event=ae", "a=both", "n_drug=drug reports",
                 "n_event=pt reports", "n=total"]  # fmt: skip
    out = tmp_path / "out"
    out.mkdir()
    (out / "rules.csv").write_text("of an earlier run\n")
    assert main(["mine", str(write(tmp_path, lines)), *asked, "--out", str(out)]) == 0
    said = capsys.readouterr().out
    assert "PairCounts(3 pairs of 2 drugs and 2 events in 1000 reports)" in said
    assert "Signals(1 with q < 0.05 of m=4 candidates, unit='report')" in said
    signals = read_signals(out / "drug_events")
    assert {*signals["outcome"].tolist()} == {"myalgia", "rash; itch"}
    assert "rules, interactions of drugs" in (out / "report.md").read_text()
    assert not (out / "rules.csv").exists()


def test_parquet_is_a_source_too(tmp_path):
    frame = pd.read_csv(write(tmp_path, LINES))
    frame.to_parquet(tmp_path / "counts.parquet")
    one, two = (read_counts(tmp_path / f"counts.{end}") for end in ("csv", "parquet"))
    assert one.a.tolist() == two.a.tolist() == [20, 18, 6]
    assert one.event.tolist() == two.event.tolist()


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("iron,myalgia,39,500,38,1000", "a must be at most n_event"),
        ("iron,myalgia,x,500,38,1000", "'a' must hold whole numbers"),
        ("iron,myalgia,1.5,500,38,1000", "'a' must hold whole numbers"),
        ("iron,myalgia,,500,38,1000", "'a' must hold whole numbers"),
        ("iron,myalgia,18,500,38,999", "n must be one number in all rows"),
        ("statin,myalgia,18,100,38,1000", "a pair of drug and event must stand there once"),
        ("iron,myalgia,18,500", "a row must have 6 fields"),
    ],
)
def test_a_count_that_cannot_be_is_named_by_its_line(tmp_path, row, said):
    path = write(tmp_path, [*LINES[:2], row, LINES[3]])
    with pytest.raises(DataError, match=said) as caught:
        read_counts(path)
    assert caught.value.line == 3
    assert "myalgia" not in str(caught.value)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--min-cell", "5"], "without min_cell"),
        (["--strict"], "without strict"),
        (["--skip-bad"], "without skip_bad"),
        (["--unit", "note"], "without unit"),
        (["--max-len", "3"], "without max_len"),
    ],
)
def test_what_needs_the_reports_is_refused(tmp_path, capsys, asked, said):
    path = write(tmp_path, LINES)
    assert main(["mine", str(path), "--out", str(tmp_path / "out"), *asked]) == 2
    assert said in capsys.readouterr().err


def test_who_names_a_column_of_counts_means_counts(tmp_path, capsys):
    path = write(tmp_path, ["drug,event,n", "statin,myalgia,9"])
    asked = ["mine", str(path), "--columns", "a=both", "--out", str(tmp_path / "out")]
    assert main(asked) == 2
    assert "one column must be named 'both'" in capsys.readouterr().err


def test_names_that_reports_would_fold_are_told(tmp_path, capsys):
    lines = [*LINES, "Statin ,rash,5,90,11,1000"]
    assert main(["mine", str(write(tmp_path, lines)), "--out", str(tmp_path / "out")]) == 0
    assert "2 drugs and 0 events differ from another only in case" in capsys.readouterr().out
    assert main(["mine", str(write(tmp_path, LINES)), "--out", str(tmp_path / "out")]) == 0
    assert "differ from another" not in capsys.readouterr().out


def test_a_table_without_a_pair_is_refused(tmp_path, capsys):
    path = write(tmp_path, LINES[:1])
    assert main(["mine", str(path), "--out", str(tmp_path / "out")]) == 2
    assert "a table of counts must have a row per pair, got none" in capsys.readouterr().err


def one_count(folder, cell, sep=",", **said):
    """Return a count of all reports as it is read."""
    values = ["statin", "myalgia", "1", "1", "1", f'"{cell}"']
    path = write(folder, [sep.join(row) for row in (LINES[0].split(","), values)])
    return read_counts(path, dialect=Dialect(**said)).n_reports


@pytest.mark.parametrize(
    ("cell", "said", "n"),
    [
        ("1,000", {"decimal": "."}, 1000),
        ("1.000", {"decimal": ","}, 1000),
        ("1.000", {"decimal": "."}, 1),
        ("12,345,678", {}, 12345678),
        ("12.345.678", {}, 12345678),
        ("1 000", {}, 1000),
        ("1\u202f000", {}, 1000),
        ("1'000", {}, 1000),
        ("1000.0", {}, 1000),
        ("9007199254740993", {}, 9007199254740993),
    ],
)
@pytest.mark.parametrize("sep", [",", ";"])
def test_thousands_are_read_where_they_can_be_told(tmp_path, cell, said, n, sep):
    assert one_count(tmp_path, cell, sep, **said) == n


@pytest.mark.parametrize("cell", ["1,000", "1.000", "+20.000"])
@pytest.mark.parametrize("sep", [",", ";"])
def test_a_count_of_two_meanings_is_refused_with_the_way(tmp_path, cell, sep):
    with pytest.raises(DataError, match=r"say decimal \(--decimal\)") as caught:
        one_count(tmp_path, cell, sep)
    assert caught.value.line == 2


@pytest.mark.parametrize("cell", ["1,00", "1,0000", "10,00,000", "-1", "1e30", "9" * 30, "nan"])
def test_what_is_no_count_is_refused(tmp_path, cell):
    with pytest.raises(DataError, match="'n' must hold whole numbers from 0"):
        one_count(tmp_path, cell, decimal=".")

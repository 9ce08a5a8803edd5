"""Every source of baskets through the command line: one command from file to report."""

import csv

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.features.baskets import event_baskets
from clinnlp.features.exposure import exposure_baskets
from clinnlp.io.record.folders import stream_record
from clinnlp.study.settings import MineSettings
from clinnlp.study.sources import read_baskets
from tests.common.record_samples import MIMIC3, MIMIC4, OMOP, write_record


def write(path, *rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


@pytest.fixture
def prescriptions(tmp_path):
    return write(
        tmp_path / "p.csv",
        ["subject", "stay", "drug", "begin", "finish"],
        ["1", "11", "Lopressor", "2020-01-01", "2020-01-05"],
        ["1", "11", "METOPROLOL succinate", "2020-01-06", "2020-01-09"],
        ["1", "11", "Warfarin", "2020-01-04", "2020-01-20"],
        ["2", "12", "Warfarin", "2020-01-04", ""],
    )


COLUMNS = ("patient=subject", "encounter=stay", "code=drug", "start=begin", "end=finish")


def test_a_table_of_events_under_other_names(prescriptions):
    asked = {"columns": COLUMNS, "kind": "drug"}
    made = read_baskets(prescriptions, MineSettings(unit="encounter", **asked))
    assert made.items == ("metoprolol", "warfarin")
    assert made.matrix.toarray().tolist() == [[1, 1], [0, 1]]
    plain = read_baskets(prescriptions, MineSettings(unit="encounter", generic=False, **asked))
    assert plain.items == ("Lopressor", "METOPROLOL succinate", "Warfarin")
    periods = read_baskets(prescriptions, MineSettings(unit="exposure", **asked))
    assert periods.ids.tolist() == ["1/1", "1/2", "1/3"]
    assert periods.matrix.toarray().tolist() == [[1, 0], [1, 1], [0, 1]]
    assert periods.n_excluded["no_end"] == 1
    lasting = read_baskets(prescriptions, MineSettings(unit="exposure", default_days=3, **asked))
    assert len(lasting) == 4


def test_terms_fold_alike_in_a_table_and_it_is_told(tmp_path):
    spelled = ["Angioedema", "angioedema ", "ANGIOEDEMA", "Angioedema"] * 6
    rows = [(f"p{k}", "lisinopril", "drug") for k in range(24)]
    rows += [(f"p{k}", name, "outcome") for k, name in enumerate(spelled)]
    rows += [(f"q{k}", f"other {k % 3}", ("drug", "outcome")[k % 2]) for k in range(60)]
    source = write(tmp_path / "reports.csv", ["patient", "code", "kind"], *rows)
    assert main(["mine", str(source), "--out", str(tmp_path / "out")]) == 0
    told = (tmp_path / "out" / "report.md").read_text()
    assert "spelled alike: 2 spellings in 12 rows count as another spelling" in told
    rules = (tmp_path / "out" / "rules.csv").read_text()
    assert "Angioedema" in rules
    assert "ANGIOEDEMA" not in rules
    assert main(["mine", str(source), "--out", str(tmp_path / "as-is"), "--no-fold-terms"]) == 0
    assert "spelled alike" not in (tmp_path / "as-is" / "report.md").read_text()
    apart = read_baskets(source, MineSettings(fold_terms=False))
    assert {"Angioedema", "angioedema ", "ANGIOEDEMA"} <= set(apart.items)


def test_no_spelling_of_a_few_patients_is_shown_where_small_cells_are_withheld(tmp_path):
    spelled = ["RASH", "rash", "Rash"] * 4
    rows = [(f"p{k}", name, "outcome") for k, name in enumerate(spelled)]
    source = write(tmp_path / "reports.csv", ["patient", "code", "kind"], *rows)
    assert read_baskets(source, MineSettings()).items == ("RASH",)
    assert read_baskets(source, MineSettings(min_cell=4)).items == ("RASH",)
    assert read_baskets(source, MineSettings(min_cell=5)).items == ("rash",)


@pytest.mark.parametrize("suffix", ["csv", "tsv", "parquet"])
def test_a_table_of_any_form_gives_the_same_baskets(suffix, tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            "report": rng.integers(0, 300, 2000).astype(str),
            "code": rng.choice(["a", "B", "b", "c 1", "C  1", "\u00e9", "e\u0301"], 2000),
            "kind": rng.choice(["drug", "outcome", "lab"], 2000),
        }
    )
    path = tmp_path / f"t.{suffix}"
    if suffix == "parquet":
        frame.astype({"code": "category"}).to_parquet(path, row_group_size=300)
    else:
        frame.to_csv(path, sep="\t" if suffix == "tsv" else ",", index=False)
    columns = ("patient=report", "code=code", "kind=kind")
    made = read_baskets(path, MineSettings(columns=columns, generic=False))
    events = EventTable(frame.rename(columns={"report": "patient"}).to_dict("list"))
    usual = event_baskets(events, unit="patient")
    assert made.ids.tolist() == usual.ids.tolist()
    assert made.evidence.tolist() == usual.evidence.tolist()
    assert len(made.items) == len(usual.items) == 8


SAID = (
    ("--decimal", ","),
    ("--sep", ";"),
    ("--encoding", "latin1"),
    ("--time-format", "%d.%m.%Y"),
    ("--day-first",),
    ("--skip-bad",),
)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        *((command, said) for command in ("mine", "risk", "inspect") for said in SAID),
        *(("extract", said) for said in SAID[:-1]),  # which leaves out notes of a record too
    ],
)
def test_what_is_said_of_tables_is_refused_for_a_record(command, said, tmp_path, capsys):
    without = () if command == "extract" else ("NOTE", "NOTE_NLP")
    write_record(tmp_path / "record", OMOP, without=without)
    out = str(tmp_path / "o.jsonl")
    outs = {"mine": ["--out", out], "risk": ["--out", out], "extract": [out], "inspect": []}
    assert main([command, str(tmp_path / "record"), *outs[command], *said]) == 2
    name = said[0].removeprefix("--").replace("-", "_")
    assert f" must be read in its own form, got {name}; " in capsys.readouterr().err


def test_a_wide_table(tmp_path):
    path = write(tmp_path / "w.csv", ["id", "a", "b"], ["x", "No", "Up"], ["y", "Down", "Up"])
    made = read_baskets(path, MineSettings(items=("a:b",), columns=("unit=id",)))
    assert (made.ids.tolist(), made.unit, set(made.kinds)) == (["x", "y"], "id", {"drug"})
    assert made.matrix.toarray().tolist() == [[0, 1], [1, 1]]
    with pytest.raises(ArgumentError, match="columns of a wide table must be unit"):
        read_baskets(path, MineSettings(items=("a",), columns=("patient=id",)))


def test_stopped_drugs_are_mined_only_where_asked_for(prescriptions, tmp_path):
    path = write(
        tmp_path / "m.csv",
        ["patient", "entity", "label", "start", "end", "text", "n_concepts", "change"],
        ["1", "T1", "Drug", 0, 5, "Lasix", 0, "stop"],
        ["1", "T2", "Drug", 9, 16, "aspirin", 0, ""],
    )
    assert read_baskets(path, MineSettings()).items == ("aspirin",)
    assert read_baskets(path, MineSettings(with_stopped=True)).items == ("aspirin", "lasix")
    with pytest.raises(ArgumentError, match="with_stopped, label and strict choose mentions"):
        read_baskets(prescriptions, MineSettings(columns=COLUMNS, with_stopped=True))


def test_what_does_not_go_together_is_refused(prescriptions, tmp_path):
    with pytest.raises(ArgumentError, match="columns must be name=column pairs, got 'stay'"):
        read_baskets(prescriptions, MineSettings(columns=("stay",)))
    with pytest.raises(DataError, match="name them with columns or items"):
        read_baskets(prescriptions, MineSettings())
    with pytest.raises(ArgumentError, match="label and strict choose mentions"):
        read_baskets(prescriptions, MineSettings(columns=COLUMNS, strict=True))
    mentions = write(tmp_path / "m.csv", ["note", "entity", "start", "end", "n_concepts"],
                     ["n", "e", "0", "1", "0"])  # fmt: skip
    with pytest.raises(ArgumentError, match="unit exposure needs events"):
        read_baskets(mentions, MineSettings(unit="exposure"))
    for wrong in ({"gap_days": -1}, {"default_days": 0}, {"min_cell": -1}, {"unit": "stay"}):
        with pytest.raises(ArgumentError):
            MineSettings(**wrong)


def test_small_cells_are_withheld_from_what_is_written(prescriptions, tmp_path, capsys):
    command = ["mine", str(prescriptions), "--columns", *COLUMNS, "--kind", "drug", "--unit",
               "encounter", "--min-count", "1", "--out", str(tmp_path / "out")]  # fmt: skip
    assert main(command) == 0
    assert (tmp_path / "out" / "rules.csv").read_text().count("\n") == 3
    assert main([*command, "--min-cell", "5"]) == 0
    said = capsys.readouterr().out
    assert "withheld: items and rows from which a count of fewer than 5 patients follows" in said
    assert "Baskets(2 x 0 items" in said
    assert (tmp_path / "out" / "rules.csv").read_text().count("\n") == 1
    assert "metoprolol" not in (tmp_path / "out" / "report.html").read_text()


@pytest.mark.parametrize("min_cell", [0, 1])
@pytest.mark.parametrize("unit", ["patient", "encounter", "exposure"])
@pytest.mark.parametrize("tables", [OMOP, MIMIC3, MIMIC4], ids=["omop", "mimic3", "mimic4"])
def test_a_record_in_parts_gives_the_baskets_of_all_of_it(tmp_path, tables, unit, min_cell):
    record = stream_record(write_record(tmp_path, tables)).timelines()
    sets = read_baskets(tmp_path, MineSettings(unit=unit, min_cell=min_cell))
    whole = (
        exposure_baskets(record.events)
        if unit == "exposure"
        else event_baskets(record.events, unit=unit)
    )
    assert (sets.items, sets.ids.tolist()) == (whole.items, whole.ids.tolist())
    assert (sets.matrix != whole.matrix).nnz == 0
    assert sets.n_excluded == {**whole.n_excluded, **record.n_excluded}

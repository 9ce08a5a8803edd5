"""Flags of mine: each does what the argument of its name does in Python."""

import csv

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.counts import mine_counts
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions

KINDS = {"a": "drug", "b": "drug", "c": "drug", "x": "outcome", "old": "condition"}


@pytest.fixture(scope="module")
def frame():
    """Return 900 reports of three drugs; the ill are older and take a drug that harms nobody."""
    random = np.random.default_rng(1)
    old = random.random(900) < 0.5
    a, b = random.random((2, 900)) < 0.3
    c = random.random(900) < np.where(old, 0.6, 0.1)
    x = random.random(900) < np.where(a & b, 0.6, 0.05) + np.where(old, 0.2, 0.0)
    return pd.DataFrame({"a": a, "b": b, "c": c, "x": x, "old": old}).astype(int)


@pytest.fixture
def source(frame, tmp_path):
    """Write the reports as events, with a column for the age."""
    rows = [
        (str(k), code, KINDS[code], "old" if row.old else "young")
        for k, row in enumerate(frame.itertuples())
        for code in KINDS
        if getattr(row, code)
    ]
    path = tmp_path / "events.csv"
    pd.DataFrame(rows, columns=["report", "code", "kind", "age"]).to_csv(path, index=False)
    return path


def mined(source, tmp_path, *flags):
    """Return the tables that the command writes."""
    out = tmp_path / "out"
    columns = ["--columns", "patient=report", "code=code", "kind=kind", "--no-generic"]
    assert main(["mine", str(source), "--out", str(out), *columns, *flags]) == 0
    tables = {}
    for name in ("rules", "drug_events", "signals"):
        with (out / f"{name}.csv").open(encoding="utf-8") as handle:
            tables[name] = list(csv.DictReader(handle))
    return tables


def same(rows, mine, *columns):
    """Check that written rows are those of Python, whatever their order."""
    frame = mine.to_pandas()
    keys = [
        name for name in ("antecedents", "consequents", *getattr(mine, "keys", ())) if name in frame
    ]
    for key in keys[: 0 if hasattr(mine, "keys") else 2]:
        frame[key] = ["; ".join(sorted(items)) for items in frame[key]]
    theirs = {tuple(row[k] for k in keys): [row[c] for c in columns] for row in rows}
    ours = {
        tuple(row[k] for k in keys): [row[c] for c in columns] for row in frame.to_dict("records")
    }
    assert set(theirs) == set(ours)
    for key, values in ours.items():
        np.testing.assert_allclose(
            [float(v) if v else np.nan for v in theirs[key]], values, rtol=1e-6, err_msg=str(key)
        )


@pytest.fixture(scope="module")
def held(frame):
    kept = frame.loc[frame.any(axis=1)]
    return frame_baskets(kept, kinds=KINDS), kept


def test_strata(source, tmp_path, held):
    sets, kept = held
    tables = mined(source, tmp_path, "--strata", "age")
    groups = kept["old"].to_numpy(np.int64)
    python = mine_signals(sets, strata=groups)
    assert not np.allclose(python["expected"], mine_signals(sets)["expected"])
    same(tables["drug_events"], python, "expected", "mh_prr", "ebgm", "q_bh")
    pairs = mine_interactions(sets, strata=groups)
    same(tables["signals"], pairs, "expected", "omega", "p_additive", "q_bh")
    by_item = mined(source, tmp_path, "--strata", "old")
    assert by_item == tables


def test_adjust(source, tmp_path, held):
    sets, _ = held
    adjusted = mined(source, tmp_path, "--adjust")
    python = mine_signals(sets, adjust=True)
    same(adjusted["drug_events"], python, "odds_ratio_adjusted", "p", "q_bh")
    same(adjusted["signals"], mine_interactions(sets), "expected_adjusted", "q_bh")
    plain = mined(source, tmp_path, "--no-adjust")
    same(plain["drug_events"], mine_signals(sets), "odds_ratio_adjusted", "q_bh")
    python = mine_interactions(sets, adjust=False)
    assert np.isnan(python["expected_adjusted"]).all()
    same(plain["signals"], python, "expected_adjusted", "q_bh")
    usual = mined(source, tmp_path)
    assert usual["drug_events"] == plain["drug_events"]
    assert usual["signals"] == adjusted["signals"]


def test_min_margin(source, tmp_path, held):
    sets, kept = held
    margin = 1 + int(min(kept["a"].sum(), kept["b"].sum()))
    tables = mined(source, tmp_path, "--min-margin", str(margin))
    rules = mine_rules(sets, min_margin=margin)
    assert rules.m != mine_rules(sets).m
    same(tables["rules"], rules, "q_bh")
    same(tables["drug_events"], mine_signals(sets, min_margin=margin), "q_bh")
    same(tables["signals"], mine_interactions(sets, min_margin=margin), "q_bh")


def test_level_is_the_coverage_of_the_intervals(source, tmp_path, held):
    sets, _ = held
    tables = mined(source, tmp_path, "--level", "0.8")
    same(tables["rules"], mine_rules(sets, level=0.8), "lift_low", "odds_ratio_high")
    same(tables["drug_events"], mine_signals(sets, level=0.8), "prr_low", "ror_high", "ic_low")


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--strata", "age", "--min-cell", "5"], "strata and adjust cannot go with min_cell"),
        (["--adjust", "--min-cell", "5"], "strata and adjust cannot go with min_cell"),
        (["--strata", "weight"], "strata must name items, or columns of what is mined"),
        (["--strata", "report"], "different values in 'report'"),
        (["--min-margin", "0"], "min_margin must be at least 1"),
        (["--level", "95"], "95 % is 0.95"),
        (["--level", "nan"], "level must lie strictly"),
        (["--level", "salt"], "one of ingredient"),
        (["--level", "0.9", "0.8"], "one of ingredient"),
        (["--level", "ingredient"], "needs a terminology of the codes"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(source, tmp_path, capsys, flags, said):
    columns = ["--columns", "patient=report", "code=code", "kind=kind"]
    assert main(["mine", str(source), "--out", str(tmp_path / "o"), *columns, *flags]) == 2
    assert said in capsys.readouterr().err


def test_no_adjust_goes_with_min_cell(source, tmp_path):
    assert mined(source, tmp_path, "--min-cell", "5", "--no-adjust") == mined(
        source, tmp_path, "--min-cell", "5"
    )


def test_reports_without_patients_are_named_as_patients(source, tmp_path, capsys):
    columns = ["--columns", "encounter=report", "code=code", "kind=kind"]
    assert main(["mine", str(source), "--out", str(tmp_path / "o"), *columns]) == 2
    assert "each is one: patient=report" in capsys.readouterr().err


def test_counts_without_reports_have_margins_and_intervals_too(tmp_path):
    rows = [("a", "x", 30, 60, 90, 900), ("b", "x", 9, 40, 90, 900), ("a", "y", 5, 60, 30, 900)]
    table = pd.DataFrame(rows, columns=["drug", "event", "a", "n_drug", "n_event", "n"])
    table.to_csv(tmp_path / "counts.csv", index=False)
    flags = ["--min-margin", "35", "--level", "0.8", "--out", str(tmp_path / "out")]
    assert main(["mine", str(tmp_path / "counts.csv"), *flags]) == 0
    with (tmp_path / "out" / "drug_events.csv").open(encoding="utf-8") as handle:
        written = list(csv.DictReader(handle))
    python = mine_counts(table, min_margin=35, level=0.8)
    assert {row["outcome"] for row in written} == {"x"}
    same(written, python, "prr_low", "prr_high", "q_bh")
    assert main(["mine", str(tmp_path / "counts.csv"), "--strata", "sex", *flags]) == 2

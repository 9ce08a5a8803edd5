"""Mining with small cells withheld: files, pages and printed lines of any number of runs."""

import csv
import itertools

import numpy as np
import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.settings import MineSettings
from tests.unit.mine.small_cells_oracle import drawn, followed

WITH_A_B_NO_C = 2
CELLS = (141, WITH_A_B_NO_C, 30, 40, 50, 60, 70, 500)  # of abc, ab, ac, a, bc, b, c, none
FOUR = dict.fromkeys(itertools.product([0, 1], repeat=4), 7) | {
    (0, 0, 0, 0): 0, (0, 0, 0, 1): 9, (1, 1, 1, 0): 0, (1, 0, 0, 1): 2,
}  # fmt: skip


def wide(path, rows):
    pd.DataFrame(rows, columns=list("abcd")[: rows.shape[1]]).to_csv(path, index=False)
    return path


def events(path, rows, *, stays=None, kinds=("drug", "drug", "outcome", "condition")):
    """Write a row per item that somebody has; `stays` gives patient and stay of each row."""
    with open(path, "w", newline="") as handle:
        out = csv.writer(handle)
        out.writerow(["patient", "encounter", "start", "known", "code", "kind"])
        for k, row in enumerate(rows):
            who, stay = stays[k] if stays else (f"p{k}", f"e{k}")
            out.writerow([who, stay, "2020-01-01", "2020-01-01", "seen", "visit"])
            for code, kind, held in zip("abcd", kinds, row, strict=False):
                if held:
                    out.writerow([who, stay, "2020-01-01", "2020-01-01", code, kind])
    return path


def told(folder, source, **settings):
    """Return every count of a set of items that the tables of a run hold, by names."""
    result = mine_flow(source, out=folder, settings=MineSettings(**settings))
    counts = {(): len(result.baskets)}
    for row in pd.read_csv(folder / "rules.csv").to_dict("records"):
        a, c = (row[side].split("; ") for side in ("antecedents", "consequents"))
        named = ((a, "n_antecedent"), (c, "n_consequent"), (a + c, "n_both"), ((), "n"))
        counts |= {tuple(sorted(items)): row[n] for items, n in named}
    if not result.signals:
        return counts
    for row in pd.read_csv(folder / "drug_events.csv").to_dict("records"):
        pair = tuple(sorted([row["drug"], row["outcome"]]))
        counts |= {pair: row["n_both"], (row["drug"],): row["n_drug"]}
    for row in pd.read_csv(folder / "signals.csv").to_dict("records"):
        items = [row[name] for name in ("drug_1", "drug_2", "outcome")]
        for bits in itertools.product("01", repeat=3):
            held = [n for n in row if n.startswith("n_") and all(
                b == "0" or n[2 + k] == "1" for k, b in enumerate(bits))]  # fmt: skip
            part = tuple(sorted(i for i, b in zip(items, bits, strict=True) if b == "1"))
            counts[part] = sum(row[n] for n in held)
    return counts


def at_positions(counts):
    return {tuple(sorted("abcd".index(i) for i in items)): int(n) for items, n in counts.items()}


@pytest.mark.parametrize("seed", [4, 5, 8])
def test_no_small_cell_follows_from_the_tables_of_several_runs(tmp_path, seed):
    rows = drawn(seed, 4)
    source = wide(tmp_path / "wide.csv", rows)
    counts = {}
    for items, limits in (
        (("a:d",), {"min_count": 1, "max_len": 3}),
        (("a:d",), {"min_count": 9, "max_len": 2}),
        (("a:c",), {"min_count": 1, "max_len": 3}),
        (("b:d",), {"min_count": 1, "max_len": 3}),
    ):
        counts |= told(tmp_path / "out", source, items=items, min_cell=5, **limits)
    assert followed(rows, at_positions(counts), 5) == []


def test_no_small_cell_follows_from_rules_and_signals_side_by_side(tmp_path):
    rows = np.repeat(list(itertools.product([1, 0], repeat=3)), CELLS, axis=0)
    source = events(tmp_path / "events.csv", rows)
    counts = {}
    for max_len in (2, 3):
        counts |= told(tmp_path / "out", source, unit="encounter", max_len=max_len, min_cell=5)
    assert counts["a", "b"] == 143  # and 141 of them have c
    assert ("a", "b", "c") not in counts
    assert followed(rows, at_positions(counts), 5) == []


@pytest.mark.parametrize("limits", [{}, {"min_count": 1, "max_len": 3}])
def test_sources_that_differ_in_withheld_counts_alone_give_the_same_files(tmp_path, limits):
    """So no column, total, plot, page or line tells of them."""
    cells, written = list(itertools.product([1, 0], repeat=4)), []
    for n_small in (1, 4):
        counts = dict.fromkeys(cells, 12)
        # Of the third item and the fourth, which is rare, only these counts differ
        counts |= {c: 0 for c in cells if c[3]} | {(1, 1, 0, 0): 12 - n_small}
        counts |= {(0, 0, 0, 1): n_small, (0, 0, 0, 0): 12, (1, 1, 1, 0): 12}
        counts[1, 1, 0, 1], counts[0, 0, 0, 0] = n_small, 12 - n_small
        rows = np.repeat(list(counts), list(counts.values()), axis=0)
        (tmp_path / str(n_small)).mkdir()
        source = events(tmp_path / str(n_small) / "events.csv", rows)
        out = tmp_path / f"out-{n_small}"
        settings = MineSettings(unit="encounter", min_cell=12, **limits)
        lines = mine_flow(source, out=out, settings=settings).lines()[:-1]
        written.append((lines, {p.name: p.read_bytes() for p in sorted(out.iterdir())}))
    assert written[0] == written[1]
    assert b"seen" not in written[0][1]["report.html"]
    assert len(written[0][1]["rules.csv"].splitlines()) > 1


def test_stays_of_one_patient_do_not_pass_for_patients(tmp_path, capsys):
    rows = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [6, 20, 20, 20], axis=0)
    stays = [(f"p{max(k, 5)}", f"e{k}") for k in range(len(rows))]
    for name, given in (("apart", None), ("one", stays)):
        source = events(tmp_path / f"{name}.csv", rows, stays=given)
        call = ["mine", str(source), "--unit", "encounter", "--min-cell", "5", "--out"]
        assert main([*call, str(tmp_path / name)]) == 0
    assert "different patients are counted" in capsys.readouterr().out
    n_rows = [len(pd.read_csv(tmp_path / name / "rules.csv")) for name in ("apart", "one")]
    assert n_rows == [2, 0]


@pytest.mark.parametrize("kinds", ["columns", "kinds", "labels"])
def test_a_run_on_some_of_the_items_withholds_what_a_run_on_all_would(tmp_path, kinds):
    """Else four runs on three items each would fix the cells of all four."""
    rows = np.repeat(list(FOUR), list(FOUR.values()), axis=0)
    if kinds == "columns":
        run = (wide(tmp_path / "w.csv", rows), {"items": ("a:c",)})
    elif kinds == "kinds":
        of = ("drug", "drug", "drug", "lab")
        run = (events(tmp_path / "e.csv", rows, kinds=of), {})
    else:
        table = [
            [f"p{k}", f"n{k}", "T", label, 0, 1, code, 0]
            for k, row in enumerate(rows)
            for code, label, held in zip("abcd#", (*["Drug"] * 3, "Problem", "Other"), [*row, 1],
                                         strict=True) if held
        ]  # fmt: skip
        names = ["patient", "note", "entity", "label", "start", "end", "text", "n_concepts"]
        pd.DataFrame(table, columns=names).to_csv(tmp_path / "m.csv", index=False)
        run = (tmp_path / "m.csv", {"label": ("Drug",)})
    counts = told(tmp_path / "out", run[0], max_len=3, min_cell=5, **run[1])
    assert counts["a", "b"] > 0
    assert ("a", "b", "c") not in counts


def test_a_guarded_report_names_no_note_and_says_who_was_counted(tmp_path, capsys):
    rows = [[f"note{k}", "T1", "Drug", 0, 1, "aspirin" if k % 2 else "iron", 0] for k in range(40)]
    rows += [[f"note{k}", "T2", "Drug", 9, 10, "statin", 0] for k in range(20)]
    names = ["note", "entity", "label", "start", "end", "text", "n_concepts"]
    frame = pd.DataFrame(rows, columns=names).assign(negated=[True, *[False] * 59])
    frame.to_csv(tmp_path / "m.csv", index=False)
    call = ["mine", str(tmp_path / "m.csv"), "--unit", "note", "--out", str(tmp_path / "out")]
    assert main(call) == 0
    assert "note1" in (tmp_path / "out" / "report.md").read_text()
    assert main([*call, "--min-cell", "5"]) == 0
    said = capsys.readouterr().out
    assert "so each note counts as a patient" in said
    assert "negated 5" in said  # one, rounded up
    for page in ("report.md", "report.html"):
        text = (tmp_path / "out" / page).read_text()
        assert "statin" in text
        assert "note1" not in text
        assert "SHA-256" not in text


def test_larger_sets_are_refused_before_any_is_counted():
    with pytest.raises(ArgumentError, match="max_len must be at most 3 with min_cell, got 4"):
        MineSettings(max_len=4, min_cell=5)
    assert MineSettings(max_len=4, min_cell=1).max_len == 4


def test_tables_and_hashes_of_an_earlier_run_do_not_stay(tmp_path):
    out = tmp_path / "out"
    kinds = {"drug": "d", "outcome": "o"}
    for source, drugs in (("a.csv", kinds), ("b.csv", {"drug": "d"})):
        rows = [f"p{k},{code},{kind}" for k in range(9) for kind, code in drugs.items()]
        (tmp_path / source).write_text("\n".join(["patient,code,kind", *rows, ""]))
        min_cell = 0 if source == "a.csv" else 5
        mine_flow(tmp_path / source, out=out, settings=MineSettings(min_cell=min_cell))
        if source == "a.csv":
            assert {"drug_events.csv", "inputs.sha256"} <= {path.name for path in out.iterdir()}
    left = {path.name for path in out.iterdir()}
    assert left == {"rules.csv", "rules.parquet", "report.html", "report.md"}  # without a rule

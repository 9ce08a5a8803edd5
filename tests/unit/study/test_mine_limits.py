"""What the limits of a run of mining reach: rules, single drugs, pairs of drugs, counts."""

import itertools

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.settings import MineSettings

COLUMNS = ("patient=report", "code=code", "kind=kind")


@pytest.fixture
def source(tmp_path):
    """Write reports of two drugs and an outcome: 4 with all three, 30 with each other set."""
    rows = []
    for held in itertools.product([1, 0], repeat=3):
        for _ in range(4 if all(held) else 30):
            report = f"r{len(rows)}"
            rows.append((report, "visit", "condition"))
            each = zip(("a", "b", "bleed"), ("drug", "drug", "outcome"), held, strict=True)
            rows += [(report, code, kind) for code, kind, has in each if has]
    path = tmp_path / "reports.csv"
    pd.DataFrame(rows, columns=["report", "code", "kind"]).to_csv(path, index=False)
    return path


def least_of(source, out, **limits):
    """Return the least joint count of each table."""
    settings = MineSettings(columns=COLUMNS, generic=False, max_len=3, **limits)
    found = mine_flow(source, out=out, settings=settings)
    joint = {"rules": found.rules["n_both"]}
    joint |= {"drug_events": found.signals["drug_events"]["n_both"]}
    joint |= {"signals": found.signals["signals"]["n_111"]}
    return {name: min(column.tolist(), default=None) for name, column in joint.items()}


def test_min_count_reaches_all_that_is_mined(source, tmp_path):
    usual = least_of(source, tmp_path / "out")
    assert usual == {"rules": 34, "drug_events": 34, "signals": 4}  # 5 of rules, 3 of signals
    assert least_of(source, tmp_path / "out", min_count=4) == usual | {"rules": 4}
    assert least_of(source, tmp_path / "out", min_count=5) == usual | {"signals": None}
    none = least_of(source, tmp_path / "out", min_count=1000)
    assert none == dict.fromkeys(usual)


def test_min_count_reaches_counts_without_reports(tmp_path, capsys):
    lines = ["drug,event,a,n_drug,n_event,n", "statin,rash,4,50,60,900", "iron,rash,9,80,60,900"]
    path = tmp_path / "counts.csv"
    path.write_text("\n".join(lines) + "\n")
    for asked, n in (([], 2), (["--min-count", "5"], 1)):
        assert main(["mine", str(path), "--out", str(tmp_path / "out"), *asked]) == 0
        assert len(pd.read_csv(tmp_path / "out" / "drug_events.csv")) == n
    capsys.readouterr()


def test_help_says_what_min_count_reaches(capsys):
    with pytest.raises(SystemExit):
        main(["mine", "--help"])
    assert "(5 of rules, 3 of signals)" in " ".join(capsys.readouterr().out.split())

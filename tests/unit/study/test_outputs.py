"""Which file holds which rows of what was mined, and that the report says so."""

import numpy as np
import pandas as pd
import pytest

from clinnlp import read_rules, read_signals
from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError
from clinnlp.study import outputs
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.settings import MineSettings

COLUMNS = ("patient=report", "code=code", "kind=kind")


@pytest.fixture
def reports(tmp_path):
    rng = np.random.default_rng(1)
    rows = []
    for k in range(400):
        drugs = {f"drug {d}" for d in np.flatnonzero(rng.random(6) < 0.4)}
        events = {f"event {e}" for e in np.flatnonzero(rng.random(4) < 0.3)}
        events |= {"event 9"} if "drug 0" in drugs and rng.random() < 0.6 else set()
        rows += [(str(k), code, code.split()[0].replace("event", "outcome"))
                 for code in sorted(drugs | events)]  # fmt: skip
    path = tmp_path / "reports.parquet"
    pd.DataFrame(rows, columns=["report", "code", "kind"]).to_parquet(path)
    return path


def mine(reports, out, **settings):
    return mine_flow(
        reports, out=out, settings=MineSettings(columns=COLUMNS, generic=False, **settings)
    )


def test_a_large_table_stands_whole_in_parquet_and_its_called_rows_in_csv(
    reports, tmp_path, monkeypatch
):
    monkeypatch.setattr(outputs, "N_IN_CSV", 7)
    out = tmp_path / "out"
    result = mine(reports, out)
    called = int(result.rules.significant.sum())
    assert 0 < called < 7 < len(result.rules)
    assert len(pd.read_csv(out / "rules.csv")) == called
    assert read_rules(out / "rules.csv").significant.all()
    assert len(read_rules(out / "rules")) == len(pd.read_parquet(out / "rules.parquet"))
    again, signals = read_signals(out / "drug_events"), result.signals["drug_events"]
    pd.testing.assert_frame_equal(again.to_pandas(), signals.to_pandas(), check_exact=True)
    n = len(result.rules)
    line = f"rules.csv holds the {called:,} called rows; rules.parquet holds all {n:,}"
    assert line in result.lines()
    assert line in (out / "report.html").read_text()
    # what the page cuts off, it says where to find
    page = (out / "report.md").read_text()
    assert "rules.parquet" in page


def test_a_small_table_stands_whole_in_csv_and_an_earlier_parquet_goes(
    reports, tmp_path, monkeypatch
):
    out = tmp_path / "out"
    with monkeypatch.context() as patch:
        patch.setattr(outputs, "N_IN_CSV", 7)
        mine(reports, out)
    assert (out / "rules.parquet").exists()
    result = mine(reports, out)
    assert not [p.name for p in out.glob("*.parquet") if len(pd.read_parquet(p))]
    assert len(pd.read_csv(out / "rules.csv")) == len(result.rules)
    assert not any("holds" in line for line in result.lines())


def test_a_parquet_file_of_another_stays(reports, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    pd.DataFrame({"a": [1]}).to_parquet(out / "rules.parquet")
    (out / "signals.parquet").write_bytes(b"no parquet")
    mine(reports, out)
    assert (out / "rules.parquet").exists()
    assert (out / "signals.parquet").read_bytes() == b"no parquet"


def test_a_table_that_would_replace_its_source_is_refused(reports, tmp_path):
    source = reports.rename(tmp_path / "signals.parquet")
    with pytest.raises(ArgumentError, match="an output must be another file"):
        mine(source, tmp_path)
    assert source.exists()


def test_names_with_semicolons_survive_the_command(tmp_path, capsys):
    name = 'iron; "folic" acid'
    frame = pd.DataFrame({name: [1] * 9 + [0] * 9, "rash": [1] * 9 + [0] * 9})
    frame.to_csv(tmp_path / "wide.csv", index=False)
    asked = ["mine", str(tmp_path / "wide.csv"), "--items", ":", "--out", str(tmp_path / "out")]
    assert main(asked) == 0
    capsys.readouterr()
    rules = read_rules(tmp_path / "out" / "rules")
    assert {*rules.antecedents} == {frozenset({name}), frozenset({"rash"})}
    assert (
        '"iron; ""folic"" acid"' in pd.read_csv(tmp_path / "out/rules.csv")["antecedents"].tolist()
    )

"""A table of how well items were found, and signals with it."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.extraction import ExtractionError
from clinnlp.study.extraction_error import read_extraction
from clinnlp.study.mine_flow import mine_flow
from clinnlp.study.mined_tables import read_signals
from clinnlp.study.settings import MineSettings

TABLE = "kind,tp,fp,fn\ndrug,180,20,45\noutcome,160,30,40\n"
KNOWN = {"drug": PRF(tp=180, fp=20, fn=45), "outcome": PRF(tp=160, fp=30, fn=40)}


def test_a_table_is_read(tmp_path):
    path = tmp_path / "judged.csv"
    path.write_text(TABLE)
    assert read_extraction(path).by_kind == KNOWN


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("kind,tp,fp\ndrug,1,2\n", "fn"),
        ("kind,tp,fp,fn\ndrug,1,2,x\n", "fn of an extraction must be a whole number"),
        ("kind,tp,fp,fn\ndrug,-1,2,3\n", "tp of an extraction must be a whole number"),
        ("kind,tp,fp,fn\ndrug,1,2,3\ndrug,1,2,3\n", "no other row names, got it again"),
        ("kind,tp,fp,fn\n,1,2,3\n", "no other row names, got none"),
        ("kind,tp,fp,fn\n", "must have a row"),
    ],
)
def test_another_table_is_refused(tmp_path, text, said):
    path = tmp_path / "judged.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_extraction(path)


@pytest.fixture
def events(tmp_path):
    rows = [["iron", "rash"]] * 40 + [["iron"]] * 160 + [["rash"]] * 120 + [["zinc"]] * 900
    kinds = {"iron": "drug", "zinc": "drug", "rash": "outcome"}
    made = [
        {"patient": f"p{k}", "code": item, "kind": kinds[item], "start": "2020-01-01"}
        for k, row in enumerate(rows)
        for item in row
    ]
    path = tmp_path / "events.csv"
    pd.DataFrame(made).to_csv(path, index=False)
    return path


def test_signals_of_files_get_the_intervals_that_python_gives(tmp_path, events):
    table = tmp_path / "judged.csv"
    table.write_text(TABLE)
    settings = MineSettings(extraction=str(table), generic=False)
    result = mine_flow(events, out=tmp_path / "out", settings=settings)
    known = ExtractionError(by_kind=KNOWN)
    expected = mine_signals(result.baskets, extraction=known)
    found = read_signals(tmp_path / "out" / "drug_events.csv")
    for name in ("ror_corrected", "prr_corrected_low", "p_corrected"):
        np.testing.assert_allclose(found[name], expected[name])
    assert found["ror_corrected"][0] > found["ror"][0]  # the mistakes hid a part of it
    assert "ROR without mistakes" in (tmp_path / "out" / "report.md").read_text()


def test_a_kind_must_have_been_measured(tmp_path, events):
    table = tmp_path / "judged.csv"
    table.write_text("kind,tp,fp,fn\ndrug,180,20,45\n")
    settings = MineSettings(extraction=str(table), generic=False)
    with pytest.raises(ArgumentError, match="extraction must say of the kind 'outcome'"):
        mine_flow(events, out=tmp_path / "out", settings=settings)


def test_small_cells_would_follow(tmp_path):
    with pytest.raises(ArgumentError, match="extraction cannot go with min_cell"):
        MineSettings(extraction="judged.csv", min_cell=5)

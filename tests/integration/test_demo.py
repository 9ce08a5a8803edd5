"""The demonstration runs whole, small, and its verdicts follow the signals."""

import csv

import numpy as np
import pytest
from scipy import sparse

from clinnlp.core.baskets import Baskets
from clinnlp.core.notes import Note
from clinnlp.metrics.spans import score_spans
from clinnlp.mine.signals.interactions import COLUMNS, Signals
from clinnlp.report.blocks import Verdicts
from clinnlp.study.demo import compare, demo, summary_lines
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.settings import DemoSettings, RiskStudySettings


def signals(**rows):
    columns = {name: np.array(rows.get(name, [0.0])) for name in COLUMNS}
    nothing = Baskets(
        matrix=sparse.csr_matrix((0, 0)), ids=np.array([]), items=(), kinds=(), unit="encounter",
        evidence=np.empty((0, 3), np.int64), entities=None, n_excluded={}, n_unassessed={},
    )  # fmt: skip
    return Signals(columns=columns, m=1, alpha=0.05, baskets=nothing)


@pytest.mark.parametrize(
    ("kind", "called", "right"),
    [
        ("interaction", True, True),
        ("interaction", False, False),
        ("single_guilty", True, False),
        ("confounded", False, True),
    ],
)
def test_a_verdict_is_right_where_signal_and_plant_agree(kind, called, right):
    found = signals(drug_1=["b"], drug_2=["a"], outcome=["o"], signal=[called])
    plant = {"kind": kind, "drugs": ["a", "b"], "outcome": "o", "power": 0.95}
    assert compare(found, [plant]).rows[0].right is right


def test_a_plant_without_a_row_is_no_signal():
    found = signals(drug_1=["x"], drug_2=["y"], outcome=["o"], signal=[True])
    plant = {"kind": "interaction", "drugs": ["a", "b"], "outcome": "o", "power": 0.95}
    assert not compare(found, [plant]).rows[0].right


def study(n_positive):
    """Return a study of 240 patients by a forest: of too few positive ones, without a score."""
    k = np.arange(240)
    rows = rows_of_table({"x": k * 1.0}, outcome=k < n_positive, groups=k.astype(str))
    return risk_study(rows, RiskStudySettings(models=("random_forest",), n_boot=0, n_top=0))


def test_a_study_without_a_score_is_said_to_be_one_in_the_summary():
    studies = {"all patients": study(30), "patients with notes": study(9)}
    scores = [score_spans([], [], n_boot=0)]
    lines = summary_lines(scores, studies, Verdicts(title="Plants", rows=()))
    assert lines[2].startswith("Random forest, all patients: AUROC ")
    assert lines[3] == (
        "Random forest, patients with notes: no score is given: a class has 9 patients, and at "
        "least 20 are needed."
    )


@pytest.mark.slow
def test_the_demo_runs_whole(tmp_path):
    said: list[str] = []
    settings = DemoSettings(epochs=1, n_patients=1000, n_noted=150, n_notes=1)
    notes = [Note(id=k, text=f"{k}: chest pain. Takes aspirin.") for k in ("one", "two")]
    demo(tmp_path / "out", settings=settings, say=said.append, notes=notes)
    html = (tmp_path / "out" / "report.html").read_text()
    for title in ("Risk models", "Interaction signals", "Planted truth", "Extraction"):
        assert title in html
    told = "\n".join(said)
    assert "strict F1" in told
    assert "In 1 real notes the model in the box found 2 mentions" in told
    assert "plant" not in told.split("Planted truth")[0]
    with open(tmp_path / "out" / "predictions.csv") as handle:
        assert len(list(csv.DictReader(handle))) == 150

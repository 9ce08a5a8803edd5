"""What a journal asks: numbers with intervals, tables, a checklist, and what the scores are of."""

import numpy as np
import pytest
from scipy.special import expit

from clinnlp.core.counts import Estimate
from clinnlp.metrics.sample_size import riley_sample_size
from clinnlp.metrics.thresholds import score_thresholds
from clinnlp.report.blocks import Report
from clinnlp.report.markdown import render_markdown
from clinnlp.risk.splits import split_by_time
from clinnlp.study.journal import JOURNAL, journal_tables
from clinnlp.study.reporting import KEPT, OF_SPLITS
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.risk_section import risk_section
from clinnlp.study.settings import RiskStudySettings
from clinnlp.study.tripod import TRIPOD_AI, tripod_rows

N = 240
FAST = RiskStudySettings(models=("naive_bayes",), n_boot=20, n_top=0, n_folds=4, thresholds=(0.3,))


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    X = (rng.random((N, 6)) < 0.4).astype(float)
    y = rng.random(N) < expit(X @ [1.5, 1, 0.5, 0, 0, 0] - 1.5)
    columns = {f"c{k}": X[:, k] for k in range(6)}
    return rows_of_table(columns, outcome=y, groups=np.arange(N).astype(str))


@pytest.fixture(scope="module")
def study(rows):
    sex = np.array(["F", "M", "M"] * (N // 3), dtype=object)
    return risk_study(rows, FAST, subgroups={"sex": sex})


def test_every_number_is_an_estimate_with_an_interval(study):
    model = study.models["naive_bayes"]
    at, smooth = model.reported.thresholds[0], model.reported.smooth
    found = [at.sensitivity, at.ppv, at.n_to_evaluate, at.net_benefit, smooth.ici, smooth.e90]
    found += [smooth.expected_observed, model.scores.auroc, model.subgroups[0].scores.auroc]
    found += list(model.reported.groups[0].differences.values())
    for e in found:
        assert isinstance(e, Estimate)
        assert e.low < e.high
        assert "resamples" in e.method
    for scores in (model.scores, model.subgroups[0].scores):
        assert "for the model fitted on all rows" in scores.calibration_slope.method
    plain = score_thresholds(study.y, model.p, [0.3], n_boot=0)[0]
    assert at.net_benefit.value == plain.net_benefit.value
    assert model.reported.groups[0].against == "M"  # the largest
    assert study.estimand == KEPT
    shown = {row["score"] for row in study.rows()}
    assert shown >= {"auroc", "ici", "e50", "e90", "expected_observed"}


def test_the_auroc_compares_within_folds(study):
    model = study.models["naive_bayes"]
    wins = pairs = 0.0
    for fold in range(4):
        here = study.folds == fold
        up, down = model.p[here & (study.y == 1)], model.p[here & (study.y == 0)]
        wins += np.sum(up[:, None] > down) + np.sum(up[:, None] == down) / 2
        pairs += len(up) * len(down)
    assert model.scores.auroc.value == pytest.approx(wins / pairs)


def test_a_study_of_few_patients_says_how_many_it_needs(study):
    share = study.y.mean()
    needed = riley_sample_size(6, share)
    assert study.needed == needed
    said = f"240 patients are fewer than the {needed.n:,}"
    assert any(caution.startswith(said) for caution in study.cautions) is (needed.n > N)


def test_splits_that_were_given_are_said_to_be_what_scores_are_of(rows):
    index = np.datetime64("2024-01-01") + np.arange(N)
    splits = split_by_time(rows.rows.patients, index, cut="2024-05-01")
    study = risk_study(rows, FAST, splits=splits)
    assert study.estimand == OF_SPLITS
    assert "all rows" not in study.models["naive_bayes"].scores.calibration_slope.method


def test_the_checklist_has_every_item_and_leaves_to_the_authors_what_is_not_known(study):
    rows = {row["item"]: row["answer"] for row in tripod_rows(study)}
    assert list(rows) == list(TRIPOD_AI)
    assert rows["18a"] == rows["17"] == "for the authors to write"
    assert "AUROC" in rows["23a"]
    assert "by sex" in rows["14"]
    assert "240 patients tested" in rows["10"]


def test_tables_and_the_report_hold_it(study):
    tables = journal_tables(study)
    assert list(tables) == list(JOURNAL) == ["thresholds", "decision", "groups", "tripod"]
    assert tables["thresholds"]["threshold"].tolist() == [0.3]
    assert {"net_benefit", "net_benefit_low", "net_benefit_high"} <= set(tables["decision"])
    assert len(tables["tripod"]) == 52
    page = render_markdown(Report(title="t", blocks=(risk_section({"all": study}),)))
    for title in (
        "Decision curve",
        "Smooth calibration",
        "TRIPOD+AI",
        "Differences between groups",
    ):
        assert title in page
    assert KEPT in page


def test_a_study_without_a_score_has_a_checklist_still(rows):
    study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), min_class=200))
    assert study.estimand == ""
    assert study.needed is None
    tables = journal_tables(study)
    assert [len(table) for table in tables.values()] == [0, 0, 0, 52]

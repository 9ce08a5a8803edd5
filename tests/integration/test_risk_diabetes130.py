"""The readmission data: counts by the book, and a model that neither fails nor leaks.

Papers that report an AUROC above 0.9 here leak; a tenth of the patients must give less.
"""

import hashlib

import numpy as np
import pytest

from clinnlp.risk.splits import patient_folds
from clinnlp.study.readmission import N_FOLDS, read_diabetes130
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.settings import RiskStudySettings


@pytest.fixture(scope="module")
def readmissions(data_dir):
    return read_diabetes130(data_dir("diabetes130"))


def test_counts(readmissions):
    columns, y = readmissions
    assert len(columns) + columns.n_excluded["encounters_death_or_hospice"] == 101_766
    assert columns.n_excluded["encounters_death_or_hospice"] == 2_423
    assert int(y.sum()) == 11_314


def test_fold_ids_are_fixed(readmissions):
    """Folds of every figure reported, in the order of the table: sizes, positives, SHA-256."""
    columns, y = readmissions
    folds = patient_folds(columns.patients, y, n_folds=N_FOLDS, seed=0)
    assert np.bincount(folds).tolist() == [19882, 19781, 19832, 20028, 19820]
    assert np.bincount(folds, y).tolist() == [2238, 2249, 2264, 2318, 2245]
    told = "af125b592369d4ecc8795b3fd8c43273f6830bda952d7aae6e176898bdd43684"
    assert hashlib.sha256(folds.astype(np.int8).tobytes()).hexdigest() == told


def test_earlier_stays_are_those_of_smaller_numbers(readmissions):
    columns, _ = readmissions
    since = columns.values["since earlier stay"]
    first = columns.values["earlier stays"] == 0
    assert int(first.sum()) == int(np.sum(since == "no earlier stay")) == 69_973
    assert (
        int(np.sum(since == "not as a readmission")) == 483
    )  # of 29,370: the order is that of time


def test_a_tenth_of_the_patients_scores_above_chance_and_below_a_leak(readmissions):
    columns, y = readmissions
    tenth = patient_folds(columns.patients, y, n_folds=10) == 0
    study = risk_study(
        rows_of_table(columns.take(tenth), outcome=y[tenth], min_patients=30),
        RiskStudySettings(models=("naive_bayes",), n_folds=3, n_top=0, n_boot=0),
    )
    for model in study.models.values():
        assert 0.60 < model.scores.auroc.value < 0.72
        assert 0.85 < model.scores.calibration_slope.value < 1.15
        assert abs(model.p.mean() - np.mean(y[tenth])) < 0.01

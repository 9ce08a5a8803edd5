"""Risk scores and curves beside scikit-learn, with and without ties."""

import numpy as np
import pytest
from sklearn import metrics

from clinnlp.metrics.risk import pr_curve, roc_curve, score_risk


def sample(seed, digits):
    rng = np.random.default_rng(seed)
    y = (rng.random(400) < 0.3).astype(int)
    p = np.clip(rng.beta(2, 5, 400) + 0.15 * y, 0.001, 0.999)
    return y, p if digits is None else np.clip(p.round(digits), 0.001, 0.999)


@pytest.mark.parametrize("digits", [None, 2, 1])
@pytest.mark.parametrize("seed", range(3))
def test_scores_equal_scikit_learn(seed, digits):
    y, p = sample(seed, digits)
    ours = score_risk(y, p, n_boot=0)
    assert ours.auroc.value == pytest.approx(metrics.roc_auc_score(y, p))
    assert ours.auprc.value == pytest.approx(metrics.average_precision_score(y, p))
    assert ours.brier.value == pytest.approx(metrics.brier_score_loss(y, p))
    assert ours.log_loss.value == pytest.approx(metrics.log_loss(y, p))


@pytest.mark.parametrize("digits", [None, 1])
def test_curves_equal_scikit_learn(digits):
    y, p = sample(0, digits)
    fpr, tpr, threshold = metrics.roc_curve(y, p, drop_intermediate=False)
    ours = roc_curve(y, p)
    assert ours.fpr == pytest.approx(fpr)
    assert ours.tpr == pytest.approx(tpr)
    assert ours.threshold == pytest.approx(threshold)
    precision, recall, threshold = metrics.precision_recall_curve(y, p)
    mine = pr_curve(y, p)
    assert mine.precision[::-1] == pytest.approx(precision[:-1])
    assert mine.recall[::-1] == pytest.approx(recall[:-1])
    assert mine.threshold[::-1] == pytest.approx(threshold)


def test_weighted_resamples_equal_scikit_learn_weights():
    """A resample is a weighting of rows; ours must score it as theirs does."""
    from clinnlp.metrics.ties import Tied

    y, p = sample(1, 1)
    w = np.random.default_rng(0).integers(0, 3, 400).astype(float)
    auroc, auprc, _, brier, log_loss, *_ = Tied(y, p).scores(w)
    assert auroc == pytest.approx(metrics.roc_auc_score(y, p, sample_weight=w))
    assert auprc == pytest.approx(metrics.average_precision_score(y, p, sample_weight=w))
    assert brier == pytest.approx(metrics.brier_score_loss(y, p, sample_weight=w))
    assert log_loss == pytest.approx(metrics.log_loss(y, p, sample_weight=w))

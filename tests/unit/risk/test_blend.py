import numpy as np
import pytest
from scipy.special import logit

from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import ColumnFeatures
from clinnlp.risk.blend import blend_fits, blend_risks
from clinnlp.risk.crossfit import cross_fit
from clinnlp.risk.models import NaiveBayesSettings, SvmSettings
from clinnlp.risk.splits import patient_folds, splits_of_folds


def test_log_odds_are_averaged_and_certain_risks_stay_finite():
    p = blend_risks([[0.1, 0.0, np.nan], [0.6, 1.0, 0.5]])
    assert logit(p[0]) == pytest.approx((logit(0.1) + logit(0.6)) / 2)
    assert p[1] == pytest.approx(0.5)
    assert np.isnan(p[2])


def test_the_order_of_models_does_not_matter_and_a_model_with_itself_is_itself():
    a, b = np.array([0.2, 0.7]), np.array([0.4, 0.1])
    assert blend_risks([a, b]).tolist() == blend_risks([b, a]).tolist()
    np.testing.assert_allclose(blend_risks([a, a]), a)


def test_a_blend_is_scored_in_the_same_splits(table):
    rows, y = table
    splits = splits_of_folds(rows.patients, patient_folds(rows.patients, y, n_folds=3))
    models = {"naive_bayes": (NaiveBayesSettings(),), "svm": (SvmSettings(),)}
    fits = cross_fit(rows, y, splits, features=ColumnFeatures(), models=models, n_top=0)
    blend = blend_fits(fits, ["naive_bayes", "svm"], y, splits)
    assert len(blend.auroc_folds) == 3
    assert np.mean(blend.auroc_folds) > 0.7
    with pytest.raises(ArgumentError, match="must be one of"):
        blend_fits(fits, ["naive_bayes", "forest"], y, splits)
    with pytest.raises(ArgumentError, match="at least 2"):
        blend_fits(fits, ["svm"], y, splits)

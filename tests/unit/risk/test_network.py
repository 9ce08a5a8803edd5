import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from clinnlp.risk.calibrate import GroupCalibrated
from clinnlp.risk.models import LogisticSettings, MlpSettings, make_model
from clinnlp.risk.network import Network


@pytest.fixture(scope="module")
def two_together():
    """Two facts that tell only together."""
    rng = np.random.default_rng(0)
    X = (rng.random((600, 4)) < 0.5).astype(float)
    return X, ((X[:, 0] != X[:, 1]) ^ (rng.random(600) < 0.15)).astype(int)


def test_a_network_finds_what_goes_together_and_a_sum_does_not(two_together):
    X, y = two_together
    scores = [
        roc_auc_score(
            y[400:],
            GroupCalibrated(make_model(settings), independent_rows=True)
            .fit(X[:400], y[:400])
            .predict_proba(X[400:])[:, 1],
        )
        for settings in (MlpSettings(penalty=0.2), LogisticSettings(c=1.0))
    ]
    assert scores[0] > 0.8 > 0.6 > scores[1]


def test_stopping_early_is_no_warning_and_the_seed_decides_alone(two_together):
    fits = [
        Network(n_hidden=3, penalty=0.1, n_steps=2, seed=seed).fit(*two_together)
        for seed in (0, 0, 1)
    ]
    p = [model.predict_proba(two_together[0])[:, 1].tolist() for model in fits]
    assert p[0] == p[1] != p[2]

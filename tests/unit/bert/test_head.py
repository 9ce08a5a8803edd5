"""The head equals scikit-learn's logistic regression; its slope is the slope of its cost."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clinnlp.bert.head import HeadData, choose_strength, fit_head
from clinnlp.bert.train import fine_tune_classifier

from .conftest import LABELLED, QUICK


@pytest.fixture
def data():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(90, 5))
    noisy = x @ rng.normal(size=(5, 3)) + rng.normal(size=(90, 3))
    return x, noisy.argmax(1), noisy > 0.5


def test_one_label_equals_scikit_learn(data):
    x, y, _ = data
    weights = np.array([1.0, 2.0, 0.5])
    w, b = fit_head(HeadData(x, np.eye(3, dtype=bool)[y], weights, several=False), strength=3.0)
    peer = LogisticRegression(
        C=3.0, tol=1e-9, max_iter=5000, class_weight=dict(enumerate(weights))
    ).fit(x, y)
    np.testing.assert_allclose(w, peer.coef_, atol=2e-2)
    z, wanted = x @ w.T + b, peer.decision_function(x)
    np.testing.assert_allclose(z - z.mean(1, keepdims=True), wanted - wanted.mean(1, keepdims=True),
                               atol=5e-2)  # fmt: skip


def test_several_labels_equal_one_regression_each(data):
    x, _, several = data
    weights = np.array([1.0, 3.0, 1.0])
    w, b = fit_head(HeadData(x, several, weights, several=True), strength=3.0)
    for k, weight in enumerate((1.0, 3.0, 1.0)):
        peer = LogisticRegression(
            C=3.0, tol=1e-9, max_iter=5000, class_weight={False: 1.0, True: weight}
        ).fit(x, several[:, k])
        np.testing.assert_allclose(w[k], peer.coef_[0], atol=2e-2)
        np.testing.assert_allclose(b[k], peer.intercept_[0], atol=2e-2)


@pytest.mark.parametrize(("noise", "wanted"), [(6.0, 0.3), (0.01, 30.0)])
def test_the_strength_is_low_where_labels_are_noise_and_high_where_they_are_not(noise, wanted):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(150, 20)) / 4
    y = (x @ rng.normal(size=20) + noise * rng.normal(size=150)) > 0
    targets = np.stack([y, ~y], 1)
    made = choose_strength(HeadData(x, targets, np.ones(2), several=False), np.arange(150))
    assert made == wanted


def test_notes_of_one_patient_do_not_vouch_for_each_other():
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(30, 40)).repeat(6, 0), (rng.random(30) < 0.5).repeat(6)
    data = HeadData(x, np.stack([y, ~y], 1), np.ones(2), several=False)
    patients = np.arange(30).repeat(6)
    alone = choose_strength(data, np.arange(180))
    grouped = choose_strength(data, patients)
    assert grouped < alone


def test_with_too_few_notes_the_usual_strength_is_taken():
    targets = np.eye(2, dtype=bool).repeat(4, 0)
    data = HeadData(np.ones((8, 3)), targets, np.ones(2), several=False)
    assert choose_strength(data, np.arange(8)) == pytest.approx(10.0)


def test_the_head_alone_leaves_the_encoder_as_it_was(encoder, tmp_path):
    from clinnlp.bert.encoders import load_model

    made = fine_tune_classifier(LABELLED, encoder=encoder, out=tmp_path, **QUICK)
    before = load_model(str(encoder)).state_dict()
    after = made.network.model.base_model.state_dict()
    assert all((after[name] == before[name]).all() for name in after)
    assert (made.card["n_steps"], made.card["n_selection"]) == (0, 0)
    p = made.predict_proba(LABELLED)
    chosen = [made.labels[k] for k in p.argmax(1)]
    assert sum(a == n.labels[0] for a, n in zip(chosen, LABELLED, strict=True)) >= 7

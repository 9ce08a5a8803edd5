"""The combination score: its terms by hand, its fit against scikit-learn's, its table."""

import csv

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import one_stratum
from clinnlp.mine.measures.disproportionality import ic025
from clinnlp.mine.signals.combination_score import (
    TERMS,
    CombinationModel,
    combination_score,
    combination_terms,
    fit_combination_score,
    published_model,
)

SWAPPED = {"y10": "y01", "y01": "y10", "n10": "n01", "n01": "n10"}


def triplets(seed, n=400):
    rng = np.random.default_rng(seed)
    totals = (10 ** rng.uniform([1, 3, 3, 6], [3, 5, 5, 6.1], (n, 4))).astype(int)
    y = rng.binomial(totals, 10 ** rng.uniform(-4, -1.5, (n, 4)))
    y[:, 0] += 1
    return one_stratum(*y.T, *(totals + 1).T)


def labels(counts, seed):
    """Positive as the terms say, and events that differ in their share of positives."""
    rng = np.random.default_rng(seed)
    x = combination_terms(counts)
    event = rng.integers(0, 20, len(x))
    odds = 0.8 * x[:, 0] + 0.5 * x[:, 1] - 0.2 * x[:, 3] + rng.normal(0, 1.5, 20)[event]
    return rng.random(len(x)) < 1 / (1 + np.exp(-odds + odds.mean())), event


def test_terms_by_hand():
    x = combination_terms(one_stratum(7, 40, 10, 343, 100, 1000, 500, 18400))[0]
    base = 400 / 20000
    one, two = np.log2(40.5 / (1000 * base + 0.5)), np.log2(10.5 / (500 * base + 0.5))
    together = np.log2(100.5 / (1100 * 600 / 20000 + 0.5))
    pair = float(ic025(Table2x2(n_ab=7, n_a=100, n_b=400, n=20000)))
    expected = [one, two, pair, np.log2(100.5), together, np.log2(base)]
    np.testing.assert_allclose(x, [*expected, together * one, together * two])


def test_the_order_of_the_drugs_does_not_matter():
    c = triplets(0)
    swapped = type(c)(**{name: getattr(c, SWAPPED.get(name, name)) for name in c.__slots__})
    np.testing.assert_array_equal(combination_score(c), combination_score(swapped))


def test_without_event_intercepts_the_fit_is_scikit_learns():
    c = triplets(1)
    y, event = labels(c, 1)
    model = fit_combination_score(c, y, event, ridge=2.0, event_variance=0)
    x = combination_terms(c)
    z = (x - x.mean(axis=0)) / x.std(axis=0)
    peer = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(z, y)
    got = model.coefficients * x.std(axis=0)
    slope = got[0] / peer.coef_[0, 0]  # the calibration to the triplets
    np.testing.assert_allclose(got, slope * peer.coef_[0], rtol=1e-4)
    assert 1 <= slope < 1.2


def test_event_intercepts_take_up_the_events():
    """Slopes within events are recovered though the events differ much more than the triplets."""
    c = triplets(2, 6000)
    y, event = labels(c, 2)
    with_events = fit_combination_score(c, y, event, terms=TERMS[:4], event_variance=2.0)
    ratio = with_events.coefficients[:2] / with_events.coefficients[0]
    np.testing.assert_allclose(ratio, [1, 0.5 / 0.8], atol=0.12)


def test_the_fit_is_calibrated_to_its_triplets():
    c = triplets(3, 3000)
    y, event = labels(c, 3)
    p = fit_combination_score(c, y, event).predict(c)
    assert p.mean() == pytest.approx(y.mean(), abs=1e-6)
    assert y[p > 0.7].mean() == pytest.approx(p[p > 0.7].mean(), abs=0.06)


def test_contributions_add_up():
    c, model = triplets(4), published_model()
    odds = model.intercept + model.contributions(c).sum(axis=1)
    np.testing.assert_allclose(model.predict(c), 1 / (1 + np.exp(-odds)))


def test_no_reports_no_score():
    assert np.isnan(combination_score(one_stratum(0, 0, 0, 0, 0, 0, 0, 0))).all()
    assert np.isnan(combination_score(one_stratum(0, 0, 0, 0, 5, 5, 5, 5))).all()


def test_bad_input_is_refused():
    c = triplets(5, 10)
    with pytest.raises(ArgumentError, match="equally long"):
        fit_combination_score(c, np.ones(9), np.zeros(10))
    with pytest.raises(ArgumentError, match="both 0 and 1"):
        fit_combination_score(c, np.ones(10), np.zeros(10))
    with pytest.raises(ArgumentError, match="defined"):
        fit_combination_score(one_stratum(0, 0, 0, 0, *[[5, 5]] * 4), [0, 1], [0, 0])
    with pytest.raises(ArgumentError, match="terms"):
        CombinationModel(terms=("age",), intercept=0, coefficients=np.ones(1), means=np.ones(1))


def test_the_published_table_scores_its_own_triplets(data_dir):
    """Fitted to these very triplets: a check of the table, not a judgement of the score."""
    with (data_dir("crescenddi") / "faers_counts.csv").open(encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if int(row["n_111"]) >= 1]
    names = ("n_111", "n_101", "n_011", "n_001", "d1_d2_counter", "d1_not_d2_counter",
             "not_d1_d2_counter", "not_d1_not_d2_counter")  # fmt: skip
    p = combination_score(one_stratum(*([int(row[name]) for row in rows] for name in names)))
    y = np.array([row["positive"] == "1" for row in rows])
    assert p.mean() == pytest.approx(y.mean(), abs=1e-3)
    assert p[y].mean() - p[~y].mean() > 0.25

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.compare import (
    age_bands,
    compare_risks,
    score_subgroups,
    subgroup_differences,
)
from clinnlp.metrics.risk import RANKED, SCORES, score_risk


def example(n=400, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, n)
    good = np.clip(0.5 + 0.25 * (y - 0.5) + 0.2 * rng.normal(size=n), 0.01, 0.99)
    worse = np.clip(good + 0.3 * rng.normal(size=n), 0.01, 0.99)
    return y, good, worse


def test_a_difference_is_that_of_the_scores_and_turns_with_its_sides():
    y, good, worse = example()
    found = compare_risks(y, good, worse, n_boot=50)
    back = compare_risks(y, worse, good, n_boot=50)
    a, b = score_risk(y, good, n_boot=0), score_risk(y, worse, n_boot=0)
    for name in RANKED:
        value = getattr(a, name).value - getattr(b, name).value
        assert found[name].value == pytest.approx(value)
        assert back[name].value == pytest.approx(-value)
        assert back[name].low == pytest.approx(-found[name].high)
    assert found["auroc"].low > 0


def test_pairing_makes_the_interval_of_two_alike_predictions_narrow():
    y, good, _ = example()
    nearly = np.clip(good + 0.001 * np.sin(np.arange(len(y))), 0, 1)
    paired = compare_risks(y, nearly, good, n_boot=100)["auroc"]
    alone = score_risk(y, good, n_boot=100).auroc
    assert paired.high - paired.low < 0.2 * (alone.high - alone.low)
    same = compare_risks(y, good, good, n_boot=20)
    assert {(same[name].low, same[name].high) for name in RANKED} == {(0.0, 0.0)}


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.integers(0, 4)), min_size=2, max_size=9),
    st.floats(0, 1),
)
def test_sensitivity_at_an_alert_rate_is_its_expectation_over_orders_of_ties(rows, rate):
    """Rows in any order among ties: the mean, over many draws by lot, of what the top holds."""
    y = np.array([int(up) for up, _ in rows])
    if y.sum() in (0, len(y)):
        return
    p = np.array([k for _, k in rows]) / 4
    exact = score_risk(y, p, alert_rate=rate, n_boot=0).sensitivity.value
    caught, left = 0.0, rate * len(y)
    for value in np.unique(p)[::-1]:  # take whole ties, then a share of the last one
        tie = p == value
        share = min(1.0, left / tie.sum())
        caught += share * y[tie].sum()
        left = max(0.0, left - tie.sum())
    assert exact == pytest.approx(caught / y.sum())


def test_subgroups_are_scored_where_both_classes_are_large_enough():
    y, good, _ = example(400)
    sex = np.where(np.arange(400) < 350, "F", "M").astype(object)
    sex[380:] = None
    found = {s.value: s for s in score_subgroups(y, good, {"sex": sex}, n_boot=0)}
    women = np.arange(400) < 350
    assert found["F"].scores.auroc == score_risk(y[women], good[women], n_boot=0).auroc
    assert found["F"].n == found["F"].n_patients == 350
    assert found["M"].n == 30
    assert found["M"].scores is None
    assert found["missing"].n == 20


def test_counts_of_a_subgroup_too_small_to_show_are_withheld():
    y, good, _ = example(60)
    found = score_subgroups(y, good, {"site": ["a"] * 50 + ["b"] * 10}, n_boot=0)
    assert [(s.n, s.n_patients, s.n_positive, s.scores) for s in found if s.value == "b"] == [
        (None, None, None, None)
    ]


def test_patients_not_rows_count_for_the_size_of_a_subgroup():
    y, good, _ = example(60)
    found = score_subgroups(y, good, {"all": ["x"] * 60}, groups=["p"] * 60, n_boot=0)
    assert found[0].scores is None


def test_ages_fall_into_bands_closed_below():
    assert age_bands([18, 44.9, 65, 79.9, 80]).tolist() == [
        "18-44", "18-44", "65-79", "65-79", "80 and over",
    ]  # fmt: skip


def test_refusals():
    y, good, _ = example(10)
    with pytest.raises(ArgumentError, match="one value per row"):
        score_subgroups(y, good, {"sex": ["F"]})
    with pytest.raises(ArgumentError, match="alert_rate"):
        score_risk(y, good, alert_rate=1.5)
    with pytest.raises(ArgumentError, match="equally long"):
        compare_risks(y, good, good[:5])


def test_groups_are_compared_with_the_largest_by_the_same_resamples():
    y, good, _ = example()
    sex = np.array(["F", "M", "M"] * len(y), dtype=object)[: len(y)]
    found = subgroup_differences(y, good, {"sex": sex}, min_patients=5, n_boot=50)
    assert [(g.attribute, g.value, g.against) for g in found] == [("sex", "F", "M")]
    for name in SCORES:
        e = found[0].differences[name]
        of = [
            getattr(score_risk(y[sex == v], good[sex == v], n_boot=0), name).value
            for v in ("F", "M")
        ]
        assert e.value == pytest.approx(of[0] - of[1])
        assert e.low < e.high
    assert subgroup_differences(y, good, {"sex": sex}, min_patients=len(y)) == []

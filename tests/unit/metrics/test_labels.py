"""Classification scores and their clustered intervals, beside scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from clinnlp.core.counts import PRF
from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.labels import label_matrix, score_label_sets, score_labels


def sample(n=300, seed=0):
    rng = np.random.default_rng(seed)
    gold = rng.choice(["a", "b", "c", "d"], n, p=[0.5, 0.3, 0.15, 0.05])
    predicted = np.where(rng.random(n) < 0.7, gold, rng.choice(["a", "b", "c"], n))
    return gold.tolist(), predicted.tolist()


def test_scores_equal_scikit_learn():
    gold, predicted = sample()
    scores = score_labels(gold, predicted, n_boot=0)
    assert scores.labels == ("a", "b", "c", "d")
    assert np.array_equal(scores.confusion, confusion_matrix(gold, predicted))
    assert scores.accuracy.value == accuracy_score(gold, predicted)
    assert scores.macro_f1.value == pytest.approx(f1_score(gold, predicted, average="macro"))
    each = f1_score(gold, predicted, average=None)
    assert [scores.label_f1[k].value for k in scores.labels] == pytest.approx(each.tolist())
    assert scores.per_label["d"].tp == 0 or scores.label_f1["d"].value > 0


def test_counts_per_class():
    scores = score_labels(["a", "a", "b"], ["a", "b", "c"], n_boot=10)
    assert scores.per_label == {
        "a": PRF(tp=1, fp=0, fn=1),
        "b": PRF(tp=0, fp=1, fn=1),
        "c": PRF(tp=0, fp=1, fn=0),
    }
    assert [row["n_gold"] for row in scores.rows()] == [2, 1, 0]
    assert scores.n == scores.n_groups == 3


def test_clusters_widen_the_interval_of_repeated_rows():
    gold, predicted = sample(100)
    ten = [k for k in range(100) for _ in range(10)]
    gold10, predicted10 = [gold[k] for k in ten], [predicted[k] for k in ten]
    once = score_labels(gold, predicted, n_boot=500).accuracy
    rows = score_labels(gold10, predicted10, n_boot=500).accuracy
    grouped = score_labels(gold10, predicted10, groups=ten, n_boot=500).accuracy
    assert (grouped.low, grouped.high) == (once.low, once.high)
    assert rows.high - rows.low < 0.5 * (grouped.high - grouped.low)
    assert "by group" in grouped.method


def test_unequal_or_no_rows_are_refused():
    with pytest.raises(ArgumentError, match="got 1 and 2"):
        score_labels(["a"], ["a", "b"])
    with pytest.raises(ArgumentError, match="not empty"):
        score_labels([], [])


def sample_of_sets(n=200, seed=0):
    rng = np.random.default_rng(seed)
    gold = [[k for k in "abc" if rng.random() < 0.4] for _ in range(n)]
    predicted = [[k for k in "abc" if rng.random() < (0.8 if k in g else 0.1)] for g in gold]
    return gold, predicted


def test_scores_of_label_sets_equal_scikit_learn():
    gold, predicted = sample_of_sets()
    scores = score_label_sets(gold, predicted, "abc", n_boot=0)
    truth, found = (label_matrix(each, "abc") for each in (gold, predicted))
    assert scores.micro_f1.value == pytest.approx(f1_score(truth, found, average="micro"))
    each = f1_score(truth, found, average=None)
    assert [scores.per_label[k].f1 for k in "abc"] == pytest.approx(each.tolist())
    counts = [scores.per_label[k].tp + scores.per_label[k].fn for k in "abc"]
    assert (scores.n, counts) == (200, truth.sum(0).tolist())


def test_label_sets_of_a_patient_are_drawn_together():
    gold, predicted = sample_of_sets()
    alone = score_label_sets(gold, predicted, "abc")
    twice = score_label_sets(gold * 2, predicted * 2, "abc", groups=[*range(200)] * 2)
    assert (alone.n_groups, twice.n_groups, twice.n) == (200, 200, 400)
    assert [alone.micro_f1.low, alone.micro_f1.high] == pytest.approx(
        [twice.micro_f1.low, twice.micro_f1.high]
    )
    assert "group" in twice.micro_f1.method
    named = score_label_sets(gold, predicted, "abc", groups=[*range(200)], unit="patient", n_boot=9)
    assert "patient" in named.micro_f1.method


def test_labels_that_are_not_scored_count_nowhere():
    scores = score_label_sets([["a", "x"], []], [["y"], ["a"]], ["a"], n_boot=0)
    assert scores.per_label == {"a": PRF(tp=0, fp=1, fn=1)}


def test_nothing_to_score_is_undefined():
    for sets in ([], [[], []]):
        assert np.isnan(score_label_sets(sets, sets, ["a"], n_boot=3).micro_f1.value)
    with pytest.raises(ArgumentError, match="equally long, got 1 and 2 rows"):
        score_label_sets([["a"]], [["a"], []], ["a"])

"""Scores of tags agree with seqeval, in the shape that `evaluate` gives them."""

import warnings
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from seqeval.metrics import accuracy_score, classification_report
from transformers import EvalPrediction

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.metrics.tags import compute_metrics

NAMES = ["O", "B-Drug", "I-Drug", "B-Problem", "I-Problem"]


def evaluate_seqeval(predictions, references):
    """Return what `evaluate.load("seqeval").compute` makes of seqeval's report."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of 0/0
        report = classification_report(references, predictions, output_dict=True, zero_division=0)
    for name in ("macro avg", "weighted avg"):
        del report[name]
    overall = report.pop("micro avg")
    scores = {
        label: {
            "precision": each["precision"],
            "recall": each["recall"],
            "f1": each["f1-score"],
            "number": each["support"],
        }
        for label, each in report.items()
    }
    return scores | {
        "overall_precision": overall["precision"],
        "overall_recall": overall["recall"],
        "overall_f1": overall["f1-score"],
        "overall_accuracy": accuracy_score(references, predictions),
    }


def _flat(scores):
    return {
        (name, *key): value
        for name, each in scores.items()
        for key, value in (
            {(k,): v for k, v in each.items()} if isinstance(each, dict) else {(): each}
        ).items()
    }


@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES)), min_size=1, max_size=6),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=100)
def test_any_tags_score_as_in_seqeval(rows):
    gold, found = ([[pair[k] for pair in row] for row in rows] for k in (0, 1))
    if all(tag == "O" for row in gold + found for tag in row):
        return  # seqeval has no mean of nothing
    theirs, ours = evaluate_seqeval(found, gold), compute_metrics(found, gold)
    assert _flat(ours) == pytest.approx(_flat(theirs))


def test_a_trainers_logits_and_left_out_positions():
    gold = np.array([[-100, 1, 2, -100], [0, 3, -100, -100]])
    right = np.where(gold < 0, 4, gold)
    logits = np.eye(5)[right]
    work = partial(compute_metrics, labels=NAMES)
    for answers in (logits, right, (logits, "states")):
        scores = work(EvalPrediction(predictions=answers, label_ids=gold))
        assert scores["overall_f1"] == scores["overall_accuracy"] == 1.0
        assert {
            name: each["number"] for name, each in scores.items() if name in ("Drug", "Problem")
        } == {
            "Drug": 1,
            "Problem": 1,
        }
    assert work([[0, 1]], [[0, 1]]) == compute_metrics([["O", "B-Drug"]], [["O", "B-Drug"]])


def test_nothing_to_divide_by_is_zero():
    assert compute_metrics([["O"]], [["O"]]) == {
        "overall_precision": 0.0,
        "overall_recall": 0.0,
        "overall_f1": 0.0,
        "overall_accuracy": 1.0,
    }
    assert compute_metrics([], [])["overall_accuracy"] == 0.0


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (([["O"]],), ArgumentError, "references must be given"),
        (([["O"]], []), DataError, "equally many"),
        (([["O"]], [["O", "O"]]), DataError, "for each of its 2 tokens, got 1"),
        (([[0]], [[0]]), ArgumentError, "labels must name"),
        (([["Zebra"]], [["O"]]), DataError, "tag 0 must be 'O'"),
    ],
)
def test_what_does_not_fit_is_refused(arguments, error, message):
    with pytest.raises(error, match=message) as caught:
        compute_metrics(*arguments)
    assert "Zebra" not in str(caught.value)


def test_a_number_of_no_tag_is_refused():
    with pytest.raises(DataError, match="below 5, got 5"):
        compute_metrics([[5]], [[0]], labels=NAMES)

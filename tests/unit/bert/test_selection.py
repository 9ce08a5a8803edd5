"""Scores of an epoch, their errors note by note, and which epoch is kept."""

import numpy as np
import pytest

from clinnlp.bert.selection import Score, is_as_good, mean_of_ratios, patients_of
from clinnlp.core.notes import Note
from clinnlp.metrics.labels import score_labels


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def one_hot(codes):
    return np.eye(6, dtype=np.int64)[codes]  # two classes that never occur


def test_it_is_macro_f1(rng):
    gold, other = rng.integers(0, 4, (2, 60))
    found = np.where(rng.random(60) < 0.6, gold, other)
    made = mean_of_ratios(2 * one_hot(gold) * one_hot(found), one_hot(gold) + one_hot(found))
    wanted = score_labels(gold.astype(str).tolist(), found.astype(str).tolist(), n_boot=0)
    assert made.value == pytest.approx(wanted.macro_f1.value)
    assert sum(made.shares) == pytest.approx(0)


def counts(rng, n, share):
    """Twice the true positives, and gold and found, of notes of very different lengths."""
    n_gold = rng.integers(1, 30, n)
    tp = rng.binomial(n_gold, share)
    return 2 * tp[:, None], (2 * n_gold)[:, None]


def test_its_error_is_that_of_the_bootstrap(rng):
    hits, sizes = counts(rng, 80, 0.8)
    shares = np.array(mean_of_ratios(hits, sizes).shares)
    draws = rng.integers(0, 80, (4000, 80))
    spread = (hits[draws].sum(1) / sizes[draws].sum(1)).std()
    assert np.sqrt(shares @ shares) == pytest.approx(spread, rel=0.1)


def test_notes_of_a_patient_are_one(rng):
    hits, sizes = counts(rng, 6, 0.8)
    alone = mean_of_ratios(hits, sizes)
    grouped = mean_of_ratios(hits, sizes, ["a", "a", "b", "c", "c", "c"])
    assert grouped.value == alone.value
    assert grouped.shares == pytest.approx(np.add.reduceat(alone.shares, [0, 2, 3]).tolist())


def test_nothing_to_find_and_nothing_found_is_no_score():
    assert mean_of_ratios([[0], [0]], [[0], [0]]) == Score(0.0, [0.0, 0.0])


def test_better_in_every_note_is_better_however_little(rng):
    hits, sizes = counts(rng, 50, 0.7)
    worse, better = (mean_of_ratios(hits + k * sizes / 1000, sizes) for k in (0, 1))
    assert not is_as_good(worse, better)
    assert is_as_good(better, worse)


def test_of_two_alike_the_lower_is_as_good_two_times_in_three(rng):
    sizes = np.full((40, 1), 20)
    pairs = [
        sorted(mean_of_ratios(2 * rng.binomial(10, 0.8, (40, 1)), sizes) for _ in range(2))
        for _ in range(500)
    ]
    assert np.mean([is_as_good(low, high) for low, high in pairs]) == pytest.approx(0.68, abs=0.07)


def test_one_note_can_tell_nothing():
    assert is_as_good(Score(0.1, [0.0]), Score(0.9, [0.0]))


def test_an_equal_epoch_is_as_good_so_that_the_last_is_kept():
    score = Score(0.8, [0.0, 0.0])
    assert is_as_good(score, score)


def test_a_note_without_a_patient_stands_for_itself():
    notes = [Note(id="a", text="", patient="p"), Note(id="b", text=""), Note(id="p", text="")]
    assert patients_of(notes) == ["p", "b", "p"]


@pytest.mark.parametrize(("below", "expected"), [(0.09, True), (0.11, False)])
def test_the_error_of_few_notes_is_that_of_a_sample(below, expected):
    """Two notes that differ by 0.05 each way: the error is 0.1, not 0.05 or 0.07."""
    best, score = Score(0.8, [0.2, -0.2]), Score(0.8 - below, [0.25, -0.25])
    assert is_as_good(score, best) is expected

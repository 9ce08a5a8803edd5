"""Drift by period: false alarms as rare as stated, by patient, and true changes found."""

import numpy as np
import pytest

from clinnlp.metrics.periods import MIN_PATIENTS, moved


def drawn(draw, n_patients=120, shift=0.0):
    """Return notes of patients that differ much, some of whom have many notes."""
    n_notes = draw.integers(1, 12, n_patients)
    patients = np.repeat(np.arange(n_patients), n_notes)
    own = draw.gamma(2.0, 1.0, (n_patients, 6))
    late = np.repeat(np.arange(n_patients) % 2 == 0, n_notes)
    rate = own[patients] + shift * late[:, None] * (np.arange(6) == 2)
    return draw.poisson(rate).astype(float), patients, late


def test_at_most_the_stated_share_of_periods_is_warned_where_nothing_changed():
    draw, n = np.random.default_rng(1), 400
    n_warned = 0
    for _ in range(n):
        values, patients, late = drawn(draw)
        n_warned += moved(values, patients, late, ~late, alpha=0.1).warned.any()
    assert 10 <= n_warned <= 60  # 40 expected at most; as if notes were patients, over 150


def test_notes_taken_for_patients_would_warn_too_often():
    draw, n_warned = np.random.default_rng(1), 0
    for _ in range(100):
        values, patients, late = drawn(draw)
        n_warned += moved(values, np.arange(len(patients)), late, ~late, alpha=0.1).warned.any()
    assert n_warned > 25


def test_a_change_is_found_and_named():
    values, patients, late = drawn(np.random.default_rng(2), n_patients=300, shift=2.0)
    found = moved(values, patients, late, ~late, alpha=0.01)
    assert found.warned.tolist() == [False, False, True, False, False, False]
    assert found.low[2] < found.value[2] - found.reference[2] < found.high[2]
    assert found.low[2] > 0


def test_means_are_per_note_and_missing_numbers_count_for_nothing():
    values = np.array([[1.0], [3.0], [np.nan], [5.0]])
    found = moved(values, np.array([0, 0, 1, 2]), np.array([1, 1, 1, 0], bool),
                  np.array([0, 0, 0, 1], bool), alpha=0.05)  # fmt: skip
    assert (found.value[0], found.reference[0]) == (2.0, 5.0)
    assert np.isnan(found.p[0])


def test_what_few_patients_have_is_not_looked_at():
    n = 4 * MIN_PATIENTS
    values, late = np.zeros((n, 2)), np.arange(n) >= n // 2
    values[n // 2 : n // 2 + MIN_PATIENTS - 1, 0] = 1
    values[n // 2 : n // 2 + MIN_PATIENTS, 1] = 1
    found = moved(values, np.arange(n), late, ~late, alpha=0.05)
    assert np.isnan(found.p[0])
    assert found.warned.tolist() == [False, True]


@pytest.mark.parametrize("n", [0, 1])
def test_no_or_one_note_is_no_drift(n):
    values = np.ones((n + 30, 2))
    of = np.arange(n + 30) < n
    assert not moved(values, np.arange(n + 30), of, ~of, alpha=0.05).warned.any()

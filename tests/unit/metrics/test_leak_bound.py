"""The bound for what is left: textbook values, and coverage over simulated audits."""

import numpy as np
import pytest
from scipy.stats import beta

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.leak_bound import ReviewedStratum, leak_bound


def of(n_notes, n_reviewed, *leaked):
    return ReviewedStratum(n_notes=n_notes, leaked=[*leaked, *[0] * (n_reviewed - len(leaked))])


@pytest.mark.parametrize(("n", "k"), [(60, 0), (100, 3), (300, 1)])
def test_one_stratum_has_the_bound_of_clopper_and_pearson(n, k):
    bound = leak_bound([of(10**6, n, *[7] * k)], n_words=10**8)
    assert bound.share.high == pytest.approx(beta.ppf(0.95, k + 1, n - k), rel=0.02)
    assert (bound.share.value, bound.n_leaking, bound.n_reviewed) == (k / n, k, n)
    # by characters nothing is known of notes that were not drawn but that they leak 100 at most
    zero = beta.ppf(0.95, 1, n)
    at_most = zero + 0.07 * (bound.share.high - zero)
    assert bound.per_10k_words.high <= 10_000 * 10**6 * 100 * at_most * 1.02 / 10**8  # Stringer
    assert bound.per_10k_words.high >= 10_000 * 10**6 * 100 * zero / 1.02 / 10**8


def test_what_was_reviewed_whole_is_known():
    bound = leak_bound([of(10, 10, 5, 5), of(90, 90)], n_words=1000)
    assert bound.share.high == pytest.approx(bound.share.value) == pytest.approx(0.02)
    assert bound.per_10k_words.high == pytest.approx(10 / 1000 * 10_000)
    assert str(bound).startswith("at most 2 % of notes (1e+02 characters per 10,000 words")


def test_strata_joined_lie_between_one_sample_and_the_sum_of_their_bounds():
    strata = [of(900, 60), of(90, 30, 4), of(10, 10)]
    bound = leak_bound(strata, n_words=10**5).share.high
    apart = sum(
        s.n_notes / 1000 * leak_bound([s], n_words=10**5).share.high for s in strata
    )  # each at 95 %: together they hold more often
    assert 0.9 * leak_bound([strata[0]], n_words=1).share.high < bound < apart
    assert leak_bound(strata, n_words=10**5, level=0.99).share.high > bound


def test_more_than_the_most_was_seen():
    bound = leak_bound([of(1000, 50, 250)], n_words=10**5)
    assert bound.most_chars == 250


@pytest.mark.parametrize(
    "rates", [(0.005, 0.05, 0.3), (0.02, 0.02, 0.02), (0.0, 0.0, 0.6), (0.1, 0, 0)]
)
def test_audits_of_known_leaks_are_covered(rates):
    rng = np.random.default_rng(7)
    sizes, drawn = (4000, 800, 200), (70, 30, 20)
    held = held_chars = 0
    n_audits = 500
    for _ in range(n_audits):
        notes = [
            np.where(rng.random(size) < rate, rng.integers(1, 40, size), 0)
            for size, rate in zip(sizes, rates, strict=True)
        ]
        strata = [
            ReviewedStratum(n_notes=size, leaked=rng.choice(leaks, n, replace=False).tolist())
            for size, leaks, n in zip(sizes, notes, drawn, strict=True)
        ]
        bound = leak_bound(strata, n_words=10**6)
        all_notes = np.concatenate(notes)
        held += np.mean(all_notes > 0) <= bound.share.high
        held_chars += all_notes.sum() / 100 <= bound.per_10k_words.high
    assert held >= 0.93 * n_audits
    assert held_chars >= 0.93 * n_audits


def test_what_no_bound_can_be_made_of_is_refused():
    with pytest.raises(ArgumentError, match=r"^of a stratum of 5 notes some must be reviewed"):
        of(5, 6)
    with pytest.raises(ArgumentError, match="not more than all, got 0"):
        of(5, 0)
    with pytest.raises(ArgumentError, match="must be at least 0, got fewer"):
        of(5, 3, -1)
    with pytest.raises(ArgumentError, match="there must be notes and words, got 0 and 3"):
        leak_bound([of(0, 0)], n_words=3)

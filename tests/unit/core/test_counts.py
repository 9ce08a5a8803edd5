"""Counts keep counts; ratios are nan for 0/0 and inf for a true limit."""

import math

import numpy as np
import pytest

from clinnlp.core.counts import PRF, Estimate, Table2x2, ratio
from clinnlp.core.errors import ArgumentError


def test_ratios_of_nothing_are_nan_and_true_limits_stay():
    assert math.isnan(PRF(tp=0, fp=0, fn=3).precision)
    assert PRF(tp=0, fp=0, fn=3).recall == 0
    assert math.isnan(PRF(tp=0, fp=0, fn=0).f1)
    assert ratio(1, 0) == math.inf


def test_numbers_without_an_interval_are_equal_where_they_say_the_same():
    def made(value, method="none"):
        no = float("nan")  # another one each time: no nan equals itself
        return Estimate(value=value, low=no, high=no, method=method)

    assert made(0.5) == made(0.5)
    assert hash(made(0.5)) == hash(made(0.5))
    assert made(float("nan")) == made(float("nan"))
    assert made(0.5) != made(0.25)
    assert made(0.5) != made(0.5, "bootstrap")
    assert made(0.5) != 0.5


def test_counts_add():
    assert PRF(tp=1, fp=2, fn=3) + PRF(tp=1, fp=0, fn=1) == PRF(tp=2, fp=2, fn=4)


def test_cells_of_a_table_sum_to_n_and_scalars_broadcast():
    table = Table2x2(n_ab=np.array([1, 2]), n_a=np.array([3, 2]), n_b=4, n=10)
    assert (table.a + table.b + table.c + table.d).tolist() == [10, 10]


@pytest.mark.parametrize(
    "bad", [{"n_ab": 4, "n_a": 3, "n_b": 5, "n": 9}, {"n_ab": 0, "n_a": 6, "n_b": 5, "n": 9}]
)
def test_an_impossible_table_is_refused(bad):
    with pytest.raises(ArgumentError, match="at least 0"):
        Table2x2(**bad)


def test_fractions_are_no_counts():
    with pytest.raises(ArgumentError, match="n_ab of a 2x2 table must be integers"):
        Table2x2(n_ab=0.5, n_a=1, n_b=1, n=1)


@pytest.mark.parametrize("n", [3_037_000_500, 2**62, np.uint64(2**63 + 5)])
def test_counts_whose_products_would_overflow_are_refused(n):
    with pytest.raises(ArgumentError, match="n of a 2x2 table must be at most 3,037,000,499"):
        Table2x2(n_ab=1, n_a=2, n_b=2, n=n)


def test_the_largest_table_has_exact_products():
    n = 3_037_000_499
    table = Table2x2(n_ab=n, n_a=n, n_b=n, n=n)
    assert (int(table.n * table.n_ab), int(table.n_a * table.n_b)) == (n**2, n**2)

"""One law for numbers of all tables: none is infinite, or beyond what means something."""

import numpy as np
import pytest

from clinnlp.core.numbers import LARGEST, TooLargeError, check_size, large_rows


@pytest.mark.parametrize("number", [1e200, -1e200, float("inf"), np.finfo(float).max])
def test_a_number_that_means_nothing_is_refused_unquoted(number):
    with pytest.raises(TooLargeError, match=r"finite and at most 1e\+100, got another$"):
        check_size(number)
    assert "in 1 rows (first: row 2)" in large_rows([0.0, 1.0, number])


@pytest.mark.parametrize("number", [LARGEST, -LARGEST, 0.0, float("nan")])
def test_all_others_are_taken(number):
    assert check_size(number) is number
    assert large_rows(np.array([number], np.float64)) == ""


def test_small_floats_of_small_types_are_compared_as_they_are():
    assert large_rows(np.array([3e38, 1.0], np.float32)) == ""
    assert large_rows(np.array([np.inf, 1.0], np.float32)) == "infinity in 1 rows (first: row 0)"

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.metrics.sample_size import riley_sample_size


def test_the_numbers_that_pmsampsize_prints():
    """Of R's pmsampsize 1.1.3: prevalence 0.47, 30 parameters, Cox-Snell R² 0.1845."""
    found = riley_sample_size(30, 0.47, r2=0.1845)
    assert (found.n_shrinkage, found.n_optimism, found.n_overall) == (1308, 709, 383)
    assert (found.n, found.n_events) == (1308, 615)
    assert found.r2_max == pytest.approx(0.749, abs=5e-4)


@pytest.mark.parametrize(
    ("r2", "n_parameters", "prevalence", "by_r"),
    [
        # tests/testthat/test_bin.R of its version 1.0, tests 4.1 to 4.4; it rounded the shrinkage
        # of criterion 2 to 3 digits, which moves that by up to 2 %
        (0.288, 24, 0.174, (623, 668, 221)),
        (0.55, 24, 0.174, (255, 532, 221)),
        (0.288, 36, 0.174, (934, 1002, 221)),
        (0.288, 24, 0.25, (623, 583, 289)),
    ],
)
def test_the_numbers_that_its_tests_expect(r2, n_parameters, prevalence, by_r):
    found = riley_sample_size(n_parameters, prevalence, r2=r2)
    assert (found.n_shrinkage, found.n_overall) == (by_r[0], by_r[2])
    assert found.n_optimism == pytest.approx(by_r[1], rel=0.02)


def test_where_nothing_is_known_a_share_of_the_largest_r2_is_expected():
    found = riley_sample_size(10, 0.05)
    assert found.r2 == pytest.approx(0.15 * found.r2_max)
    assert found.r2_max == pytest.approx(1 - (0.05**0.05 * 0.95**0.95) ** 2)
    assert found.n_events == pytest.approx(found.n * 0.05, abs=1)


@pytest.mark.parametrize(("k", "share", "r2"), [(0, 0.1, None), (3, 0.0, None), (3, 0.1, 0.9)])
def test_refusals(k, share, r2):
    with pytest.raises(ArgumentError, match="must"):
        riley_sample_size(k, share, r2=r2)

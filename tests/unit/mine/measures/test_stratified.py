"""Mantel-Haenszel ratios against an mpmath oracle and published figures; Simpson's check."""

import numpy as np
import pytest

from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures import stratified
from clinnlp.mine.measures.disproportionality import prr, ror
from tests.unit.mine import oracle

NAMES = ("mh_odds_ratio", "mh_prr")


def tables(cells):
    """`cells` of shape (n_strata, n_candidates, 4)."""
    a, b, c, d = np.moveaxis(np.asarray(cells, np.int64), 2, 0)
    return Table2x2(n_ab=a, n_a=a + b, n_b=a + c, n=a + b + c + d)


def random_cells(seed, n_strata=3, n=60, top=40):
    rng = np.random.default_rng(seed)
    return rng.integers(0, top, (n_strata, n, 4)) * rng.choice([0, 1, 1], (n_strata, n, 4))


@pytest.mark.parametrize("cells", [random_cells(0), random_cells(1, top=3)], ids=["some", "few"])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_interval_are_the_oracles(name, cells):
    t = tables(cells)
    rows = [[tuple(int(x) for x in cells[s, k]) for s in range(3)] for k in range(cells.shape[1])]
    np.testing.assert_allclose(
        getattr(stratified, name)(t), [float(getattr(oracle, name)(row)) for row in rows]
    )
    got = np.stack(getattr(stratified, f"{name}_interval")(t))
    truth = np.array([[float(x) for x in getattr(oracle, f"{name}_ends")(row)] for row in rows]).T
    np.testing.assert_allclose(got, truth, rtol=1e-8)


def test_one_stratum_is_no_stratum():
    cells = random_cells(2, n_strata=1)
    t = tables(cells)
    flat = stratified.pooled(t)
    np.testing.assert_allclose(stratified.mh_odds_ratio(t), ror(flat))
    np.testing.assert_allclose(stratified.mh_prr(t), prr(flat))
    np.testing.assert_allclose(
        stratified.stratified_expected(t), flat.n_a * flat.n_b / np.maximum(flat.n, 1)
    )
    assert not stratified.simpson(t).any()


def test_published_figures():
    """Kidney stones, Charig et al., BMJ 1986: open surgery wins in both sizes and loses in all."""
    small, large = (81, 6, 234, 36), (192, 71, 55, 25)
    t = tables([[small], [large]])
    assert round(float(ror(stratified.pooled(t))[0]), 2) == 0.75  # 273/77 over 289/61
    assert round(float(ror(tables([[small]]))[0, 0]), 2) == 2.08
    assert round(float(ror(tables([[large]]))[0, 0]), 2) == 1.23
    assert round(float(stratified.mh_odds_ratio(t)[0]), 2) == 1.45
    assert stratified.simpson(t).tolist() == [True]


def test_no_flip_where_all_strata_agree():
    assert stratified.simpson(tables([[(20, 10, 10, 20)], [(15, 5, 5, 15)]])).tolist() == [False]


def test_tables_without_strata_are_refused():
    with pytest.raises(ArgumentError, match="n_strata"):
        stratified.pooled(tables([[(1, 1, 1, 1)]]).__class__(n_ab=1, n_a=2, n_b=2, n=4))

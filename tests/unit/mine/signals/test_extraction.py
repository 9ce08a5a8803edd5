"""Intervals that hold the mistakes of the extraction: exact where there are none, and covering."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from scipy.optimize import brentq

from clinnlp.core.counts import PRF, Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable
from clinnlp.features.baskets import baskets
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.measures.disproportionality import ror, ror_interval
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.extraction import (
    EXTRACTION_COLUMNS,
    ExtractionError,
    corrected,
    score_precision,
)

KINDS = ("drug", "outcome")
SURE = ExtractionError(by_kind=dict.fromkeys(KINDS, PRF(tp=10**9, fp=0, fn=0)), n_draws=20_000)


def table(*cells):
    n_ab, n_a, n_b, n = (np.array([c]) for c in cells)
    return Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)


def planted(rng, n, shares, ratio, recall, precision):
    """Return the counts as found of a cohort with a true odds ratio, and what was measured."""
    p, q = shares

    def off(joint):
        return joint * (1 - p - q + joint) / ((p - joint) * (q - joint)) - ratio

    joint = brentq(off, 1e-9, min(p, q) - 1e-9)
    drug = rng.random(n) < p
    outcome = rng.random(n) < np.where(drug, joint / p, (q - joint) / (1 - p))
    found, counts = [], {}
    for kind, truly, share in zip(KINDS, (drug, outcome), shares, strict=True):
        by_mistake = share * recall * (1 - precision) / precision / (1 - share)
        found.append(rng.random(n) < np.where(truly, recall, by_mistake))
        tp = rng.binomial(300, recall)
        counts[kind] = PRF(
            tp=tp, fp=rng.binomial(round(tp / precision), 1 - precision), fn=300 - tp
        )
    x, y = found
    return table(np.sum(x & y), x.sum(), y.sum(), n), counts


def coverage(n_cohorts, seed, ratio=3.0, n_draws=500):
    """Return how many of some cohorts an interval covers, with the mistakes in it and without."""
    rng, covered, plain = np.random.default_rng(seed), 0, 0
    for k in range(n_cohorts):
        cells, counts = planted(rng, 4000, (0.1, 0.08), ratio, 0.8, 0.85)
        error = ExtractionError(by_kind=counts, n_draws=n_draws, seed=k)
        held = corrected(cells, error, KINDS, level=0.95)
        covered += bool(held["ror_corrected_low"] <= ratio <= held["ror_corrected_high"])
        limits = ror_interval(cells, level=0.95)
        plain += bool(limits.low <= ratio <= limits.high)
    return covered, plain


def test_without_mistakes_it_is_the_plain_interval():
    cells = table(60, 400, 500, 9000)
    found, limits = corrected(cells, SURE, KINDS, level=0.9), ror_interval(cells, level=0.9)
    assert found["ror_corrected"] == pytest.approx(ror(cells), rel=0.02)
    assert found["ror_corrected_low"] == pytest.approx(limits.low, rel=0.03)
    assert found["ror_corrected_high"] == pytest.approx(limits.high, rel=0.03)


def test_true_cells_come_back_from_what_mistakes_make_of_them():
    true = np.array([[50_000, 150_000], [100_000, 1_700_000]])  # drug x outcome, both first
    n, recall, precision = true.sum(), 0.8, 0.9
    m = []
    for held in (true.sum(axis=1)[0], true.sum(axis=0)[0]):
        f = held * recall * (1 - precision) / precision / (n - held)
        m.append(np.array([[recall, f], [1 - recall, 1 - f]]))
    seen = m[0] @ true @ m[1].T
    cells = table(*np.round([seen[0, 0], seen[0].sum(), seen[:, 0].sum(), n]).astype(int))
    sure = PRF(tp=720_000_000, fp=80_000_000, fn=180_000_000)
    error = ExtractionError(by_kind=dict.fromkeys(KINDS, sure), n_draws=4000)
    found = corrected(cells, error, KINDS, level=0.95)
    truth = true[0, 0] * true[1, 1] / (true[0, 1] * true[1, 0])
    assert ror(cells)[0] < 0.85 * truth
    assert found["ror_corrected"][0] == pytest.approx(truth, rel=0.01)
    risk = true[0, 0] / true[0].sum() / (true[1, 0] / true[1].sum())
    assert found["prr_corrected"][0] == pytest.approx(risk, rel=0.01)
    assert found["p_corrected"][0] == 0


def test_intervals_cover_where_plain_ones_do_not():
    n = 60
    covered, plain = coverage(n, 3)
    assert covered >= stats.binom.ppf(0.001, n, 0.93)
    assert plain <= stats.binom.ppf(0.999, n, 0.7)


@pytest.mark.long
@pytest.mark.parametrize("ratio", [1.0, 3.0])
def test_500_planted_cohorts_are_covered(ratio):
    covered, plain = coverage(500, 11, ratio, n_draws=2000)
    assert 0.93 <= covered / 500 <= 0.97, (covered, plain)


def test_signals_get_the_columns_and_refuse_an_unmeasured_kind():
    rows = [["d", "o"]] * 20 + [["d"]] * 40 + [["o"]] * 30 + [["x"]] * 300
    kinds = {"d": "drug", "x": "drug", "o": "outcome"}
    sets = as_baskets(rows)
    sets = replace(sets, kinds=tuple(kinds[item] for item in sets.items))
    error = ExtractionError(by_kind=dict.fromkeys(KINDS, PRF(tp=80, fp=20, fn=20)))
    plain, made = mine_signals(sets), mine_signals(sets, extraction=error)
    assert list(made.columns) == [*plain.columns, *EXTRACTION_COLUMNS]
    assert made["ror_corrected_low"][0] < made["ror_corrected"][0] < made["ror_corrected_high"][0]
    width = np.log(made["ror_corrected_high"] / made["ror_corrected_low"])
    assert (width > np.log(made["ror_high"] / made["ror_low"])).all()
    again = mine_signals(sets, extraction=error)
    assert made["ror_corrected"].tolist() == again["ror_corrected"].tolist()
    with pytest.raises(ArgumentError, match="'outcome'"):
        mine_signals(sets, extraction=ExtractionError(by_kind={"drug": PRF(tp=1, fp=0, fn=0)}))
    with pytest.raises(ArgumentError, match="n_draws"):
        ExtractionError(by_kind={}, n_draws=5)


def test_scores_say_it_of_each_item_on_its_own():
    columns = {
        "patient": ["p", "p", "q", "q"], "text": ["iron", "iron", "iron", "zinc"],
        "label": ["drug"] * 4, "score": [0.5, 0.5, 0.25, np.nan], "start": [0, 9, 0, 9],
        "end": [4, 13, 4, 13], "n_concepts": [0] * 4,
    }  # fmt: skip
    sets = baskets(EntityTable(columns))
    found = score_precision(sets, np.array(["iron", "zinc"], dtype=object))
    assert found[0] == pytest.approx((0.75 + 0.25) / 2)
    assert np.isnan(found[1])


def test_mistakes_are_those_of_the_baskets_in_both():
    gold = as_baskets([["a", "b"], ["a"], ["c"]])
    found = as_baskets([["a"], ["a", "b"], []])
    counts = ExtractionError.measured(gold, found).by_kind
    assert counts == {"item": PRF(tp=2, fp=1, fn=2)}

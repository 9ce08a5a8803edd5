"""Signals of counts are those of the reports that were counted."""

import numpy as np
import pandas as pd
import pytest

from clinnlp import mine_counts, mine_signals
from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.signals.drug_events import DRUG_EVENT_COLUMNS

N_DRUGS, N_EVENTS, N = 12, 9, 900


@pytest.fixture(scope="module")
def baskets():
    rng = np.random.default_rng(4)
    rates = rng.uniform(0.004, 0.2, N_DRUGS + N_EVENTS)
    held = rng.random((N, N_DRUGS + N_EVENTS)) < rates
    held[:, N_DRUGS] |= held[:, 0] & (rng.random(N) < 0.4)
    names = [f"drug {k}" for k in range(N_DRUGS)] + [f"event {k}" for k in range(N_EVENTS)]
    kinds = {name: "drug" if name.startswith("d") else "outcome" for name in names}
    return frame_baskets(pd.DataFrame(held.astype(int), columns=names), kinds=kinds)


def counts_of(baskets, *, least):
    x = baskets.matrix.toarray()
    rows = [
        {"drug": baskets.items[i], "event": baskets.items[j], "a": int((x[:, i] & x[:, j]).sum()),
         "n_drug": int(x[:, i].sum()), "n_event": int(x[:, j].sum()), "n": len(x)}
        for i in range(N_DRUGS) for j in range(N_DRUGS, N_DRUGS + N_EVENTS)
    ]  # fmt: skip
    frame = pd.DataFrame(rows)
    return frame[frame["a"] >= least].reset_index(drop=True)


@pytest.mark.parametrize("least", [0, 1])
@pytest.mark.parametrize("prior", ["penalised", "openebgm"])
def test_counts_give_what_the_reports_give(baskets, least, prior):
    """Every measure, limit, p and q, EBGM and its prior; what never met need not be listed."""
    wanted = mine_signals(baskets, prior=prior)
    found = mine_counts(counts_of(baskets, least=least).sample(frac=1, random_state=1), prior=prior)
    assert (found.m, len(found)) == (wanted.m, len(wanted))
    one, two = (s.to_pandas().sort_values(["drug", "outcome"]) for s in (wanted, found))
    assert tuple(two.columns) == DRUG_EVENT_COLUMNS
    for name in DRUG_EVENT_COLUMNS:
        a, b = one[name].to_numpy(), two[name].to_numpy()
        if a.dtype == object or a.dtype == bool:
            assert a.tolist() == b.tolist(), name
        else:
            np.testing.assert_allclose(a, b, rtol=1e-6, err_msg=name)
    np.testing.assert_allclose(found.prior.log_likelihood, wanted.prior.log_likelihood, rtol=1e-6)


def test_of_a_table_of_frequent_pairs_the_prior_is_fitted_to_those(baskets):
    every, frequent = (mine_counts(counts_of(baskets, least=k)) for k in (0, 4))
    assert frequent.m == every.m
    assert frequent.prior.n_pairs < every.prior.n_pairs == every.m
    # The truncated fit is close to that of all pairs, the naive one with zeros would not be
    one = {(r.drug, r.outcome): r.ebgm for r in every.to_pandas().itertuples()}
    two = {(r.drug, r.outcome): r.ebgm for r in frequent.to_pandas().itertuples()}
    ratios = [two[key] / one[key] for key in two]
    assert 0.7 < min(ratios) <= max(ratios) < 1.4


def test_nothing_gives_nothing(baskets):
    found = mine_counts(counts_of(baskets, least=0)[:0])
    assert (len(found), found.m, found.prior) == (0, 0, None)


def test_evidence_needs_the_reports(baskets):
    with pytest.raises(ArgumentError, match="evidence of a signal needs the baskets"):
        mine_counts(counts_of(baskets, least=0)).evidence(0)


@pytest.mark.parametrize("asked", [{"min_count": 0}, {"alpha": 2}, {"level": 1}, {"prior": "x"}])
def test_arguments_are_checked(baskets, asked):
    with pytest.raises(ArgumentError):
        mine_counts(counts_of(baskets, least=0), **asked)


@pytest.mark.parametrize("whole", [0, 10**6])
def test_what_never_met_is_looked_at_some_drugs_at_a_time(baskets, monkeypatch, whole):
    """In blocks and squashed as at once: cells within 1 % of each other move EBGM by less."""
    wanted = mine_counts(counts_of(baskets, least=1))
    monkeypatch.setattr("clinnlp.mine.signals.counts._BLOCK", 2 * N_EVENTS)
    monkeypatch.setattr("clinnlp.mine.signals.counts.WHOLE", whole)
    found = mine_counts(counts_of(baskets, least=1))
    assert found.prior.n_pairs == wanted.prior.n_pairs
    np.testing.assert_allclose(found["ebgm"], wanted["ebgm"], rtol=1e-3 if whole == 0 else 1e-5)

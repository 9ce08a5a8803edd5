"""Signals of one drug: drug → outcome reported, or recorded, together more than expected.

Every drug and outcome whose *margins* pass is a candidate; their number is m. Each gets every
measure of `clinnlp.mine.measures.disproportionality` with its interval, EBGM with EB05 and EB95
under a prior fitted to all candidates, those that never meet too, and Fisher's one-sided p. With
strata the expectation behind IC and EBGM is the sum over strata, and Mantel-Haenszel ratios with a
check for Simpson's reversal stand beside the crude ones. With `adjust` what would be called is
tested again by a penalised logistic regression on all other drugs and conditions, so that a drug
that is merely taken with the guilty one, or for the illness, is not called: ``p`` is the larger
of the two.

A drug that is called here says nothing of a pair; for drug + drug → outcome see
`clinnlp.mine.signals.interactions`.
"""

from collections.abc import Sequence

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Floats, Ints
from clinnlp.core.checks import check_level
from clinnlp.core.counts import Table2x2
from clinnlp.core.tables import Baskets
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures import stratified
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.measures.gps import eb_quantile, ebgm, fit_gamma_mixture
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.measures.logistic import fit_logistic
from clinnlp.mine.screen import METHODS, q_values
from clinnlp.mine.signals.interactions import Signals, check_query
from clinnlp.mine.strata import strata_of

__all__ = ["DRUG_EVENT_COLUMNS", "mine_signals"]

# Functions of a table in `disproportionality`, each with its `<name>_interval`; one more is a name
# here. IC takes its expectation from the strata.
RATIOS = ("prr", "ror", "rrr", "ic", "bcpnn")
DRUG_EVENT_COLUMNS = (
    *("drug", "outcome", "n_both", "n_drug", "n_outcome", "n", "expected"),
    *(f"{name}{end}" for name in RATIOS for end in ("", "_low", "_high")),
    *("chi2_yates", "ebgm", "eb05", "eb95"),
    *(f"{name}{end}" for name in ("mh_odds_ratio", "mh_prr") for end in ("", "_low", "_high")),
    *("simpson", "odds_ratio_adjusted", "odds_ratio_adjusted_low", "odds_ratio_adjusted_high"),
    *("p_fisher", "p_adjusted", "p", "q_bh", "q_by", "signal"),
)


def mine_signals(
    baskets: Baskets,
    *,
    drug_kind: str = "drug",
    outcome_kind: str = "outcome",
    min_count: int = 3,
    min_margin: int = 5,
    alpha: float = 0.05,
    level: float = 0.95,
    strata: Sequence[str] | Ints | None = None,
    adjust: bool = False,
    ridge: float = 0.1,
) -> Signals:
    """Return drug → outcome signals with every measure, its interval, p and q.

    Parameters
    ----------
    baskets : Baskets
        Their kinds say which items are drugs and outcomes; all other items are conditions.
    drug_kind, outcome_kind : str
        Kinds of the items on the two sides.
    min_count : int
        Least number of baskets with the drug and the outcome, ≥ 1.
    min_margin : int
        Least number of baskets with the drug, and with the outcome, ≥ 1. It alone decides the
        candidates.
    alpha : float
        ``signal`` is q < alpha, Benjamini-Hochberg over all m candidates.
    level : float
        Coverage of the intervals; EB05 and EB95 are what their names say.
    strata : sequence of item names or array of int, shape (n_baskets,), optional
        Age groups, sexes, years, ...; one number per basket, or combinations of these items.
    adjust : bool
        Test what is called again, adjusted for conditions and other drugs.
    ridge : float
        Penalty of the adjusted log odds ratios, above 0.

    Raises
    ------
    ArgumentError
        An argument is out of range, or no item is of a kind.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> frame = pd.DataFrame({"statin": [1] * 100 + [0] * 900, "iron": [0, 1] * 500})
    >>> frame["myalgia"] = [1] * 20 + [0] * 80 + [1] * 18 + [0] * 882
    >>> kinds = {"statin": "drug", "iron": "drug", "myalgia": "outcome"}
    >>> signals = mine_signals(frame_baskets(frame, kinds=kinds))
    >>> signals, signals["drug"][0], signals["prr"].round(2).tolist()
    (Signals(1 with q < 0.05 of m=2 candidates, unit='row'), 'statin', [10.0, 1.0])
    """
    check_level(level)
    is_drug, is_outcome = check_query(
        baskets, (drug_kind, outcome_kind), min_count, min_margin, alpha
    )
    drugs, outcomes = baskets.matrix[:, is_drug], baskets.matrix[:, is_outcome]
    groups = strata_of(baskets, strata)
    whole = _candidates(drugs, outcomes, groups, min_margin)  # (n_strata, n_drugs, n_outcomes)
    n_strata, *sides = whole.n_ab.shape
    m = int(np.prod(sides))
    names = ("n_ab", "n_a", "n_b", "n")
    flat = Table2x2(**{name: getattr(whole, name).reshape(n_strata, m) for name in names})
    kept = np.flatnonzero(flat.n_ab.sum(axis=0) >= min_count)
    columns = _measured(flat, kept, level=level)
    first, second = _places(drugs, outcomes, min_margin)
    # Candidate k is drug k // n_outcomes with outcome k % n_outcomes
    n_outcomes = max(len(second), 1)
    columns["drug"] = np.array(baskets.items, dtype=object)[is_drug][first[kept // n_outcomes]]
    columns["outcome"] = np.array(baskets.items, dtype=object)[is_outcome][
        second[kept % n_outcomes]
    ]
    if adjust:
        others = baskets.matrix[:, ~is_drug & ~is_outcome]
        places = (first[kept // n_outcomes], second[kept % n_outcomes])
        x = sparse.hstack([drugs, others], format="csr")
        _adjust(columns, x, outcomes.tocsc(), places, m=m, alpha=alpha, level=level, ridge=ridge)
    columns["p"] = np.fmax(columns["p_fisher"], columns["p_adjusted"])
    columns |= {f"q_{k}": q_values(columns["p"], m, method=k) for k in METHODS}
    columns["signal"] = columns["q_bh"] < alpha
    order = np.lexsort((-columns["eb05"], columns["q_bh"]))
    ordered = {name: columns[name][order] for name in DRUG_EVENT_COLUMNS}
    return Signals(columns=ordered, m=m, alpha=alpha, baskets=baskets, keys=("drug", "outcome"))


def _places(
    drugs: sparse.csr_matrix, outcomes: sparse.csr_matrix, min_margin: int
) -> tuple[Ints, Ints]:
    """Return the columns of the drugs and of the outcomes whose margins pass."""
    one, two = (
        np.flatnonzero(np.asarray(x.sum(axis=0, dtype=np.int64)).ravel() >= min_margin)
        for x in (drugs, outcomes)
    )
    return one.astype(np.int64), two.astype(np.int64)


def _candidates(
    drugs: sparse.csr_matrix, outcomes: sparse.csr_matrix, groups: Ints, min_margin: int
) -> Table2x2:
    """Return the tables of all candidates, shape (n_strata, n_drugs, n_outcomes)."""
    first, second = _places(drugs, outcomes, min_margin)
    tables = []
    for s in range(int(groups.max(initial=0)) + 1):
        here = np.flatnonzero(groups == s)
        x = drugs[here][:, first].astype(np.int64)
        y = outcomes[here][:, second].astype(np.int64)
        n_a, n_b = (np.asarray(z.sum(axis=0)).ravel() for z in (x, y))
        joint = (x.T @ y).toarray()
        tables.append(
            np.stack(np.broadcast_arrays(joint, n_a[:, None], n_b[None], np.int64(len(here))))
        )
    n_ab, n_a, n_b, n = np.stack(tables, axis=1)
    return Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)


def _measured(flat: Table2x2, kept: Ints, *, level: float) -> dict[str, Array]:
    """Return every column that the counts alone decide."""
    names = ("n_ab", "n_a", "n_b", "n")
    strata = Table2x2(**{name: getattr(flat, name)[:, kept] for name in names})
    t, expected = stratified.pooled(strata), stratified.stratified_expected(strata)
    columns: dict[str, Array] = {
        "n_both": t.n_ab,
        "n_drug": t.n_a,
        "n_outcome": t.n_b,
        "n": t.n,
        "expected": expected,
        "chi2_yates": dp.chi2_yates(t),
        "simpson": stratified.simpson(strata),
        "p_fisher": fisher_p(t),
        **{f"odds_ratio_adjusted{e}": np.full(len(kept), np.nan) for e in ("", "_low", "_high")},
        "p_adjusted": np.full(len(kept), np.nan),
    }
    for name in RATIOS:
        limits = getattr(dp, f"{name}_interval")(t, level=level)
        columns |= _with_limits(name, getattr(dp, name)(t), limits)
    limits = dp.shrunk_log2_interval(t.n_ab, expected, level=level)
    columns |= _with_limits("ic", dp.shrunk_log2(t.n_ab, expected), limits)
    for name in ("mh_odds_ratio", "mh_prr"):
        limits = getattr(stratified, f"{name}_interval")(strata, level=level)
        columns |= _with_limits(name, getattr(stratified, name)(strata), limits)
    return columns | _shrunk(flat, t, expected)


def _with_limits(name: str, value: Floats, limits: Interval) -> dict[str, Array]:
    return {name: value, f"{name}_low": limits.low, f"{name}_high": limits.high}


def _shrunk(flat: Table2x2, t: Table2x2, expected: Floats) -> dict[str, Array]:
    """Return EBGM, EB05 and EB95, the prior fitted to all candidates."""
    if not len(expected):
        return {name: np.empty(0) for name in ("ebgm", "eb05", "eb95")}
    all_expected = stratified.stratified_expected(flat)
    possible = all_expected > 0
    prior = fit_gamma_mixture(flat.n_ab.sum(axis=0)[possible], all_expected[possible])
    return {
        "ebgm": ebgm(t.n_ab, expected, prior),
        "eb05": eb_quantile(t.n_ab, expected, prior, 0.05),
        "eb95": eb_quantile(t.n_ab, expected, prior, 0.95),
    }


def _adjust(
    columns: dict[str, Array],
    x: sparse.csr_matrix,
    outcomes: sparse.csc_matrix,
    places: tuple[Ints, Ints],
    *,
    m: int,
    alpha: float,
    level: float,
    ridge: float,
) -> None:
    """Fill in the adjusted odds ratio and p of what the crude p would call."""
    called = np.flatnonzero(q_values(columns["p_fisher"], m) < alpha)
    for outcome in np.unique(places[1][called]).tolist():
        rows = called[places[1][called] == outcome]
        y = outcomes[:, [outcome]].toarray().ravel().astype(np.float64)
        if y.all():
            continue
        fit = fit_logistic(x, y, ridge=ridge)
        at, limits = places[0][rows], fit.interval(level=level)
        columns["odds_ratio_adjusted"][rows] = fit.odds_ratio[at]
        columns["odds_ratio_adjusted_low"][rows] = limits.low[at]
        columns["odds_ratio_adjusted_high"][rows] = limits.high[at]
        columns["p_adjusted"][rows] = fit.p_greater[at]

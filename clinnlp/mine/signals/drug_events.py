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

from clinnlp.core.arrays import Array, Bools, Floats, Ints
from clinnlp.core.checks import check_level, check_one_of
from clinnlp.core.counts import Table2x2
from clinnlp.core.tables import Baskets
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures import stratified
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.measures.gps import PRIORS, FittedMixture, eb_quantile, ebgm, fit_gamma_mixture
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.measures.logistic import fit_logistic
from clinnlp.mine.screen import METHODS, q_values
from clinnlp.mine.signals.interactions import Signals, check_query
from clinnlp.mine.small_cells import SmallCells
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

Sides = tuple[Ints, ...]  # items of the drugs and of the outcomes


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
    cells: SmallCells | None = None,
    prior: str = "penalised",
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
    cells : SmallCells, optional
        Only rows from which no small cell follows, without strata and adjustment. Candidates are
        of items that may be shown; the prior is fitted to the pairs that may be, as to counts of
        at least `min_cell`.
    prior : {"penalised", "openebgm"}
        How the prior of EBGM is fitted (`clinnlp.mine.measures.prior`). The fit, its log
        likelihood and whether it lies at a bound or is flat stand in ``prior`` of what is returned.

    Raises
    ------
    ArgumentError
        An argument is out of range, no item is of a kind, or `cells` with `adjust` or `strata`.

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
    check_one_of(prior, PRIORS, name="prior")
    is_drug, is_outcome = check_query(
        baskets, (drug_kind, outcome_kind), min_count, min_margin, alpha
    )
    cells = cells or SmallCells(baskets, 0)
    cells.check(baskets, adjust=adjust, strata=strata)
    sides = tuple(_places(baskets, of, cells, min_margin) for of in (is_drug, is_outcome))
    flat = _candidates(baskets, sides, strata_of(baskets, strata))  # (n_strata, m)
    m = flat.n_ab.shape[1]
    counted = _counted(flat, sides, cells)
    kept = counted[flat.n_ab.sum(axis=0)[counted] >= min_count]
    fitted = _prior(flat, counted, cells, prior) if len(kept) else None
    columns = _measured(flat, kept, fitted, level=level)
    pairs = [side[at] for side, at in zip(sides, _split(kept, sides), strict=True)]
    names = np.array(baskets.items, dtype=object)
    columns |= {"drug": names[pairs[0]], "outcome": names[pairs[1]]}
    if adjust:
        x = sparse.hstack(
            [baskets.matrix[:, is_drug], baskets.matrix[:, ~is_drug & ~is_outcome]], format="csr"
        )
        places = (np.cumsum(is_drug)[pairs[0]] - 1, pairs[1])
        y = baskets.matrix.tocsc()
        _adjust(columns, x, y, places, m=m, alpha=alpha, level=level, ridge=ridge)
    columns["p"] = np.fmax(columns["p_fisher"], columns["p_adjusted"])
    columns |= {f"q_{k}": q_values(columns["p"], m, method=k) for k in METHODS}
    columns["signal"] = columns["q_bh"] < alpha
    order = np.lexsort((-columns["eb05"], columns["q_bh"]))
    ordered = {name: columns[name][order] for name in DRUG_EVENT_COLUMNS}
    return Signals(
        columns=ordered,
        m=m,
        alpha=alpha,
        baskets=baskets,
        keys=("drug", "outcome"),
        prior=fitted,
    )


def _places(baskets: Baskets, of: Bools, cells: SmallCells, min_margin: int) -> Ints:
    """Return the items of a kind whose margins pass and may be shown."""
    n = np.asarray(baskets.matrix.sum(axis=0, dtype=np.int64)).ravel()
    found = np.flatnonzero(of & (n >= min_margin)).astype(np.int64)
    return found[cells.shown(found[:, None].astype(np.int32))]


def _candidates(baskets: Baskets, sides: Sides, groups: Ints) -> Table2x2:
    """Return the tables of all candidates, shape (n_strata, m): each drug with each outcome."""
    tables = []
    for s in range(int(groups.max(initial=0)) + 1):
        here = baskets.matrix[np.flatnonzero(groups == s)]
        x, y = (here[:, side].astype(np.int64) for side in sides)
        n_a, n_b = (np.asarray(z.sum(axis=0)).ravel() for z in (x, y))
        joint = (x.T @ y).toarray()
        cells = np.broadcast_arrays(joint, n_a[:, None], n_b[None], np.int64(here.shape[0]))
        tables.append(np.stack(cells).reshape(4, -1))
    n_ab, n_a, n_b, n = np.stack(tables, axis=1)
    return Table2x2(n_ab=n_ab, n_a=n_a, n_b=n_b, n=n)


def _split(at: Ints, sides: Sides) -> tuple[Ints, Ints]:
    """Return the places of drug and outcome of candidates: k // n_outcomes and k % n_outcomes."""
    n_outcomes = max(len(sides[1]), 1)
    return at // n_outcomes, at % n_outcomes


def _counted(flat: Table2x2, sides: Sides, cells: SmallCells) -> Ints:
    """Return the candidates whose tables may be looked at."""
    if not cells:
        return np.arange(flat.n_ab.shape[1])
    met = np.flatnonzero(flat.n_ab.sum(axis=0) >= cells.min_cell)
    pairs = [side[at] for side, at in zip(sides, _split(met, sides), strict=True)]
    return met[cells.shown(np.sort(np.stack(pairs, axis=1), axis=1).astype(np.int32))]


def _prior(flat: Table2x2, counted: Ints, cells: SmallCells, prior: str) -> FittedMixture | None:
    """Return the prior of EBGM, fitted to the candidates that may be looked at."""
    expected = stratified.stratified_expected(flat)[counted]
    observed, possible = flat.n_ab.sum(axis=0)[counted], expected > 0
    if not possible.any():
        return None
    least = cells.min_cell if cells else 0
    return fit_gamma_mixture(observed[possible], expected[possible], least=least, prior=prior)


def _measured(
    flat: Table2x2, kept: Ints, prior: FittedMixture | None, *, level: float
) -> dict[str, Array]:
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
    return columns | _shrunk(t, expected, prior)


def _with_limits(name: str, value: Floats, limits: Interval) -> dict[str, Array]:
    return {name: value, f"{name}_low": limits.low, f"{name}_high": limits.high}


def _shrunk(t: Table2x2, expected: Floats, prior: FittedMixture | None) -> dict[str, Array]:
    """Return EBGM, EB05 and EB95."""
    if prior is None or not len(expected):
        return {name: np.empty(0) for name in ("ebgm", "eb05", "eb95")}
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

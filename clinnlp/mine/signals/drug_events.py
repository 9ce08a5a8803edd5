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

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Array, Bools, Floats, Ints
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_level, check_one_of
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import RelationTable
from clinnlp.mine.measures import disproportionality as dp
from clinnlp.mine.measures import stratified
from clinnlp.mine.measures.association import fisher_p
from clinnlp.mine.measures.gps import PRIORS, FittedMixture, eb_quantile, ebgm, fit_gamma_mixture
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.measures.logistic import fit_logistic
from clinnlp.mine.measures.prior import WHOLE
from clinnlp.mine.measures.squash import Cells, squashed
from clinnlp.mine.screen import METHODS, q_values
from clinnlp.mine.sets.pairs import Across
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.asked import check_query
from clinnlp.mine.signals.extraction import ExtractionError, corrected, score_precision
from clinnlp.mine.signals.interactions import Signals
from clinnlp.mine.signals.running import RunningCounts
from clinnlp.mine.signals.stored import AcrossStored, check_asked
from clinnlp.mine.small_cells import SmallCells
from clinnlp.mine.stated import StatedPairs
from clinnlp.mine.strata import strata_of

__all__ = ["DRUG_EVENT_COLUMNS", "finished", "measured", "mine_signals"]

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

_BLOCK = 1_000_000  # candidates and strata that are looked at at once
_PER_CANDIDATE = 80  # bytes while a block is looked at

_log = logging.getLogger(__name__)

Sides = tuple[Ints, ...]  # items of the drugs and of the outcomes


def mine_signals(
    baskets: Baskets | StoredBaskets | RunningCounts,
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
    relations: RelationTable | StatedPairs | None = None,
    extraction: ExtractionError | None = None,
) -> Signals:
    """Return drug → outcome signals with every measure, its interval, p and q.

    Parameters
    ----------
    baskets : Baskets, BasketBlocks, SparkBaskets or RunningCounts
        Their kinds say which items are drugs and outcomes; all other items are conditions. Those in
        blocks on the disk (`clinnlp.basket_blocks`), on Spark (`clinnlp.spark_baskets`), or counted
        batch by batch (`clinnlp.RunningCounts`), without strata, adjustment and cells.
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
    relations : RelationTable or StatedPairs, optional
        What the same notes state of drugs and outcomes (`clinnlp.relation_table`): adds ``n_stated,
        n_denied, p_stated, q_stated, signal_stated`` (`clinnlp.mine.signals.stated_tests`).
    extraction : ExtractionError, optional
        How well drugs and outcomes were extracted: adds ``ror_corrected, prr_corrected`` with
        intervals that hold the mistakes too, and ``p_corrected``
        (`clinnlp.mine.signals.extraction`).

    Columns
    -------
    drug, outcome : text
        Item names.
    n_both, n_drug, n_outcome, n : int
        Baskets with both, with the drug, with the outcome, and all.
    expected : float
        Baskets with both, were they independent (within strata where there are any).
    prr, prr_low, prr_high : float
        Proportional reporting ratio and its interval.
    ror, ror_low, ror_high : float
        Reporting odds ratio and its interval.
    rrr, rrr_low, rrr_high : float
        Relative reporting ratio, observed over expected, and its interval.
    ic, ic_low, ic_high : float
        Information component, log2 of observed over expected shrunk by a half, and its interval.
    bcpnn, bcpnn_low, bcpnn_high : float
        Information component of the neural network of 1998, and its interval.
    chi2_yates : float
        χ² with Yates' correction, 1 degree of freedom.
    ebgm, eb05, eb95 : float
        Empirical Bayes geometric mean, and the 5 % and 95 % points.
    mh_odds_ratio, mh_odds_ratio_low, mh_odds_ratio_high : float
        Mantel-Haenszel odds ratio over strata, and its interval.
    mh_prr, mh_prr_low, mh_prr_high : float
        Mantel-Haenszel proportional reporting ratio over strata, and its interval.
    simpson : bool
        Whether the direction turns within strata.
    odds_ratio_adjusted, odds_ratio_adjusted_low, odds_ratio_adjusted_high : float
        Adjusted for conditions and other drugs, and its interval; nan where not adjusted.
    p_fisher, p_adjusted, p : float
        One-sided p of Fisher's test, of the adjusted test, and the one that q is made of.
    q_bh, q_by : float
        q over all `m` candidates, after Benjamini-Hochberg and Benjamini-Yekutieli.
    signal : bool
        Whether `q_bh` is below alpha.

    Returns
    -------
    Signals
        One row per drug and outcome with enough joint baskets, by rising q.

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
    check_asked(baskets, strata=strata, adjust=adjust, cells=cells or None)
    beside = _Beside.of(relations, extraction, baskets, cells, (drug_kind, outcome_kind))
    if isinstance(baskets, StoredBaskets | RunningCounts):
        cells = SmallCells(baskets, 0)
        sides = tuple(
            np.flatnonzero(of & (baskets.n_each >= min_margin)) for of in (is_drug, is_outcome)
        )
        across: Across | AcrossStored = AcrossStored(baskets, *sides)
    else:
        cells = cells or SmallCells(baskets, 0)
        cells.check(baskets, adjust=adjust, strata=strata)
        sides = tuple(_places(baskets, of, cells, min_margin) for of in (is_drug, is_outcome))
        across = Across(baskets.matrix, sides[0], sides[1], strata_of(baskets, strata))
    m = len(sides[0]) * len(sides[1])
    seen = _seen(across, sides, cells, min_count)
    pairs = [side[at] for side, at in zip(sides, _split(seen.kept, sides), strict=True)]
    fitted = _prior(seen, cells, prior) if len(seen.kept) else None
    columns = measured(seen.tables, fitted, level=level)
    names = np.array(baskets.items, dtype=object)
    columns |= {"drug": names[pairs[0]], "outcome": names[pairs[1]]}
    if isinstance(baskets, StoredBaskets | RunningCounts):
        return finished(columns, m=m, alpha=alpha, baskets=baskets.counts(), prior=fitted)
    if adjust:
        x = sparse.hstack(
            [baskets.matrix[:, is_drug], baskets.matrix[:, ~is_drug & ~is_outcome]], format="csr"
        )
        places = (np.cumsum(is_drug)[pairs[0]] - 1, pairs[1])
        y = baskets.matrix.tocsc()
        _adjust(columns, x, y, places, m=m, alpha=alpha, level=level, ridge=ridge)
    mined = finished(columns, m=m, alpha=alpha, baskets=baskets, prior=fitted)
    return beside.added(mined, level)


class _Beside(NamedTuple):
    """What is known of the baskets beside their counts: what notes state, how well they were read.

    Not of blocks, whose mentions are not at hand, nor of cells, from which small ones would follow.
    """

    stated: StatedPairs | None
    extraction: ExtractionError | None
    kinds: tuple[str, str]

    @classmethod
    def of(
        cls,
        relations: RelationTable | StatedPairs | None,
        extraction: ExtractionError | None,
        baskets: Baskets | StoredBaskets | RunningCounts,
        cells: SmallCells | None,
        kinds: tuple[str, str],
    ) -> "_Beside":
        if relations is None and extraction is None:
            return cls(None, None, kinds)
        if not isinstance(baskets, Baskets) or cells:
            raise ArgumentError(
                "relations and extraction cannot go with baskets in blocks or with cells, got "
                "both; leave one out"
            )
        if extraction is not None:
            for kind in kinds:
                extraction.of(kind)
        if isinstance(relations, RelationTable):
            relations = StatedPairs.of(baskets, relations)
        return cls(relations, extraction, kinds)

    def added(self, signals: Signals, level: float) -> Signals:
        if self.stated is not None:
            signals = self.stated.add_to(signals)
        return signals if self.extraction is None else self._corrected(signals, level)

    def _corrected(self, signals: Signals, level: float) -> Signals:
        assert self.extraction is not None
        c = signals.columns
        table = Table2x2(n_ab=c["n_both"], n_a=c["n_drug"], n_b=c["n_outcome"], n=c["n"])
        precision = None
        if self.extraction.use_scores:
            sides = (score_precision(signals.baskets, c[key]) for key in signals.keys)
            precision = (next(sides), next(sides))
        found = corrected(table, self.extraction, self.kinds, level=level, precision=precision)
        return replace(signals, columns={**c, **found})


def finished(
    columns: dict[str, Array],
    *,
    m: int,
    alpha: float,
    baskets: Baskets | BasketCounts,
    prior: FittedMixture | None,
) -> Signals:
    """Return the signals of measured pairs: p, q over m candidates, most surprising first."""
    columns["p"] = np.fmax(columns["p_fisher"], columns["p_adjusted"])
    columns |= {f"q_{k}": q_values(columns["p"], m, method=k) for k in METHODS}
    columns["signal"] = columns["q_bh"] < alpha
    order = np.lexsort((-columns["eb05"], columns["q_bh"]))
    ordered = {name: columns.pop(name)[order] for name in DRUG_EVENT_COLUMNS}  # one twice, not all
    return Signals(
        columns=ordered,
        m=m,
        alpha=alpha,
        baskets=baskets,
        keys=("drug", "outcome"),
        prior=prior,
    )


def _places(baskets: Baskets, of: Bools, cells: SmallCells, min_margin: int) -> Ints:
    """Return the items of a kind whose margins pass and may be shown."""
    n = np.asarray(baskets.matrix.sum(axis=0, dtype=np.int64)).ravel()
    found = np.flatnonzero(of & (n >= min_margin)).astype(np.int64)
    return found[cells.shown(found[:, None].astype(np.int32))]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Seen:
    """What is kept of all candidates: those that meet often enough, and counts for the prior."""

    kept: Ints  # places among all candidates
    tables: Table2x2  # of those, shape (n_strata, n_kept)
    prior: Cells  # counts, expectations and how many candidates they stand for


def _seen(across: Across | AcrossStored, sides: Sides, cells: SmallCells, min_count: int) -> _Seen:
    """Look at all candidates, the drugs in blocks; m of them need no memory at once."""
    n_drugs, n_outcomes = map(len, sides)
    m, n_strata = n_drugs * n_outcomes, len(across.n)
    size = max(1, _BLOCK // max(1, n_outcomes * n_strata))
    _log.info(
        "looking at %d candidates, %d drugs at once: %.3g GB", m, min(size, n_drugs),
        min(size, n_drugs) * n_outcomes * (n_strata * 4 + _PER_CANDIDATE) / 1e9,
    )  # fmt: skip
    blocks = [
        _block(across, (low, min(low + size, n_drugs)), sides, cells, min_count)
        for low in range(0, max(n_drugs, 1), size)
    ]
    kept, joint, *prior = (np.concatenate(parts, axis=-1) for parts in zip(*blocks, strict=True))
    at_drug, at_outcome = _split(kept, sides)
    tables = Table2x2(
        n_ab=joint,
        n_a=across.n_first[:, at_drug],
        n_b=across.n_second[:, at_outcome],
        n=np.repeat(across.n[:, None], len(kept), axis=1),
    )
    return _Seen(kept=kept, tables=tables, prior=(prior[0], prior[1], prior[2]))


def _block(
    across: Across | AcrossStored,
    ends: tuple[int, int],
    sides: Sides,
    cells: SmallCells,
    min_count: int,
) -> tuple[Ints, Ints, Ints, Floats, Floats]:
    """Return the kept candidates of some drugs with their counts, and cells for the prior."""
    low, high = ends
    n_outcomes = len(sides[1])
    joint = across.of(low, high)  # (n_strata, n_drugs, n_outcomes)
    total = joint.sum(axis=0, dtype=np.int64).ravel()
    product = across.n_first[:, low:high, None] * across.n_second[:, None]
    expected = np.sum(product / np.maximum(across.n, 1)[:, None, None], axis=0).ravel()
    at = _counted(total, low * n_outcomes, sides, cells)
    kept = at[total[at] >= min_count]
    for_prior = at[expected[at] > 0]
    n, e, times = total[for_prior], expected[for_prior], np.ones(len(for_prior))
    if len(sides[0]) * n_outcomes > WHOLE:
        met = n > 0  # each of these is kept apart, as the fit may ask for them
        few = squashed(n[~met], e[~met], times[~met])
        n, e, times = (np.concatenate([a[met], b]) for a, b in zip((n, e, times), few, strict=True))
    of_kept = joint.reshape(len(joint), -1)[:, kept].astype(np.int64)
    return kept + low * n_outcomes, of_kept, n, e, times


def _split(at: Ints, sides: Sides) -> tuple[Ints, Ints]:
    """Return the places of drug and outcome of candidates: k // n_outcomes and k % n_outcomes."""
    n_outcomes = max(len(sides[1]), 1)
    return at // n_outcomes, at % n_outcomes


def _counted(total: Ints, start: int, sides: Sides, cells: SmallCells) -> Ints:
    """Return which candidates of a block may be looked at."""
    if not cells:
        return np.arange(len(total))
    met = np.flatnonzero(total >= cells.min_cell)
    pairs = [side[at] for side, at in zip(sides, _split(met + start, sides), strict=True)]
    return met[cells.shown(np.sort(np.stack(pairs, axis=1), axis=1).astype(np.int32))]


def _prior(seen: _Seen, cells: SmallCells, prior: str) -> FittedMixture | None:
    """Return the prior of EBGM, fitted to the candidates that may be looked at."""
    n, e, times = seen.prior
    if not len(n):
        return None
    least = cells.min_cell if cells else 0
    return fit_gamma_mixture(n, e, least=least, prior=prior, times=times)


def measured(strata: Table2x2, prior: FittedMixture | None, *, level: float) -> dict[str, Array]:
    """Return every column that the counts alone decide, of tables by stratum."""
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
        **{
            f"odds_ratio_adjusted{e}": np.full(len(expected), np.nan) for e in ("", "_low", "_high")
        },
        "p_adjusted": np.full(len(expected), np.nan),
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

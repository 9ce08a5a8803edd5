"""Signals of one drug from counts without reports: the same measures, EBGM, p and q.

A regulator's table, or a published supplement, often gives of each pair of drug and event how many
reports hold both, the drug, the event, and how many there are in all. That is all that
disproportionality needs (`clinnlp.mine.signals.drug_events`). What needs the reports themselves
cannot be had from it: rules, interactions of drugs, strata, adjustment and evidence.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Counts, Floats, Ints
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.checks import check_at_least, check_fraction, check_level, check_one_of
from clinnlp.core.counts import Table2x2
from clinnlp.core.pair_counts import PairCounts
from clinnlp.mine.measures.gps import PRIORS, FittedMixture, fit_gamma_mixture
from clinnlp.mine.measures.prior import WHOLE
from clinnlp.mine.measures.squash import squashed
from clinnlp.mine.signals.drug_events import finished, measured
from clinnlp.mine.signals.interactions import Signals

__all__ = ["mine_counts"]

_BLOCK = 1_000_000  # candidates that are looked at at once


def mine_counts(
    counts: Any,
    *,
    min_count: int = 3,
    min_margin: int = 5,
    alpha: float = 0.05,
    level: float = 0.95,
    prior: str = "penalised",
) -> Signals:
    """Return drug → event signals of counts, as `mine_signals` gives them of reports.

    The candidates, whose number is m, are all pairs of a drug and an event of the table whose
    margins pass. A pair that is not listed counts as one that never met, unless every pair listed
    met twice or more: then the table lists only what met so often, and the prior of EBGM is fitted
    to the pairs listed, as to counts of at least that many.

    Parameters
    ----------
    counts : PairCounts, DataFrame, or a table with the Arrow interface
        Columns ``drug, event, a, n_drug, n_event, n``; see `PairCounts`.
    min_count, min_margin, alpha, level, prior
        As in `mine_signals`.

    Returns
    -------
    Signals
        Without baskets; the event stands in ``outcome``.

    Raises
    ------
    ArgumentError
        An argument is out of range, a column is missing, or a count that cannot be.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"drug": ["statin", "iron"], "event": "myalgia", "a": [20, 19],
    ...                       "n_drug": [100, 500], "n_event": 38, "n": 1000})
    >>> signals = mine_counts(table)
    >>> signals, signals["drug"][0], signals["prr"].round(2).tolist()
    (Signals(1 with q < 0.05 of m=2 candidates, unit='report'), 'statin', [10.0, 1.0])
    """
    check_level(level)
    check_fraction(alpha, name="alpha")
    check_one_of(prior, PRIORS, name="prior")
    for value, name in ((min_count, "min_count"), (min_margin, "min_margin")):
        check_at_least(value, 1, name=name)
    if not isinstance(counts, PairCounts):
        counts = PairCounts.from_table(counts)
    passing = (counts.n_drug >= min_margin) & (counts.n_event >= min_margin)
    n_drug = _margins(counts.drug, counts.n_drug, min_margin)
    n_event = _margins(counts.event, counts.n_event, min_margin)
    m = len(n_drug) * len(n_event)
    kept = np.flatnonzero(passing & (counts.a >= min_count))
    fitted = _prior(counts, passing, (n_drug, n_event), prior) if len(kept) else None
    tables = Table2x2(
        n_ab=counts.a[None, kept],
        n_a=counts.n_drug[None, kept],
        n_b=counts.n_event[None, kept],
        n=counts.n[None, kept],
    )
    columns: dict[str, Array] = measured(tables, fitted, level=level)
    columns |= {"drug": counts.drug[kept], "outcome": counts.event[kept]}
    baskets = BasketCounts(
        n=counts.n_reports, unit="report", items=tuple(sorted({*n_drug} | {*n_event}))
    )
    return finished(columns, m=m, alpha=alpha, baskets=baskets, prior=fitted)


def _margins(names: Array, n: Ints, least: int) -> dict[str, int]:
    """Return the reports with each name, where they are enough."""
    enough = n >= least
    return dict(zip(names[enough].tolist(), n[enough].tolist(), strict=True))


def _prior(
    counts: PairCounts, passing: Array, margins: tuple[dict[str, int], dict[str, int]], prior: str
) -> FittedMixture:
    """Return the prior of EBGM, fitted to all candidates or to those that a table lists."""
    at = np.flatnonzero(passing)
    a, n = counts.a[at], counts.n_reports
    m = len(margins[0]) * len(margins[1])
    if len(at) < m and a.min() > 1:
        expected = counts.n_drug[at] * counts.n_event[at] / n
        return fit_gamma_mixture(a, expected, least=int(a.min()), prior=prior)
    met = at[a > 0]
    listed = counts.n_drug[met] * counts.n_event[met] / n
    parts = [(counts.a[met], listed, np.ones(len(met)))]
    parts += _never_met(counts, met, margins, squash=m > WHOLE)
    observed, expected, times = (np.concatenate(column) for column in zip(*parts, strict=True))
    return fit_gamma_mixture(observed, expected, prior=prior, times=times)


def _never_met(
    counts: PairCounts,
    met: Ints,
    margins: tuple[dict[str, int], dict[str, int]],
    *,
    squash: bool,
) -> Iterator[tuple[Counts, Floats, Floats]]:
    """Yield the candidates that never met, of some drugs at a time: m need no memory at once."""
    drugs, events = margins
    place = {name: k for k, name in enumerate(drugs)}
    column = {name: k for k, name in enumerate(events)}
    rows = np.fromiter((place[name] for name in counts.drug[met]), np.int64, len(met))
    columns = np.fromiter((column[name] for name in counts.event[met]), np.int64, len(met))
    n_drug, n_event = (np.array([*side.values()], np.int64) for side in margins)
    size = max(1, _BLOCK // len(n_event))
    for low in range(0, len(n_drug), size):
        every = n_drug[low : low + size, None] * n_event / counts.n_reports
        apart = np.ones(every.shape, bool)
        here = (rows >= low) & (rows < low + size)
        apart[rows[here] - low, columns[here]] = False
        expected: Floats = every[apart]
        none = np.zeros(len(expected), np.int64), expected, np.ones(len(expected))
        yield squashed(*none) if squash else none

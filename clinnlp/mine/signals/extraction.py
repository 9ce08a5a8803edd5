"""Signals from what was extracted: intervals that hold its mistakes too.

A count of baskets is a count of what the extraction found there. It overlooks some of what notes
say (recall below 1) and finds what they do not say (precision below 1); both pull a ratio towards 1
and make its interval too narrow and in the wrong place. Where the mistakes were measured, they are
taken back out, many times over (quantitative bias analysis by draws):

1. the four cells of a drug and an outcome are drawn from their posterior, Dirichlet with 1/2 added
   to each count (what any sample of baskets may give);
2. precision and recall of drugs and of outcomes are drawn from theirs, Beta with 1/2 added to each
   count (what any sample of judged notes may give);
3. with N baskets, n of which hold the item as found, n P / R really do, so a share
   f = n (1 - P) / (N - n P / R) of the others is found by mistake. With M of rows (1 - f, 1 - R)
   and (f, R) for drug and outcome, what is found is O = M T M', and T = M⁻¹ O M'⁻¹ are the true
   cells.

The interval is that of the ratios of T over all draws. It supposes that mistakes follow nothing but
the label: that those of a drug do not hang on the outcome, and that items of a kind are found alike
well. Calibrated scores say it of each item on its own (`use_scores`).

References
----------
Barron, The effects of misclassification on the estimation of relative risk, Biometrics 1977;33:414.
Fox, MacLehose and Lash, Applying quantitative bias analysis to epidemiologic data, 2nd ed., 2021,
chapter 8. Rogan and Gladen, Estimating prevalence from the results of a screening test, Am J
Epidemiol 1978;107:71.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from clinnlp.core.arrays import Array, Floats, Ints
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least, check_level
from clinnlp.core.counts import PRF, Table2x2
from clinnlp.core.errors import ArgumentError

__all__ = ["EXTRACTION_COLUMNS", "ExtractionError", "corrected", "score_precision"]

EXTRACTION_COLUMNS = (
    *(f"{name}_corrected{end}" for name in ("ror", "prr") for end in ("", "_low", "_high")),
    "p_corrected",
)
_PRIOR = 0.5  # Jeffreys
_LEAST = 1e-9  # of a cell, in baskets: mistakes taken out of too few leave less than none
_BLOCK = 250_000  # draws of rows at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class ExtractionError:
    """How well what baskets hold was extracted, by kind of item.

    Parameters
    ----------
    by_kind : mapping of str to PRF
        Of each kind (or label): items of baskets that were found and are there, found and not
        there, there and not found, as judged in a sample.
    n_draws : int
        Draws of counts, precision and recall, ≥ 100.
    seed : int
        Of the draws.
    use_scores : bool
        Take the precision of an item from the calibrated scores of its mentions, where all of them
        have one.

    Examples
    --------
    >>> known = ExtractionError(by_kind={"drug": PRF(tp=90, fp=10, fn=20)})
    >>> known.by_kind["drug"].precision
    0.9
    """

    by_kind: Mapping[str, PRF]
    n_draws: int = 2000
    seed: int = 0
    use_scores: bool = False

    def __post_init__(self) -> None:
        check_at_least(self.n_draws, 100, name="n_draws")
        check_at_least(self.seed, 0, name="seed")

    @classmethod
    def measured(cls, gold: Baskets, found: Baskets) -> "ExtractionError":
        """Return the mistakes of baskets beside those of the same notes as people annotated them.

        Parameters
        ----------
        gold, found : Baskets
            Of the same units, by id; baskets of one alone do not count.

        Raises
        ------
        ArgumentError
            No basket stands in both.

        Examples
        --------
        >>> from clinnlp.features.one_hot import as_baskets
        >>> gold, found = as_baskets([["a", "b"], ["a"]]), as_baskets([["a"], ["a", "b"]])
        >>> ExtractionError.measured(gold, found).by_kind["item"]
        PRF(tp=2, fp=1, fn=1)
        """
        both = {*gold.ids.tolist()} & {*found.ids.tolist()}
        if not both:
            raise ArgumentError("gold and found must be of the same baskets, got none in both")
        true, there = _held(gold, both), _held(found, both)
        return cls(by_kind={
            kind: PRF(
                tp=sum(one[0] == kind for one in true & there),
                fp=sum(one[0] == kind for one in there - true),
                fn=sum(one[0] == kind for one in true - there),
            )
            for kind in sorted({one[0] for one in true | there})
        })  # fmt: skip

    def of(self, kind: str) -> PRF:
        """Return the counts of a kind.

        Parameters
        ----------
        kind : str

        Raises
        ------
        ArgumentError
            Nothing was measured of it, or nothing was found rightly.
        """
        counts = self.by_kind.get(kind)
        if counts is None or counts.tp <= 0:
            raise ArgumentError(
                f"extraction must say of the kind {kind!r} how many items were found rightly, got "
                f"the kinds {', '.join(sorted(self.by_kind)) or 'none'}"
            )
        return counts


def corrected(
    table: Table2x2,
    error: ExtractionError,
    kinds: tuple[str, str],
    *,
    level: float,
    precision: tuple[Floats, Floats] | None = None,
) -> dict[str, Array]:
    """Return reporting odds ratio and PRR without the mistakes of the extraction.

    Parameters
    ----------
    table : Table2x2
        Counts as found, of shape (n_rows,).
    error : ExtractionError
    kinds : (str, str)
        Of the drugs and of the outcomes.
    level : float
        Coverage of the intervals.
    precision : (array, array), optional
        Of each row's drug and outcome by scores; ``nan`` where they have none.

    Returns
    -------
    dict of str to array, shape (n_rows,)
        `EXTRACTION_COLUMNS`: medians and intervals of the draws, and in ``p_corrected`` the share
        of draws in which the odds ratio is 1 or less.

    Raises
    ------
    ArgumentError
        Nothing was measured of a kind.

    Examples
    --------
    >>> table = Table2x2(n_ab=np.array([40]), n_a=np.array([200]), n_b=np.array([300]),
    ...                  n=np.array([4000]))
    >>> known = ExtractionError(by_kind=dict.fromkeys(("d", "o"), PRF(tp=800, fp=200, fn=200)))
    >>> found = corrected(table, known, ("d", "o"), level=0.95)
    >>> bool(found["ror_corrected"][0] > 40 * 3540 / (160 * 260))  # the mistakes hid a part of it
    True
    """
    check_level(level)
    sides = [error.of(kind) for kind in kinds]
    n_rows, rng = len(table.n_ab), np.random.default_rng(error.seed)
    shares = [_beta(rng, side, error.n_draws) for side in sides]  # (n_draws,) each
    step = max(1, _BLOCK // error.n_draws)
    parts = []
    for low in range(0, n_rows, step):
        rows = slice(low, low + step)
        cells = [_posterior(rng, count[rows], error.n_draws) for count in _cells(table)]
        said = [
            _by_score(share, None if precision is None else precision[k][rows])
            for k, share in enumerate(shares)
        ]
        parts.append(_ratios(_true_cells(cells, said), level))
    names = EXTRACTION_COLUMNS
    return {name: np.concatenate([np.zeros(0), *(p[name] for p in parts)]) for name in names}


def score_precision(baskets: Baskets | BasketCounts, items: Array) -> Floats:
    """Return the mean chance that an item of a basket is there, by the scores of its mentions.

    A basket holds an item if one of its mentions is right. ``nan`` where a mention has no score.
    """
    if isinstance(baskets, BasketCounts) or baskets.entities is None or not len(items):
        return np.full(len(items), np.nan)
    basket, item, row = baskets.evidence.T
    score = baskets.entities["score"][row].astype(np.float64)
    place = basket * len(baskets.items) + item
    cells, which = np.unique(place, return_inverse=True)
    with np.errstate(divide="ignore"):
        wrong = np.bincount(which, weights=np.log1p(-np.clip(score, 0.0, 1.0 - 1e-12)))
    right = 1 - np.exp(wrong)
    of = (cells % len(baskets.items)).astype(np.int64)
    n = np.bincount(of, minlength=len(baskets.items))
    mean = np.bincount(of, weights=right, minlength=len(baskets.items)) / np.maximum(n, 1)
    where = {name: k for k, name in enumerate(baskets.items)}
    return mean[[where[name] for name in items.tolist()]]


class _Shares(NamedTuple):
    """Draws of precision and recall, broadcast to (n_draws, n_rows)."""

    precision: Floats
    recall: Floats


def _held(baskets: Baskets, ids: set[str]) -> set[tuple[str, str, str]]:
    """Return kind, item and basket of all that baskets of some ids hold."""
    rows, columns = baskets.matrix.nonzero()
    return {
        (baskets.kinds[j], baskets.items[j], baskets.ids[i])
        for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        if baskets.ids[i] in ids
    }


def _beta(rng: np.random.Generator, counts: PRF, n_draws: int) -> _Shares:
    tp, fp, fn = (np.asarray(one, np.float64) + _PRIOR for one in (counts.tp, counts.fp, counts.fn))
    precision, recall = rng.beta(tp, fp, n_draws), rng.beta(tp, fn, n_draws)
    return _Shares(precision[:, None], recall[:, None])


def _by_score(share: _Shares, precision: Floats | None) -> _Shares:
    """Return the shares with the precision of each row by its scores, where it has them."""
    if precision is None:
        return share
    known = np.isfinite(precision)
    by_row = np.where(known, np.nan_to_num(precision), share.precision)
    return _Shares(by_row, share.recall)


def _cells(table: Table2x2) -> tuple[Ints, Ints, Ints, Ints]:
    """Return the counts of both, the drug alone, the outcome alone, neither."""
    both, n_a, n_b, n = (np.asarray(c) for c in (table.n_ab, table.n_a, table.n_b, table.n))
    return both, n_a - both, n_b - both, n - n_a - n_b + both


def _posterior(rng: np.random.Generator, counts: Ints, n_draws: int) -> Floats:
    """Draw a cell, shape (n_draws, n_rows); four of them over their sum are Dirichlet."""
    return rng.standard_gamma(counts + _PRIOR, (n_draws, len(counts)))


def _true_cells(found: list[Floats], sides: list[_Shares]) -> list[Floats]:
    """Return the true cells behind found ones: both, drug alone, outcome alone, neither."""
    both, drug, outcome, neither = found
    n = both + drug + outcome + neither
    a, b = _inverse(both + drug, n, sides[0])
    c, d = _inverse(both + outcome, n, sides[1])
    # First the drug: truly there, or not, beside an outcome that was found (1) or not (0)
    with_1, with_0 = a * both - b * outcome, a * drug - b * neither
    without_1, without_0 = both + outcome - with_1, drug + neither - with_0
    true_both, true_outcome = c * with_1 - d * with_0, c * without_1 - d * without_0
    cells = (true_both, with_1 + with_0 - true_both,
             true_outcome, without_1 + without_0 - true_outcome)  # fmt: skip
    return [np.maximum(cell, _LEAST) for cell in cells]


def _inverse(held: Floats, n: Floats, side: _Shares) -> tuple[Floats, Floats]:
    """Return the two numbers that turn found and not found into truly there.

    Of M = [[1 - f, 1 - R], [f, R]] the lower row of the inverse is [-f, 1 - f] / (R - f).
    """
    truly = np.minimum(held * side.precision / side.recall, n * (1 - 1e-6))
    f = np.minimum(held * (1 - side.precision) / (n - truly), side.recall * (1 - 1e-3))
    return (1 - f) / (side.recall - f), f / (side.recall - f)


def _ratios(cells: list[Floats], level: float) -> dict[str, Array]:
    both, drug, outcome, neither = cells
    ror = np.log(both) + np.log(neither) - np.log(drug) - np.log(outcome)
    prr = np.log(both) - np.log(both + drug) - np.log(outcome) + np.log(outcome + neither)
    columns: dict[str, Array] = {"p_corrected": np.mean(ror <= 0, axis=0)}
    for name, draws in (("ror", ror), ("prr", prr)):
        low, middle, high = np.quantile(draws, [(1 - level) / 2, 0.5, (1 + level) / 2], axis=0)
        columns |= {f"{name}_corrected": np.exp(middle)}
        columns |= {f"{name}_corrected_low": np.exp(low), f"{name}_corrected_high": np.exp(high)}
    return columns

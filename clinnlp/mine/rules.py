"""Co-occurrence rules A → C: items that stand together more often than chance.

A rule is a split of a frequent itemset. It keeps its counts; every measure is a function of
them. Its p is Fisher's, one-sided (more often than chance), against independence of A and C, with
the mid-p beside it. Its q is Benjamini and Hochberg's over **all** m candidates of the queried
shape whose margins pass: every disjoint pair of an antecedent and a consequent in at least
`min_margin` baskets each, whether they ever meet or not; ``q_by`` is Benjamini and Yekutieli's,
which holds under any dependence. A → C and C → A share one p; counting both as candidates or
neither gives the same q.

Of A + B → C that only repeats A → C two columns tell: ``improvement``, its confidence less the
largest of any rule with fewer items on the left (Bayardo, Agrawal and Gunopulos 1999), and
``p_productive``, the largest Fisher p of any left item given the others (Webb 2007).

A rule says *together more often than chance*, not *because of*: for drug + drug → outcome beyond
the single drugs see `clinnlp.mine.signals.interactions`.

References
----------
Agrawal, Imieliński and Swami, SIGMOD 1993. Hämäläinen and Webb, A tutorial on statistically
sound pattern discovery, Data Min Knowl Discov 2019;33:325. Bayardo, Agrawal and Gunopulos,
Constraint-based rule mining in large, dense databases, ICDE 1999. Webb, Discovering significant
patterns, Mach Learn 2007;68:1.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Array, Bools, Floats, Ints, Ints32
from clinnlp.core.arrow import columns_to_arrow, sets_to_arrow
from clinnlp.core.basket_counts import BasketCounts, baskets_at_hand
from clinnlp.core.checks import check_at_least, check_fraction, check_level, check_one_of
from clinnlp.core.counts import Table2x2
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import Baskets, EntityTable, EventTable
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.measures import association
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.screen import q_values
from clinnlp.mine.sets.itemsets import Itemsets, min_count_of, mine_itemsets
from clinnlp.mine.small_cells import SmallCells
from clinnlp.mine.splits import Split, counts_by_set, n_candidates, splits
from clinnlp.mine.tallies import simpson_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "COLUMNS",
    "MEASURES",
    "SIDES",
    "SIDE_NAMES",
    "Rules",
    "check_row",
    "evidence_of",
    "mine_rules",
]

MIN_COUNT = 5
# Column name, as mlxtend 0.25 writes it, to the function of the counts.
MEASURES: Mapping[str, Callable[[Table2x2], Floats]] = {
    "antecedent support": association.antecedent_support,
    "consequent support": association.consequent_support,
    "support": association.support,
    "confidence": association.confidence,
    "lift": association.lift,
    "representativity": association.representativity,
    "leverage": association.leverage,
    "conviction": association.conviction,
    "zhangs_metric": association.zhangs_metric,
    "jaccard": association.jaccard,
    "certainty": association.certainty,
    "kulczynski": association.kulczynski,
}
SIDES = ("antecedents", "consequents")
_COUNTS = ("n_ab", "n_a", "n_b", "n")
_TESTS = ("p_fisher", "p_mid", "q_bh", "q_by", "improvement", "p_productive")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """Rules with their counts, most surprising first: by q, then by falling lift.

    Parameters
    ----------
    antecedents, consequents : tuple of frozenset of str
        Item names of the two sides.
    table : Table2x2
        Counts, each of shape (n_rules,).
    p_fisher, p_mid : array of float64, shape (n_rules,)
        One-sided p, for more joint baskets than by chance.
    q_bh, q_by : array of float64, shape (n_rules,)
        q of Fisher's p over `m`, after Benjamini-Hochberg and Benjamini-Yekutieli.
    improvement, p_productive : array of float64, shape (n_rules,)
        What the rule adds to its parts; see the head of this module.
    m : int
        Candidates of the queried shape whose margins pass.
    alpha : float
        Level of `significant`.
    level : float
        Coverage of the intervals.
    baskets : Baskets or BasketCounts
        What was mined; what is known of it where the rules were read from a file.
    candidates : tuple of Itemsets, optional
        The sets that may be an antecedent and those that may be a consequent: the margins that m
        counts. None where the rules were read from a file.
    max_len : int
        Most items of both sides together.

    Columns
    -------
    antecedents, consequents : set of text
        Item names of the two sides.
    antecedent support, consequent support : float
        Share of the baskets with that side, 0 to 1.
    support : float
        Share of the baskets with both sides.
    confidence : float
        Share of the baskets with the left side that hold the right one.
    lift : float
        Times as often together as by chance; 1 is chance.
    representativity : float
        1, as no basket lacks an answer (mlxtend's column).
    leverage : float
        Support beyond that by chance.
    conviction : float
        How much rarer the rule fails than by chance; inf where it never does.
    zhangs_metric : float
        Association from -1 (never together) to 1 (always).
    jaccard : float
        Baskets with both of those with either.
    certainty : float
        How far the left side moves the chance of the right one, -1 to 1.
    kulczynski : float
        Mean of the confidences of both directions.
    n_both, n_antecedent, n_consequent, n : int
        Baskets with both sides, with the left, with the right, and all.
    lift_low, lift_high : float
        Ends of the interval of `lift`.
    odds_ratio, odds_ratio_low, odds_ratio_high : float
        Odds of the right side with and without the left one, and its interval.
    p_fisher, p_mid : float
        One-sided p of Fisher's test, and its mid-p.
    q_bh, q_by : float
        q of `p_fisher` over all `m` candidates, after Benjamini-Hochberg and Benjamini-Yekutieli.
    improvement : float
        Confidence less the largest of any rule with fewer items on the left.
    p_productive : float
        Largest Fisher p of a left item given the others.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> frame = pd.DataFrame({"statin": [1] * 30 + [0] * 30, "aspirin": [1] * 28 + [0] * 32})
    >>> rules = mine_rules(frame_baskets(frame))
    >>> rules["n_both"].tolist(), rules.to_pandas()["lift"].tolist()
    ([28, 28], [2.0, 2.0])
    """

    antecedents: tuple[frozenset[str], ...]
    consequents: tuple[frozenset[str], ...]
    table: Table2x2
    p_fisher: Floats
    p_mid: Floats
    q_bh: Floats
    q_by: Floats
    improvement: Floats
    p_productive: Floats
    m: int
    alpha: float
    level: float
    baskets: Baskets | BasketCounts
    candidates: tuple[Itemsets, Itemsets] | None
    max_len: int

    def __len__(self) -> int:
        return len(self.antecedents)

    def __repr__(self) -> str:
        return (
            f"Rules({len(self)} of m={self.m} candidates, {int(self.significant.sum())} with "
            f"q < {self.alpha:g}, unit={self.baskets.unit!r})"
        )

    def _repr_html_(self) -> str:
        names = dict(zip(self.baskets.items, self.baskets.shown_items, strict=True))
        sides = {"antecedents": self.antecedents, "consequents": self.consequents}
        shown: dict[str, Any] = {
            side: [frozenset(names.get(i, i) for i in items) for items in given[:N_ROWS]]
            for side, given in sides.items()
        }
        shown |= {"n_both": self.table.n_ab}
        shown |= {n: MEASURES[n](self.table) for n in ("support", "confidence", "lift")}
        shown |= {"p_fisher": self.p_fisher, "q_bh": self.q_bh}
        return display_html(
            "Rules",
            facts={
                "rules": len(self),
                f"q < {self.alpha:g}": int(self.significant.sum()),
                "candidates m": self.m,
                "unit": self.baskets.unit,
            },
            columns=shown,
            n_rows=len(self),
        )

    def __getitem__(self, name: str) -> Array:
        """Return a column by its name in `to_pandas`; no other is computed."""
        columns = self._columns()
        if name not in columns:
            raise ArgumentError(
                f"column of rules must be one of {', '.join(columns)}, got {name!r}"
            )
        return columns[name](self)

    def take(self, rows: Ints | Bools | slice) -> "Rules":
        """Return some of the rules, in the order asked for; `m` and q stay what they are."""
        places = np.arange(len(self))[rows]
        antecedents, consequents = (
            tuple(side[k] for k in places.tolist()) for side in (self.antecedents, self.consequents)
        )
        table = Table2x2(**{name: getattr(self.table, name)[places] for name in _COUNTS})
        tests = {name: getattr(self, name)[places] for name in _TESTS}
        return replace(self, antecedents=antecedents, consequents=consequents, table=table, **tests)

    @property
    def significant(self) -> Bools:
        """Where q < `alpha`, shape (n_rules,)."""
        return np.asarray(self.q_bh < self.alpha, bool)

    def evidence(self, i: int) -> EntityTable | EventTable:
        """Return the mentions (or events) that put the items of rule `i` into its baskets.

        Raises
        ------
        ArgumentError
            No such rule, or the baskets came from a table without mentions or events.
        """
        check_row(i, len(self), name="rule")
        items = (*self.antecedents[i], *self.consequents[i])
        return evidence_of(self.baskets, items, name="rule")

    @property
    def productive(self) -> Bools:
        """Where every item on the left adds to the others: p < `alpha`, shape (n_rules,)."""
        return np.asarray((self.improvement > 0) & (self.p_productive < self.alpha), bool)

    def simpson(self, strata: Sequence[str] | Ints) -> Bools:
        """Return which rules go the other way within strata, shape (n_rules,).

        Parameters
        ----------
        strata : sequence of item names or array of int, shape (n_baskets,)
            Combinations of these items, or one stratum number per basket.
        """
        baskets = baskets_at_hand(self.baskets, what="a check of rules within strata")
        return simpson_of(baskets, list(self._sides()), strata)

    def to_pandas(self) -> "pd.DataFrame":
        """Return mlxtend's columns and order, then counts, intervals, p, q and redundancy.

        Where items have names, ``antecedent_names`` and ``consequent_names`` stand behind, in the
        order of the sorted items.
        """
        import pandas as pd

        return pd.DataFrame({name: made(self) for name, made in self._columns().items()})

    def to_arrow(self) -> "pa.Table":
        """Return the columns of `to_pandas` as a pyarrow Table; a set of items is a list."""
        return columns_to_arrow(
            {name: made(self) for name, made in self._columns().items()}
            | {side: sets_to_arrow(getattr(self, side)) for side in SIDES}
        )

    def _columns(self) -> "Mapping[str, Callable[[Rules], Array]]":
        return {**COLUMNS, **SIDE_NAMES} if self.baskets.names else COLUMNS

    def _sides(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        return zip(self.antecedents, self.consequents, strict=True)


def _of_counts(measure: Callable[[Table2x2], Floats]) -> Callable[[Rules], Array]:
    return lambda rules: measure(rules.table)


def _limit(interval: Callable[..., Interval], end: str) -> Callable[[Rules], Array]:
    return lambda rules: getattr(interval(rules.table, level=rules.level), end)


def _field(name: str) -> Callable[[Rules], Array]:
    return lambda rules: getattr(rules, name)


COLUMNS: Mapping[str, Callable[[Rules], Array]] = {
    "antecedents": lambda rules: _objects(rules.antecedents),
    "consequents": lambda rules: _objects(rules.consequents),
    **{name: _of_counts(measure) for name, measure in MEASURES.items()},
    "n_both": lambda rules: rules.table.n_ab,
    "n_antecedent": lambda rules: rules.table.n_a,
    "n_consequent": lambda rules: rules.table.n_b,
    "n": lambda rules: rules.table.n,
    "lift_low": _limit(association.lift_interval, "low"),
    "lift_high": _limit(association.lift_interval, "high"),
    "odds_ratio": _of_counts(association.odds_ratio),
    "odds_ratio_low": _limit(association.odds_ratio_interval, "low"),
    "odds_ratio_high": _limit(association.odds_ratio_interval, "high"),
    **{name: _field(name) for name in _TESTS},
}


def _side_names(side: str) -> Callable[[Rules], Array]:
    return lambda rules: _objects(map(rules.baskets.names_in_order, getattr(rules, side)))


SIDE_NAMES: Mapping[str, Callable[[Rules], Array]] = {
    "antecedent_names": _side_names("antecedents"),
    "consequent_names": _side_names("consequents"),
}


def mine_rules(
    baskets: Baskets | Iterable[Any],
    *,
    min_count: int | None = None,
    min_support: float | None = None,
    max_len: int = 2,
    antecedent_kind: str | None = None,
    consequent_kind: str | None = None,
    min_margin: int | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    cells: SmallCells | None = None,
    metric: str | None = None,
    min_threshold: float | None = None,
) -> Rules:
    """Return every rule whose two sides stand together in at least `min_count` baskets.

    Parameters
    ----------
    baskets : Baskets, one-hot table, or list of lists of items
        See `clinnlp.features.one_hot`; items of a table or of lists keep their type.
    min_count : int, optional
        Least number of joint baskets, ≥ 1; 5 where `min_support` is absent too.
    min_support : float, optional
        In its place, the least fraction of baskets, above 0 and at most 1.
    max_len : int
        Most items of both sides together, ≥ 2.
    antecedent_kind, consequent_kind : str, optional
        All items of that side are of this kind; any by default.
    min_margin : int, optional
        Least number of baskets of each side alone; `min_count` by default. It alone decides m.
    alpha : float
        Level of `Rules.significant`; no rule is dropped for it.
    level : float
        Coverage of the intervals of lift and odds ratio.
    cells : SmallCells, optional
        Only rules from which no small cell follows; m is then counted over sides that may be
        shown, those withheld have p = 1, and `max_len` is at most 3.
    metric : str, optional
        A measure, named as mlxtend does (``"lift"``, ``"confidence"``, ...), of which each rule
        returned has at least `min_threshold`. It hides rules only: m, p and q are those of all.
    min_threshold : float, optional
        Goes with `metric`; of the confidence where that is absent.

    Returns
    -------
    Rules
        By rising q, then falling lift.

    Raises
    ------
    ArgumentError
        An argument is out of range, a kind does not occur, or `baskets` is nothing of the kind.

    Examples
    --------
    >>> from clinnlp.features.baskets import frame_baskets
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"a": [1] * 6 + [0] * 6, "b": [1] * 6 + [0] * 6, "c": [0, 1] * 6})
    >>> rules = mine_rules(frame_baskets(frame), min_count=5)
    >>> rules
    Rules(2 of m=6 candidates, 2 with q < 0.05, unit='row')
    >>> sorted(rules.antecedents[0]), rules.table.n_ab.tolist(), rules["lift"].tolist()
    (['a'], [6, 6], [2.0, 2.0])
    >>> lists = [["milk", "bread"]] * 4 + [["milk"], ["beer"]]
    >>> mine_rules(lists, min_support=0.5, metric="lift", min_threshold=1.2)["confidence"].tolist()
    [1.0, 0.8]
    """
    check_at_least(max_len, 2, name="max_len")
    check_fraction(alpha, name="alpha")
    check_level(level)
    threshold = _threshold(metric, min_threshold)
    baskets = as_baskets(baskets)
    if min_support is None and min_count is None:
        min_count = MIN_COUNT
    least = min_count_of(len(baskets), min_count=min_count, min_support=min_support)
    margin = least if min_margin is None else min_margin
    check_at_least(margin, 1, name="min_margin")
    cells = cells or SmallCells(baskets, 0)
    cells.check(baskets, max_len=max_len)
    left = _margins(baskets, antecedent_kind, margin, max_len)
    right = _margins(baskets, consequent_kind, margin, max_len)
    kinds = None
    if antecedent_kind is not None and consequent_kind is not None:
        kinds = (antecedent_kind, consequent_kind)
    joint = mine_itemsets(baskets, min_count=least, max_len=max_len, kinds=kinds)
    left, right, joint = cells.of(left), cells.of(right), cells.of(joint)
    found = list(splits(joint, counts_by_set(left), counts_by_set(right)))
    rules = _ordered((left, right), found, baskets, max_len=max_len, alpha=alpha, level=level)
    if threshold is None:
        return rules
    measure, at_least = threshold
    return rules.take(rules[measure] >= at_least)  # 0/0 is not


def check_row(i: int, n: int, *, name: str) -> None:
    """Raise `ArgumentError` unless there is a row of that number."""
    if not 0 <= i < n:
        raise ArgumentError(f"{name} must be a row from 0 to {n - 1}, got {i}")


def evidence_of(
    baskets: Baskets | BasketCounts, items: Sequence[str], *, name: str
) -> EntityTable | EventTable:
    """Return the rows behind a set of items.

    Raises
    ------
    ArgumentError
        The baskets are not at hand, or keep neither mentions nor events.
    """
    baskets = baskets_at_hand(baskets, what=f"evidence of a {name}")
    source = baskets.entities if baskets.entities is not None else baskets.events
    if source is None:
        raise ArgumentError(
            f"evidence of a {name} needs baskets made from mentions or events, got baskets "
            "made from a plain table"
        )
    return source.take(baskets.rows_behind(items))


def _threshold(metric: str | None, least: float | None) -> tuple[str, float] | None:
    """Return measure and threshold, where there are."""
    if metric is not None:
        check_one_of(metric, MEASURES, name="metric")
    if least is None and metric is not None:
        raise ArgumentError(f"metric {metric!r} needs a min_threshold, got none")
    return None if least is None else (metric or "confidence", least)


def _margins(baskets: Baskets, kind: str | None, margin: int, max_len: int) -> Itemsets:
    """Return every itemset that may be one side of a rule."""
    kinds = None if kind is None else (kind,)
    return mine_itemsets(baskets, min_count=margin, max_len=max_len - 1, kinds=kinds)


def _ordered(
    sides: tuple[Itemsets, Itemsets],
    found: list[Split],
    baskets: Baskets,
    *,
    max_len: int,
    alpha: float,
    level: float,
) -> Rules:
    """Return the rules of all splits by q, then by falling lift."""
    m = n_candidates(*sides, max_len)
    none = np.zeros(0, np.int64)
    columns = {name: [none, *(getattr(split.table, name) for split in found)] for name in _COUNTS}
    table = Table2x2(**{name: np.concatenate(parts) for name, parts in columns.items()})
    p = _joined(split.p_fisher for split in found)
    q = q_values(p, m)
    # The last key leads; equal rules stay in the order in which they were found
    order = np.lexsort((np.arange(len(q)), -association.lift(table), q))
    return Rules(
        antecedents=_named(baskets, [split.left for split in found], order),
        consequents=_named(baskets, [split.right for split in found], order),
        table=Table2x2(**{name: getattr(table, name)[order] for name in _COUNTS}),
        p_fisher=p[order],
        p_mid=_joined(split.p_mid for split in found)[order],
        q_bh=q[order],
        q_by=q_values(p, m, method="by")[order],
        improvement=_joined(split.improvement for split in found)[order],
        p_productive=_joined(split.p_productive for split in found)[order],
        m=m,
        alpha=alpha,
        level=level,
        baskets=baskets,
        candidates=sides,
        max_len=max_len,
    )


def _joined(parts: Iterable[Floats]) -> Floats:
    return np.concatenate([np.zeros(0), *parts])


def _named(
    baskets: Baskets, sides: list[Ints32], order: NDArray[np.intp]
) -> tuple[frozenset[str], ...]:
    """Return the item names of each row; sides of one item share their sets."""
    names = _objects(baskets.items)
    single = _objects([frozenset((name,)) for name in baskets.items])
    made = [
        single[side[:, 0]] if side.shape[1] == 1 else _objects(map(frozenset, names[side].tolist()))
        for side in sides
    ]
    return tuple(np.concatenate([_objects([]), *made])[order].tolist())


def _objects(values: Iterable[Any]) -> Array:
    rows = list(values)
    out: Array = np.empty(len(rows), object)
    out[:] = rows
    return out

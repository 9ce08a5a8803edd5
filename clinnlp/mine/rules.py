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
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Array, Bools, Floats, Ints, Ints32
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.checks import check_at_least, check_fraction, check_level
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import Baskets, EntityTable, EventTable
from clinnlp.mine.measures import association
from clinnlp.mine.screen import q_values
from clinnlp.mine.sets.itemsets import Itemsets, mine_itemsets
from clinnlp.mine.small_cells import SmallCells
from clinnlp.mine.splits import Split, counts_by_set, n_candidates, splits
from clinnlp.mine.tallies import simpson_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["MEASURES", "Rules", "evidence_of", "mine_rules"]

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
    baskets : Baskets
        What was mined.
    candidates : tuple of Itemsets
        The sets that may be an antecedent and those that may be a consequent: the margins that m
        counts.
    max_len : int
        Most items of both sides together.
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
    baskets: Baskets
    candidates: tuple[Itemsets, Itemsets]
    max_len: int

    def __len__(self) -> int:
        return len(self.antecedents)

    def __repr__(self) -> str:
        return (
            f"Rules({len(self)} of m={self.m} candidates, {int(self.significant.sum())} with "
            f"q < {self.alpha:g}, unit={self.baskets.unit!r})"
        )

    def __getitem__(self, name: str) -> Array:
        """Return a column by its name in `to_pandas`."""
        columns = self._columns()
        if name not in columns:
            raise ArgumentError(
                f"column of rules must be one of {', '.join(columns)}, got {name!r}"
            )
        return columns[name]

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
        return evidence_of(self.baskets, [(*a, *c) for a, c in self._sides()], i, name="rule")

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
        return simpson_of(self.baskets, list(self._sides()), strata)

    def to_pandas(self) -> "pd.DataFrame":
        """Return mlxtend's columns and order, then counts, intervals, p, q and redundancy."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def to_arrow(self) -> "pa.Table":
        """Return the columns of `to_pandas` as a pyarrow Table; a set of items is a list."""
        return columns_to_arrow(self._columns())

    def _sides(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        return zip(self.antecedents, self.consequents, strict=True)

    def _columns(self) -> dict[str, Array]:
        columns: dict[str, Array] = {
            "antecedents": _objects(self.antecedents),
            "consequents": _objects(self.consequents),
        }
        columns |= {name: measure(self.table) for name, measure in MEASURES.items()}
        t = self.table
        of_lift = association.lift_interval(t, level=self.level)
        of_odds = association.odds_ratio_interval(t, level=self.level)
        return columns | {
            "n_both": t.n_ab,
            "n_antecedent": t.n_a,
            "n_consequent": t.n_b,
            "n": t.n,
            "lift_low": of_lift.low,
            "lift_high": of_lift.high,
            "odds_ratio": association.odds_ratio(t),
            "odds_ratio_low": of_odds.low,
            "odds_ratio_high": of_odds.high,
            "p_fisher": self.p_fisher,
            "p_mid": self.p_mid,
            "q_bh": self.q_bh,
            "q_by": self.q_by,
            "improvement": self.improvement,
            "p_productive": self.p_productive,
        }


def mine_rules(
    baskets: Baskets,
    *,
    min_count: int = 5,
    max_len: int = 2,
    antecedent_kind: str | None = None,
    consequent_kind: str | None = None,
    min_margin: int | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    cells: SmallCells | None = None,
) -> Rules:
    """Return every rule whose two sides stand together in at least `min_count` baskets.

    Parameters
    ----------
    baskets : Baskets
    min_count : int
        Least number of joint baskets, ≥ 1.
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

    Raises
    ------
    ArgumentError
        An argument is out of range or a kind does not occur.

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
    """
    for value, low, name in ((min_count, 1, "min_count"), (max_len, 2, "max_len")):
        check_at_least(value, low, name=name)
    check_fraction(alpha, name="alpha")
    check_level(level)
    margin = min_count if min_margin is None else min_margin
    check_at_least(margin, 1, name="min_margin")
    cells = cells or SmallCells(baskets, 0)
    cells.check(baskets, max_len=max_len)
    left = _margins(baskets, antecedent_kind, margin, max_len)
    right = _margins(baskets, consequent_kind, margin, max_len)
    kinds = None
    if antecedent_kind is not None and consequent_kind is not None:
        kinds = (antecedent_kind, consequent_kind)
    joint = mine_itemsets(baskets, min_count=min_count, max_len=max_len, kinds=kinds)
    left, right, joint = cells.of(left), cells.of(right), cells.of(joint)
    found = list(splits(joint, counts_by_set(left), counts_by_set(right)))
    return _ordered((left, right), found, max_len=max_len, alpha=alpha, level=level)


def evidence_of(
    baskets: Baskets, sets: Sequence[Sequence[str]], i: int, *, name: str
) -> EntityTable | EventTable:
    """Return the rows behind the i-th set of items.

    Raises
    ------
    ArgumentError
        No such row, or the baskets keep neither mentions nor events.
    """
    if not 0 <= i < len(sets):
        raise ArgumentError(f"{name} must be a row from 0 to {len(sets) - 1}, got {i}")
    source = baskets.entities if baskets.entities is not None else baskets.events
    if source is None:
        raise ArgumentError(
            f"evidence of a {name} needs baskets made from mentions or events, got baskets "
            "made from a plain table"
        )
    return source.take(baskets.rows_behind(sets[i]))


def _margins(baskets: Baskets, kind: str | None, margin: int, max_len: int) -> Itemsets:
    """Return every itemset that may be one side of a rule."""
    kinds = None if kind is None else (kind,)
    return mine_itemsets(baskets, min_count=margin, max_len=max_len - 1, kinds=kinds)


def _ordered(
    sides: tuple[Itemsets, Itemsets],
    found: list[Split],
    *,
    max_len: int,
    alpha: float,
    level: float,
) -> Rules:
    """Return the rules of all splits by q, then by falling lift."""
    baskets, m = sides[0].baskets, n_candidates(*sides, max_len)
    names = ("n_ab", "n_a", "n_b", "n")
    none = np.zeros(0, np.int64)
    columns = {name: [none, *(getattr(split.table, name) for split in found)] for name in names}
    table = Table2x2(**{name: np.concatenate(parts) for name, parts in columns.items()})
    p = _joined(split.p_fisher for split in found)
    q = q_values(p, m)
    # The last key leads; equal rules stay in the order in which they were found
    order = np.lexsort((np.arange(len(q)), -association.lift(table), q))
    return Rules(
        antecedents=_named(baskets, [split.left for split in found], order),
        consequents=_named(baskets, [split.right for split in found], order),
        table=Table2x2(**{name: getattr(table, name)[order] for name in names}),
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
    names = np.array(baskets.items, dtype=object)
    single = _objects([frozenset((name,)) for name in baskets.items])
    made = [
        single[side[:, 0]] if side.shape[1] == 1 else _objects(map(frozenset, names[side].tolist()))
        for side in sides
    ]
    return tuple(np.concatenate([_objects([]), *made])[order].tolist())


def _objects(values: Iterable[frozenset[str]]) -> Array:
    rows = list(values)
    out: Array = np.empty(len(rows), object)
    out[:] = rows
    return out

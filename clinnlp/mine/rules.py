"""Co-occurrence rules A → C: items that stand together more often than chance.

A rule is a split of a frequent itemset. It keeps its counts; every measure is a function of
them. Its p is Fisher's, one-sided, against independence of A and C; its q is Benjamini and
Hochberg's over **all** m candidates of the queried shape whose margins pass: every disjoint pair
of an antecedent and a consequent in at least `min_margin` baskets each, whether they ever meet
or not. A → C and C → A share one p; counting both as candidates or neither gives the same q.

A rule says *together more often than chance*, not *because of*: for drug + drug → outcome beyond
the single drugs see `clinnlp.mine.signals`.

References
----------
Agrawal, Imieliński and Swami, SIGMOD 1993. Hämäläinen and Webb, A tutorial on statistically
sound pattern discovery, Data Min Knowl Discov 2019;33:325.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.checks import check_at_least, check_fraction
from clinnlp.core.counts import Counts, Floats, Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import Array, Baskets, EntityTable, EventTable
from clinnlp.mine import measures
from clinnlp.mine.itemsets import Itemsets, mine_itemsets
from clinnlp.mine.screen import q_values

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["MEASURES", "Rules", "evidence_of", "mine_rules"]

# Column name, as mlxtend 0.25 writes it, to the function of the counts.
MEASURES: Mapping[str, Callable[[Table2x2], Floats]] = {
    "antecedent support": measures.antecedent_support,
    "consequent support": measures.consequent_support,
    "support": measures.support,
    "confidence": measures.confidence,
    "lift": measures.lift,
    "representativity": measures.representativity,
    "leverage": measures.leverage,
    "conviction": measures.conviction,
    "zhangs_metric": measures.zhangs_metric,
    "jaccard": measures.jaccard,
    "certainty": measures.certainty,
    "kulczynski": measures.kulczynski,
}

Members = tuple[int, ...]
Split = tuple[Members, Members, int, int, int]  # antecedent, consequent, n_both, n_a, n_c


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rules:
    """Rules with their counts, most surprising first: by q, then by falling lift.

    Parameters
    ----------
    antecedents, consequents : tuple of frozenset of str
        Item names of the two sides.
    table : Table2x2
        Counts, each of shape (n_rules,).
    p_fisher, q_bh : array of float64, shape (n_rules,)
        One-sided Fisher p, and its Benjamini-Hochberg q over `m`.
    m : int
        Candidates of the queried shape whose margins pass.
    alpha : float
        Level of `significant`.
    level : float
        Coverage of the odds ratio's interval.
    baskets : Baskets
        What was mined.
    """

    antecedents: tuple[frozenset[str], ...]
    consequents: tuple[frozenset[str], ...]
    table: Table2x2
    p_fisher: Floats
    q_bh: Floats
    m: int
    alpha: float
    level: float
    baskets: Baskets

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
    def significant(self) -> NDArray[np.bool_]:
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

    def to_pandas(self) -> "pd.DataFrame":
        """Return mlxtend's columns and order, then counts, odds ratio with interval, p and q."""
        import pandas as pd

        return pd.DataFrame(self._columns())

    def _sides(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        return zip(self.antecedents, self.consequents, strict=True)

    def _columns(self) -> dict[str, Array]:
        columns: dict[str, Array] = {
            "antecedents": _objects(self.antecedents),
            "consequents": _objects(self.consequents),
        }
        columns |= {name: measure(self.table) for name, measure in MEASURES.items()}
        t, interval = self.table, measures.odds_ratio_interval(self.table, level=self.level)
        return columns | {
            "n_both": t.n_ab,
            "n_antecedent": t.n_a,
            "n_consequent": t.n_b,
            "n": t.n,
            "odds_ratio": measures.odds_ratio(t),
            "odds_ratio_low": interval.low,
            "odds_ratio_high": interval.high,
            "p_fisher": self.p_fisher,
            "q_bh": self.q_bh,
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
        Coverage of the odds ratio's interval.

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
    margin = min_count if min_margin is None else min_margin
    check_at_least(margin, 1, name="min_margin")
    left = _margins(baskets, antecedent_kind, margin, max_len)
    right = _margins(baskets, consequent_kind, margin, max_len)
    kinds = None
    if antecedent_kind is not None and consequent_kind is not None:
        kinds = (antecedent_kind, consequent_kind)
    joint = mine_itemsets(baskets, min_count=min_count, max_len=max_len, kinds=kinds)
    splits = list(_splits(joint, left, right))
    table = Table2x2(
        n_ab=_counts(splits, 2),
        n_a=_counts(splits, 3),
        n_b=_counts(splits, 4),
        n=np.full(len(splits), len(baskets), np.int64),
    )
    p = measures.fisher_p(table)
    m = _n_candidates(left, right, max_len)
    return _ordered(baskets, splits, table, p, q_values(p, m), m, alpha, level)


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


def _margins(baskets: Baskets, kind: str | None, margin: int, max_len: int) -> dict[Members, int]:
    """Return the count of every itemset that may be one side of a rule."""
    kinds = None if kind is None else (kind,)
    found = mine_itemsets(baskets, min_count=margin, max_len=max_len - 1, kinds=kinds)
    return dict(zip(found.members, found.counts.tolist(), strict=True))


def _splits(
    joint: Itemsets, antecedents: dict[Members, int], consequents: dict[Members, int]
) -> Iterator[Split]:
    for members, n_both in zip(joint.members, joint.counts.tolist(), strict=True):
        for size in range(1, len(members)):
            for left in combinations(members, size):
                right = tuple(j for j in members if j not in left)
                if left in antecedents and right in consequents:
                    yield left, right, n_both, antecedents[left], consequents[right]


def _n_candidates(
    antecedents: dict[Members, int], consequents: dict[Members, int], max_len: int
) -> int:
    """Count the disjoint pairs of an antecedent and a consequent of at most `max_len` items."""
    total = 0
    for n_left in range(1, max_len):
        left = [a for a in antecedents if len(a) == n_left]
        right = [c for c in consequents if len(c) <= max_len - n_left]
        total += _n_disjoint(left, right)
    return total


def _n_disjoint(left: list[Members], right: list[Members]) -> int:
    """Count disjoint pairs by inclusion and exclusion over the shared subsets."""
    holding = Counter(s for c in right for s in _subsets(c))
    shared = sum(holding[s] * (1 if len(s) % 2 else -1) for a in left for s in _subsets(a))
    return len(left) * len(right) - shared


def _subsets(members: Members) -> Iterator[Members]:
    for size in range(1, len(members) + 1):
        yield from combinations(members, size)


def _ordered(
    baskets: Baskets,
    splits: list[Split],
    table: Table2x2,
    p: Floats,
    q: Floats,
    m: int,
    alpha: float,
    level: float,
) -> Rules:
    order = np.lexsort((np.arange(len(q)), -measures.lift(table), q))
    names = baskets.items
    return Rules(
        antecedents=tuple(frozenset(names[j] for j in splits[k][0]) for k in order),
        consequents=tuple(frozenset(names[j] for j in splits[k][1]) for k in order),
        table=Table2x2(
            n_ab=table.n_ab[order], n_a=table.n_a[order], n_b=table.n_b[order], n=table.n[order]
        ),
        p_fisher=p[order],
        q_bh=q[order],
        m=m,
        alpha=alpha,
        level=level,
        baskets=baskets,
    )


def _counts(splits: list[Split], place: int) -> Counts:
    return np.fromiter((split[place] for split in splits), np.int64, len(splits))


def _objects(values: Sequence[frozenset[str]]) -> Array:
    out: Array = np.empty(len(values), object)
    out[:] = values
    return out

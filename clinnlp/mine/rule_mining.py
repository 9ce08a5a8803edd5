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

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Ints32, objects
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least, check_fraction, check_level, check_one_of
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.features.one_hot import as_baskets
from clinnlp.mine.measures import association
from clinnlp.mine.rules import MEASURES, Rules
from clinnlp.mine.screen import q_values
from clinnlp.mine.sets.itemsets import Itemsets, min_count_of, mine_itemsets
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.small_cells import SmallCells
from clinnlp.mine.splits import Split, counts_by_set, n_candidates, splits

__all__ = ["MIN_COUNT", "mine_rules"]

MIN_COUNT = 5
_MARGINS = ("n_ab", "n_a", "n_b")
_TESTS = ("p_fisher", "p_mid", "improvement", "p_productive")


def mine_rules(
    baskets: Baskets | StoredBaskets | Iterable[Any],
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
    fold_terms: bool = True,
) -> Rules:
    """Return every rule whose two sides stand together in at least `min_count` baskets.

    Parameters
    ----------
    baskets : Baskets, BasketBlocks, SparkBaskets, one-hot table, or list of lists of items
        See `clinnlp.features.one_hot`; items of a table or of lists keep their type. Those in
        blocks on the disk (`clinnlp.basket_blocks`), or on Spark (`clinnlp.spark_baskets`), without
        cells.
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
    fold_terms : bool
        Of a table or of lists: take as one item texts that differ only in case, white space or
        Unicode form, as `clinnlp.frame_baskets` does; ``rules.baskets.n_folded`` counts them.

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
    if not isinstance(baskets, StoredBaskets):
        baskets = as_baskets(baskets, fold_terms=fold_terms)
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


def _threshold(metric: str | None, least: float | None) -> tuple[str, float] | None:
    """Return measure and threshold, where there are."""
    if metric is not None:
        check_one_of(metric, MEASURES, name="metric")
    if least is None and metric is not None:
        raise ArgumentError(f"metric {metric!r} needs a min_threshold, got none")
    return None if least is None else (metric or "confidence", least)


def _margins(
    baskets: Baskets | StoredBaskets, kind: str | None, margin: int, max_len: int
) -> Itemsets:
    """Return every itemset that may be one side of a rule."""
    kinds = None if kind is None else (kind,)
    return mine_itemsets(baskets, min_count=margin, max_len=max_len - 1, kinds=kinds)


def _ordered(
    sides: tuple[Itemsets, Itemsets],
    found: list[Split],
    baskets: Baskets | StoredBaskets,
    *,
    max_len: int,
    alpha: float,
    level: float,
) -> Rules:
    """Return the rules of all splits by q, then by falling lift."""
    m = n_candidates(*sides, max_len)
    n = np.array(len(baskets), np.int64)
    left, right = ([getattr(split, side) for split in found] for side in ("left", "right"))
    column = _joined(found)  # of millions of rules each column is held once
    p = column["p_fisher"]
    column["q_bh"], column["q_by"] = q_values(p, m), q_values(p, m, method="by")
    lift = association.lift(Table2x2(**{name: column[name] for name in _MARGINS}, n=n))
    # The last key leads; equal rules stay in the order in which they were found
    order = np.lexsort((np.arange(len(p)), -lift, column["q_bh"]))
    del p, lift
    for name, values in column.items():
        column[name] = values[order]
    return Rules(
        antecedents=_named(baskets, left, order),
        consequents=_named(baskets, right, order),
        table=Table2x2(**{name: column.pop(name) for name in _MARGINS}, n=n),
        m=m,
        alpha=alpha,
        level=level,
        baskets=baskets if isinstance(baskets, Baskets) else baskets.counts(),
        candidates=sides,
        max_len=max_len,
        **column,
    )


def _joined(found: list[Split]) -> dict[str, Any]:
    """Return the counts and tests of all splits as one column each, and empty the list."""
    none: dict[str, Any] = {name: np.zeros(0, np.int64) for name in _MARGINS}
    none |= {name: np.zeros(0) for name in _TESTS}
    parts = {name: [getattr(split.table, name) for split in found] for name in _MARGINS}
    parts |= {name: [getattr(split, name) for split in found] for name in _TESTS}
    found.clear()
    return {name: np.concatenate([none[name], *parts.pop(name)]) for name in none}


def _named(
    baskets: Baskets | StoredBaskets, sides: list[Ints32], order: NDArray[np.intp]
) -> tuple[frozenset[str], ...]:
    """Return the item names of each row; sides of one item share their sets."""
    names = objects(baskets.items)
    single = objects([frozenset((name,)) for name in baskets.items])
    made = [
        single[side[:, 0]] if side.shape[1] == 1 else objects(map(frozenset, names[side].tolist()))
        for side in sides
    ]
    return tuple(np.concatenate([objects([]), *made])[order].tolist())

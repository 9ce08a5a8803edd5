"""Co-occurrence rules as a value: their counts, and every measure as a function of them.

How they are mined, and what p, q, improvement and productive mean, `clinnlp.mine.rule_mining` says.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Floats, Ints, objects
from clinnlp.core.arrow import columns_to_arrow, sets_to_arrow
from clinnlp.core.basket_counts import BasketCounts, baskets_at_hand
from clinnlp.core.baskets import Baskets
from clinnlp.core.counts import Table2x2
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.mine.evidence import check_row, evidence_of
from clinnlp.mine.measures import association
from clinnlp.mine.measures.intervals import Interval
from clinnlp.mine.sets.itemsets import Itemsets
from clinnlp.mine.tallies import simpson_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "COLUMNS",
    "COUNTS",
    "MEASURES",
    "SIDES",
    "SIDE_NAMES",
    "Rules",
]

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
COUNTS = ("n_ab", "n_a", "n_b", "n")  # the fields of a table of counts
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
        What the rule adds to its parts; see the head of `clinnlp.mine.rule_mining`.
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
    more : mapping of str to array, shape (n_rules,) each
        Columns that stand behind the others, such as ``n_stated`` and ``n_denied`` of
        `clinnlp.StatedPairs.add_to`.

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
    >>> from clinnlp.mine.rule_mining import mine_rules
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
    more: Mapping[str, Array] = field(default_factory=dict)

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
        n = len(self)
        places = np.arange(*rows.indices(n)) if isinstance(rows, slice) else np.arange(n)[rows]
        antecedents, consequents = (
            tuple(side[k] for k in places.tolist()) for side in (self.antecedents, self.consequents)
        )
        table = Table2x2(**{name: getattr(self.table, name)[places] for name in COUNTS})
        tests = {name: getattr(self, name)[places] for name in _TESTS}
        more = {name: values[places] for name, values in self.more.items()}
        return replace(
            self, antecedents=antecedents, consequents=consequents, table=table, more=more, **tests
        )

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
        names = SIDE_NAMES if self.baskets.names else {}
        return {**COLUMNS, **names, **{name: _further(name) for name in self.more}}

    def _sides(self) -> Iterator[tuple[frozenset[str], frozenset[str]]]:
        return zip(self.antecedents, self.consequents, strict=True)


def _of_counts(measure: Callable[[Table2x2], Floats]) -> Callable[[Rules], Array]:
    return lambda rules: measure(rules.table)


def _limit(interval: Callable[..., Interval], end: str) -> Callable[[Rules], Array]:
    return lambda rules: getattr(interval(rules.table, level=rules.level), end)


def _further(name: str) -> Callable[[Rules], Array]:
    return lambda rules: rules.more[name]


def _field(name: str) -> Callable[[Rules], Array]:
    return lambda rules: getattr(rules, name)


COLUMNS: Mapping[str, Callable[[Rules], Array]] = {
    "antecedents": lambda rules: objects(rules.antecedents),
    "consequents": lambda rules: objects(rules.consequents),
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
    return lambda rules: objects(map(rules.baskets.names_in_order, getattr(rules, side)))


SIDE_NAMES: Mapping[str, Callable[[Rules], Array]] = {
    "antecedent_names": _side_names("antecedents"),
    "consequent_names": _side_names("consequents"),
}

"""Interaction signals: drug + drug → outcome beyond what the two single drugs explain.

The estimand is the additive interaction of two drugs on the risk of an outcome; the null is
additive risks (`clinnlp.mine.measures.additive`). The screen runs in three steps:

1. every pair and outcome whose *margins* pass is a candidate; their number is m;
2. each candidate with `min_count` joint baskets gets Ω, Ω025 and the crude p; the others enter
   with p = 1;
3. with `adjust`, candidates with q < alpha are tested again by an additive-risk regression on
   conditions and all other drugs, and those still called once more beside all other called
   pairs of their outcome (`clinnlp.mine.signals.adjust`). `p_additive` is the largest of these p,
   so that adjusting never makes a signal of what the plain counts do not show.

q is Benjamini and Hochberg's over m. From spontaneous reports the risks are *reporting*
fractions and a signal is a reporting contrast; from care data it is an association adjusted for
what the baskets record, and nothing more.

``tests/unit/mine/signals/test_interactions.py`` plants interactions beside look-alikes and checks
the calls.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Ints
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.display import N_ROWS, display_html
from clinnlp.core.errors import ArgumentError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.mine.evidence import check_row, evidence_of
from clinnlp.mine.measures.additive import additive_p
from clinnlp.mine.measures.prior import FittedMixture
from clinnlp.mine.screen import METHODS, q_values
from clinnlp.mine.sets.spark_baskets import StoredBaskets
from clinnlp.mine.signals.adjust import AdditiveModel, Asked
from clinnlp.mine.signals.asked import check_query
from clinnlp.mine.signals.crude import COUNTS, crude_rows, joined_rows
from clinnlp.mine.signals.running import RunningCounts
from clinnlp.mine.signals.stored import check_asked, stored_triplets
from clinnlp.mine.signals.triplets import MAX_MEMORY_GB, Candidates, candidates, count_triplets
from clinnlp.mine.small_cells import SmallCells
from clinnlp.mine.strata import strata_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["COLUMNS", "Signals", "mine_interactions", "named_rows"]


COLUMNS = (
    *("drug_1", "drug_2", "outcome", *COUNTS, "expected", "omega", "omega025", "omega975"),
    *("risk_excess", "risk_excess_low", "risk_excess_high", "reri", "reri_low", "reri_high"),
    *(f"interaction_odds_ratio{end}" for end in ("", "_low", "_high")),
    *(f"combination_risk_ratio{end}" for end in ("", "_low", "_high")),
    *("chi_gosho", "p_crude", "expected_adjusted", "p_additive", "q_bh", "q_by", "signal"),
)
_DISPLAYED = (  # in a notebook, unasked, where there is such a column
    *("n_111", "n_both", "expected", "omega", "omega025", "prr", "prr_low", "prr_high"),
    *("ic", "ic_low", "ebgm", "eb05", "q_bh", "signal"),
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signals:
    """Candidates with enough joint baskets, most surprising first: by q, then by falling Ω025.

    Parameters
    ----------
    columns : mapping of str to array, shape (n_signals,) each
        By name: those below from `mine_interactions`; of drug → outcome those of
        `clinnlp.mine_signals`.
    m : int
        Candidates: pairs (or drugs) times outcomes whose margins pass.
    alpha : float
        ``signal`` is q < alpha.
    baskets : Baskets or BasketCounts
        What was mined; what is known of it where the signals were read from a file, or mined from
        counts.
    keys : tuple of str
        Columns that name the items of a row.
    prior : FittedMixture, optional
        Of drug → outcome: the prior of EBGM and how sure its fit is; none without a row.

    Columns
    -------
    drug_1, drug_2, outcome : text
        Item names.
    n_111, n_101, n_011, n_001, n_110, n_100, n_010, n_000 : int
        Baskets by presence (1) or absence (0) of drug 1, drug 2 and the outcome, in this order.
    expected : float
        Baskets with both drugs and the outcome, were the drugs' risks to add.
    omega, omega025, omega975 : float
        Ω: log2 of observed over expected, shrunk by a half, and its 95 % interval.
    risk_excess, risk_excess_low, risk_excess_high : float
        Risk with both drugs, less those with one alone, plus that with neither; its interval.
    reri, reri_low, reri_high : float
        Relative excess risk due to interaction, 0 where risks add, and its interval.
    interaction_odds_ratio, interaction_odds_ratio_low, interaction_odds_ratio_high : float
        Ratio of odds ratios, 1 where odds multiply, and its interval.
    combination_risk_ratio, combination_risk_ratio_low, combination_risk_ratio_high : float
        PRR of the pair over the larger PRR of its drugs, and its interval.
    chi_gosho : float
        Gosho's χ with sign: observed less expected over the root of expected.
    p_crude : float
        One-sided p against additivity.
    expected_adjusted : float
        `expected` with conditions, other drugs and called pairs; nan where not adjusted.
    p_additive : float
        p against additivity, adjusted where that was asked for and else `p_crude`.
    q_bh, q_by : float
        q of `p_additive` over all `m` candidates, after Benjamini-Hochberg and Benjamini-Yekutieli.
    signal : bool
        Whether `q_bh` is below alpha.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> frame = pd.DataFrame({"a": [1, 1, 0, 0] * 100, "b": [1, 0, 1, 0] * 100})
    >>> frame["bleeding"] = frame["a"] * frame["b"]
    >>> kinds = {"a": "drug", "b": "drug", "bleeding": "outcome"}
    >>> found = mine_interactions(frame_baskets(frame, kinds=kinds))
    >>> found["drug_1"].tolist(), found["n_111"].tolist(), found["signal"].tolist()
    (['a'], [100], [True])
    """

    columns: Mapping[str, Array]
    m: int
    alpha: float
    baskets: Baskets | BasketCounts
    keys: tuple[str, ...] = ("drug_1", "drug_2", "outcome")
    prior: FittedMixture | None = None

    def __len__(self) -> int:
        return len(self.columns["q_bh"])

    def __repr__(self) -> str:
        return (
            f"Signals({int(self.columns['signal'].sum())} with q < {self.alpha:g} of "
            f"m={self.m} candidates, unit={self.baskets.unit!r})"
        )

    def _repr_html_(self) -> str:
        names = dict(zip(self.baskets.items, self.baskets.shown_items, strict=True))
        shown: dict[str, Any] = {
            key: [names.get(item, item) for item in self.columns[key][:N_ROWS].tolist()]
            for key in self.keys
        }
        shown |= {name: self.columns[name] for name in _DISPLAYED if name in self.columns}
        return display_html(
            "Signals",
            facts={
                "rows": len(self),
                f"q < {self.alpha:g}": int(self.columns["signal"].sum()),
                "candidates m": self.m,
                "unit": self.baskets.unit,
            },
            columns=shown,
            n_rows=len(self),
        )

    def __getitem__(self, name: str) -> Array:
        """Return a column by its name in `to_pandas`."""
        columns = self.columns if name in self.columns else self._columns()
        if name not in columns:
            raise ArgumentError(
                f"column of signals must be one of {', '.join(columns)}, got {name!r}"
            )
        return columns[name]

    def evidence(self, i: int) -> EntityTable | EventTable:
        """Return the mentions (or events) that put the items of row `i` into its baskets.

        Raises
        ------
        ArgumentError
            No such row, or the baskets came from a table without mentions or events.
        """
        check_row(i, len(self), name="signal")
        items = [self.columns[name][i] for name in self.keys]
        return evidence_of(self.baskets, items, name="signal")

    def take(self, rows: Ints | Bools | slice) -> "Signals":
        """Return some of the rows, in the order asked for; `m` and q stay what they are."""
        return replace(self, columns={name: values[rows] for name, values in self.columns.items()})

    def to_pandas(self) -> "pd.DataFrame":
        """Return the columns as a DataFrame.

        Where items have names, they stand behind each item: ``drug_name``, ``outcome_name``, ...
        """
        import pandas as pd

        return pd.DataFrame(self._columns())

    def to_arrow(self) -> "pa.Table":
        """Return the columns of `to_pandas` as a pyarrow Table."""
        return columns_to_arrow(self._columns())

    def _columns(self) -> dict[str, Array]:
        """Return the columns, with the names of the items behind each where they have some."""
        names, columns = self.baskets.names, dict[str, Array]()
        for key, column in self.columns.items():
            columns[key] = column
            if names and key in self.keys:
                called = [names.get(item, item) for item in column.tolist()]
                columns[f"{key}_name"] = np.array([*called, None], dtype=object)[:-1]
        return columns


def mine_interactions(
    baskets: Baskets | StoredBaskets,
    *,
    drug_kind: str = "drug",
    outcome_kind: str = "outcome",
    min_count: int = 3,
    min_margin: int = 20,
    alpha: float = 0.05,
    strata: Sequence[str] | Ints | None = None,
    adjust: bool = True,
    cells: SmallCells | None = None,
    max_memory_gb: float = MAX_MEMORY_GB,
) -> Signals:
    """Return interaction signals, drug + drug → outcome, with their tests against additivity.

    Parameters
    ----------
    baskets : Baskets, BasketBlocks or SparkBaskets
        Their kinds say which items are drugs and outcomes; all other items are conditions to
        adjust for. Those in blocks on the disk (`clinnlp.basket_blocks`), or on Spark
        (`clinnlp.spark_baskets`), without strata and cells, and with ``adjust=False``.
    drug_kind, outcome_kind : str
        Kinds of the items on the two sides.
    min_count : int
        Least number of baskets with both drugs and the outcome, ≥ 1.
    min_margin : int
        Least number of baskets with the pair, with each drug without the other, and with the
        outcome, ≥ 1. It alone decides the candidates.
    alpha : float
        ``signal`` is q < alpha.
    strata : sequence of item names or array of int, shape (n_baskets,), optional
        Sum the crude expectation over strata: combinations of these items, or one stratum
        number per basket from 0.
    adjust : bool
        Test what is called again, adjusted for conditions, other drugs and other called pairs.
    cells : SmallCells, optional
        Only rows from which no small cell follows, without strata and adjustment. Candidates are
        of pairs and outcomes that may be shown.
    max_memory_gb : float
        What counting may take, in GB (10⁹ bytes); more is refused with the estimate.

    Returns
    -------
    Signals
        One row per pair of drugs and outcome with enough joint baskets.

    Raises
    ------
    ArgumentError
        An argument is out of range, no item is of a kind, `cells` with `adjust` or `strata`, or
        more than `max_memory_gb`.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> a, b = [1, 1, 0, 0] * 100, [1, 0, 1, 0] * 100
    >>> bleeds = [1, 0, 0, 0] * 40 + [0, 1, 0, 0] * 5 + [0] * 220
    >>> frame = pd.DataFrame({"warfarin": a, "ibuprofen": b, "bleed": bleeds})
    >>> kinds = {"warfarin": "drug", "ibuprofen": "drug", "bleed": "outcome"}
    >>> signals = mine_interactions(frame_baskets(frame, kinds=kinds))
    >>> signals, signals["n_111"].tolist(), signals["expected"].round(6).tolist()
    (Signals(1 with q < 0.05 of m=1 candidates, unit='row'), [40], [5.0])
    """
    is_drug, is_outcome = check_query(
        baskets, (drug_kind, outcome_kind), min_count, min_margin, alpha
    )
    if isinstance(baskets, RunningCounts):
        raise ArgumentError(
            "interactions of drugs need the reports, got counts of drug and outcome"
        )
    check_asked(baskets, strata=strata, adjust=adjust, cells=cells or None)
    cells = cells or SmallCells(baskets, 0)
    if isinstance(baskets, StoredBaskets):
        limits = {"min_count": min_count, "min_margin": min_margin}
        found, counted = stored_triplets(
            baskets, is_drug, is_outcome, **limits, max_memory_gb=max_memory_gb
        )
        columns = joined_rows(crude_rows(found, counted))
        kept = baskets.counts()
        return _finished(columns, kept, is_drug, is_outcome, m=found.m, alpha=alpha)
    cells.check(baskets, adjust=adjust, strata=strata)
    places = np.flatnonzero(is_drug), np.flatnonzero(is_outcome)
    drugs, outcomes = baskets.matrix[:, is_drug], baskets.matrix[:, is_outcome].tocsc()
    found = _shown_candidates(candidates(drugs, outcomes, min_margin=min_margin), places, cells)
    counted = count_triplets(
        drugs, outcomes, found, min_count=min_count, strata=strata_of(baskets, strata),
        max_memory_gb=max_memory_gb,
    )  # fmt: skip
    columns = _shown_rows(joined_rows(crude_rows(found, counted)), places, cells)
    if adjust:
        others = baskets.matrix[:, ~is_drug & ~is_outcome]
        _adjust(columns, AdditiveModel(drugs, others, outcomes), m=found.m, alpha=alpha)
    return _finished(columns, baskets, is_drug, is_outcome, m=found.m, alpha=alpha)


def _finished(
    columns: dict[str, Array],
    baskets: Baskets | BasketCounts,
    is_drug: Bools,
    is_outcome: Bools,
    *,
    m: int,
    alpha: float,
) -> Signals:
    """Return the signals of measured triplets: q over m candidates, most surprising first."""
    columns |= {f"q_{k}": q_values(columns["p_additive"], m, method=k) for k in METHODS}
    columns["signal"] = columns["q_bh"] < alpha
    columns |= named_rows(columns, baskets.items, is_drug, is_outcome)
    order = np.lexsort((-columns["omega025"], columns["q_bh"]))
    ordered = {name: columns.pop(name)[order] for name in COLUMNS}  # one column twice, not all
    return Signals(columns=ordered, m=m, alpha=alpha, baskets=baskets)


def named_rows(
    columns: Mapping[str, Array], items: Sequence[str], is_drug: Bools, is_outcome: Bools
) -> dict[str, Array]:
    """Return the names of the drugs and outcomes of triplets, by place among their kind."""
    names = np.array(items, dtype=object)
    return {
        "drug_1": names[is_drug][columns["first"]],
        "drug_2": names[is_drug][columns["second"]],
        "outcome": names[is_outcome][columns["target"]],
    }


def _shown_candidates(
    found: Candidates, places: tuple[Ints, Ints], cells: SmallCells
) -> Candidates:
    """Return the candidates of pairs and outcomes that may be shown."""
    pairs = cells.shown(places[0][np.stack([found.first, found.second], axis=1)].astype(np.int32))
    outcomes = cells.shown(places[1][found.outcomes][:, None].astype(np.int32))
    return Candidates(
        first=found.first[pairs], second=found.second[pairs], outcomes=found.outcomes[outcomes]
    )


def _shown_rows(
    columns: dict[str, Array], places: tuple[Ints, Ints], cells: SmallCells
) -> dict[str, Array]:
    """Return the rows whose three items may be shown together."""
    drugs, outcomes = (places[0][columns[name]] for name in ("first", "second")), places[1]
    items = np.sort(np.stack([*drugs, outcomes[columns["target"]]], axis=1), axis=1)
    kept = cells.shown(items.astype(np.int32))
    return {name: column[kept] for name, column in columns.items()}


def _adjust(
    columns: dict[str, Array],
    model: AdditiveModel,
    *,
    m: int,
    alpha: float,
) -> None:
    """Raise ``p_additive`` of what would be called to its adjusted p, then beside other calls."""
    pairs = list(zip(columns["first"].tolist(), columns["second"].tolist(), strict=True))
    targets, p = columns["target"].tolist(), columns["p_additive"]

    def test(beside: Mapping[int, Sequence[tuple[int, int]]]) -> None:
        null = model.nulls(
            [Asked(pair=pairs[k], outcome=targets[k], beside=of) for k, of in beside.items()]
        )
        rows = list(beside)
        columns["expected_adjusted"][rows] = null.expected
        p[rows] = np.maximum(p[rows], additive_p(null))

    # No other can be called any more
    test(dict.fromkeys(np.flatnonzero(q_values(p, m) < alpha).tolist(), ()))
    called: dict[int, list[int]] = defaultdict(list)
    for k in np.flatnonzero(q_values(p, m) < alpha).tolist():
        called[targets[k]].append(k)
    test(
        {
            k: [pairs[other] for other in group if other != k]
            for group in called.values()
            if len(group) > 1
            for k in group
        }
    )

"""What was mined as tables that are read again: CSV for a spreadsheet, Parquet for what is large.

Each table stands alone: beside its rows it says m (what q is counted over), alpha, and the unit.
In CSV the items of a side stand in one cell (`core.name_lists`), and what a spreadsheet would run
as a formula has an apostrophe in front (`core.formulas`); in Parquet they are lists. Both give back
every number exactly. The prior of EBGM and `max_len` stand in Parquet alone. Beside a CSV without
rows, which has no place for m, stands a Parquet file of its name without rows, which has.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Array
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.name_lists import joined_names, listed_names, split_names
from clinnlp.io.files.packing import plain_name
from clinnlp.io.tables.parquet import parquet_facts, write_arrow
from clinnlp.io.tables.rows import column_names, table_form
from clinnlp.io.tables.typed import TypedTable, read_typed
from clinnlp.mine.measures.prior import FittedMixture
from clinnlp.mine.rules import SIDE_NAMES, SIDES, Rules
from clinnlp.mine.sets.itemsets import Itemsets
from clinnlp.mine.signals.drug_events import DRUG_EVENT_COLUMNS
from clinnlp.mine.signals.extraction import EXTRACTION_COLUMNS
from clinnlp.mine.signals.interactions import COLUMNS, Signals
from clinnlp.mine.signals.stated_tests import STATED_COLUMNS
from clinnlp.report.csvs import write_frame

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "Beside",
    "mined_facts",
    "mined_frame",
    "mined_parts",
    "read_itemsets",
    "read_rules",
    "read_signals",
    "write_mined",
]

Mined = Rules | Signals | Itemsets
Beside = Callable[[Any], Mapping[str, Sequence[str]]]

_OF_CSV = "of_csv"  # a fact of the Parquet file beside a CSV without rows
_PART = 1 << 16  # rows in memory as a table at a time
_TESTS = ("p_fisher", "p_mid", "q_bh", "q_by", "improvement", "p_productive")
_COUNTS = {"n_ab": "n_both", "n_a": "n_antecedent", "n_b": "n_consequent", "n": "n"}
_KEYS = (("drug_1", "drug_2", "outcome"), ("drug", "outcome"))
_FURTHER_NUMBERS = (*STATED_COLUMNS, *EXTRACTION_COLUMNS)
_NUMBERS = {*COLUMNS, *DRUG_EVENT_COLUMNS, *_FURTHER_NUMBERS} - {k for keys in _KEYS for k in keys}
_FLAGS = {"signal", "simpson", "signal_stated"}
_FURTHER = STATED_COLUMNS[:2]  # of rules


def write_mined(mined: Mined, path: str | Path, *, beside: Beside | None = None) -> None:
    """Write rules, signals or itemsets as CSV or Parquet, by the suffix: whole or not at all.

    Parameters
    ----------
    mined : Rules, Signals or Itemsets
    path : path
        Ends in ``.csv`` or ``.parquet``.
    beside : callable, optional
        Takes rows of `mined` and returns columns that stand beside them, by name.

    Returns
    -------
    None
        `read_rules`, `read_signals` and `read_itemsets` read the file. Beside a CSV without rows
        ``NAME.parquet`` says m, alpha and the rest, unless there is a file of that name; it goes
        when rows are written.

    Raises
    ------
    ArgumentError
        Another suffix.
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.rule_mining import mine_rules
    >>> frame = pd.DataFrame({"iron; folic acid": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_mined(mine_rules(frame_baskets(frame)), f"{folder}/rules.csv")
    ...     again = read_rules(f"{folder}/rules.csv")
    >>> again, sorted(again.antecedents[0])
    (Rules(2 of m=2 candidates, 2 with q < 0.05, unit='row'), ['iron; folic acid'])
    """
    if table_form(path) == "parquet":
        write_arrow(mined_parts(mined, beside), path, facts=mined_facts(mined))
    elif table_form(path) == "csv":
        write_frame(mined_frame(mined, beside), path)
        _write_beside(mined, _parquet_of(path))
    else:
        raise ArgumentError(f"what was mined must be written to .csv or .parquet, got {path}")


def read_rules(path: str | Path) -> Rules:
    """Return the rules that `write_mined` or ``clinnlp mine`` wrote.

    Parameters
    ----------
    path : path
        A CSV or Parquet file. Without suffix, as in ``read_rules("out/rules")``, the whole table:
        Parquet where there is one, else CSV.

    Returns
    -------
    Rules
        Without baskets and candidates: measures, p and q are there; evidence, strata and
        permutation need the reports.

    Raises
    ------
    DataError
        A file that cannot be read, a column that is missing, or a cell that is not as it must be.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.rule_mining import mine_rules
    >>> frame = pd.DataFrame({"iron": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_mined(mine_rules(frame_baskets(frame)), f"{folder}/rules.csv")
    ...     read_rules(f"{folder}/rules")
    Rules(2 of m=2 candidates, 2 with q < 0.05, unit='row')
    """
    table = _read(
        _whole(path),
        (*SIDES, *_COUNTS.values(), *_TESTS, "m", "alpha", "level", "unit"),
        also=(*SIDE_NAMES, *_FURTHER),
    )
    antecedents, consequents = (table.sets(side) for side in SIDES)
    counts = {name: table.whole(column) for name, column in _COUNTS.items()}
    _check_margins(table, counts["n_ab"], (counts["n_a"], counts["n_b"]), counts["n"])
    tests = {
        name: table.real(name) if name == "improvement" else table.share(name) for name in _TESTS
    }
    sizes = [len(a) + len(c) for a, c in zip(antecedents, consequents, strict=True)]
    return Rules(
        antecedents=antecedents,
        consequents=consequents,
        table=Table2x2(**counts),
        **tests,
        m=_said(table, "m", table.whole, 0),
        alpha=_said(table, "alpha", table.share, 0.05),
        level=_said(table, "level", table.share, 0.95),
        baskets=_baskets(
            table,
            counts["n"],
            {*antecedents, *consequents},
            _names(table, zip(SIDE_NAMES, (antecedents, consequents), strict=True)),
        ),
        candidates=None,
        max_len=int(table.facts.get("max_len", max(sizes, default=2))),
        more={name: table.whole(name) for name in _FURTHER if name in table.columns},
    )


def read_signals(path: str | Path) -> Signals:
    """Return the signals, of drugs or of drug pairs, that `write_mined` or ``clinnlp mine`` wrote.

    Parameters
    ----------
    path : path
        As in `read_rules`: ``"out/drug_events"`` or ``"out/signals"``.

    Returns
    -------
    Signals
        Without baskets; with every column of the file.

    Raises
    ------
    DataError
        A file that cannot be read, a column that is missing, or a cell that is not as it must be.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.signals.drug_events import mine_signals
    >>> frame = pd.DataFrame({"iron": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6})
    >>> kinds = {"iron": "drug", "rash": "outcome"}
    >>> signals = mine_signals(frame_baskets(frame, kinds=kinds))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_mined(signals, f"{folder}/drug_events.csv")
    ...     read_signals(f"{folder}/drug_events")["n_both"].tolist()
    [6]
    """
    path = _whole(path)
    names = column_names(path)
    keys = next((keys for keys in _KEYS if {*keys} <= {*names}), _KEYS[1])
    needed = COLUMNS if keys == _KEYS[0] else DRUG_EVENT_COLUMNS
    table = _read(path, (*needed, "m", "alpha", "unit"), also=names)
    columns = {
        name: _column(table, name) for name in table.columns if name not in ("m", "alpha", "unit")
    }
    n = columns["n"] if "n" in columns else sum(columns[c] for c in COLUMNS if c.startswith("n_"))
    if keys == _KEYS[1]:
        margins = columns["n_drug"], columns["n_outcome"]
        _check_margins(table, columns["n_both"], margins, columns["n"])
    return Signals(
        columns=columns,
        m=_said(table, "m", table.whole, 0),
        alpha=_said(table, "alpha", table.share, 0.05),
        baskets=_baskets(table, n, {frozenset(columns[key].tolist()) for key in keys}),
        keys=keys,
        prior=_prior(table),
    )


def read_itemsets(path: str | Path) -> Itemsets:
    """Return the itemsets that `write_mined` wrote.

    Parameters
    ----------
    path : path
        As in `read_rules`.

    Returns
    -------
    Itemsets
        Without baskets.

    Raises
    ------
    DataError
        A file that cannot be read, a column that is missing, or a cell that is not as it must be.

    Examples
    --------
    >>> import pandas as pd, tempfile
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.sets.itemsets import mine_itemsets
    >>> frame = pd.DataFrame({"iron": [1] * 6 + [0] * 6, "rash": [1] * 6 + [0] * 6})
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_mined(mine_itemsets(frame_baskets(frame), min_count=2), f"{folder}/sets.csv")
    ...     read_itemsets(f"{folder}/sets").counts.tolist()
    [6, 6, 6]
    """
    table = _read(_whole(path), ("itemsets", "count", "n", "min_count", "unit"))
    sets, counts, n = table.sets("itemsets"), table.whole("count"), table.whole("n")
    table.check(counts <= n, "a count must be at most n")
    table.check(np.array([bool(one) for one in sets], bool), "an itemset must hold a name")
    baskets = _baskets(table, n, set(sets))
    place = {name: k for k, name in enumerate(baskets.items)}
    sizes = np.array([len(one) for one in sets], np.int64)
    groups, order = [], [np.zeros(0, np.int64)]
    for size in range(1, int(sizes.max(initial=0)) + 1):
        at = np.flatnonzero(sizes == size)
        rows = [sorted(place[name] for name in sets[k]) for k in at.tolist()]
        groups.append(np.array(rows, np.int32).reshape(len(rows), size))
        order.append(at)
    return Itemsets(
        groups=tuple(groups),
        counts=counts[np.concatenate(order)],
        baskets=baskets,
        min_count=_said(table, "min_count", table.whole, 1),
    )


def _constants(mined: Mined) -> dict[str, Any]:
    """Return what stands in every row: what a table that stands alone has to say."""
    if isinstance(mined, Itemsets):
        more: dict[str, Any] = {"n": len(mined.baskets), "min_count": mined.min_count}
    elif isinstance(mined, Rules):
        more = {"m": mined.m, "alpha": mined.alpha, "level": mined.level}
    else:
        more = {"m": mined.m, "alpha": mined.alpha}
    return more | {"unit": mined.baskets.unit}


def mined_facts(mined: Mined) -> dict[str, Any]:
    """Return what Parquet says beside the rows."""
    facts = _constants(mined) | {"n": len(mined.baskets)}
    if isinstance(mined, Rules):
        facts["max_len"] = mined.max_len
    if isinstance(mined, Signals) and mined.prior is not None:
        facts["prior"] = asdict(mined.prior)
    return facts


def mined_frame(mined: Mined, beside: Beside | None = None) -> "pd.DataFrame":
    """Return all rows as a DataFrame for CSV, sets of names as text."""
    frame = mined.to_pandas()
    for name in {*SIDES, "itemsets"} & {*frame.columns}:
        frame[name] = [joined_names(names) for names in frame[name]]
    for name in {*SIDE_NAMES, "names"} & {*frame.columns}:
        frame[name] = [listed_names(names) for names in frame[name]]
    first = [name for name in (*SIDES, *SIDE_NAMES) if name in frame]
    frame = frame[[*first, *(name for name in frame if name not in first)]]
    return frame.assign(**_constants(mined), **(beside(mined) if beside else {}))


def mined_parts(mined: Mined, beside: Beside | None = None) -> "Iterator[pa.Table]":
    """Yield the rows as Arrow tables, some at a time."""
    whole = isinstance(mined, Itemsets)
    for start in range(0, 1 if whole else max(len(mined), 1), _PART):
        part = mined if isinstance(mined, Itemsets) else mined.take(slice(start, start + _PART))
        table = part.to_arrow()
        for name, value in _constants(mined).items():
            table = table.append_column(name, [[value] * table.num_rows])
        for name, values in (beside(part) if beside else {}).items():
            table = table.append_column(name, [values])
        yield table


def _parquet_of(path: str | Path) -> Path:
    """Return the Parquet file of the name of a CSV."""
    plain = Path(path).name[: len(plain_name(path))]
    return Path(path).with_name(plain).with_suffix(".parquet")


def _write_beside(mined: Mined, path: Path) -> None:
    """Write what a CSV without rows has no place for; where it has rows, remove what is of none."""
    if path.exists() and _OF_CSV not in (_facts_of(path) or {}):
        return
    if len(mined):
        path.unlink(missing_ok=True)
    else:
        write_arrow(mined_parts(mined), path, facts=mined_facts(mined) | {_OF_CSV: True})


def _facts_of(path: Path) -> dict[str, Any] | None:
    """Return what a Parquet file says beside its rows; None where it is another's, or none."""
    try:
        return parquet_facts(path) if path.is_file() else None
    except DataError:
        return None


def _read(path: str | Path, wanted: Iterable[str], *, also: Iterable[str] = ()) -> TypedTable:
    """Return the columns of a table; those of a CSV without rows with what is said beside it."""
    table = read_typed(path, wanted, also=also)
    if not len(table) and not table.facts:
        table.facts = _facts_of(_parquet_of(path)) or {}
    return table


def _whole(path: str | Path) -> Path:
    """Return the file; without suffix the Parquet file of that name, or else the CSV."""
    path = Path(path)
    if path.suffix:
        return path
    parquet = path.with_suffix(".parquet")
    return parquet if parquet.exists() else path.with_suffix(".csv")


def _column(table: TypedTable, name: str) -> Array:
    if name in _FLAGS:
        return table.flag(name)
    if name not in _NUMBERS:
        return table.text(name)
    if name == "n" or name.startswith("n_"):
        return table.whole(name)
    return table.share(name) if name.startswith(("p_", "q_")) or name == "p" else table.real(name)


def _said(table: TypedTable, name: str, read: Any, default: Any) -> Any:
    """Return what a table says of all its rows, or of none where it has none."""
    return table.one(name, read(name), table.facts.get(name, default))


def _names(
    table: TypedTable, sides: Iterable[tuple[str, tuple[frozenset[str], ...]]]
) -> dict[str, str]:
    """Return the names of items that stand beside them in a table."""
    found: dict[str, str] = {}
    for name, sets in sides:
        if name not in table.columns:
            continue
        for items, cell in zip(sets, table.columns[name], strict=True):
            if not items <= found.keys():
                names = split_names(cell) if isinstance(cell, str) else cell
                found |= zip(sorted(items), map(str, names), strict=False)
    return {item: name for item, name in found.items() if item != name}


def _baskets(
    table: TypedTable,
    n: Any,
    sets: set[frozenset[str]],
    names: Mapping[str, str] | None = None,
) -> BasketCounts:
    known = int(table.facts.get("n", 0))
    return BasketCounts(
        n=table.one("n", np.asarray(n), known) if len(table) else known,
        unit=_said(table, "unit", table.text, ""),
        items=tuple(sorted(frozenset().union(*sets))),
        names=names or {},
    )


def _check_margins(table: TypedTable, joint: Array, margins: tuple[Array, ...], n: Array) -> None:
    for margin in margins:
        table.check(joint <= margin, "a count of both must be at most the count of each")
        table.check(margin <= n, "a count of one must be at most n")
    table.check(sum(margins) - joint <= n, "a count of one or the other must be at most n")


def _prior(table: TypedTable) -> FittedMixture | None:
    said = table.facts.get("prior")
    if said is None:
        return None
    refusal = DataError(
        "the prior must be one that this version writes, got another", path=table.path
    )
    with instead_of((TypeError, ValueError), refusal):
        return FittedMixture(**said)

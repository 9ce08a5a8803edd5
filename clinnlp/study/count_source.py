"""Counts without reports as a source of mining: what tells them, and what cannot be had of them."""

from collections import Counter
from dataclasses import fields
from pathlib import Path

from clinnlp.core.arrays import Array
from clinnlp.core.config import mapping_of
from clinnlp.core.errors import ArgumentError
from clinnlp.core.pair_counts import PairCounts
from clinnlp.core.vocab import fold_term
from clinnlp.io.files.packing import plain_name
from clinnlp.io.tables.counts import is_counts, read_counts
from clinnlp.io.tables.rows import FORMS, column_names
from clinnlp.study.reading import TableReading
from clinnlp.study.settings import MineSettings

__all__ = ["COUNTS_LACK", "alike_told", "read_count_source"]

COUNTS_LACK = (
    "The source is a table of counts: rules, interactions of drugs, strata, adjustment, evidence "
    "and the withholding of small cells need the reports themselves; a pair that is not listed "
    "counts as one that never met, or, where every pair listed met twice or more, is left out of "
    "the prior of EBGM."
)
_OF_COUNTS = frozenset({"a", "n_drug", "n_event"})  # named by who means counts
_GOING_WITH = {
    *("columns", "generic", "fold_terms", "min_count", "min_margin", "alpha", "level", "prior")
}


def read_count_source(
    source: str | Path, settings: MineSettings, reading: TableReading
) -> PairCounts | None:
    """Return the counts of a table of them; None where the source is another.

    It is told by its columns ``drug, event, a, n_drug, n_event, n``, or by their names in
    `columns`, such as ``a=both``.

    Raises
    ------
    DataError
        A count that cannot be, with its line.
    ArgumentError
        A setting that needs the reports.
    """
    path, named = Path(source), mapping_of(settings.columns, "columns")
    if not path.is_file() or plain_name(path).rpartition(".")[2] not in FORMS or settings.items:
        return None
    if not _OF_COUNTS & {*named} and (
        {"patient", "code"} & {*named}
        or not is_counts(column_names(path, dialect=reading.dialect), named)
    ):
        return None
    _check_settings(settings, reading)
    return read_counts(path, named, dialect=reading.dialect)


def alike_told(counts: PairCounts) -> tuple[str, ...]:
    """Return the line that tells of names that would be one where reports are mined, if any are.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = {"drug": ["A", "a "], "event": ["x", "x"], "a": [10, 2], "n_drug": [50, 9]}
    >>> table = pd.DataFrame(rows | {"n_event": [40, 40], "n": [1000, 1000]})
    >>> alike_told(PairCounts.from_table(table))[0][:30]
    '2 drugs and 0 events differ fr'
    """
    n_drugs, n_events = _n_alike(counts.drug), _n_alike(counts.event)
    if not n_drugs and not n_events:
        return ()
    told = (
        f"{n_drugs:,} drugs and {n_events:,} events differ from another only in case, white space "
        "or Unicode form: counts of reports cannot be added, so each stands for itself"
    )
    return (told,)


def _n_alike(names: Array) -> int:
    """Return how many distinct names share their folded form with another."""
    n_each = Counter(map(fold_term, {str(name) for name in names.tolist()}))
    return sum(n for n in n_each.values() if n > 1)


def _check_settings(settings: MineSettings, reading: TableReading) -> None:
    usual = MineSettings()
    said = [
        field.name
        for field in fields(settings)
        if field.name not in _GOING_WITH
        and getattr(settings, field.name) != getattr(usual, field.name)
    ]
    said += ["skip_bad"] if reading.skip_bad else []
    if said:
        raise ArgumentError(
            f"a table of counts must be mined without {', '.join(said)}, which the reports "
            "themselves are needed for; leave it out, or mine the reports"
        )

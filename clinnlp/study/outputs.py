"""What every flow writes into its folder: tables, a report as two pages, and where it came from."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from clinnlp.core.arrays import Bools
from clinnlp.core.config import settings_to
from clinnlp.core.errors import DataError
from clinnlp.core.files import atomic_write, check_apart, check_writable
from clinnlp.io.tables.parquet import parquet_facts
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals
from clinnlp.report.blocks import Report
from clinnlp.report.csvs import write_frame
from clinnlp.report.write import hash_lines, provenance, write_report
from clinnlp.study.mined_tables import Beside, write_mined

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CHRONIC",
    "HASHES",
    "N_IN_CSV",
    "PAGE",
    "called",
    "check_folder",
    "chronic_told",
    "forget",
    "large_table_told",
    "lines_told",
    "origin",
    "tables_told",
    "whole_name",
    "write_all_mined",
    "write_pages",
    "write_tables",
]

N_IN_CSV = 50_000  # rows; more of what was mined stand in Parquet, beside a CSV of what is called
PAGE = "report.html"
HASHES = "inputs.sha256"
CHRONIC = "historical mentions counted because the condition is chronic"
_PAGES = (PAGE, "report.md")


def lines_told(report: Report, n_excluded: Mapping[str, int], folder: Path) -> tuple[str, ...]:
    """Return what a reader is told: the findings, what was left out, where the report is."""
    lost = [f"{reason} {n:,}" for reason, n in n_excluded.items() if n]
    return (
        *report.findings,
        f"left out: {', '.join(lost) or 'nothing'}",
        f"report: {folder / PAGE}",
    )


def check_folder(
    folder: Path,
    tables: Iterable[str],
    inputs: Iterable[str | Path | None],
    *,
    suffixes: Sequence[str] = (".csv",),
) -> None:
    """Check that tables and pages can be written into a folder, and none of them is an input.

    Tables are written under each of the suffixes.

    Raises
    ------
    ArgumentError
        One of them is an input.
    RunError
        The folder may not be written.
    """
    check_writable(folder / PAGE)
    names = (*_PAGES, HASHES, *(f"{table}{end}" for table in tables for end in suffixes))
    check_apart((folder / name for name in names), inputs)


def write_tables(tables: "Mapping[str, pd.DataFrame]", folder: Path) -> None:
    """Write ``NAME.csv`` of each table into a folder: whole, and safe to open in a spreadsheet.

    Raises
    ------
    RunError
        The disk is full or may not be written.
    """
    for name, frame in tables.items():
        write_frame(frame, folder / f"{name}.csv")


def whole_name(name: str, n_rows: int) -> str:
    """Return the file that holds all rows of a table of what was mined.

    Examples
    --------
    >>> whole_name("rules", 400), whole_name("rules", 600_000)
    ('rules.csv', 'rules.parquet')
    """
    return f"{name}.parquet" if n_rows > N_IN_CSV else f"{name}.csv"


def write_all_mined(
    mined: Mapping[str, Rules | Signals], folder: Path, *, beside: Beside | None = None
) -> None:
    """Write each table of what was mined: ``NAME.csv``, and ``NAME.parquet`` where it is large.

    Up to `N_IN_CSV` rows the CSV holds them all, and a Parquet file of an earlier run is removed.
    Of a larger table it holds the called rows, which come first, and the Parquet file all. So
    whoever opens ``NAME.csv`` has every called row, and ``read_rules("out/rules")`` every row.
    `beside` gives columns that stand beside them, as in `write_mined`.
    """
    for name, one in mined.items():
        if whole_name(name, len(one)) == f"{name}.csv":
            forget(folder, [f"{name}.parquet"])
            write_mined(one, folder / f"{name}.csv", beside=beside)
        else:
            write_mined(one, folder / f"{name}.parquet", beside=beside)
            write_mined(one.take(called(one)), folder / f"{name}.csv", beside=beside)


def forget(folder: Path, names: Iterable[str]) -> None:
    """Remove tables of an earlier run; a Parquet file that is not of ours stays."""
    for name in names:
        path = folder / name
        if path.suffix == ".csv" or (path.is_file() and _is_ours(path)):
            path.unlink(missing_ok=True)


def _is_ours(path: Path) -> bool:
    try:
        return parquet_facts(path) is not None
    except DataError:
        return False


def tables_told(mined: Mapping[str, Rules | Signals]) -> tuple[str, ...]:
    """Return a line for each table whose CSV does not hold every row: which file holds what."""
    return tuple(
        large_table_told(name, len(one), int(np.sum(called(one))))
        for name, one in mined.items()
        if len(one) > N_IN_CSV
    )


def large_table_told(name: str, n: int, n_called: int) -> str:
    """Return the line that says which file holds what of a large table.

    Examples
    --------
    >>> large_table_told("rules", 600_000, 17)
    'rules.csv holds the 17 called rows; rules.parquet holds all 600,000'
    """
    return f"{name}.csv holds the {n_called:,} called rows; {name}.parquet holds all {n:,}"


def called(mined: Rules | Signals) -> Bools:
    """Return which rows have q < alpha, with what is stated or without."""
    if isinstance(mined, Rules):
        return mined.significant
    named = ("signal", "signal_stated")
    found = [np.asarray(mined[name], bool) for name in named if name in mined.columns]
    either: Bools = np.any(found, axis=0)
    return either


def write_pages(report: Report, folder: Path, *, inputs: Sequence[str | Path] = ()) -> None:
    """Write report.html and report.md into a folder, and hashes of the input files beside them.

    The hashes are for whoever keeps the data, and not to be passed on: see SECURITY.md.
    """
    for name in _PAGES:
        write_report(report, folder / name)
    if not inputs:
        (folder / HASHES).unlink(missing_ok=True)  # of an earlier run
    else:
        with atomic_write(folder / HASHES) as handle:
            handle.write(hash_lines(_files_of(inputs)))


def origin(settings: Any, *inputs: str | Path) -> dict[str, Any]:
    """Return versions, settings and the names of the input files, those of a folder each."""
    return provenance(settings=settings_to(settings), inputs=_files_of(inputs))


def _files_of(inputs: Sequence[str | Path]) -> list[Path]:
    paths = [Path(p) for p in inputs]
    listed = [f for p in paths for f in (_tables_of(p) if p.is_dir() else [p])]
    return [f for f in listed if f.is_file()]


def chronic_told(n: int) -> tuple[str, ...]:
    """Return the line that says how many historical mentions count, if any do.

    Examples
    --------
    >>> chronic_told(1200)
    ('1,200 historical mentions counted because the condition is chronic',)
    """
    return (f"{n:,} {CHRONIC}",) if n else ()


def _tables_of(folder: Path) -> list[Path]:
    """Return the files of a folder, and of those that MIMIC-IV has in it."""
    return sorted(f for pattern in ("*", "hosp/*", "icu/*") for f in folder.glob(pattern))

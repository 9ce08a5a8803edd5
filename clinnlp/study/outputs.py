"""What every flow writes into its folder: tables, a report as two pages, and where it came from."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core.config import settings_to
from clinnlp.core.files import atomic_write, check_apart, check_writable
from clinnlp.mine.rules import Rules
from clinnlp.report.blocks import Report
from clinnlp.report.csvs import write_frame
from clinnlp.report.write import hash_lines, provenance, write_report

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "CHRONIC",
    "HASHES",
    "PAGE",
    "check_folder",
    "chronic_told",
    "origin",
    "rule_frame",
    "write_pages",
    "write_tables",
]

PAGE = "report.html"
HASHES = "inputs.sha256"
CHRONIC = "historical mentions counted because the condition is chronic"
_PAGES = (PAGE, "report.md")


def check_folder(folder: Path, tables: Iterable[str], inputs: Iterable[str | Path | None]) -> None:
    """Check that tables and pages can be written into a folder, and none of them is an input.

    Raises
    ------
    ArgumentError
        One of them is an input.
    RunError
        The folder may not be written.
    """
    check_writable(folder / PAGE)
    names = (*_PAGES, HASHES, *(f"{table}.csv" for table in tables))
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


def rule_frame(rules: Rules) -> "pd.DataFrame":
    """Return the rules as a table whose sides are text: items in order, with semicolons."""
    frame = rules.to_pandas()
    for side in ("antecedents", "consequents"):
        frame[side] = ["; ".join(sorted(items)) for items in frame[side]]
    return frame

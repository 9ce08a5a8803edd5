"""The files of FAERS and AERS quarters: where tables lie, and their rows.

A quarter is a zip file or a folder with ``$``-delimited tables; several may lie in one folder.
Columns of the legacy layout are given under their present names.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import open_bytes
from clinnlp.io.files.zips import open_in_zip, zip_names

__all__ = ["FaersRow", "FaersTable", "deleted_cases", "is_faers", "tables_of", "whole_quarters"]

_TABLE = re.compile(r"(DEMO|DRUG|REAC|INDI)\d\dQ\d[^/\\]*\.TXT$", re.IGNORECASE)
_DELETED = re.compile(r"DELETE[^/\\]*\.TXT$", re.IGNORECASE)
_LEGACY = {
    "isr": "primaryid",
    "case": "caseid",
    "foll_seq": "caseversion",
    "gndr_cod": "sex",
}
_INDICATION = {"indi_drug_seq": "drug_seq"}
_NEEDED = {
    "DEMO": ("primaryid", "caseid"),
    "DRUG": ("primaryid", "role_cod", "drugname"),
    "REAC": ("primaryid", "pt"),
    "INDI": ("primaryid", "indi_pt"),
}
_USED = {
    *("primaryid", "caseid", "caseversion", "event_dt", "fda_dt", "role_cod", "drugname"),
    *("prod_ai", "dose_vbm", "dose_amt", "dose_unit", "pt", "indi_pt", "sex", "age", "age_cod"),
}

FaersRow = dict[str, str]


def is_faers(path: str | Path) -> bool:
    """Return whether a path is a zip file or folder with quarterly tables."""
    return any(_TABLE.search(name) for quarter in _quarters(Path(path)) for name in _names(quarter))


class FaersTable(NamedTuple):
    """A table of a quarter: its place, and DEMO, DRUG, REAC or INDI."""

    quarter: Path
    name: str
    table: str

    def rows(self) -> Iterator[FaersRow]:
        """Yield its rows, columns under their present names."""
        yield from _table(self.quarter, self.name, self.table)


def whole_quarters(path: str | Path) -> list[Path]:
    """Return the zip files and folders of quarters.

    Raises
    ------
    DataError
        No quarterly tables, or one in two places.
    """
    quarters = _quarters(Path(path))
    if not is_faers(path):
        raise DataError("a FAERS quarter needs DEMO, DRUG and REAC tables, got none", path=path)
    _check_once(quarters)
    return quarters


def tables_of(quarters: Sequence[Path], table: str) -> list[FaersTable]:
    """Return one table of all quarters."""
    return [
        FaersTable(quarter, name, table)
        for quarter in quarters
        for name in _names(quarter)
        if (match := _TABLE.search(name)) is not None and match[1].upper() == table
    ]


def deleted_cases(quarters: Iterable[Path]) -> set[str]:
    """Return the cases that stand on a list of deleted ones."""
    return {line.strip() for line in _deleted(quarters)}


def _check_once(quarters: Sequence[Path]) -> None:
    """Refuse a table that stands in two places, such as a zip file and what was unpacked from it.

    Its rows would count twice.
    """
    seen: set[str] = set()
    for quarter in quarters:
        for name in _names(quarter):
            table = name.upper().rpartition("/")[2]
            if _TABLE.search(name) and table in seen:
                said = f"the table {table} must stand in one place, got a second; keep one of them"
                raise DataError(said, path=quarter / name)
            seen.add(table)


def _table(quarter: Path, name: str, table: str) -> Iterator[FaersRow]:
    where = quarter / name
    with _opened(quarter, name) as handle:
        lines = ((number, raw.rstrip(b"\r\n")) for number, raw in enumerate(handle, start=1))
        rows = ((number, _decoded(line).split("$")) for number, line in lines if line)
        _, header = next(rows, (0, []))
        if not header:
            return
        used = _used(header, table, where)
        for number, cells in rows:
            if len(cells) == len(header) + 1 and not cells[-1]:  # the legacy layout
                cells.pop()
            if len(cells) != len(header):
                raise DataError(
                    f"a row must have {len(header)} fields as the header has, got {len(cells)}",
                    path=where,
                    line=number,
                )
            yield {column: cells[k].strip() for k, column in used}


def _used(header: list[str], table: str, where: Path) -> list[tuple[int, str]]:
    """Return the position and the name of the columns to read."""
    columns = [_column(cell) for cell in header]
    missing = [column for column in _NEEDED[table] if column not in columns]
    if missing:
        raise DataError(f"table {table} must have the column {missing[0]!r}, got none", path=where)
    return [(k, name) for k, name in enumerate(columns) if name in _USED]


def _deleted(quarters: Iterable[Path]) -> Iterator[str]:
    for quarter in quarters:
        for name in _names(quarter):
            if _DELETED.search(name) or "deleted" in name.lower().split("/")[:-1]:
                with _opened(quarter, name) as handle:
                    yield from (_decoded(line) for line in handle)


def _quarters(path: Path) -> list[Path]:
    """Return the zip files and folders that may hold a quarter's tables."""
    if path.is_file():
        return [path] if path.suffix.lower() == ".zip" else []
    if not path.is_dir():
        raise DataError("no such file or folder", path=path)
    zipped = sorted(p for p in path.iterdir() if p.suffix.lower() == ".zip")
    return [path, *zipped]


def _names(quarter: Path) -> list[str]:
    if not quarter.is_dir():
        return sorted(zip_names(quarter))
    files = files_of(quarter, (p for p in quarter.rglob("*") if _may_be_read(p)))
    return sorted(path.relative_to(quarter).as_posix() for path in files)


def _may_be_read(path: Path) -> bool:
    return path.suffix.lower() == ".txt" or path.parent.name.lower() == "deleted"


@contextmanager
def _opened(quarter: Path, name: str) -> Iterator[IO[bytes]]:
    opened = open_bytes(quarter / name) if quarter.is_dir() else open_in_zip(quarter, name)
    with opened as handle:
        yield handle


def _decoded(line: bytes) -> str:
    """Return a line as text: UTF-8, or else Latin-1, as some quarters have it."""
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        return line.decode("latin-1")


def _column(cell: str) -> str:
    name = cell.strip().lower()
    return (_LEGACY | _INDICATION).get(name, name)

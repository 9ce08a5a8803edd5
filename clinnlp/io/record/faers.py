"""FAERS and AERS quarterly ASCII files: adverse event reports of the FDA, as events.

A quarter is a zip file or a folder with ``$``-delimited tables; several quarters may lie in one
folder. Both layouts are read: ``primaryid``/``caseid`` (from 2012 Q4) and the legacy
``ISR``/``CASE``, whose rows end in one ``$`` too many.

- Of each case the newest version is kept: the highest ``caseversion``, then the latest
  ``fda_dt``, then the highest report number. Cases on a list of deleted cases are left out.
- A drug is its active ingredient (``prod_ai``) where the layout has it, else its name as reported;
  several ingredients, joined by a backslash, are several drugs. Roles: ``PS`` primary suspect,
  ``SS`` secondary suspect, ``C`` concomitant, ``I`` interacting.
- Dates that lack the day are missing.

References
----------
FDA, FAERS quarterly data extract files, ASC_NTS.DOC. Khaleel et al., A standardized dataset of a
spontaneous adverse event reporting system, Healthcare 2022;10:420 (choice of versions).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import IO

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.core.vocab import fold
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import open_bytes
from clinnlp.io.files.zips import open_in_zip, zip_names

__all__ = [
    "DEMOGRAPHICS",
    "ROLES",
    "FaersReports",
    "is_faers",
    "read_faers",
    "read_faers_demographics",
]

ROLES = ("PS", "SS", "C", "I")
DEMOGRAPHICS = ("sex", "age", "year")

_TABLE = re.compile(r"(DEMO|DRUG|REAC|INDI)\d\dQ\d[^/\\]*\.TXT$", re.IGNORECASE)
_DELETED = re.compile(r"DELETE[^/\\]*\.TXT$", re.IGNORECASE)
_LEGACY = {
    "isr": "primaryid",
    "case": "caseid",
    "foll_seq": "caseversion",
    "gndr_cod": "sex",
}
# In years, of a unit of age
_YEARS = {"DEC": 10, "YR": 1, "MON": 1 / 12, "WK": 7 / 365.25, "DY": 1 / 365.25, "HR": 1 / 8766}
_OLDEST = 130
_AGES = (
    (0, "0-1"), (2, "2-11"), (12, "12-17"), (18, "18-44"), (45, "45-64"), (65, "65-74"), (75, "75-")
)  # fmt: skip
_INDICATION = {"indi_drug_seq": "drug_seq"}
_UNKNOWN = frozenset({"product used for unknown indication", "drug use for unknown indication"})

_MOST_DIGITS = 18  # of the number of a report or a version
_EVENT = ("patient", "encounter", "start", "known", "code", "kind", "vocabulary", "dose")

FaersRow = dict[str, str]
Event = tuple[str, str, datetime | None, datetime | None, str, str, str, str | None]
Version = tuple[int, str, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FaersReports:
    """The reports of some quarters.

    Parameters
    ----------
    events : EventTable
        ``patient`` is the case, ``encounter`` the report, ``code`` the drug, reaction or
        indication; ``kind`` is ``"drug"``, ``"outcome"`` or ``"condition"``; ``vocabulary`` is
        the role of a drug and ``"MedDRA"`` otherwise.
    n_reports : int
        Reports kept.
    n_excluded : mapping of str to int
        ``older_version``, ``deleted_case``, ``report_without_case`` (reports); ``role``,
        ``no_name``, ``other_report`` (rows).
    """

    events: EventTable
    n_reports: int
    n_excluded: dict[str, int]

    def __repr__(self) -> str:
        return f"FaersReports({self.n_reports} reports, {len(self.events)} events)"


def is_faers(path: str | Path) -> bool:
    """Return whether a path is a zip file or folder with quarterly tables."""
    return any(_TABLE.search(name) for quarter in _quarters(Path(path)) for name in _names(quarter))


def read_faers(
    path: str | Path,
    *,
    roles: Sequence[str] = ROLES,
    drug_name: Callable[[str], str] = fold,
) -> FaersReports:
    r"""Return drugs, reactions and indications of the newest version of each case.

    Parameters
    ----------
    path : str or Path
        A quarter (zip file or folder), or a folder with several.
    roles : sequence of str
        Roles of the drugs wanted; all four by default.
    drug_name : callable
        From a name as reported to the name of the item; folds case and spaces by default.

    Returns
    -------
    FaersReports
        Reports as an `EventTable` of drugs, outcomes and conditions, and what was left out.

    Raises
    ------
    ArgumentError
        An unknown role.
    DataError
        No quarterly tables, a missing column, or a row of another length, by file and line.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> rows = {
    ...     "DEMO": "primaryid$caseid$caseversion$fda_dt\n1001$100$1$20200210\n",
    ...     "DRUG": "primaryid$caseid$drug_seq$role_cod$drugname\n1001$100$1$PS$ASPIRIN\n",
    ...     "REAC": "primaryid$caseid$pt\n1001$100$Nausea\n",
    ... }
    >>> for table, text in rows.items():
    ...     _ = Path(folder.name, f"{table}20Q1.txt").write_text(text)
    >>> reports = read_faers(folder.name)
    >>> reports.events["kind"].tolist(), reports.events["code"].tolist()
    (['drug', 'outcome'], ['aspirin', 'nausea'])
    >>> folder.cleanup()
    """
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        raise ArgumentError(f"roles must be among {', '.join(ROLES)}, got {', '.join(unknown)}")
    quarters = _quarters(Path(path))
    if not is_faers(path):
        raise DataError("a FAERS quarter needs DEMO, DRUG and REAC tables, got none", path=path)
    _check_once(quarters)
    n_excluded = dict.fromkeys(
        ("older_version", "deleted_case", "report_without_case", "role", "no_name", "other_report"),
        0,
    )
    kept, events, name = _newest(quarters, n_excluded), list[Event](), cache(drug_name)
    for table, add in (("DRUG", _add_drug), ("REAC", _add_reaction), ("INDI", _add_indication)):
        for row in _rows(quarters, table, required=table != "INDI"):
            report = kept.get(row.get("primaryid", ""))
            if report is None:
                n_excluded["other_report"] += 1
            elif table == "DRUG" and row["role_cod"].upper() not in roles:
                n_excluded["role"] += 1
            elif not add(events, row, report, name):
                n_excluded["no_name"] += 1
    return FaersReports(events=_table_of(events), n_reports=len(kept), n_excluded=n_excluded)


def read_faers_demographics(
    path: str | Path, *, by_case: bool = False
) -> dict[str, tuple[str | None, str | None, str | None]]:
    """Return sex, age group and year of the newest version of each case, by report.

    Sex is ``M`` or ``F``; the age is in groups of years (0-1, 2-11, 12-17, 18-44, 45-64, 65-74,
    75-), whatever its unit; the year is that in which the report reached the agency. What is
    missing or of another form is None.

    Parameters
    ----------
    path : str or Path
        As in `read_faers`.
    by_case : bool
        Give them by case in place of report.

    Raises
    ------
    DataError
        No quarterly tables, a missing column, or a row of another length.
    """
    kept = _newest(_quarters(Path(path)), Counter())
    return {
        report.case if by_case else number: (
            report.sex, report.age, str(report.known.year) if report.known else None
        )
        for number, report in kept.items()
    }  # fmt: skip


def _age_group(row: FaersRow) -> str | None:
    """Return the group of an age; that of an age in another unit than years too."""
    try:
        years = float(row.get("age", "")) * _YEARS[row.get("age_cod", "").upper()]
    except (KeyError, ValueError):
        return None
    found = [group for low, group in _AGES if low <= years < _OLDEST]
    return found[-1] if found else None


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


def _table_of(events: list[Event]) -> EventTable:
    return EventTable(dict(zip(_EVENT, zip(*events, strict=True), strict=True)) if events else {})


@dataclass(frozen=True, slots=True)
class _Report:
    case: str
    version: Version
    time: datetime | None
    known: datetime | None
    sex: str | None
    age: str | None


def _newest(quarters: Sequence[Path], n_excluded: dict[str, int]) -> dict[str, _Report]:
    """Return the newest report of each case that was not deleted, by report number."""
    deleted = {line.strip() for line in _deleted(quarters)}
    newest: dict[str, tuple[str, _Report]] = {}
    for row in _rows(quarters, "DEMO", required=True):
        case, number = row["caseid"], row["primaryid"]
        if not case or not number:
            n_excluded["report_without_case"] += 1
            continue
        if case in deleted:
            n_excluded["deleted_case"] += 1
            continue
        known = _date(row.get("fda_dt", ""))
        version = (_whole(row.get("caseversion", "")), str(known or ""), _whole(number))
        sex = row.get("sex", "").upper()
        person = (sex if sex in ("M", "F") else None, _age_group(row))
        report = _Report(case, version, _date(row.get("event_dt", "")), known, *person)
        before = newest.get(case)
        n_excluded["older_version"] += before is not None
        if before is None or version > before[1].version:
            newest[case] = (number, report)
    return dict(newest.values())


def _add_drug(
    events: list[Event], row: FaersRow, report: _Report, drug_name: Callable[[str], str]
) -> bool:
    names = row.get("prod_ai", "") or row["drugname"]
    found = [drug_name(name) for name in names.split("\\") if name.strip(" .")]
    for name in dict.fromkeys(found):
        dose = row.get("dose_vbm", "") or f"{row.get('dose_amt', '')} {row.get('dose_unit', '')}"
        _add(events, row, report, name, "drug", row["role_cod"].upper(), dose.strip() or None)
    return bool(found)


def _add_reaction(
    events: list[Event],
    row: FaersRow,
    report: _Report,
    drug_name: Callable[[str], str],  # noqa: ARG001
) -> bool:
    if row["pt"]:
        _add(events, row, report, fold(row["pt"]), "outcome", "MedDRA", None)
    return bool(row["pt"])


def _add_indication(
    events: list[Event],
    row: FaersRow,
    report: _Report,
    drug_name: Callable[[str], str],  # noqa: ARG001
) -> bool:
    name = fold(row["indi_pt"])
    if name and name not in _UNKNOWN:
        _add(events, row, report, name, "condition", "MedDRA", None)
    return bool(name)


def _add(
    events: list[Event],
    row: FaersRow,
    report: _Report,
    code: str,
    kind: str,
    vocabulary: str,
    dose: str | None,
) -> None:
    number = row["primaryid"]
    events.append((report.case, number, report.time, report.known, code, kind, vocabulary, dose))


def _rows(quarters: Sequence[Path], table: str, *, required: bool) -> Iterator[FaersRow]:
    """Yield the rows of one table of all quarters, columns under their present names."""
    found = False
    for quarter in quarters:
        for name in _names(quarter):
            match = _TABLE.search(name)
            if match is not None and match[1].upper() == table:
                found = True
                yield from _table(quarter, name, table)
    if required and not found:
        raise DataError(f"a FAERS quarter needs the table {table}, got none", path=quarters[0])


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


def _date(cell: str) -> datetime | None:
    """Return a whole date, YYYYMMDD; one without its day is missing."""
    if len(cell) != len("YYYYMMDD") or not cell.isdigit():
        return None
    try:
        return datetime(int(cell[:4]), int(cell[4:6]), int(cell[6:]))
    except ValueError:
        return None


def _whole(cell: str) -> int:
    return int(cell) if cell.isdecimal() and len(cell) <= _MOST_DIGITS else 0

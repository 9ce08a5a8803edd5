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

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.tables import EventTable
from clinnlp.core.vocab import fold
from clinnlp.io.record.faers_files import (
    FaersRow,
    FaersTable,
    deleted_cases,
    tables_of,
    whole_quarters,
)

__all__ = [
    "DEMOGRAPHICS",
    "ROLES",
    "FaersReport",
    "FaersReports",
    "check_roles",
    "events_of",
    "read_faers",
    "read_faers_demographics",
    "reports_of",
]

ROLES = ("PS", "SS", "C", "I")
DEMOGRAPHICS = ("sex", "age", "year")

# In years, of a unit of age
_YEARS = {"DEC": 10, "YR": 1, "MON": 1 / 12, "WK": 7 / 365.25, "DY": 1 / 365.25, "HR": 1 / 8766}
_OLDEST = 130
_AGES = (
    (0, "0-1"), (2, "2-11"), (12, "12-17"), (18, "18-44"), (45, "45-64"), (65, "65-74"), (75, "75-")
)  # fmt: skip
_UNKNOWN = frozenset({"product used for unknown indication", "drug use for unknown indication"})

_MOST_DIGITS = 18  # of the number of a report or a version
_EVENT = ("patient", "encounter", "start", "known", "code", "kind", "vocabulary", "dose")

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
    check_roles(roles)
    quarters = whole_quarters(path)
    n_excluded = dict.fromkeys(
        ("older_version", "deleted_case", "report_without_case", "role", "no_name", "other_report"),
        0,
    )
    kept, events, name = _newest(quarters, n_excluded), list[Event](), cache(drug_name)
    for table, add in _ADD.items():
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
    kept = _newest(whole_quarters(path), Counter())
    return {
        report.case if by_case else number: (
            report.sex, report.age, str(report.known.year) if report.known else None
        )
        for number, report in kept.items()
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class FaersReport:
    """What DEMO says of a report."""

    case: str
    version: Version
    time: datetime | None
    known: datetime | None
    sex: str | None
    age: str | None


def check_roles(roles: Sequence[str]) -> None:
    """Raise `ArgumentError` where a role is none of FAERS."""
    unknown = [role for role in roles if role not in ROLES]
    if unknown:
        raise ArgumentError(f"roles must be among {', '.join(ROLES)}, got {', '.join(unknown)}")


def reports_of(one: FaersTable) -> Iterator[tuple[str, FaersReport]]:
    """Yield the number and what is known of each report of DEMO that has a case."""
    for row in one.rows():
        if row["caseid"] and row["primaryid"]:
            yield row["primaryid"], _report(row)


def events_of(
    one: FaersTable, roles: Sequence[str], drug_name: Callable[[str], str]
) -> Iterator[tuple[str, str, str, str, str | None]]:
    """Yield report, code, kind, vocabulary and dose of the rows of DRUG, REAC or INDI."""
    name, add = cache(drug_name), _ADD[one.table]
    for row in one.rows():
        if one.table == "DRUG" and row["role_cod"].upper() not in roles:
            continue
        events: list[Event] = []
        add(events, row, _ANY, name)
        for event in events:
            yield (event[1], *event[4:])


def _age_group(row: FaersRow) -> str | None:
    """Return the group of an age; that of an age in another unit than years too."""
    try:
        years = float(row.get("age", "")) * _YEARS[row.get("age_cod", "").upper()]
    except (KeyError, ValueError):
        return None
    found = [group for low, group in _AGES if low <= years < _OLDEST]
    return found[-1] if found else None


def _table_of(events: list[Event]) -> EventTable:
    return EventTable(dict(zip(_EVENT, zip(*events, strict=True), strict=True)) if events else {})


def _newest(quarters: Sequence[Path], n_excluded: dict[str, int]) -> dict[str, FaersReport]:
    """Return the newest report of each case that was not deleted, by report number."""
    deleted = deleted_cases(quarters)
    newest: dict[str, tuple[str, FaersReport]] = {}
    for row in _rows(quarters, "DEMO", required=True):
        case, number = row["caseid"], row["primaryid"]
        if not case or not number:
            n_excluded["report_without_case"] += 1
            continue
        if case in deleted:
            n_excluded["deleted_case"] += 1
            continue
        report = _report(row)
        before = newest.get(case)
        n_excluded["older_version"] += before is not None
        if before is None or report.version > before[1].version:
            newest[case] = (number, report)
    return dict(newest.values())


def _report(row: FaersRow) -> FaersReport:
    known = _date(row.get("fda_dt", ""))
    version = (_whole(row.get("caseversion", "")), str(known or ""), _whole(row["primaryid"]))
    sex = row.get("sex", "").upper()
    person = (sex if sex in ("M", "F") else None, _age_group(row))
    return FaersReport(row["caseid"], version, _date(row.get("event_dt", "")), known, *person)


def _add_drug(
    events: list[Event], row: FaersRow, report: FaersReport, drug_name: Callable[[str], str]
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
    report: FaersReport,
    drug_name: Callable[[str], str],  # noqa: ARG001
) -> bool:
    if row["pt"]:
        _add(events, row, report, fold(row["pt"]), "outcome", "MedDRA", None)
    return bool(row["pt"])


def _add_indication(
    events: list[Event],
    row: FaersRow,
    report: FaersReport,
    drug_name: Callable[[str], str],  # noqa: ARG001
) -> bool:
    name = fold(row["indi_pt"])
    if name and name not in _UNKNOWN:
        _add(events, row, report, name, "condition", "MedDRA", None)
    return bool(name)


def _add(
    events: list[Event],
    row: FaersRow,
    report: FaersReport,
    code: str,
    kind: str,
    vocabulary: str,
    dose: str | None,
) -> None:
    number = row["primaryid"]
    events.append((report.case, number, report.time, report.known, code, kind, vocabulary, dose))


_ADD = {"DRUG": _add_drug, "REAC": _add_reaction, "INDI": _add_indication}
_ANY = FaersReport("", (0, "", 0), None, None, None, None)  # where only a row counts


def _rows(quarters: Sequence[Path], table: str, *, required: bool) -> Iterator[FaersRow]:
    """Yield the rows of one table of all quarters, columns under their present names."""
    found = tables_of(quarters, table)
    for one in found:
        yield from one.rows()
    if required and not found:
        raise DataError(f"a FAERS quarter needs the table {table}, got none", path=quarters[0])


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

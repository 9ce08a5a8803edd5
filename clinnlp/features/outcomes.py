"""Outcomes from a table: patient, index time and 0 or 1.

A row without an outcome or an index time is left out and counted, never guessed. One that says what
an earlier row says is counted once; one that says the contrary is refused.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from clinnlp.core.arrays import Floats
from clinnlp.core.arrow import column_lists, names_of, read_once
from clinnlp.core.cells import MISSING
from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.tables import Outcome
from clinnlp.core.times import to_second

__all__ = [
    "REPEATED",
    "OutcomeRead",
    "Whom",
    "check_one_outcome",
    "id_of",
    "index_from_columns",
    "is_missing",
    "known_outcomes",
    "outcome_from_columns",
    "outcome_from_pandas",
    "read_outcome",
    "truth_of",
]

_WORDS = {  # as spreadsheets write them too
    0: "0 0.0 0,0 false no n falsch nein faux non falso",
    1: "1 1.0 1,0 true yes y wahr ja j vrai oui verdadero sí si",
}
_TRUTH = {word: truth for truth, words in _WORDS.items() for word in words.split()}
_REASONS = ("patient_missing", "index_missing", "outcome_missing")
REPEATED = "outcome row repeated"  # why a row is left out
_CONTRARY = (
    "rows of one patient and index time must have the same outcome, got another; keep one of them"
)

Whom = tuple[str, np.datetime64]  # a patient and an index time


class OutcomeRead(NamedTuple):
    """An outcome, and how many rows of its source were left out, by reason."""

    outcome: Outcome
    n_excluded: Mapping[str, int]


def read_outcome(
    path: str | Path, *, patient: str = "patient", index: str = "index", value: str = "outcome"
) -> OutcomeRead:
    """Return the outcome in a CSV file with a header.

    Parameters
    ----------
    patient, index, value : str
        Column names. Times are ISO 8601; values 0/1, true/false or yes/no, in English, German,
        French or Spanish.

    Raises
    ------
    DataError
        No such file, an absent column, or a cell that is neither valid nor empty, by file:line.
    """
    path = check_file(path)
    cells: dict[str, list[Any]] = {patient: [], index: [], value: []}
    refusal = DataError("an outcome file must be CSV in UTF-8", path=path)
    with (
        instead_of((UnicodeDecodeError, csv.Error), refusal),
        open(path, encoding="utf-8-sig", newline="") as handle,
    ):
        rows = csv.DictReader(handle)
        absent = [name for name in cells if name not in (rows.fieldnames or ())]
        if absent:
            raise DataError(
                f"columns must include {', '.join(cells)}, {', '.join(absent)} is not there",
                path=path,
            )
        for row in rows:
            for name, column in cells.items():
                column.append(row[name])
    with instead_of(DataError, lambda error: error.at(path, error.line)):
        return outcome_from_columns(cells[patient], cells[index], cells[value])


def outcome_from_pandas(
    frame: Any,
    *,
    patient: str = "patient",
    index: str = "index",
    value: str = "outcome",
) -> OutcomeRead:
    """Return the outcome in three columns of a DataFrame, or of a table with the Arrow interface.

    Raises
    ------
    ArgumentError
        An absent column.
    DataError
        A cell that is neither valid nor missing.
    """
    frame = read_once(frame)
    names = names_of(frame)
    absent = [name for name in (patient, index, value) if name not in names]
    if absent:
        raise ArgumentError(f"columns must include {', '.join(absent)}, which the frame lacks")
    patients, times, values = column_lists(frame, (patient, index, value))
    return outcome_from_columns(patients, times, values)


def outcome_from_columns(
    patients: Sequence[Any],
    index: Sequence[Any],
    values: Sequence[Any],
    *,
    times: Sequence[Any] | None = None,
    seen: dict[Whom, int] | None = None,
) -> OutcomeRead:
    """Return the outcome of three equally long columns.

    Parameters
    ----------
    times : sequence, optional
        When the outcome came; a row whose outcome came at or before its index time is left out
        and counted, since there was nothing left to predict.
    seen : dict, optional
        The outcomes of rows read before, by patient and index time; these rows are added to it.

    Raises
    ------
    DataError
        A cell that is neither valid nor missing, or another outcome of the same patient and index
        time; its line counts a header as line 1.

    Examples
    --------
    >>> read = outcome_from_columns(["a", "b"], ["2024-01-01", "2024-01-02"], [1, None])
    >>> read.outcome, read.n_excluded["outcome_missing"]
    (Outcome(1 rows, 1 positive), 1)
    """
    n_excluded = dict.fromkeys(_REASONS, 0)
    n_excluded |= {} if times is None else {"outcome_before_index": 0}
    came = [None] * len(patients) if times is None else times
    seen = {} if seen is None else seen
    kept: list[tuple[str, np.datetime64, int]] = []
    for line, patient, time, value in _complete(patients, index, values, n_excluded):
        when = came[line - 2]
        if value and not is_missing(when) and _time(when, line) <= time:
            n_excluded["outcome_before_index"] += 1
            continue
        if (patient, time) not in seen:
            seen[patient, time] = value
            kept.append((patient, time, value))
        elif seen[patient, time] == value:
            n_excluded[REPEATED] = n_excluded.get(REPEATED, 0) + 1
        else:
            raise DataError(_CONTRARY, line=line)
    return OutcomeRead(_outcome(kept), n_excluded)


def check_one_outcome(outcome: Outcome) -> None:
    """Raise `ArgumentError` where one patient and index time has two outcomes.

    Examples
    --------
    >>> when = np.full(2, "2024-01-01", "datetime64[s]")
    >>> twice = Outcome(patients=np.array(["a", "a"]), index=when, values=np.array([0, 1]))
    >>> try:
    ...     check_one_outcome(twice)
    ... except ArgumentError as error:
    ...     print(str(error).partition(", ")[2])
    got another in 1 rows; keep one of them
    """
    seen: dict[Whom, int] = {}
    rows = zip(outcome.patients.tolist(), outcome.index, outcome.values.tolist(), strict=True)
    n = sum(seen.setdefault((str(who), when), value) != value for who, when, value in rows)
    if n:
        raise ArgumentError(_CONTRARY.replace("another;", f"another in {n:,} rows;"))


def index_from_columns(patients: Sequence[Any], index: Sequence[Any]) -> Outcome:
    """Return whom to score and from when, repeated rows too; the values are 0.

    Raises
    ------
    DataError
        As `outcome_from_columns`.

    Examples
    --------
    >>> index_from_columns(["a", "a", ""], ["2024-01-01"] * 3)
    Outcome(2 rows, 0 positive)
    """
    rows = _complete(patients, index, [0] * len(patients), dict.fromkeys(_REASONS, 0))
    return _outcome([row for _, *row in rows])


def known_outcomes(
    index: Sequence[Any], values: Sequence[Any], times: Sequence[Any] | None = None
) -> tuple[Floats, int]:
    """Return outcomes as far as they are known, and how many came at or before their index time.

    Of these, and of empty cells, the outcome is ``nan``: nothing was left to predict, or nobody
    knows.

    Raises
    ------
    DataError
        As `outcome_from_columns`.

    Examples
    --------
    >>> day = ["2024-01-02"] * 4
    >>> known, n_before = known_outcomes(day, [1, 0, "", 1], ["2024-01-03", "", "", "2024-01-01"])
    >>> known.tolist(), n_before
    ([1.0, 0.0, nan, nan], 1)
    """
    came = [None] * len(values) if times is None else times
    made, n_before = np.full(len(values), np.nan), 0
    for k, (at, value, when) in enumerate(zip(index, values, came, strict=True)):
        if is_missing(value) or is_missing(at):
            continue
        truth = truth_of(value, k + 2)
        if truth and not is_missing(when) and _time(when, k + 2) <= _time(at, k + 2):
            n_before += 1
        else:
            made[k] = truth
    return made, n_before


def _complete(
    patients: Sequence[Any], index: Sequence[Any], values: Sequence[Any], lost: dict[str, int]
) -> Iterator[tuple[int, str, np.datetime64, int]]:
    """Yield line, patient, index time and value of rows that have all; the others are counted."""
    for line, cells in enumerate(zip(patients, index, values, strict=True), start=2):
        missing = [r for r, cell in zip(_REASONS, cells, strict=True) if is_missing(cell)]
        if missing:
            lost[missing[0]] += 1
        else:
            yield line, id_of(cells[0]), _time(cells[1], line), truth_of(cells[2], line)


def _outcome(rows: Sequence[Sequence[Any]]) -> Outcome:
    return Outcome(
        patients=np.array([row[0] for row in rows], dtype=object),
        index=np.array([row[1] for row in rows], dtype="datetime64[s]"),
        values=np.array([row[2] for row in rows], dtype=np.int8),
    )


def is_missing(cell: Any) -> bool:
    """Return whether a cell says nothing."""
    return str(cell).strip().casefold() in MISSING


def id_of(cell: Any) -> str:
    """Return the id of a patient as text."""
    whole = isinstance(cell, float) and cell.is_integer()  # pandas, where an id is missing
    return str(int(cell) if whole else cell)


def _time(cell: Any, line: int) -> np.datetime64:
    def refusal(_: Exception) -> DataError:
        return DataError("index must be a time in ISO 8601, got another form", line=line)

    with instead_of(ValueError, refusal):  # which quotes the cell
        return to_second(cell)


def truth_of(cell: Any, line: int | None) -> int:
    """Return 0 or 1, of 0/1, true/false or yes/no, in English, German, French or Spanish.

    Raises
    ------
    DataError
        Another value.
    """
    text = str(cell).strip().casefold()
    if text not in _TRUTH:
        raise DataError(
            "outcome must be 0 or 1, yes or no (or empty), got another value", line=line
        )
    return _TRUTH[text]

"""``cohort-mini``: patients, their stays as events, notes for a part of them, and the truth.

Files, all made from the seed:

- ``patients.csv``: patient, birth_date, sex, index_time, site;
- ``events.csv``: patient, encounter, start, end, known, code, vocabulary, kind (drug, condition,
  measurement, outcome), value, unit, source_id. Stays after index time are among them, as they are
  in any extract; a model must not use them. A few rows have no `known`;
- ``outcome.csv``: patient, index_time, outcome (1 readmitted within 90 days of index), time (of the
  readmission, else the end of the 90 days);
- ``notes.jsonl``: the discharge note of the last stay before index, text only;
  ``notes_gold.jsonl``: the same notes with entities, assertion, relations and sections;
- ``truth.json``: what was planted, with expected counts and power, and the risk model;
- ``CARD.md``.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.arrays import Bools
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_write
from clinnlp.study.synthetic.cards import cohort_card
from clinnlp.study.synthetic.cohort_notes import cohort_note
from clinnlp.study.synthetic.rows import csv_text, json_lines
from clinnlp.study.synthetic.scenario import conditions, drug_codes, outcome_bases
from clinnlp.study.synthetic.simulate import HORIZON_DAYS, Cohort, draw_cohort
from clinnlp.study.synthetic.truth import truth_record

__all__ = ["COHORT_SEED", "write_cohort_mini"]

COHORT_SEED = 20240301
VOCABULARY = "synthetic"
SITES = ("north", "harbour", "hill")
FIRST_INDEX = datetime(2023, 1, 1, 12)
P_UNKNOWN = 0.01  # share of events whose `known` is missing
EVENT_COLUMNS = (
    *("patient", "encounter", "start", "end", "known", "code", "vocabulary", "kind"),
    *("value", "unit", "source_id"),
)


@dataclass(frozen=True, slots=True)
class _Stay:
    """Where a stay stands in time, and what it is called."""

    row: int
    patient: str
    encounter: str
    start: datetime
    end: datetime


def write_cohort_mini(
    folder: str | Path,
    *,
    seed: int = COHORT_SEED,
    n_patients: int = 5000,
    n_noted: int = 1000,
) -> Path:
    """Write the corpus into a folder.

    Parameters
    ----------
    folder : str or Path
        Made where missing; files of the same names are replaced.
    seed : int
        Equal seeds give equal files. What `truth.json` says holds for any seed; the card in the
        repository is that of the default.
    n_patients : int
        At least 1; the power of the plants is planned for 5,000.
    n_noted : int
        Patients with a note, at most `n_patients`.

    Returns
    -------
    Path
        `folder`.

    Raises
    ------
    clinnlp.core.errors.ArgumentError
        Numbers of patients out of range.
    clinnlp.core.errors.RunError
        The disk is full or the folder cannot be written.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     made = write_cohort_mini(folder, n_patients=200, n_noted=2)
    ...     sorted(path.name for path in made.glob("*.jsonl"))
    ['notes.jsonl', 'notes_gold.jsonl']
    """
    if not 0 <= n_noted <= n_patients or n_patients < 1:
        raise ArgumentError(
            "n_patients must be at least 1 and n_noted from 0 to n_patients, "
            f"got {n_patients} and {n_noted}"
        )
    folder = Path(folder)
    cohort = draw_cohort(seed, n_patients)
    rng = np.random.default_rng([seed, 2])
    index_times, stays = _calendar(cohort, rng)
    noted = np.argsort(rng.random(n_patients), kind="stable")[:n_noted]
    gold = _notes(cohort, stays, sorted(noted.tolist()), seed)
    truth = truth_record(cohort, noted, seed=seed)
    counts = _event_counts(cohort)
    lost = rng.random(sum(counts.values())) < P_UNKNOWN
    files = {
        "patients.csv": csv_text(
            ("patient", "birth_date", "sex", "index_time", "site"),
            _patients(cohort, index_times, rng),
        ),
        "events.csv": "\n".join([*_events(cohort, stays, lost), ""]),
        "outcome.csv": csv_text(
            ("patient", "index_time", "outcome", "time"), _outcomes(cohort, index_times, stays)
        ),
        "notes.jsonl": json_lines(_bare(note) for note in gold),
        "notes_gold.jsonl": json_lines(gold),
        "truth.json": json.dumps(truth, indent=1) + "\n",
        "CARD.md": cohort_card(truth, gold, counts, n_stays=len(stays), n_lost=int(lost.sum())),
    }
    for name, text in files.items():
        with atomic_write(folder / name) as handle:
            handle.write(text)
    return folder


def _calendar(cohort: Cohort, rng: np.random.Generator) -> tuple[list[datetime], list[_Stay]]:
    """Place stays around index times: the last one before ends a day before index."""
    days = (365 * rng.random(len(cohort.age))).astype(int).tolist()
    index_times = [FIRST_INDEX + timedelta(days=day) for day in days]
    gaps = 20 + 140 * rng.random(len(cohort.patient))  # days between two stays
    early, late = 3 + 85 * rng.random(len(cohort.age)), 95 + 150 * rng.random(len(cohort.age))
    first_return = np.where(cohort.readmitted, early, late)
    stays: list[_Stay] = []
    for group in np.split(np.arange(len(cohort.patient)), _starts(cohort)[1:]):
        person = int(cohort.patient[group[0]])
        index = index_times[person]
        spans: dict[int, tuple[datetime, datetime]] = {}
        end = index - timedelta(days=1)
        for row in reversed([row for row in group.tolist() if cohort.place[row] < 0]):
            start = _hour(end - timedelta(days=float(cohort.days[row])), 8)
            spans[row] = (start, end)
            end = _hour(start - timedelta(days=float(gaps[row])), 13)
        start = index + timedelta(days=float(first_return[person]))
        for row in (row for row in group.tolist() if cohort.place[row] >= 0):
            start = _hour(start, 9)
            spans[row] = (start, _hour(start + timedelta(days=float(cohort.days[row])), 14))
            start = spans[row][1] + timedelta(days=float(gaps[row]))
        stays += [
            _Stay(row, _patient(person), f"{_patient(person)}-{number}", *spans[row])
            for number, row in enumerate(group.tolist(), start=1)
        ]
    return index_times, stays


def _events(cohort: Cohort, stays: Sequence[_Stay], lost: Bools) -> Iterator[str]:
    """Yield the lines of the events table: measurements, drugs, conditions, outcomes per stay."""
    yield ",".join(EVENT_COLUMNS)
    kinds = (
        ("drug", drug_codes(), cohort.taken),
        ("condition", tuple(condition.code for condition in conditions()), cohort.coded),
        ("outcome", tuple(outcome_bases()), cohort.befell),
    )
    numbers = count(1)
    for stay in stays:
        first = (stay.start + timedelta(hours=4)).isoformat()
        last = (stay.end + timedelta(hours=2)).isoformat()
        head = f"{stay.patient},{stay.encounter},{stay.start.isoformat()},{stay.end.isoformat()}"
        found = [
            (f"lab:creatinine,{VOCABULARY},measurement,{cohort.creatinine[stay.row]},mg/dL", first),
            (f"lab:hemoglobin,{VOCABULARY},measurement,{cohort.hemoglobin[stay.row]},g/dL", first),
        ]
        for kind, codes, flags in kinds:
            known = first if kind == "drug" else last
            rows = np.flatnonzero(flags[stay.row]).tolist()
            found += [(f"{codes[at]},{VOCABULARY},{kind},,", known) for at in rows]
        for (what, known), number in zip(found, numbers, strict=False):
            yield f"{head},{'' if lost[number - 1] else known},{what},e{number:06d}"


def _patients(
    cohort: Cohort, index_times: Sequence[datetime], rng: np.random.Generator
) -> Iterator[tuple[object, ...]]:
    sites = (len(SITES) * rng.random(len(index_times))).astype(int)
    for person, index in enumerate(index_times):
        birth = index - timedelta(days=365.25 * float(cohort.age[person]))
        sex = "F" if cohort.woman[person] else "M"
        yield (
            _patient(person),
            birth.date().isoformat(),
            sex,
            index.isoformat(),
            SITES[sites[person]],
        )


def _outcomes(
    cohort: Cohort, index_times: Sequence[datetime], stays: Sequence[_Stay]
) -> Iterator[tuple[object, ...]]:
    returned = {stay.patient: stay.start for stay in stays if cohort.place[stay.row] == 0}
    for person, index in enumerate(index_times):
        is_back = bool(cohort.readmitted[person])
        time = returned[_patient(person)] if is_back else index + timedelta(days=HORIZON_DAYS)
        yield (_patient(person), index.isoformat(), int(is_back), time.isoformat())


def _notes(
    cohort: Cohort, stays: Sequence[_Stay], noted: Sequence[int], seed: int
) -> list[dict[str, Any]]:
    """Return the gold notes of the last stay before index, patient and stay named."""
    last = {stay.patient: stay for stay in stays if cohort.place[stay.row] == -1}
    notes = []
    for person in noted:
        stay = last[_patient(person)]
        note = cohort_note(
            cohort,
            stay.row,
            name=f"n-{stay.encounter}",
            start=stay.start,
            end=stay.end,
            seed=seed,
        )
        where = {"id": note.pop("id"), "patient": stay.patient, "encounter": stay.encounter}
        notes.append({**where, **note})
    return notes


def _event_counts(cohort: Cohort) -> dict[str, int]:
    return {
        "measurement": 2 * len(cohort.patient),
        "drug": int(cohort.taken.sum()),
        "condition": int(cohort.coded.sum()),
        "outcome": int(cohort.befell.sum()),
    }


def _bare(note: dict[str, Any]) -> dict[str, Any]:
    annotations = ("sections", "entities", "relations")
    return {key: value for key, value in note.items() if key not in annotations}


def _starts(cohort: Cohort) -> list[int]:
    """Return the row of the first stay of each patient."""
    found: list[int] = np.unique(cohort.patient, return_index=True)[1].tolist()
    return found


def _patient(person: int) -> str:
    return f"p{person + 1:05d}"


def _hour(when: datetime, hour: int) -> datetime:
    return when.replace(hour=hour, minute=0, second=0, microsecond=0)

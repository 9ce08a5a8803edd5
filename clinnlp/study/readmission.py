"""Readmission within 30 days in the Diabetes 130-US hospitals data (101,766 encounters).

Encounters that end in death or hospice cannot be readmitted: excluded and counted. ``?`` is
missing. Diagnoses come as ICD-9 chapter by position, and as three-digit groups of the first and of
any position; drugs as given and changed; counts of earlier visits as numbers. With `history`, what
earlier stays of the same patient in the table tell at this one: how many there are, how many were
followed by a return within 30 days, and whether this stay is itself such a return, or a later one.
The table has no dates: stays are ordered by their number (of those with a later one, 98.4 % are
marked as readmitted, as they should be).

References
----------
Strack et al., BioMed Res Int 2014, 781670 (UCI data set 296).
"""

import csv
import io
import zipfile
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from clinnlp.core.arrays import Array, Counts
from clinnlp.core.checks import check_file
from clinnlp.core.errors import DataError, instead_of
from clinnlp.features.columns import Columns
from clinnlp.risk.models import MODELS, Models, RandomForestSettings, chosen_settings
from clinnlp.risk.splits import patient_folds, splits_of_folds
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.settings import RiskStudySettings

__all__ = ["Readmissions", "icd9_chapter", "read_diabetes130", "readmission_study"]

N_FOLDS = 5

_MEMBER = "dataset_diabetes/diabetic_data.csv"
_NO_RETURN = frozenset({"11", "13", "14", "19", "20", "21"})  # expired, or to hospice
_DIAGNOSES = ("diag_1", "diag_2", "diag_3")
_NUMBERS = (
    "time_in_hospital",
    "num_lab_procedures",
    "num_procedures",
    "num_medications",
    "number_outpatient",
    "number_emergency",
    "number_inpatient",
    "number_diagnoses",
)
_AFTER = {"<30": "within 30 days", ">30": "after 30 days", "NO": "not as a readmission"}
_NOT_FEATURES = frozenset({"encounter_id", "patient_nbr", "readmitted", "weight", *_DIAGNOSES})

# first three-digit code of each chapter, and its name
_CHAPTERS = (
    (1, "infections"),
    (140, "neoplasms"),
    (240, "endocrine"),
    (280, "blood"),
    (290, "mental"),
    (320, "nervous"),
    (390, "circulatory"),
    (460, "respiratory"),
    (520, "digestive"),
    (580, "genitourinary"),
    (630, "pregnancy"),
    (680, "skin"),
    (710, "musculoskeletal"),
    (740, "congenital"),
    (760, "perinatal"),
    (780, "symptoms"),
    (800, "injury"),
)


class Readmissions(NamedTuple):
    """Features of encounters, and whether each was followed by a readmission in 30 days."""

    columns: Columns
    y: Counts


def readmission_study(
    folder: str | Path,
    *,
    history: bool = True,
    models: Models | None = None,
    only: Sequence[int] | None = None,
    n_boot: int = 200,
    n_top: int = 0,
    n_permutations: int = 0,
    seed: int = 0,
    n_jobs: int = 2,
) -> RiskStudy:
    """Train and score risk models of 30-day readmission, in 5 folds by patient.

    Parameters
    ----------
    folder : path
        Holds ``dataset_diabetes.zip``.
    history : bool
        Use what earlier stays of the patient tell.
    models : sequence of names, or mapping of name to settings, optional
        All by default.
    only : sequence of int, optional
        Folds to test; all five by default. Fold ids depend on patients and `seed` alone.
    n_jobs : int
        Threads of the forest.

    Raises
    ------
    DataError
        The zip or its table is missing or of another form.
    """
    columns, y = read_diabetes130(folder, history=history)
    chosen: Models = models or {
        **{name: kind() for name, kind in MODELS.items()},
        "random_forest": RandomForestSettings(n_jobs=n_jobs),
    }
    folds = patient_folds(columns.patients, y, n_folds=N_FOLDS, seed=seed)
    splits = splits_of_folds(columns.patients, folds)
    return risk_study(
        rows_of_table(columns, outcome=y, min_patients=50),
        RiskStudySettings(n_top=n_top, n_boot=n_boot, n_permutations=n_permutations, seed=seed),
        models=chosen_settings(chosen),
        splits=[splits[k] for k in (range(N_FOLDS) if only is None else only)],
    )


def read_diabetes130(folder: str | Path, *, history: bool = True) -> Readmissions:
    """Return the encounters that could be followed by a readmission.

    Parameters
    ----------
    folder : path
        Holds ``dataset_diabetes.zip``.
    history : bool
        Add what earlier stays of the patient tell.

    Raises
    ------
    DataError
        The zip or its table is missing or of another form.
    """
    table = _read(check_file(Path(folder) / "dataset_diabetes.zip"))
    kept = ~np.isin(table["discharge_disposition_id"].astype(str), list(_NO_RETURN))
    past = _history(table) if history else {}
    table = {name: column[kept] for name, column in table.items()}
    columns = Columns(
        patients=table["patient_nbr"],
        values=_features(table) | {name: column[kept] for name, column in past.items()},
        n_excluded={"encounters_death_or_hospice": int(np.sum(~kept))},
    )
    return Readmissions(columns, (table["readmitted"] == "<30").astype(np.int64))


def icd9_chapter(code: str | None) -> str | None:
    """Return the chapter of an ICD-9-CM code.

    Examples
    --------
    >>> icd9_chapter("428.0"), icd9_chapter("V45"), icd9_chapter(None)
    ('circulatory', 'V', None)
    """
    if code is None:
        return None
    if not code[:1].isdigit():
        return code[:1]
    at = bisect_right(_CHAPTERS, int(code.split(".")[0]), key=lambda chapter: chapter[0])
    return _CHAPTERS[at - 1][1] if at else None


def _read(path: Path) -> dict[str, Array]:
    refusal = DataError(f"the archive must hold the table {_MEMBER}", path=path)
    with (
        instead_of((zipfile.BadZipFile, KeyError, StopIteration, ValueError), refusal),
        zipfile.ZipFile(path) as archive,
        archive.open(_MEMBER) as handle,
    ):
        rows = csv.reader(io.TextIOWrapper(handle, "utf-8", newline=""))
        head = next(rows)
        cells = dict(zip(head, zip(*rows, strict=True), strict=True))
    return {
        name: np.array([None if cell == "?" else cell for cell in column], dtype=object)
        for name, column in cells.items()
    }


def _history(table: dict[str, Array]) -> dict[str, Array]:
    """Return what earlier stays of the patient tell at each stay, by the number of the stay."""
    numbers = [int(number) for number in table["encounter_id"]]
    n_before, n_early = np.zeros((2, len(numbers)))
    came_back = np.full(len(numbers), "no earlier stay", dtype=object)
    seen: dict[str, tuple[int, int, str]] = {}
    for row in np.argsort(numbers, kind="stable").tolist():
        patient, readmitted = table["patient_nbr"][row], table["readmitted"][row]
        n, early, last = seen.get(patient, (0, 0, "no earlier stay"))
        n_before[row], n_early[row], came_back[row] = n, early, last
        seen[patient] = (n + 1, early + (readmitted == "<30"), _AFTER[readmitted])
    return {
        "earlier stays": n_before,
        "earlier early returns": n_early,
        "since earlier stay": came_back,
    }


def _features(table: dict[str, Array]) -> dict[str, Array]:
    features: dict[str, Array] = {}
    for name, column in table.items():
        if name in _NUMBERS:
            features[name] = column.astype(np.float64)
        elif name == "age":  # "[70-80)": the middle, in years
            features["age_years"] = np.array([float(a[1:].split("-")[0]) + 5 for a in column])
        elif name not in _NOT_FEATURES:
            features[name] = column
    chapters = [[icd9_chapter(code) for code in table[name]] for name in _DIAGNOSES]
    groups = [[code and code.split(".")[0] for code in table[name]] for name in _DIAGNOSES]
    for name, values in zip(_DIAGNOSES, chapters, strict=True):
        features[f"{name} chapter"] = np.array(values, dtype=object)
    features["diag_1 group"] = np.array(groups[0], dtype=object)
    features["any diagnosis"] = np.array(groups, dtype=object).T
    return features

"""Notes of MIMIC-III (NOTEEVENTS) and of MIMIC-IV-Note (discharge, radiology): read only.

=========================== ===============================================================
column                      in the note
=========================== ===============================================================
note_id, row_id             id
subject_id, hadm_id         ``patient``, ``encounter``
charttime, chartdate        ``time``
storetime                   ``known``; without it the end of the day of the note
note_type, category         ``kind``: ``discharge`` (DS, AD), ``radiology`` (RR, AR), else the
                            category in small letters
iserror                     1: the note was written in error, so it is left out and counted
=========================== ===============================================================

A folder holds NOTEEVENTS, or discharge and radiology, perhaps in its folder ``note``, beside the
tables of the record (`io.record.mimic`, `io.record.mimic4`); one of the files may be named alone.
``storetime`` of a discharge summary is when it was last saved, days after discharge at times.

References
----------
Johnson et al., Scientific Data 2016 (MIMIC-III); PhysioNet 2023, doi:10.13026/1n74-ne17
(MIMIC-IV-Note).
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.notes import Note
from clinnlp.core.times import end_of_day
from clinnlp.io.files.folders import folders_in
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format
from clinnlp.io.tables.cells import by_name_if_there, plain_names, table_path, time_of
from clinnlp.io.tables.rows import table_form

__all__ = ["MIMIC"]

_TABLES = ("NOTEEVENTS", "discharge", "radiology")
_COLUMNS = (
    *("note_id", "row_id", "subject_id", "hadm_id", "charttime", "chartdate", "storetime"),
    *("note_type", "category", "iserror", "text"),
)
_NEEDED = ("subject_id", "text")
_KINDS = {"DS": "discharge", "AD": "discharge", "RR": "radiology", "AR": "radiology"}
_IN_ERROR = "note in error (iserror)"


def _files(folder: Path) -> list[Path]:
    """Return the tables of notes of a folder, or of its folder ``note``."""
    places = folders_in(folder, ("note", "."))
    found = ((table_path(place, name) for name in _TABLES) for place in places)
    each = [[path for path in paths if path is not None and _has_notes(path)] for paths in found]
    return next((paths for paths in each if paths), [])


def _has_notes(path: Path) -> bool:
    names = plain_names(path)
    return {*_NEEDED} <= names.keys() and not names.keys().isdisjoint(("note_id", "row_id"))


def _split(source: Source) -> Iterator[Document]:
    files = _files(source.path) if source.path.is_dir() else [source.path]
    if not files:
        raise DataError(
            f"a MIMIC folder of notes must hold one of {', '.join(_TABLES)}, got none",
            path=source.path,
        )
    n_excluded: Counter[str] = Counter() if source.n_excluded is None else source.n_excluded
    for path in files:
        refusal = DataError("a table of MIMIC must be named as one, such as .csv.gz", path=path)
        with instead_of(ArgumentError, refusal):
            table_form(path)
        short: list[DataError] = []
        for line, row in by_name_if_there(path, _COLUMNS, needed=_NEEDED, short=short):
            if (row["iserror"] or "0") not in ("0", "0.0"):
                n_excluded[_IN_ERROR] += 1
            else:
                yield Document(path, line, short.pop() if short else row)


def _parse(document: Document) -> Note:
    row, path, line = document.data, document.path, document.line or 1
    name = row["note_id"] or row["row_id"]
    if name is None:
        raise document.wrong("a note must have note_id or row_id, got none")
    when = "charttime" if row["charttime"] else "chartdate"
    time = time_of(row[when], when, path, line)
    stored = time_of(row["storetime"], "storetime", path, line)
    return Note(
        id=name,
        text=row["text"] or "",
        patient=row["subject_id"],
        encounter=row["hadm_id"],
        time=time,
        known=end_of_day(time) if stored is None else stored,
        kind=_kind(row),
    )


def _kind(row: Mapping[str, str | None]) -> str | None:
    category = (row["category"] or "").strip().lower()
    return _KINDS.get(row["note_type"] or "") or category or None


def _is_table(path: Path, encoding: str) -> bool:  # noqa: ARG001  (others ask for the encoding)
    named = path.name.lower().split(".")[0]
    return named in {name.lower() for name in _TABLES} and _has_notes(path)


MIMIC = Format(
    suffixes=(),
    looks=dict.fromkeys((".csv", ".tsv", ".parquet"), _is_table),
    split=_split,
    parse=_parse,
    holds=frozenset({"patient", "encounter", "time", "known", "kind"}),
    in_folder=True,
    fits_folder=lambda folder: bool(_files(folder)),
)

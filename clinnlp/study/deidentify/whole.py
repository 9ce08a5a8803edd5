"""From files to files: notes, the tables that go with them, the report, and on wish a vault."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_folder, check_apart, tree_sha256
from clinnlp.core.pipeline import Pipe
from clinnlp.core.places import is_stream
from clinnlp.io.notes.corpora import Notes, OnLoss
from clinnlp.io.record.events import write_events
from clinnlp.io.record.fhir import read_fhir
from clinnlp.io.record.folders import record_source
from clinnlp.io.record.timelines import Timelines
from clinnlp.io.tables.copied import write_rows
from clinnlp.report.write import write_report
from clinnlp.study.box import chosen_tagger
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.fhir import copy_fhir, gather_fhir, is_fhir_target
from clinnlp.study.deidentify.flow import deidentify, work_folder
from clinnlp.study.deidentify.keys import make_key, read_key
from clinnlp.study.deidentify.known import read_known, values_of
from clinnlp.study.deidentify.page import deidentify_report
from clinnlp.study.deidentify.records import (
    deidentify_timelines,
    gather_timelines,
    people,
    smallest_group,
)
from clinnlp.study.deidentify.sample import REVIEW
from clinnlp.study.deidentify.summary import DeidentifySummary
from clinnlp.study.deidentify.tables import CopiedTables, copy_tables, gather_tables
from clinnlp.study.deidentify.tagged import UsedModel, with_tagger
from clinnlp.study.deidentify.vault import make_vault_key, write_vault
from clinnlp.study.settings import DeidentifySettings
from clinnlp.text.identifiers import Identifiers

__all__ = ["DeidentifyResult", "deidentify_files"]

_PATIENTS = ("patient", "birth_date", "sex", "ethnicity")
_FHIR = (".json", ".ndjson", ".jsonl", ".xml", ".zip")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeidentifyResult:
    """What was done, and where it was written.

    Parameters
    ----------
    summary : DeidentifySummary
    out : path
        The notes.
    tables : mapping of str to CopiedTables
        By the name of their source.
    groups : (int, int), optional
        How many patients of a record share the rarest values, and how many are in groups as small.
    new_keys : mapping of path to bool
        Where new keys were wished, by file whether one was made; else it was there already.
    review : path, optional
        The notes that were drawn for a review.
    model : UsedModel, optional
        The tagger that was asked too.
    """

    summary: DeidentifySummary
    out: Path
    tables: Mapping[str, CopiedTables] = field(default_factory=dict)
    groups: tuple[int, int] | None = None
    new_keys: Mapping[Path, bool] = field(default_factory=dict)
    review: Path | None = None
    model: UsedModel | None = None

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told."""
        n_rows = sum(sum(done.rows.values()) for done in self.tables.values())
        emptied = sum(len(done.emptied) for done in self.tables.values())
        tables = [f"{n_rows:,} rows of tables, {emptied:,} columns emptied"] if self.tables else []
        smallest = [f"smallest group of patients: {self.groups[0]:,}"] if self.groups else []
        page = work_folder(self.out) / "report.html"
        keys = [
            f"key: {path}, "
            + ("made now" if made else "which was there already; no new one is made")
            for path, made in self.new_keys.items()
        ]
        review = [f"to review: {self.review}"] if self.review else []
        done = f"{self.summary}: {self.out}"
        model = [str(self.model)] if self.model else []
        return (*keys, *model, done, *tables, *smallest, *review, f"report: {page}")


def deidentify_files(
    notes: Notes,
    out: str | Path,
    *,
    key: str | Path,
    new_key: bool = False,
    settings: DeidentifySettings | None = None,
    language: str = "en",
    labels: str | Collection[str] = "safe_harbor",
    model: str | Path | None = None,
    known: str | Path | None = None,
    tables: Sequence[tuple[Path, Path]] = (),
    n_audit: int = 0,
    vault: str | Path | None = None,
    vault_key: str | Path | None = None,
    format: str | None = None,
    on_loss: OnLoss = "error",
    progress: bool = True,
) -> DeidentifyResult:
    """Write notes and tables without identifiers, with a report beside the notes.

    Parameters
    ----------
    notes : Notes
        From `read_notes`.
    out : path
        File or folder for the notes; what was done goes to ``OUT.deid``.
    key : path
        Of the secret key.
    new_key : bool
        Make it, and the key of the vault, where there is none; else the result says so.
    settings : DeidentifySettings, optional
    language : str
        Of the notes.
    labels : str or collection of str
        What is looked for, as in `Identifiers`.
    model : path or "default", optional
        Folder of a tagger of identifiers, as `fine_tune_ner` writes it, or the one in the box,
        which reads English: what it finds counts beside what the rules find.
    known : path, optional
        Table of what the record says of patients.
    tables : sequence of (path, path)
        A table or a folder of tables or of FHIR, and where it is written: FHIR as NDJSON where
        that ends so, else as tables.
    n_audit : int
        Notes to draw for a review.
    vault, vault_key : path, optional
        File for patient and surrogate, encrypted by the key in the other.
    format, on_loss
        As in `write_notes`.
    progress : bool
        Show bars on stderr.

    Returns
    -------
    DeidentifyResult

    Raises
    ------
    DataError
        A file that cannot be read.
    ArgumentError
        An output that is an input, or holds the key; a model that is no tagger of identifiers.
    StoreError
        A folder of no model, or of a damaged one.
    RunError
        The disk is full, or another process writes there.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.core.notes import Note
    >>> from clinnlp.io.notes.corpora import read_notes, write_notes
    >>> folder = tempfile.TemporaryDirectory()
    >>> given, out, key = (f"{folder.name}/{name}" for name in ("in.jsonl", "out.jsonl", "key"))
    >>> _ = write_notes([Note(id="n1", text="Seen by Dr. Jane Roe: fever.")], given)
    >>> how = DeidentifySettings(replace="mask")
    >>> done = deidentify_files(
    ...     read_notes(given), out, key=key, new_key=True, settings=how, progress=False)
    >>> [note.text for note in read_notes(out)]
    ['Seen by Dr. [NAME_CLINICIAN]: fever.']
    >>> folder.cleanup()
    """
    out, settings = Path(out), settings or DeidentifySettings()
    _check_places(notes, out, tables, keys=(key, vault_key), vault=vault)
    told = read_known(known) if known is not None else {}
    model = chosen_tagger(model, language=language)
    finder, used = _finder(language, labels, told, model, settings)
    new_keys = _new_keys(key, vault_key) if new_key else {}
    secret = read_key(key)
    by = Deidentifier(secret, finder, settings, language)
    waiting = [(source, target, _gathered(source, target, by)) for source, target in tables]
    # a plain hash of a table of patients could be tested by whoever guesses it
    seals = {name: secret.seal(tree_sha256(path)) for name, path in
             {"known": known, "model": model}.items() if path is not None}  # fmt: skip
    least = {} if used is None else {"least_score": str(settings.least_score)}
    summary = deidentify(
        notes,
        out,
        by,
        format=format,
        on_loss=on_loss,
        made_by={"labels": repr(labels), **seals, **least},
        known=values_of(told),
        n_audit=n_audit,
        progress=progress,
    )
    done, groups = _write_tables(waiting, by)
    if vault is not None and vault_key is not None:
        write_vault(vault, vault_key, by.whom())
    report = deidentify_report(summary, settings, tables=done, groups=groups, model=used)
    for name in ("report.html", "report.md"):
        write_report(report, work_folder(out) / name)
    review = work_folder(out) / REVIEW if n_audit else None
    return DeidentifyResult(
        summary=summary, out=out, tables=done, groups=groups, new_keys=new_keys, review=review,
        model=used,
    )  # fmt: skip


def _new_keys(key: str | Path, vault_key: str | Path | None) -> dict[Path, bool]:
    """Make the keys that are not there, and return of each file whether it was made."""
    out = {}
    for path, make in ((vault_key, make_vault_key), (key, make_key)):
        if path is not None:
            out[Path(path)] = not Path(path).exists()
            if out[Path(path)]:
                make(path)
    return out


def _check_places(
    notes: Notes,
    out: Path,
    tables: Sequence[tuple[Path, Path]],
    *,
    keys: Sequence[str | Path | None],
    vault: str | Path | None,
) -> None:
    outputs = [out, work_folder(out), *(target for _, target in tables)]
    outputs += [Path(vault)] if vault is not None else []
    inputs = [*(path for path, _ in notes.files), *(source for source, _ in tables)]
    check_apart(outputs, [*inputs, *keys])
    if any(is_stream(path) for path in outputs):
        raise ArgumentError("what is de-identified must go to files or folders, got a device")


def _finder(
    language: str, labels: Any, known: Mapping[str, Any], model: Any, settings: DeidentifySettings
) -> tuple[Pipe, UsedModel | None]:
    rules = Identifiers(language=language, known=known or None, labels=labels)
    return (rules, None) if model is None else with_tagger(rules, model, settings.least_score)


def _gathered(source: Path, target: Path, by: Deidentifier) -> Timelines | dict[str, datetime]:
    if not _is_fhir(source):
        return gather_tables(source, by)
    if is_fhir_target(target):
        return gather_fhir(source, by)
    record = read_fhir(source)
    gather_timelines(record, by)
    return record


def _is_fhir(source: Path) -> bool:
    if source.is_dir():
        files = [path for path in source.rglob("*") if path.is_file()]
        tables = any(
            path.name.lower().endswith((".csv", ".csv.gz", ".tsv", ".parquet")) for path in files
        )
        return not tables and record_source(source) is None
    return source.suffix.lower() in _FHIR


def _write_tables(
    waiting: Sequence[tuple[Path, Path, Any]], by: Deidentifier
) -> tuple[dict[str, CopiedTables], tuple[int, int] | None]:
    done: dict[str, CopiedTables] = {}
    groups = None
    for source, target, gathered in waiting:
        if isinstance(gathered, Timelines):
            record = deidentify_timelines(gathered, by)
            done[source.name] = _write_record(record, target)
            groups = smallest_group(people(record.patients))
        elif _is_fhir(source):
            done[source.name] = copy_fhir(source, target, by, gathered)
        else:
            done[source.name] = copy_tables(source, target, by, gathered)
    return done, groups


def _write_record(record: Timelines, out: Path) -> CopiedTables:
    """Write patients and events as tables, which every command of this library reads."""
    rows = [
        [one.id, one.birth_date and one.birth_date.isoformat(), one.sex, one.ethnicity]
        for one in record.patients
    ]
    with atomic_folder(out, own=("patients.csv",)) as folder:
        cells = ([str(cell or "") for cell in row] for row in rows)
        write_rows(folder / "patients.csv", _PATIENTS, cells)
        write_events(record.events, folder / "events.csv")
    return CopiedTables(rows={"patients.csv": len(rows), "events.csv": len(record.events)})

"""Files in, a scored study, a kept model, tables and a report out: risk models."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import tree_sha256
from clinnlp.core.patients import Patient
from clinnlp.core.places import one_writer
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.events import Cases
from clinnlp.features.outcomes import OutcomeRead
from clinnlp.io.record.event_stream import EventStream
from clinnlp.io.record.folders import record_source
from clinnlp.io.record.record_folder import RecordFolder
from clinnlp.io.record.synthea import read_synthea
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.rows import read_rows
from clinnlp.report.blocks import Report
from clinnlp.risk.splits import Split, split_by_time, splits_by_site
from clinnlp.study.apply import RiskModel, keep_risk_model
from clinnlp.study.apply_flow import ANCESTORS
from clinnlp.study.cohort import last_day, readmissions
from clinnlp.study.horizon import outcome_of_table
from clinnlp.study.journal import JOURNAL, journal_tables
from clinnlp.study.outputs import (
    check_folder,
    chronic_told,
    lines_told,
    origin,
    write_pages,
    write_tables,
)
from clinnlp.study.reading import TableReading, check_sources, events_of, people_of
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import RiskRows, risk_rows
from clinnlp.study.risk_section import risk_section
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.roll_up import read_roll_up
from clinnlp.study.settings import DEFAULT_HORIZON, RiskSettings
from clinnlp.study.zones import zone_cautions

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["RiskResult", "predictions", "risk_flow"]

_STAYS = ("inpatient", "emergency")  # kinds of Synthea's encounters that are stays


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RiskResult:
    """A study of files, and where it was written.

    Parameters
    ----------
    study : RiskStudy
    rows : RiskRows
        What it trained and tested on.
    model : RiskModel or None
        The model that was kept, where one was asked for and the study has scores.
    cautions : tuple of str
        Of the study and of the kept model.
    report : Report
    folder : path
        Holds scores.csv, thresholds.csv, decision.csv, tripod.csv, predictions.csv, the report, and
        the kept model in ``model``.
    """

    study: RiskStudy
    rows: RiskRows
    model: RiskModel | None
    cautions: tuple[str, ...]
    report: Report
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: the findings, what was left out, where the report is."""
        return lines_told(self.report, self.study.n_excluded, self.folder)


def risk_flow(
    outcome: str | Path,
    *,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    out: Path,
    settings: RiskSettings,
    reading: TableReading | None = None,
) -> RiskResult:
    """Train and score risk models from files; write scores, predictions and a report.

    `outcome` is a table, or a folder of MIMIC, OMOP or Synthea tables: then the outcome is a
    return within the horizon after each stay, and events and patients are those of the folder.
    `reading` says how tables are written and what their columns are called; mentions are read as
    they were written here.

    Raises
    ------
    DataError
        No source of features, or a file that cannot be read.
    LeakageError
        Something known only after index would be used.
    ArgumentError
        A file that would be written is one that is read.
    RunError
        Another process writes into the folder, or nobody may.
    """
    read = [outcome, events, entities, patients, settings.ancestors, settings.landmarks]
    check_folder(out, ("scores", "predictions", *JOURNAL), read)
    reading = reading or TableReading()
    with one_writer(out, inside=True):
        given = _sources(outcome, events, entities, patients, settings, reading)
        settings = replace(settings, horizon_days=given.horizon_days)
        splits = _splits(given, patients, settings, reading)
        rows = risk_rows(
            given.patients,
            outcome=given.outcome,
            events=given.events,
            notes=given.entities,
            settings=settings,
            roll_up=read_roll_up(settings.ancestors, settings.roll_up),
        )
        if given.said:
            rows = replace(rows, settings={**rows.settings, **given.said})
        rows = _with_record(rows, given.events)
        lost = reading.take(given.events.skipped if isinstance(given.events, EventStream) else ())
        rows = replace(rows, n_excluded={**rows.n_excluded, **lost}) if lost else rows
        study = risk_study(rows, settings, splits=splits)
        write_tables({"scores": study.to_pandas(), "predictions": predictions(study)}, out)
        write_tables(journal_tables(study), out)
        model = _kept(study, rows, out / "model", settings)
        cautions = (*given.cautions, *study.cautions, *(() if model is None else model.cautions))
        inputs = [path for path in read if path]
        told = (*chronic_told(rows.n_chronic), *cautions, *_rolled_up(rows))
        report = _report(study, told, model, settings, inputs, reading)
        write_pages(report, out, inputs=inputs)
        return RiskResult(
            study=study, rows=rows, model=model, cautions=cautions, report=report, folder=out
        )


def predictions(study: RiskStudy) -> "pd.DataFrame":
    """Return one row per tested case: patient, index time, fold, outcome, each model's probability.

    Rows of a plain table have no index time.
    """
    import pandas as pd

    columns = {"patient": study.patients}
    columns |= {} if study.index is None else {"index_time": study.index}
    columns |= {"fold": study.folds, "outcome": study.y}
    return pd.DataFrame(columns | {f"p_{m.name}": m.p for m in study.models.values()})


class _Sources(NamedTuple):
    """What a study is made from."""

    outcome: OutcomeRead
    patients: list[Patient]
    events: EventTable | EventStream | RecordFolder | None
    entities: EntityTable | None
    horizon_days: float | None  # that was used
    said: Mapping[str, Any] = {}  # of the outcome, for the card
    cautions: tuple[str, ...] = ()


def _sources(
    outcome: str | Path,
    events: str | Path | None,
    entities: str | Path | None,
    patients: str | Path | None,
    settings: RiskSettings,
    reading: TableReading,
) -> _Sources:
    mentions = read_entity_table(entities) if entities else None
    folder = Path(outcome)
    if folder.is_dir():
        if events or patients:
            raise DataError("a folder of tables has its own events and patients", path=folder)
        reading.check_unsaid("a record of tables")
        return _of_record(folder, mentions, settings)
    check_sources(events, entities)
    people = people_of(patients, reading)
    table = events_of(events, reading)
    found = outcome_of_table(outcome, settings, reading)
    cautions = (*found.cautions, *zone_cautions(outcome, events, reading))
    return _Sources(
        found.outcome, people, table, mentions, found.horizon_days, found.said, cautions
    )


def _of_record(folder: Path, mentions: EntityTable | None, settings: RiskSettings) -> _Sources:
    """Return returns within the horizon after each stay of a folder, and its events."""
    if settings.landmarks is not None:
        raise ArgumentError("landmarks need a table of outcomes, got a folder of tables")
    source = record_source(folder)
    read = read_synthea(folder) if source is None else source.stream(folder)
    horizon = settings.horizon_days or DEFAULT_HORIZON
    returned = readmissions(
        read.encounters,
        horizon_days=horizon,
        kinds=_STAYS if source is None else source.stays,
        deaths=read.deaths,
        last_day=None if source is not None and source.shifted else last_day(read.encounters),
    )
    events = read if isinstance(read, RecordFolder) else read.events
    said = {"outcome": f"1 = another stay began within {horizon:g} days after one, 0 = not"}
    return _Sources(returned, read.patients, events, mentions, horizon, said)


def _with_record(rows: RiskRows, events: object) -> RiskRows:
    """Return the rows with what of a folder of tables did not count, known once it was read."""
    if not isinstance(events, RecordFolder):
        return rows
    return replace(rows, n_excluded={**rows.n_excluded, **events.n_excluded})


def _splits(
    given: _Sources, patients: str | Path | None, settings: RiskSettings, reading: TableReading
) -> list[Split] | None:
    whose, index = given.outcome.outcome.patients, given.outcome.outcome.index
    if settings.split == "time":
        horizon = given.horizon_days or DEFAULT_HORIZON
        return split_by_time(whose, index, cut=settings.cut, horizon_days=horizon)
    if settings.split == "site":
        if patients is None:
            raise DataError("a split by site needs a table of patients with a column site")
        columns = [reading.patient_columns.get(name, name) for name in ("patient", "site")]
        rows = read_rows(
            patients, columns, dialect=reading.dialect, short=[] if reading.skip_bad else None
        )
        site_of = {str(row[0]): row[1] for _, row in rows if row}
        return splits_by_site(whose, [site_of.get(p) or None for p in whose.tolist()])
    return None


def _kept(
    study: RiskStudy, rows: RiskRows, folder: Path, settings: RiskSettings
) -> RiskModel | None:
    """Write the model to keep, if any, and return it as it was read back."""
    if settings.keep is None or not study.models:
        return None
    # its card holds no hash of a file of patients
    card = origin(settings)
    if settings.ancestors is not None:
        card[ANCESTORS] = tree_sha256(settings.ancestors)
    keep_risk_model(study, rows, folder, model=settings.keep, card=card, seed=settings.seed)
    return RiskModel.load(folder)


def _rolled_up(rows: RiskRows) -> list[str]:
    """Return the sentence that says how many facts count as ancestors, if any."""
    counts = rows.rows.n_rolled_up if isinstance(rows.rows, Cases) else {}
    said = ", ".join(f"{name} {n:,}" for name, n in counts.items())
    return [f"facts rolled up: {said}"] if said else []


def _report(
    study: RiskStudy,
    cautions: tuple[str, ...],
    model: RiskModel | None,
    settings: RiskSettings,
    inputs: list[str | Path],
    reading: TableReading,
) -> Report:
    made_from = origin(settings, *inputs) | reading.provenance()
    if model is not None:
        made_from["kept model (SHA-256)"] = model.card["model_sha256"]
    aurocs = (f"{m.name}: AUROC {m.scores.auroc}" for m in study.models.values())
    return Report(
        title="Risk models",
        summary=(*aurocs, *filter(None, [study.estimand]), *cautions),
        blocks=(risk_section({"all features": study}),),
        provenance=made_from | {"study": dict(study.provenance)},
    )

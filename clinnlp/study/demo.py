"""The whole flow on synthetic notes: teach, extract, model, mine, and compare with the truth.

Everything is written below one folder: the model, the cohort, entities, tables, report.html.
"""

import json
import shutil
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.notes import Assertion, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.tables import EntityTable, EventTable, Outcome
from clinnlp.features.baskets import baskets, event_baskets
from clinnlp.features.outcomes import read_outcome
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.io.record.people import read_patients
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.metrics.assertion import score_assertions
from clinnlp.metrics.spans import SpanScores, score_spans
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.rules import Rules
from clinnlp.mine.signals.interactions import Signals, mine_interactions
from clinnlp.report.blocks import Column, Report, ReportSection, TableBlock, Verdict, Verdicts
from clinnlp.study.demo_notes import read_by_box
from clinnlp.study.example import example
from clinnlp.study.extract import ExtractSummary, extract, fingerprint
from clinnlp.study.outputs import PAGE, origin, write_all_mined, write_pages, write_tables
from clinnlp.study.pipeline import pipeline
from clinnlp.study.report_sections import (
    corpus_section,
    examples_section,
    extraction_section,
    rules_section,
    signals_section,
    spans_section,
)
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_flow import predictions
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.risk_section import risk_section
from clinnlp.study.risk_values import RiskStudy
from clinnlp.study.settings import DemoSettings, RiskStudySettings
from clinnlp.study.synthetic import write_cohort_mini

__all__ = ["compare", "demo", "summary_lines"]

Say = Callable[[str], None]

WITH_NOTES = "structured and notes, patients with notes"


def demo(
    out: Path, *, settings: DemoSettings, say: Say, notes: Iterable[Note] | None = None
) -> None:
    """Run the flow and write ``report.html`` into `out`, telling what was found.

    The model in the box reads `notes`, where there are any: at most `settings.n_notes` of them.
    """
    corpus = example("discharge-mini")
    with _step("Fine-tuning minilm on discharge-mini", say):
        nlp, predicted, scores = _teach(corpus, out, settings)
    say(f"  mentions in unseen test notes, strict F1 {scores[0].f1}")
    with _step("Generating cohort-mini", say):
        cohort = out / "cohort"
        write_cohort_mini(cohort, n_patients=settings.n_patients, n_noted=settings.n_noted)
        truth = json.loads((cohort / "truth.json").read_text(encoding="utf-8"))
    with _step(f"Extracting entities from the notes of {settings.n_noted:,} patients", say):
        table, summary = _extract(nlp, corpus, cohort, out)
    say(f"  {summary}")
    events = read_events(cohort / "events.csv")
    with _step("Training naive Bayes, random forest and SVM", say):
        studies = _risk(cohort, events, table, settings)
    _tell_risk(studies, truth, say)
    with _step("Mining rules and interaction signals", say):
        rules = mine_rules(baskets(table, label="Drug", unit="patient"), min_count=5)
        signals = mine_interactions(event_baskets(events, unit="encounter"))
    verdicts = compare(signals, truth["interactions"]["plants"])
    _tell_signals(rules, signals, verdicts, say)
    gold = list(read_notes(corpus / "test.jsonl"))
    sections: tuple[ReportSection, ...] = (
        corpus_section("What the model learned from", read_notes(corpus / "train.jsonl")),
        spans_section("Mentions in unseen notes", scores, "Intervals resample notes."),
        _assertion_section(gold, predicted),
        examples_section(predicted[:3], show_text=settings.show_text),
        extraction_section(table, summary.facts()),
        risk_section(studies),
        rules_section(rules, "Drugs that stand together in the notes"),
        signals_section(signals),
        ReportSection(title="Planted truth beside what was found", blocks=(verdicts,)),
    )
    findings = summary_lines(scores, studies, verdicts)
    if notes is not None:
        with _step("Reading real notes with the model in the box", say):
            read, line = read_by_box(islice(notes, settings.n_notes), show_text=settings.show_text)
        say(f"  {line}")
        sections, findings = (*read, *sections), (*findings, line)
    _write(out, findings, sections, studies, rules, signals, settings, corpus, cohort)
    say(f"\nReport: {out / PAGE}")


def compare(signals: Signals, plants: Sequence[Mapping[str, Any]]) -> Verdicts:
    """Return for each plant whether it was signalled, and whether that is right."""
    columns = ("drug_1", "drug_2", "outcome", "n_111", "expected", "omega025", "q_bh", "signal")
    found = {
        (frozenset(row[:2]), row[2]): row[3:]
        for row in zip(*(signals[name].tolist() for name in columns), strict=True)
    }
    rows = []
    for plant in plants:
        key = (frozenset(plant["drugs"]), plant["outcome"])
        n, expected, omega, q, called = found.get(key, (0, 0.0, float("nan"), 1.0, False))
        power = plant.get("power")
        known = f", power {power:.2f}" if plant["kind"] == "interaction" else ""
        rows.append(
            Verdict(
                name=f"{' + '.join(plant['drugs'])} → {plant['outcome']}",
                truth=f"{plant['kind'].replace('_', ' ')}{known}",
                found=f"{'signal' if called else 'no signal'}, q = {q:.2g}",
                right=bool(called) == (plant["kind"] == "interaction"),
                detail=f"{n} stays, {expected:.1f} expected, Ω025 {omega:.2f}",
            )
        )
    return Verdicts(
        title="Plants",
        rows=tuple(rows),
        caption="An interaction must be signalled; a single guilty drug and a pair confounded by "
        "its indication must not. A plant of low power may be missed by a correct method.",
    )


def _teach(
    corpus: Path, out: Path, settings: DemoSettings
) -> tuple[Pipeline, list[Note], list[SpanScores]]:
    """Fine-tune, and return the pipeline, the test notes as it annotates them, and their scores."""
    from clinnlp.bert.train import fine_tune_ner

    train, dev = read_notes(corpus / "train.jsonl"), read_notes(corpus / "dev.jsonl")
    tagger = fine_tune_ner(
        train, dev, out=out / "models" / "discharge", epochs=settings.epochs, seed=settings.seed,
        checkpoint_minutes=0, resume=False,
    )  # fmt: skip
    gold = list(read_notes(corpus / "test.jsonl"))
    nlp = pipeline(tagger)
    predicted = list(nlp.stream(_bare(note) for note in gold))
    scores = [
        score_spans(gold, predicted, match="strict"),
        score_spans(gold, predicted, match="relaxed"),
    ]
    return pipeline(tagger, vocabulary=corpus / "vocabulary.csv"), predicted, scores


def _extract(
    nlp: Pipeline, corpus: Path, cohort: Path, out: Path
) -> tuple[EntityTable, ExtractSummary]:
    folder = out / "entities"
    shutil.rmtree(folder, ignore_errors=True)
    made_by = fingerprint(out / "models" / "discharge", corpus / "vocabulary.csv")
    summary = extract(read_notes(cohort / "notes.jsonl"), nlp, folder, made_by=made_by)
    return read_entity_table(folder), summary


def _risk(
    cohort: Path, events: EventTable, table: EntityTable, settings: DemoSettings
) -> dict[str, RiskStudy]:
    """Return the studies of everybody, and of those with notes without and with their notes."""
    everybody = read_outcome(cohort / "outcome.csv", index="index_time").outcome
    noted = _only(everybody, {note.patient for note in read_notes(cohort / "notes.jsonl")})
    people = read_patients(cohort / "patients.csv")
    known = risk_rows(people, outcome=noted, events=events, notes=table)
    how = RiskStudySettings(seed=settings.seed, n_boot=500)
    quick = replace(how, n_top=0)
    return {
        "structured, all patients": risk_study(
            risk_rows(people, outcome=everybody, events=events), quick
        ),
        "structured, patients with notes": risk_study(
            risk_rows(people, outcome=noted, events=events), quick
        ),
        WITH_NOTES: risk_study(known, how),
    }


def _only(outcome: Outcome, patients: set[str | None]) -> Outcome:
    where = np.array([patient in patients for patient in outcome.patients.tolist()])
    return Outcome(
        patients=outcome.patients[where], index=outcome.index[where], values=outcome.values[where]
    )


def _assertion_section(gold: Sequence[Note], predicted: Sequence[Note]) -> ReportSection:
    from clinnlp.text.assertion import Assertions

    judged = [Assertions()(_unjudged(note)) for note in gold]
    rows = []
    for source, notes in (("gold mentions", judged), ("found mentions", predicted)):
        for axis, prf in score_assertions(gold, notes).items():
            kept = {"precision": prf.precision, "recall": prf.recall, "F1": prf.f1}
            rows.append({"axis": axis, "on": source, "positives": prf.tp + prf.fn} | kept)
    ratios = tuple(Column(key=name, kind="ratio") for name in ("precision", "recall", "F1"))
    columns: tuple[Column | str, ...] = (
        "axis",
        "on",
        *ratios,
        Column(key="positives", kind="count"),
    )
    table = TableBlock(title="Assertion axes", rows=tuple(rows), columns=columns)
    return ReportSection(title="What is said of a mention", blocks=(table,))


def _bare(note: Note) -> Note:
    return note.with_(entities=(), relations=(), sections=None, sentences=None)


def _unjudged(note: Note) -> Note:
    entities = tuple(replace(e, assertion=Assertion()) for e in note.entities)
    return note.with_(entities=entities, sentences=None)


def _tell_risk(studies: Mapping[str, RiskStudy], truth: Mapping[str, Any], say: Say) -> None:
    for features, study in studies.items():
        if study.unscored:
            say(f"  {features}: {study.unscored}")
        for model in study.models.values():
            say(f"  {model.name}, {features}: AUROC {model.scores.auroc}")
    for name, auc in truth["risk"]["oracle_auc"].items():
        say(f"  the model that made the outcome, {name.replace('_', ' ')}: AUROC {auc:.3f}")


def _tell_signals(rules: Rules, signals: Signals, verdicts: Verdicts, say: Say) -> None:
    say(f"  {rules}\n  {signals}")
    say("\nPlanted truth, and what was found:")
    for v in verdicts.rows:
        say(f"  {'ok ' if v.right else '-- '} {v.truth:28} {v.name}: {v.found} ({v.detail})")


def summary_lines(
    scores: Sequence[SpanScores], studies: Mapping[str, RiskStudy], verdicts: Verdicts
) -> tuple[str, ...]:
    """Return the findings of the demonstration, the most important first."""
    n_right = sum(v.right for v in verdicts.rows)
    return (
        f"{n_right} of {len(verdicts.rows)} planted drug pairs were judged right.",
        f"Mentions in unseen notes are found with a strict F1 of {scores[0].f1}.",
        *(_forest_line(features, study) for features, study in studies.items()),
    )


def _forest_line(features: str, study: RiskStudy) -> str:
    """Return how well the forest does, or why there is no score."""
    if study.unscored:
        return f"Random forest, {features}: {study.unscored}."
    return f"Random forest, {features}: AUROC {study.models['random_forest'].scores.auroc}."


def _write(
    out: Path,
    summary: tuple[str, ...],
    sections: tuple[ReportSection, ...],
    studies: Mapping[str, RiskStudy],
    rules: Rules,
    signals: Signals,
    settings: DemoSettings,
    corpus: Path,
    cohort: Path,
) -> None:
    write_all_mined({"rules": rules, "signals": signals}, out)
    write_tables({"predictions": predictions(studies[WITH_NOTES])}, out)
    report = Report(
        title="clinnlp: from notes to rules",
        subtitle="Synthetic notes and patients; nobody in here is real.",
        summary=summary,
        blocks=sections,
        provenance=origin(settings, corpus, cohort),
    )
    write_pages(report, out, inputs=[corpus, cohort])


@contextmanager
def _step(title: str, say: Say) -> Iterator[None]:
    say(f"\n{title} ...")
    start = time.perf_counter()
    yield
    say(f"  done in {time.perf_counter() - start:.0f} s")

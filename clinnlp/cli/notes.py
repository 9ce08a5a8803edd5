"""Commands on notes: extract, watch, score."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.cli.interrupted import Kept
from clinnlp.cli.options import (
    add_pipeline,
    add_reading,
    add_settings,
    add_writing,
    choose_model,
    folder_of,
    output_of,
    pipeline_of,
    reading_of,
    settings_of,
    tell_of_notes,
)
from clinnlp.cli.spark import extract_by_spark
from clinnlp.cli.terminal import say, warn
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import check_apart
from clinnlp.core.places import is_stdout

if TYPE_CHECKING:
    from clinnlp.core.counts import PRF
    from clinnlp.core.notes import Note

__all__ = ["add_extract", "add_score", "add_watch"]

_COLUMNS = (
    "Columns of a mention: negated is true where the note denies it; historical is true where it "
    "stands in the past; course says whether it has ended, is chronic, or is unknown. The patient "
    "has it now where negated, uncertain, hypothetical and experiencer are not true, and "
    "historical is not true or course is chronic. --skip-bad leaves out notes that cannot be read; "
    "--on-error skip leaves out notes that were read and on which a step of the extraction fails."
)


def add_extract(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp extract`."""
    from clinnlp.study.settings import ExtractSettings

    parser.epilog = _COLUMNS
    parser.add_argument("notes", help="notes to read: a file, or a folder of files")
    parser.add_argument(
        "out",
        help="a folder for Parquet parts (resumes), a file .jsonl, .csv, .tsv, .parquet, "
        ".fhir.json, .fhir.ndjson, or - for standard output; of --engine spark a new folder or URL",
    )
    parser.add_argument("more", nargs="*", help=argparse.SUPPRESS)  # of a pattern such as *.txt
    add_writing(parser)
    add_pipeline(parser)
    _add_relations(parser, "into .jsonl or, in a folder, as a table in relations/")
    add_reading(parser)
    add_settings(parser, ExtractSettings)
    parser.set_defaults(command=_extract, kept=_kept_parts)


def _add_relations(parser: argparse.ArgumentParser, where: str) -> None:
    parser.add_argument(
        "--relations",
        metavar="MODEL",
        help=f"also give relations, {where}: those of a model that `clinnlp fine-tune relations` "
        "wrote; stated: those that rules find",
    )


def _extract(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.extract import extract
    from clinnlp.study.settings import ExtractSettings

    if args.more or (Path(args.out).suffix == ".txt" and Path(args.out).is_file()):
        raise ArgumentError(
            "notes must be one file or one folder, and the output one more, got "
            f"{2 + len(args.more)} paths; give the folder that holds the notes"
        )
    _check_relations(args)
    settings = settings_of(args, ExtractSettings)
    if settings.engine == "spark":
        return extract_by_spark(args, settings.batch_size)
    notes = read_notes(args.notes, **reading_of(args))
    choose_model(args)
    nlp, out = pipeline_of(args), output_of(args.out)
    if settings.workers is None:
        settings = replace(settings, workers=0)
    made_by = _made_by(args, notes=args.notes, part_size=settings.part_size)
    summary = extract(notes, nlp, out, settings=settings, made_by=made_by)
    tell_of_notes(notes)
    say(summary, aside=is_stdout(out))
    return 0


def _check_relations(args: argparse.Namespace) -> None:
    from clinnlp.io.notes.formats import by_suffix

    if args.relations and args.out != "-" and by_suffix(Path(args.out)) not in (None, "jsonl"):
        raise ArgumentError(
            "relations go with whole notes into a file ending in .jsonl, or with mentions into a "
            f"folder, got {args.out}"
        )


def _made_by(args: argparse.Namespace, **of_run: Any) -> dict[str, str]:
    """Return what made a pipeline, and what is said of the run."""
    from clinnlp.study.extract import fingerprint

    made_by = fingerprint(
        args.model,
        args.vocabulary,
        args.language,
        keep_names=args.keep_names,
        chronic=args.chronic,
        relations=args.relations,
        **of_run,
    )
    if args.vocabulary_columns:
        made_by |= {"vocabulary_columns": " ".join(sorted(args.vocabulary_columns))}
    if args.labels:
        made_by |= {"labels": " ".join(sorted(args.labels))}
    if args.int8:
        made_by |= {"int8": "true"}
    return made_by


def add_watch(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp watch`."""
    from clinnlp.study.settings import ExtractSettings

    parser.epilog = (
        "Each note is done once, by id and content; one that comes again with another content "
        "replaces its rows. What cannot be read or done is listed, without text, in "
        "dead_letters.jsonl, and tried again when it changes. A file counts when it was the same "
        "at two looks. A run that was stopped or killed goes on with the same command."
    )
    parser.add_argument("folder", help="folder in which files of notes arrive")
    parser.add_argument(
        "--out", required=True, type=folder_of, help="folder for Parquet parts, as of extract"
    )
    parser.add_argument(
        "--every", type=float, default=10.0, metavar="SECONDS", help="between looks (default: 10)"
    )
    parser.add_argument(
        "--once", action="store_true", help="look once, at all files as they are, and end"
    )
    add_writing(parser)
    add_pipeline(parser)
    _add_relations(parser, "as a table in relations/ of the folder")
    add_reading(parser)
    add_settings(parser, ExtractSettings)
    parser.set_defaults(command=_watch, kept=_kept_parts)


def _watch(args: argparse.Namespace) -> int:
    from clinnlp.study.settings import ExtractSettings
    from clinnlp.study.watch import watch

    settings = settings_of(args, ExtractSettings)
    if settings.engine == "spark":
        raise ArgumentError("a folder is watched by this machine, got engine spark")
    choose_model(args)
    nlp = pipeline_of(args)
    looks = watch(
        args.folder,
        nlp,
        args.out,
        settings=settings,
        made_by=_made_by(args, part_size=settings.part_size),
        reading=reading_of(args),
        every_seconds=args.every,
        once=args.once,
    )
    with closing(looks):
        for look in looks:
            say(look)
            sys.stdout.flush()
    return 0


def _kept_parts(args: argparse.Namespace) -> Kept | None:
    begun = any(Path(args.out).glob("part-*.parquet"))
    return Kept(f"the notes done so far are kept in {args.out}") if begun else None


def add_score(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp score`."""
    parser.add_argument("gold", help="annotated notes")
    parser.add_argument("predicted", help="the same notes as predicted")
    parser.add_argument(
        "--match",
        choices=["strict", "relaxed"],
        default="strict",
        help="equal offsets, or one shared character (default: strict)",
    )
    parser.add_argument(
        "--n-boot",
        type=int,
        default=1000,
        help="bootstrap draws of documents for the intervals, 0: no intervals (default: 1000)",
    )
    parser.add_argument("--against", help="another prediction of the notes, to compare with")
    parser.add_argument("--train", help="training notes, to tell seen from unseen mentions")
    parser.add_argument(
        "--report",
        help="page of errors by note and offsets: .html, .md, a folder, or - for standard output",
    )
    add_writing(parser)
    add_reading(parser)
    parser.set_defaults(command=_score)


def _score(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.metrics.spans import score_spans

    aside = False
    if args.report:
        args.report = output_of(args.report)
        aside = is_stdout(args.report)
        _check_report(args.report)
        check_apart([args.report], [args.gold, args.predicted, args.train, args.against])
    gold = read_notes(args.gold, **reading_of(args))
    predicted = read_notes(args.predicted, **reading_of(args))
    linked: list[str] = []  # notes with relations

    def seen(notes: "Iterable[Note]") -> "Iterator[Note]":
        for note in notes:
            linked.extend([note.id] if note.relations else [])
            yield note

    scores = score_spans(seen(gold), seen(predicted), match=args.match, n_boot=args.n_boot)
    for notes in (gold, predicted):
        tell_of_notes(notes)
    _warn_labels(scores.per_label)
    if linked:
        _say_relations(gold, predicted, args, aside=aside)
    for label, prf in scores.per_label.items():
        say(f"{label}: P {prf.precision:.3f} R {prf.recall:.3f} F1 {prf.f1:.3f}", aside=aside)
    say(f"micro, {args.match}: P {scores.precision} R {scores.recall} F1 {scores.f1}", aside=aside)
    if args.against or args.report or args.train:
        _write_errors(args, aside=aside)
    return 0


def _say_relations(
    gold: "Iterable[Note]", predicted: "Iterable[Note]", args: argparse.Namespace, *, aside: bool
) -> None:
    """Say how good relations are, where there are any, and where both ends were found."""
    from clinnlp.metrics.relations import score_relations

    scores = score_relations(gold, predicted, match=args.match, n_boot=args.n_boot)
    for label, prf in scores.per_label.items():
        figures = f"P {prf.precision:.3f} R {prf.recall:.3f} F1 {prf.f1:.3f}"
        say(f"relation {label}: {figures}", aside=aside)
    figures = f"P {scores.precision} R {scores.recall} F1 {scores.f1}"
    say(f"relations, micro, {args.match}: {figures}", aside=aside)
    shared = score_relations(gold, predicted, match=args.match, ends="shared", n_boot=args.n_boot)
    say(f"relations whose ends stand in both: F1 {shared.f1}", aside=aside)


def _write_errors(args: argparse.Namespace, *, aside: bool) -> None:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.report.write import write_report
    from clinnlp.study.error_page import error_report

    how = reading_of(args)
    report = error_report(
        read_notes(args.gold, **how),
        read_notes(args.predicted, **how),
        train=read_notes(args.train, **how) if args.train else None,
        against=read_notes(args.against, **how) if args.against else None,
        n_boot=args.n_boot,
    )
    for line in report.findings[1:]:
        say(line, aside=aside)
    if args.report:
        say(f"report: {write_report(report, args.report)}", aside=aside)


def _check_report(path: Path) -> None:
    from clinnlp.core.files import check_writable
    from clinnlp.report.write import check_report_path

    check_writable(check_report_path(path))


def _warn_labels(per_label: "Mapping[str, PRF]") -> None:
    """Say on stderr where no gold label is among those predicted: then all scores are 0."""
    gold = [label for label, prf in per_label.items() if prf.tp + prf.fn]
    predicted = [label for label, prf in per_label.items() if prf.tp + prf.fp]
    if gold and predicted and not set(gold) & set(predicted):
        labels = f"gold has {', '.join(gold)}, predicted has {', '.join(predicted)}"
        warn(f"no label stands on both sides: {labels}")

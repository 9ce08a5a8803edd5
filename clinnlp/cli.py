"""The command line: words from a terminal to study functions.

Exit codes: 0 done, 1 failed at run time (full disk, a pipe that failed), 2 bad usage or input.
"""

import argparse
import sys
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from clinnlp import __version__
from clinnlp.core.config import read_settings, settings_from, settings_to
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ClinnlpError, PipeError, RunError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    from clinnlp.core.counts import PRF
    from clinnlp.core.pipeline import Pipeline

__all__ = ["main"]


COLUMNS = {
    "text": "column with the text of the note (needed for CSV, TSV and Parquet)",
    "id": "column with the note id (default: file name and row number)",
    "patient": "column with the patient id",
    "encounter": "column with the encounter id",
    "time": "column with the time the note speaks of, ISO 8601",
    "known": "column with the time the note could first be read, ISO 8601",
    "label": "column with the class of the note",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    args = _parser(argv).parse_args(argv)
    try:
        return int(args.command(args))
    except (RunError, PipeError) as error:
        return _fail(error, 1)
    except ClinnlpError as error:
        return _fail(error, 2)
    except OSError as error:
        return _fail(f"{error.filename or 'input/output'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        return _fail("interrupted; what was finished is kept, run the same command to resume", 130)


def _fail(error: object, code: int) -> int:
    print(f"clinnlp: {error}", file=sys.stderr)
    return code


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clinnlp", description="From clinical notes to calibrated risks and audited rules."
    )
    parser.add_argument("--version", action="version", version=f"clinnlp {__version__}")
    sub = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = argv[0] if argv else ""
    for name, (add, line) in COMMANDS.items():
        one = sub.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == wanted:  # settings live beside heavy code: read only those that are asked for
            add(one)
    return parser


# --- fine-tune --------------------------------------------------------------------------------


def _add_fine_tune(parser: argparse.ArgumentParser) -> None:
    from clinnlp.bert.settings import TrainSettings

    parser.add_argument("task", choices=["ner", "classifier"], help="entities, or note classes")
    parser.add_argument("train", help="annotated notes to train on")
    parser.add_argument("--dev", help="annotated notes to score once, at the end")
    parser.add_argument("--out", required=True, help="folder for the model")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    _add_reading(parser)
    _add_settings(parser, TrainSettings)
    parser.set_defaults(command=_fine_tune)


def _fine_tune(args: argparse.Namespace) -> int:
    from clinnlp.bert.settings import TrainSettings
    from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
    from clinnlp.io.corpora import read_notes

    columns = _columns(args)
    train = read_notes(args.train, format=args.format, **columns)
    dev = read_notes(args.dev, format=args.format, **columns) if args.dev else None
    fine_tune = fine_tune_ner if args.task == "ner" else fine_tune_classifier
    settings = _settings(args, TrainSettings)
    model = fine_tune(train, dev, encoder=args.encoder, out=args.out, settings=settings)
    for name, score in model.card.get("dev", {}).items():
        if isinstance(score, dict):
            print(f"dev {name}: {Estimate(**score)}")
    print(f"model: {args.out}")
    return 0


# --- extract ----------------------------------------------------------------------------------


def _add_extract(parser: argparse.ArgumentParser) -> None:
    from clinnlp.study.settings import ExtractSettings

    parser.add_argument("notes", help="notes to read: a file, or a folder of files")
    parser.add_argument(
        "out", help="a folder for Parquet parts (resumes), or a file .jsonl, .csv, .tsv, .parquet"
    )
    _add_pipeline(parser)
    _add_reading(parser)
    _add_settings(parser, ExtractSettings)
    parser.set_defaults(command=_extract)


def _extract(args: argparse.Namespace) -> int:
    from clinnlp.io.corpora import read_notes
    from clinnlp.study.extract import extract, fingerprint
    from clinnlp.study.settings import ExtractSettings

    notes = read_notes(args.notes, format=args.format, **_columns(args))
    summary = extract(
        notes,
        _pipeline(args),
        args.out,
        settings=_settings(args, ExtractSettings),
        made_by=fingerprint(args.model, args.vocabulary),
    )
    print(summary)
    return 0


# --- score ------------------------------------------------------------------------------------


def _add_score(parser: argparse.ArgumentParser) -> None:
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
        help="bootstrap draws of documents for the intervals (default: 1000)",
    )
    parser.add_argument("--format", help="format of both files (default: by suffix)")
    parser.set_defaults(command=_score)


def _score(args: argparse.Namespace) -> int:
    from clinnlp.io.corpora import read_notes
    from clinnlp.metrics.spans import score_spans

    gold = read_notes(args.gold, format=args.format)
    predicted = read_notes(args.predicted, format=args.format)
    scores = score_spans(gold, predicted, match=args.match, n_boot=args.n_boot)
    _warn_labels(scores.per_label)
    for label, prf in scores.per_label.items():
        print(f"{label}: P {prf.precision:.3f} R {prf.recall:.3f} F1 {prf.f1:.3f}")
    print(f"micro, {args.match}: P {scores.precision} R {scores.recall} F1 {scores.f1}")
    return 0


def _warn_labels(per_label: "Mapping[str, PRF]") -> None:
    """Say on stderr where no gold label is among those predicted: then all scores are 0."""
    gold = [label for label, prf in per_label.items() if prf.tp + prf.fn]
    predicted = [label for label, prf in per_label.items() if prf.tp + prf.fp]
    if gold and predicted and not set(gold) & set(predicted):
        said = f"gold has {', '.join(gold)}, predicted has {', '.join(predicted)}"
        print(f"clinnlp: no label stands on both sides: {said}", file=sys.stderr)


# --- convert ----------------------------------------------------------------------------------


def _add_convert(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", help="notes to read")
    parser.add_argument("out", help="file or folder to write")
    parser.add_argument("--to", help="format to write (default: by suffix)")
    _add_reading(parser)
    parser.set_defaults(command=_convert)


def _convert(args: argparse.Namespace) -> int:
    from clinnlp.io.corpora import read_notes, write_notes

    notes = read_notes(args.source, format=args.format, **_columns(args))
    print(f"{write_notes(notes, args.out, format=args.to)} notes: {args.out}")
    return 0


# --- risk -------------------------------------------------------------------------------------


def _add_risk(parser: argparse.ArgumentParser) -> None:
    from clinnlp.study.settings import RiskSettings

    parser.add_argument(
        "outcome", help="CSV, TSV or Parquet: patient, index_time, outcome (0 or 1)"
    )
    parser.add_argument("--events", help="CSV or Parquet of structured events")
    parser.add_argument("--entities", help="entities that `clinnlp extract` wrote")
    parser.add_argument("--patients", help="CSV or Parquet: patient, birth_date, sex")
    parser.add_argument("--out", required=True, help="folder for scores, predictions and report")
    _add_settings(parser, RiskSettings)
    parser.set_defaults(command=_risk)


def _risk(args: argparse.Namespace) -> int:
    from clinnlp.study.flows import risk_flow
    from clinnlp.study.settings import RiskSettings

    print(
        risk_flow(
            args.outcome,
            events=args.events,
            entities=args.entities,
            patients=args.patients,
            out=Path(args.out),
            settings=_settings(args, RiskSettings),
        )
    )
    return 0


# --- mine -------------------------------------------------------------------------------------


def _add_mine(parser: argparse.ArgumentParser) -> None:
    from clinnlp.study.settings import MineSettings

    parser.add_argument("source", help="entities that `clinnlp extract` wrote, or events")
    parser.add_argument("--out", required=True, help="folder for rules, signals and report")
    _add_settings(parser, MineSettings)
    parser.set_defaults(command=_mine)


def _mine(args: argparse.Namespace) -> int:
    from clinnlp.study.flows import mine_flow
    from clinnlp.study.settings import MineSettings

    print(mine_flow(args.source, out=Path(args.out), settings=_settings(args, MineSettings)))
    return 0


# --- demo -------------------------------------------------------------------------------------


def _add_demo(parser: argparse.ArgumentParser) -> None:
    from clinnlp.study.settings import DemoSettings

    parser.add_argument("--out", default="out", help="folder for everything made (default: out)")
    _add_settings(parser, DemoSettings)
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    from clinnlp.study.demo import demo
    from clinnlp.study.settings import DemoSettings

    demo(Path(args.out), settings=_settings(args, DemoSettings), say=print)
    return 0


COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "fine-tune": (_add_fine_tune, "fine-tune a BERT encoder on annotated notes"),
    "extract": (_add_extract, "extract entities with their assertion from notes"),
    "score": (_add_score, "score predicted entities against gold"),
    "risk": (_add_risk, "train and score risk models, by patient"),
    "mine": (_add_mine, "mine drug rules and interaction signals"),
    "convert": (_add_convert, "convert annotated notes between formats"),
    "demo": (_add_demo, "run the whole flow on synthetic notes, from text to report"),
}


# --- shared options ---------------------------------------------------------------------------


def _add_reading(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", help="jsonl, csv, tsv, parquet, pubtator, brat or conll (default: by suffix)"
    )
    table = parser.add_argument_group("tables of notes")
    for name, line in COLUMNS.items():
        table.add_argument(f"--{name}-column", metavar="NAME", help=line)


def _columns(args: argparse.Namespace) -> dict[str, str]:
    named = {name: getattr(args, f"{name}_column") for name in COLUMNS}
    return {name: column for name, column in named.items() if column is not None}


def _add_pipeline(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", help="model folder that `clinnlp fine-tune` wrote")
    parser.add_argument("--vocabulary", help="word list (CSV, TSV, Parquet) with a column name")


def _pipeline(args: argparse.Namespace) -> "Pipeline":
    from clinnlp.study.pipeline import pipeline

    return pipeline(args.model, vocabulary=args.vocabulary)


def _add_settings(parser: argparse.ArgumentParser, kind: "type[DataclassInstance]") -> None:
    """Add one flag per field of a settings dataclass, and --settings for a TOML file."""
    hints = get_type_hints(kind)
    group = parser.add_argument_group("settings")
    group.add_argument("--settings", metavar="TOML", help="file with any of the settings below")
    for f in fields(kind):
        group.add_argument(
            f"--{f.name.replace('_', '-')}",
            default=argparse.SUPPRESS,
            help=f"{f.metadata.get('help', '')}{_default(f.default)}".replace("%", "%%"),
            **_flag(hints[f.name]),
        )


def _default(value: Any) -> str:
    if value is None:  # the help says what happens then
        return ""
    if isinstance(value, bool):
        value = "on" if value else "off"
    return f" (default: {' '.join(value) if isinstance(value, tuple) else value})"


def _flag(hint: Any) -> dict[str, Any]:
    if get_origin(hint) in (Union, types.UnionType):
        hint = next(kind for kind in get_args(hint) if kind is not type(None))
    if get_origin(hint) is Literal:
        return {"choices": list(get_args(hint))}
    if get_origin(hint) is tuple:
        return {"nargs": "+", "type": get_args(hint)[0], "metavar": "NAME"}
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    return {"type": hint, "metavar": {int: "N", float: "X"}.get(hint, "NAME")}


def _settings(args: argparse.Namespace, kind: "type[Any]") -> Any:
    """Return the settings: flags over the TOML file over the defaults."""
    names = {f.name for f in fields(kind)}
    given = {k: v for k, v in vars(args).items() if k in names}
    base = settings_to(read_settings(kind, args.settings)) if args.settings else {}
    return settings_from(kind, {**base, **given})


if __name__ == "__main__":
    sys.exit(main())

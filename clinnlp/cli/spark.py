"""Commands that run on Spark: extract."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.cli.options import choose_model, pipeline_of, reading_of
from clinnlp.cli.terminal import say, warn
from clinnlp.core.errors import ArgumentError
from clinnlp.core.spark import spark_session, worker_path
from clinnlp.study.pipeline import STATED

if TYPE_CHECKING:
    from clinnlp.core.pipeline import Pipeline
    from clinnlp.study.spark_extract import RowsOf

__all__ = ["extract_by_spark"]

_PIPELINE = (
    *("model", "vocabulary", "vocabulary_columns", "language", "candidates"),
    *("name_encoder", "keep_names", "chronic", "labels", "int8", "relations"),
)
_PATHS = ("model", "vocabulary", "name_encoder", "chronic", "relations")
_OPTIONAL = ("patient", "encounter", "time", "known", "kind")
_UNSAID = ("repair", "number_repeated", "layers")


def extract_by_spark(args: argparse.Namespace, batch_size: int) -> int:
    """Extract from a table of notes that Spark reads, with pipelines that its workers make."""
    from clinnlp.study.spark_extract import extract_spark, spark_form, spark_notes

    reading = reading_of(args)
    _check_reading(reading)
    form = spark_form(args.notes, args.format)
    made = partial(_made_there, _for_workers(args))
    with spark_session() as session:
        named = {name: reading[name] for name in ("id", "text", *_OPTIONAL) if name in reading}
        names = {"id": "id", "text": "text"} | named if named else {}
        frame = spark_notes(session, args.notes, form, names=list(names.values()))
        if not named:
            named = {name: name for name in _OPTIONAL if name in frame.columns}
        rows_of: RowsOf = "both" if args.relations else "mentions"
        found = extract_spark(
            frame, pipeline_of=made, rows_of=rows_of, batch_size=batch_size, **named
        )
        summary = found.write(args.out)
    if summary.n_failed:
        warn(f"{summary.n_failed} notes failed; {args.out.rstrip('/')}/failures names them")
    say(summary)
    return 0


def _check_reading(reading: dict[str, Any]) -> None:
    said = [name for name in _UNSAID if reading[name]] + list(reading["dialect"].said)
    if said:
        raise ArgumentError(
            f"what Spark reads is Parquet or JSON Lines as they are, got {', '.join(said)}"
        )


def _for_workers(args: argparse.Namespace) -> dict[str, Any]:
    """Return the options of the pipeline, with paths of this machine in full."""
    given = {name: getattr(args, name) for name in _PIPELINE}
    for name in _paths(given):
        if Path(given[name]).exists():
            given[name] = str(Path(given[name]).resolve())
    return given


def _paths(given: dict[str, Any]) -> list[str]:
    """Return which options name files: a word that stands for something else names none."""
    return [name for name in _PATHS if isinstance(given[name], str) and given[name] != STATED]


def _made_there(given: dict[str, Any]) -> "Pipeline":
    """Return the pipeline, made where a worker runs."""
    paths = {name: worker_path(given[name]) for name in _paths(given)}
    args = argparse.Namespace(**{**given, **paths})
    choose_model(args)
    return pipeline_of(args)

"""The command that compares notes of later periods with those before: drift."""

import argparse
from typing import TYPE_CHECKING

from clinnlp.cli.options import (
    add_level,
    add_notes,
    choose_model,
    pipeline_of,
    reading_of,
    tell_of_notes,
)
from clinnlp.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterator

    from clinnlp.core.notes import Note
    from clinnlp.io.notes.corpora import Notes

__all__ = ["add_drift"]


def add_drift(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp drift`."""
    parser.epilog = (
        "A line for each quantity of each later period that has moved; the table of --out has a "
        "row for each. Where nothing has changed, a period has a warning with probability --alpha "
        "at most, whatever the number of quantities; the unit is the patient."
    )
    parser.add_argument("notes", help="notes with times: a file, or a folder of files")
    parser.add_argument(
        "--reference-to", required=True, metavar="PERIOD",
        help="last period of the reference, such as 2024-06; all up to it belong to it",
    )  # fmt: skip
    parser.add_argument(
        "--every", choices=("month", "year", "week", "day"), default="month",
        help="what a period is (default: month)",
    )  # fmt: skip
    add_level(
        parser, "share of periods that have a warning though nothing has changed", default=0.01
    )
    parser.add_argument("--out", help="table of all quantities and periods, .csv")
    parser.add_argument(
        "--as-written", action="store_true",
        help="take mentions and headings as the notes bring them, and read none",
    )  # fmt: skip
    add_notes(parser)
    parser.set_defaults(command=_drift)


def _drift(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.note_drift import check_drift_out, note_drift, write_drift

    notes = read_notes(args.notes, **reading_of(args))
    if args.out is not None:
        check_drift_out(args.out, [path for path, _ in notes.files])
    found = note_drift(
        _read(notes, args), reference_to=args.reference_to, every=args.every, alpha=args.alpha
    )
    if args.out is not None:
        write_drift(found, args.out)
    tell_of_notes(notes)
    for line in (*found.lines(), found.summary):
        say(line)
    return 0


def _read(notes: "Notes", args: argparse.Namespace) -> "Iterator[Note]":
    """Yield the notes as the pipeline leaves them, or as they are."""
    if args.as_written:
        yield from notes
        return
    choose_model(args)
    yield from pipeline_of(args).stream(notes)

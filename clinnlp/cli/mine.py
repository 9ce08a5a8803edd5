"""Commands of the mining room: mine, mine genes and mine labels."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from clinnlp.cli.options import (
    add_level,
    add_notes,
    add_settings,
    add_tables,
    add_writing,
    choose_model,
    dialect_of,
    folder_of,
    pipeline_of,
    reading_of,
    settings_of,
    tell_left_out,
    tell_of_notes,
    tell_of_tables,
)
from clinnlp.cli.terminal import say

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from clinnlp.core.notes import Note

__all__ = ["add_mine", "add_mine_genes", "add_mine_labels"]


def add_mine(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp mine`."""
    from clinnlp.study.settings import MineSettings

    parser.add_argument(
        "source",
        help="entities that `clinnlp extract` wrote, events, FAERS quarters, a folder of "
        "MIMIC or OMOP tables, a table with --columns or --items, or counts without reports "
        "(drug, event, a, n_drug, n_event, n); of --engine spark also a URL of Parquet",
    )
    parser.add_argument(
        "--out", type=folder_of, required=True, help="folder for rules, signals and report"
    )
    add_writing(parser)
    add_tables(parser)
    add_settings(parser, MineSettings)
    parser.set_defaults(command=_mine)


def _mine(args: argparse.Namespace) -> int:
    from clinnlp.study.mine_flow import mine_flow
    from clinnlp.study.reading import TableReading
    from clinnlp.study.settings import MineSettings

    reading = TableReading(dialect=dialect_of(args), skip_bad=args.skip_bad)
    settings = settings_of(args, MineSettings)
    result = mine_flow(args.source, out=Path(args.out), settings=settings, reading=reading)
    tell_left_out(reading.skipped, "rows")
    tell_of_tables([args.source], reading.dialect)
    for line in result.lines():
        say(line)
    return 0


def add_mine_labels(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp mine labels`."""
    parser.epilog = (
        "The table is one that clinnlp mine --known takes: drug_1, drug_2 (interactions) or drug_1 "
        "and event (effects), how many labels and sentences state it, and the first place. Where "
        "labels have relations, such as those of a model, these count; else rules find them."
    )
    parser.add_argument("notes", help="texts of drug labels: a file, or a folder of files")
    parser.add_argument("--out", required=True, help="the table, .csv")
    parser.add_argument(
        "--subject",
        action="store_true",
        help="take the class of a note (--label-column) as the drug that its text is about, where "
        "a sentence names the other one alone",
    )
    add_notes(parser)
    parser.set_defaults(command=_mine_labels)


def _mine_labels(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.label_table import label_table, write_label_table

    notes = read_notes(args.notes, **reading_of(args))
    choose_model(args)
    table = label_table(_read(notes, args), language=args.language, subject=args.subject)
    write_label_table(table, args.out, [path for path, _ in notes.files])
    tell_of_notes(notes)
    for line in table.lines():
        say(line)
    return 0


def add_mine_genes(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp mine genes`."""
    parser.epilog = (
        "variant_diseases.csv and star_drugs.csv have a row per pair that stands in one document, "
        "with Fisher's p and q over all pairs; sentences.csv says where both stand in one sentence."
    )
    parser.add_argument("notes", help="notes to read: a file, or a folder of files")
    parser.add_argument("--out", type=folder_of, required=True, help="folder for the tables")
    parser.add_argument(
        "--min-count", type=int, default=2, metavar="N",
        help="documents with both, >= 1 (default: 2)",
    )  # fmt: skip
    parser.add_argument(
        "--min-margin", type=int, default=2, metavar="N",
        help="documents with each, >= 1: it decides the candidates (default: 2)",
    )  # fmt: skip
    add_level(parser, "level of the q-values, 0 to 1", default=0.05)
    add_notes(parser)
    parser.set_defaults(command=_mine_genes)


def _mine_genes(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.gene_associations import gene_associations, write_associations

    notes = read_notes(args.notes, **reading_of(args))
    choose_model(args)
    found = gene_associations(
        _read(notes, args),
        language=args.language,
        min_count=args.min_count,
        min_margin=args.min_margin,
        alpha=args.alpha,
    )
    write_associations(found, args.out, [path for path, _ in notes.files])
    tell_of_notes(notes)
    for line in found.lines():
        say(line)
    return 0


def _read(notes: "Iterable[Note]", args: argparse.Namespace) -> "Iterator[Note]":
    """Yield the notes; those without mentions with what the pipeline finds."""
    nlp = None
    for note in notes:
        if not note.entities:
            nlp = nlp or pipeline_of(args)
            note = nlp(note)
        yield note

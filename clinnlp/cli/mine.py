"""Commands of the mining room: mine."""

import argparse
from pathlib import Path

from clinnlp.cli.options import (
    add_settings,
    add_tables,
    add_writing,
    dialect_of,
    folder_of,
    settings_of,
    tell_left_out,
    tell_of_tables,
)
from clinnlp.cli.terminal import say

__all__ = ["add_mine"]


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

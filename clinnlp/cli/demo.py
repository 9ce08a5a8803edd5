"""The demo command."""

import argparse
from pathlib import Path

from clinnlp.cli.options import (
    add_reading,
    add_settings,
    add_writing,
    folder_of,
    reading_of,
    settings_of,
)
from clinnlp.cli.terminal import say

__all__ = ["add_demo"]


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp demo`."""
    from clinnlp.study.settings import DemoSettings

    parser.add_argument(
        "--out", type=folder_of, default="out", help="folder for everything made (default: out)"
    )
    parser.add_argument(
        "--notes", metavar="PATH", help="real notes that the model in the box reads besides"
    )
    add_writing(parser)
    add_reading(parser)
    add_settings(parser, DemoSettings)
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.demo import demo
    from clinnlp.study.settings import DemoSettings

    notes = None if args.notes is None else read_notes(args.notes, **reading_of(args))
    demo(Path(args.out), settings=settings_of(args, DemoSettings), say=_say, notes=notes)
    return 0


def _say(lines: str) -> None:
    for line in lines.split("\n"):
        say(line)

"""The demo command."""

import argparse
from pathlib import Path

from clinnlp.cli.options import add_settings, add_writing, folder_of, settings_of
from clinnlp.cli.terminal import say

__all__ = ["add_demo"]


def add_demo(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp demo`."""
    from clinnlp.study.settings import DemoSettings

    parser.add_argument(
        "--out", type=folder_of, default="out", help="folder for everything made (default: out)"
    )
    add_writing(parser)
    add_settings(parser, DemoSettings)
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    from clinnlp.study.demo import demo
    from clinnlp.study.settings import DemoSettings

    demo(Path(args.out), settings=settings_of(args, DemoSettings), say=_say)
    return 0


def _say(lines: str) -> None:
    for line in lines.split("\n"):
        say(line)

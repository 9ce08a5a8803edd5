"""The demo command."""

import argparse
import sys
from pathlib import Path

from clinnlp.cli.options import (
    add_reading,
    add_settings,
    add_writing,
    folder_of,
    reading_of,
    settings_of,
)
from clinnlp.cli.terminal import say, warn

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
    parser.add_argument(
        "--serve",
        action="store_true",
        help="instead, show the page on which people judge the synthetic notes, until interrupted",
    )
    parser.add_argument(
        "--port", type=int, default=8766, help="of the page, 0 for any that is free (default: 8766)"
    )
    add_writing(parser)
    add_reading(parser)
    add_settings(parser, DemoSettings)
    parser.set_defaults(command=_demo)


def _demo(args: argparse.Namespace) -> int:
    if args.serve:
        return _serve(Path(args.out), args.port)
    from clinnlp.io.notes.corpora import read_notes
    from clinnlp.study.demo import demo
    from clinnlp.study.settings import DemoSettings

    notes = None if args.notes is None else read_notes(args.notes, **reading_of(args))
    demo(Path(args.out), settings=settings_of(args, DemoSettings), say=_say, notes=notes)
    return 0


def _serve(out: Path, port: int) -> int:
    from clinnlp.service.review_calls import review_of
    from clinnlp.service.review_server import serve_review
    from clinnlp.service.review_settings import ReviewSettings
    from clinnlp.study.review_demo import demo_review

    found = demo_review(out)
    say(f"log in as {found.user} with the password {found.password}")
    sys.stdout.flush()
    serve_review(review_of(found.database, ReviewSettings(port=port), say=warn))
    return 0


def _say(lines: str) -> None:
    for line in lines.split("\n"):
        say(line)

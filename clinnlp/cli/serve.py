"""The command of the service: serve."""

import argparse
from copy import copy
from typing import TYPE_CHECKING

from clinnlp.cli.options import add_pipeline, add_settings, pipeline_of, settings_of
from clinnlp.cli.terminal import warn
from clinnlp.core.errors import ArgumentError

if TYPE_CHECKING:
    from clinnlp.study.answering import Answerer

__all__ = ["add_serve"]


def add_serve(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp serve`."""
    from clinnlp.service.settings import ServeSettings

    parser.epilog = (
        "SIGTERM ends the service when all that was taken is answered; SIGHUP loads the model anew."
    )
    add_pipeline(parser)
    parser.add_argument(
        "--int8",
        action="store_true",
        help="read in 8-bit integers: about twice as fast, and a little less exact",
    )
    add_settings(parser, ServeSettings)
    parser.set_defaults(command=_serve)


def _serve(args: argparse.Namespace) -> int:
    from clinnlp.service.server import serve
    from clinnlp.service.settings import ServeSettings

    if args.model is None and args.vocabulary is None:
        raise ArgumentError("a service needs --model or --vocabulary, got neither")
    settings = settings_of(args, ServeSettings)
    paths = [path for path in (args.model, args.vocabulary, args.chronic) if path is not None]
    serve(lambda: _answerer(args), settings=settings, paths=paths, say=warn)
    return 0


def _answerer(args: argparse.Namespace) -> "Answerer":
    from clinnlp.study.answering import Answerer, cue_tables
    from clinnlp.study.extract import fingerprint

    given = args
    if args.int8 and args.model is not None:
        from clinnlp.bert.store import load

        given = copy(args)
        given.model = load(args.model, int8=True)
    nlp = pipeline_of(given)
    made_by = fingerprint(
        args.model,
        args.vocabulary,
        args.language,
        keep_names=args.keep_names,
        chronic=args.chronic,
    )
    return Answerer(nlp=nlp, made_by={**made_by, "cues": cue_tables()})

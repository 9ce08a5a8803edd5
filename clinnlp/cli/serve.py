"""The command of the service: serve."""

import argparse
from typing import TYPE_CHECKING, Any

from clinnlp.cli.options import add_pipeline, add_settings, choose_model, pipeline_of, settings_of
from clinnlp.cli.terminal import warn

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
    parser.add_argument("--risk-model", help="risk model that `clinnlp risk --keep` wrote")
    parser.add_argument(
        "--signals",
        nargs="+",
        default=[],
        metavar="CSV",
        help="tables that `clinnlp mine` wrote: OUT/drug_events.csv, OUT/signals.csv",
    )
    add_settings(parser, ServeSettings)
    parser.set_defaults(command=_serve)


def _serve(args: argparse.Namespace) -> int:
    from clinnlp.service.server import serve
    from clinnlp.service.settings import ServeSettings

    choose_model(args)
    settings = settings_of(args, ServeSettings)
    files = (args.model, args.vocabulary, args.chronic, args.risk_model, *args.signals)
    paths = [path for path in files if path is not None]
    serve(lambda: _answerer(args), settings=settings, paths=paths, say=warn)
    return 0


def _answerer(args: argparse.Namespace) -> "Answerer":
    from clinnlp.study.answering import Answerer, cue_tables
    from clinnlp.study.extract import fingerprint

    nlp = pipeline_of(args)
    made_by = fingerprint(
        args.model,
        args.vocabulary,
        args.language,
        keep_names=args.keep_names,
        chronic=args.chronic,
    )
    more, beside = _beside(args)
    return Answerer(nlp=nlp, made_by={**made_by, "cues": cue_tables(), **more}, **beside)


def _beside(args: argparse.Namespace) -> tuple[dict[str, str], dict[str, Any]]:
    """Return the hashes of what answers beside the pipeline, and that itself."""
    from clinnlp.core.files import tree_sha256

    made_by: dict[str, str] = {}
    beside: dict[str, Any] = {}
    if args.risk_model is not None:
        from clinnlp.study.risk_answers import servable_risk_model

        beside["risk"] = servable_risk_model(args.risk_model)
        made_by["risk_model"] = tree_sha256(args.risk_model)
    if args.signals:
        from clinnlp.study.mined_tables import read_signals
        from clinnlp.study.signal_answers import SignalIndex

        beside["signals"] = SignalIndex([read_signals(path) for path in args.signals])
        made_by["signals"] = " ".join(tree_sha256(path) for path in args.signals)
    return made_by, beside

"""Commands of the BERT room: fine-tune."""

import argparse

from clinnlp.cli.options import add_reading, add_settings, columns_of, settings_of
from clinnlp.core.counts import Estimate

__all__ = ["add_fine_tune"]


def add_fine_tune(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp fine-tune`."""
    from clinnlp.bert.settings import TrainSettings

    parser.add_argument("task", choices=["ner", "classifier"], help="entities, or note classes")
    parser.add_argument("train", help="annotated notes to train on")
    parser.add_argument("--dev", help="annotated notes to score once, at the end")
    parser.add_argument("--out", required=True, help="folder for the model")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint of a killed training"
    )
    add_reading(parser)
    add_settings(parser, TrainSettings)
    parser.set_defaults(command=_fine_tune)


def _fine_tune(args: argparse.Namespace) -> int:
    from clinnlp.bert.settings import TrainSettings
    from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
    from clinnlp.io.corpora import read_notes

    columns = columns_of(args)
    train = read_notes(args.train, format=args.format, **columns)
    dev = read_notes(args.dev, format=args.format, **columns) if args.dev else None
    fine_tune = fine_tune_ner if args.task == "ner" else fine_tune_classifier
    settings = settings_of(args, TrainSettings)
    model = fine_tune(
        train, dev, encoder=args.encoder, out=args.out, settings=settings, resume=args.resume
    )
    for name, score in model.card.get("dev", {}).items():
        if isinstance(score, dict):
            print(f"dev {name}: {Estimate(**score)}")
    print(f"model: {args.out}")
    return 0

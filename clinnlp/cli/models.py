"""Commands of the BERT room: fine-tune, pretrain, next, export."""

import argparse
from typing import TYPE_CHECKING, Any

from clinnlp.cli.options import add_reading, add_settings, columns_of, settings_of
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["add_export", "add_fine_tune", "add_next", "add_pretrain"]


def add_fine_tune(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp fine-tune`."""
    from clinnlp.bert.settings import TrainSettings

    parser.add_argument("task", choices=["ner", "classifier"], help="entities, or note classes")
    parser.add_argument(
        "train",
        nargs="+",
        help="annotated notes to train on; ner: of several, each teaches only what it annotates",
    )
    parser.add_argument(
        "--dev",
        nargs="+",
        default=[],
        help="annotated notes to score once, at the end, one per training file, in the same order",
    )
    parser.add_argument(
        "--drop-overlap",
        action="store_true",
        help="leave out training notes whose id or text stands in dev (else they are an error)",
    )
    parser.add_argument(
        "--refit",
        metavar="MODEL",
        help="ner: train anew on all these notes as that model was trained on nine tenths of them",
    )
    _add_training(parser, "model", TrainSettings)
    parser.set_defaults(command=_fine_tune)


def add_pretrain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp pretrain`."""
    from clinnlp.bert.settings import PretrainSettings

    parser.add_argument("notes", nargs="+", help="notes to read; annotations are not needed")
    _add_training(parser, "encoder", PretrainSettings)
    parser.set_defaults(command=_pretrain)


def add_next(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp next`."""
    parser.add_argument("notes", nargs="+", help="notes to choose from")
    parser.add_argument("out", help="file or folder to write, with the model's mentions to correct")
    parser.add_argument("--model", required=True, help="folder that `clinnlp fine-tune ner` wrote")
    parser.add_argument("--n", type=int, default=20, help="how many notes (default: 20)")
    parser.add_argument(
        "--annotated", nargs="+", default=[], help="notes that are done, none like them is chosen"
    )
    parser.add_argument("--out-format", help="of what is written (default: by suffix)")
    add_reading(parser)
    parser.set_defaults(command=_next)


def _fine_tune(args: argparse.Namespace) -> int:
    from clinnlp.bert.settings import TrainSettings
    from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner

    if len(args.train) > 1 and args.task != "ner":
        raise ArgumentError("classifier needs one training file, got several")
    train, dev = _corpora(args)
    several = len(train) > 1
    fine_tune: Any = fine_tune_ner if args.task == "ner" else fine_tune_classifier
    how: dict[str, Any] = {"settings": settings_of(args, TrainSettings)}
    if args.refit:
        if args.task != "ner" or how["settings"] != TrainSettings():
            raise ArgumentError("refit is for ner, and takes no settings but those of its model")
        how = {"refit": _tagger(args.refit)}
    model = fine_tune(
        train if several else next(iter(train.values())),
        (dev if several else next(iter(dev.values()))) if dev else None,
        encoder=args.encoder,
        out=args.out,
        resume=args.resume,
        **how,
    )
    scores = model.card.get("dev", {})
    for corpus, card in scores.items() if several else [("dev", scores)]:
        for name, score in card.items():
            if isinstance(score, dict):
                print(f"{corpus} {name}: {Estimate(**score)}")
    print(f"model: {args.out}")
    return 0


def _corpora(args: argparse.Namespace) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return training and dev notes by the path of the training file."""
    from clinnlp.bert.corpus import drop_overlap
    from clinnlp.io.notes.corpora import read_notes

    if len(args.dev) > len(args.train):
        raise ArgumentError(
            f"dev must be at most one file per training file ({len(args.train)}), "
            f"got {len(args.dev)}"
        )
    columns: dict[str, Any] = columns_of(args)

    def read(path: str) -> Any:
        return read_notes(path, format=args.format, **columns)

    train: dict[str, Any] = {path: read(path) for path in args.train}
    dev = {path: read(source) for path, source in zip(args.train, args.dev, strict=False)}
    if args.drop_overlap:
        train = {path: drop_overlap(notes, *dev.values()) for path, notes in train.items()}
    return train, dev


def _pretrain(args: argparse.Namespace) -> int:
    from clinnlp.bert.pretrain import pretrain
    from clinnlp.bert.settings import PretrainSettings
    from clinnlp.io.notes.corpora import read_notes

    columns: dict[str, Any] = columns_of(args)
    card = pretrain(
        read_notes(args.notes, format=args.format, **columns),
        encoder=args.encoder,
        out=args.out,
        settings=settings_of(args, PretrainSettings),
        resume=args.resume,
    )
    for number, epoch in enumerate(card["epochs"], 1):
        kept_out = "" if epoch["score"] is None else f", on notes kept out {-epoch['score']:.3f}"
        print(f"epoch {number}: loss {epoch['loss']:.3f}{kept_out}")
    print(f"encoder: {args.out}")
    return 0


def _next(args: argparse.Namespace) -> int:
    from clinnlp.bert.active import choose_next
    from clinnlp.io.notes.corpora import read_notes, write_notes

    columns: dict[str, Any] = columns_of(args)
    tagger = _tagger(args.model)
    notes = read_notes(args.notes, format=args.format, **columns)
    done = read_notes(args.annotated, format=args.format, **columns) if args.annotated else ()
    chosen = choose_next(tagger, notes, args.n, annotated=done)
    write_notes([choice.note for choice in chosen], args.out, format=args.out_format)
    for choice in chosen:
        print(f"{choice.note.id}: doubt {choice.doubt:.4f}, novelty {choice.novelty:.2f}")
    return 0


def _tagger(folder: str) -> Any:
    from clinnlp.bert.predict import EntityTagger
    from clinnlp.bert.store import load

    tagger = load(folder)
    if not isinstance(tagger, EntityTagger):
        raise ArgumentError("model must be a recogniser of entities, got a note classifier")
    return tagger


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp export`."""
    parser.add_argument("model", help="model folder that `clinnlp fine-tune` wrote")
    parser.add_argument("out", help="folder for the exported model; `--model` takes it too")
    parser.add_argument("--onnx", action="store_true", required=True, help="as ONNX")
    parser.add_argument(
        "--int8", action="store_true", help="weights as 8-bit integers: a quarter of the size"
    )
    parser.set_defaults(command=_export)


def _export(args: argparse.Namespace) -> int:
    from clinnlp.bert.export import export_onnx
    from clinnlp.bert.store import load

    export_onnx(load(args.model, device="cpu"), args.out, int8=args.int8)
    print(f"model: {args.out}")
    return 0


def _add_training(
    parser: argparse.ArgumentParser, made: str, settings: "type[DataclassInstance]"
) -> None:
    """Add what every training has: where to write, from what encoder, how notes are read."""
    parser.add_argument("--out", required=True, help=f"folder for the {made}")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint of a killed training"
    )
    add_reading(parser)
    add_settings(parser, settings)

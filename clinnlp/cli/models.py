"""Commands of the BERT room: fine-tune, pretrain, next, export."""

import argparse
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any

from clinnlp.cli.interrupted import kept_training
from clinnlp.cli.options import (
    add_reading,
    add_settings,
    add_writing,
    folder_of,
    output_of,
    reading_of,
    settings_of,
    tell_of_notes,
)
from clinnlp.cli.terminal import say
from clinnlp.core.files import check_apart, check_writable
from clinnlp.core.places import is_stdout

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["add_export", "add_fine_tune", "add_next", "add_pretrain"]

# task → what trains it and its settings, which are heavy to import, and what it learns
TASKS = {
    "ner": ("clinnlp.bert.train:fine_tune_ner", "clinnlp.bert.settings:TaggerSettings", "entities"),
    "classifier": (
        "clinnlp.bert.train:fine_tune_classifier",
        "clinnlp.bert.settings:ClassifierSettings",
        "note classes",
    ),
    "relations": (
        "clinnlp.bert.train:fine_tune_relations",
        "clinnlp.bert.settings:RelationSettings",
        "relations",
    ),
}


def add_fine_tune(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp fine-tune`, those of each task apart."""
    parser.epilog = "`clinnlp fine-tune TASK --help` shows the options and settings of a task."
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK", title="tasks")
    for name, (_, settings, what) in TASKS.items():
        one = tasks.add_parser(name, help=what, description=f"Fine-tune for {what}.")
        _add_fine_tune(one, name)
        _add_training(one, "model", resolve_name(settings))
    parser.set_defaults(command=_fine_tune, kept=kept_training)


def _add_fine_tune(parser: argparse.ArgumentParser, task: str) -> None:
    several = "; of several, each teaches only what it annotates" if task != "classifier" else ""
    parser.add_argument("train", nargs="+", help=f"annotated notes to train on{several}")
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
    refit = "train anew on all these notes as that model was trained on nine tenths of them"
    parser.add_argument(  # of other tasks it is refused in a sentence
        "--refit", metavar="MODEL", help=refit if task == "ner" else argparse.SUPPRESS
    )


def add_pretrain(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp pretrain`."""
    from clinnlp.bert.settings import PretrainSettings

    parser.add_argument("notes", nargs="+", help="notes to read; annotations are not needed")
    _add_training(parser, "encoder", PretrainSettings)
    parser.set_defaults(command=_pretrain, kept=kept_training)


def add_next(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp next`."""
    parser.add_argument("notes", nargs="+", help="notes to choose from")
    parser.add_argument(
        "out",
        help="file or folder to write, with the model's mentions to correct; - for standard output",
    )
    add_writing(parser)
    parser.add_argument("--model", required=True, help="folder that `clinnlp fine-tune ner` wrote")
    parser.add_argument("--n", type=int, default=20, help="how many notes (default: 20)")
    parser.add_argument(
        "--annotated", nargs="+", default=[], help="notes that are done, none like them is chosen"
    )
    parser.add_argument("--out-format", help="of what is written (default: by suffix)")
    add_reading(parser)
    parser.set_defaults(command=_next)


def _fine_tune(args: argparse.Namespace) -> int:
    from clinnlp.study.training import check_refit, dev_scores, read_training

    check_apart([args.out], [*args.train, *args.dev])
    fine_tune, kind = (resolve_name(name) for name in TASKS[args.task][:2])
    notes = read_training(
        args.task, args.train, args.dev, drop=args.drop_overlap, **reading_of(args)
    )
    how: dict[str, Any] = {"settings": settings_of(args, kind)}
    if args.refit:
        how = {"refit": check_refit(args.task, args.refit, how["settings"])}
    model = fine_tune(
        notes.train, notes.dev, encoder=args.encoder, out=args.out, resume=args.resume, **how
    )
    for source in notes.sources:
        tell_of_notes(source)
    for corpus, name, score in dev_scores(model.card, by_corpus=len(args.train) > 1):
        say(f"{corpus} {name}: {score}")
    say(f"model: {args.out}")
    return 0


def _pretrain(args: argparse.Namespace) -> int:
    from clinnlp.bert.pretrain import pretrain
    from clinnlp.bert.settings import PretrainSettings
    from clinnlp.io.notes.corpora import read_notes

    check_apart([args.out], args.notes)
    notes = read_notes(args.notes, **reading_of(args))
    card = pretrain(
        notes,
        encoder=args.encoder,
        out=args.out,
        settings=settings_of(args, PretrainSettings),
        resume=args.resume,
    )
    tell_of_notes(notes)
    for number, epoch in enumerate(card["epochs"], 1):
        kept_out = "" if epoch["score"] is None else f", on notes kept out {-epoch['score']:.3f}"
        say(f"epoch {number}: loss {epoch['loss']:.3f}{kept_out}")
    say(f"encoder: {args.out}")
    return 0


def _next(args: argparse.Namespace) -> int:
    from clinnlp.bert.active import choose_next
    from clinnlp.io.notes.corpora import read_notes, write_notes
    from clinnlp.io.notes.formats import check_format, writer_of
    from clinnlp.study.training import load_tagger

    out = output_of(args.out)
    check_apart([out], [*args.notes, *args.annotated])
    check_format(args.out_format)
    writer_of(check_writable(out), args.out_format)  # before the model reads the notes
    tagger = load_tagger(args.model)
    notes = read_notes(args.notes, **reading_of(args))
    done = read_notes(args.annotated, **reading_of(args)) if args.annotated else ()
    chosen = choose_next(tagger, notes, args.n, annotated=done)
    write_notes([choice.note for choice in chosen], out, format=args.out_format)
    tell_of_notes(notes)
    for choice in chosen:
        line = f"{choice.note.id}: doubt {choice.doubt:.4f}, novelty {choice.novelty:.2f}"
        say(line, aside=is_stdout(out))
    return 0


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp export`."""
    parser.add_argument("model", help="model folder that `clinnlp fine-tune` wrote")
    parser.add_argument("out", help="folder for the exported model; `--model` takes it too")
    add_writing(parser)
    parser.add_argument("--onnx", action="store_true", required=True, help="as ONNX")
    parser.add_argument(
        "--int8", action="store_true", help="weights as 8-bit integers: a quarter of the size"
    )
    parser.set_defaults(command=_export)


def _export(args: argparse.Namespace) -> int:
    check_apart([args.out], [args.model])
    from clinnlp.bert.export import export_onnx
    from clinnlp.bert.store import load

    export_onnx(load(args.model, device="cpu"), args.out, int8=args.int8)
    say(f"model: {args.out}")
    return 0


def _add_training(
    parser: argparse.ArgumentParser, made: str, settings: "type[DataclassInstance]"
) -> None:
    """Add what every training has: where to write, from what encoder, how notes are read."""
    parser.add_argument("--out", type=folder_of, required=True, help=f"folder for the {made}")
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on from the checkpoint that this training left when it was interrupted or killed, "
        "where there is one; or remove it and begin anew (default: go on)",
    )
    add_writing(parser)
    add_reading(parser)
    add_settings(parser, settings)

"""The command tune: settings of a fine-tuning, searched by its selection notes."""

import argparse
from pkgutil import resolve_name

from clinnlp.cli.interrupted import kept_search
from clinnlp.cli.models import TASKS
from clinnlp.cli.options import (
    add_reading,
    add_settings,
    add_writing,
    folder_of,
    reading_of,
    settings_of,
    tell_of_notes,
)
from clinnlp.cli.terminal import say
from clinnlp.core.files import check_apart

__all__ = ["add_tune"]

_TUNE = {"ner": "tune_ner", "classifier": "tune_classifier"}


def add_tune(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `clinnlp tune`, those of each task apart."""
    parser.epilog = "`clinnlp tune TASK --help` shows the options and settings of a task."
    tasks = parser.add_subparsers(dest="task", required=True, metavar="TASK", title="tasks")
    for name in _TUNE:
        _, settings, what = TASKS[name]
        line = f"Search the settings of a fine-tuning for {what}, which begin as given below."
        one = tasks.add_parser(name, help=what, description=line)
        _add_search(one, name)
        add_writing(one)
        add_reading(one)
        add_settings(one, resolve_name(settings))
    parser.set_defaults(command=_tune, kept=kept_search)


def _add_search(parser: argparse.ArgumentParser, task: str) -> None:
    several = "; of several, each teaches only what it annotates" if task == "ner" else ""
    parser.add_argument("train", nargs="+", help=f"annotated notes to train on{several}")
    parser.add_argument(
        "--dev",
        nargs="+",
        default=[],
        help="annotated notes of which none may stand in train; they are never scored here",
    )
    parser.add_argument(
        "--drop-overlap",
        action="store_true",
        help="leave out training notes whose id or text stands in dev (else they are an error)",
    )
    parser.add_argument(
        "--out", type=folder_of, required=True, help="folder for best.toml, trials and picture"
    )
    parser.add_argument(
        "--encoder", default="minilm", help="minilm, a folder, or a hub id (default: minilm)"
    )
    parser.add_argument(
        "--minutes",
        type=float,
        default=20.0,
        metavar="X",
        help="time for all trials, those of earlier calls among them, above 0; the first is "
        "finished whatever it takes (default: 20)",
    )
    parser.add_argument(
        "--trials", type=int, metavar="N", help="most trials, >= 1 (default: as time allows)"
    )
    parser.add_argument(
        "--search",
        nargs="+",
        metavar="NAME",
        help="settings to vary, of those that docs/settings.md names (default: all of them)",
    )
    parser.add_argument(
        "--resume",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="go on with the search in OUT, where there is one of the same notes and settings; or "
        "remove it and begin anew (default: go on)",
    )


def _tune(args: argparse.Namespace) -> int:
    from clinnlp.study.training import read_training

    check_apart([args.out], [*args.train, *args.dev])
    tune = resolve_name(f"clinnlp.study.tune:{_TUNE[args.task]}")
    kind = resolve_name(TASKS[args.task][1])
    notes = read_training(
        args.task, args.train, args.dev, drop=args.drop_overlap, **reading_of(args)
    )
    found = tune(
        notes.train,
        dev=notes.dev,
        encoder=args.encoder,
        out=args.out,
        minutes=args.minutes,
        trials=args.trials,
        search=args.search,
        settings=settings_of(args, kind),
        resume=args.resume,
    )
    for source in notes.sources:
        tell_of_notes(source)
    for line in found.lines():
        say(line)
    return 0

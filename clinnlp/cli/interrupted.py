"""What is said of a command that was interrupted: what is kept, and the command that goes on."""

import argparse
import shlex
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

__all__ = ["Kept", "kept_search", "kept_training", "told_when_interrupted"]

_SEARCH = "search.sqlite"  # of `clinnlp.study.tune_store`, which is heavy to import


class Kept(NamedTuple):
    """What is left of a command, and the flags with which it goes on."""

    what: str
    flags: tuple[str, ...] = ()


@contextmanager
def told_when_interrupted(args: argparse.Namespace, typed: Sequence[str] | None) -> Iterator[None]:
    """Give a `KeyboardInterrupt` of the block the sentence to say as its message.

    Parameters
    ----------
    args : Namespace
        Its ``kept``, where a command can go on, returns of `args` what is kept, or None.
    typed : sequence of str, optional
        The words of the command; None for those of this process.
    """
    try:
        yield
    except KeyboardInterrupt as stop:
        kept = args.kept(args) if "kept" in args else None
        words = [*_words(typed), *(kept.flags if kept else ())]
        said = (
            f"{kept.what}, go on with" if kept else "nothing of it can be resumed, begin anew with"
        )
        stop.args = (f"interrupted; {said}: {shlex.join(words)}",)
        raise


def kept_training(args: argparse.Namespace) -> Kept | None:
    """Return the checkpoint of a training into ``args.out``."""
    out = Path(args.out)
    folder = out.with_name(f"{out.name}-checkpoint")
    if not folder.is_dir():
        return None
    return Kept(f"the training so far is kept in {folder}", _going_on(args))


def kept_search(args: argparse.Namespace) -> Kept | None:
    """Return the search of settings in ``args.out``."""
    if not Path(args.out, _SEARCH).is_file():
        return None
    return Kept(f"the search so far is kept in {args.out}", _going_on(args))


def _going_on(args: argparse.Namespace) -> tuple[str, ...]:
    return () if getattr(args, "resume", True) else ("--resume",)


def _words(typed: Sequence[str] | None) -> list[str]:
    """Return a command as it was typed, with the program."""
    if typed is not None:
        return ["clinnlp", *typed]
    program = Path(sys.argv[0])
    if program.name == "__main__.py":  # python -m clinnlp.cli
        return list(sys.orig_argv)
    by_name = shutil.which(program.name) == str(program)
    return [program.name if by_name else str(program), *sys.argv[1:]]

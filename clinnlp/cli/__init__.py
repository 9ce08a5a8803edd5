"""The command line: words from a terminal to study functions.

Exit codes: 0 done, 1 failed at run time (full disk, a pipe that failed), 2 bad usage or input, 141
nobody reads the output any more, 128 and the number of the signal where one ended the command (130:
SIGINT, 143: SIGTERM). An exception that no one foresaw is one sentence too: its type and place,
never its message, which may quote a note.
"""

import argparse
import errno
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any, NoReturn

from clinnlp import __version__
from clinnlp.cli.deidentify import add_audit, add_deidentify
from clinnlp.cli.demo import add_demo
from clinnlp.cli.drift import add_drift
from clinnlp.cli.formats import add_convert, add_diff, add_inspect
from clinnlp.cli.interrupted import told_when_interrupted
from clinnlp.cli.mine import add_mine, add_mine_genes, add_mine_labels
from clinnlp.cli.models import add_export, add_fine_tune, add_next, add_pretrain
from clinnlp.cli.notes import add_extract, add_score, add_watch
from clinnlp.cli.review import (
    add_review_agreement,
    add_review_check,
    add_review_create,
    add_review_export,
    add_review_learn,
    add_review_release,
    add_review_serve,
    add_review_user,
    add_review_verdicts,
)
from clinnlp.cli.risk import add_risk, add_risk_apply, add_risk_survival
from clinnlp.cli.serve import add_serve
from clinnlp.cli.signals import ended_by_signals
from clinnlp.cli.terminal import is_hung_up, show_traceback, streams, warn
from clinnlp.cli.tune import add_tune
from clinnlp.core.errors import ClinnlpError, PipeError, RunError, where_raised
from clinnlp.core.installed import missing_of
from clinnlp.core.modes import group_readable
from clinnlp.core.visible import visible

__all__ = ["main"]

COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "fine-tune": (add_fine_tune, "fine-tune a BERT encoder on annotated notes"),
    "tune": (add_tune, "search the settings of a fine-tuning, by its selection notes"),
    "next": (add_next, "choose the notes to annotate next"),
    "pretrain": (add_pretrain, "teach an encoder the language of your own notes"),
    "export": (add_export, "write a fine-tuned model as ONNX, on wish in 8-bit integers"),
    "extract": (add_extract, "extract entities with their assertion from notes"),
    "deidentify": (add_deidentify, "take identifiers out of notes, and move their dates"),
    "deidentify audit": (add_audit, "say how much may be left, from notes that were reviewed"),
    "watch": (add_watch, "extract from notes as they arrive in a folder, each once"),
    "drift": (add_drift, "say what has moved in notes from one period to the next"),
    "score": (add_score, "score predicted entities against gold"),
    "risk": (add_risk, "train and score risk models, by patient"),
    "risk apply": (add_risk_apply, "score new patients with a kept risk model"),
    "risk survival": (add_risk_survival, "train and score models of time to event, by patient"),
    "mine": (add_mine, "mine drug rules and interaction signals"),
    "mine genes": (add_mine_genes, "find variants with diseases, and star alleles with drugs"),
    "mine labels": (add_mine_labels, "make a table of what drug labels state, for mine --known"),
    "convert": (add_convert, "convert annotated notes between formats"),
    "inspect": (add_inspect, "count what notes hold, and say what looks wrong in them"),
    "diff": (add_diff, "compare two annotations of the same notes, mention by mention"),
    "serve": (add_serve, "answer other programs over HTTP: mentions from notes"),
    "review create": (add_review_create, "make a project of notes that people judge"),
    "review user": (add_review_user, "let a person judge"),
    "review serve": (add_review_serve, "show the page on which people judge"),
    "review learn": (add_review_learn, "fine-tune on what was judged, beside what suggests now"),
    "review release": (add_review_release, "give back the notes that a person has not done"),
    "review export": (add_review_export, "write what was judged, in any format of notes"),
    "review verdicts": (add_review_verdicts, "write what people think of mined rules"),
    "review agreement": (add_review_agreement, "say how far people agree, and how long they take"),
    "review check": (add_review_check, "find judgements that were altered or removed"),
    "demo": (add_demo, "run the whole flow on synthetic notes, from text to report"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code.

    With ``--debug`` anywhere among the words, or the variable CLINNLP_DEBUG set, a failure shows
    where it comes from as well.
    """
    words, debug = _without_debug(sys.argv[1:] if argv is None else list(argv))
    if " ".join(words[:2]) in COMMANDS:  # a command of two words
        words = [" ".join(words[:2]), *words[2:]]
    with streams():
        try:
            args = _parser(words).parse_args(words)
            with told_when_interrupted(args, argv), ended_by_signals(), _readers(args):
                code = int(args.command(args))
            sys.stdout.flush()
        except SystemExit:
            raise
        except BaseException as error:  # code in Rust panics with a BaseException
            if debug:
                show_traceback()
            return _failed(error)
    return code


def _readers(args: argparse.Namespace) -> AbstractContextManager[None]:
    return group_readable(getattr(args, "group_readable", False))


def _failed(error: BaseException) -> int:
    """Say in one sentence why a command failed, and return its exit code."""
    broken = isinstance(error, BrokenPipeError) or os.strerror(errno.EPIPE) in str(error)
    if broken and is_hung_up():  # as `head` does, after its lines
        return 141
    if isinstance(error, ModuleNotFoundError):
        error = missing_of(error)
    if isinstance(error, KeyboardInterrupt):
        warn(str(error) or "interrupted")
        return int(getattr(error, "code", 130))  # a signal's own, see `cli.signals`
    if isinstance(error, ClinnlpError):
        warn(error)
        return 1 if isinstance(error, RunError | PipeError) else 2
    warn(_unforeseen(error))
    return 1


def _unforeseen(error: BaseException) -> str:
    """Return the sentence for what the machine did, or for what no one foresaw."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename or 'input/output'}: {error.strerror}"
    if isinstance(error, ImportError) and error.name:
        return f"the package {error.name!r} must be there whole, got none; install clinnlp again"
    place = where_raised(error)
    if isinstance(error, MemoryError):
        return f"memory must be enough, got a MemoryError{place}; give less at a time"
    return (
        f"an unexpected {type(error).__name__}{place} of clinnlp {__version__}; please "
        "report this line, without text of notes; --debug shows the traceback, which may hold "
        "private text"
    )


def _without_debug(words: list[str]) -> tuple[list[str], bool]:
    """Return the words of a command but --debug, and whether that is wished."""
    n = words.index("--") if "--" in words else len(words)
    kept = [word for word in words[:n] if word != "--debug"]
    wished = os.environ.get("CLINNLP_DEBUG", "") not in ("", "0")
    return kept + words[n:], wished or len(kept) < n


class _Parser(argparse.ArgumentParser):
    """A parser whose errors show hidden characters, and whose help names what all commands take."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.add_argument(  # taken by `main` before
            "--debug",
            action="store_true",
            help="where a command fails, show the traceback, which may hold private text; also "
            "with CLINNLP_DEBUG=1",
        )

    def error(self, message: str) -> NoReturn:
        super().error(visible(message))


def _parser(words: Sequence[str]) -> argparse.ArgumentParser:
    parser = _Parser(
        prog="clinnlp", description="From clinical notes to calibrated risks and audited rules."
    )
    parser.add_argument("--version", action="version", version=f"clinnlp {__version__}")
    sub = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = words[0] if words else ""
    for name, (add, line) in COMMANDS.items():
        one = sub.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == wanted:  # settings live beside heavy code: read only those that are asked for
            add(one)
    return parser

"""The command line: words from a terminal to study functions.

Exit codes: 0 done, 1 failed at run time (full disk, a pipe that failed), 2 bad usage or input.
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from clinnlp import __version__
from clinnlp.cli.demo import add_demo
from clinnlp.cli.formats import add_convert, add_diff, add_inspect
from clinnlp.cli.mine import add_mine
from clinnlp.cli.models import add_export, add_fine_tune, add_next, add_pretrain
from clinnlp.cli.notes import add_extract, add_score
from clinnlp.cli.risk import add_risk, add_risk_apply
from clinnlp.core.errors import ClinnlpError, PipeError, RunError

__all__ = ["main"]

COMMANDS: dict[str, tuple[Callable[[argparse.ArgumentParser], None], str]] = {
    "fine-tune": (add_fine_tune, "fine-tune a BERT encoder on annotated notes"),
    "next": (add_next, "choose the notes to annotate next"),
    "pretrain": (add_pretrain, "teach an encoder the language of your own notes"),
    "export": (add_export, "write a fine-tuned model as ONNX, on wish in 8-bit integers"),
    "extract": (add_extract, "extract entities with their assertion from notes"),
    "score": (add_score, "score predicted entities against gold"),
    "risk": (add_risk, "train and score risk models, by patient"),
    "risk apply": (add_risk_apply, "score new patients with a kept risk model"),
    "mine": (add_mine, "mine drug rules and interaction signals"),
    "convert": (add_convert, "convert annotated notes between formats"),
    "inspect": (add_inspect, "count what notes hold, and say what looks wrong in them"),
    "diff": (add_diff, "compare two annotations of the same notes, mention by mention"),
    "demo": (add_demo, "run the whole flow on synthetic notes, from text to report"),
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    argv = sys.argv[1:] if argv is None else list(argv)
    if " ".join(argv[:2]) in COMMANDS:  # a command of two words
        argv = [" ".join(argv[:2]), *argv[2:]]
    args = _parser(argv).parse_args(argv)
    try:
        return int(args.command(args))
    except (RunError, PipeError) as error:
        return _fail(error, 1)
    except ClinnlpError as error:
        return _fail(error, 2)
    except OSError as error:
        return _fail(f"{error.filename or 'input/output'}: {error.strerror}", 1)
    except KeyboardInterrupt:
        return _fail("interrupted; what was finished is kept, run the same command to resume", 130)


def _fail(error: object, code: int) -> int:
    print(f"clinnlp: {error}", file=sys.stderr)
    return code


def _parser(argv: Sequence[str]) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="clinnlp", description="From clinical notes to calibrated risks and audited rules."
    )
    parser.add_argument("--version", action="version", version=f"clinnlp {__version__}")
    sub = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    wanted = argv[0] if argv else ""
    for name, (add, line) in COMMANDS.items():
        one = sub.add_parser(name, help=line, description=line[0].upper() + line[1:] + ".")
        if name == wanted:  # settings live beside heavy code: read only those that are asked for
            add(one)
    return parser

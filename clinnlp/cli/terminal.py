"""What commands say: one line at a time, hidden characters written out (`core.visible`).

Results go to standard output, all else to standard error. Streams that were closed before the
start are opened on nothing: else the first file opened would take their place, and what is said
would be written into it. A stream that has no sign for a character writes its number.
"""

import io
import os
import select
import sys
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from clinnlp.core.visible import visible

__all__ = ["is_hung_up", "say", "show_traceback", "streams", "warn"]

_FILES = (("stdin", "r"), ("stdout", "w"), ("stderr", "w"))


def say(*cells: object, aside: bool = False) -> None:
    """Say a line on standard output, or aside of it; several cells are set apart by tabs."""
    file = sys.stderr if aside else sys.stdout
    print(*(visible(str(cell)) for cell in cells), sep="\t", file=file)


def warn(*lines: object) -> None:
    """Say lines on standard error, the first with the name of the program."""
    for k, line in enumerate(lines):
        _whisper(f"{'' if k else 'clinnlp: '}{visible(str(line))}\n")


def show_traceback() -> None:
    """Show on standard error where the exception that is being handled comes from."""
    _whisper(visible(traceback.format_exc(), keep="\n"))


def _whisper(text: str) -> None:
    with suppress(OSError):  # what a command is worth does not hang on who hears of it
        print(text, end="", file=sys.stderr)


@contextmanager
def streams() -> Iterator[None]:
    """Make the three streams usable, and say warnings as all else is said."""
    for number, (name, mode) in enumerate(_FILES):
        _open_if_closed(number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115
    said = [s for s in (sys.stdout, sys.stderr) if isinstance(s, io.TextIOWrapper)]
    before = [stream.errors for stream in said]
    for stream in said:
        stream.reconfigure(errors="backslashreplace")
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        _let_go()
        for stream, errors in zip(said, before, strict=True):
            with suppress(ValueError):  # closed by the command
                stream.reconfigure(errors=errors)


def is_hung_up() -> bool:
    """Return whether standard output is a pipe that nobody reads any more."""
    with suppress(OSError, ValueError, AttributeError):  # no pipe, or a system without `poll`
        poll = select.poll()
        poll.register(sys.stdout.fileno(), 0)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    return False


def _open_if_closed(number: int) -> None:
    try:
        os.fstat(number)
    except OSError:
        with suppress(OSError):
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    warn(f"warning: {message}")


def _let_go() -> None:
    """Write what is left for standard output; where that fails, not once more at the end."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with suppress(OSError, ValueError):  # ValueError: no file of the system, as in a notebook
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""Readers that do what no reader may, each in one way: the harness must catch all of them."""

import argparse
import gc
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from unittest.mock import patch

import numpy as np

from clinnlp.cli import COMMANDS
from clinnlp.core.errors import DataError
from tests.common.format_samples import CANARY
from tests.fuzz.readers import Place, Target, tell

__all__ = ["CAUGHT", "LOST", "PLANTED"]


def _raises(place: Place) -> None:
    raise KeyError("a plain one")


def _quotes(place: Place) -> None:
    raise DataError(f"got {CANARY}")


def _hides(place: Place) -> None:
    try:
        int(CANARY)
    except ValueError:
        raise DataError("a number must be one") from None  # its context still quotes


def _decodes(place: Place) -> None:
    try:
        b"\xff".decode()
    except UnicodeDecodeError:
        raise DataError("text must be UTF-8") from None


def _lists(place: Place) -> list[Exception]:
    return [DataError(CANARY)]


def _prints(place: Place) -> None:
    os.write(1, CANARY.encode())


def _warns(place: Place) -> None:
    warnings.warn(CANARY, stacklevel=1)


def _logs(place: Place) -> None:
    logging.getLogger("clinnlp").debug(CANARY)


def _is_a_fault(place: Place) -> None:
    with patch.dict(COMMANDS, {"inspect": (_add_broken, "fail")}):
        tell("inspect")


def _add_broken(parser: argparse.ArgumentParser) -> None:
    parser.set_defaults(command=_raises)


def _colours(place: Place) -> None:
    sys.stdout.write("\x1b[31m")


class _Unraisable:
    def __del__(self) -> None:
        raise ValueError("nobody sees this one")


def _fails_in_silence(place: Place) -> None:
    one = _Unraisable()
    del one
    gc.collect()


def _leaves_temporary(place: Place) -> None:
    (place.out.parent / "tmp" / "left").write_text("x")


def _leaves_hidden(place: Place) -> None:
    (place.out / ".o.csv.part").write_text("x")


def _leaves_half(place: Place) -> None:
    (place.out / "o.csv").write_text(CANARY)
    raise DataError("the second note is wrong")


def _changes_input(place: Place) -> None:
    (place.out.parent / "in" / "new").write_text("x")


class _Long(DataError):
    def __str__(self) -> str:  # that of the library writes a line end out
        return "one\ntwo"


def _says_two_lines(place: Place) -> None:
    raise _Long("one")


def _spins(place: Place) -> None:
    while True:
        sum(range(1000))


def _sleeps(place: Place) -> None:
    time.sleep(3600)


def _aborts(place: Place) -> None:
    os.abort()


def _takes_memory(place: Place) -> None:
    np.ones(5 * 2**25)  # of 8 bytes: 1.25 GiB


Faulty = Callable[[Place], object]
CAUGHT: dict[Faulty, str] = {
    _raises: "raised KeyError",
    _quotes: "text in DataError",
    _hides: "text in ValueError of DataError",
    _decodes: "text in UnicodeDecodeError",
    _lists: "text in DataError",
    _prints: "text in stdout",
    _warns: "text in stderr",
    _logs: "text in log",
    _is_a_fault: "unexpected KeyError",
    _colours: "control characters in stdout",
    _fails_in_silence: "traceback in stderr",
    _leaves_temporary: "left in tmp",
    _leaves_hidden: "left in out",
    _leaves_half: "text in what a refusal left",
    _changes_input: "the input was changed",
    _says_two_lines: "a message of several lines",
}
LOST: dict[Faulty, str] = {
    _spins: "hang: more than",
    _sleeps: "hang: asleep",
    _aborts: "died with exit code -6",
}
PLANTED = {
    "fine": Target(("jsonl-",), (lambda place: place.source.read_bytes(),)),
    **{one.__name__: Target(("jsonl-",), (one,)) for one in (*CAUGHT, *LOST, _takes_memory)},
}

"""Compiling a kernel: numba without the interpreter lock, and where the machine code is kept.

A kernel is compiled when it is first called and kept in ``__pycache__`` beside its file, where
Python keeps its own compiled code; the next process loads it in milliseconds. Where that folder
cannot be written (or Python was told to write no bytecode), each process compiles anew: nothing is
ever written to a hidden folder in the home directory, numba's own default. ``NUMBA_CACHE_DIR``
names another folder.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import intrinsic

__all__ = ["compiled", "compiled_for_vectors", "popcount"]

F = TypeVar("F", bound=Callable[..., Any])

# What may change a last digit but nothing else: sums in another order, one rounding for a·b + c.
_REORDERED = {"nsz", "reassoc", "contract", "arcp"}


def compiled(function: F) -> F:
    """Return `function` compiled to machine code that runs without the interpreter lock."""
    return _made(function, fastmath=False)


def compiled_for_vectors(function: F) -> F:
    """Return `function` compiled as by `compiled`, its sums of floats in any order."""
    return _made(function, fastmath=_REORDERED)


def _made(function: F, **options: Any) -> F:
    made: F = numba.njit(nogil=True, cache=_kept(function), boundscheck=False, **options)(function)
    return made


def _kept(function: Callable[..., Any]) -> bool:
    if os.environ.get("NUMBA_CACHE_DIR"):
        return True
    beside = Path(function.__code__.co_filename).parent
    folder = beside / "__pycache__"
    writable = os.access(folder if folder.is_dir() else beside, os.W_OK)
    return writable and not sys.dont_write_bytecode


@intrinsic  # type: ignore[untyped-decorator]
def popcount(context: Any, word: Any) -> Any:  # noqa: ARG001
    """Return the number of ones in a 64-bit word (inside a kernel only)."""

    def generate(_: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), generate

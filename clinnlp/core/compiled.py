"""Compiling a kernel: numba without the interpreter lock, and machine code that is found again.

A kernel is compiled when it is first called and kept where `clinnlp.core.kernel_folders` says; the
next process loads it in milliseconds. Each file ends with the hash of what stands in it. A file
that is cut short, or is not what it was, is no file: the kernel is compiled again, as it is where
nothing can be kept. Files are replaced as a whole, so that processes may start at once.
"""

import hashlib
import io
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numba
from numba import types
from numba.core.caching import CompileResultCacheImpl, FunctionCache, IndexDataCacheFile
from numba.core.caching import _CacheLocator as CacheLocator
from numba.extending import intrinsic

from clinnlp.core.kernel_folders import kernel_folder, kernel_key, tell_unkept

__all__ = ["compiled", "compiled_for_vectors", "popcount"]

F = TypeVar("F", bound=Callable[..., Any])

# What may change a last digit but nothing else: sums in another order, one rounding for a·b + c.
_REORDERED = {"nsz", "reassoc", "contract", "arcp"}
_SEAL = hashlib.sha256().digest_size


def compiled(function: F) -> F:
    """Return `function` compiled to machine code that runs without the interpreter lock."""
    return _made(function, fastmath=False)


def compiled_for_vectors(function: F) -> F:
    """Return `function` compiled as by `compiled`, its sums of floats in any order."""
    return _made(function, fastmath=_REORDERED)


def _made(function: F, **options: Any) -> F:
    made: Any = numba.njit(nogil=True, boundscheck=False, **options)(function)
    source = Path(function.__code__.co_filename)
    folder = kernel_folder(source) if source.is_file() else None
    if folder is not None:
        made._cache = _Kernels(function, source, folder)  # where numba looks
    kernel: F = made
    return kernel


class _Kernels(FunctionCache):  # type: ignore[misc]
    """The kept machine code of one function, as numba keeps it, in one folder."""

    def __init__(self, function: Callable[..., Any], source: Path, folder: Path) -> None:
        self._name, self._py_func = repr(function), function
        self._impl = _Kept(function, source, folder)
        self._cache_path = str(folder)
        self._cache_file = _Sealed(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=self._impl.locator.get_source_stamp(),
        )
        self.enable()

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # whatever is wrong with a file: compile again
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        try:
            super().save_overload(sig, data)
        except OSError:  # a full disk, or a folder that may only be read
            tell_unkept()


class _Kept(CompileResultCacheImpl):  # type: ignore[misc]
    """What numba asks of a function: its folder and the names of its files."""

    def __init__(self, function: Callable[..., Any], source: Path, folder: Path) -> None:
        self._lineno = function.__code__.co_firstlineno
        self._locator = _Place(source, folder)
        name = f"{source.stem}.{function.__qualname__}".replace("<", "").replace(">", "")
        self._filename_base = f"{name}.{sys.implementation.cache_tag}"


class _Place(CacheLocator):  # type: ignore[misc]
    """The folder of a function's files, and what they must have been made of."""

    def __init__(self, source: Path, folder: Path) -> None:
        self._py_file, self._folder = str(source), str(folder)
        self._key = kernel_key(source)

    def get_cache_path(self) -> str:
        return self._folder

    def get_source_stamp(self) -> str:
        return self._key

    def get_disambiguator(self) -> str:
        return ""


class _Sealed(IndexDataCacheFile):  # type: ignore[misc]
    """A file for each signature and processor, without numba's index, which two writers can cross.

    It ends with the hash of what stands before it; numba reads no further than its own.
    """

    def __init__(self, *, cache_path: str, filename_base: str, source_stamp: str) -> None:
        super().__init__(cache_path, filename_base, source_stamp)
        self._base = filename_base

    def flush(self) -> None:
        """Leave what is there: it is replaced when it is made anew."""

    def save(self, key: Any, data: Any) -> None:
        self._save_data(self._named(key), (self._source_stamp, key, data))

    def load(self, key: Any) -> Any:
        name = self._named(key)
        if not _is_whole(Path(self._data_path(name))):
            return None
        stamp, of, data = self._load_data(name)
        return data if (stamp, of) == (self._source_stamp, key) else None

    def _named(self, key: Any) -> str:
        signature, processor, _ = key
        told = hashlib.sha256(repr((signature, processor)).encode()).hexdigest()
        return f"{self._base}.{told[:16]}.nbc"

    @contextmanager
    def _open_for_write(self, filepath: str) -> Iterator[io.BytesIO]:
        held = io.BytesIO()
        yield held
        with super()._open_for_write(filepath) as file:
            file.write(held.getvalue() + hashlib.sha256(held.getvalue()).digest())


def _is_whole(path: Path) -> bool:
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return hashlib.sha256(data[:-_SEAL]).digest() == data[-_SEAL:]


@intrinsic  # type: ignore[untyped-decorator]
def popcount(context: Any, word: Any) -> Any:  # noqa: ARG001
    """Return the number of ones in a 64-bit word (inside a kernel only)."""

    def generate(_: Any, builder: Any, signature: Any, values: Any) -> Any:  # noqa: ARG001
        return builder.ctpop(values[0])

    return types.uint64(types.uint64), generate

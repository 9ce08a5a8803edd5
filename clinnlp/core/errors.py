"""Every error of the library, as one tree.

    ClinnlpError
    ├── ArgumentError (ValueError)      a caller passed something unusable
    ├── DataError (ValueError)          a file or a record is wrong: file:line, note id, offsets
    │   └── OffsetError                 a span does not lie inside its text
    ├── LeakageError (ValueError)       evaluation data in training, or the future in the past
    ├── StoreError (ValueError)         a saved model or table is missing, broken or too new
    ├── PipeError (RuntimeError)        a pipe failed on a note; names pipe and note id
    ├── RunError (RuntimeError)         the machine failed: disk full, no permission
    └── MissingExtra (ImportError)      an optional package is absent; carries the pip line

A message is one sentence, *what* of *whom* must be *this*, got *that*; then the fix.
No message holds note text: offsets, ids, files and lines only. What Python or a library raises may
hold it (``JSONDecodeError.doc``, the `ValueError` of a cell), so such an error is not kept as cause
or context of ours either: `instead_of` raises in its place. A file, a label or an id that is named
may be hostile: `core.visible` writes its hidden characters out.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from traceback import walk_tb
from types import TracebackType
from typing import Any

from clinnlp.core.visible import visible

__all__ = [
    "ArgumentError",
    "ClinnlpError",
    "DataError",
    "LeakageError",
    "MissingExtra",
    "OffsetError",
    "PipeError",
    "RunError",
    "StoreError",
    "instead_of",
    "located",
    "where_raised",
]


class ClinnlpError(Exception):
    """Base of every error raised on purpose by clinnlp; its words show hidden characters.

    Examples
    --------
    >>> try:
    ...     raise StoreError("a model folder must exist, got none")
    ... except ClinnlpError as error:
    ...     print(type(error).__name__, error)
    StoreError a model folder must exist, got none
    """

    def __str__(self) -> str:
        return visible(super().__str__())


class ArgumentError(ClinnlpError, ValueError):
    """An argument is out of range, of the wrong type, or does not go with another one.

    Examples
    --------
    >>> raise ArgumentError("epochs must be at least 1, got 0")
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: epochs must be at least 1, got 0
    """


class DataError(ClinnlpError, ValueError):
    """A file or a record is wrong.

    Parameters
    ----------
    message : str
        One sentence without note text.
    path : str or Path, optional
        File at fault.
    line : int, optional
        1-based line in `path`.
    note : str, optional
        Id of the note at fault.
    of_encoding : bool
        Bytes are not of the encoding that was said: a fault of the whole file, unless other text in
        it is of that encoding.

    Examples
    --------
    >>> str(DataError("end offset must be at most 10, got 12", path="a.txt", line=3))
    'a.txt:3: end offset must be at most 10, got 12'
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | Path | None = None,
        line: int | None = None,
        note: str | None = None,
        of_encoding: bool = False,
    ) -> None:
        self.message, self.path, self.line, self.note = message, path, line, note
        self.of_encoding = of_encoding
        where = "" if path is None else f"{path}:{line}: " if line is not None else f"{path}: "
        whom = "" if note is None else f"note {note!r}: "
        super().__init__(f"{where}{whom}{message}")

    def at(self, path: str | Path, line: int | None = None) -> "DataError":
        """Return the same error, located in a file (unless it already is)."""
        if self.path is not None:
            return self
        made = type(self)(self.message, path=path, line=line, note=self.note)
        made.of_encoding = self.of_encoding
        return made


class OffsetError(DataError):
    """A span does not lie inside its text, or its text is not what the file says.

    Examples
    --------
    >>> raise OffsetError("end offset must be at most 10, got 12", note="n1")
    Traceback (most recent call last):
    clinnlp.core.errors.OffsetError: note 'n1': end offset must be at most 10, got 12
    """


class LeakageError(ClinnlpError, ValueError):
    """Evaluation data would be seen in training, or a feature would look past its index time.

    Examples
    --------
    >>> raise LeakageError("no note of dev may stand in train, got 1")
    Traceback (most recent call last):
    clinnlp.core.errors.LeakageError: no note of dev may stand in train, got 1
    """


class StoreError(ClinnlpError, ValueError):
    """A saved artefact is missing, incomplete, damaged, or of a version this one cannot read.

    Examples
    --------
    >>> raise StoreError("a model folder must exist, got none")
    Traceback (most recent call last):
    clinnlp.core.errors.StoreError: a model folder must exist, got none
    """


class PipeError(ClinnlpError, RuntimeError):
    """A pipe failed on a note; the message names the pipe, the note id and the error type.

    Examples
    --------
    >>> raise PipeError("pipe Lookup failed on note 'n1' with a ValueError")
    Traceback (most recent call last):
    clinnlp.core.errors.PipeError: pipe Lookup failed on note 'n1' with a ValueError
    """


class RunError(ClinnlpError, RuntimeError):
    """The machine failed at run time, for example a full disk; nothing half-written is left.

    Examples
    --------
    >>> raise RunError("the disk must have room, got none left")
    Traceback (most recent call last):
    clinnlp.core.errors.RunError: the disk must have room, got none left
    """


class MissingExtra(ClinnlpError, ImportError):
    """A package is not installed: an optional one, or one that a small install leaves out.

    Parameters
    ----------
    package : str
        Its name in the index.
    extra : str, optional
        Extra of clinnlp that brings it; absent: a whole install does.

    Examples
    --------
    >>> str(MissingExtra("pyspark", extra="spark"))
    "the package 'pyspark' is needed here and not installed: pip install 'clinnlp[spark]'"
    """

    def __init__(self, package: str, *, extra: str | None = None) -> None:
        self._of = package, extra
        whole = "clinnlp" if extra is None else f"'clinnlp[{extra}]'"
        super().__init__(
            f"the package {package!r} is needed here and not installed: pip install {whole}"
        )

    def __reduce__(self) -> tuple[Any, ...]:  # a pool of processes breaks on what it cannot read
        package, extra = self._of
        return partial(type(self), extra=extra), (package,)


class instead_of:  # noqa: N801  (used in a with statement, and named like those of contextlib)
    """Raise an error of ours in place of a foreign one, which is forgotten.

    ``raise ... from None`` only hides the foreign error when it is printed; it stays in
    ``__context__``, where loggers and debuggers find it with the text that it quotes.

    Parameters
    ----------
    kinds : exception class, or tuple of them
        What is replaced; other errors pass.
    error : Exception, or function of the foreign error to one
        What is raised. A function may take a type's name or a line number from the foreign error,
        and is called only where there is one.

    Examples
    --------
    >>> try:
    ...     with instead_of(ValueError, DataError("an age must be a number", line=3)):
    ...         int("Jane Doe")
    ... except DataError as error:
    ...     error.__cause__, error.__context__
    (None, None)
    """

    __slots__ = ("_error", "_kinds")

    def __init__(
        self,
        kinds: type[BaseException] | tuple[type[BaseException], ...],
        error: Exception | Callable[[Any], Exception],
    ) -> None:
        self._kinds, self._error = kinds, error

    def __enter__(self) -> None:
        return None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        foreign: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if not isinstance(foreign, self._kinds):
            return
        failure = self._error if isinstance(self._error, Exception) else self._error(foreign)
        try:
            raise failure
        finally:  # raising sets the context, and leaving this block does not set it again
            failure.__cause__ = failure.__context__ = None


def located(path: str | Path, line: int | None = None) -> instead_of:
    """Return a block in which each `DataError` is said of this file, unless it names one.

    Examples
    --------
    >>> with located("a.tsv", 3):
    ...     raise DataError("a scope must be a number")
    Traceback (most recent call last):
    clinnlp.core.errors.DataError: a.tsv:3: a scope must be a number
    """
    return instead_of(DataError, lambda error: error.at(path, line))


def where_raised(error: BaseException) -> str:
    """Return the line of this library that an exception passed last, for a message; "" for none.

    It is what can be told of an exception that no one foresaw: its own words may quote a note.

    Examples
    --------
    >>> where_raised(ValueError("Jane Doe"))
    ''
    """
    frames = [(f.f_globals.get("__name__", ""), line) for f, line in walk_tb(error.__traceback__)]
    ours = [place for place in frames if place[0].startswith("clinnlp.")]
    return f" in {ours[-1][0]}, line {ours[-1][1]}" if ours else ""

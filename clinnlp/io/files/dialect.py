"""How a table of text is written: its separator, encoding, numbers and times.

What is not said is found by looking (`io.tables.looks`), where looking can tell; where it cannot,
as for the day and the month of 03/04/2024, the table is refused until it is said.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError
from clinnlp.io.files.lines import UTF_8, check_encoding

__all__ = ["EXCEL", "Dialect", "check_unsaid"]

EXCEL = "excel"
"""The form of a time that is a number of days, as Excel counts them."""

_NAMED = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    r"""How the text of a table is to be read.

    Parameters
    ----------
    sep : str, optional
        One character, or ``"tab"``; None: found by looking.
    encoding : str, optional
        Of the text, UTF-16 being known by its mark; None: UTF-8, or where the text is none,
        Windows-1252 if that gives words of western Europe.
    decimal : {",", "."}, optional
        What stands before the decimals; None: by each number, where it says so itself.
    time_format : tuple of str
        Forms of times in the words of `datetime.strptime`, or ``"excel"``, tried in this order
        before ISO 8601.
    day_first : bool, optional
        Whether 03/04/2024 is the third of April; None: such times are refused.

    Raises
    ------
    ArgumentError
        A value that is none of these.

    Examples
    --------
    >>> Dialect(sep="tab").sep, Dialect().encoding
    ('\t', 'utf-8')
    """

    sep: str | None = None
    encoding: str | None = UTF_8
    decimal: str | None = None
    time_format: tuple[str, ...] = ()
    day_first: bool | None = None

    def __post_init__(self) -> None:
        if self.sep is not None:
            object.__setattr__(self, "sep", _separator(self.sep))
        if self.encoding is not None:
            object.__setattr__(self, "encoding", check_encoding(self.encoding))
        if self.decimal is not None:
            check_one_of(self.decimal, (",", "."), name="decimal")
        if self.time_format and self.day_first is not None:
            raise ArgumentError("time_format and day_first both say what comes first: choose one")
        object.__setattr__(self, "time_format", tuple(self.time_format))
        for form in self.time_format:
            if form != EXCEL and "%" not in form:
                raise ArgumentError(
                    f"time_format must be in the words of strptime, such as %d.%m.%Y, or "
                    f"{EXCEL}, got {form!r}"
                )

    @property
    def said(self) -> tuple[str, ...]:
        """Names of what was said, and is not left to looking.

        Examples
        --------
        >>> Dialect(decimal=",").said, Dialect().said
        (('decimal',), ())
        """
        told = {
            "sep": self.sep is not None,
            "encoding": self.encoding not in (None, UTF_8),
            "decimal": self.decimal is not None,
            "time_format": bool(self.time_format),
            "day_first": self.day_first is not None,
        }
        return tuple(name for name, is_said in told.items() if is_said)


def check_unsaid(said: Sequence[str], what: str) -> None:
    """Raise `ArgumentError` where something was said of tables that have a form of their own.

    Examples
    --------
    >>> check_unsaid([], "a record of OMOP")
    """
    if said:
        raise ArgumentError(
            f"{what} must be read in its own form, got {', '.join(said)}; leave that out, and "
            "write its tables in UTF-8 with numbers like 9.5 and times like 2024-12-31"
        )


def _separator(said: str) -> str:
    sep = _NAMED.get(said.lower(), said)
    if len(sep) != 1 or sep.isalnum() or sep in "\"'\r\n .":
        raise ArgumentError(f"sep must be one mark, such as ; or tab, got {said!r}")
    return sep

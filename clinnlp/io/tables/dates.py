"""Times as tables write them, beside ISO 8601 (`core.times.read_time`).

Forms of one meaning are read as they are: 2024/03/01, 01.03.2024, 01MAR2024 (SAS: 01MAR2024:08:30),
1-Mar-2024, 202403010830 (HL7), each with hours and minutes behind it or without. Of 03/04/2024 and
03-04-2024 nobody can tell what comes first: they are refused until `day_first` or `time_format`
says it. A number of days, as Excel keeps times, is read where `time_format` is ``"excel"``.
"""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from clinnlp.core.times import AmbiguousTimeError, read_time
from clinnlp.io.files.dialect import EXCEL, Dialect
from clinnlp.io.tables.numbers import number_from_text

__all__ = ["AmbiguousTimeError", "TimeReader", "time_fault", "time_reader"]

TimeReader = Callable[[str], datetime]

_EXTENDED = re.compile(r"\d{4}-\d\d")
_EXCEL_ZERO = datetime(1899, 12, 30)
_EXCEL_FIRST, _EXCEL_LAST = 61, 2_958_466  # before, 1900 is a leap year there
_SECONDS = 86_400  # of a day


def time_reader(dialect: Dialect) -> TimeReader:
    """Return what reads one time, with its zone where it has one.

    It raises `ValueError` for another form, and `AmbiguousTimeError` for one of two meanings; the
    message may quote the text.

    Examples
    --------
    >>> str(time_reader(Dialect())("01.03.2024 8:30")), str(time_reader(Dialect())("01MAR2024"))
    ('2024-03-01 08:30:00', '2024-03-01 00:00:00')
    >>> str(time_reader(Dialect(day_first=False))("03/04/2024 01:05 PM"))
    '2024-03-04 13:05:00'
    >>> str(time_reader(Dialect(time_format=("excel",)))("45352,5"))
    '2024-03-01 12:00:00'
    """
    if dialect.time_format:
        return lambda text: _by_format(text.strip(), dialect.time_format)
    return partial(read_time, day_first=dialect.day_first)


def time_fault(error: Exception, must: str, column: str | None = None) -> str:
    """Return what to say of a time that cannot be read, of which `must` says what it should be."""
    got = "" if column is None else f" in column {column!r}"
    if isinstance(error, AmbiguousTimeError):
        return (
            f"{must}, or one that says what comes first, day or month, got a form such as "
            f"03/04/2024{got}; say day_first (--day-first, --no-day-first) or time_format "
            "(--time-format %d/%m/%Y)"
        )
    return (
        f"{must} such as 2024-03-01T08:00:00, or 01.03.2024 or 01MAR2024, got another form{got}; "
        "say time_format (--time-format), such as %m/%d/%Y %I:%M %p, or excel for numbers of days"
    )


def _by_format(text: str, forms: tuple[str, ...]) -> datetime:
    for form in forms:
        try:
            return _of_excel(text) if form == EXCEL else datetime.strptime(text, form)
        except ValueError:
            pass
    if _EXTENDED.match(text):  # which no other form is taken for
        return datetime.fromisoformat(text)
    raise ValueError


def _of_excel(text: str) -> datetime:
    days = number_from_text(text, "," if "," in text else ".")
    if not _EXCEL_FIRST <= days < _EXCEL_LAST:
        raise ValueError
    return _EXCEL_ZERO + timedelta(seconds=round(days * _SECONDS))  # Excel keeps no more

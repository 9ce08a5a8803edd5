"""Dates as notes write them: which part is the year, the month and the day, and in what form.

A date that is moved must look as it did. So what is read keeps its form, a template such as
``"{M}/{D}/{YYYY}"`` or ``"{Month} {Dth}, {YYYY}"``, and `write_date` fills it again.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from clinnlp.text.identifier_lexicon import lexicon

__all__ = ["DateParts", "read_date", "write_date"]

DAY_FIRST = {"en": False, "es": True}
CENTURY = 50  # two digits below are of this century's, from it of the last one's
_PIECE = re.compile(r"\d+|[^\W\d_]+\.?|.", re.DOTALL)
_ORDINAL = ("st", "nd", "rd", "th")


class DateParts(NamedTuple):
    """A date as read: its parts, None where it has none, and its form."""

    year: int | None
    month: int | None
    day: int | None
    form: str


def read_date(
    text: str, language: str = "en", *, day_first: bool | None = None
) -> DateParts | None:
    """Return the parts of a date, or None where `text` is none that can be moved.

    Parameters
    ----------
    text : str
        The mention alone; a range is two dates and none of them.
    language : str
        Whose names of months.
    day_first : bool, optional
        Whether ``3/4/2021`` is of April; that of the language where absent. A part over 12 tells.

    Examples
    --------
    >>> read_date("3/4/2021")
    DateParts(year=2021, month=3, day=4, form='{M}/{D}/{YYYY}')
    >>> read_date("March 4th, '21").form, read_date("4 de mayo de 2011", "es").month
    ("{Month} {D}{th}, '{YY}", 5)
    """
    months = _months(language)
    pieces = _PIECE.findall(text.strip())
    numbers = [(i, piece) for i, piece in enumerate(pieces) if piece.isdecimal()]
    named = [i for i, piece in enumerate(pieces) if piece.rstrip(".").lower() in months]
    if len(named) > 1 or not 0 < len(numbers) + len(named) <= 3:
        return None
    roles = _roles(numbers, pieces, bool(named), DAY_FIRST.get(language, True)
                   if day_first is None else day_first)  # fmt: skip
    if roles is None:
        return None
    if named:
        roles[named[0]] = "month"
    parts: dict[str, int] = {}
    form = []
    long, _ = _names(language)
    is_padded = any(pieces[i][0] == "0" for i, role in roles.items() if role != "year")
    for i, piece in enumerate(pieces):
        role = roles.get(i)
        if role is None:
            form.append("{th}" if _is_ordinal(pieces, roles, i) else _plain(piece))
            continue
        if role in parts:
            return None
        parts[role] = months.get(piece.rstrip(".").lower()) or _number(piece, role)
        form.append(_code(piece, role, long, is_padded))
    year, month, day = (parts.get(role) for role in ("year", "month", "day"))
    if not _is_date(year, month, day):
        return None
    return DateParts(year, month, day, "".join(form))


def write_date(parts: DateParts, new: date, language: str = "en") -> str:
    """Return another date in the form of one that was read.

    Parameters
    ----------
    parts : DateParts
        Of `read_date`.
    new : date
    language : str
        Whose names of months.

    Examples
    --------
    >>> write_date(read_date("Mar 4th, 2021"), date(2020, 12, 1))
    'Dec 1st, 2020'
    """
    long, short = _names(language)
    ordinal = "th" if 10 < new.day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(new.day % 10, "th")
    name, cut = long[new.month - 1], short[new.month - 1]
    values = {
        "YYYY": f"{new.year:04}", "YY": f"{new.year % 100:02}",
        "MM": f"{new.month:02}", "M": str(new.month), "DD": f"{new.day:02}", "D": str(new.day),
        "Month": name.capitalize(), "month": name.lower(), "MONTH": name.upper(),
        "Mon": cut.capitalize(), "mon": cut.lower(), "MON": cut.upper(), "th": ordinal,
        "{": "{", "}": "}",
    }  # fmt: skip
    return re.sub(r"\{(\w+|[{}])\}", lambda match: values[match[1]], parts.form)


def _roles(
    numbers: list[tuple[int, str]],
    pieces: list[str],
    has_month: bool,  # noqa: FBT001
    day_first: bool,  # noqa: FBT001
) -> dict[int, str] | None:
    """Return which number is the year, the month, the day, by its place."""
    n = len(numbers)
    at = [i for i, _ in numbers]
    widths = [len(piece) for _, piece in numbers]
    values = [int(piece) for _, piece in numbers]
    if has_month:
        if n == 0:
            return {}
        if n == 1:
            is_year = widths[0] == 4 or (at[0] > 0 and pieces[at[0] - 1] == "'") or values[0] > 31
            return {at[0]: "year" if is_year else "day"}
        order = ("year", "day") if widths[0] == 4 or values[0] > 31 else ("day", "year")
        return dict(zip(at, order, strict=True)) if n == 2 else None
    if n == 1:
        return _glued(at[0], widths[0])
    if n == 2:
        if widths[1] == 4 or widths[0] == 4:
            order = ("year", "month") if widths[0] == 4 else ("month", "year")
        else:
            order = _month_and_day(values, day_first)
        return dict(zip(at, order, strict=True))
    if widths[0] == 4:
        return dict(zip(at, ("year", "month", "day"), strict=True))
    return dict(zip(at, (*_month_and_day(values, day_first), "year"), strict=True))


def _glued(at: int, width: int) -> dict[int, str] | None:
    return {at: "year"} if width == 4 else None


def _month_and_day(values: list[int], day_first: bool) -> tuple[str, str]:  # noqa: FBT001
    if values[0] > 12:
        return "day", "month"
    if values[1] > 12:
        return "month", "day"
    return ("day", "month") if day_first else ("month", "day")


def _number(piece: str, role: str) -> int:
    value = int(piece)
    if role == "year" and len(piece) == 2:
        return value + (2000 if value < CENTURY else 1900)
    return value


def _is_date(year: int | None, month: int | None, day: int | None) -> bool:
    try:
        date(
            2000 if year is None else year, 1 if month is None else month, 1 if day is None else day
        )
    except ValueError:
        return False
    return True


def _is_ordinal(pieces: list[str], roles: dict[int, str], i: int) -> bool:
    return pieces[i].lower() in _ORDINAL and roles.get(i - 1) == "day"


def _plain(piece: str) -> str:
    return "{" + piece + "}" if piece in "{}" else piece


def _code(piece: str, role: str, long: list[str], is_padded: bool) -> str:  # noqa: FBT001
    if piece.isdecimal():
        letter = role[0].upper()
        if role == "year":
            return "{YYYY}" if len(piece) == 4 else "{YY}"
        return "{" + letter * (1 + is_padded) + "}"
    name = piece.rstrip(".")
    dot = piece[len(name) :]
    word = "month" if name.lower() in long else "mon"
    cased = word if name.islower() else word.upper() if name.isupper() else word.capitalize()
    return "{" + cased + "}" + dot


@lru_cache(maxsize=8)
def _months(language: str) -> dict[str, int]:
    """Return the number of each name of a month, long and short."""
    long, _ = _names(language)
    out: dict[str, int] = {}
    for term in lexicon(language).terms["month"]:
        name = term.lower().rstrip(".")
        near = (i for n in (3, 2) for i, full in enumerate(long, 1) if full[:n] == name[:n])
        out[name] = next(near)  # "sep", and "setiembre" beside "septiembre"
    return out


@lru_cache(maxsize=8)
def _names(language: str) -> tuple[list[str], list[str]]:
    """Return the twelve names of months, and three letters of each."""
    terms = [term.lower() for term in lexicon(language).terms["month"]]
    long = terms[:12]  # the table begins with them
    return long, [name[:3] for name in long]

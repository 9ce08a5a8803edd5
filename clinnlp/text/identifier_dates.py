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
    pieces = _PIECE.findall(text.strip())
    first = _day_first(language) if day_first is None else day_first
    roles = _roles(pieces, _months(language), day_first=first)
    if roles is None or len(set(roles.values())) < len(roles):
        return None
    parts = {role: _value(pieces[i], role, _months(language)) for i, role in roles.items()}
    year, month, day = (parts.get(role) for role in ("year", "month", "day"))
    if not _is_date(year, month, day):
        return None
    return DateParts(year, month, day, _form(pieces, roles, language))


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


def _roles(pieces: list[str], months: dict[str, int], *, day_first: bool) -> dict[int, str] | None:
    """Return which piece is the year, the month, the day; None where that cannot be."""
    at = [i for i, piece in enumerate(pieces) if piece.isdecimal()]
    named = [i for i, piece in enumerate(pieces) if piece.rstrip(".").lower() in months]
    if len(named) > 1 or not 0 < len(at) + len(named) <= 3:
        return None
    numbers = [pieces[i] for i in at]
    is_cut = "'" in pieces  # '98
    order = (
        _beside_month(numbers, is_cut=is_cut)
        if named
        else _of_numbers(numbers, day_first=day_first)
    )
    if order is None:
        return None
    return dict(zip(at, order, strict=True)) | dict.fromkeys(named, "month")


def _beside_month(numbers: list[str], *, is_cut: bool) -> tuple[str, ...]:
    """Return what the numbers beside the name of a month are."""
    if not numbers:
        return ()
    has_year_first = len(numbers[0]) == 4 or int(numbers[0]) > 31
    if len(numbers) == 1:
        return ("year",) if has_year_first or is_cut else ("day",)
    return ("year", "day") if has_year_first else ("day", "year")


def _of_numbers(numbers: list[str], *, day_first: bool) -> tuple[str, ...] | None:
    """Return what numbers without the name of a month are."""
    widths = [len(number) for number in numbers]
    if len(numbers) == 1:
        return ("year",) if widths[0] == 4 else None
    if widths[0] == 4:
        return ("year", "month", "day")[: len(numbers)]
    if len(numbers) == 2 and widths[1] == 4:
        return ("month", "year")
    order = _month_and_day([int(number) for number in numbers], day_first)
    return order if len(numbers) == 2 else (*order, "year")


def _value(piece: str, role: str, months: dict[str, int]) -> int:
    return _number(piece, role) if piece.isdecimal() else months[piece.rstrip(".").lower()]


def _form(pieces: list[str], roles: dict[int, str], language: str) -> str:
    """Return the template of a date."""
    long, _ = _names(language)
    is_padded = any(pieces[i][0] == "0" for i, role in roles.items() if role != "year")
    form = []
    for i, piece in enumerate(pieces):
        if i in roles:
            form.append(_code(piece, roles[i], long, is_padded))
        else:
            form.append("{th}" if _is_ordinal(pieces, roles, i) else _plain(piece))
    return "".join(form)


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


def _day_first(language: str) -> bool:
    return "day first" in lexicon(language).terms.get("setting", ())


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

"""Dates in text: read in any form, moved by days, and written back in their own form.

What is not said stays unsaid: a month and a year are moved as their 15th, a day and a month in the
year of the note, a year as its middle. The form is kept: order, separators, leading zeros, long and
short names of months, capitals, years of two digits, ordinals. A time of day stays. What cannot be
read whole is not moved, and the caller masks it.
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from clinnlp.text.tables import language_path, read_table

__all__ = ["NOW", "DateForms", "date_forms", "day_first_in"]

_TIME = re.compile(
    r"(?<!\d)(?:[T ]\s*)?\d{1,2}(?:[:.h]\d{2}){1,2}(?:[.,]\d+)?\s*"
    r"(?:[ap]\.?\s?m\b\.?|h(?:rs?|oras?)?\b|z\b|[+-]\d\d:?\d\d)?",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\d")
_NO_YEAR = 2001  # of a day and month whose note has no time: a plain year
_LEAP = 2000
_MIDDLE = 15
NOW = date(2030, 1, 1)
"""Of a year of two digits, or an age above 89, whose note has no time: the same each day."""

_AT_MOST = 89  # years between a date and its note that do not tell of an age above


class _Part(NamedTuple):
    """A date that was found: its numbers, None where it says none, and how it is written."""

    year: int | None
    month: int | None
    day: int | None
    found: re.Match[str]
    form: str
    day_first: bool = True  # of two numbers


class DateForms:
    """What dates look like in a language; made by `date_forms`.

    Parameters
    ----------
    language : str
    """

    def __init__(self, language: str) -> None:
        words = _Words.of(language)
        self._words = words
        self.day_first = words.day_first
        month = "|".join(sorted(map(re.escape, words.months), key=len, reverse=True))
        ends = "|".join(map(re.escape, dict.fromkeys(words.ordinals.values())))
        day = rf"(?P<{{0}}d>\d{{{{1,2}}}})(?P<{{0}}o>\.?(?:{ends}))?"
        joined = "".join(rf"{word}\s+|" for word in words.joined)
        word = rf"(?P<{{0}}w>{month})\b\.?"
        forms = {
            "ymd": r"(?P<{0}y>\d{{4}})(?P<{0}s>[-/.])(?P<{0}m>\d{{1,2}})(?P={0}s)"
            r"(?P<{0}d>\d{{1,2}})",
            "nny": r"(?P<{0}a>\d{{1,2}})(?P<{0}s>[-/.])(?P<{0}b>\d{{1,2}})(?P={0}s)"
            r"(?P<{0}y>\d{{4}}|\d{{2}})",
            "packed": r"(?P<{0}y>(?:19|20)\d\d)(?P<{0}m>\d\d)(?P<{0}d>\d\d)",
            "dwy": rf"{day}[\s-]*(?:{joined}){word}(?:[\s,-]*(?:{joined})(?P<{{0}}y>\d{{{{4}}}}|"
            r"['’]?\d{{2}}))?",
            "wdy": rf"{word}\s*{day}(?:\s*,\s*|\s+)(?P<{{0}}y>\d{{{{4}}}}|['’]\d{{{{2}}}})",
            "wy": rf"{word}[\s,'’/-]*(?:{joined})(?P<{{0}}y>\d{{{{4}}}})",
            "wd": rf"{word}\s*{day}",
            "ym": r"(?P<{0}y>\d{{4}})(?P<{0}s>[-/])(?P<{0}m>\d{{1,2}})",
            "my": r"(?P<{0}m>\d{{1,2}})(?P<{0}s>[-/.])(?P<{0}y>\d{{4}})",
            "nn": r"(?P<{0}a>\d{{1,2}})(?P<{0}s>[-/.])(?P<{0}b>\d{{1,2}})",
            "y": r"(?P<{0}y>\d{{4}})",
            "w": rf"{word}",
        }
        whole = "|".join(
            rf"(?P<{name}>(?<!\d){form.format(f'{name}_')}(?!\d))" for name, form in forms.items()
        )
        self._any = re.compile(whole, re.IGNORECASE)
        weekdays = "|".join(sorted(map(re.escape, words.weekdays), key=len, reverse=True))
        self._weekday = re.compile(rf"\b(?:{weekdays})\b", re.IGNORECASE)

    def moved(
        self,
        text: str,
        days: int,
        *,
        near: date | None = None,
        day_first: bool | None = None,
        ages_at: date | None = None,
    ) -> str | None:
        """Return a date or several moved by days, in their form; None where it cannot be read.

        Parameters
        ----------
        text : str
        days : int
        near : date, optional
            When the note was written: the year of a date without one, the century of a short one.
            A date more than 89 years before it would tell of an age above, and is not moved.
        day_first : bool, optional
            What comes first in 03/04/2019; None: as the language has it.
        ages_at : date, optional
            By which ages are told (default: `near`).

        Examples
        --------
        >>> forms = date_forms("en")
        >>> forms.moved("Friday, March 1st, 2019", 33), forms.moved("02/03/19", 33)
        ('Wednesday, April 3rd, 2019', '03/08/19')
        >>> forms.moved("Mar 2019", 33), forms.moved("2019-03-01T08:30:00Z", 33)
        ('Apr 2019', '2019-04-03T08:30:00Z')
        """
        found = self._found(text, near, day_first=day_first)
        if found is None:
            return None
        pieces, end = [], 0
        for part in found:
            made = self._part_moved(part, days, near, ages_at)
            if made is None:
                return None
            pieces += [self._weekdays(text[end : part.found.start()], days), made]
            end = part.found.end()
        return "".join((*pieces, self._weekdays(text[end:], days)))

    def latest(self, texts: Iterable[str]) -> date | None:
        """Return the end of the latest year that dates say, None where none says one.

        Examples
        --------
        >>> date_forms("en").latest(["3/1/1926", "Feb 2024", "3/4"])
        datetime.date(2024, 12, 31)
        """
        parts = (part for text in texts for part in self._found(text, None, day_first=None) or ())
        years = [p.year for p in parts if p.year is not None and 1 <= p.year <= NOW.year]
        return date(max(years), 12, 31) if years else None

    def year(
        self, text: str, *, near: date | None = None, ages_at: date | None = None
    ) -> str | None:
        """Return the year of a date alone, or None where it says none, or tells of an age above 89.

        Parameters
        ----------
        text : str
        near, ages_at : date, optional
            As in `moved`.

        Examples
        --------
        >>> date_forms("en").year("March 1st, 2019"), date_forms("en").year("3/1")
        ('2019', None)
        """
        found = self._found(text, near, day_first=None)
        years = {part.year for part in found or () if part.year is not None}
        if found is None or len(years) != 1 or _tells_age(years, ages_at or near):
            return None
        return str(years.pop())

    def _found(self, text: str, near: date | None, *, day_first: bool | None) -> list[_Part] | None:
        """Return the dates of a text, or None where there is none, or a number that is no date."""
        times = [found.span() for found in _TIME.finditer(text) if ":" in found[0]]
        bare = list(text)
        for start, end in times:
            bare[start:end] = " " * (end - start)
        clean = "".join(bare)
        parts = []
        for found in self._any.finditer(clean):
            part = self._read(found, near, self.day_first if day_first is None else day_first)
            if part is None:
                return None
            parts.append(part)
        rest = self._any.sub("", clean)
        is_read = bool(parts or self._weekday.search(text)) and _NUMBER.search(rest) is None
        return parts if is_read else None

    def _read(self, found: re.Match[str], near: date | None, day_first: bool) -> _Part | None:  # noqa: FBT001
        form = _form_of(found)
        groups = _groups_of(found, form)
        month, day, first = groups.get("m"), groups.get("d"), True
        if "a" in groups:
            first = (day_first or int(groups["a"]) > 12) and int(groups["b"]) <= 12
            day, month = (groups["a"], groups["b"]) if first else (groups["b"], groups["a"])
        if "w" in groups:
            month = str(self._words.months[groups["w"].casefold()])
        year = None if "y" not in groups else _year_of(groups["y"], near)
        part = _Part(year, _whole(month), _whole(day), found, form, first)
        return part if _day_of(part, near) is not None else None

    def _part_moved(
        self, part: _Part, days: int, near: date | None, ages_at: date | None
    ) -> str | None:
        before = _day_of(part, near)
        assert before is not None
        if part.year is not None and _tells_age({part.year}, ages_at or near):
            return None
        try:
            new = before + timedelta(days=days)
        except OverflowError:
            return None
        return self._written(part, new)

    def _written(self, part: _Part, new: date) -> str:
        """Return what was found with each of its numbers and words replaced, the rest kept."""
        found, form = part.found, part.form
        padded = _is_padded(found, form)
        out, end = [], found.start()
        named = {k: found.span(k) for k in found.groupdict() if k.startswith(f"{form}_")}
        for key, (start, stop) in sorted(named.items(), key=lambda item: item[1]):
            if start < 0:
                continue
            put = self._piece(key.removeprefix(f"{form}_"), found, part, new, padded=padded)
            if put is None:
                continue
            out += [found.string[end:start], put]
            end = stop
        return "".join((*out, found.string[end : found.end()]))

    def _piece(
        self, key: str, found: re.Match[str], part: _Part, new: date, *, padded: bool
    ) -> str | None:
        was = found[f"{part.form}_{key}"]
        if key == "y":
            short = was.strip("'’")
            return was[: -len(short)] + (
                f"{new.year:04}" if len(short) == 4 else f"{new.year % 100:02}"
            )
        if key == "w":
            return _like(was, self._words.month(new.month, was))
        if key == "o":
            end = self._words.ordinal(new.day)
            return was[: len(was) - len(was.lstrip("."))] + _like(was, end)
        if key in ("a", "b"):
            key = "d" if (key == "a") == part.day_first else "m"
        if key in ("d", "m"):
            return f"{new.day if key == 'd' else new.month:0{2 if padded else 1}}"
        return None

    def _weekdays(self, text: str, days: int) -> str:
        def put(found: re.Match[str]) -> str:
            number = (self._words.weekdays[found[0].casefold()] + days) % 7
            return _like(found[0], self._words.weekday(number, found[0]))

        return self._weekday.sub(put, text) if days % 7 else text


@lru_cache
def date_forms(language: str) -> DateForms:
    """Return the forms of dates of a language.

    Raises
    ------
    ArgumentError
        No table of this language comes with the package.
    """
    return DateForms(language)


def day_first_in(texts: Iterable[str]) -> bool | None:
    """Return what comes first in dates of numbers, where one of these can be read in one way only.

    Examples
    --------
    >>> day_first_in(["03/04/2019", "25/04/2019"]), day_first_in(["03/04/2019"])
    (True, None)
    """
    pattern = re.compile(r"(?<!\d)(\d{1,2})([-/.])(\d{1,2})\2(?:\d{4}|\d{2})(?!\d)")
    said = set()
    for text in texts:
        for found in pattern.finditer(text):
            first, second = int(found[1]) > 12, int(found[3]) > 12
            said |= {first} if first != second else set()
    return said.pop() if len(said) == 1 else None


_FORMS = ("ymd", "nny", "packed", "dwy", "wdy", "wy", "wd", "ym", "my", "nn", "y", "w")


def _form_of(found: re.Match[str]) -> str:
    return next(form for form in _FORMS if found[form] is not None)


def _groups_of(found: re.Match[str], form: str) -> dict[str, str]:
    """Return what a form has found, by the short names of its groups."""
    named = ((name.partition("_"), text) for name, text in found.groupdict().items())
    return {key: text for (of, _, key), text in named if key and of == form and text is not None}


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def _is_padded(found: re.Match[str], form: str) -> bool:
    """Return whether days and months of one digit are written with a zero in front."""
    numbers = [found.groupdict().get(f"{form}_{key}") for key in ("a", "b", "d", "m")]
    there = [number for number in numbers if number]
    if any(len(number) == 1 for number in there):
        return False
    return form not in ("dwy", "wdy", "wd") or any(number[0] == "0" for number in there)


def _day_of(part: _Part, near: date | None) -> date | None:
    """Return the day that a date is moved as, or None where there is no such day."""
    year = part.year
    if year is None:
        year = _NO_YEAR if near is None else near.year
        if part.month == 2 and part.day == 29:
            year = _LEAP
    if part.month is None:
        return date(year, 7, 2) if 1 <= year <= 9999 else None
    try:
        return date(year, part.month, part.day or _MIDDLE)
    except ValueError:
        return None


def _year_of(text: str, near: date | None) -> int:
    number = text.strip("'’")
    if len(number) == 4:
        return int(number)
    latest = (NOW if near is None else near).year + 1
    year = latest - latest % 100 + int(number)
    return year if year <= latest else year - 100


def _tells_age(years: Iterable[int], near: date | None) -> bool:
    return near is not None and any(near.year - year > _AT_MOST for year in years)


def _like(was: str, made: str) -> str:
    """Return a word with the capitals of another."""
    if was.isupper() and len(was) > 1:
        return made.upper()
    return made.lower() if was.islower() else made[:1].upper() + made[1:]


class _Words(NamedTuple):
    """The words of a calendar, in lower case, and how they are written."""

    months: dict[str, int]
    weekdays: dict[str, int]
    written: dict[tuple[str, int], tuple[str, str]]  # long and short
    ordinals: dict[int, str]
    joined: tuple[str, ...]
    day_first: bool

    @classmethod
    def of(cls, language: str) -> "_Words":
        by_kind: dict[str, dict[str, int]] = {"month": {}, "weekday": {}}
        written, ordinals, joined, order = {}, {}, [], ""
        columns = ("kind", "number", "word", "short")
        for _, (kind, number, word, short) in read_table(
            language_path("calendar", language), columns
        ):
            if kind in by_kind:
                forms = (word, *short.split())
                by_kind[kind] |= {form.casefold(): int(number) for form in forms}
                written[kind, int(number)] = (word, forms[min(1, len(forms) - 1)])
            elif kind == "ordinal":
                ordinals[int(number)] = word
            elif kind == "joined":
                joined.append(word)
            else:
                order = word
        return cls(by_kind["month"], by_kind["weekday"], written, ordinals, tuple(joined),
                   order == "day")  # fmt: skip

    def month(self, number: int, like: str) -> str:
        return self._chosen("month", number, like, self.months[like.casefold()])

    def weekday(self, number: int, like: str) -> str:
        return self._chosen("weekday", number, like, self.weekdays[like.casefold()])

    def ordinal(self, day: int) -> str:
        return self.ordinals.get(day, self.ordinals[0])

    def _chosen(self, kind: str, number: int, like: str, was: int) -> str:
        long, short = self.written[kind, number]
        return long if like.casefold() == self.written[kind, was][0].casefold() else short

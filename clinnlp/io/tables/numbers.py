"""Numbers and results of a laboratory as tables hold them.

A number may have a decimal comma, and blanks, points or apostrophes between its thousands. It says
itself which is which where two marks stand in it (1.234,5), where a mark stands twice (1.234.567)
or where other than three digits follow (7,5). Else a lone mark is the decimal point, as everywhere,
or in a table separated by semicolons, as in countries that write a decimal comma, that comma; a
lone mark of the other kind with three digits behind it (1,234) is refused until `decimal` is said.

=====================  =====================================================================
cell                   read as
=====================  =====================================================================
``<5``, ``> 1000``     the number, and beside it the comparator: ``<``, ``<=``, ``>``, ``>=``
``1+``, ``++``, ``+``  no number; the result ``1+``, ``2+``, ``1+``
``neg``, ``positiv``   no number; the result ``neg``, ``pos``; also ``trace``
=====================  =====================================================================
"""

import re
from functools import lru_cache
from math import nan
from typing import NamedTuple

from clinnlp.core.cells import MISSING
from clinnlp.core.numbers import check_size

__all__ = [
    "COMPARATORS",
    "RESULT_FORM",
    "TWO_MEANINGS",
    "AmbiguousNumberError",
    "Measurement",
    "count_from_text",
    "measurement_of",
    "number_from_text",
]

COMPARATORS = {
    "<": "<",
    "<=": "<=",
    "=<": "<=",
    "≤": "<=",
    ">": ">",
    ">=": ">=",
    "=>": ">=",
    "≥": ">=",
}
RESULT_FORM = "numbers such as 7.5, or results such as <5, 1+ or neg"
TWO_MEANINGS = "got a form of two meanings such as 1,234; say decimal (--decimal)"

_RESULTS = {
    **dict.fromkeys(
        ("neg", "neg.", "negative", "negativ", "négatif", "négative", "negatief", "negativo",
         "negativa"), "neg"),
    **dict.fromkeys(
        ("pos", "pos.", "positive", "positiv", "positif", "positief", "positivo", "positiva"),
        "pos"),
    **dict.fromkeys(("trace", "traces", "spur", "spuren", "spoor", "trazas", "(+)", "±", "+/-"),
                    "trace"),
    **{"+" * n: f"{n}+" for n in range(1, 5)},
    **{f"{n}+": f"{n}+" for n in range(1, 5)},
}  # fmt: skip
_LIMIT = re.compile(r"([<>]=?|=[<>]|[≤≥])\s*(.*)", re.DOTALL)
_BLANKS = re.compile(r"(?<=\d)[ \xa0\u2009\u202f'’](?=\d{3}(?!\d))")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?", re.IGNORECASE | re.ASCII)
_GROUPS = {
    ",": re.compile(r"[+-]?\d{1,3}(?:,\d{3})+"),
    ".": re.compile(r"[+-]?\d{1,3}(?:\.\d{3})+"),
}
_ONE_GROUP = (re.compile(r"\+?[1-9]\d{0,2},\d{3}"), re.compile(r"\+?[1-9]\d{0,2}\.\d{3}"))


class AmbiguousNumberError(ValueError):
    """A number does not say whether its mark stands before decimals or between thousands."""


class Measurement(NamedTuple):
    """A number with its comparator, or a result in words; nan and None where there is neither."""

    value: float
    comparator: str | None = None
    result: str | None = None


@lru_cache(maxsize=1 << 14)
def measurement_of(text: str, decimal: str | None = None, sep: str = ",") -> Measurement:
    """Return what a cell of a laboratory says; see the head of this module.

    Raises
    ------
    ValueError
        Another form, a number that is infinite or beyond 1e100, or one whose mark may be read in
        two ways.

    Examples
    --------
    >>> measurement_of("< 0,5", sep=";")
    Measurement(value=0.5, comparator='<', result=None)
    >>> measurement_of("++")
    Measurement(value=nan, comparator=None, result='2+')
    """
    word = text.strip().lower()
    if word in MISSING:
        return Measurement(nan)
    if word in _RESULTS:
        return Measurement(nan, None, _RESULTS[word])
    limit = _LIMIT.fullmatch(word)
    if limit is None:
        return Measurement(number_from_text(word, decimal, sep))
    return Measurement(number_from_text(limit[2], decimal, sep), COMPARATORS[limit[1]])


def number_from_text(text: str, decimal: str | None = None, sep: str = ",") -> float:
    """Return a finite number, whatever marks its thousands and decimals.

    Raises
    ------
    ValueError
        As `measurement_of`; it quotes nothing.

    Examples
    --------
    >>> number_from_text("1.234,5"), number_from_text("1 234.5"), number_from_text("7,5")
    (1234.5, 1234.5, 7.5)
    """
    digits = _BLANKS.sub("", text.strip())
    point = _decimal_of(digits, decimal, sep)
    other = "," if point == "." else "."
    whole, mark, rest = digits.partition(point)
    if other in whole and _GROUPS[other].fullmatch(whole):
        whole = whole.replace(other, "")
    plain = f"{whole}.{rest}" if mark else whole
    number = float(plain) if _NUMBER.fullmatch(plain) else nan
    if number != number:
        raise ValueError("a number must be of one form, got another")
    return check_size(number)


def count_from_text(text: str, decimal: str | None = None, sep: str = ",") -> int:
    """Return a whole number from 0, with or without marks between its thousands.

    A lone mark with three digits behind it is refused until `decimal` is said: 1.000 may be a
    thousand or one.

    Raises
    ------
    ValueError
        As `number_from_text`, or a number that is not whole.

    Examples
    --------
    >>> count_from_text("1,000", decimal="."), count_from_text("1.234.567")
    (1000, 1234567)
    """
    digits = _BLANKS.sub("", text.strip())
    if digits.isascii() and digits.isdecimal():  # exact, however large
        return int(digits)
    if decimal is None and any(form.fullmatch(digits) for form in _ONE_GROUP):
        raise AmbiguousNumberError("a number must have one meaning, got one of two")
    number = number_from_text(digits, decimal, sep)
    if number < 0 or not number.is_integer():
        raise ValueError("a number must be whole, got another")
    return int(number)


def _decimal_of(digits: str, decimal: str | None, sep: str) -> str:
    """Return the mark that stands before the decimals of a number."""
    if decimal is not None:
        return decimal
    if "," in digits and "." in digits:
        return max(",.", key=digits.rfind)
    mark = "," if "," in digits else "."
    other = "." if mark == "," else ","
    if digits.count(mark) > 1:
        return other
    usual = "," if sep == ";" else "."
    if (
        mark != usual
        and _GROUPS[mark].fullmatch(digits)
        and not digits.lstrip("+-").startswith("0")
    ):
        raise AmbiguousNumberError("a number must have one meaning, got one of two")
    return mark

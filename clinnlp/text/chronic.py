"""Conditions that last: a table of names and codes, and whether a condition is one of them.

A concept is looked up by its code, a name by its words: the whole name, else the noun at its head
with what stands before it ("severe essential hypertension"), so that a longer row holds against a
shorter one ("gestational diabetes").

References
----------
AHRQ Healthcare Cost and Utilization Project, Chronic Condition Indicator for ICD-10-CM (the idea of
a condition as lasting; the table is the house's own).
"""

import re
import unicodedata
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

from clinnlp.core.errors import DataError
from clinnlp.core.tables import COURSES
from clinnlp.text.names import singular
from clinnlp.text.tables import read_table

__all__ = ["ChronicConditions", "unaccented"]

_SAYS = {"": "chronic", "chronic": "chronic", "unknown": "unknown"}
_ICD10 = re.compile(r"[A-Z]\d[0-9A-Z]{1,5}")  # without its dot
_WORD = re.compile(r"[^\W_]+|[,;(]")
_POSSESSIVE = re.compile(r"['’]s\b")
_ENDS = ",;("
_N_PLURAL = 5  # letters of the shortest word that may be a plural


class ChronicConditions:
    """Names and codes of the conditions that last.

    Parameters
    ----------
    path : path
        TSV with the columns ``name`` or ``code``, one of them filled, each with several between
        `` | ``, and perhaps ``course``: ``chronic``, or ``unknown`` for what a shorter name or code
        would take in.
    joint, detail : collection of str
        Words before which the head of a name ends ("of"), and which may follow it ("type", "2").
    head : {"last", "first"}
        Which end of its phrase the noun stands at.

    Raises
    ------
    DataError
        A row without name and code, or with another course; no row at all.

    Examples
    --------
    >>> from clinnlp.text.tables import data_path
    >>> chronic = ChronicConditions(data_path("chronic_en.tsv"), detail=("type", "2"))
    >>> [chronic.course((name,)) for name in ("Diabetes Mellitus Type 2", "gestational diabetes")]
    ['chronic', 'unknown']
    >>> chronic.course(("HTN",), "I10"), chronic.course(("heart attack",), "I21.9")
    ('chronic', 'unknown')
    """

    def __init__(
        self,
        path: str | Path,
        *,
        joint: Collection[str] = (),
        detail: Collection[str] = (),
        head: str = "last",
    ) -> None:
        self._joint = frozenset(joint)
        self._detail = frozenset(word for phrase in detail for word in _words(phrase))
        self._first = head == "first"
        self._names: dict[tuple[str, ...], str] = {}
        self._codes: dict[str, str] = {}
        for line, (names, codes, said) in read_table(path, (), optional=("name", "code", "course")):
            if said not in _SAYS or not (names or codes):
                raise DataError(
                    "a chronic condition needs a name or a code in the tab-separated column of "
                    "that name, and no course or one of chronic and unknown",
                    path=path,
                    line=line,
                )
            for name in filter(None, map(_words, _cells(names))):
                self._names.setdefault(name, _SAYS[said])
            self._codes |= dict.fromkeys(map(_undotted, _cells(codes)), _SAYS[said])
        if not (self._names or self._codes):
            raise DataError("a table of chronic conditions must have a row, got none", path=path)
        self._longest = max(map(len, self._names), default=0)

    def course(self, names: Iterable[str], code: str | None = None) -> str:
        """Return ``"chronic"`` where the condition of a code, else of these names, lasts.

        Names are tried in their order, until a row answers; else ``"unknown"``.
        """
        found = None if code is None else self._of_code(_undotted(code))
        for name in names if found is None else ():
            found = self._of_name(_words(name))
            if found is not None:
                break
        return found or COURSES[-1]

    def _of_code(self, code: str) -> str | None:
        shortest = 3 if _ICD10.fullmatch(code) else len(code)
        for n in range(len(code), shortest - 1, -1):
            if code[:n] in self._codes:
                return self._codes[code[:n]]
        return None

    def _of_name(self, words: Sequence[str]) -> str | None:
        found = self._names.get(tuple(words))
        if found is not None:
            return found
        ends = (k for k, word in enumerate(words) if word in self._joint or word in _ENDS)
        for end in range(next(ends, len(words)), 0, -1):
            found = self._at_head(words, end)
            if found is not None or words[end - 1] not in self._detail:
                return found
        return None

    def _at_head(self, words: Sequence[str], end: int) -> str | None:
        """Return the course of the longest name at the head of a phrase that goes to `end`."""
        for n in range(min(self._longest, end), 0, -1):
            name = words[:n] if self._first else words[end - n : end]
            if tuple(name) in self._names:
                return self._names[tuple(name)]
        return None


def unaccented(text: str) -> str:
    """Return text without its accents, as it is often typed.

    Examples
    --------
    >>> unaccented("hipertensión")
    'hipertension'
    """
    if text.isascii():
        return text
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def _cells(cell: str) -> list[str]:
    return [part.strip() for part in cell.split("|") if part.strip()]


def _undotted(code: str) -> str:
    return code.replace(".", "").upper()


def _words(name: str) -> tuple[str, ...]:
    """Return the words of a name, as they are compared: folded, in one spelling, singular."""
    folded = _POSSESSIVE.sub("", unaccented(name).casefold())
    folded = folded.replace("ae", "e").replace("oe", "e")
    return tuple(singular(word, least=_N_PLURAL) for word in _WORD.findall(folded))

"""What stands for an identifier: by its label a mask, or another name, number, place or date.

A label that is not in `KINDS` is masked: what nobody has thought of never passes.
"""

import re
from collections.abc import Iterable, Sequence
from datetime import date
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from clinnlp.study.deidentify.dates import date_forms
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.names import Names, kept_words, plain, words_of_names
from clinnlp.study.deidentify.shapes import IdBook, core_of
from clinnlp.study.settings import DeidentifySettings
from clinnlp.text.identifiers import zip3
from clinnlp.text.tables import languages

__all__ = ["KINDS", "Originals", "Person", "Surrogates", "kind_of", "may_stay"]

_BY_KIND = {
    "person": "NAME_PATIENT NAME_CLINICIAN NAME PATIENT DOCTOR NOMBRE_SUJETO_ASISTENCIA "
    "NOMBRE_PERSONAL_SANITARIO PERSON",
    "institution": "HOSPITAL HEALTH_CENTRE ORGANISATION ORGANIZATION DEPT CENTRO_SALUD INSTITUCION",
    "street": "STREET CALLE ADDRESS",
    "place": "PLACE CITY LOCATION TERRITORIO",
    "region": "REGION STATE",
    "country": "COUNTRY PAIS",
    "profession": "PROFESSION PROFESION",
    "date": "DATE YEAR FECHAS",
    "age": "AGE_OVER_89",
    "stays": "AGE TIME SEX EDAD_SUJETO_ASISTENCIA SEXO_SUJETO_ASISTENCIA",
    "relative": "RELATIVE FAMILIARES_SUJETO_ASISTENCIA",
    "shape": "ZIP PHONE FAX SSN MRN MEDICALRECORD ENCOUNTER HEALTH_PLAN HEALTHPLAN ACCOUNT LICENCE "
    "LICENSE VEHICLE DEVICE BIOMETRIC ID BIOID IDNUM USERNAME NUMERO_TELEFONO NUMERO_FAX "
    "ID_SUJETO_ASISTENCIA ID_CONTACTO_ASISTENCIAL ID_ASEGURAMIENTO IDENTIF_BIOMETRICOS "
    "ID_TITULACION_PERSONAL_SANITARIO ID_EMPLEO_PERSONAL_SANITARIO "
    "IDENTIF_VEHICULOS_NRSERIE_PLACAS IDENTIF_DISPOSITIVOS_NRSERIE NUMERO_BENEF_PLAN_SALUD "
    "OTRO_NUMERO_IDENTIF",
    "email": "EMAIL CORREO_ELECTRONICO",
    "url": "URL URL_WEB",
    "address": "IP DIREC_PROT_INTERNET",
}
KINDS: MappingProxyType[str, str] = MappingProxyType(
    {label: kind for kind, labels in _BY_KIND.items() for label in labels.split()}
)
"""Kind of surrogate by label: those of the finder, of i2b2 2014 and of MEDDOCAN."""

_NAMED = ("person", "institution", "street", "place", "region", "country", "profession")
_OVER_89 = "90+"
_CALLED = ("PHONE", "FAX", "NUMERO_TELEFONO", "NUMERO_FAX")
_SCHEME = re.compile(r"(?:[a-z]{3,5}://)?(?:www\.)?", re.IGNORECASE)
_ZIP = re.compile(r"[0-9]{5}(?:-?[0-9]{4})?")


class Person(NamedTuple):
    """Whom a text is about, as far as its surrogates hang on it.

    Parameters
    ----------
    scope : str
        Within which a name has one surrogate.
    days : int
        By which dates move.
    near : date, optional
        When the note was written; where nobody says so, the end of the latest year it says.
    day_first : bool, optional
        What comes first in its dates of numbers, where one of them says so.
    ages_at : date, optional
        By which ages are told where nobody says so, and it names one above 89.
    """

    scope: str
    days: int
    near: date | None = None
    day_first: bool | None = None
    ages_at: date | None = None


class Originals:
    """What identifies somebody in a collection, so that no surrogate is one of it."""

    def __init__(self) -> None:
        self.words: set[str] = set()
        self.ids: set[str] = set()
        self.told: dict[str, str] = {}  # by scope, the words of its names; a set would be large

    def add(self, label: str, text: str, scope: str | None = None) -> None:
        """Add what stands in a text under a label, where one is told of a scope of names."""
        kind = _kind_in(label, text)
        if kind in _NAMED:
            self.words.add(" ".join(text.casefold().split()))
            words = set(words_of_names(text))
            self.words |= words | set(map(plain, words))
            if scope is not None and kind == "person":
                self._tell(scope, {plain(word) for word in words if len(word) > 1})
        elif kind == "shape":
            self.ids.update(core_of(part) for part in _numbers(label, text)[::2])

    def _tell(self, scope: str, words: set[str]) -> None:
        told = self.told.get(scope, "")
        more = sorted(words - set(told.split()))
        if more:
            self.told[scope] = " ".join([told, *more] if told else more)

    def add_ids(self, ids: Iterable[str | None]) -> None:
        """Add ids of notes, patients and stays."""
        self.ids.update(core_of(each) for each in ids if each)


class Surrogates:
    """What stands for the identifiers of a collection.

    Parameters
    ----------
    key : Key
    originals : Originals
        All of the collection: two ids never get one surrogate.
    settings : DeidentifySettings
    language : str

    Examples
    --------
    >>> given = Originals()
    >>> given.add("MRN", "00417")
    >>> made = Surrogates(Key(b"example"), given, DeidentifySettings(), "en")
    >>> made.of("AGE_OVER_89", "93", Person("p1", -40)), made.of("DATE", "3/1/19", Person("p", -40))
    ('90+', '1/20/19')
    >>> made.of("WHAT", "ever", Person("p1", -40))
    '[WHAT]'
    """

    def __init__(
        self, key: Key, originals: Originals, settings: DeidentifySettings, language: str
    ) -> None:
        self.ids = IdBook(key, originals.ids)
        self._key, self._settings = key, settings
        self._dates = date_forms(language)
        self._names = None
        if settings.replace == "surrogate":
            self._names = Names(
                key,
                language,
                is_original=originals.words.__contains__,
                keep_initials=settings.keep_initials,
                told=originals.told,
            )

    def of(self, label: str, text: str, person: Person) -> str:
        """Return what stands for a text under a label; the text itself where it may stay."""
        kind = _kind_in(label, text)
        if kind in ("stays", "age"):
            return text if kind == "stays" else _OVER_89
        return self._made(kind, label, text, person) or f"[{label}]"

    def _made(self, kind: str, label: str, text: str, person: Person) -> str | None:
        """Return a surrogate, or None where a mask must do."""
        if kind == "date":
            return self._date(text, person)
        if self._names is None or kind == "mask":
            return _zip(label, text)
        if kind in _NAMED:
            made = str(getattr(self._names, kind)(text, person.scope))
            return None if made == text else made
        return self._number(kind, label, text)

    def _date(self, text: str, person: Person) -> str | None:
        how = self._settings.dates
        if how == "shift":
            return self._dates.moved(
                text,
                person.days,
                near=person.near,
                day_first=person.day_first,
                ages_at=person.ages_at,
            )
        if how == "mask":
            return None
        return self._dates.year(text, near=person.near, ages_at=person.ages_at)

    def latest(self, dates: Sequence[str]) -> date | None:
        """Return the end of the latest year that dates of a note say, None where none says one."""
        return self._dates.latest(dates)

    def _number(self, kind: str, label: str, text: str) -> str | None:
        if kind == "shape":
            parts = _numbers(label, text)
            made = "".join(part if k % 2 else self.ids(part) for k, part in enumerate(parts))
            return None if made == text else made
        number = self._key.draw(kind, text.casefold().strip())
        word = "".join(chr(97 + number // 26**k % 26) for k in range(8))
        if kind == "email":
            return f"{word}@example.org"
        if kind == "url":
            scheme = _SCHEME.match(text)
            return f"{scheme[0] if scheme else ''}{word}.example.org"
        low, high = number % 254 + 1, number // 254 % 254 + 1
        return f"2001:db8::{high:x}:{low:x}" if ":" in text else f"198.51.100.{low}"


def _numbers(label: str, text: str) -> list[str]:
    """Return the parts of a number, every second a word that stays ("555-0143", " ext. ", "12")."""
    return _extension().split(text) if label.upper() in _CALLED else [text]


@lru_cache(maxsize=1)
def _extension() -> re.Pattern[str]:
    """Return what stands before an extension, in any language."""
    words = {word for language in languages("surrogate_words")
             for word in kept_words(language)["number"]}  # fmt: skip
    listed = "|".join(sorted(words, key=lambda word: (-len(word), word)))
    return re.compile(rf"([\s,;(]*(?<![^\W\d_])(?:{listed})(?![^\W\d_])[.:#\s]*)", re.IGNORECASE)


def _zip(label: str, text: str) -> str | None:
    """Return what Safe Harbor leaves of a postal code of the United States, else None."""
    return f"{zip3(text)}**" if label == "ZIP" and _ZIP.fullmatch(text.strip()) else None


def may_stay(label: str, text: str) -> bool:
    """Return whether what stands under a label tells of nobody: an age, a sex, a ``mother``.

    Examples
    --------
    >>> may_stay("AGE", "64"), may_stay("RELATIVE", "mother"), may_stay("RELATIVE", "Mary")
    (True, True, False)
    """
    return _kind_in(label, text) == "stays"


def _kind_in(label: str, text: str) -> str:
    """Return the kind for a label where it also hangs on what is written.

    A relative is a word such as ``mother``, or a name; a place in digits is a postal code.
    """
    kind = kind_of(label)
    if kind == "relative":
        return "stays" if text.islower() else "person"
    if kind in ("place", "region", "country") and not any(char.isalpha() for char in text):
        return "shape"
    return kind


def kind_of(label: str) -> str:
    """Return which kind of surrogate stands for a label.

    Examples
    --------
    >>> kind_of("PHONE"), kind_of("who knows")
    ('shape', 'mask')
    """
    return KINDS.get(label.upper(), "mask")

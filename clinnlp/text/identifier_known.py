"""What the structured record says of a patient, searched in a note in other spellings too."""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache

from clinnlp.text.identifier_lexicon import Words, lexicon
from clinnlp.text.identifier_rules import Find

__all__ = ["KnownFinder", "KnownPatient"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownPatient:
    """Identifiers of one patient, from tables.

    Parameters
    ----------
    names : tuple of str
        Of the patient, in any order ("Jane Q. Doe", "Doe, Jane").
    clinicians, relatives : tuple of str
        Names of others.
    birth_date : date, optional
    dates : tuple of date
        Other dates to find, such as those of stays.
    ids : mapping of str to tuple of str
        Numbers by label, such as ``{"MRN": ("0123456",)}``.
    addresses, places, phones, emails : tuple of str
    """

    names: tuple[str, ...] = field(default=(), repr=False)
    clinicians: tuple[str, ...] = field(default=(), repr=False)
    relatives: tuple[str, ...] = field(default=(), repr=False)
    birth_date: date | None = field(default=None, repr=False)
    dates: tuple[date, ...] = field(default=(), repr=False)
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict, hash=False, repr=False)
    addresses: tuple[str, ...] = field(default=(), repr=False)
    places: tuple[str, ...] = field(default=(), repr=False)
    phones: tuple[str, ...] = field(default=(), repr=False)
    emails: tuple[str, ...] = field(default=(), repr=False)


class KnownFinder:
    """Placeholder."""

    @classmethod
    def of(cls, known, language):
        raise NotImplementedError

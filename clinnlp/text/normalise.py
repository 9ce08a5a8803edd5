"""Normalisation: from a mention to the concepts it names.

Steps, the first that answers wins: the exact folded name or synonym in the vocabulary; an
abbreviation that the note itself defines (``congestive heart failure (CHF)``), by its long
form; for drugs the table of brands and salts, whose generic name is looked up in the vocabulary,
or is itself the concept where there is no vocabulary.

References
----------
Schwartz and Hearst, Pac Symp Biocomput 2003: 451-462 (abbreviations defined in a text).
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache

from clinnlp.core.notes import Entity, Note
from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.tables import data_path, read_table

__all__ = ["DRUG_LABELS", "Normalise", "abbreviations", "fold_drug"]

DRUG_LABELS = ("Drug", "Chemical", "Medication")
_SHORT = re.compile(r"(?<=\s)\(([^\W_][\w/-]{1,9})\)")
_EDGES = " .,;:()[]"


class Normalise:
    """Pipe that gives concepts to mentions that have none.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
        Concepts and their names. Where two share a name, the first in file order is given.
    drug_labels : tuple of str
        Labels whose mentions go through the table of drug names.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> drugs = (Entity(id="T1", span=Span(0, 7), label="Drug"),)
    >>> Normalise()(Note(id="n", text="Bactrim DS", entities=drugs)).entities[0].concepts
    ('sulfamethoxazole', 'trimethoprim')
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        *,
        drug_labels: tuple[str, ...] = DRUG_LABELS,
    ) -> None:
        self._drug_labels = frozenset(drug_labels)
        self._codes: dict[str, str] | None = None
        if vocabulary is not None:
            self._codes = {}
            for name, code in vocabulary.terms():
                self._codes.setdefault(fold(name), code)

    def __call__(self, note: Note, /) -> Note:
        """Return the note with concepts where a mention had none and a step answers."""
        if all(entity.concepts for entity in note.entities):
            return note
        long_forms = abbreviations(note.text)
        return note.with_(
            entities=tuple(
                entity if entity.concepts else self._normalised(note, entity, long_forms)
                for entity in note.entities
            )
        )

    def _normalised(self, note: Note, entity: Entity, long_forms: Mapping[str, str]) -> Entity:
        mention = note.mention(entity)
        names = [mention]
        if mention in long_forms:
            names.append(long_forms[mention])
        for name in names:
            found = self._exact(name)
            if not found and entity.label in self._drug_labels:
                found = self._drug(name)
            if found:
                return replace(entity, concepts=found)
        return entity

    def _exact(self, name: str) -> tuple[str, ...]:
        code = self._codes.get(fold(name)) if self._codes is not None else None
        return (code,) if code is not None else ()

    def _drug(self, name: str) -> tuple[str, ...]:
        """Return the ingredients of a drug, all of them or none."""
        generic = fold_drug(name)
        whole = self._exact(generic)
        if whole:
            return whole
        parts = generic.split("/") if fold(generic) in _generics() else [generic]
        if self._codes is None:
            return tuple(parts) if all(part in _ingredients() for part in parts) else ()
        codes = [code for part in parts for code in self._exact(part)]
        return tuple(codes) if len(codes) == len(parts) else ()


def fold_drug(name: str) -> str:
    """Return the generic name a drug's name stands for, case, brand, salt and release folded.

    Parameters
    ----------
    name : str
        As written in a text.

    Returns
    -------
    str
        The folded generic name, the ingredients of a combination joined by a slash; the folded
        name itself where the table does not know it.

    Examples
    --------
    >>> fold_drug("Lopressor"), fold_drug("METOPROLOL  Succinate ER"), fold_drug("Percocet")
    ('metoprolol', 'metoprolol', 'oxycodone/acetaminophen')
    """
    folded = fold(name).strip(_EDGES)
    brands, salts = _brands(), _salts()
    words = folded.split()
    while True:
        known = " ".join(words)
        if known in brands or known in _generics():
            return brands.get(known, known)
        if len(words) < 2 or words[-1].strip(_EDGES) not in salts:
            return known or folded
        words.pop()


def abbreviations(text: str) -> dict[str, str]:
    """Return the short forms that a text defines in brackets after their long forms.

    Examples
    --------
    >>> abbreviations("known congestive heart failure (CHF) and diabetes (see below)")
    {'CHF': 'congestive heart failure'}
    """
    found: dict[str, str] = {}
    for match in _SHORT.finditer(text):
        short = match[1]
        if short in found or not any(char.isupper() for char in short):
            continue
        n_words = min(len(short) + 5, 2 * len(short))
        before = text[max(0, match.start() - 20 * n_words) : match.start()]
        long_form = _long_form(short, " ".join(before.split()[-n_words:]))
        if long_form:
            found[short] = long_form
    return found


def _long_form(short: str, before: str) -> str:
    """Return the shortest tail of `before` that holds the letters of `short` in order.

    The first letter must begin a word (Schwartz and Hearst 2003, figure 1).
    """
    at = len(before)
    letters = [char for char in short.casefold() if char.isalnum()]
    folded = before.lower() if len(before.lower()) == len(before) else before
    for k, letter in reversed(list(enumerate(letters))):
        at -= 1
        while at >= 0 and (
            folded[at] != letter or (k == 0 and at > 0 and folded[at - 1].isalnum())
        ):
            at -= 1
        if at < 0:
            return ""
    long_form = before[at:]
    return long_form if len(long_form) > len(short) and short not in long_form.split() else ""


@cache
def _brands() -> dict[str, str]:
    rows = read_table(data_path("drug_names.tsv"), ("brand", "generic"))
    return {fold(brand): generic for _, (brand, generic) in rows}


@cache
def _generics() -> frozenset[str]:
    return frozenset(_brands().values())


@cache
def _ingredients() -> frozenset[str]:
    return frozenset(part for generic in _generics() for part in generic.split("/"))


@cache
def _salts() -> frozenset[str]:
    return frozenset(word for _, (word,) in read_table(data_path("drug_salts.tsv"), ("word",)))

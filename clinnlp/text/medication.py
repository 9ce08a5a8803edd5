"""Medication attributes: what the text after a drug says of dose, route, frequency, duration.

From each drug mention the text is read up to the next drug, the end of the sentence, or 120
characters. One regular expression, made from a table, finds a number with a unit, routes,
frequencies and durations; the first of each kind is taken. What the text does not say stays
absent.
"""

import re
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Attribute, Entity, Note
from clinnlp.core.vocab import fold
from clinnlp.text.matcher import fold_keeping_length
from clinnlp.text.normalise import DRUG_LABELS
from clinnlp.text.sentences import Sentences
from clinnlp.text.tables import data_path, read_table

__all__ = ["Medications"]

N_CHARS = 120  # characters after a drug in which its attributes are sought
FIELDS = ("dose", "route", "frequency", "duration")
_NUMBER = r"(?<![\w.,])\d{1,6}(?:,\d{3})*(?:\.\d+)?"


class _Rules(NamedTuple):
    pattern: re.Pattern[str]
    mg: dict[str, float]  # unit → milligrams


class Medications:
    """Pipe that adds dose, dose_mg, route, frequency and duration to drug mentions.

    Attributes are the words of the text; `dose_mg` is the dose in milligrams where it is one
    number with a unit of mass. An attribute that a mention already has is kept.

    Parameters
    ----------
    table : path, optional
        TSV with columns ``term``, ``field`` and ``value``; ``#`` in a term is any number, the
        value of a unit its milligrams. Default: English.
    drug_labels : tuple of str
        Labels of drug mentions.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> note = Note(
    ...     id="n",
    ...     text="Lasix 40 mg p.o. b.i.d. for 7 days",
    ...     entities=(Entity(id="T1", span=Span(0, 5), label="Drug"),),
    ... )
    >>> found = Medications()(note).entities[0].attributes
    >>> [found[k] for k in ("dose", "dose_mg", "route", "frequency", "duration")]
    ['40 mg', 40.0, 'p.o.', 'b.i.d.', 'for 7 days']
    """

    def __init__(
        self, table: str | Path | None = None, *, drug_labels: tuple[str, ...] = DRUG_LABELS
    ) -> None:
        self._rules = _rules(table or data_path("medication_en.tsv"))
        self._drug_labels = frozenset(drug_labels)
        self._sentences = Sentences()

    def __call__(self, note: Note, /) -> Note:
        """Return the note with the attributes of its drug mentions filled in."""
        drugs = sorted(
            (e.span, i) for i, e in enumerate(note.entities) if e.label in self._drug_labels
        )
        if not drugs:
            return note
        sentences = note.sentences
        if sentences is None:
            sentences = self._sentences(note).sentences or ()
        ends = sorted(sentence.end for sentence in sentences)
        entities = list(note.entities)
        for k, (span, i) in enumerate(drugs):
            stop = drugs[k + 1][0].start if k + 1 < len(drugs) else len(note.text)
            stop = min(stop, span.end + N_CHARS, _next_end(ends, span.end, len(note.text)))
            entities[i] = self._filled(entities[i], note.text[span.end : max(stop, span.end)])
        return note.with_(entities=tuple(entities))

    def _filled(self, entity: Entity, text: str) -> Entity:
        found: dict[str, Attribute] = {}
        for match in self._rules.pattern.finditer(fold_keeping_length(text)):
            field = match.lastgroup or ""
            if field in found:
                continue
            found[field] = " ".join(text[match.start() : match.end()].split())
            if field == "dose":
                found["dose_mg"] = self._in_mg(match[0])
        kept = {key: value for key, value in found.items() if value is not None}
        if not kept.keys() - entity.attributes.keys():
            return entity
        return replace(entity, attributes={**kept, **entity.attributes})

    def _in_mg(self, dose: str) -> float | None:
        """Return the milligrams of a dose, None for a range or a unit that is not one of mass."""
        match = re.fullmatch(rf"({_NUMBER})[\s-]*(\D+)", dose)
        factor = self._rules.mg.get(fold(match[2])) if match else None
        if match is None or factor is None:
            return None
        return round(float(match[1].replace(",", "")) * factor, 9)


def _next_end(ends: list[int], offset: int, n_chars: int) -> int:
    k = bisect_left(ends, offset)
    return ends[k] if k < len(ends) else n_chars


def _rules(path: str | Path) -> _Rules:
    """Return the pattern and the units of a table.

    Raises
    ------
    DataError
        A field that is not one of unit, route, frequency and duration, or a value that is not
        a number.
    """
    terms: dict[str, list[str]] = {"unit": [], "route": [], "frequency": [], "duration": []}
    mg: dict[str, float] = {}
    for line, (term, field, value) in read_table(path, ("term", "field", "value")):
        if field not in terms:
            raise DataError(
                f"field must be one of {', '.join(terms)}, got {field!r}", path=path, line=line
            )
        terms[field].append(fold_keeping_length(term))
        if field == "unit" and value:
            try:
                mg[fold(term)] = float(value)
            except ValueError:
                raise DataError(
                    "value of a unit must be a number of milligrams", path=path, line=line
                ) from None
    dose = rf"{_NUMBER}(?:\s*(?:-|–|/)\s*\d+(?:\.\d+)?)?[\s-]*(?:{_any(terms['unit'])})"
    parts = [f"(?P<dose>{dose})"]
    parts += [f"(?P<{f}>{_any(terms[f])})" for f in ("duration", "frequency", "route") if terms[f]]
    return _Rules(re.compile(rf"(?<!\w)(?:{'|'.join(parts)})(?!\w)"), mg)


def _any(terms: list[str]) -> str:
    longest_first = sorted(terms, key=lambda term: (-len(term), term))
    return "|".join(_pattern(term) for term in longest_first) or r"(?!)"


def _pattern(term: str) -> str:
    escaped = r"\s+".join(re.escape(word) for word in term.split())
    return escaped.replace(r"\#", r"\d+(?:\.\d+)?(?:\s*-\s*\d+)?").replace(r"\-", r"[\s-]?")

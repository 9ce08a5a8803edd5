"""Identifiers that rules find and those that a fine-tuned tagger finds, together.

What either finds counts. Where both find, the rules say what it is, and what the tagger finds
beside them is kept; the finder of such an entity is ``model:`` and the name of the model. A tagger
that was taught one label for all ages, or for dates and years, is read by the number that stands
there, as the rules are.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from clinnlp.core.checks import check_fraction
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.text.identifier_rules import Find
from clinnlp.text.identifiers import (
    DOUBTED,
    SOURCE,
    Identifiers,
    identifier_labels,
    trimmed,
    united,
    with_finds,
)

if TYPE_CHECKING:
    from clinnlp.bert.predict import EntityTagger

__all__ = ["TaggedIdentifiers", "UsedModel", "label_as_written", "with_tagger"]

_YEAR = re.compile(r"(?:1[89]|20)[0-9]{2}")
_NUMBER = re.compile(r"(?<![0-9])[0-9]{1,3}(?![0-9])")
_OLDEST = 89


class TaggedIdentifiers:
    """Pipe that adds an entity for each identifier that rules or a tagger find.

    Parameters
    ----------
    rules : Identifiers
        Its labels are those that the tagger may give too.
    tagger : EntityTagger
        Whose labels are labels of identifiers.
    name : str
        By which the tagger is called in ``finder``.
    least_score : float
        What the tagger gives a smaller score does not count.

    Raises
    ------
    ArgumentError
        The model is no tagger, or has a label that no identifier has.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.bert.train import fine_tune_ner
    >>> from clinnlp.core.spans import Span
    >>> said = Entity(id="T1", span=Span(5, 13), label="NAME")
    >>> train = [Note(id=f"n{k}", text="Saw  Quillenn today.", entities=(said,)) for k in range(4)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> tagger = fine_tune_ner(
    ...     train, out=f"{folder.name}/m", epochs=3, selection_fraction=0.0, known_names=0,
    ...     progress=False)
    >>> pipe = TaggedIdentifiers(Identifiers(), tagger, name="m")
    >>> note = pipe(Note(id="n", text="Saw  Quillenn today. Tel. 410-555-0143."))
    >>> [(note.mention(e), e.attributes["finder"].partition(":")[0]) for e in note.entities]
    [('Quillenn', 'model'), ('410-555-0143', 'rule')]
    >>> folder.cleanup()
    """

    def __init__(
        self,
        rules: Identifiers,
        tagger: "EntityTagger",
        *,
        name: str = "tagger",
        least_score: float = 0.5,
    ) -> None:
        check_fraction(least_score, name="least_score")
        _check_tagger(tagger)
        self._rules, self._tagger = rules, tagger
        self._finder, self._least = f"model:{name}", least_score

    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        return self.batch([note])[0]

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with what was found, in order."""
        given = [note.without_source(SOURCE) for note in notes]
        read = self._tagger.batch([note.with_(entities=(), relations=()) for note in given])
        return [self.joined(note, tagged) for note, tagged in zip(given, read, strict=True)]

    def joined(self, note: Note, tagged: Note) -> Note:
        """Return a note with what rules find in it, and a tagger in a note of the same text."""
        by_rules = self._rules(note).entities[len(note.entities) :]
        finds = [_find(entity) for entity in by_rules] + self._finds(tagged)
        found = trimmed(note.text, united(finds))
        return with_finds(note.with_(coverage=tagged.coverage), found)

    def _finds(self, tagged: Note) -> list[Find]:
        """Return what the tagger is sure enough of and is looked for."""
        out = []
        for entity in tagged.entities:
            score = 1.0 if entity.score is None else entity.score
            label = label_as_written(entity.label, tagged.mention(entity))
            if score >= self._least and label in self._rules.labels:
                doubt = DOUBTED + (1 - DOUBTED) * (1 - score)  # gives way to the rules
                out.append(Find(*entity.span, label, self._finder, round(doubt, 3)))
        return out


@dataclass(frozen=True, slots=True, kw_only=True)
class UsedModel:
    """A tagger that was asked beside the rules.

    Parameters
    ----------
    name : str
        Of its folder, as finders are called.
    labels : tuple of str
        Those of its labels that were looked for.
    n_names : int
        Names of its training notes that it keeps; they may be those of patients.
    """

    name: str
    labels: tuple[str, ...]
    n_names: int = 0

    def __str__(self) -> str:
        kept = (
            f"; it keeps {self.n_names:,} names of its training notes, so its folder must stay "
            "where those may lie (known_names=0 trains one that keeps none)"
        )
        return (
            f"model:{self.name} looked for {', '.join(self.labels)}{kept if self.n_names else ''}"
        )


def with_tagger(
    rules: Identifiers, folder: str | Path, least_score: float
) -> tuple[TaggedIdentifiers, UsedModel]:
    """Return rules joined with the tagger in a folder, and what is told of it.

    Parameters
    ----------
    rules : Identifiers
    folder : path
        What `fine_tune_ner` wrote.
    least_score : float
        What the tagger gives a smaller score does not count.

    Raises
    ------
    StoreError
        The folder is none of a model, or is damaged.
    ArgumentError
        The model is no tagger, has a label that no identifier has, or none that is looked for.
    """
    from clinnlp.bert.store import load

    tagger: Any = load(folder)
    _check_tagger(tagger)
    name = Path(folder).resolve().name
    labels = tuple(label for label in tagger.labels if label in rules.labels)
    if not labels:
        raise ArgumentError(
            "a tagger must have a label that is looked for, got one of "
            f"{', '.join(tagger.labels)}; labels='all' looks for all"
        )
    n_names = sum(map(len, tagger.names.values()))
    made = TaggedIdentifiers(rules, tagger, name=name, least_score=least_score)
    return made, UsedModel(name=name, labels=labels, n_names=n_names)


def label_as_written(label: str, text: str) -> str:
    """Return a label of an age or a date as its numbers say.

    Examples
    --------
    >>> label_as_written("AGE", "94 years"), label_as_written("AGE_OVER_89", "45 años")
    ('AGE_OVER_89', 'AGE')
    >>> label_as_written("DATE", "2019"), label_as_written("DATE", "May 2019")
    ('YEAR', 'DATE')
    """
    if label in ("AGE", "AGE_OVER_89"):
        ages = [int(number) for number in _NUMBER.findall(text)]
        return label if not ages else "AGE_OVER_89" if max(ages) > _OLDEST else "AGE"
    if label in ("DATE", "YEAR"):
        return "YEAR" if _YEAR.fullmatch(text.strip()) else "DATE"
    return label


def _find(entity: Entity) -> Find:
    said = entity.attributes
    return Find(*entity.span, entity.label, str(said["finder"]), float(said.get("doubt") or 0))


def _check_tagger(tagger: Any) -> None:
    if getattr(tagger, "task", None) != "ner":
        raise ArgumentError(
            "a model of identifiers must be a tagger, as clinnlp fine-tune ner writes it, "
            f"got {type(tagger).__name__}"
        )
    others = sorted(set(tagger.labels) - identifier_labels().keys())
    if others:
        raise ArgumentError(
            f"labels of a tagger of identifiers must be among {', '.join(identifier_labels())}, "
            f"got {', '.join(others)}"
        )

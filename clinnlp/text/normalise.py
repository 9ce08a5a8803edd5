"""Normalisation: from a mention to the concepts it names.

The steps of `clinnlp.text.linking`, by the words of the mention; where none answers, by the long
form that the note defines for it (``congestive heart failure (CHF)``): step ``abbreviation``.
"""

from collections.abc import Mapping
from dataclasses import replace

from clinnlp.core.abbreviations import abbreviations
from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Attribute, Entity, Note
from clinnlp.core.vocab import Vocabulary
from clinnlp.text.candidates import Candidates, NameVectors
from clinnlp.text.drugs import fold_drug
from clinnlp.text.linking import Link, Linker

__all__ = ["DRUG_LABELS", "Normalise", "fold_drug"]

DRUG_LABELS = ("Drug", "Chemical", "Medication")


class Normalise:
    """Pipe that gives concepts to mentions that have none.

    Their attribute ``linked_by`` names the step that answered, ``name`` is the preferred name of
    the first concept, ``vocabulary`` the system of its code; ``link_score`` stands beside them
    where the names only resemble each other.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
        Concepts and their names. Where two share a name, the first in file order is given, a
        preferred name before a synonym.
    fuzzy : float, optional
        Lowest similarity, in [0, 1], of a misspelled name; absent: names must be right.
    drug_labels : tuple of str
        Labels whose mentions go through the table of drug names.
    candidates : int
        How many concepts to name for a mention that no step is sure of, in its attribute
        ``candidates``: codes with scores, the nearest first (``"D1 0.91|D7 0.62"``). They are no
        concepts of the mention. Needs a vocabulary.
    vectors : callable, optional
        Names to vectors, as in `Candidates`, to find candidates that are worded otherwise.
    language : str
        Whose drug names: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> drugs = (Entity(id="T1", span=Span(0, 7), label="Drug"),)
    >>> entity = Normalise()(Note(id="n", text="Bactrim DS", entities=drugs)).entities[0]
    >>> entity.concepts, entity.attributes["linked_by"]
    (('sulfamethoxazole', 'trimethoprim'), 'drug')
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        *,
        fuzzy: float | None = None,
        drug_labels: tuple[str, ...] = DRUG_LABELS,
        candidates: int = 0,
        vectors: NameVectors | None = None,
        language: str = "en",
    ) -> None:
        self._drug_labels = frozenset(drug_labels)
        self._vocabulary = vocabulary
        self._linker = Linker(vocabulary, fuzzy=fuzzy, language=language)
        check_at_least(candidates, 0, name="candidates")
        if candidates and vocabulary is None:
            raise ArgumentError("candidates need a vocabulary, got none")
        self._n_candidates = candidates
        self._candidates: Candidates | None = None
        if candidates and vocabulary is not None:
            self._candidates = Candidates(vocabulary, vectors=vectors)

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

    def link(self, mention: str, long_forms: Mapping[str, str], *, is_drug: bool) -> Link | None:
        """Return what a mention stands for in a note that defines `long_forms`."""
        long_form = long_forms.get(mention) or long_forms.get(mention.removesuffix("s"))
        if long_form is None:
            return self._linker(mention, is_drug=is_drug)
        # What a note defines is that and nothing else, also where it is no name
        found = self._linker(long_form, is_drug=is_drug)
        return found and found._replace(step="abbreviation")

    def _unsure(self, note: Note, entity: Entity, long_forms: Mapping[str, str]) -> Entity:
        """Return a mention that no step is sure of, with candidates where they are asked for."""
        if self._candidates is None:
            return entity
        mention = note.mention(entity)
        asked = long_forms.get(mention, mention)
        found = self._candidates(asked, n=self._n_candidates)
        if not found:
            return entity
        said = "|".join(f"{each.code} {each.score:.2f}" for each in found)
        return replace(entity, attributes={**entity.attributes, "candidates": said})

    def _normalised(self, note: Note, entity: Entity, long_forms: Mapping[str, str]) -> Entity:
        is_drug = entity.label in self._drug_labels
        found = self.link(note.mention(entity), long_forms, is_drug=is_drug)
        if found is None:
            return self._unsure(note, entity, long_forms)
        first = found.concepts[0]
        name = self._vocabulary[first].name if self._vocabulary is not None else first
        said: dict[str, Attribute] = {"linked_by": found.step, "name": name}
        said |= self._systems(found.concepts)
        if found.step == "fuzzy" or found.score < 1:
            said["link_score"] = found.score
        attributes = {**entity.attributes, **said}
        return replace(entity, concepts=found.concepts, attributes=attributes)

    def _systems(self, codes: tuple[str, ...]) -> dict[str, Attribute]:
        """Return the vocabulary that codes are of; of several, one for each between ``|``."""
        known = [] if self._vocabulary is None else [self._vocabulary[c].system for c in codes]
        said = known[0] if len(set(known)) == 1 else "|".join(known)
        return {"vocabulary": said} if any(known) else {}

"""Dictionary lookup: mentions of a vocabulary's names, longest first, between word boundaries.

Matching ignores case and the amount of white space. Names of up to three characters match only
in exactly the case the vocabulary gives, because "OR", "PE" and "ca" are also words or parts
of words.
"""

from typing import Literal

from clinnlp.core.checks import check_one_of
from clinnlp.core.notes import Entity, Note, fresh_ids
from clinnlp.core.spans import Span, pairs_overlapping
from clinnlp.core.vocab import Vocabulary
from clinnlp.text.matcher import TermMatcher, fold_text, leftmost_longest

__all__ = ["Lookup"]

SOURCE = "lookup"
N_CASED = 3  # names of up to this many characters match case-sensitively


class Lookup:
    """Pipe that adds an entity for each name of a vocabulary found in the text.

    Parameters
    ----------
    vocabulary : Vocabulary
        Names to find. Where two concepts share a name, the first in file order is given.
    overlap : {"skip", "keep"}
        Whether to leave out a find that shares a character with an entity of another source.

    Examples
    --------
    >>> from clinnlp.core.vocab import Concept
    >>> words = Vocabulary([Concept(code="D1", name="lisinopril", label="Drug")])
    >>> note = Lookup(words)(Note(id="n", text="LISINOPRIL daily"))
    >>> [(e.id, e.label, e.concepts, e.source) for e in note.entities]
    [('L1', 'Drug', ('D1',), 'lookup')]
    """

    def __init__(
        self, vocabulary: Vocabulary, *, overlap: Literal["skip", "keep"] = "skip"
    ) -> None:
        check_one_of(overlap, ("skip", "keep"), name="overlap")
        self._overlap = overlap
        terms = list(vocabulary.terms())
        self._codes = [code for _, code in terms]
        self._labels = [vocabulary[code].label for code in self._codes]
        self._matcher = TermMatcher([name for name, _ in terms], n_cased=N_CASED)

    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        folded = fold_text(note.text)
        found = [
            (Span(*folded.original(match.start, match.end)), match.term)
            for match in leftmost_longest(self._matcher.find(folded))
        ]
        if self._overlap == "skip" and note.entities:
            pieces = [piece for entity in note.entities for piece in entity.pieces]
            taken = {i for i, _ in pairs_overlapping([span for span, _ in found], pieces)}
            found = [pair for i, pair in enumerate(found) if i not in taken]
        if not found:
            return note
        return note.with_(entities=(*note.entities, *self._entities(note, found)))

    def _entities(self, note: Note, found: list[tuple[Span, int]]) -> list[Entity]:
        return [
            Entity(
                id=name,
                span=span,
                label=self._labels[term],
                concepts=(self._codes[term],),
                source=SOURCE,
            )
            for name, (span, term) in zip(fresh_ids(note, "L", len(found)), found, strict=True)
        ]

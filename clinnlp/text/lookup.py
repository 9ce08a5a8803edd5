"""Dictionary lookup: mentions of a vocabulary's names, longest first, between word boundaries.

Matching ignores case and the amount of white space. Names of up to three characters match only
in exactly the case the vocabulary gives, because "OR", "PE" and "ca" are also words or parts
of words; so do names that are common words ("Lead"). Hyphens may be blanks, a plural or another
spelling of the name is found too, and misspelled names of one word on request.
"""

import re
from collections.abc import Sequence
from functools import cache
from typing import Literal

from clinnlp.core.checks import check_one_of
from clinnlp.core.notes import Attribute, Entity, Note, fresh_ids
from clinnlp.core.spans import Span, pairs_overlapping
from clinnlp.core.vocab import Vocabulary
from clinnlp.text.linking import Nearest
from clinnlp.text.matcher import Folded, Match, TermMatcher, fold_text, leftmost_longest
from clinnlp.text.plain import reads_plain
from clinnlp.text.tables import language_path, read_table
from clinnlp.text.variants import Variants

__all__ = ["Lookup"]

SOURCE = "lookup"
N_CASED = 3  # names of up to this many characters match case-sensitively
N_MISSPELLED = 6  # letters; shorter words are not taken for misspelled names
_WORD = re.compile(rf"[^\W\d_]{{{N_MISSPELLED},}}")


_Find = tuple[Span, int, float]  # where, number of the term, how near it is to the name


class Lookup:
    """Pipe that adds an entity for each name of a vocabulary found in the text.

    Its attribute ``name`` is the preferred name of the concept.

    Parameters
    ----------
    vocabulary : Vocabulary
        Names to find. Where two concepts share a name, the first in file order is given.
    overlap : {"skip", "keep"}
        Whether to leave out a find that shares a character with an entity of another source.
    nested : bool
        Whether a shorter name inside a longer one is an entity too ("pain" in "chest pain"),
        instead of the longest name at each place alone.
    variants : bool
        Whether plurals, hyphens as blanks and other spellings of a name count; the rules are
        the language's table of `clinnlp.text.variants`.
    fuzzy : float, optional
        Lowest similarity, in [0, 1], of a misspelled word to a name of one word; the entity's
        attribute ``link_score`` holds it. Absent: names must be right.
    language : str
        Whose common words and variants: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> from clinnlp.core.vocab import Concept
    >>> words = Vocabulary([Concept(code="D1", name="lisinopril", label="Drug")])
    >>> note = Lookup(words)(Note(id="n", text="LISINOPRIL daily"))
    >>> [(e.id, e.label, e.concepts, e.source) for e in note.entities]
    [('L1', 'Drug', ('D1',), 'lookup')]
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        *,
        overlap: Literal["skip", "keep"] = "skip",
        nested: bool = False,
        variants: bool = True,
        fuzzy: float | None = None,
        language: str = "en",
    ) -> None:
        check_one_of(overlap, ("skip", "keep"), name="overlap")
        self._overlap, self._nested = overlap, nested
        terms = list(vocabulary.terms())
        self._codes = [code for _, code in terms]
        self._labels = [vocabulary[code].label for code in self._codes]
        self._preferred = [vocabulary[code].name for code in self._codes]
        names = [name for name, _ in terms]
        self._matcher = TermMatcher(
            names,
            n_cased=N_CASED,
            common=_common_words(language),
            variants=Variants(language=language) if variants else None,
        )
        self._nearest = None if fuzzy is None else Nearest(names, self._codes, lowest=fuzzy)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        folded = fold_text(note.text)
        matches = self._matcher.find(folded)
        if not self._nested:
            matches = leftmost_longest(matches)
        found = [(Span(*folded.original(m.start, m.end)), m.term, 1.0) for m in matches]
        if self._nearest is not None:
            found += self._misspelled(folded, matches)
            found.sort()
        if self._overlap == "skip" and note.entities:
            found = _beside(found, note.entities)
        if not found:
            return note
        return note.with_(entities=(*note.entities, *self._entities(note, found)))

    def _misspelled(self, folded: Folded, matches: list[Match]) -> list[_Find]:
        """Return the words outside all finds that are near to a name."""
        out = []
        ends = iter([*leftmost_longest(matches), Match(len(folded.lower) + 1, 0, 0)])
        following, until = next(ends), 0
        for word in _WORD.finditer(folded.lower):
            while following.start < word.end():
                until, following = following.end, next(ends)
            near = self._nearest(word[0]) if self._nearest and word.start() >= until else None
            if near is not None:
                out.append((Span(*folded.original(*word.span())), near[0], near[1]))
        return out

    def _entities(self, note: Note, found: list[_Find]) -> list[Entity]:
        made = []
        for name, (span, term, score) in zip(fresh_ids(note, "L", len(found)), found, strict=True):
            said: dict[str, Attribute] = {"name": self._preferred[term]}
            if score < 1:
                said |= {"linked_by": "fuzzy", "link_score": score}
            made.append(
                Entity(
                    id=name,
                    span=span,
                    label=self._labels[term],
                    concepts=(self._codes[term],),
                    attributes=said,
                    source=SOURCE,
                )
            )
        return made


def _beside(found: list[_Find], entities: Sequence[Entity]) -> list[_Find]:
    """Return the finds that share no character with an entity."""
    pieces = [piece for entity in entities for piece in entity.pieces]
    taken = {i for i, _ in pairs_overlapping([span for span, *_ in found], pieces)}
    return [row for i, row in enumerate(found) if i not in taken]


@cache
def _common_words(language: str) -> frozenset[str]:
    path = language_path("common_words", language)
    return frozenset(word for _, (word,) in read_table(path, ("word",)))

"""Dictionary lookup: mentions of a vocabulary's names, longest first, between word boundaries.

Matching ignores case and the amount of white space. Names of up to three characters that are also
words ("OR", "PE", "Ca") do not match in small letters, and all those of a large list match only in
exactly the case the vocabulary gives (`clinnlp.text.short_names`); so do names that are common
words ("Lead"). Hyphens may be blanks, a plural or another
spelling of the name is found too, and misspelled names of one word on request.

Of a list of more than 1,000 names, those that mostly mean something else are found only beside a
dose (`clinnlp.text.large_lists`), and the salt behind a drug belongs to its mention ("morphine
sulfate"): the attribute ``salt`` names it.
"""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from typing import Literal

from clinnlp.core.checks import check_one_of
from clinnlp.core.notes import Attribute, Entity, Note, fresh_ids
from clinnlp.core.spans import Span, pairs_overlapping
from clinnlp.core.vocab import Vocabulary
from clinnlp.text.icd_names import names_in_notes
from clinnlp.text.large_lists import DRUG_LABELS, N_LARGE, Doubtful
from clinnlp.text.linking import Nearest
from clinnlp.text.matcher import Folded, Match, TermMatcher, fold_text, leftmost_longest
from clinnlp.text.plain import plain_text, reads_plain
from clinnlp.text.short_names import cases_of
from clinnlp.text.variants import Variants

__all__ = ["Lookup"]

SOURCE = "lookup"
MEDICATION_KINDS = ("medications", "discharge_medications")
N_MISSPELLED = 6  # letters; shorter words are not taken for misspelled names
_WORD = re.compile(rf"[^\W\d_]{{{N_MISSPELLED},}}")

_Named = tuple[Match, str]  # a name, and the salt behind it
_Find = tuple[Span, int, float, str]  # where, number of the term, how near to the name, its salt


class Lookup:
    """Pipe that adds an entity for each name of a vocabulary found in the text.

    Its attribute ``name`` is the preferred name of the concept, ``vocabulary`` the system of its
    code, where that is known.

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
    keep_names : collection of str, or "all"
        Names of a large list that are found anywhere, though they are short, common words,
        abbreviations, laboratory names or salts.

    Attributes
    ----------
    n_cased : int
        Names of up to three characters that are not found in any case.

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
        keep_names: Collection[str] | str = (),
    ) -> None:
        check_one_of(overlap, ("skip", "keep"), name="overlap")
        self._overlap, self._nested = overlap, nested
        terms = list(vocabulary.terms())
        if len(terms) > N_LARGE:
            terms += names_in_notes(vocabulary)
        self._codes = [code for _, code in terms]
        self._labels = [vocabulary[code].label for code in self._codes]
        self._preferred = [vocabulary[code].name for code in self._codes]
        self._systems = [vocabulary[code].system for code in self._codes]
        names = [name for name, _ in terms]
        self._doubtful = Doubtful(vocabulary, terms, keep=keep_names, language=language)
        self._has_salts = self._doubtful.is_large and not nested
        cases = cases_of(terms, language=language)
        self.n_cased = cases.n_bound
        self._matcher = TermMatcher(
            names,
            n_cased=cases.n_cased,
            common=cases.own,
            capitals=cases.capitals,
            variants=Variants(language=language) if variants else None,
        )
        self._nearest = None if fuzzy is None else Nearest(names, self._codes, lowest=fuzzy)

    @reads_plain
    def __call__(self, note: Note, /) -> Note:
        """Return the note with the finds of an earlier run replaced by those of this one."""
        note = note.without_source(SOURCE)
        folded = fold_text(note.text)
        named = self._named(folded)
        found = [
            (Span(*folded.original(m.start, m.end)), m.term, 1.0, salt)
            for m, salt in self._kept(note, folded, named)
        ]
        if self._nearest is not None:
            found += self._misspelled(folded, [m for m, _ in named])
            found.sort()
        if self._overlap == "skip" and note.entities:
            found = _beside(found, note.entities)
        if not found:
            return note
        return note.with_(entities=(*note.entities, *self._entities(note, found)))

    def held_back(self, note: Note) -> Counter[str]:
        """Return how many names in a note that this pipe has read are no mentions, by reason.

        Examples
        --------
        >>> from clinnlp.core.vocab import Concept
        >>> names = ["L", *(f"drug {i}" for i in range(1000))]
        >>> lookup = Lookup(Vocabulary(Concept(code=n, name=n, label="Drug") for n in names))
        >>> lookup.held_back(lookup(Note(id="n", text="L knee pain, drug 7")))
        Counter({'short': 1})
        """
        reasons = self._doubtful.reasons
        if not reasons:
            return Counter()
        plain = plain_text(note.text)
        note = note if plain is None else plain.copied(note)
        folded = fold_text(note.text)
        found = [
            (Span(*folded.original(match.start, match.end)), match.term, 1.0, salt)
            for match, salt in self._named(folded)
            if match.term in reasons
        ]
        return Counter(reasons[term] for _, term, *_ in _beside(found, note.entities))

    def _kept(self, note: Note, folded: Folded, named: list[_Named]) -> list[_Named]:
        """Return the names in a text without those that mostly mean something else there."""
        reasons = self._doubtful.reasons
        doubted = [match for match, _ in named if match.term in reasons] if reasons else []
        if not doubted:
            return named
        left_out = self._left_out(note, folded, doubted)
        return [(match, salt) for match, salt in named if match not in left_out]

    def _left_out(self, note: Note, folded: Folded, doubted: list[Match]) -> set[Match]:
        lists = [s.span for s in note.sections or () if s.kind in MEDICATION_KINDS]
        places = [Span(*folded.original(match.start, match.end)) for match in doubted]
        listed = {k for k, _ in pairs_overlapping(places, lists)}
        return {
            match
            for k, match in enumerate(doubted)
            if self._doubtful(folded.lower, match, in_medications=k in listed)
        }

    def _named(self, folded: Folded) -> list[_Named]:
        """Return the names in a text, each with the salt behind it that belongs to its mention."""
        matches = self._matcher.find(folded)
        if not self._nested:
            matches = leftmost_longest(matches)
        if not (self._has_salts and matches):
            return [(match, "") for match in matches]
        out: list[_Named] = []
        last = 0
        for match, following in zip(matches, [*matches[1:], None], strict=True):
            if match.start < last:  # a name of the salt alone
                continue
            last = self._end(folded, match, following)
            out.append((match._replace(end=last), folded.lower[match.end : last].strip()))
        return out

    def _end(self, folded: Folded, match: Match, following: Match | None) -> int:
        """Return the end of a drug with its salt, unless another name begins in the salt's."""
        if self._labels[match.term] not in DRUG_LABELS:
            return match.end
        end = self._doubtful.salt_behind(folded.lower, match.end)
        is_of_another = following is not None and following.start < end < following.end
        return match.end if is_of_another else end

    def _misspelled(self, folded: Folded, matches: list[Match]) -> list[_Find]:
        """Return the words outside all finds that are near to a name."""
        out = []
        ends = iter([*leftmost_longest(matches), Match(len(folded.lower) + 1, 0, 0)])
        following, until = next(ends), 0
        for word in _WORD.finditer(folded.lower):
            while following.start < word.end():
                until, following = following.end, next(ends)
            near = self._nearest(word[0]) if self._nearest and word.start() >= until else None
            if near is not None and near[0] not in self._doubtful.reasons:
                out.append((Span(*folded.original(*word.span())), *near, ""))
        return out

    def _entities(self, note: Note, found: list[_Find]) -> list[Entity]:
        made = []
        ids = fresh_ids(note, "L", len(found))
        for name, (span, term, score, salt) in zip(ids, found, strict=True):
            said: dict[str, Attribute] = {"name": self._preferred[term]}
            if self._systems[term]:
                said["vocabulary"] = self._systems[term]
            if score < 1:
                said |= {"linked_by": "fuzzy", "link_score": score}
            if salt:
                said["salt"] = salt
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

"""Linking a name to concepts of a vocabulary, step by step; the first step that answers wins.

============  =============================================================  ==========  ==========
step          the folded name is                                             chemicals   diseases
============  =============================================================  ==========  ==========
exact         a preferred name                                               284 of 284  137 of 139
synonym       another name of a concept; one of two or three letters in      97 of 100
              the same case
variant       one of these but for hyphens, blanks, commas, apostrophes,     13 of 14    13 of 13
              Greek letters, a plural s
spelling      one of these but for spellings of languages and times          5 of 5      4 of 4
              ("sulphasalazine")
order         one of these but for the order of its words and their          0 of 0      4 of 7
              plurals ("kidney disease, chronic")
title         what notes call a title of ICD-10-CM                                       139 of 140
              (`clinnlp.text.icd_names`)
unspecified   one without its "unspecified" and what stands in brackets      1 of 1      1 of 1
drug          a brand or abbreviation of the table of drug names, whose      7 of 7
              generic name is linked
salt          a drug with its salt or release behind it ("cocaine            26 of 30
              hydrochloride"), or the metal before it ("sodium valproate")
acid          a base whose acid is linked ("lactate"), an element whose      9 of 10
              ion is
combination   several drugs joined by a slash, a plus, a hyphen or "and":    2 of 2
              all of them are linked
fuzzy         a letter or two away from one name only                        7 of 8
              (`clinnlp.text.nearest`)
abbreviation  defined in the note (`clinnlp.text.normalise`)                 60 of 61    24 of 25
============  =============================================================  ==========  ==========

The last columns say how many links were right of those judged by hand: mentions of BC5CDR dev in
DrugBank and in ICD-10-CM. Of 200 drawn from all links 199 and 197 were (``scripts/bench linking``).

A looser key that names of several concepts share answers nothing.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.drugs import drug_names
from clinnlp.text.icd_names import names_in_notes
from clinnlp.text.names import loosened, name_words, reordered, respelled, unqualified
from clinnlp.text.nearest import Nearest

__all__ = ["Link", "Linker", "Nearest"]

_N_PART = 5  # letters of the shortest drug of a combination
_N_CASED = 3  # letters of a synonym that is only one in its own case
_SEVERAL = -1  # in place of the number of a name: names of several concepts
_HYPHEN = re.compile(r"\s*[-–]\s*")
_IONS = (" cation", " ion")


class Link(NamedTuple):
    """Concepts of a name, the step that found them and, where it is not 1, how near it is."""

    concepts: tuple[str, ...]
    step: str
    score: float = 1.0


class Linker:
    """Names and what they stand for.

    Of 2 million names the exact ones are ready in 3 s and 0.3 GB beside the vocabulary, the looser
    keys in 17 s and 0.3 GB more when a name first needs them, nearness in 5 s and 0.3 GB. Then
    100,000 names take 1 s, and 25 s where half of them are misspelled.

    Parameters
    ----------
    vocabulary : Vocabulary, optional
        Absent: the generic names of the drug table are the concepts.
    fuzzy : float, optional
        Lowest score, in [0, 1], of a name that is only near; absent: none is.
    language : str
        Whose drug names: ``"en"`` or ``"es"``.

    Examples
    --------
    >>> from clinnlp.core.vocab import Concept
    >>> linker = Linker(
    ...     Vocabulary([Concept(code="D1", name="Fluorouracil", synonyms=("5-FU",))]), fuzzy=0.85
    ... )
    >>> linker("5FU")
    Link(concepts=('D1',), step='variant', score=1.0)
    >>> linker("flourouracil")
    Link(concepts=('D1',), step='fuzzy', score=0.9167)
    """

    def __init__(
        self,
        vocabulary: Vocabulary | None = None,
        *,
        fuzzy: float | None = None,
        language: str = "en",
    ) -> None:
        self._drugs, self._language = drug_names(language), language
        self._vocabulary = vocabulary
        self._numbers: dict[str, int] = {}  # of names; all preferred ones come before the others
        self._codes: list[str] = []
        self._cased: dict[str, set[str]] = {}  # short synonyms as they are written
        concepts = list(vocabulary or ())
        for concept in concepts:
            self._add(fold(concept.name), concept.code)
        self._n_preferred = len(self._codes)
        for concept in concepts:
            for name in concept.synonyms:
                self._add_synonym(name, concept.code)
        self._names = list(self._numbers)
        self._looser: _Looser | None = None
        self._nearest = None if fuzzy is None else Nearest(self._names, self._codes, lowest=fuzzy)

    def __getstate__(self) -> dict[str, Any]:
        return vars(self) | {"_looser": None}  # made of the names alone, when it is asked for

    def __call__(self, name: str, *, is_drug: bool = False) -> Link | None:
        """Return what a name stands for, None where no step answers."""
        found = self._whole(name, is_drug=is_drug)
        if found is None and is_drug:
            found = self._combined(name)
        return found or self._near(fold(name))

    def _add(self, folded: str, code: str) -> None:
        if folded and self._numbers.setdefault(folded, len(self._codes)) == len(self._codes):
            self._codes.append(code)

    def _add_synonym(self, name: str, code: str) -> None:
        folded = fold(name)
        if 0 < len(folded) <= _N_CASED:
            self._cased.setdefault(folded, set()).add(" ".join(name.split()))
        self._add(folded, code)

    def _whole(self, name: str, *, is_drug: bool) -> Link | None:
        folded = fold(name)
        found = self._named(folded, name) or self._alike(folded)
        if found is None and is_drug:
            found = self._drug(folded)
            if found is None and self._vocabulary is not None:
                found = self._salted(folded) or self._charged(folded)
        return found

    def _named(self, folded: str, name: str) -> Link | None:
        number = self._numbers.get(folded)
        if number is None:
            return None
        if number < self._n_preferred:
            return Link((self._codes[number],), "exact")
        cased = self._cased.get(folded)
        if len(folded) == 1 or (cased is not None and " ".join(name.split()) not in cased):
            return None
        return Link((self._codes[number],), "synonym")

    def _alike(self, folded: str) -> Link | None:
        # Made when first asked for; threads that both ask make the same
        looser = self._looser
        if looser is None:
            named = [(n, k) for n, k in self._numbers.items() if n not in self._cased]
            looser = self._looser = _Looser(
                named, self._codes, n_preferred=self._n_preferred, language=self._language
            )
            for name, title in names_in_notes(self._vocabulary or ()):
                looser.titles.setdefault(respelled(loosened(fold(name))), title)
        loose = loosened(folded)
        number = looser.spelled.get(respelled(loose), _SEVERAL) if loose else _SEVERAL
        if number != _SEVERAL:
            same = loosened(self._names[number]) == loose
            return Link((self._codes[number],), "variant" if same else "spelling")
        number = looser.ordered.get(reordered(folded, language=self._language), _SEVERAL)
        if number != _SEVERAL:
            return Link((self._codes[number],), "order")
        code = looser.titles.get(respelled(loose))
        if code is not None:
            return Link((code,), "title")
        number = looser.bare.get(respelled(loose), _SEVERAL)
        return None if number == _SEVERAL else Link((self._codes[number],), "unspecified")

    def _drug(self, folded: str) -> Link | None:
        drugs = self._drugs
        generic = drugs.generic(folded)
        parts = generic.split("/") if generic in drugs.generics else [generic]
        if self._vocabulary is None:
            known = all(part in drugs.ingredients for part in parts)
            return Link(tuple(parts), "drug") if known else None
        links = [self._whole(part, is_drug=False) for part in dict.fromkeys((generic, *parts))]
        whole, *each = links
        step = "salt" if folded.startswith(generic) else "drug"
        if folded == generic and len(parts) > 1:
            step = "combination"
        codes = _codes([whole]) or _codes(each)
        return Link(codes, step) if codes else None

    def _salted(self, folded: str) -> Link | None:
        """Return the link of a drug behind the metal of its salt."""
        metal, _, rest = folded.partition(" ")
        if (
            metal in name_words("metal", self._language)
            and len(rest) >= _N_PART
            and not self._drugs.is_salt(rest)
        ):
            found = self._whole(rest, is_drug=True)
            return found and found._replace(step="salt")
        return None

    def _charged(self, folded: str) -> Link | None:
        """Return the link of the acid of a base, or of the ion of an element."""
        others = [folded + ion for ion in _IONS]
        if folded.endswith("ate"):
            others.append(f"{folded[:-3]}ic acid")
        for other in others:
            found = self._named(other, other)
            if found is not None:
                return found._replace(step="acid")
        return None

    def _combined(self, name: str) -> Link | None:
        for joint in (self._drugs.joint, _HYPHEN):
            parts = [part for part in joint.split(fold(name)) if part]
            if len(parts) < 2 or any(len(part) < _N_PART for part in parts):
                continue
            codes = _codes([self._whole(part, is_drug=True) for part in parts])
            if codes:
                return Link(tuple(dict.fromkeys(codes)), "combination")
        return None

    def _near(self, folded: str) -> Link | None:
        if self._nearest is None:
            return None
        found = self._nearest(folded)
        return found and Link((self._codes[found[0]],), "fuzzy", found[1])


class _Looser:
    """Numbers of names by looser keys; `_SEVERAL` where names of several concepts share one."""

    def __init__(
        self,
        names: Iterable[tuple[str, int]],
        codes: Sequence[str],
        *,
        n_preferred: int,
        language: str,
    ) -> None:
        self.spelled: dict[str, int] = {}
        self.ordered: dict[str, int] = {}
        self.bare: dict[str, int] = {}
        self.titles: dict[str, str] = {}
        self._codes, self._n_preferred = codes, n_preferred
        for folded, number in names:
            self._enter(self.spelled, respelled(loosened(folded)), number)
            ordered = reordered(folded, language=language)
            if ordered:
                self._enter(self.ordered, ordered, number)
            bare = unqualified(folded)
            if bare != folded:
                self._enter(self.bare, respelled(loosened(bare)), number)

    def _enter(self, names: dict[str, int], key: str, number: int) -> None:
        """Give a key to the name that comes first, a preferred one before others."""
        first = names.setdefault(key, number)
        if first == number or (first != _SEVERAL and self._codes[first] == self._codes[number]):
            return
        if first == _SEVERAL or (first < self._n_preferred) == (number < self._n_preferred):
            names[key] = _SEVERAL


def _codes(links: Sequence[Link | None]) -> tuple[str, ...]:
    """Return the concepts of all links, none where one of them is absent."""
    if None in links:
        return ()
    return tuple(code for link in links if link for code in link.concepts)

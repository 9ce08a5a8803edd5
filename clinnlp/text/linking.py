"""Linking a name to concepts of a vocabulary, step by step; the first step that answers wins.

=============  =================================================================================
step           the folded name is
=============  =================================================================================
exact          a preferred name
synonym        another name of a concept
variant        one of these but for hyphens, blanks, commas, apostrophes or a plural s
drug           a brand or abbreviation of the table of drug names, whose generic name is linked
salt           a drug with its salt or release behind it ("cocaine hydrochloride")
combination    several drugs joined by a slash, a plus, a hyphen or "and": all of them are linked
fuzzy          as near as asked for to one name only, with the same first letter,
               last two letters, numbers and number of words
=============  =================================================================================

References
----------
The fuzzy score is 1 - d / n: d the optimal string alignment distance (Damerau 1964), n the length
of the longer name.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from rapidfuzz import process
from rapidfuzz.distance import OSA

from clinnlp.core.checks import check_fraction
from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.drugs import drug_names

__all__ = ["Link", "Linker", "Nearest"]

_N_ENDING = 2  # letters: -ate, -ase and -ame are other substances
N_FUZZY = 5  # shortest name that is linked by nearness
_LOOSE = re.compile(r"[\s\-–,'’()\[\]]+")
_DIGITS = re.compile(r"\d+")
_HYPHEN = re.compile(r"\s*[-–]\s*")


class Link(NamedTuple):
    """Concepts of a name, the step that found them and, where it is not 1, how near it is."""

    concepts: tuple[str, ...]
    step: str
    score: float = 1.0


class Linker:
    """Names and what they stand for.

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
        self._drugs = drug_names(language)
        self._has_vocabulary = vocabulary is not None
        self._preferred: dict[str, str] = {}
        self._synonyms: dict[str, str] = {}
        self._loose: dict[str, str] = {}
        for concept in vocabulary or ():
            self._preferred.setdefault(fold(concept.name), concept.code)
        for concept in vocabulary or ():
            for name in concept.synonyms:
                self._synonyms.setdefault(fold(name), concept.code)
        for names in (self._preferred, self._synonyms):
            for name, code in names.items():
                self._loose.setdefault(_loosened(name), code)
        named = self._synonyms | self._preferred
        self._codes = list(named.values())
        self._nearest = None if fuzzy is None else Nearest(list(named), self._codes, lowest=fuzzy)

    def __call__(self, name: str, *, is_drug: bool = False) -> Link | None:
        """Return what a name stands for, None where no step answers."""
        found = self._whole(name, is_drug=is_drug)
        if found is None and is_drug:
            found = self._combined(name)
        return found or self._near(fold(name))

    def _whole(self, name: str, *, is_drug: bool) -> Link | None:
        folded = fold(name)
        for step, names, key in (
            ("exact", self._preferred, folded),
            ("synonym", self._synonyms, folded),
            ("variant", self._loose, _loosened(folded)),
        ):
            code = names.get(key)
            if code is not None:
                return Link((code,), step)
        return self._drug(folded) if is_drug else None

    def _drug(self, folded: str) -> Link | None:
        generic = self._drugs.generic(folded)
        parts = generic.split("/") if generic in self._drugs.generics else [generic]
        if not self._has_vocabulary:
            known = self._drugs.ingredients.issuperset(parts)
            return Link(tuple(parts), "drug") if known else None
        links = [self._whole(part, is_drug=False) for part in dict.fromkeys((generic, *parts))]
        whole, *each = links
        step = "salt" if folded.startswith(generic) else "drug"
        if folded == generic and len(parts) > 1:
            step = "combination"
        codes = _codes([whole]) or _codes(each)
        return Link(codes, step) if codes else None

    def _combined(self, name: str) -> Link | None:
        for joint in (self._drugs.joint, _HYPHEN):
            parts = [part for part in joint.split(fold(name)) if part]
            if len(parts) < 2 or any(len(part) < N_FUZZY for part in parts):
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


class Nearest:
    """Names by how near another is: same first letter, last letters, numbers, number of words.

    Parameters
    ----------
    names, codes : sequence of str
        Each name and what it stands for.
    lowest : float
        Lowest score, in [0, 1].

    Examples
    --------
    >>> Nearest(["fluorouracil", "heparin"], ["D1", "D2"], lowest=0.85)("flourouracil")
    (0, 0.9167)
    """

    def __init__(self, names: Sequence[str], codes: Sequence[str], *, lowest: float) -> None:
        check_fraction(lowest, name="fuzzy")
        self._lowest, self._codes = lowest, codes
        self._first: dict[str, int] = {}
        self._alike: dict[tuple[str, str, int, int], list[str]] = defaultdict(list)
        for number, name in enumerate(map(fold, names)):
            if name not in self._first:
                self._first[name] = number
                self._alike[_shape(name, len(name))].append(name)

    def __call__(self, name: str) -> tuple[int, float] | None:
        """Return the number of the nearest name and its score; None where two codes tie."""
        folded = fold(name)
        if len(folded) < N_FUZZY:
            return None
        # Longer or shorter by more, a name cannot be near enough
        reach = int((1 - self._lowest) * len(folded) / self._lowest) if self._lowest else 99
        sizes = range(len(folded) - reach, len(folded) + reach + 1)
        alike = [near for size in sizes for near in self._alike.get(_shape(folded, size), ())]
        numbers = _DIGITS.findall(folded)
        best = [
            (near, score)
            for near, score, _ in process.extract(
                folded, alike, scorer=OSA.normalized_similarity, score_cutoff=self._lowest, limit=4
            )
            if _DIGITS.findall(near) == numbers
        ]
        if len({self._codes[self._first[near]] for near, s in best if s == best[0][1]}) != 1:
            return None
        return self._first[best[0][0]], round(best[0][1], 4)


def _codes(links: Sequence[Link | None]) -> tuple[str, ...]:
    """Return the concepts of all links, none where one of them is absent."""
    if None in links:
        return ()
    return tuple(code for link in links if link for code in link.concepts)


def _shape(folded: str, size: int) -> tuple[str, str, int, int]:
    return folded[:1], folded[-_N_ENDING:], folded.count(" "), size


def _loosened(folded: str) -> str:
    squeezed = _LOOSE.sub("", folded)
    # Not the s of "abscess", "virus" and "arthritis"
    plural = len(squeezed) > N_FUZZY and squeezed[-1] == "s" and squeezed[-2] not in "sui"
    return squeezed[:-1] if plural else squeezed

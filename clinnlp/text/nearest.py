"""The misspelled: names that are a letter or two away from a right one.

A short name is never near another, since most of its neighbours are other words. Each word of a
longer one may differ by one letter left out, put in or changed with its neighbour, of ten letters
or more also by another letter, of fifteen or more by two. First letter, last two letters and
numbers stay, and no syllable stands for one that makes another thing (methyl and ethyl, hyper and
hypo).

References
----------
The score is 1 - d / n: d the optimal string alignment distance (Damerau 1964), n the length of the
longer name.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from clinnlp.core.checks import check_fraction
from clinnlp.core.vocab import fold

__all__ = ["Nearest"]

_N_ENDING = 2  # letters: -ate, -ase and -ame are other substances
_N_WORD = 8  # letters of the shortest name that may be misspelled
_N_BESIDE = 5  # letters of the shortest word that may be, beside others that are right
_N_REPLACED = 10  # letters of the shortest in which one may stand for another: cytosine, cytisine
_N_LONG = 15  # letters from which on two may be wrong
_DIGITS = re.compile(r"\d+")
_WORDS = re.compile(r"[\s\-–]+")
_TELLING = re.compile(
    "methyl|ethyl|propyl|butyl|chlor|fluor|brom|phenyl|benz|nitro|amino|thio|hyper|hypo|inter|intra"
    "|macro|micro|poly|oligo"
)


class Nearest:
    """Names, and which of them a misspelled one is.

    Parameters
    ----------
    names, codes : sequence of str
        Each name and what it stands for.
    lowest : float
        Lowest score, in [0, 1].

    Examples
    --------
    >>> near = Nearest(["fluorouracil", "hyperthyroidism"], ["D1", "D2"], lowest=0.85)
    >>> near("flourouracil"), near("hypothyroidism")
    ((0, 0.9167), None)
    """

    def __init__(self, names: Sequence[str], codes: Sequence[str], *, lowest: float) -> None:
        check_fraction(lowest, name="fuzzy")
        self._lowest, self._codes = lowest, codes
        self._first: dict[str, int] = {}
        self._alike: dict[tuple[str, str, int, int], list[str]] = defaultdict(list)
        for number, name in enumerate(map(fold, names)):
            if len(name) >= _N_WORD and name not in self._first:
                self._first[name] = number
                self._alike[_shape(name, len(name))].append(name)

    def __call__(self, name: str) -> tuple[int, float] | None:
        """Return the number of the nearest name and its score; None where two codes tie."""
        folded = fold(name)
        if len(folded) < _N_WORD:
            return None
        # Longer or shorter by more, a name cannot be near enough
        reach = int((1 - self._lowest) * len(folded) / self._lowest) if self._lowest else 99
        sizes = range(len(folded) - reach, len(folded) + reach + 1)
        alike = [near for size in sizes for near in self._alike.get(_shape(folded, size), ())]
        best = [
            (near, score)
            for near, score, _ in process.extract(
                folded, alike, scorer=OSA.normalized_similarity, score_cutoff=self._lowest, limit=4
            )
            if _is_misspelling(folded, near)
        ]
        if len({self._codes[self._first[near]] for near, s in best if s == best[0][1]}) != 1:
            return None
        return self._first[best[0][0]], round(best[0][1], 4)


def _is_misspelling(name: str, right: str) -> bool:
    """Return whether two names of the same first letter and ending differ as misspellings do."""
    if _DIGITS.findall(name) != _DIGITS.findall(right):
        return False
    said, meant = Counter(_TELLING.findall(name)), Counter(_TELLING.findall(right))
    if said - meant and meant - said:  # one in place of another
        return False
    words, others = _WORDS.split(name), _WORDS.split(right)
    is_alone = len(words) == 1
    return len(words) == len(others) and all(
        _is_near(word, other, is_alone=is_alone) for word, other in zip(words, others, strict=True)
    )


def _is_near(word: str, other: str, *, is_alone: bool) -> bool:
    if word == other:
        return True
    n_letters = min(len(word), len(other))
    if n_letters < (_N_WORD if is_alone else _N_BESIDE) or word[0] != other[0]:
        return False
    if n_letters < _N_REPLACED and len(word) == len(other) and sorted(word) != sorted(other):
        return False
    most = 2 if n_letters >= _N_LONG else 1
    return OSA.distance(word, other, score_cutoff=most) <= most


def _shape(folded: str, size: int) -> tuple[str, str, int, int]:
    return folded[:1], folded[-_N_ENDING:], folded.count(" "), size

"""What a name might stand for where no step of `clinnlp.text.linking` is sure.

Names are found by the runs of three characters that they share with the one asked for, the rarest
first, and scored by how few letters differ, with their words as they stand or in one order. Vectors
of names, where they are given, find those that are worded otherwise; their score is the cosine.

A candidate is no link. Of mentions of BC5CDR dev that no step links to the names of BC5CDR train,
though their concept is there, it stands first, and among the first five, for

========  ==========================  ============================
by        chemicals, of 85            diseases, of 385
========  ==========================  ============================
letters   37 (0.44) and 48 (0.56)     153 (0.40) and 244 (0.63)
vectors   37 (0.44) and 51 (0.60)     221 (0.57) and 313 (0.81)
========  ==========================  ============================

(``scripts/bench linking --candidates``; vectors of the embedded encoder.)
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from rapidfuzz.distance import OSA

from clinnlp.core.arrays import Array
from clinnlp.core.checks import check_at_least
from clinnlp.core.vocab import Vocabulary, fold
from clinnlp.text.names import loosened

__all__ = ["Candidate", "Candidates", "NameVectors"]

NameVectors = Callable[[Sequence[str]], Array]  # names → vectors of length 1, shape (n, d)

_N_RAREST = 8  # runs of a name that are looked up
_N_SCORED = 64  # names whose letters are compared
_NONE = np.empty(0, np.int32)


class Candidate(NamedTuple):
    """A concept, the name of it that was found, and how near that is, in [0, 1]."""

    code: str
    name: str
    score: float


class Candidates:
    """Names of a vocabulary by what they share with another.

    Kept are the names and 4 bytes for each of their characters, with vectors 4 bytes for each
    dimension of each name.

    Parameters
    ----------
    vocabulary : Vocabulary
    vectors : callable, optional
        Names to vectors of length 1, shape (n, d), such as `clinnlp.bert.name_vectors` makes.

    Examples
    --------
    >>> from clinnlp.core.vocab import Concept
    >>> words = Vocabulary([Concept(code="D1", name="carbamylcholine"),
    ...                     Concept(code="D2", name="acetylcholine")])
    >>> [(c.code, round(c.score, 2)) for c in Candidates(words)("carbachol", n=1)]
    [('D1', 0.6)]
    """

    def __init__(self, vocabulary: Vocabulary, *, vectors: NameVectors | None = None) -> None:
        codes: dict[str, str] = {}
        for name, code in vocabulary.terms():
            codes.setdefault(fold(name), code)
        self._names, self._codes = list(codes), list(codes.values())
        self._runs, self._owners = _index(self._names)
        self._vectors = vectors
        self._matrix = None
        if vectors is not None and self._names:
            self._matrix = np.asarray(vectors(self._names), np.float32)  # (n, d)

    def __call__(self, name: str, *, n: int = 5) -> tuple[Candidate, ...]:
        """Return at most `n` concepts, the nearest first."""
        check_at_least(n, 1, name="n")
        folded = fold(name)
        scores = self._by_letters(folded)
        if self._matrix is not None and self._vectors is not None and folded:
            near = self._matrix @ np.asarray(self._vectors([folded]), np.float32)[0]
            for k in np.argsort(-near, kind="stable")[:_N_SCORED].tolist():
                scores[k] = max(scores.get(k, 0.0), float(near[k]))
        best: dict[str, Candidate] = {}
        for k, score in sorted(scores.items(), key=lambda found: (-found[1], found[0])):
            code = self._codes[k]
            if code not in best and len(best) < n:
                best[code] = Candidate(code, self._names[k], round(score, 4))
        return tuple(best.values())

    def _by_letters(self, folded: str) -> dict[int, float]:
        asked = np.unique(_runs_of([folded])[0])
        low, high = (np.searchsorted(self._runs, asked, side) for side in ("left", "right"))
        n = high - low
        rarest = np.argsort(np.where(n > 0, n, len(self._runs) + 1), kind="stable")[:_N_RAREST]
        parts = [self._owners[low[k] : high[k]] for k in rarest]
        owners, shared = np.unique(np.concatenate([*parts, _NONE]), return_counts=True)
        first = np.argsort(-shared, kind="stable")[:_N_SCORED]
        return {k: _alike(folded, self._names[k]) for k in owners[first].tolist()}


def _alike(one: str, other: str) -> float:
    """Return how alike two folded names are, as they stand or with their words in one order."""
    pairs = [(loosened(one), loosened(other))]
    if " " in one or " " in other:
        pairs.append((" ".join(sorted(one.split())), " ".join(sorted(other.split()))))
    return max(OSA.normalized_similarity(a, b) for a, b in pairs)


def _index(names: Sequence[str]) -> tuple[Array, Array]:
    """Return the runs of all names in order, and the number of the name each is of."""
    runs, owners = _runs_of(names)
    order = np.argsort(runs, kind="stable")
    return runs[order], owners[order]


def _runs_of(names: Sequence[str]) -> tuple[Array, Array]:
    """Return each run of three bytes of names with a mark at both ends, and whose it is."""
    raw = [b"\0%b\0" % name.encode("utf-8", "surrogatepass") for name in names]
    marked = np.frombuffer(b"".join(raw), np.uint8).astype(np.int32)
    owners = np.repeat(np.arange(len(raw), dtype=np.int32), [len(name) for name in raw])
    if len(marked) < 3:
        return _NONE, _NONE
    runs = marked[:-2] << 16 | marked[1:-1] << 8 | marked[2:]
    within = owners[:-2] == owners[2:]
    return runs[within], owners[:-2][within]

"""The distinct notes of MTSamples by key, and groups of near-duplicates among them.

A key is ``mt`` and the 0-based row of the table in which a text first stands, as in the other
corpora of MTSamples. Two notes are near-duplicates where at least a fifth of the runs of five
words of the shorter one stand in the other; groups are joined over any chain of such pairs.

References
----------
Broder, On the resemblance and containment of documents, 1997 (containment of shingles).
"""

import csv
import lzma
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from clinnlp.core.checks import check_file

__all__ = ["SOURCE", "Sourced", "near_duplicates", "read_texts"]

SOURCE = Path("mtsamples", "mtsamples.csv.xz")
RUN, CONTAINED = 5, 0.2  # words of a run; share of the shorter note's runs


@dataclass(frozen=True, slots=True, kw_only=True)
class Sourced:
    """A distinct text and where it is filed.

    Parameters
    ----------
    text : str
        Exactly as published.
    specialties : tuple of str
        All specialties and document types it is filed under, sorted.
    """

    text: str
    specialties: tuple[str, ...]

    @property
    def n_words(self) -> int:
        """Words between blanks."""
        return len(self.text.split())


def read_texts(data: Path) -> dict[str, Sourced]:
    """Return the distinct non-empty texts by key, in the order of the table.

    Parameters
    ----------
    data : Path
        The folder that holds ``mtsamples``.
    """
    filed: dict[str, tuple[str, set[str]]] = {}  # text → key, specialties
    packed = check_file(data / SOURCE)
    with lzma.open(packed, "rt", encoding="utf-8", newline="") as handle:
        for k, row in enumerate(csv.DictReader(handle)):
            text = row["transcription"]
            if text.strip():
                filed.setdefault(text, (f"mt{k}", set()))[1].add(row["medical_specialty"].strip())
    return {
        key: Sourced(text=text, specialties=tuple(sorted(names)))
        for text, (key, names) in filed.items()
    }


def near_duplicates(texts: Mapping[str, str]) -> dict[str, str]:
    """Return the group of each note: the key of the first note in it.

    Examples
    --------
    >>> said = "No fever, no chills and no cough since last week."
    >>> near_duplicates({"a": said, "b": said.upper() + " Well.", "c": "Clear lungs on the left."})
    {'a': 'a', 'b': 'a', 'c': 'c'}
    """
    keys = list(texts)
    runs = [_runs(texts[key]) for key in keys]
    places: dict[tuple[str, ...], int] = {}
    columns = [places.setdefault(run, len(places)) for found in runs for run in found]
    rows = np.repeat(np.arange(len(keys)), [len(found) for found in runs])
    ones = np.ones(len(columns), dtype=np.int32)
    holds = sparse.csr_matrix((ones, (rows, columns)), shape=(len(keys), len(places)))
    shared = (holds @ holds.T).tocoo()
    size = np.array([len(found) for found in runs])
    near = shared.data >= CONTAINED * np.minimum(size[shared.row], size[shared.col])
    pairs = (np.ones(near.sum()), (shared.row[near], shared.col[near]))
    _, group = connected_components(sparse.coo_matrix(pairs, shape=shared.shape), directed=False)
    first: dict[int, str] = {}
    return {key: first.setdefault(int(g), key) for key, g in zip(keys, group, strict=True)}


def _runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"\w+", text.lower())
    return {tuple(words[k : k + RUN]) for k in range(max(1, len(words) - RUN + 1))}

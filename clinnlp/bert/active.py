"""Which notes to annotate next: those the tagger is unsure of, and no two alike.

A note's *doubt* is the mean over its words of one less the probability of the likeliest tag. Notes
are picked one by one, each the one of largest

    doubt × (1 - largest cosine similarity to a note already picked or annotated)

where a note is the vector of its words' counts, damped by ``log(1 + count)`` and weighted by
``log(N / notes that have the word)``, so that a page of near copies is annotated once.

References
----------
Lewis and Gale, SIGIR 1994 (uncertainty); Settles and Craven, EMNLP 2008 (sequences);
Carbonell and Goldstein, SIGIR 1998 (picking against what is picked).
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

from clinnlp.bert.learned import blocks
from clinnlp.bert.predict import EntityTagger
from clinnlp.core.arrays import Floats
from clinnlp.core.checks import check_at_least
from clinnlp.core.notes import Note

__all__ = ["Choice", "choose_next"]


class Choice(NamedTuple):
    """A note to annotate, with the tagger's mentions to begin from, and why it was picked."""

    note: Note
    doubt: float
    novelty: float


def choose_next(
    tagger: EntityTagger, notes: Iterable[Note], n: int, *, annotated: Iterable[Note] = ()
) -> list[Choice]:
    """Return the `n` notes whose annotation should teach the tagger most, best first.

    Parameters
    ----------
    tagger : EntityTagger
    notes : iterable of Note
        To choose from; all are held in memory. One without words is never picked.
    n : int
        How many, at least 1; fewer come where there are fewer.
    annotated : iterable of Note
        What has been annotated: notes like these are picked late, the same ids and texts never.

    Examples
    --------
    >>> chosen = choose_next(tagger, read_notes("notes.jsonl"), 20)         # doctest: +SKIP
    """
    check_at_least(n, 1, name="n")
    known = list(annotated)
    seen = {note.id for note in known} | {note.text for note in known}
    pool = [note for note in notes if note.id not in seen and note.text not in seen]
    doubt = _doubts(tagger, pool)
    vectors = _vectors([*pool, *known])
    pool_vectors, known_vectors = vectors[: len(pool)], vectors[len(pool) :]
    likeness = np.zeros(len(pool))
    if known and pool:
        likeness = np.asarray((pool_vectors @ known_vectors.T).max(axis=1).todense()).ravel()
    out: list[tuple[int, float]] = []
    free = doubt > 0
    while free.any() and len(out) < n:
        novelty = np.clip(1 - likeness, 0, 1)
        best = int(np.argmax(np.where(free, doubt * novelty, -1)))
        free[best] = False
        out.append((best, float(novelty[best])))
        likeness = np.maximum(likeness, (pool_vectors @ pool_vectors[best].T).toarray().ravel())
    found = tagger.batch([pool[i] for i, _ in out])
    return [
        Choice(note, float(doubt[i]), novelty)
        for note, (i, novelty) in zip(found, out, strict=True)
    ]


def _doubts(tagger: EntityTagger, notes: Sequence[Note]) -> Floats:
    """Return the mean doubt of each note's words; 0 where it has none."""
    each = (p for block in blocks(notes) for p in tagger.p_best(block))
    return np.array([float(np.mean(1 - p)) if len(p) else 0.0 for p in each])


def _vectors(notes: Sequence[Note]) -> sparse.csr_matrix:
    """Return unit vectors of damped, weighted word counts, one row per note."""
    counts = [Counter(note.text.casefold().split()) for note in notes]
    words = {word: k for k, word in enumerate(sorted({w for c in counts for w in c}))}
    rows = np.repeat(np.arange(len(notes)), [len(c) for c in counts])
    columns = np.array([words[w] for c in counts for w in c], np.int64)
    values = np.log1p(np.array([k for c in counts for k in c.values()], np.float64))
    n_with = np.bincount(columns, minlength=len(words))
    weight = np.log1p(len(notes) / np.maximum(n_with, 1))
    matrix = sparse.csr_matrix((values * weight[columns], (rows, columns)),
                               shape=(len(notes), len(words)))  # fmt: skip
    norms = np.sqrt(np.asarray(matrix.multiply(matrix).sum(axis=1)).ravel())
    return sparse.diags(1 / np.where(norms > 0, norms, 1)) @ matrix

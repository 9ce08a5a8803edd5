"""What simple classifiers on words reach with the same pairs, kinds and notes."""

from collections.abc import Sequence

import numpy as np

from clinnlp.bert.relate_task import targets_of
from clinnlp.bert.relation_kinds import Kinds
from clinnlp.bert.relation_pairs import Pair, Search
from clinnlp.core.notes import Note
from clinnlp.features.pair_words import PairWords, predicted_kinds, words_around

__all__ = ["baselines"]


def baselines(
    train: Sequence[Note], asked: Sequence[Note], kinds: Kinds, search: Search
) -> dict[str, list[Note]]:
    """Return the notes with the relations that each baseline gives their pairs.

    Every pair of `train` teaches. A pair of concepts is read at its nearest mentions.

    Parameters
    ----------
    train, asked : sequences of Note
    kinds : Kinds
    search : Search
    """
    ours = [(note, search(note).pairs) for note in train]
    theirs = [(note, search(note).pairs) for note in asked]
    targets = [targets_of(note, pairs, kinds, kinds.labels) for note, pairs in ours]
    labels = [pair.labels for _, pairs in theirs for pair in pairs]
    possible = np.pad(kinds.possible(labels), ((0, 0), (1, 0)), constant_values=True)
    found = predicted_kinds(
        _words(ours), np.concatenate(targets).argmax(axis=1), _words(theirs), possible
    )
    out = {}
    for name, given in found.items():
        left = iter(given.tolist())
        out[name] = [_with(note, pairs, [next(left) for _ in pairs], kinds)
                     for note, pairs in theirs]  # fmt: skip
    return out


def _words(notes: Sequence[tuple[Note, Sequence[Pair]]]) -> list[PairWords]:
    return [words_around(note, *pair.places[0], pair.labels) for note, ps in notes for pair in ps]


def _with(note: Note, pairs: Sequence[Pair], given: Sequence[int], kinds: Kinds) -> Note:
    relations = (
        kinds.relation(f"R{n}", k - 1, pair.ends)
        for n, (pair, k) in enumerate(zip(pairs, given, strict=True), 1)
        if k
    )
    return note.with_(relations=tuple(relations))

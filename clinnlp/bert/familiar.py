"""How unlike the training text a note is: the pieces and pairs that are new to a model.

Scores hold for notes like those that a model was taught on. A piece of the tokenizer, or a pair of
neighbouring pieces, is *familiar* where the training notes of at least 5 patients hold it; what
fewer hold could point to a patient and is not kept. A note is *unlike* the training text where a
larger share of its pairs is new than in 95 of 100 training notes, each of which was compared with
the notes of the other patients. Notes with fewer than 20 pairs say too little for that.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from safetensors.numpy import load_file, save_file

from clinnlp.core.arrays import Bools, Ints, Ints32
from clinnlp.core.errors import StoreError, instead_of

__all__ = ["Familiar", "New", "learn_familiar", "read_familiar", "write_familiar"]

_FILE = "familiar.safetensors"
_N_PATIENTS = 5
_N_PAIRS = 20  # of a note that is judged
_N_JUDGED = 50  # training notes, to say what is usual
_SHARE = 0.95
_MOST_NOTES = 20_000  # that are counted, evenly over the training notes
_MOST_PAIRS = 200_000  # that are kept, those of most patients


class New(NamedTuple):
    """What of a note is new to a model."""

    n_pieces: int
    n_pairs: int
    unlike: bool | None  # None where the note is too short


@dataclass(frozen=True, slots=True, eq=False)
class Familiar:
    """What a model has met in training.

    Parameters
    ----------
    pieces : array of int64, shape (n,)
        Ids of the tokenizer, ascending.
    pairs : array of int64, shape (m,)
        ``first · 2³² + second``, ascending.
    usual : float
        The share of new pairs that 95 of 100 training notes do not pass.
    """

    pieces: Ints
    pairs: Ints
    usual: float

    def __repr__(self) -> str:
        return f"Familiar({len(self.pieces)} pieces, {len(self.pairs)} pairs)"

    def new(self, ids: Ints32) -> New:
        """Return what of a note's pieces, shape (n,), and of their pairs is new."""
        pairs = _pairs(ids)
        n_pairs = int((~_among(pairs, self.pairs)).sum())
        unlike = n_pairs > self.usual * len(pairs) if len(pairs) >= _N_PAIRS else None
        return New(int((~_among(ids, self.pieces)).sum()), n_pairs, unlike)


def learn_familiar(texts: Iterable[Ints32], patients: Sequence[str]) -> Familiar | None:
    """Return what the training notes make familiar, or None where they are too few.

    Parameters
    ----------
    texts : iterable of int32 arrays
        The pieces of each note.
    patients : sequence of str
        Whose each note is.

    Examples
    --------
    >>> texts = [np.arange(k % 4, 40, dtype=np.int32) for k in range(60)]
    >>> familiar = learn_familiar(texts, [str(k) for k in range(60)])
    >>> familiar, familiar.new(np.arange(20, 60, dtype=np.int32))
    (Familiar(40 pieces, 39 pairs), New(n_pieces=20, n_pairs=20, unlike=True))
    """
    step = max(1, -(-len(patients) // _MOST_NOTES))
    by_patient: dict[str, list[Ints32]] = {}
    for k, (ids, patient) in enumerate(zip(texts, patients, strict=True)):
        if k % step == 0:
            by_patient.setdefault(patient, []).append(ids)
    pieces, n_of_piece = _counted([np.concatenate(each) for each in by_patient.values()])
    own = [[_pairs(ids) for ids in each] for each in by_patient.values()]
    pairs, n_of_pair = _counted([np.concatenate(each) for each in own])
    shares = [  # a patient's own notes do not count
        float((n_of_pair[np.searchsorted(pairs, each)] <= _N_PATIENTS).mean())
        for notes in own
        for each in notes
        if len(each) >= _N_PAIRS
    ]
    if len(shares) < _N_JUDGED:
        return None
    least = max(_N_PATIENTS, _nth_largest(n_of_pair, _MOST_PAIRS))
    return Familiar(
        pieces[n_of_piece >= _N_PATIENTS],
        pairs[n_of_pair >= least],
        float(np.quantile(shares, _SHARE)),
    )


def write_familiar(familiar: Familiar | None, folder: Path) -> None:
    """Write it to the folder of a model."""
    if familiar is not None:
        arrays = {"pieces": familiar.pieces, "pairs": familiar.pairs}
        save_file(arrays | {"usual": np.array([familiar.usual])}, folder / _FILE)


def read_familiar(folder: Path) -> Familiar | None:
    """Return what `write_familiar` wrote, or None where it wrote nothing.

    Raises
    ------
    StoreError
        The file is damaged.
    """
    path = folder / _FILE
    if not path.is_file():
        return None
    refusal = StoreError(f"{path} must be as clinnlp wrote it, and is not")
    with instead_of(Exception, refusal):  # safetensors' own, and what is missing
        found = load_file(path)
        pieces, pairs, usual = (found[name] for name in ("pieces", "pairs", "usual"))
        whole = pieces.dtype == pairs.dtype == np.int64 and usual.shape == (1,)
        if not (whole and all(_ascends(each) for each in (pieces, pairs)) and 0 <= usual[0] <= 1):
            raise refusal
    return Familiar(pieces, pairs, float(usual[0]))


def _pairs(ids: Ints32) -> Ints:
    wide = ids.astype(np.int64)
    return (wide[:-1] << 32) | wide[1:]


def _counted(each: Sequence[Ints | Ints32]) -> tuple[Ints, Ints]:
    """Return the values of some arrays, ascending, and in how many arrays each stands."""
    once = [np.unique(values).astype(np.int64) for values in each]
    none = np.zeros(0, np.int64)
    values, counts = np.unique(np.concatenate([none, *once]), return_counts=True)
    return values, counts.astype(np.int64)


def _among(values: Ints | Ints32, known: Ints) -> Bools:
    if not len(known):
        return np.zeros(len(values), bool)
    at = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: Bools = known[at] == values
    return found


def _nth_largest(counts: Ints, n: int) -> int:
    """Return the least count such that at most `n` values have as many."""
    if len(counts) <= n:
        return 0
    return int(np.partition(counts, len(counts) - n - 1)[len(counts) - n - 1]) + 1


def _ascends(values: Ints) -> bool:
    return values.ndim == 1 and bool((np.diff(values) > 0).all())

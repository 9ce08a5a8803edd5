"""Copied text between training and tested patients, one patient under two ids, facts told twice.

A template or a note copied into another patient's record lets a model remember instead of learn.
Notes are compared by the hash of their text; where only mentions are at hand, by the hash of all
mentions with their offsets, for notes with enough of them to be no accident.

Two ids are one patient's where their records say the same, fact for fact: what at most a few
patients share (a code on one day, with one value; a number of a column) is shared by these two in
nearly all they have of it, on several days or with several values.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from itertools import combinations
from typing import Any

import numpy as np

from clinnlp.core.arrays import Array, Bools, Counts
from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable
from clinnlp.features.columns import Columns
from clinnlp.features.events import Cases
from clinnlp.features.joined import spelling
from clinnlp.risk.splits import Split

__all__ = [
    "Signatures",
    "n_copied",
    "n_doubled",
    "n_repeated",
    "n_spelled_alike",
    "signatures_of_mentions",
]

_FEWEST_MENTIONS = 5  # of a note that is compared by its mentions
_FEWEST_SHARED = 5  # facts, or numbers of columns, that two patients must share
_FEWEST_DAYS = 3  # on which they share facts, unless as many values are shared
_SHARED = 0.8  # of what the one with fewer shares with few others
_FEW = 4  # ids that may share a fact which is to tell anything
_MIX = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9], np.uint64)

Signed = tuple[str | None, bytes]


class Signatures:
    """Notes passed through, remembering the patient and the hash of the text of each.

    Examples
    --------
    >>> notes = Signatures([Note(id="n", text="Fever.", patient="p")])
    >>> [note.id for note in notes], len(notes.signed)
    (['n'], 1)
    """

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes = notes
        self.signed: list[Signed] = []

    def __iter__(self) -> Iterator[Note]:
        for note in self._notes:
            if note.text.strip():
                self.signed.append((note.patient, _digest(note.text)))
            yield note


def signatures_of_mentions(table: EntityTable) -> list[Signed]:
    """Return patient and signature of each note with enough mentions to compare.

    Examples
    --------
    >>> five = {"start": range(5), "end": range(1, 6), "n_concepts": [0] * 5, "text": list("abcde")}
    >>> len(signatures_of_mentions(EntityTable({**five, "note": ["n"] * 5, "patient": ["p"] * 5})))
    1
    """
    mentions: dict[Any, list[str]] = {}
    whose: dict[Any, str | None] = {}
    columns = (table[name].tolist() for name in ("note", "patient", "text", "start", "end"))
    for note, patient, text, start, end in zip(*columns, strict=True):
        mentions.setdefault(note, []).append(f"{start}\x1f{end}\x1f{text}")
        whose[note] = patient
    return [
        (whose[note], _digest("\x1e".join(sorted(parts))))
        for note, parts in mentions.items()
        if len(parts) >= _FEWEST_MENTIONS
    ]


def n_copied(signed: Sequence[Signed], patients: Array, splits: Sequence[Split]) -> int:
    """Return how many notes of tested patients stand word for word among those trained on.

    Examples
    --------
    >>> import numpy as np
    >>> split = Split(name="fold 0", train=np.array([True, False]), test=np.array([False, True]))
    >>> n_copied([("a", b"1"), ("b", b"1"), ("b", b"2")], np.array(["a", "b"]), [split])
    1
    """
    by_patient: dict[str | None, list[bytes]] = {}
    for patient, digest in signed:
        by_patient.setdefault(patient, []).append(digest)
    n = 0
    for split in splits:
        train, test = (
            [digest for p in set(patients[side].tolist()) for digest in by_patient.get(p, ())]
            for side in (split.train, split.test)
        )
        known = set(train)
        n += sum(digest in known for digest in test)
    return n


def n_spelled_alike(patients: Array) -> int:
    """Return how many ids differ from another one in case, blanks, leading zeros or ``.0`` alone.

    Examples
    --------
    >>> n_spelled_alike(np.array(["p1", "P1", "p2", "7", "007"]))
    4
    """
    alike: dict[str, int] = {}
    for patient in dict.fromkeys(patients.tolist()):
        alike[spelling(patient)] = alike.get(spelling(patient), 0) + 1
    return sum(n for n in alike.values() if n > 1)


def n_doubled(rows: Cases | Columns) -> int:
    """Return how many patients have the record of another one, under another id.

    Examples
    --------
    >>> table = {f"x{k}": np.array([k + 0.5, k + 0.5, k + 0.7]) for k in range(6)}
    >>> n_doubled(Columns(patients=np.array(["a", "b", "c"]), values=table))
    2
    """
    names, person = np.unique(rows.patients.astype(str), return_inverse=True)
    of = _cells_of if isinstance(rows, Columns) else _facts_of
    whose, key, day, valued = of(rows, person)  # type: ignore[arg-type]
    first = np.unique(_mixed((key, whose.astype(np.uint64))), return_index=True)[1]
    first = first[np.argsort(key[first], kind="stable")]
    whose, key, day, valued = whose[first], key[first], day[first], valued[first]  # by key
    begins = np.flatnonzero(np.append(True, key[1:] != key[:-1])) if len(key) else np.empty(0, int)
    sizes = np.diff(np.append(begins, len(key)))
    few = np.repeat(sizes <= _FEW, sizes)
    n_telling = np.bincount(whose[few], minlength=len(names))
    pairs = [
        np.stack([whose[at + i], whose[at + j], day[at], valued[at]])
        for size in range(2, _FEW + 1)
        for at in (begins[sizes == size],)
        for i, j in combinations(range(size), 2)
    ]
    return len(_same(np.concatenate(pairs, axis=1), n_telling))


def n_repeated(cases: Cases) -> int:
    """Return how many facts of events are another one of the same case, code, time and value."""
    at = ~cases.of_note
    said = (cases.case[at] * np.int64(len(cases.concepts)) + cases.code[at]).astype(np.uint64)
    value = np.where(np.isnan(cases.value), np.nan, cases.value)[at]  # one nan of many
    key = np.sort(_mixed((said, cases.days[at].view(np.uint64), value.view(np.uint64))))
    return int(np.sum(key[1:] == key[:-1]))


def _same(pairs: Array, n_telling: Counts) -> set[int]:
    """Return the patients of pairs (one, other, day, whether with a value) that share enough."""
    base = max(1, len(n_telling))
    low, high = np.minimum(pairs[0], pairs[1]), np.maximum(pairs[0], pairs[1])
    both, which = np.unique(low * base + high, return_inverse=True)
    n = np.bincount(which, minlength=len(both))
    n_valued = np.bincount(which, pairs[3], minlength=len(both))
    days = np.unique(pairs[2], return_inverse=True)[1]
    n_each = int(days.max(initial=0)) + 1
    n_days = np.bincount(np.unique(which * n_each + days) // n_each, minlength=len(both))
    one, other = np.divmod(both, base)
    least = np.minimum(n_telling[one], n_telling[other])
    enough: Bools = (n >= _FEWEST_SHARED) & (n >= _SHARED * least)
    enough &= (n_days >= _FEWEST_DAYS) | (n_valued >= _FEWEST_SHARED)
    return set(one[enough].tolist()) | set(other[enough].tolist())


def _facts_of(cases: Cases, person: Counts) -> tuple[Counts, Array, Counts, Bools]:
    """Return of each fact whose it is, a hash of what it says, its day, and if it has a value."""
    seconds = np.round(cases.days * 86_400).astype(np.int64)
    time = cases.index[cases.case].astype("datetime64[s]").astype(np.int64) + seconds
    day = time // 86_400  # two systems may keep two clocks
    valued = np.isfinite(cases.value)
    value = np.where(valued, cases.value, 0.0).view(np.uint64)
    said = (cases.code.astype(np.uint64), day.astype(np.uint64), value)
    return person[cases.case], _mixed(said), day, valued


def _cells_of(table: Columns, person: Counts) -> tuple[Counts, Array, Counts, Bools]:
    """Return of each number of a column the same; the column stands in the place of the day."""
    empty = np.empty(0, np.int64)
    whose, keys = [empty], [empty.astype(np.uint64)]
    for j, column in enumerate(table.values.values()):
        if column.dtype.kind == "f":
            at = np.flatnonzero(np.isfinite(column))
            values = column[at].astype(np.float64).view(np.uint64)
            whose.append(person[at])
            keys.append(_mixed((np.full(len(at), j, np.uint64), values)))
    key = np.concatenate(keys)
    return np.concatenate(whose), key, np.zeros(len(key), np.int64), np.ones(len(key), bool)


def _mixed(parts: tuple[Array, ...]) -> Array:
    """Return a hash of some numbers side by side."""
    made = np.zeros(len(parts[0]), np.uint64)
    for part, factor in zip(parts, _MIX, strict=False):
        made = (made ^ part) * factor  # wraps round
        made ^= made >> np.uint64(29)
    return made


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()

"""Copied text between training and tested patients: notes that say the same, word for word.

A template or a note copied into another patient's record lets a model remember instead of learn.
Notes are compared by the hash of their text; where only mentions are at hand, by the hash of all
mentions with their offsets, for notes with enough of them to be no accident.
"""

from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from clinnlp.core.arrays import Array
from clinnlp.core.notes import Note
from clinnlp.core.tables import EntityTable
from clinnlp.risk.splits import Split

__all__ = ["Signatures", "n_copied", "signatures_of_mentions"]

_FEWEST_MENTIONS = 5  # of a note that is compared by its mentions

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


def _digest(text: str) -> bytes:
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).digest()

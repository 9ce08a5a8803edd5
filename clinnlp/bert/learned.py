"""A kind of model as one thing: what every fine-tuned pipe holds, and how it is kept.

A kind is a subclass of `Learned` with a `task` and its own fields: `record` says them for the
folder, `fields_from` reads them back, `answers_for` says which labels a network answers for. The
table of the kinds is `clinnlp.bert.store.KINDS`.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from safetensors.torch import save_file

from clinnlp.bert.disk import system_errors
from clinnlp.bert.eight_bits import INT8_FILE, rounded
from clinnlp.bert.encoders import quiet
from clinnlp.bert.familiar import Familiar, learn_familiar, write_familiar
from clinnlp.bert.folder import OWN_FILES, write_json, write_sums
from clinnlp.bert.model_card import model_card
from clinnlp.bert.network import Network
from clinnlp.bert.selection import patients_of
from clinnlp.core.arrays import Ints32
from clinnlp.core.files import atomic_folder
from clinnlp.core.model_cards import CARD_FILE
from clinnlp.core.notes import Coverage, Note

__all__ = ["Card", "Learned", "Trained", "blocks", "familiar_with", "write_record"]

_BLOCK_CHARS = 2_000_000  # characters tokenised at a time: bounds memory on long batches

Card = Mapping[str, Any]  # made whole, never changed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Trained(ABC):
    """What a training makes: a network, with the settings and the record of the training."""

    network: Network
    settings: Mapping[str, Any] = field(default_factory=dict)
    card: Card = field(default_factory=dict)

    @abstractmethod
    def save(self, folder: str | Path) -> None:
        """Write it as a folder; one that is there is replaced when all is written."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Learned(Trained):
    """A fine-tuned pipe, and the kind of model that it is."""

    labels: tuple[str, ...]
    familiar: Familiar | None = None  # None where it was learned from too few notes

    task: ClassVar[str]  # the name of the kind in a saved folder

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(labels={list(self.labels)}, "
            f"max_tokens={self.network.max_tokens}, stride={self.network.stride})"
        )

    def __call__(self, note: Note, /) -> Note:
        """Return the note with what the model finds."""
        return self.batch([note])[0]

    @abstractmethod
    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with what the model finds, in order."""

    def coverage(self, ids: Ints32, n_seen: int) -> Coverage:
        """Return how much of a note was read, and how unlike the training text it is."""
        if self.familiar is None:
            return Coverage(n_seen=n_seen, n_total=len(ids))
        new = self.familiar.new(ids)
        return Coverage(
            n_seen=n_seen,
            n_total=len(ids),
            n_new=new.n_pieces,
            n_new_pairs=new.n_pairs,
            unlike=new.unlike,
        )

    def record(self) -> dict[str, Any]:
        """Return the fields of this kind as plain values; every folder has these keys."""
        return {
            "flat": True, "calibration": {}, "pooling": None, "thresholds": {}, "consistency": [],
            "off": [],
        }  # fmt: skip

    def write_words(self, folder: Path) -> None:
        """Write what of the words of the training notes is kept."""
        write_familiar(self.familiar, folder)

    @classmethod
    @abstractmethod
    def fields_from(cls, record: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return the fields of this kind from what `record` gave and the file `path` holds.

        It is called before the weights are read.

        Raises
        ------
        StoreError
            They are damaged.
        """

    @classmethod
    @abstractmethod
    def answers_for(cls, names: Sequence[Any]) -> tuple[str, ...]:
        """Return the labels that a network with outputs of these names answers for."""

    def save(self, folder: str | Path, *, int8: bool = False) -> None:
        """Write the model as a folder that `clinnlp.load` and transformers read.

        Parameters
        ----------
        folder : str or Path
        int8 : bool
            Keep the weights in 8-bit integers (`clinnlp.bert.eight_bits`), a quarter of the size
            and a little less exact, with the SHA-256 of each file; `clinnlp.load` alone reads
            them.

        Raises
        ------
        RunError
            The machine failed (full disk, no permission); a folder that was there before is left
            as it was, and nothing half-written.
        """
        with atomic_folder(folder, own=OWN_FILES) as temporary, quiet(), system_errors():
            model = self.network.model
            if int8:
                model.config.save_pretrained(temporary)
                save_file(rounded(model.state_dict()), temporary / INT8_FILE)
            else:
                model.save_pretrained(temporary)
            self.network.tokenizer.save_pretrained(temporary)
            write_record(self, temporary)
            if int8:
                write_sums(temporary)


def write_record(pipe: Learned, folder: Path) -> None:
    """Write what a saved model holds besides network and tokenizer: its record and its card."""
    network = pipe.network
    record = {
        "task": pipe.task,
        "labels": list(pipe.labels),
        **pipe.record(),
        "windows": {"max_tokens": network.max_tokens, "stride": network.stride},
        "settings": dict(pipe.settings),
        "card": pipe.card,
    }
    write_json(record, folder)
    pipe.write_words(folder)
    (folder / CARD_FILE).write_text(model_card(record), encoding="utf-8")


def familiar_with(network: Network, notes: Sequence[Note]) -> Familiar | None:
    """Return what notes make familiar to a model that learns from them."""
    texts = (
        text.ids
        for block in blocks(notes)
        for text in network.tokenise([note.text for note in block])
    )
    return learn_familiar(texts, patients_of(notes))


def blocks(notes: Sequence[Note]) -> Iterator[list[Note]]:
    """Yield runs of notes of about `_BLOCK_CHARS` characters together."""
    sizes = np.cumsum([len(note.text) for note in notes]) // _BLOCK_CHARS
    for _, block in groupby(zip(sizes.tolist(), notes, strict=True), key=itemgetter(0)):
        yield [note for _, note in block]

"""What every fine-tuned pipe holds, and how many notes it takes at a time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.bert.network import Network
from clinnlp.core.notes import Note

__all__ = ["Card", "Learned", "blocks"]

_BLOCK_CHARS = 2_000_000  # characters tokenised at a time: bounds memory on long batches

Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What the pipes hold: labels, network, the settings and the record of their training."""

    labels: tuple[str, ...]
    network: Network
    settings: Mapping[str, Any] = field(default_factory=dict)
    card: Card = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(labels={list(self.labels)}, "
            f"max_tokens={self.network.max_tokens}, stride={self.network.stride})"
        )

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder that `clinnlp.load` and transformers read.

        Raises
        ------
        RunError
            The machine failed; a folder that was there before is left as it was.
        """
        from clinnlp.bert.store import save

        save(self, folder)


def blocks(notes: Sequence[Note]) -> Iterator[list[Note]]:
    """Yield runs of notes of about `_BLOCK_CHARS` characters together."""
    sizes = np.cumsum([len(note.text) for note in notes]) // _BLOCK_CHARS
    for _, block in groupby(zip(sizes.tolist(), notes, strict=True), key=itemgetter(0)):
        yield [note for _, note in block]

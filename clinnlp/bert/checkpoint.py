"""Where an unfinished training stands, so that a killed one goes on as if nothing had happened.

A folder beside the model's, moved into place whole:

    state.safetensors   weights, their average, the best weights, the optimizer's moments
    state.json          step, losses and scores so far, and what the training is of

Nothing random is kept: each step draws its dropout from the seed and its own number alone, and
the order of batches comes from the seed. On a CPU the resumed training therefore ends in exactly
the weights of an uninterrupted one.
"""

import json
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from clinnlp.bert.selection import Score
from clinnlp.core.errors import StoreError
from clinnlp.core.files import atomic_folder

__all__ = ["Checkpoint", "Standing"]

_TENSORS, _RECORD = "state.safetensors", "state.json"

Named = dict[str, torch.Tensor]


@dataclass(slots=True, kw_only=True)
class Standing:
    """How far a training has come."""

    step: int = 0
    losses: list[float] = field(default_factory=list)  # of the running epoch
    history: list[dict[str, float | None]] = field(default_factory=list)  # of finished epochs
    best_epoch: int = 0  # the one that is kept
    top_epoch: int = 0  # the one with the highest score
    top: Score | None = None


class Checkpoint:
    """Keep a training's standing in a folder.

    Parameters
    ----------
    folder : Path
    minutes : float
        Time between two writes; 0 never writes.
    resume : bool
        Go on from what lies in the folder; else it is overwritten.
    identity : str
        What the training is of; a checkpoint of another one is refused.
    """

    def __init__(self, folder: Path, *, minutes: float, resume: bool, identity: str) -> None:
        self.folder, self._minutes, self._resume = folder, minutes, resume
        self._identity = identity
        self._last = time.monotonic()

    def is_due(self) -> bool:
        """Return whether it is time to write."""
        return 0 < self._minutes <= (time.monotonic() - self._last) / 60

    def write(self, standing: Standing, tensors: Named) -> None:
        """Replace the folder by the standing of now.

        Raises
        ------
        RunError
            The folder cannot be written.
        """
        record = {
            "identity": self._identity,
            **{name: getattr(standing, name) for name in Standing.__slots__},
        }
        with atomic_folder(self.folder) as temporary:
            save_file({k: v.contiguous() for k, v in tensors.items()}, temporary / _TENSORS)
            (temporary / _RECORD).write_text(json.dumps(record), encoding="utf-8")
        self._last = time.monotonic()

    def read(self, device: torch.device) -> tuple[Standing, Named] | None:
        """Return what was written last, or None where there is nothing to resume.

        Raises
        ------
        StoreError
            The checkpoint is damaged, or of a training on other notes or settings.
        """
        if not (self._resume and self.folder.is_dir()):
            return None
        try:
            record = json.loads((self.folder / _RECORD).read_text(encoding="utf-8"))
            tensors = load_file(self.folder / _TENSORS, device=str(device))
            identity = record.pop("identity")
            top = record.pop("top")
            standing = Standing(**record, top=top and Score(*top))
        except Exception as error:  # whatever a damaged file makes of json and safetensors
            why = type(error).__name__
        else:
            if identity == self._identity:
                return standing, tensors
            why = "one of other notes, settings, precision, encoder or versions"
        raise StoreError(
            f"the checkpoint in {self.folder} must be whole and of this training, got {why}; "
            "train without resume to begin anew"
        )

    def remove(self) -> None:
        """Delete the folder: the training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

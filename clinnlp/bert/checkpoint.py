"""Where an unfinished training stands, so that a killed one goes on as if nothing had happened.

One file in a folder beside the model's, which takes the place of the one before when it is whole:

    weights, average    as they are now, and their running average
    best                the average that is kept so far; none in the first epoch
    adam                two moments of each weight, and how many steps they have seen
    metadata            step, losses and scores so far, and a keyed hash of what is trained on what

Each of these but the last is as large as the model, and none follows from the others. They are
packed without loss (`clinnlp.bert.lossless`): of minilm, 90 MB, in its fourth epoch on 120 notes of
BC5CDR 237 MB are kept in place of 451. When all steps are done, the weights that are kept suffice.

Nothing random is kept: each step draws its dropout from the seed and its own number alone, and
the order of batches comes from the seed. On a CPU the resumed training therefore ends in exactly
the weights of an uninterrupted one. No text is kept, but weights may remember what they were
trained on: a checkpoint of private notes is private.
"""

import hashlib
import hmac
import json
import os
import secrets
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from clinnlp.bert.disk import system_errors
from clinnlp.bert.lossless import N_PLACES, expand, shrink
from clinnlp.bert.selection import Score
from clinnlp.core.errors import StoreError
from clinnlp.core.files import atomic_path

__all__ = ["Checkpoint", "Standing"]

_FILE = "state.safetensors"
_RECORD = "clinnlp"  # key of the metadata
_NEAR = {"average": ("weights",), "best": ("average", "weights")}  # kind → kinds it resembles
_ORDER = ("weights", "average", "best")  # of reading

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
        Go on from what lies in the folder; else it is removed.
    identity : str
        What the training is of, in any words, which are not written; a checkpoint of another one
        is refused.
    """

    def __init__(self, folder: Path, *, minutes: float, resume: bool, identity: str) -> None:
        self.folder, self._minutes, self._resume = folder, minutes, resume
        self._identity = identity
        self._last = time.monotonic()

    @property
    def writes(self) -> bool:
        """Whether it is ever written."""
        return self._minutes > 0

    def is_due(self) -> bool:
        """Return whether it is time to write."""
        return self.writes and self._minutes <= (time.monotonic() - self._last) / 60

    def write(self, standing: Standing, tensors: Named) -> None:
        """Replace what lies in the folder by the standing of now.

        Parameters
        ----------
        standing : Standing
        tensors : dict of str to tensor
            Their names are a kind, a slash and the name of a weight.

        Raises
        ------
        RunError
            The folder cannot be written; what lay there before stays.
        """
        key = secrets.token_hex(16)
        record = {"key": key, "identity": self._keyed(key)}
        record |= {name: getattr(standing, name) for name in Standing.__slots__}
        with atomic_path(self.folder / _FILE) as temporary, system_errors():
            save_file(_shrunk(tensors), temporary, metadata={_RECORD: json.dumps(record)})
            with temporary.open("rb+") as handle:
                os.fsync(handle.fileno())
        self._last = time.monotonic()

    def read(self, like: Named) -> tuple[Standing, Named] | None:
        """Return what was written last, or None where there is nothing to resume.

        Parameters
        ----------
        like : dict of str to tensor
            The weights of the model, whose shapes all tensors have.

        Raises
        ------
        StoreError
            The checkpoint is damaged, or of a training on other notes or settings.
        """
        if not self._resume:
            self.remove()
        if not (self.folder / _FILE).exists():
            return None
        try:
            with safe_open(self.folder / _FILE, "pt") as file:
                record = json.loads(file.metadata()[_RECORD])
                ours = hmac.compare_digest(record.pop("identity"), self._keyed(record.pop("key")))
                if ours:
                    return _standing(record), _expanded(file, like)
            why = "one of other notes, settings, precision, encoder or versions"
        except Exception as error:  # whatever a damaged file makes of json and safetensors
            why = type(error).__name__
        raise StoreError(
            f"the checkpoint in {self.folder} must be whole and of this training, got {why}; name "
            "another out, or train with resume=False (--no-resume) to remove it and begin anew"
        )

    def remove(self) -> None:
        """Delete the folder: the training is done."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _keyed(self, key: str) -> str:
        return hmac.new(key.encode(), self._identity.encode(), hashlib.sha256).hexdigest()


def _shrunk(tensors: Named) -> Named:
    """Return the bytes of all weights and moments by place; single numbers as they are."""
    out: Named = {}
    for name, tensor in tensors.items():
        if tensor.ndim:
            places = shrink(tensor, _near(name, tensors))
            out |= {f"{i}@{name}": place for i, place in enumerate(places)}
        else:
            out[name] = tensor
    return out


def _expanded(file: Any, like: Named) -> Named:
    """Return what `_shrunk` took."""
    keys = set(file.keys())
    names = {key.split("@", 1)[-1] for key in keys}
    out: Named = {}
    for kind in (*_ORDER, ""):  # what others resemble comes first
        for name in [name for name in names - out.keys() if name.startswith(kind)]:
            if name in keys:
                out[name] = file.get_tensor(name)
                continue
            places = [file.get_tensor(f"{i}@{name}") for i in range(N_PLACES)]
            out[name] = expand(places, like[name.split("/", 1)[1]], _near(name, out))
    return out


def _near(name: str, tensors: Named) -> torch.Tensor | None:
    """Return the tensor that the one of this name is kept beside."""
    kind, weight = name.split("/", 1)
    names = (f"{other}/{weight}" for other in _NEAR.get(kind, ()))
    return next((tensors[each] for each in names if each in tensors), None)


def _standing(record: dict[str, Any]) -> Standing:
    top = record.pop("top")
    return Standing(**record, top=top and Score(*top))

"""One call of fine-tuning: what every task checks, builds, trains and writes alike."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import torch

from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.corpus import corpus_sha256
from clinnlp.bert.encoders import find_encoder, load_tokenizer, max_positions
from clinnlp.bert.loop import Task, make_accelerator, train_model
from clinnlp.bert.network import Network
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import LoopSettings, TrainSettings, default_learning_rate
from clinnlp.core.config import settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.versions import package_versions

__all__ = ["Job", "checkpoint_of", "merged_settings", "seeded"]

P = TypeVar("P", EntityTagger, NoteClassifier)
S = TypeVar("S", bound=LoopSettings)
L = TypeVar("L", str, tuple[str, ...])  # a label, or those of a head

_PACKAGES = ("clinnlp", "torch", "transformers", "tokenizers", "accelerate")


class Job:
    """One call of fine-tuning, opened before the notes are read.

    Parameters
    ----------
    encoder, out, progress, resume
        As for `clinnlp.bert.train.fine_tune_ner`.
    settings, overrides
        Settings and the fields to change in them.

    Raises
    ------
    ArgumentError, DataError
        Unusable settings, or a file where the folder should be.
    StoreError
        The encoder cannot be found.
    """

    def __init__(
        self,
        encoder: str | Path,
        out: str | Path,
        settings: TrainSettings | None,
        overrides: dict[str, Any],
        *,
        progress: bool,
        resume: bool,
    ) -> None:
        self.began = time.perf_counter()
        self.settings = merged_settings(TrainSettings, settings, overrides)
        self.out, self.encoder = _check_out(out), encoder
        self.progress, self.resume = progress, resume
        self.source = find_encoder(encoder)
        self.accelerator = make_accelerator(
            self.settings, self.out.with_name(f"{self.out.name}-logs")
        )

    @property
    def plain_settings(self) -> dict[str, Any]:
        """The settings as plain values."""
        return settings_to(self.settings)

    def network(self, build: Callable[[str, Sequence[L]], Any], labels: Sequence[L]) -> Network:
        """Return the encoder with new heads for `labels`.

        Raises
        ------
        ArgumentError
            The encoder cannot read `max_tokens` at once.
        """
        n_most = max_positions(self.source)
        if self.settings.max_tokens > n_most:
            raise ArgumentError(
                f"max_tokens must be at most {n_most}, what encoder {str(self.encoder)!r} can read "
                f"at once, got {self.settings.max_tokens}"
            )
        return Network(
            build(self.source, labels),
            load_tokenizer(self.source),
            max_tokens=self.settings.max_tokens,
            stride=self.settings.stride,
            device=self.accelerator.device,
            bf16="on" if self.accelerator.mixed_precision == "bf16" else "off",
        )

    def run(
        self,
        pipe: P,
        task: Task[Any],
        notes: Sequence[Note],
        n_selection: int,
        *,
        trains: bool = True,
    ) -> None:
        """Train `pipe` in place on `task`, made from `notes`, where wanted, and fill its card."""
        model = pipe.network.model
        rate = self.settings.learning_rate or default_learning_rate(model.config.hidden_size)
        settings = self.plain_settings | {"checkpoint_minutes": None}  # may change on the way
        what = [type(pipe).__name__, pipe.labels, settings, str(self.encoder),
                model.config.to_dict(), corpus_sha256(notes, annotations=True)]  # fmt: skip
        began = time.perf_counter()
        record: dict[str, Any] = {"epochs": [], "best_epoch": 0, "n_steps": 0}
        if trains:
            record = train_model(
                model,
                task,
                self.settings,
                accelerator=self.accelerator,
                learning_rate=rate,
                progress=self.progress,
                checkpoint=checkpoint_of(
                    self.out, self.settings, what, self.accelerator, resume=self.resume
                ),
            )
        pipe.card.update(
            encoder=str(self.encoder),
            learning_rate=rate,
            n_notes=len(notes),
            n_selection=n_selection,
            **task.counts,
            train_sha256=corpus_sha256(notes),
            **record,
            precision=pipe.network.precision,
            train_seconds=round(time.perf_counter() - began, 2),
            versions=package_versions(_PACKAGES),
        )

    def write(self, pipe: P) -> P:
        """Write the folder, once however many processes train."""
        seconds = round(time.perf_counter() - self.began, 1)
        pipe = replace(pipe, card={**pipe.card, "seconds": seconds})
        if self.accelerator.is_main_process:
            pipe.save(self.out)
        self.accelerator.wait_for_everyone()
        return pipe


def checkpoint_of(
    out: Path, settings: LoopSettings, what: list[Any], accelerator: Any, *, resume: bool
) -> Checkpoint:
    """Return the checkpoint beside `out` of a training that `what` says all of."""
    what = [*what, accelerator.num_processes, accelerator.mixed_precision]
    what.append(package_versions(_PACKAGES))
    text = json.dumps(what, sort_keys=True, default=str)
    return Checkpoint(
        out.with_name(f"{out.name}-checkpoint"),
        minutes=settings.checkpoint_minutes,
        resume=resume,
        identity=hashlib.sha256(text.encode()).hexdigest(),
    )


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seed torch's generators inside the block only: they draw the head and dropout."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def merged_settings(kind: type[S], settings: S | None, overrides: dict[str, Any]) -> S:
    """Return the settings with some fields changed.

    Raises
    ------
    DataError
        An unknown field, or a value of the wrong type or out of range.
    """
    if not overrides:
        return settings or kind()
    return settings_from(kind, settings_to(settings or kind()) | overrides)


def _check_out(out: str | Path) -> Path:
    path = Path(out)
    if path.is_file():
        raise ArgumentError(f"out must be a folder to write, got the file {path}")
    return path

"""One training: what every kind of it checks, builds, trains and writes alike.

A *recipe* says the rest: what is learned of which notes, how it is finished, and how it is scored.
The functions that users call are doors to `Job.run`.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

import torch

from clinnlp.bert.checkpoint import Checkpoint
from clinnlp.bert.corpus import corpus_sha256
from clinnlp.bert.encoders import find_encoder, load_tokenizer, max_positions
from clinnlp.bert.folder import OWN_FILES
from clinnlp.bert.learned import Card, Trained
from clinnlp.bert.loop import GoesOn, Progress, Task, make_accelerator, planned_epochs, train_model
from clinnlp.bert.network import Network
from clinnlp.bert.selection import Score
from clinnlp.bert.settings import LoopSettings, default_learning_rate
from clinnlp.core.config import settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import check_replaceable, check_writable
from clinnlp.core.notes import Note
from clinnlp.core.places import one_writer
from clinnlp.core.versions import package_versions

__all__ = ["Job", "Recipe", "Start", "TrialRecipe", "Tried"]

P = TypeVar("P", bound=Trained)
S = TypeVar("S", bound=LoopSettings)
T = TypeVar("T", bound=Task[Any])

_log = logging.getLogger(__name__)

_PACKAGES = ("clinnlp", "torch", "transformers", "tokenizers", "accelerate")


class Recipe(Protocol[P, T]):
    """What one kind of training adds to `Job`; made from notes, which it checks.

    Attributes
    ----------
    labels : tuple of str
        What is learned; () where it is no labels.
    notes : sequence of Note
        All that are learned from, those of the selection among them.
    n_selection : int
        Notes of the selection.
    reads_annotations : bool
        Whether a training on the same texts, annotated otherwise, is another one.
    trains : bool
        Whether the loop is needed, or all is learned when the task is made.
    """

    labels: tuple[str, ...]
    notes: Sequence[Note]
    n_selection: int
    reads_annotations: bool
    trains: bool

    def untrained(self, job: "Job[Any]") -> P:
        """Return what is to be trained, on a network with new heads, drawn from torch's RNG."""

    def task(self, pipe: P) -> T:
        """Return what the loop teaches `pipe`."""

    def finish(self, pipe: P, task: T, /) -> P:
        """Return the trained `pipe` with what the selection notes say of it."""

    def score(self, pipe: P) -> Card | None:
        """Return the scores on dev, for the card; None without dev."""


class TrialRecipe(Recipe[P, T], Protocol[P, T]):
    """A recipe of which settings can be searched."""

    def prepared(self, pipe: P) -> T:
        """Return the task before anything is learned."""


class Start(NamedTuple, Generic[S]):
    """Where a search of settings starts."""

    settings: S  # learning rate and epochs are numbers
    n_selection: int
    identity: str  # of notes, settings and versions: to be kept as a keyed hash


class Tried(NamedTuple):
    """What came of a training that was for its selection score alone."""

    score: Score | None  # of the epoch that is kept; None without a finite loss
    n_epochs: int  # that were trained; 0 where the head alone was


class Job(Generic[S]):
    """One call of training, opened before the notes are read.

    Parameters
    ----------
    kind : type of settings
    settings, overrides
        Settings of that kind, by default its own, and the fields to change in them.
    encoder, out, progress, resume
        As for `clinnlp.bert.train.fine_tune_ner`.

    Raises
    ------
    ArgumentError, DataError
        Unusable settings, or a file where the folder should be.
    StoreError
        The encoder cannot be found.
    RunError
        The folder may not be written, or another process trains into it.
    """

    def __init__(
        self,
        kind: type[S],
        settings: S | None,
        overrides: Mapping[str, Any],
        *,
        encoder: str | Path,
        out: str | Path,
        progress: Progress,
        resume: bool,
    ) -> None:
        self._began = time.perf_counter()
        self.settings = _merged(kind, settings, overrides)
        self._out, self._encoder = _check_out(out), str(encoder)
        self._progress, self._resume = progress, resume
        self._source = find_encoder(encoder)
        self.settings = _readable(self.settings, max_positions(self._source))
        logs = self._out.with_name(f"{self._out.name}-logs")
        self._accelerator = make_accelerator(self.settings, logs)
        with self._lock():  # said now, not when all notes are read
            pass

    def run(self, recipe: Recipe[P, T]) -> P:
        """Train by the recipe, finish, score and write; return what was written.

        Raises
        ------
        RunError
            Training diverged, the machine failed, or another process trains into the folder.
        StoreError
            The checkpoint is damaged, or of another training.
        """
        with self._lock():
            return self._run(recipe)

    def start(self, recipe: TrialRecipe[P, T]) -> Start[S]:
        """Return where a search of settings starts: those of this job, nothing left open.

        Raises
        ------
        ArgumentError
            Several processes train at once.
        """
        if self._accelerator.num_processes > 1:
            raise ArgumentError("a search of settings needs one process, got several")
        with _seeded(self.settings.seed):
            pipe = recipe.untrained(self)
        n_epochs = planned_epochs(recipe.prepared(pipe), self.settings, self._accelerator)
        found = replace(self.settings, learning_rate=self._rate(pipe), epochs=n_epochs)
        return Start(found, recipe.n_selection, self._identity(pipe, recipe))

    def try_out(self, recipe: Recipe[P, T], goes_on: GoesOn) -> Tried:
        """Train by the recipe as `run` does, for the selection score alone: no model is written.

        Raises
        ------
        RunError, StoreError
            As of `run`; `DivergedError` where the loss stopped being a finite number.
        """
        with self._lock():
            _, task, card, checkpoint = self._trained(recipe, goes_on)
            score = task.score()
            if checkpoint is not None:
                checkpoint.remove()
        return Tried(score, len(card["epochs"]))

    def _run(self, recipe: Recipe[P, T]) -> P:
        pipe, task, card, checkpoint = self._trained(recipe)
        pipe = recipe.finish(pipe, task)
        scores = recipe.score(pipe)
        if scores is not None:
            card["dev"] = scores
        card["seconds"] = round(time.perf_counter() - self._began, 1)
        pipe = replace(pipe, card=card)
        if self._accelerator.is_main_process:  # once, however many processes train
            pipe.save(self._out)
            if checkpoint is not None:
                checkpoint.remove()
        self._accelerator.wait_for_everyone()
        return pipe

    def _trained(
        self, recipe: Recipe[P, T], goes_on: GoesOn | None = None
    ) -> tuple[P, T, dict[str, Any], Checkpoint | None]:
        with _seeded(self.settings.seed):
            pipe = recipe.untrained(self)
            checkpoint = self._checkpoint(pipe, recipe) if recipe.trains else None
            task = recipe.task(pipe)
            return pipe, task, self._train(pipe, task, recipe, checkpoint, goes_on), checkpoint

    def _lock(self) -> AbstractContextManager[Any]:
        """Return the lock on the folder, which one of several processes takes for all."""
        if not self._accelerator.is_main_process:
            return nullcontext()
        return one_writer(self._out)

    def network(self, build: Callable[[str], Any], *, stride: int = 0) -> Network:
        """Return the network of the model that `build` makes of the encoder's folder or hub id."""
        return Network(
            build(self._source),
            load_tokenizer(self._source),
            max_tokens=self.settings.max_tokens,
            stride=stride,
            device=self._accelerator.device,
            bf16="on" if self._accelerator.mixed_precision == "bf16" else "off",
        )

    def _rate(self, pipe: Trained) -> float:
        width = pipe.network.model.config.hidden_size
        return self.settings.learning_rate or default_learning_rate(width)

    def _train(
        self,
        pipe: P,
        task: T,
        recipe: Recipe[P, T],
        checkpoint: Checkpoint | None,
        goes_on: GoesOn | None,
    ) -> dict[str, Any]:
        """Train `pipe` in place, where the recipe trains at all, and return its card."""
        rate = self._rate(pipe)
        began = time.perf_counter()
        record: dict[str, Any] = {"epochs": [], "best_epoch": 0, "n_steps": 0}
        if recipe.trains:
            record = train_model(
                pipe.network.model,
                task,
                self.settings,
                accelerator=self._accelerator,
                learning_rate=rate,
                progress=self._progress,
                checkpoint=checkpoint,
                goes_on=goes_on,
            )
            _tell_if_nothing_is_learned(record["epochs"], rate)
        return {
            "encoder": self._encoder,
            "learning_rate": rate,
            "n_notes": len(recipe.notes),
            "n_characters": sum(len(note.text) for note in recipe.notes),
            "n_selection": recipe.n_selection,
            **task.counts,
            **record,
            "precision": pipe.network.precision,
            "train_seconds": round(time.perf_counter() - began, 2),
            "versions": package_versions(_PACKAGES),
        }

    def _checkpoint(self, pipe: P, recipe: Recipe[P, T]) -> Checkpoint:
        """Return the checkpoint beside the folder, which is of this very training."""
        return Checkpoint(
            self._out.with_name(f"{self._out.name}-checkpoint"),
            minutes=self.settings.checkpoint_minutes,
            resume=self._resume,
            identity=self._identity(pipe, recipe),
        )

    def _identity(self, pipe: P, recipe: Recipe[P, T]) -> str:
        """Return what this training is of, to be kept as a keyed hash."""
        settings = settings_to(self.settings) | {"checkpoint_minutes": None}  # may change
        what = [
            type(pipe).__name__,
            recipe.labels,
            settings,
            self._encoder,
            pipe.network.model.config.to_dict(),
            corpus_sha256(recipe.notes, annotations=recipe.reads_annotations),
            self._accelerator.num_processes,
            self._accelerator.mixed_precision,
            package_versions(_PACKAGES),
        ]
        return json.dumps(what, sort_keys=True, default=str)


def _tell_if_nothing_is_learned(epochs: Sequence[Mapping[str, Any]], rate: float) -> None:
    scores = [epoch["score"] for epoch in epochs if epoch["score"] is not None]
    if scores and not any(scores):
        _log.warning(
            "clinnlp: the selection notes score 0 after every epoch, nothing useful was learned: "
            "try a lower learning_rate (it was %g), larger batches or more epochs",
            rate,
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch's generators inside the block only: they draw the head and dropout."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def _merged(kind: type[S], settings: S | None, overrides: Mapping[str, Any]) -> S:
    """Return the settings with some fields changed.

    Raises
    ------
    ArgumentError
        The settings are of another kind of training.
    DataError
        An unknown field, or a value of the wrong type or out of range.
    """
    settings = kind() if settings is None else settings
    if not isinstance(settings, kind):
        raise ArgumentError(f"settings must be {kind.__name__} here, got {type(settings).__name__}")
    return settings_from(kind, settings_to(settings) | dict(overrides)) if overrides else settings


def _readable(settings: S, n_most: int) -> S:
    """Return the settings with windows of at most as many tokens as the encoder reads at once.

    What neighbouring windows share falls alike.
    """
    if settings.max_tokens <= n_most:
        return settings
    _log.warning(
        "clinnlp: max_tokens falls from %d to %d, what the encoder reads at once",
        settings.max_tokens,
        n_most,
    )
    changes: dict[str, Any] = {"max_tokens": n_most}
    stride = getattr(settings, "stride", None)
    if stride is not None:
        changes["stride"] = stride * n_most // settings.max_tokens
    return replace(settings, **changes)


def _check_out(out: str | Path) -> Path:
    path = Path(out)
    if path.is_file():
        raise ArgumentError(f"out must be a folder to write, got the file {path}")
    check_replaceable(path, OWN_FILES)
    return check_writable(path)

"""The training loop, visible: one for every task, on CPU, one GPU or several.

AdamW (Loshchilov and Hutter, ICLR 2019) with linear warm-up and linear decay to zero, smaller
steps for lower layers where wanted, gradients clipped by norm, bfloat16 by autocast, placement
and gradient exchange by accelerate. A running average of the weights is scored after each epoch;
`clinnlp.bert.selection` says which average is kept. The order of batches is planned for all epochs
before the first step, and each step draws its dropout from the seed and its number alone: a
training that was killed goes on exactly where it stood (`clinnlp.bert.checkpoint`). One that is
told to end finishes its step and keeps a checkpoint first (`clinnlp.bert.stop`).
"""

import math
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from tqdm import tqdm

from clinnlp.bert.average import WeightAverage
from clinnlp.bert.checkpoint import Checkpoint, Standing
from clinnlp.bert.heap import STEPS, keep_few_products
from clinnlp.bert.network import best_device
from clinnlp.bert.precision import learning_attention, wants_bf16
from clinnlp.bert.rates import parameter_groups, rate_factor
from clinnlp.bert.selection import Score, is_as_good
from clinnlp.bert.settings import LoopSettings, default_epochs
from clinnlp.bert.stop import Stop
from clinnlp.core.errors import MissingExtra, RunError
from clinnlp.core.memory import give_back

__all__ = [
    "DivergedError",
    "GoesOn",
    "Progress",
    "Task",
    "make_accelerator",
    "planned_epochs",
    "train_model",
]

_MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a weight

B = TypeVar("B")

# Asked after each epoch, with its selection score and the share of the plan that is done, 0 to 1
Progress = bool | Callable[[int, int], None]
GoesOn = Callable[[Score | None, float], bool]


class DivergedError(RunError):
    """The loss stopped being a finite number."""


class Task(Protocol[B]):
    """What the loop needs to know of a task."""

    counts: dict[str, int]  # of what is learned from, for the card

    def plan(self, rng: np.random.Generator) -> list[B]:
        """Return the batches of one epoch, cheap to hold."""

    def loss(self, model: Any, batch: B) -> torch.Tensor:
        """Return the mean loss of a batch."""

    def score(self) -> Score | None:
        """Return the selection score of the weights as they are, or None without selection."""


def make_accelerator(settings: LoopSettings, logs: Path) -> Accelerator:
    """Return an accelerator of the wanted precision, with the trackers that were named.

    Its ``mixed_precision`` is ``"bf16"`` or ``"no"``: what "auto" means for this training.

    Raises
    ------
    MissingExtra
        A tracker is not installed.
    ArgumentError
        ``CLINNLP_PRECISION`` names no precision.
    """
    for name in settings.trackers:
        if find_spec(name) is None:
            raise MissingExtra(name, extra=name)
    precision = "bf16" if wants_bf16(settings.bf16, best_device()) else "no"
    _hold_memory(precision)
    if AcceleratorState._shared_state:  # an earlier training of this process, maybe in the other
        AcceleratorState._reset_state()
    accelerator = Accelerator(
        mixed_precision=precision, log_with=list(settings.trackers) or None, project_dir=str(logs)
    )
    if settings.trackers:
        plain = {k: v for k, v in asdict(settings).items() if isinstance(v, int | float | str)}
        accelerator.init_trackers("clinnlp", config=plain)
    return accelerator


def _hold_memory(precision: str) -> None:
    if precision == "bf16" and best_device().type == "cpu":
        keep_few_products()


def train_model(
    model: Any,
    task: Task[Any],
    settings: LoopSettings,
    *,
    accelerator: Accelerator,
    learning_rate: float,
    progress: Progress,
    checkpoint: Checkpoint | None = None,
    goes_on: GoesOn | None = None,
) -> dict[str, Any]:
    """Train `model` in place and leave it with the averaged weights of the epoch that is kept.

    The checkpoint holds them at the end, for its owner to remove; where `goes_on` has given the
    training up, that before its last epoch.

    Returns
    -------
    dict
        ``epochs`` (loss and score of each), ``best_epoch`` (1-based, the one that is kept),
        ``n_steps`` planned.

    Raises
    ------
    RunError
        The loss stopped being a finite number, or a checkpoint cannot be written.
    StoreError
        The checkpoint to resume from is of another training.
    """
    run = _Run(model, task, settings, accelerator, learning_rate, checkpoint)
    run.goes_on = goes_on
    told = progress is True and accelerator.is_main_process
    tell = progress if callable(progress) else _nobody
    with tqdm(total=run.n_steps, disable=not told, desc="fine-tuning") as bar:
        bar.update(run.at.step)
        tell(run.at.step, run.n_steps)
        while run.is_open():  # beyond a signal only where its handler did not end the training
            with Stop() as stop:
                while run.is_open() and stop.asked is None:
                    run.advance(stop)
                    bar.update(run.at.step - bar.n)
                    tell(run.at.step, run.n_steps)
                    if run.at.step % 10 == 0 or run.is_between():
                        bar.set_postfix_str(run.told())
                        run.track()
                if stop.asked is not None:
                    bar.set_description_str("ending (Ctrl-C ends at once)")
                    run.keep()
    run.finish()
    return {
        "epochs": run.at.history,
        "best_epoch": run.at.best_epoch,
        "n_steps": run.n_steps,
    }


def _nobody(_: int, __: int) -> None:
    """Tell nobody how far a training has come."""


def planned_epochs(task: Task[Any], settings: LoopSettings, accelerator: Accelerator) -> int:
    """Return how many epochs `train_model` plans for a task."""
    return settings.epochs or default_epochs(len(_epoch(task, settings, accelerator, 0)))


class _Run:
    """One training: the plan, the tensors, and how far it has come."""

    def __init__(
        self,
        model: Any,
        task: Task[Any],
        settings: LoopSettings,
        accelerator: Accelerator,
        learning_rate: float,
        checkpoint: Checkpoint | None,
    ) -> None:
        self.model, self.task, self.settings, self.accelerator = model, task, settings, accelerator
        self.checkpoint, self.at = checkpoint, Standing()
        self.plan = _plan(task, settings, accelerator)
        self.ends = np.cumsum([len(epoch) for epoch in self.plan]).tolist()  # step after each epoch
        self.n_steps = self.ends[-1]
        self.optimizer = torch.optim.AdamW(
            parameter_groups(model, learning_rate, settings), lr=learning_rate, fused=True
        )
        self.wrapped, self.prepared = accelerator.prepare(model, self.optimizer)
        self.names = {n: p for n, p in model.named_parameters() if p.requires_grad}
        self.average = WeightAverage(self.names.values(), settings.average)
        self.best: list[torch.Tensor] = []
        self.fresh: list[torch.Tensor] = []  # losses not yet fetched: fetching each waits for a GPU
        self.goes_on: GoesOn | None = None
        self.given_up = False
        self._restore()

    def is_open(self) -> bool:
        """Return whether there is an epoch left, and hope."""
        done, patience = len(self.at.history), self.settings.patience
        tired = patience is not None and done - self.at.top_epoch >= patience
        ended = self.given_up or (tired and self.is_between())
        return done < len(self.plan) and not ended

    def is_between(self) -> bool:
        """Return whether an epoch has just been scored, or none has begun."""
        return self.at.step in (0, *self.ends[: len(self.at.history)])

    def advance(self, stop: Stop) -> None:
        """Take the next step or, after the last of an epoch, score and maybe keep the weights."""
        if self.at.step < self.ends[len(self.at.history)]:
            self._step()
        else:
            self._end_epoch(stop)
        if self.checkpoint and self.checkpoint.is_due():
            self.keep()

    def keep(self) -> None:
        """Write a checkpoint, where any are wanted; of what was given up none goes on."""
        if self.given_up or self.checkpoint is None:
            return
        if self.checkpoint.writes and self.accelerator.is_main_process:
            self._fetch()
            self.checkpoint.write(self.at, self._tensors())

    def _step(self) -> None:
        at, epoch = self.at, len(self.at.history)
        first = self.ends[epoch - 1] if epoch else 0
        batches = self.plan[epoch][at.step - first]
        torch.manual_seed(_step_seed(self.settings.seed, at.step, self.accelerator.process_index))
        factor = rate_factor(at.step, self.n_steps, self.settings.warmup)
        for group in self.optimizer.param_groups:
            group["lr"] = group["peak"] * factor
        self.wrapped.train()
        self.fresh.append(self._backward(batches))
        self.accelerator.clip_grad_norm_(self.wrapped.parameters(), self.settings.clip)
        self.prepared.step()
        self.prepared.zero_grad()
        self.average.update()
        at.step += 1
        bf16 = self.accelerator.mixed_precision == "bf16"
        if bf16 and self.accelerator.device.type == "cpu" and at.step % STEPS == 0:
            give_back()

    def finish(self) -> None:
        """Leave the best weights in the model, and the model as it was handed in."""
        self.accelerator.unwrap_model(self.wrapped, keep_fp32_wrapper=False)  # plain forward again
        with torch.no_grad():
            for p, kept in zip(self.names.values(), self.best, strict=True):
                p.copy_(kept)
        self.model.eval()
        if self.settings.trackers:
            self.accelerator.end_training()
        self.keep()

    def told(self) -> str:
        """Return one line of where it stands."""
        self._fetch()
        recent = self.at.losses[-20:]
        loss = math.fsum(recent) / len(recent) if recent else self.at.history[-1]["loss"]
        top = self.at.top
        rest = "" if top is None else f", best selection score {top.value:.3f}"
        return f"epoch {len(self.at.history) + bool(recent)}, loss {loss:.3f}{rest}"

    def track(self) -> None:
        """Tell the trackers that were named; without any, nothing is told to anyone."""
        if not self.settings.trackers:
            return
        self._fetch()
        told = {"rate": self.optimizer.param_groups[0]["lr"]}
        if self.at.losses:
            told["loss"] = self.at.losses[-1]
        else:
            last = self.at.history[-1]
            told |= {f"epoch_{name}": value for name, value in last.items() if value is not None}
        self.accelerator.log(told, step=self.at.step)

    def _backward(self, batches: Sequence[Any]) -> torch.Tensor:
        """Add up the gradients of the batches of one step; return their mean loss."""
        losses = []
        for i, batch in enumerate(batches, 1):
            last = i == len(batches)
            with nullcontext() if last else self.accelerator.no_sync(self.wrapped):
                with self.accelerator.autocast(), self._attention():
                    loss = self.task.loss(self.wrapped, batch) / len(batches)
                self.accelerator.backward(loss)
            losses.append(loss.detach().float())
        return torch.stack(losses).sum()

    def _attention(self) -> AbstractContextManager[Any]:
        bf16 = self.accelerator.mixed_precision == "bf16"
        return learning_attention(self.accelerator.device, bf16=bf16)

    def _fetch(self) -> None:
        if self.fresh:
            self.at.losses += torch.stack(self.fresh).tolist()
            self.fresh = []

    def _end_epoch(self, stop: Stop) -> None:
        self._fetch()
        at, number = self.at, len(self.at.history) + 1
        loss = _mean(at.losses, number)
        with self.average.applied():
            score = stop.attempt(self.task.score)
        if stop.asked is not None:  # maybe left halfway: it is scored when the training goes on
            return
        at.history.append({"loss": loss, "score": score and score.value})
        at.losses = []
        self._compare(score, number)
        if self.goes_on is not None:
            self.given_up = not self.goes_on(score, number / len(self.plan))

    def _compare(self, score: Score | None, number: int) -> None:
        """Keep the weights of an epoch that is as good as the best so far."""
        at = self.at
        if score is None or at.top is None or score.value > at.top.value:
            at.top, at.top_epoch = score, number
        if score is None or at.top is None or is_as_good(score, at.top):
            at.best_epoch = number
            now = self.average.tensors or list(self.names.values())
            self.best = [p.detach().clone() for p in now]

    def _tensors(self) -> dict[str, torch.Tensor]:
        """Return all that changes in training, by name; once it is done, what is kept."""
        out = {f"best/{name}": t for name, t in zip(self.names, self.best, strict=False)}
        if not self.is_open():
            return out
        out |= {f"weights/{name}": p.detach() for name, p in self.names.items()}
        out |= {f"average/{n}": t for n, t in zip(self.names, self.average.tensors, strict=False)}
        for name, p in self.names.items():
            out |= {f"adam.{k}/{name}": v for k, v in self.optimizer.state.get(p, {}).items()}
        return out

    @torch.no_grad()
    def _restore(self) -> None:
        found = self.checkpoint.read(self.names) if self.checkpoint else None
        if found is None:
            return
        self.at, tensors = found
        self.average.n_updates = self.at.step
        self.best = [
            tensors[f"best/{name}"].to(p.device)
            for name, p in self.names.items()
            if self.at.history
        ]
        for i, name in enumerate(self.names if self.is_open() else ()):
            self._restore_weight(i, name, tensors)

    def _restore_weight(self, i: int, name: str, tensors: dict[str, torch.Tensor]) -> None:
        p = self.names[name]
        p.copy_(tensors[f"weights/{name}"])
        if self.average.tensors:
            self.average.tensors[i].copy_(tensors[f"average/{name}"])
        moments = {
            kind: moment.to(p.device)
            for kind in _MOMENTS
            if (moment := tensors.get(f"adam.{kind}/{name}")) is not None
        }
        if moments:
            self.optimizer.state[p] = moments


def _plan(task: Task[B], settings: LoopSettings, accelerator: Accelerator) -> list[list[list[B]]]:
    """Return this process's steps of each epoch."""
    first = _epoch(task, settings, accelerator, 0)
    n_epochs = settings.epochs or default_epochs(len(first))
    return [first, *(_epoch(task, settings, accelerator, k) for k in range(1, n_epochs))]


def _epoch(
    task: Task[B], settings: LoopSettings, accelerator: Accelerator, number: int
) -> list[list[B]]:
    """Return this process's steps of an epoch, `accumulate` batches each.

    Every process gets equally many batches.
    """
    rank, n = accelerator.process_index, accelerator.num_processes
    batches = task.plan(np.random.default_rng([settings.seed, number]))
    batches += batches[: -len(batches) % n]
    mine = batches[rank::n]
    every = range(0, len(mine), settings.accumulate)
    return [mine[i : i + settings.accumulate] for i in every]


def _step_seed(seed: int, step: int, rank: int) -> int:
    return int(np.random.SeedSequence([seed, step, rank]).generate_state(1)[0])


def _mean(losses: Sequence[float], number: int) -> float:
    mean = math.fsum(losses) / max(1, len(losses)) if np.isfinite(losses).all() else math.nan
    if math.isnan(mean):
        raise DivergedError(
            f"the loss of epoch {number} must be finite, got nan or inf; lower learning_rate"
        )
    return mean

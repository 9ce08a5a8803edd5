"""The training loop, visible: one for every task, on CPU, one GPU or several.

AdamW (Loshchilov and Hutter, ICLR 2019) with linear warm-up and linear decay to zero, gradients
clipped by norm, bfloat16 by autocast where wanted, placement and gradient exchange by
accelerate. After each epoch the selection score decides which weights are kept. The order of
batches is planned for all epochs before the first step, from the seed alone.
"""

import copy
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from tqdm import tqdm

from clinnlp.bert.network import best_device, wants_bf16
from clinnlp.bert.settings import TrainSettings
from clinnlp.core.errors import RunError

__all__ = ["Epoch", "Task", "make_accelerator", "train_model"]

B = TypeVar("B")


class Task(Protocol[B]):
    """What the loop needs to know of a task."""

    def plan(self, rng: np.random.Generator) -> list[B]:
        """Return the batches of one epoch, cheap to hold."""

    def loss(self, model: Any, batch: B) -> torch.Tensor:
        """Return the mean loss of a batch."""

    def score(self) -> float | None:
        """Return the selection score of the weights as they are, or None without selection."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """Mean training loss and selection score after an epoch."""

    loss: float
    score: float | None


def make_accelerator(settings: TrainSettings) -> Accelerator:
    """Return an accelerator of the wanted precision."""
    precision = "bf16" if wants_bf16(settings.bf16, best_device()) else "no"
    if AcceleratorState._shared_state:  # an earlier training of this process, maybe in the other
        AcceleratorState._reset_state()
    return Accelerator(mixed_precision=precision)


def train_model(
    model: Any,
    task: Task[Any],
    settings: TrainSettings,
    *,
    accelerator: Accelerator,
    learning_rate: float,
    progress: bool,
) -> dict[str, Any]:
    """Train `model` in place and leave it with the weights of the best epoch.

    Returns
    -------
    dict
        ``epochs`` (loss and score of each), ``best_epoch`` (1-based), ``n_steps``.

    Raises
    ------
    RunError
        The loss stopped being a finite number.
    """
    plan = _plan(task, settings, accelerator)
    n_steps = sum(len(batches) for batches in plan)
    optimizer = torch.optim.AdamW(
        _groups(model, settings.weight_decay), lr=learning_rate, fused=True
    )
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    history: list[Epoch] = []
    best: dict[str, torch.Tensor] = {}
    best_score, best_epoch, step = -math.inf, len(plan), 0
    bar = tqdm(
        total=n_steps, disable=not (progress and accelerator.is_main_process), desc="fine-tuning"
    )
    with bar:
        for number, batches in enumerate(plan, 1):
            wrapped.train()
            losses = []
            for batch in batches:
                for group in optimizer.param_groups:
                    group["lr"] = learning_rate * _schedule(step, n_steps, settings.warmup)
                losses.append(_step(wrapped, task, batch, optimizer, accelerator, settings.clip))
                step += 1
                bar.update()
                if step % 10 == 0:
                    bar.set_postfix_str(_told(number, losses, history))
            history.append(Epoch(loss=_mean(losses, number), score=task.score()))
            bar.set_postfix_str(_told(number, losses, history))
            score = history[-1].score
            if score is not None and score > best_score:
                best_score, best_epoch = score, number
                best = copy.deepcopy(model.state_dict())
    accelerator.unwrap_model(wrapped, keep_fp32_wrapper=False)  # plain forward again
    if best:
        model.load_state_dict(best)
    model.eval()
    return {
        "epochs": [asdict(epoch) for epoch in history],
        "best_epoch": best_epoch,
        "n_steps": n_steps,
    }


def _plan(task: Task[B], settings: TrainSettings, accelerator: Accelerator) -> list[list[B]]:
    """Return this process's batches of each epoch; every process gets equally many."""
    rank, n = accelerator.process_index, accelerator.num_processes
    out = []
    for epoch in range(settings.epochs):
        batches = task.plan(np.random.default_rng([settings.seed, epoch]))
        batches += batches[: -len(batches) % n]
        out.append(batches[rank::n])
    return out


def _step(
    model: Any,
    task: Task[B],
    batch: B,
    optimizer: Any,
    accelerator: Accelerator,
    clip: float,
) -> float:
    with accelerator.autocast():
        loss = task.loss(model, batch)
    accelerator.backward(loss)
    accelerator.clip_grad_norm_(model.parameters(), clip)
    optimizer.step()
    optimizer.zero_grad()
    return float(loss.detach())


def _schedule(step: int, n_steps: int, warmup: float) -> float:
    """Return the factor on the learning rate: up to 1 over the warm-up, then down to 0."""
    n_up = int(warmup * n_steps)
    if step < n_up:
        return (step + 1) / n_up
    return (n_steps - step) / max(1, n_steps - n_up)


def _groups(model: Any, weight_decay: float) -> list[dict[str, Any]]:
    """Return parameter groups: matrices decay, biases and norms do not."""
    matrices = [p for p in model.parameters() if p.requires_grad and p.ndim > 1]
    vectors = [p for p in model.parameters() if p.requires_grad and p.ndim <= 1]
    return [
        {"params": matrices, "weight_decay": weight_decay},
        {"params": vectors, "weight_decay": 0.0},
    ]


def _mean(losses: Sequence[float], number: int) -> float:
    mean = math.fsum(losses) / max(1, len(losses)) if np.isfinite(losses).all() else math.nan
    if math.isnan(mean):
        raise RunError(
            f"the loss of epoch {number} must be finite, got nan or inf; lower learning_rate"
        )
    return mean


def _told(number: int, losses: Sequence[float], history: Sequence[Epoch]) -> str:
    recent = losses[-20:]
    scores = [e.score for e in history if e.score is not None]
    best = f", best selection score {max(scores):.3f}" if scores else ""
    return f"epoch {number}, loss {math.fsum(recent) / max(1, len(recent)):.3f}{best}"

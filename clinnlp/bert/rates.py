"""How large a step each weight takes: by time, by depth, by kind.

By time the rate rises linearly over the warm-up and falls linearly to zero. By depth it is
multiplied by ``layer_decay`` once per layer below the last, so that the head and the top layers,
which know least of the task, move most. By kind, weight matrices decay, biases and norms do not.

References
----------
Howard and Ruder, ACL 2018 (rates by layer); Loshchilov and Hutter, ICLR 2019 (decoupled decay).
"""

import re
from typing import Any

from clinnlp.bert.settings import LoopSettings

__all__ = ["parameter_groups", "rate_factor"]

_LAYER = re.compile(r"\.(?:layers?|h|block)\.(\d+)\.")


def rate_factor(step: int, n_steps: int, warmup: float) -> float:
    """Return the factor on the learning rate: up to 1 over the warm-up, then down to 0.

    Examples
    --------
    >>> [rate_factor(step, 4, 0.5) for step in range(5)]
    [0.5, 1.0, 1.0, 0.5, 0.0]
    """
    n_up = int(warmup * n_steps)
    if step < n_up:
        return (step + 1) / n_up
    return (n_steps - step) / max(1, n_steps - n_up)


def parameter_groups(
    model: Any, learning_rate: float, settings: LoopSettings
) -> list[dict[str, Any]]:
    """Return the optimizer's parameter groups, each with the peak of its rate in ``"peak"``."""
    named = [(name, p) for name, p in model.named_parameters() if p.requires_grad]
    depth = {name: _layer(name) for name, _ in named}
    n_layers = 1 + max((d for d in depth.values() if d is not None), default=-1)
    head = len(getattr(model, "base_model_prefix", ""))
    groups: dict[tuple[int, bool], list[Any]] = {}
    for name, p in named:
        inside = name[:head] == getattr(model, "base_model_prefix", "")
        layer = depth[name]
        below = n_layers - 1 - layer if layer is not None else n_layers if inside else 0
        groups.setdefault((below, p.ndim > 1), []).append(p)
    return [
        {
            "params": params,
            "peak": learning_rate * settings.layer_decay**below,
            "weight_decay": settings.weight_decay if is_matrix else 0.0,
        }
        for (below, is_matrix), params in groups.items()
    ]


def _layer(name: str) -> int | None:
    found = _LAYER.search(name)
    return int(found[1]) if found else None

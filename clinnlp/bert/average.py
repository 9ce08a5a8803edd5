"""A running average of a network's weights, which is what gets scored and kept.

After t steps ``average += (1 - d) (weights - average)``, ``d = min(decay, (1 + t) / (10 + t))``, so
that the random beginning is soon forgotten. The average lies in a flatter part of the loss than
the last step does, at the cost of one copy of the weights.

References
----------
Polyak and Juditsky, SIAM J Control Optim 1992; Izmailov et al., UAI 2018.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import torch

__all__ = ["WeightAverage"]


class WeightAverage:
    """The exponential moving average of some parameters.

    Parameters
    ----------
    parameters : iterable of tensor
        The very tensors that the optimizer changes.
    decay : float
        Weight of the past, 0 to 1; 0 makes the average the weights themselves.

    Examples
    --------
    >>> weights = [torch.tensor([1.0])]
    >>> average = WeightAverage(weights, 0.9)
    >>> weights[0] += 1.0
    >>> average.update()
    >>> with average.applied():  # doctest: +ELLIPSIS
    ...     weights[0].tolist()
    [1.81818...]
    >>> weights[0].tolist()
    [2.0]
    """

    def __init__(self, parameters: Iterable[torch.Tensor], decay: float) -> None:
        self._weights = list(parameters)
        self._decay = decay
        self.n_updates = 0
        self.tensors = [p.detach().clone() for p in self._weights] if decay else []

    @torch.no_grad()
    def update(self) -> None:
        """Take in the weights as they are now."""
        self.n_updates += 1
        if self.tensors:
            decay = min(self._decay, (1 + self.n_updates) / (10 + self.n_updates))
            torch._foreach_lerp_(self.tensors, self._weights, 1 - decay)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Put the average in place of the weights inside the block."""
        if not self.tensors:
            yield
            return
        own = [p.detach().clone() for p in self._weights]
        self._put(self.tensors)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, tensors: list[torch.Tensor]) -> None:
        torch._foreach_copy_(self._weights, tensors)

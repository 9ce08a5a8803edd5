"""Seeded choices that stay the same on every Python version.

Only ``random.Random.random`` is promised never to change for a seed; ``choice``, ``sample``
and ``shuffle`` are not. Committed corpora must come out byte for byte, so every choice here is
made from that one stream.

Examples
--------
>>> Dice(7).pick(["a", "b", "c"]) == Dice(7).pick(["a", "b", "c"])
True
"""

import random
from collections.abc import Sequence
from typing import TypeVar

__all__ = ["Dice"]

T = TypeVar("T")


class Dice:
    """A stream of seeded choices.

    Parameters
    ----------
    seed : int or str
        Equal seeds give equal streams.

    Attributes
    ----------
    uniform : callable
        Returns the next number in [0, 1).
    """

    __slots__ = ("uniform",)

    def __init__(self, seed: int | str) -> None:
        self.uniform = random.Random(str(seed)).random  # noqa: S311 - not for secrets

    def chance(self, p: float) -> bool:
        """Return True with probability `p`."""
        return self.uniform() < p

    def between(self, low: int, high: int) -> int:
        """Return a whole number from `low` to `high`, both included."""
        return low + int(self.uniform() * (high - low + 1))

    def pick(self, items: Sequence[T]) -> T:
        """Return one of `items`, each as likely as another."""
        return items[int(self.uniform() * len(items))]

    def weighted(self, items: Sequence[T], weights: Sequence[float]) -> T:
        """Return one of `items` with probability proportional to its weight."""
        mark = self.uniform() * sum(weights)
        for item, weight in zip(items, weights, strict=True):
            mark -= weight
            if mark < 0:
                return item
        return items[-1]

    def sample(self, items: Sequence[T], n: int) -> list[T]:
        """Return up to `n` of `items` in random order, each position at most once."""
        pool = list(items)
        n = min(n, len(pool))
        return [pool.pop(int(self.uniform() * len(pool))) for _ in range(n)]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """Return all of `items` in random order."""
        return self.sample(items, len(items))

"""Batches read side by side on a CPU, each by one thread.

Threads that share one batch wait for each other after every small matrix; threads that have a
batch each never wait.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import torch

__all__ = ["side_by_side"]

T = TypeVar("T")
R = TypeVar("R")


def side_by_side(read: Callable[[T], R], batches: Sequence[T]) -> Iterator[R]:
    """Yield ``read(batch)`` of each batch, in order, as many at once as torch may use threads.

    At most that many answers and one wait to be taken. Fewer batches than threads are read one
    after the other, each by all threads.
    """
    n_threads = torch.get_num_threads()
    if n_threads < 2 or len(batches) < n_threads:
        yield from map(read, batches)
        return
    waiting: deque[Future[R]] = deque()
    with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        try:
            for batch in batches:
                waiting.append(pool.submit(read, batch))
                if len(waiting) > n_threads:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for answer in waiting:
                answer.cancel()
            torch.set_num_threads(n_threads)  # what threads that are yet to come start with

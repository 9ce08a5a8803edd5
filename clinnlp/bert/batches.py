"""Batches of about equal cost: rows of similar length, as many as a token budget allows.

The cost of a batch is rows × longest row, padding included. Sorting by length before cutting
leaves almost no padding; for training the sorting is done inside random pools, so that batches
differ between epochs.
"""

from collections.abc import Sequence

import numpy as np
import torch

from clinnlp.core.arrays import Array, Ints

__all__ = ["hide_tokens", "pad_rows", "shuffled_batches", "sorted_batches"]

_POOL = 16  # batches that are sorted together in training


def sorted_batches(lengths: Array, budget: int) -> list[Ints]:
    """Return batches of row indices, longest rows first, each at most `budget` tokens.

    A row longer than the budget is a batch of its own.

    Examples
    --------
    >>> [b.tolist() for b in sorted_batches(np.array([3, 9, 4, 3]), 9)]
    [[1], [2, 0], [3]]
    """
    order = np.argsort(-np.asarray(lengths), kind="stable")
    out: list[Ints] = []
    at = 0
    while at < len(order):
        n_rows = max(1, budget // max(1, int(lengths[order[at]])))
        out.append(order[at : at + n_rows])
        at += n_rows
    return out


def shuffled_batches(lengths: Array, budget: int, rng: np.random.Generator) -> list[Ints]:
    """Return every row once, in random batches of at most `budget` tokens and similar lengths."""
    lengths = np.asarray(lengths)
    order = rng.permutation(len(lengths))
    mean = max(1.0, float(lengths.mean())) if len(lengths) else 1.0
    pool = max(1, int(_POOL * budget / mean))
    out = [
        order[at : at + pool][batch]
        for at in range(0, len(order), pool)
        for batch in sorted_batches(lengths[order[at : at + pool]], budget)
    ]
    return [out[i] for i in rng.permutation(len(out))]


def pad_rows(rows: Sequence[Array], value: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the rows as one int64 matrix padded with `value`, and the 0/1 mask of real cells."""
    width = max(len(row) for row in rows)
    matrix = np.full((len(rows), width), value, np.int64)
    mask = np.zeros((len(rows), width), np.int64)
    for i, row in enumerate(rows):
        matrix[i, : len(row)] = row
        mask[i, : len(row)] = 1
    return torch.from_numpy(matrix), torch.from_numpy(mask)  # (n_rows, width) each


def hide_tokens(ids: torch.Tensor, share: float, mask_id: int | None) -> torch.Tensor:
    """Return the ids with a random share of them masked, so that context must tell.

    A tokenizer without a mask hides none.
    """
    if not share or mask_id is None:
        return ids
    return ids.masked_fill(torch.rand(ids.shape).to(ids.device) < share, mask_id)

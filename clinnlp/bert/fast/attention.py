"""Attention over rows laid end to end, without padding."""

from collections.abc import Sequence

import torch
from torch.nn import functional

__all__ = ["attend"]


def attend(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    runs: Sequence[tuple[int, int]],
    n_heads: int,
) -> torch.Tensor:
    """Return what each token takes from the tokens of its own row, shape (n_tokens, width).

    Parameters
    ----------
    queries, keys, values : tensors of shape (n_tokens, width)
    runs : sequence of (int, int)
        Length of a row, and how many rows of that length follow one another, in order.
    n_heads : int
    """
    out, at = [], 0
    for length, n_rows in runs:
        end = at + n_rows * length
        shape = (n_rows, length, n_heads, -1)
        q, k, v = [part[at:end].view(shape).transpose(1, 2) for part in (queries, keys, values)]
        mixed = functional.scaled_dot_product_attention(q, k, v)
        out.append(mixed.transpose(1, 2).reshape(end - at, -1))
        at = end
    return out[0] if len(out) == 1 else torch.cat(out)

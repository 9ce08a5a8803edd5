"""Attention over rows laid end to end, without padding."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch.nn import functional

__all__ = ["Run", "attend", "attend_marks"]


class Run(NamedTuple):
    """Rows of one length that follow one another.

    Behind the text of a row there may be markers, two for each pair of mentions: the text sees the
    text, a marker the text, itself and its partner.
    """

    length: int
    n_rows: int
    n_text: int  # length without markers


def attend(
    queries: torch.Tensor,
    keys: torch.Tensor,
    values: torch.Tensor,
    runs: Sequence[Run],
    n_heads: int,
) -> torch.Tensor:
    """Return what each token takes from the tokens of its own row, shape (n_tokens, width).

    Parameters
    ----------
    queries, keys, values : tensors of shape (n_tokens, width)
    runs : sequence of Run
        In order.
    n_heads : int
    """
    out, at = [], 0
    for length, n_rows, n_text in runs:
        end = at + n_rows * length
        shape = (n_rows, length, n_heads, -1)
        q, k, v = [part[at:end].view(shape).transpose(1, 2) for part in (queries, keys, values)]
        asking, seen, given = (part[:, :, :n_text] for part in (q, k, v))
        mixed = functional.scaled_dot_product_attention(asking, seen, given).transpose(1, 2)
        if n_text < length:
            mixed = torch.cat([mixed, attend_marks(q, k, v, n_text)], dim=1)
        out.append(mixed.reshape(end - at, -1))
        at = end
    return out[0] if len(out) == 1 else torch.cat(out)


def attend_marks(
    queries: torch.Tensor, keys: torch.Tensor, values: torch.Tensor, n_text: int
) -> torch.Tensor:
    """Return what the markers of some rows take, shape (n_rows, n_marks, n_heads, size).

    Parameters
    ----------
    queries, keys, values : tensors of shape (n_rows, n_heads, n_tokens, size)
    n_text : int
        Tokens before the markers.
    """
    n_rows, n_heads, length, size = queries.shape
    pairs = (n_rows, n_heads, (length - n_text) // 2, 2, size)
    q, k, v = (part[:, :, n_text:].reshape(pairs) for part in (queries, keys, values))
    q = q * size**-0.5
    flat = q.reshape(n_rows, n_heads, -1, size)
    to_text = (flat @ keys[:, :, :n_text].mT).view(*pairs[:4], n_text)
    weights = torch.cat([to_text, q @ k.mT], dim=-1).softmax(dim=-1)
    of_text, of_pair = torch.split(weights, [n_text, 2], dim=-1)
    mixed: torch.Tensor = of_text.reshape(n_rows, n_heads, -1, n_text) @ values[:, :, :n_text]
    mixed = mixed + (of_pair @ v).reshape(mixed.shape)
    return mixed.transpose(1, 2)

"""Attention in 16-bit integers, on processors that multiply pairs of them in one instruction.

Queries, keys and values of a head have one scale each, found in their own row, such that no sum
exceeds 32 bits; so the products are exact, and a softmax of rounded weights is a mean:

    weight_ij = round(m 2^(t_ij - max_j t_ij)),  t_ij = q_i · k_j / √d · log2 e
    out_i     = Σ_j weight_ij v_j / Σ_j weight_ij

Eight queries go at a time, and their scores and weights stay in the nearest cache.
"""

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.compiled import compiled_for_vectors
from clinnlp.core.vectors import N_COLUMNS, N_ROWS, multiply_pairs, round_exp2

__all__ = ["attend_in_integers"]

_BITS_32 = 2.0**31 - 1
_LOG2_E = np.float32(np.log2(np.e))
_TINY = np.float32(1e-12)
_HALF, _ONE = np.float32(0.5), np.float32(1)

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Shorts = NDArray[np.int16]


@compiled_for_vectors
def attend_in_integers(y: Floats, n_heads: int, out: Floats) -> None:
    """Write what each token takes from the tokens of its row to `out`, shape (n_tokens, width).

    Parameters
    ----------
    y : array of float32, shape (n_tokens, 3 * width)
        Queries, keys and values of the tokens of one row.
    n_heads : int
        A head has an even number of columns.
    """
    n, width = out.shape
    size, n_long = width // n_heads, -(-n // N_COLUMNS) * N_COLUMNS
    most_score = np.float32(np.floor(np.sqrt(_BITS_32 / 2 / size)))
    most_weight = np.float32(np.floor(np.sqrt(_BITS_32 / n_long)))
    units = largest_of_heads(y, n_heads)  # (3, n_heads)
    units[:2] /= most_score
    units[2] /= most_weight
    rounded = np.zeros((n_long, 3 * width), np.int16)
    round_parts(y, units, rounded)
    queries, keys = np.empty((2, n_long, size), np.int16)
    turned = np.empty((size // 2, n_long), np.int32)
    values = np.zeros((n_long // 2, -(-size // N_COLUMNS) * N_COLUMNS, 2), np.int16)
    value_pairs = values.reshape(len(values), -1).view(np.int32)
    for h in range(n_heads):
        a, b = h * size, (h + 1) * size
        queries[:] = rounded[:, a:b]
        keys[:] = rounded[:, width + a : width + b]
        turn(keys.view(np.int32), turned)
        zip_rows(rounded[:, 2 * width + a : 2 * width + b], values)
        scale = _LOG2_E * units[0, h] * units[1, h] / np.sqrt(np.float32(size))
        mixed = out[:, a:b]
        mix_values(queries.view(np.int32), turned, value_pairs, scale, most_weight, mixed)
        mixed *= units[2, h]


@compiled_for_vectors
def mix_values(
    queries: Ints, keys: Ints, values: Ints, scale: np.float32, most_weight: np.float32, out: Floats
) -> None:
    """Write the weighted mean of the values for each query to `out`, shape (n, size).

    Parameters
    ----------
    queries : array of int32, shape (n_long, size / 2)
        Pairs of neighbours of a row.
    keys, values : arrays of int32, shapes (size / 2, n_long), (n_long / 2, size or more)
        Pairs of neighbours of a column.
    scale : float32
        Of the scores, for powers of 2.
    most_weight : float32
    """
    n, size = out.shape
    scores = np.empty((N_ROWS, keys.shape[1]), np.int32)
    weights = np.zeros((N_ROWS, keys.shape[1]), np.int16)
    weight_pairs = weights.view(np.int32)
    sums = np.empty(N_ROWS, np.float32)
    mixed = np.empty((N_ROWS, values.shape[1]), np.int32)
    for i in range(0, n, N_ROWS):
        for at in range(0, keys.shape[1], N_COLUMNS):
            multiply_pairs(queries, i, keys, at, scores)
        for r in range(min(N_ROWS, n - i)):
            sums[r] = max(round_exp2(scores, r, n, scale, most_weight, weights), 1)
        for at in range(0, values.shape[1], N_COLUMNS):
            multiply_pairs(weight_pairs, 0, values, at, mixed)
        for r in range(min(N_ROWS, n - i)):
            k = _ONE / sums[r]
            for j in range(size):
                out[i + r, j] = np.float32(mixed[r, j]) * k


@compiled_for_vectors
def largest_of_heads(y: Floats, n_heads: int) -> Floats:
    """Return the largest magnitude among queries, keys and values of each head, (3, n_heads)."""
    largest = np.full(y.shape[1], _TINY)
    for i in range(len(y)):
        row = y[i]
        for j in range(len(row)):
            largest[j] = max(largest[j], abs(row[j]))
    out = np.empty((3, n_heads), np.float32)
    columns = largest.reshape(3, n_heads, -1)
    for part in range(3):
        for h in range(n_heads):
            out[part, h] = columns[part, h].max()
    return out


@compiled_for_vectors
def round_parts(y: Floats, units: Floats, out: Shorts) -> None:
    """Round the rows of `y` to the units of their parts and heads."""
    each = np.repeat(_ONE / units.ravel(), y.shape[1] // units.size)
    for i in range(len(y)):
        row, to = y[i], out[i]
        for j in range(len(row)):
            to[j] = np.int16(np.int32(np.floor(row[j] * each[j] + _HALF)))


@compiled_for_vectors
def turn(x: Ints, out: Ints) -> None:
    """Write the columns of `x` to the rows of `out`."""
    for j in range(len(out)):
        for i in range(len(x)):
            out[j, i] = x[i, j]


@compiled_for_vectors
def zip_rows(rows: Shorts, out: Shorts) -> None:
    """Write rows 2i and 2i + 1 of the rows, (2 n, k), side by side to `out`, (n, k or more, 2)."""
    for i in range(len(out)):
        to, above, below = out[i], rows[2 * i], rows[2 * i + 1]
        for j in range(len(above)):
            to[j, 0] = above[j]
            to[j, 1] = below[j]

"""The layers of a BERT in 8-bit integers: what lies between two products takes one pass.

Weights have one scale per output, activations one per token, found as they come: nothing is
calibrated.

    x ≈ s (q - 128),  s = max|x| / 127,  q = round(x / s) + 128

A product of integers comes back without the scale of its tokens. Scaling it, adding bias and
input, norm or GELU, and rounding anew for the next product are one loop over a token's row, which
stays in the nearest cache: done one after the other they take as long as the products. Attention
is in integers too (`clinnlp.bert.fast.int16`).

References
----------
Yao et al., ZeroQuant, NeurIPS 2022, section 4.1 (token-wise quantisation).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from clinnlp.bert.fast.attention import Run, attend, attend_marks
from clinnlp.bert.fast.int16 import attend_in_integers
from clinnlp.bert.fast.vectors import has_vectors
from clinnlp.core.arrays import Bytes, Floats32
from clinnlp.core.compiled import compiled_for_vectors

__all__ = ["Int8Layers"]

_ZERO = 128  # what stands for 0 among unsigned ones
_LARGEST = np.float32(127)
_HALF_UP = np.float32(_ZERO + 0.5)  # cutting off then rounds
_TINY = np.float32(1e-12)
_BITS = np.int32(0x7FFFFFFF)  # all but the sign; such integers are ordered as the floats are

# erf(c / √2) = c · P(c² / 8 - 1) for |c| ≤ 4, interpolated in Chebyshev's points. The error of
# GELU(v) is below 3e-4 or 3e-5 |v|, the larger: much less than a step of the integers.
_ERF = np.array(
    [0.35189956, -0.16860348, 0.11185523, -0.074260064, 0.045210791, -0.023107149, 0.011857266,
     -0.007974628, 0.0031099065],
    np.float32,
)  # fmt: skip
_P0, _P1, _P2, _P3, _P4, _P5, _P6, _P7, _P8 = _ERF
_END, _HALF, _EIGHTH, _ONE = np.float32(4), np.float32(0.5), np.float32(0.125), np.float32(1)

_SHORT, _FEW, _MANY = 128, 8, 64  # rows of a short product; what those and others are filled up to

Rounded = tuple[torch.Tensor, Floats32]  # integers (≥ n_tokens, width), scales (n_tokens,)


class Int8Layers:
    """The layers of a BERT, for reading on a CPU that multiplies integers in hardware.

    Parameters
    ----------
    layers : sequence of transformers' BertLayer
        Their weights are rounded here, once.
    n_heads : int
    """

    def __init__(self, layers: Sequence[Any], n_heads: int) -> None:
        self._layers = [_Layer(layer, n_heads) for layer in layers]

    def __call__(
        self, x: torch.Tensor, runs: Sequence[Run], kept: torch.Tensor | None = None
    ) -> torch.Tensor:
        """Return the last hidden states; `x`, (n_tokens, width), is overwritten.

        Those of the tokens `kept` alone, where they are named.
        """
        rounded = _rounded(x)
        for layer in self._layers:
            of = kept if layer is self._layers[-1] else None
            x, rounded = layer(x, rounded, runs, of)
        return x


class _Layer:
    def __init__(self, layer: Any, n_heads: int) -> None:
        heads, out = layer.attention.self, layer.attention.output
        self._n_heads = n_heads
        self._project = _Product(heads.query, heads.key, heads.value)
        self._mix, self._norm_mixed = _Product(out.dense), out.LayerNorm
        self._widen = _Product(layer.intermediate.dense)
        self._narrow, self._norm = _Product(layer.output.dense), layer.output.LayerNorm

    def __call__(
        self, x: torch.Tensor, rounded: Rounded, runs: Sequence[Run], kept: torch.Tensor | None
    ) -> tuple[torch.Tensor, Rounded]:
        """Change `x` to what the layer makes of it; return it, and rounded."""
        y = self._project(rounded)
        scale_rows(y.numpy(), rounded[1], self._project.bias)
        given = _attended(y, runs, self._n_heads)
        if kept is not None:
            x, given = x[kept], given[kept]
        mixed = _rounded(given)
        rounded = _normed(x, self._mix, mixed, self._norm_mixed)
        y = self._widen(rounded)
        wide = _empty(y)
        gelu_rows(y.numpy(), rounded[1], self._widen.bias, wide[0].numpy(), wide[1])
        return x, _normed(x, self._narrow, wide, self._norm)


def _attended(y: torch.Tensor, runs: Sequence[Run], n_heads: int) -> torch.Tensor:
    """Return what each token takes; `y` holds queries, keys and values side by side."""
    width = y.shape[1] // 3
    if not has_vectors() or width // n_heads % 2:
        q, k, v = y.chunk(3, dim=1)
        return attend(q, k, v, runs, n_heads)
    out, at = torch.empty(len(y), width), 0
    parts, mixed = y.numpy(), out.numpy()
    for length, n_text in ((run.length, run.n_text) for run in runs for _ in range(run.n_rows)):
        words = slice(at, at + n_text)
        attend_in_integers(parts[words], n_heads, mixed[words])
        if n_text < length:
            row = y[at : at + length].view(1, length, 3, n_heads, -1).permute(2, 0, 3, 1, 4)
            marks = attend_marks(row[0], row[1], row[2], n_text)
            out[at + n_text : at + length] = marks.reshape(length - n_text, width)
        at += length
    return out


class _Product:
    """Linear maps of one input, side by side, as integers."""

    def __init__(self, *parts: Any) -> None:
        weight = torch.cat([part.weight.detach() for part in parts])
        self.bias: Floats32 = torch.cat([part.bias.detach() for part in parts]).numpy()
        self._scale = weight.abs().amax(1).clamp_min(1e-12) / float(_LARGEST)  # (n_outputs,)
        integers = torch.round(weight / self._scale[:, None]).to(torch.int8)
        self._packed = torch.ops.onednn.qlinear_prepack(integers, None)
        self._zeros = torch.zeros(len(weight), dtype=torch.int64)

    def __call__(self, rounded: Rounded) -> torch.Tensor:
        """Return the products without bias and without the scales of the tokens."""
        out: torch.Tensor = torch.ops.onednn.qlinear_pointwise(
            rounded[0], 1.0, _ZERO, self._packed, self._scale, self._zeros, None, 1.0, 0,
            torch.float32, "none", [], "",
        )  # fmt: skip
        return out[: len(rounded[1])]


def _normed(x: torch.Tensor, product: _Product, rounded: Rounded, norm: Any) -> Rounded:
    """Add the product to `x` and norm it there; return it rounded."""
    out = _empty(x)
    weight, bias = norm.weight.detach().numpy(), norm.bias.detach().numpy()
    add_and_norm_rows(
        x.numpy(), product(rounded).numpy(), rounded[1], product.bias, weight, bias,
        np.float32(norm.eps), out[0].numpy(), out[1],
    )  # fmt: skip
    return out


def _rounded(x: torch.Tensor) -> Rounded:
    out = _empty(x)
    round_rows(x.numpy(), out[0].numpy(), out[1])
    return out


def _empty(x: torch.Tensor) -> Rounded:
    """Return room for `x` rounded, with rows to spare so that products have few shapes.

    Of each shape oneDNN keeps the code that it makes, up to hundreds of MB of it.
    """
    step = _FEW if len(x) <= _SHORT else _MANY
    n_rows = -(-len(x) // step) * step
    return torch.empty(n_rows, x.shape[1], dtype=torch.uint8), np.empty(len(x), np.float32)


@compiled_for_vectors
def round_row(row: Floats32, q: Bytes) -> np.float32:
    """Round one row to `q` and return its scale."""
    largest = np.int32(0)
    for bits in row.view(np.int32):
        largest = np.int32(max(largest, np.int32(bits & _BITS)))  # in 64 bits it takes four times
    most = max(np.int32(largest).view(np.float32), _TINY)
    steps = _LARGEST / most
    for j in range(len(row)):
        q[j] = np.uint8(np.int32(row[j] * steps + _HALF_UP))
    return np.float32(most / _LARGEST)


@compiled_for_vectors
def round_rows(x: Floats32, q: Bytes, scales: Floats32) -> None:
    """Round each row of `x`, shape (n, width)."""
    for i in range(len(x)):
        scales[i] = round_row(x[i], q[i])


@compiled_for_vectors
def scale_rows(y: Floats32, scales: Floats32, bias: Floats32) -> None:
    """Give each row of `y` its scale and add the bias, in place."""
    for i in range(len(y)):
        row, scale = y[i], scales[i]
        for j in range(len(row)):
            row[j] = row[j] * scale + bias[j]


@compiled_for_vectors
def gelu_rows(y: Floats32, scales: Floats32, bias: Floats32, q: Bytes, out: Floats32) -> None:
    """Round the GELU of each row of `y`, scaled, with bias, to `q` and its scale to `out`."""
    for i in range(len(y)):
        row, scale = y[i], scales[i]
        for j in range(len(row)):
            v = row[j] * scale + bias[j]
            c = min(_END, v)
            c = max(-_END, c)
            t = c * c * _EIGHTH - _ONE
            p = (((_P8 * t + _P7) * t + _P6) * t + _P5) * t + _P4
            p = (((p * t + _P3) * t + _P2) * t + _P1) * t + _P0
            row[j] = _HALF * v * (_ONE + c * p)
        out[i] = round_row(row, q[i])


@compiled_for_vectors
def add_and_norm_rows(
    x: Floats32,
    y: Floats32,
    scales: Floats32,
    bias: Floats32,
    weight: Floats32,
    shift: Floats32,
    eps: np.float32,
    q: Bytes,
    out: Floats32,
) -> None:
    """Add `y`, scaled, with bias, to `x`; norm each row there and round it to `q` and `out`."""
    width = np.float32(x.shape[1])
    for i in range(len(x)):
        row, added, scale = x[i], y[i], scales[i]
        total = np.float32(0)
        for j in range(len(row)):
            v = row[j] + added[j] * scale + bias[j]
            row[j] = v
            total += v
        mean = total / width
        total = np.float32(0)
        for j in range(len(row)):
            v = row[j] - mean
            total += v * v
        k = _ONE / np.sqrt(total / width + eps)
        for j in range(len(row)):
            row[j] = (row[j] - mean) * k * weight[j] + shift[j]
        out[i] = round_row(row, q[i])

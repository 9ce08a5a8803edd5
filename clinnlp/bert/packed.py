"""BERT over rows laid end to end: no padding, no mask, and optionally 8-bit integers.

A batch is one matrix of all its tokens. Everything but attention works on tokens alone, so rows
need no common length; attention runs over runs of equally long rows. What a row gets does not
depend on the rows beside it.

With `int8` the matrices of the layers are multiplied as integers. Weights have one scale per
output, activations one per token, found as they come: nothing is calibrated, and no token
changes the scale of another.

    x ≈ s (q - 128),  s = max|x| / 127,  q = round(x / s) + 128

References
----------
Devlin et al., BERT, NAACL 2019. Yao et al., ZeroQuant, NeurIPS 2022, section 4.1 (token-wise
quantisation).
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from clinnlp.bert.windows import Ints

__all__ = ["PackedBert", "can_pack", "has_fast_int8"]

_LARGEST = 127  # of an 8-bit integer, symmetric around zero
_ZERO = 128  # what stands for 0 among unsigned ones

Tensors = Sequence[torch.Tensor]
Project = Callable[[torch.Tensor], Tensors]


def can_pack(model: Any) -> bool:
    """Return whether `model` is a BERT with a token head, as transformers builds it."""
    config = model.config
    return (
        type(model).__name__ == "BertForTokenClassification"
        and config.hidden_act == "gelu"
        and getattr(config, "position_embedding_type", None) in (None, "absolute")
        and not config.is_decoder
    )


def has_fast_int8() -> bool:
    """Return whether the CPU multiplies 8-bit integers in hardware (AVX-512 VNNI)."""
    return bool(getattr(torch.cpu, "_is_vnni_supported", lambda: False)())


class PackedBert:
    """A BERT with a token head on the CPU, for reading only.

    Parameters
    ----------
    model : BertForTokenClassification
        Its modules are used, not copied: the weights are always those the model has now. Only
        with `int8` those of the layers are fixed here.
    int8 : bool
        Multiply the matrices of the layers as 8-bit integers. The embeddings and the head stay.
    """

    def __init__(self, model: Any, *, int8: bool = False) -> None:
        bert = model.base_model
        self._embeddings, self._head = bert.embeddings, model.classifier
        n_heads, join = model.config.num_attention_heads, _join_int8 if int8 else _join
        self._layers = [_Layer(layer, n_heads, join) for layer in bert.encoder.layer]

    def __call__(self, rows: Sequence[Ints]) -> Tensors:
        """Return the logits of each row, shapes (length of the row, n_outputs)."""
        return torch.split(self._head(self._encode(rows)), [len(row) for row in rows])

    def states(self, rows: Sequence[Ints]) -> Tensors:
        """Return the last hidden states of each row, shapes (length of the row, width)."""
        return torch.split(self._encode(rows), [len(row) for row in rows])

    def _encode(self, rows: Sequence[Ints]) -> torch.Tensor:
        lengths = [len(row) for row in rows]
        x = self._embed(np.concatenate(rows), np.concatenate([np.arange(n) for n in lengths]))
        runs = [(n, len(list(same))) for n, same in groupby(lengths)]
        for layer in self._layers:
            x = layer(x, runs)  # (n_tokens, width)
        return x

    def _embed(self, ids: Ints, places: Ints) -> torch.Tensor:
        parts = self._embeddings
        x: torch.Tensor = parts.word_embeddings(torch.from_numpy(ids.astype(np.int64)))
        x = x + parts.position_embeddings(torch.from_numpy(places))
        out: torch.Tensor = parts.LayerNorm(x + parts.token_type_embeddings.weight[0])
        return out


class _Layer:
    """One layer: attention, then the feed-forward part, each added to its input and normed."""

    def __init__(self, layer: Any, n_heads: int, join: Callable[..., Project]) -> None:
        heads, out = layer.attention.self, layer.attention.output
        self._n_heads = n_heads
        self._project = join(heads.query, heads.key, heads.value)
        self._mix, self._norm_mixed = join(out.dense), out.LayerNorm
        self._widen, self._narrow = join(layer.intermediate.dense), join(layer.output.dense)
        self._norm = layer.output.LayerNorm

    def __call__(self, x: torch.Tensor, runs: Sequence[tuple[int, int]]) -> torch.Tensor:
        (mixed,) = self._mix(self._attend(self._project(x), runs))
        x = self._norm_mixed(mixed.add_(x))
        (wide,) = self._widen(x)
        (narrow,) = self._narrow(torch.ops.aten.gelu_(wide))  # in place
        out: torch.Tensor = self._norm(narrow.add_(x))
        return out

    def _attend(self, qkv: Tensors, runs: Sequence[tuple[int, int]]) -> torch.Tensor:
        """Attend within each row; `runs` are (length, number of rows) in order."""
        out, at = [], 0
        for length, n_rows in runs:
            end = at + n_rows * length
            shape = (n_rows, length, self._n_heads, -1)
            q, k, v = [part[at:end].view(shape).transpose(1, 2) for part in qkv]
            mixed = functional.scaled_dot_product_attention(q, k, v)
            out.append(mixed.transpose(1, 2).reshape(end - at, -1))
            at = end
        return out[0] if len(out) == 1 else torch.cat(out)


def _join(*parts: Any) -> Project:
    return lambda x: [part(x) for part in parts]


def _join_int8(*parts: Any) -> Project:
    """Return several linear maps of one input, in 8-bit integers, read once."""
    weight = torch.cat([part.weight.detach() for part in parts])
    bias = torch.cat([part.bias.detach() for part in parts])
    scale = weight.abs().amax(1).clamp_min(1e-12) / _LARGEST  # (n_outputs,)
    rounded = torch.round(weight / scale[:, None]).to(torch.int8)
    packed = torch.ops.onednn.qlinear_prepack(rounded, None)
    zeros, half = torch.zeros(len(scale), dtype=torch.int64), torch.tensor(_ZERO + 0.5)
    widths = [part.out_features for part in parts]

    def project(x: torch.Tensor) -> Tensors:
        largest = torch.maximum(x.amax(1, keepdim=True), x.amin(1, keepdim=True).neg_())
        largest.clamp_min_(1e-12)  # (n_tokens, 1)
        q = torch.addcmul(half, x, _LARGEST / largest).to(torch.uint8)  # rounds by cutting off
        y = torch.ops.onednn.qlinear_pointwise(
            q, 1.0, _ZERO, packed, scale, zeros, None, 1.0, 0, torch.float32, "none", [], ""
        )
        torch.addcmul(bias, y, largest.div_(_LARGEST), out=y)
        return torch.split(y, widths, dim=1)

    return project

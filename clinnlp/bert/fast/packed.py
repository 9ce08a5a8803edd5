"""BERT over rows laid end to end: no padding, no mask.

A batch is one matrix of all its tokens. Everything but attention works on tokens alone, so rows
need no common length; attention runs over runs of equally long rows. What a row gets does not
depend on the rows beside it.

References
----------
Devlin et al., BERT, NAACL 2019.
"""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

import numpy as np
import torch

from clinnlp.bert.fast.attention import Run, attend
from clinnlp.bert.marked import MarkedRow
from clinnlp.core.arrays import Ints32

__all__ = ["PackedBert", "can_pack", "has_fast_int8"]

Tensors = Sequence[torch.Tensor]
Layers = Callable[[torch.Tensor, Sequence[Run], torch.Tensor | None], torch.Tensor]


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
        Multiply the matrices of the layers as 8-bit integers (see `clinnlp.bert.fast.int8`). The
        embeddings and the head stay.
    """

    def __init__(self, model: Any, *, int8: bool = False) -> None:
        bert = model.base_model
        self._embeddings, self._head = bert.embeddings, model.classifier
        self._layers = _layers(bert.encoder.layer, model.config.num_attention_heads, int8=int8)

    def __call__(self, rows: Sequence[Ints32]) -> Tensors:
        """Return the logits of each row, shapes (length of the row, n_outputs)."""
        return torch.split(self._head(self._encode(rows)), [len(row) for row in rows])

    def states(self, rows: Sequence[Ints32]) -> Tensors:
        """Return the last hidden states of each row, shapes (length of the row, width)."""
        return torch.split(self._encode(rows), [len(row) for row in rows])

    def marked(self, rows: Sequence[MarkedRow]) -> Tensors:
        """Return the logits at the markers of each row, shapes (n_places, 2, n_outputs).

        What the last layer makes of other tokens is not wanted, and most of it is left out.
        """
        ids = np.concatenate([row.ids for row in rows])
        places = np.concatenate([row.places for row in rows])
        runs = _runs([(len(row.ids), row.n_text) for row in rows])
        starts = np.cumsum([0, *(len(row.ids) for row in rows)])
        at = [start + row.marks.ravel() for start, row in zip(starts, rows, strict=False)]
        kept = torch.from_numpy(np.concatenate(at))
        logits = self._head(self._layers(self._embed(ids, places), runs, kept))
        answers = logits.view(-1, 2, logits.shape[1])
        return torch.split(answers, [len(row.marks) for row in rows])

    def _encode(self, rows: Sequence[Ints32]) -> torch.Tensor:
        lengths = [len(row) for row in rows]
        x = self._embed(np.concatenate(rows), np.concatenate([np.arange(n) for n in lengths]))
        return self._layers(x, _runs([(n, n) for n in lengths]), None)  # (n_tokens, width)

    def _embed(self, ids: Ints32, places: Ints32) -> torch.Tensor:
        parts = self._embeddings
        x: torch.Tensor = parts.word_embeddings(torch.from_numpy(ids.astype(np.int64)))
        x = x + parts.position_embeddings(torch.from_numpy(places))
        out: torch.Tensor = parts.LayerNorm(x + parts.token_type_embeddings.weight[0])
        return out


def _runs(shapes: Sequence[tuple[int, int]]) -> list[Run]:
    """Return runs of rows of the same length and text."""
    return [Run(length, len(list(same)), n_text) for (length, n_text), same in groupby(shapes)]


def _layers(layers: Sequence[Any], n_heads: int, *, int8: bool) -> Layers:
    if int8:
        from clinnlp.bert.fast.int8 import Int8Layers  # brings the compiler

        return Int8Layers(layers, n_heads)
    return _FloatLayers(layers, n_heads)


class _FloatLayers:
    """Attention, then the feed-forward part, each added to its input and normed; layer by layer.

    Of the last layer only the tokens `kept` are given, where they are named.
    """

    def __init__(self, layers: Sequence[Any], n_heads: int) -> None:
        self._layers, self._n_heads = layers, n_heads

    def __call__(
        self, x: torch.Tensor, runs: Sequence[Run], kept: torch.Tensor | None
    ) -> torch.Tensor:
        for layer in self._layers:
            heads, out = layer.attention.self, layer.attention.output
            q, k, v = heads.query(x), heads.key(x), heads.value(x)
            given = attend(q, k, v, runs, self._n_heads)
            if kept is not None and layer is self._layers[-1]:
                x, given = x[kept], given[kept]
            mixed = out.dense(given)
            x = out.LayerNorm(mixed.add_(x))
            wide = torch.ops.aten.gelu_(layer.intermediate.dense(x))  # in place
            x = layer.output.LayerNorm(layer.output.dense(wide).add_(x))
        return x

"""Vectors of names: the mean of an encoder's word pieces, brought to length 1.

References
----------
Reimers and Gurevych, Sentence-BERT, EMNLP 2019 (mean pooling).
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from clinnlp.bert.encoders import find_encoder, load_model, load_tokenizer
from clinnlp.core.arrays import Array

__all__ = ["name_vectors"]

_N_PIECES = 64  # of a name that are read; longer names are of chemistry, and differ before


def name_vectors(
    encoder: str | Path = "minilm", *, batch_size: int = 128
) -> Callable[[Sequence[str]], Array]:
    """Return what turns names into vectors of length 1, shape (n, d).

    Parameters
    ----------
    encoder : str or path
        ``"minilm"`` (embedded), a folder, or a hub id.
    batch_size : int
        Names that are read at once.

    Raises
    ------
    StoreError
        The encoder cannot be read.
    """
    import torch

    source = find_encoder(encoder)
    tokenizer, model = load_tokenizer(source), load_model(source)
    model.eval()

    def vectors(names: Sequence[str]) -> Array:
        order = sorted(range(len(names)), key=lambda k: len(names[k]))
        made = np.empty((len(names), model.config.hidden_size), np.float32)
        for first in range(0, len(order), batch_size):
            rows = order[first : first + batch_size]
            made[rows] = batch([names[k] for k in rows])
        return made

    def batch(names: list[str]) -> Array:
        pieces = tokenizer(
            names, padding=True, truncation=True, max_length=_N_PIECES, return_tensors="pt"
        )
        with torch.no_grad():
            states = model(**pieces).last_hidden_state  # (n, pieces, d)
        mask = pieces["attention_mask"][:, :, None]
        mean = (states * mask).sum(1) / mask.sum(1)
        vectors: Array = torch.nn.functional.normalize(mean, dim=1).float().numpy()
        return vectors

    return vectors

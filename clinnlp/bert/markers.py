"""Tokens that mark the ends of a pair, one set for each label of mentions.

A BERT vocabulary has tokens that stand for nothing (``[unused5]``); where there are too few of
them, or none, new ones are added. No text of a note ever becomes one of them. A marker begins as
the mean of the pieces of its label, so that what the encoder knows of "drug" is there at once.
"""

from collections.abc import Sequence
from typing import Any

import torch
from tokenizers import AddedToken

from clinnlp.bert.encoders import reading_all
from clinnlp.bert.marked import Marker
from clinnlp.bert.network import Network
from clinnlp.core.errors import StoreError

__all__ = ["add_markers", "markers_of"]

_FIRST = 5  # [unused0] to [unused4] are taken by some encoders
_PER_LABEL = 4
_NOISE = 0.02  # keeps the markers of one label apart


def add_markers(network: Network, labels: Sequence[str]) -> None:
    """Give the network a token for each marker of some labels, drawing from torch's RNG."""
    tokenizer, model = network.tokenizer, network.model
    known = tokenizer.get_vocab()
    names = _names(len(labels))
    new = [name for name in names if name not in known]
    if new:
        tokenizer.add_tokens([AddedToken(name, special=True, normalized=False) for name in new])
        reading_all(tokenizer)
        if len(tokenizer) > model.config.vocab_size:
            model.resize_token_embeddings(len(tokenizer), mean_resizing=False)
    ids = tokenizer.convert_tokens_to_ids(names)
    table = model.get_input_embeddings().weight
    with torch.no_grad():
        for k, text in enumerate(network.tokenise(labels)):
            if len(text.ids):
                mean = table[torch.from_numpy(text.ids.astype("int64")).to(table.device)].mean(0)
                for one in ids[k * _PER_LABEL : (k + 1) * _PER_LABEL]:
                    table[one] = mean + _NOISE * torch.randn(table.shape[1]).to(table.device)


def markers_of(tokenizer: Any, labels: Sequence[str]) -> dict[str, Marker]:
    """Return the markers of labels, in the order in which they were added.

    Raises
    ------
    StoreError
        The tokenizer has none for one of them.
    """
    known = tokenizer.get_vocab()
    ids = [known.get(name) for name in _names(len(labels))]
    if None in ids:
        raise StoreError(
            f"the tokenizer of a model of relations must have markers for {len(labels)} labels, "
            "and has not; its files do not belong together"
        )
    return {
        label: Marker(opens=(ids[at], ids[at + 1]), closes=(ids[at + 2], ids[at + 3]))
        for at, label in zip(range(0, len(ids), _PER_LABEL), labels, strict=True)
    }


def _names(n_labels: int) -> list[str]:
    return [f"[unused{_FIRST + k}]" for k in range(_PER_LABEL * n_labels)]

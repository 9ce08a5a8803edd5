"""A trained tagger with one more head: the folder from which a training goes on."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import save_file

from clinnlp.bert.model import tag_names
from clinnlp.bert.predict import EntityTagger
from clinnlp.core.files import atomic_folder

__all__ = ["write_start"]

_SPREAD = 0.02  # standard deviation of new rows, BERT's own


def write_start(
    tagger: EntityTagger, heads: Sequence[Sequence[str]], folder: Path, *, seed: int
) -> None:
    """Write encoder and heads of a tagger, with new heads where it has none of that name.

    Parameters
    ----------
    tagger : EntityTagger
    heads : sequence of sequence of str
        The labels of each head, in the order in which the next training has them.
    folder : Path
        In Hugging Face layout; an encoder of `fine_tune_ner`.
    seed : int
        Of the new rows.
    """
    config, names = tagger.network.model.config, tag_names(heads)
    old = {config.id2label[k]: k for k in range(config.num_labels)}
    weights = {k: v.detach().cpu() for k, v in tagger.network.model.state_dict().items()}
    drawn = torch.Generator().manual_seed(seed)
    for name, tensor in (
        ("classifier.weight", torch.randn(len(names), config.hidden_size, generator=drawn)),
        ("classifier.bias", torch.zeros(len(names))),
    ):
        made = tensor * _SPREAD
        for row, tag in enumerate(names):
            if tag in old:
                made[row] = weights[name][old[tag]]
        weights[name] = made
    changed = type(config).from_dict(
        config.to_dict()
        | {"id2label": dict(enumerate(names)), "label2id": {n: k for k, n in enumerate(names)}}
    )
    with atomic_folder(folder) as temporary:
        changed.save_pretrained(temporary)
        tagger.network.tokenizer.save_pretrained(temporary)
        save_file({k: v.contiguous() for k, v in weights.items()}, temporary / "model.safetensors")

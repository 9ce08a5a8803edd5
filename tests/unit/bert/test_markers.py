"""Tokens that mark ends."""

import torch

from clinnlp.bert.encoders import load_tokenizer
from clinnlp.bert.markers import add_markers, markers_of
from clinnlp.bert.model import build_classifier
from clinnlp.bert.network import Network


def test_markers_are_tokens_of_their_own_that_no_text_becomes(encoder):
    network = Network(
        build_classifier(str(encoder), ["a", "b"]), load_tokenizer(str(encoder)),
        max_tokens=32, stride=4,
    )  # fmt: skip
    before = network.model.config.vocab_size
    torch.manual_seed(0)
    add_markers(network, ["Drug", "Effect"])
    made = markers_of(network.tokenizer, ["Drug", "Effect"])
    ids = [one for marker in made.values() for side in marker for one in side]
    assert sorted(ids) == list(range(before, before + 8))
    assert network.model.config.vocab_size == before + 8
    (text,) = network.tokenise(["[unused5] and [unused12]"])
    assert not set(text.ids.tolist()) & set(ids)
    (label,) = network.tokenise(["drug"])
    table = network.model.get_input_embeddings().weight
    mean = table[label.ids.tolist()].mean(0)
    assert (table[made["Drug"].opens[0]] - mean).abs().max() < 0.2
    assert len({tuple(table[i].tolist()) for i in ids}) == 8

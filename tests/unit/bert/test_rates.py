"""How large a step each weight takes."""

import numpy as np
import pytest
from transformers import BertConfig, BertForTokenClassification

from clinnlp.bert.rates import parameter_groups, rate_factor
from clinnlp.bert.settings import TaggerSettings


def test_the_rate_rises_then_falls_to_zero():
    rates = [rate_factor(step, 20, 0.25) for step in range(21)]
    assert rates[:6] == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])
    assert np.all(np.diff(rates[5:]) < 0)
    assert rates[-1] == 0
    assert rate_factor(0, 5, 0.0) == 1


def test_lower_layers_take_smaller_steps_and_only_matrices_decay():
    config = BertConfig(vocab_size=9, hidden_size=4, num_hidden_layers=2, num_attention_heads=1,
                        intermediate_size=4)  # fmt: skip
    model = BertForTokenClassification(config)
    groups = parameter_groups(model, 1.0, TaggerSettings(layer_decay=0.5, weight_decay=0.1))
    of = {id(p): g for g in groups for p in g["params"]}
    named = dict(model.named_parameters())
    assert len(of) == len(named)  # each once
    peak = {name: of[id(p)]["peak"] for name, p in named.items()}
    assert peak["classifier.weight"] == peak["classifier.bias"] == 1
    assert {v for k, v in peak.items() if ".layer.1." in k} == {1.0}
    assert {v for k, v in peak.items() if ".layer.0." in k} == {0.5}
    assert {v for k, v in peak.items() if ".embeddings." in k} == {0.25}
    decays = {(p.ndim > 1, of[id(p)]["weight_decay"]) for p in named.values()}
    assert decays == {(True, 0.1), (False, 0.0)}

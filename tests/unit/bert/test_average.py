"""The running average of weights: its formula, and that the weights come back."""

import pytest
import torch

from clinnlp.bert.average import WeightAverage


def test_it_follows_its_formula_and_gives_the_weights_back():
    weights = [torch.randn(3, generator=torch.Generator().manual_seed(0)), torch.ones(2, 2)]
    average = WeightAverage(weights, 0.5)
    naive = [w.clone() for w in weights]
    for t in range(1, 30):
        for w in weights:
            w += 0.1 * t
        average.update()
        decay = min(0.5, (1 + t) / (10 + t))
        naive = [decay * a + (1 - decay) * w for a, w in zip(naive, weights, strict=True)]
    before = [w.clone() for w in weights]
    with average.applied():
        for w, wanted in zip(weights, naive, strict=True):
            torch.testing.assert_close(w, wanted)
    assert all(torch.equal(w, b) for w, b in zip(weights, before, strict=True))


def test_the_weights_come_back_after_an_error():
    weights = [torch.zeros(1)]
    average = WeightAverage(weights, 0.9)
    weights[0] += 1
    average.update()
    with pytest.raises(KeyError), average.applied():
        raise KeyError
    assert weights[0].item() == 1


def test_without_decay_there_is_no_copy():
    weights = [torch.zeros(1)]
    average = WeightAverage(weights, 0.0)
    average.update()
    with average.applied():
        assert average.tensors == []

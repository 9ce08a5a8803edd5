"""Attention in integers is attention."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from clinnlp.bert.fast.int16 import attend_in_integers
from clinnlp.bert.fast.vectors import has_vectors

pytestmark = pytest.mark.skipif(not has_vectors(), reason="no multiplication of pairs on this CPU")


def both(y, n_heads):
    """What torch makes of queries, keys and values, and what the kernel does."""
    shape = (len(y), 3, n_heads, -1)
    parts = torch.from_numpy(y).view(shape).permute(1, 2, 0, 3)
    wanted = functional.scaled_dot_product_attention(*parts).transpose(0, 1).reshape(len(y), -1)
    out = np.full((len(y), y.shape[1] // 3), np.nan, np.float32)
    attend_in_integers(y, n_heads, out)
    return wanted.numpy(), out


@pytest.mark.parametrize(
    ("n", "n_heads", "size"),
    [(1, 2, 16), (7, 12, 32), (8, 1, 2), (33, 3, 64), (40, 2, 6), (301, 12, 32), (512, 2, 32)],
)
@pytest.mark.parametrize("spread", [1e-5, 1.0, 5.0])
def test_it_is_torchs(n, n_heads, size, spread):
    y = np.random.default_rng(n).normal(size=(n, 3 * n_heads * size)) * spread
    wanted, out = both(y.astype(np.float32), n_heads)
    assert np.abs(out - wanted).max() < 0.012 * spread * 4
    assert np.abs(out - wanted).mean() < 0.002 * spread


def test_what_is_alike_gives_the_plain_mean():
    y = np.zeros((20, 3 * 64), np.float32)
    y[:, 128:] = np.linspace(-1, 1, 20)[:, None]
    wanted, out = both(y, 2)
    np.testing.assert_allclose(out, wanted, atol=2e-4)


def test_nothing_at_all_gives_nothing():
    _, out = both(np.zeros((3, 96), np.float32), 1)
    assert (out == 0).all()


def test_one_key_far_above_the_others_takes_all():
    y = np.zeros((50, 3 * 32), np.float32)
    y[:, :32] = 1
    y[17, 32:64] = 100
    y[:, 64:] = np.arange(50)[:, None]
    _, out = both(y, 1)
    np.testing.assert_allclose(out, 17, rtol=1e-3)


@pytest.mark.parametrize("odd", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("column", [0, 40, 95])
def test_what_is_no_number_is_not_hidden(odd, column):
    y = np.ones((16, 96), np.float32)
    y[7, column] = odd
    assert not np.isfinite(both(y, 1)[1]).any()

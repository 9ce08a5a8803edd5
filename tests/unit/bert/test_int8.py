"""The kernels between integer products do what the formulas say."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from clinnlp.bert.fast.int8 import add_and_norm_rows, gelu_rows, round_rows, scale_rows


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def empty(shape):
    return np.empty(shape, np.uint8), np.empty(shape[0], np.float32)


def floats(q, scales):
    return (q.astype(np.float64) - 128) * scales[:, None]


@pytest.mark.parametrize("width", [1, 16, 37, 384])
def test_rounding_errs_by_half_a_step_and_keeps_the_largest(rng, width):
    x = (
        rng.normal(size=(9, width)).astype(np.float32)
        * np.float32(10.0) ** np.arange(-4, 5)[:, None]
    )
    x[3] = 0
    x = x.astype(np.float32)
    q, scales = empty(x.shape)
    round_rows(x, q, scales)
    assert (np.abs(floats(q, scales) - x) <= 0.501 * scales[:, None]).all()
    np.testing.assert_allclose(scales[x.any(1)], np.abs(x[x.any(1)]).max(1) / 127, rtol=1e-6)
    assert (q[3] == 128).all()
    assert (np.abs(q.astype(int) - 128).max(1)[x.any(1)] == 127).all()


def test_scaling_gives_each_row_its_scale_and_the_bias(rng):
    y, scales, bias = (rng.normal(size=s).astype(np.float32) for s in ((5, 33), 5, 33))
    wanted = y * scales[:, None] + bias
    scale_rows(y, scales, bias)
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)


def test_gelu_is_gelu_to_less_than_a_step(rng):
    y = np.linspace(-9, 9, 6 * 501).astype(np.float32).reshape(6, 501)
    bias = rng.normal(size=501).astype(np.float32)
    scales = np.linspace(0.5, 2, 6).astype(np.float32)
    wanted = functional.gelu(torch.from_numpy(y * scales[:, None] + bias)).numpy()
    q, out = empty(y.shape)
    gelu_rows(y, scales, bias, q, out)
    error = np.abs(y - wanted)  # what stands in y is the GELU itself
    assert (error < np.maximum(3e-4, 3e-5 * np.abs(wanted))).all()
    assert (np.abs(floats(q, out) - y) <= 0.501 * out[:, None]).all()


def test_the_norm_is_torchs(rng):
    x, y = (rng.normal(size=(7, 48)).astype(np.float32) for _ in range(2))
    scales = rng.normal(size=7).astype(np.float32)
    bias, weight, shift = (rng.normal(size=48).astype(np.float32) for _ in range(3))
    wanted = functional.layer_norm(
        torch.from_numpy(x + y * scales[:, None] + bias), (48,),
        torch.from_numpy(weight), torch.from_numpy(shift), 1e-12,
    ).numpy()  # fmt: skip
    q, out = empty(x.shape)
    add_and_norm_rows(x, y, scales, bias, weight, shift, np.float32(1e-12), q, out)
    np.testing.assert_allclose(x, wanted, rtol=1e-4, atol=1e-5)
    assert (np.abs(floats(q, out) - x) <= 0.501 * out[:, None]).all()

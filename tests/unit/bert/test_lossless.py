"""Packing changes no bit, whatever the numbers are, and what is damaged is refused."""

import numpy as np
import pytest
import torch

from clinnlp.bert.lossless import expand, shrink


def bits(tensor):
    return tensor.numpy().view(np.int32)


def drawn(kind, n):
    rng = np.random.default_rng(n)
    return torch.from_numpy(
        {
            "any bits": lambda: rng.integers(-(2**31), 2**31, n).astype(np.int32).view(np.float32),
            "normal": lambda: rng.standard_normal(n).astype(np.float32),
            "zeros": lambda: np.zeros(n, np.float32),
            "half zeros": lambda: (rng.standard_normal(n) * (np.arange(n) < n // 2)).astype("f4"),
            "odd": lambda: np.resize(np.float32([np.nan, -np.inf, -0.0, 1e-45, 3e38]), n),
        }[kind]()
    )


@pytest.mark.parametrize("kind", ["any bits", "normal", "zeros", "half zeros", "odd"])
@pytest.mark.parametrize("n", [0, 1, 2, 1000, 100_000])
def test_every_bit_comes_back(kind, n):
    tensor, other = drawn(kind, n), drawn("normal", n)
    for near in (None, other, tensor.clone()):
        back = expand(shrink(tensor, near), tensor, near)
        assert back.dtype == torch.float32
        assert (bits(back) == bits(tensor)).all()


def test_shapes_and_strides_do_not_matter():
    tensor = drawn("normal", 60).reshape(5, 12).T
    back = expand(shrink(tensor), tensor)
    assert torch.equal(back, tensor)


def test_it_is_no_longer_and_of_likes_much_shorter():
    weights = drawn("normal", 100_000)
    near = weights * (1 + 1e-5 * drawn("normal", 100_001)[1:])
    alone, beside = (sum(map(len, shrink(near, to))) for to in (None, weights))
    assert alone < 0.95 * 400_000
    assert beside < 0.6 * 400_000
    assert sum(map(len, shrink(drawn("any bits", 100_000)))) == 400_000


@pytest.mark.parametrize("damage", [b"torn", b"", b"\x03\x00"])
def test_what_is_damaged_is_refused(damage):
    places = shrink(torch.zeros(1000))
    torn = torch.frombuffer(bytearray(damage), dtype=torch.uint8) if damage else torch.empty(0)
    with pytest.raises(ValueError, match="must unpack to 1000"):
        expand([torn.to(torch.uint8), *places[1:]], torch.zeros(1000))


def test_what_unpacks_to_more_than_is_wanted_is_refused_early():
    with pytest.raises(ValueError, match="must unpack to 10"):
        expand(shrink(torch.zeros(10_000_000)), torch.zeros(10))

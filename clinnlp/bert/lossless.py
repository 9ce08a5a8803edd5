"""Tensors in fewer bytes, of which none is changed.

The bytes of one place in all numbers (sign and exponent, then the fraction from its first bits to
its last) are kept together, and packed where they are not noise. A tensor near another one is
kept as what differs in its bits: of a running average and its weights that is little.

References
----------
Masui et al., Astronomy and Computing 12, 2015 (bytes by place); RFC 1951 (the code).
"""

import zlib
from collections.abc import Sequence

import numpy as np
import torch

from clinnlp.core.arrays import Bytes, Ints32

__all__ = ["N_PLACES", "expand", "shrink"]

N_PLACES = 4  # bytes of a number
_N_SAMPLED = 1 << 16  # bytes looked at before all are packed
_NOISE = 7.8  # bits in a byte from which on packing only takes time
_BARE = -15  # a code without head and checksum


def shrink(tensor: torch.Tensor, near: torch.Tensor | None = None) -> list[torch.Tensor]:
    """Return the bytes of a tensor of float32, one tensor for each place.

    Parameters
    ----------
    tensor : tensor of float32
    near : tensor of float32 of the same shape, optional
        One that it resembles; `expand` needs it again.

    Examples
    --------
    >>> places = shrink(torch.zeros(1000))
    >>> max(map(len, places)) < 20, expand(places, torch.ones(1000)).count_nonzero().item()
    (True, 0)
    """
    bits = _bits(tensor) if near is None else _bits(tensor) ^ _bits(near)
    places = bits.view(np.uint8).reshape(-1, N_PLACES).T
    return [torch.from_numpy(_packed(np.ascontiguousarray(place))) for place in places]


def expand(
    places: Sequence[torch.Tensor], like: torch.Tensor, near: torch.Tensor | None = None
) -> torch.Tensor:
    """Return the tensor that `shrink` took, on the CPU, in the shape of `like`.

    Raises
    ------
    ValueError
        They are not the bytes of such a tensor.
    """
    n = like.numel()
    each = np.stack([_unpacked(place.numpy(), n) for place in places], axis=1)  # (n, N_PLACES)
    bits = each.view(np.int32).ravel()
    if near is not None:
        bits ^= _bits(near)
    return torch.from_numpy(bits.view(np.float32)).reshape(like.shape)


def _bits(tensor: torch.Tensor) -> Ints32:
    return tensor.detach().cpu().contiguous().numpy().ravel().view(np.int32)


def _packed(place: Bytes) -> Bytes:
    if _entropy(place[:: 1 + len(place) // _N_SAMPLED]) > _NOISE:
        return place
    code = zlib.compressobj(1, zlib.DEFLATED, _BARE, 9, zlib.Z_RLE)
    short = code.compress(place.data) + code.flush()
    return np.frombuffer(bytearray(short), np.uint8) if len(short) < len(place) else place


def _unpacked(short: Bytes, n: int) -> Bytes:
    if len(short) == n:  # what is packed is shorter
        return short
    code = zlib.decompressobj(_BARE)
    try:
        place = code.decompress(short.data, n + 1)
    except zlib.error:
        place = b""
    if len(place) != n or not code.eof:
        raise ValueError(f"{len(short)} bytes must unpack to {n}")
    return np.frombuffer(place, np.uint8)


def _entropy(some: Bytes) -> float:
    """Return the bits that a byte takes."""
    share = np.bincount(some, minlength=256) / max(1, len(some))
    return float(-(share[share > 0] * np.log2(share[share > 0])).sum())

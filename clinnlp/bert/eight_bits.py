"""Weights in 8-bit integers: a quarter of the size, and read back as the very same numbers.

Each row of a matrix (an output of a layer, a token of the vocabulary) has one scale:

    w ≈ s q,  s = max|w| / 127,  q = round(w / s)

The file holds q and s; what is read is s q, the same float on every machine. The kernels that
multiply in integers (`clinnlp.bert.fast.int8`) round by the same rule, so that they come back to
the same q. Vectors, small matrices and the heads are kept as they are.

References
----------
Yao et al., ZeroQuant, NeurIPS 2022, section 4.1 (one scale a row).
"""

from collections.abc import Mapping

import torch

__all__ = ["INT8_FILE", "rounded", "widened"]

INT8_FILE = "model.int8.safetensors"

_LARGEST = 127
_TINY = 1e-12  # the scale of a row of zeros
_SMALL = 1 << 10  # numbers of a matrix that is kept as it is
_HEAD = "classifier."
_SCALE = ".scale"


def rounded(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the tensors to keep: of a large matrix the integers, and its scales beside them.

    Examples
    --------
    >>> kept = rounded({"w": torch.eye(200), "b": torch.zeros(3)})
    >>> [(name, str(tensor.dtype)) for name, tensor in sorted(kept.items())]
    [('b', 'torch.float32'), ('w', 'torch.int8'), ('w.scale', 'torch.float32')]
    >>> torch.equal(widened(kept)["w"], torch.eye(200))
    True
    """
    kept: dict[str, torch.Tensor] = {}
    for name, tensor in weights.items():
        plain = tensor.detach().cpu().contiguous()
        small = plain.ndim != 2 or plain.numel() < _SMALL or not plain.is_floating_point()
        if small or name.startswith(_HEAD):
            kept[name] = plain
            continue
        scale = plain.float().abs().amax(1).clamp_min(_TINY * _LARGEST) / _LARGEST  # (n_rows,)
        kept[name] = torch.round(plain.float() / scale[:, None]).to(torch.int8)
        kept[name + _SCALE] = scale
    return kept


def widened(kept: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Return the weights that `rounded` kept, in float32; other tensors as they are.

    Raises
    ------
    ValueError
        Scales that are not those of their integers.
    """
    weights: dict[str, torch.Tensor] = {}
    for name, tensor in kept.items():
        scale = kept.get(name + _SCALE)
        if scale is not None and tensor.dtype == torch.int8:
            if tensor.ndim != 2 or scale.shape != (len(tensor),) or scale.dtype != torch.float32:
                raise ValueError(f"{name} must have one scale a row, and has not")
            weights[name] = tensor.float() * scale[:, None]
        elif not _is_scale(name, kept):
            weights[name] = tensor
    return weights


def _is_scale(name: str, kept: Mapping[str, torch.Tensor]) -> bool:
    integers = kept.get(name.removesuffix(_SCALE)) if name.endswith(_SCALE) else None
    return integers is not None and integers.dtype == torch.int8

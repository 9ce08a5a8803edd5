"""Model folders that others made, read as data: which files, and what their weights must be.

Transformers is given the tensors and never looks for weights by itself: it would also take those
of an adapter beside them, and whatever file a configuration names. Files are read only where they
lie in the folder, links out of it are refused, and what is no safetensors file is never opened.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from safetensors.torch import load_file

from clinnlp.bert.eight_bits import INT8_FILE, widened
from clinnlp.core.errors import StoreError, instead_of
from clinnlp.core.json_objects import read_json_object

__all__ = ["check_files", "check_network", "local_folder", "read_weights", "weight_files"]

_WEIGHTS, _INDEX = "model.safetensors", "model.safetensors.index.json"
_WANTED = (  # of a hub id
    "config.json", _WEIGHTS, _INDEX, "model-*-of-*.safetensors",
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json",
    "vocab.txt", "vocab.json", "merges.txt", "*.model",
)  # fmt: skip
_READ = {torch.float16, torch.bfloat16, torch.float32, torch.float64}
_TEMPLATES = "additional_chat_templates"  # the one inner folder that transformers looks into
_HEAD = 10_000_000  # parameters that a new head may have, whatever the size of the encoder


def local_folder(source: str) -> Path:
    """Return the folder of a model; that of a hub id in the cache, filled from the network.

    Raises
    ------
    StoreError
        A hub id out of reach.
    """
    if Path(source).is_dir():
        return Path(source)

    def refusal(error: Exception) -> StoreError:
        return StoreError(
            f"model {source!r} must be readable in Hugging Face layout, got "
            f"{type(error).__name__}; a hub id needs the network or a filled cache"
        )

    with instead_of(Exception, refusal):  # of the network, of the hub, of the disk
        return Path(snapshot_download(source, allow_patterns=list(_WANTED)))


def check_files(folder: Path) -> None:
    """Raise `StoreError` for a file of a model folder that lies elsewhere, or is a pipe or device.

    The cache of the hub, whose folders hold links into their neighbour ``blobs``, is read.
    """
    root = folder.resolve()
    homes = [root, root.parent.parent / "blobs"] if root.parent.name == "snapshots" else [root]
    for path in _entries(folder):
        if not path.is_file():
            raise StoreError(f"a model folder must hold plain files, and {path} is none")
        if not any(path.resolve().is_relative_to(home) for home in homes):
            raise StoreError(
                f"a file of a model must lie in its folder, and {path} is a link out of it; "
                "put a copy there"
            )


def weight_files(folder: Path) -> list[Path]:
    """Return the safetensors files of a model folder: one, or those that an index names.

    Weights in 8 bits (`clinnlp.bert.eight_bits`) count where no others are there.

    Raises
    ------
    StoreError
        There is none, or an index names a file of another kind or place.
    """
    if (folder / _WEIGHTS).is_file():
        return [folder / _WEIGHTS]
    if not (folder / _INDEX).is_file() and (folder / INT8_FILE).is_file():
        return [folder / INT8_FILE]
    if not (folder / _INDEX).is_file():
        raise StoreError(
            f"an encoder folder must hold its weights as safetensors ({_WEIGHTS}), got none in "
            f"{folder}; convert them with save_pretrained"
        )
    named = read_json_object(folder / _INDEX).get("weight_map")
    names = set(map(str, named.values())) if isinstance(named, dict) else set()
    if not names or any(Path(n).name != n or not n.endswith(".safetensors") for n in names):
        raise StoreError(f"'weight_map' in {folder / _INDEX} must name safetensors files beside it")
    return [folder / name for name in sorted(names)]


def read_weights(folder: Path) -> dict[str, torch.Tensor]:
    """Return the weights of a model folder by name.

    Raises
    ------
    StoreError
        They cannot be read, or are not all finite numbers.
    """
    weights: dict[str, torch.Tensor] = {}
    for path in weight_files(folder):

        def refusal(error: Exception, path: Path = path) -> StoreError:
            return StoreError(f"{path} must be readable safetensors, got {type(error).__name__}")

        with instead_of(Exception, refusal):  # safetensors' own, a missing or a cut file
            weights |= widened(load_file(path))
    floats = [tensor for tensor in weights.values() if tensor.is_floating_point()]
    if not all(_is_finite(tensor) for tensor in floats if tensor.numel()):
        raise StoreError(
            f"the weights in {folder} must be finite numbers of 16, 32 or 64 bits, and are not all"
        )
    return weights


def check_network(network: Any, weights: dict[str, torch.Tensor], folder: Path) -> None:
    """Raise `StoreError` where a configuration claims a network that its weights do not fill.

    Parameters
    ----------
    network : PreTrainedModel
        On torch's meta device, where it takes no memory.
    """
    n_claimed = sum(p.numel() for p in (*network.parameters(), *network.buffers()))
    n_held = sum(tensor.numel() for tensor in weights.values())
    if n_claimed > 2 * n_held + _HEAD:
        raise StoreError(
            f"the configuration in {folder} must describe its weights, which are {n_held} numbers, "
            f"got a network of {n_claimed}"
        )


def _is_finite(tensor: torch.Tensor) -> bool:
    # the least and the largest are nan where anything is, and are found much faster
    return tensor.dtype in _READ and bool(torch.stack(tensor.aminmax()).isfinite().all())


def _entries(folder: Path) -> Iterator[Path]:
    yield from (path for path in sorted(folder.iterdir()) if not path.is_dir())
    if (folder / _TEMPLATES).is_dir():
        yield from sorted((folder / _TEMPLATES).iterdir())

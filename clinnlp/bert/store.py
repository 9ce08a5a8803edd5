"""Saved models: a folder that transformers reads too, plus one JSON of ours.

    config.json, model.safetensors     the network, as `save_pretrained` writes it
    tokenizer.json, ...                the tokenizer
    clinnlp.json                       format, task, labels, calibration, thresholds, windows, ...

``AutoModelForTokenClassification.from_pretrained(folder)`` gives the same network, of a
classifier too: its note is the mean of its tokens. Where a recogniser has several heads, each
begins with an output ``O-x``, after its first label, and the likeliest of all outputs means
nothing there: read each head's alone (``flat`` is false). Weights are safetensors only.
The card holds counts, scores and a hash of the training set, never text; the weights of any model
may still remember what they were trained on.
"""

import json
import math
from pathlib import Path
from typing import Any

import torch
from transformers import AutoModelForTokenClassification

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.confidence import Calibration
from clinnlp.bert.encoders import load_model, load_tokenizer, quiet
from clinnlp.bert.learned import Learned
from clinnlp.bert.model import heads_of
from clinnlp.bert.network import Network
from clinnlp.bert.onnx_model import ONNX_FILE, OnnxModel
from clinnlp.bert.precision import Bf16
from clinnlp.bert.predict import EntityTagger
from clinnlp.core.errors import ArgumentError, StoreError
from clinnlp.core.files import atomic_folder

__all__ = ["FORMAT", "load", "save", "write_record"]

FORMAT = 1

_CARD_FILE = "clinnlp.json"
_TASKS: dict[str, type[EntityTagger] | type[NoteClassifier]] = {
    "ner": EntityTagger,
    "classification": NoteClassifier,
}
_KEYS = {"task": str, "labels": list, "windows": dict, "settings": dict, "card": dict}


def save(pipe: Learned, folder: str | Path) -> None:
    """Write a fine-tuned model; a folder already there is replaced only when all is written.

    Raises
    ------
    RunError
        The machine failed (full disk, no permission); nothing half-written is left.
    """
    with atomic_folder(folder) as temporary, quiet():
        pipe.network.model.save_pretrained(temporary)
        pipe.network.tokenizer.save_pretrained(temporary)
        write_record(pipe, temporary)


def write_record(pipe: Learned, folder: Path) -> None:
    """Write what a saved model holds besides network and tokenizer."""
    network = pipe.network
    record = {
        "format": FORMAT,
        "task": next(name for name, kind in _TASKS.items() if isinstance(pipe, kind)),
        "labels": list(pipe.labels),
        "flat": len(getattr(pipe, "heads", ())) <= 1,
        "calibration": {k: list(v) for k, v in getattr(pipe, "calibration", {}).items()},
        "pooling": getattr(pipe, "pooling", None),
        "thresholds": dict(getattr(pipe, "thresholds", {})),
        "windows": {"max_tokens": network.max_tokens, "stride": network.stride},
        "settings": dict(pipe.settings),
        "card": _finite(pipe.card),
    }
    text = json.dumps(record, indent=2, ensure_ascii=False) + "\n"
    (folder / _CARD_FILE).write_text(text, encoding="utf-8")


def load(
    folder: str | Path,
    *,
    device: str | None = None,
    tokens_per_batch: int = 1024,
    bf16: Bf16 = "auto",
    int8: bool = False,
) -> EntityTagger | NoteClassifier:
    """Return exactly the pipe that was trained and saved in `folder`.

    Parameters
    ----------
    folder : str or Path
        What `fine_tune_ner`, `fine_tune_classifier` or `export_onnx` wrote; the last is run by
        onnxruntime on the CPU.
    device : str, optional
        Such as ``"cpu"`` or ``"cuda:1"``; the first GPU or the CPU by default.
    tokens_per_batch : int
        Tokens read at once, padding included.
    bf16 : {"auto", "on", "off"}
        Compute in bfloat16, faster on hardware made for it and a little less exact; "auto" as
        the environment variable ``CLINNLP_PRECISION`` says (``float32`` or ``bfloat16``), and
        without it where the hardware multiplies bfloat16 faster. How the model was trained does
        not matter. An exported model computes as it was exported.
    int8 : bool
        Multiply in 8-bit integers, on a CPU that has them in hardware: about twice as fast, and
        a little less exact. The first use compiles for some seconds. The rest is in float32.

    Raises
    ------
    StoreError
        The folder is missing, not one of ours, incomplete, damaged, of a newer format, or of a
        kind that is read by code of its own, which is never run.
    ArgumentError
        An unknown device, choice or ``CLINNLP_PRECISION``.

    Examples
    --------
    >>> load("no/such/model")
    Traceback (most recent call last):
    clinnlp.core.errors.StoreError: a model folder must exist, got none at no/such/model
    """
    folder = Path(folder)
    record = _read_record(folder)
    where = _device(device)
    kind = _TASKS[record["task"]]
    labels = tuple(record["labels"])
    exported = (folder / ONNX_FILE).is_file()
    model: Any = (
        OnnxModel(folder)
        if exported
        else load_model(str(folder), kind=AutoModelForTokenClassification)
    )
    names = [model.config.id2label.get(i) for i in range(model.config.num_labels)]
    answers_for = sum(heads_of(names), ()) if kind is EntityTagger else tuple(names)
    if answers_for != labels:
        raise StoreError(
            f"the network in {folder} must answer for the {len(labels)} labels of {_CARD_FILE}, "
            "and answers for others; its files do not belong together"
        )
    network = Network(
        model,
        load_tokenizer(str(folder)),
        **record["windows"],
        tokens_per_batch=tokens_per_batch,
        device=torch.device("cpu") if exported and where is None else where,
        bf16=bf16,
        int8=int8,
    )
    learned = {key: record[key] for key in ("settings", "card")}
    learned["thresholds"] = _thresholds(record, folder / _CARD_FILE)
    if kind is EntityTagger:
        learned["calibration"] = _calibration(record, folder / _CARD_FILE)
    else:
        learned["pooling"] = record["pooling"]
    return kind(labels=labels, network=network, **learned)


def _read_record(folder: Path) -> dict[str, Any]:
    if not folder.is_dir():
        raise StoreError(f"a model folder must exist, got none at {folder}")
    weights = ONNX_FILE if (folder / ONNX_FILE).is_file() else "model.safetensors"
    for name in (_CARD_FILE, "config.json", weights, "tokenizer.json"):
        if not (folder / name).is_file():
            raise StoreError(
                f"a model folder must hold {name}, got none in {folder}; it was not written by "
                "clinnlp or is incomplete"
            )
    try:
        record = json.loads((folder / _CARD_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise StoreError(f"{folder / _CARD_FILE} must be JSON in UTF-8, and is not") from None
    version = record.get("format") if isinstance(record, dict) else None
    if version != FORMAT:
        raise StoreError(
            f"the format of {folder / _CARD_FILE} must be {FORMAT}, got {version!r}; "
            "read it with the version of clinnlp that wrote it"
        )
    _check_record(record, folder / _CARD_FILE)
    return dict(record)


def _check_record(record: dict[str, Any], path: Path) -> None:
    for key, kind in _KEYS.items():
        if not isinstance(record.get(key), kind):
            raise StoreError(
                f"{key!r} in {path} must be a {kind.__name__}, got {type(record.get(key)).__name__}"
            )
    if record["task"] not in _TASKS:
        raise StoreError(
            f"'task' in {path} must be one of {', '.join(_TASKS)}, got {record['task']!r}"
        )
    if record["task"] == "classification" and not (
        record.get("pooling") in ("mean", "max") and isinstance(record.get("thresholds"), dict)
    ):
        raise StoreError(
            f"a classifier in {path} must say pooling and thresholds; it was written by a version "
            "whose head answers for a note at once: train it anew"
        )
    windows = record["windows"]
    if set(windows) != {"max_tokens", "stride"} or not all(
        isinstance(value, int) for value in windows.values()
    ):
        raise StoreError(f"'windows' in {path} must hold the integers max_tokens and stride")


def _calibration(record: dict[str, Any], path: Path) -> dict[str, Calibration]:
    try:
        fitted = record.get("calibration", {}).items()
        return {label: Calibration(float(scale), float(shift)) for label, (scale, shift) in fitted}
    except (AttributeError, TypeError, ValueError):
        raise StoreError(
            f"'calibration' in {path} must hold two numbers for each label, and does not"
        ) from None


def _thresholds(record: dict[str, Any], path: Path) -> dict[str, float]:
    try:
        return {label: float(least) for label, least in record.get("thresholds", {}).items()}
    except (AttributeError, TypeError, ValueError):
        raise StoreError(
            f"'thresholds' in {path} must hold a number for each label, and does not"
        ) from None


def _finite(value: Any) -> Any:
    """Return nested plain values with nan and inf, which JSON has not, as None."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _device(name: str | None) -> torch.device | None:
    if name is None:
        return None
    try:
        device = torch.device(name)
        torch.empty(0, device=device)
    except (RuntimeError, AssertionError):
        raise ArgumentError(f"device must be one torch can use here, got {name!r}") from None
    return device

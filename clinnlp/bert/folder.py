"""The JSON of a saved model: what every kind of model keeps there, written and checked.

What a kind adds, and how that is checked, is with the kind: see `clinnlp.bert.learned.Learned`.
"""

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from clinnlp.bert.onnx_model import ONNX_FILE
from clinnlp.core.errors import StoreError, instead_of

__all__ = [
    "FORMAT",
    "OWN_FILES",
    "PRETRAINED_FILE",
    "RECORD_FILE",
    "read_record",
    "thresholds_of",
    "write_json",
]

FORMAT = 1
RECORD_FILE = "clinnlp.json"
PRETRAINED_FILE = "pretrain.json"
OWN_FILES = (RECORD_FILE, PRETRAINED_FILE)  # a folder with one of them may be replaced

_KEYS = {"task": str, "labels": list, "windows": dict, "settings": dict, "card": dict}


def write_json(record: Mapping[str, Any], folder: Path) -> None:
    """Write the record of a model to its folder, the format first."""
    plain = {"format": FORMAT, **record, "card": _finite(record["card"])}
    text = json.dumps(plain, indent=2, ensure_ascii=False) + "\n"
    (folder / RECORD_FILE).write_text(text, encoding="utf-8")


def read_record(folder: Path, tasks: Collection[str]) -> dict[str, Any]:
    """Return what `write_json` wrote, once it and the folder hold what every kind of model has.

    Raises
    ------
    StoreError
        The folder is missing, incomplete, damaged, of another format, or of none of the `tasks`.
    """
    if not folder.is_dir():
        raise StoreError(f"a model folder must exist, got none at {folder}")
    weights = ONNX_FILE if (folder / ONNX_FILE).is_file() else "model.safetensors"
    for name in (RECORD_FILE, "config.json", weights, "tokenizer.json"):
        if not (folder / name).is_file():
            raise StoreError(
                f"a model folder must hold {name}, got none in {folder}; it was not written by "
                "clinnlp or is incomplete"
            )
    refusal = StoreError(f"{folder / RECORD_FILE} must be JSON in UTF-8, and is not")
    with instead_of((OSError, ValueError), refusal):
        record = json.loads((folder / RECORD_FILE).read_text(encoding="utf-8"))
    version = record.get("format") if isinstance(record, dict) else None
    if version != FORMAT:
        raise StoreError(
            f"the format of {folder / RECORD_FILE} must be {FORMAT}, got {version!r}; "
            "read it with the version of clinnlp that wrote it"
        )
    _check_record(record, folder / RECORD_FILE, tasks)
    return dict(record)


def thresholds_of(record: Mapping[str, Any], path: Path) -> dict[str, float]:
    """Return the threshold of each label that a record in `path` holds.

    Raises
    ------
    StoreError
        They are no numbers.
    """
    refusal = StoreError(f"'thresholds' in {path} must hold a number for each label, and does not")
    with instead_of((AttributeError, TypeError, ValueError), refusal):
        return {label: float(least) for label, least in record.get("thresholds", {}).items()}


def _check_record(record: dict[str, Any], path: Path, tasks: Collection[str]) -> None:
    for key, kind in _KEYS.items():
        if not isinstance(record.get(key), kind):
            raise StoreError(
                f"{key!r} in {path} must be a {kind.__name__}, got {type(record.get(key)).__name__}"
            )
    if record["task"] not in tasks:
        raise StoreError(
            f"'task' in {path} must be one of {', '.join(tasks)}, got {record['task']!r}"
        )
    windows = record["windows"]
    if set(windows) != {"max_tokens", "stride"} or not all(
        isinstance(value, int) for value in windows.values()
    ):
        raise StoreError(f"'windows' in {path} must hold the integers max_tokens and stride")


def _finite(value: Any) -> Any:
    """Return nested plain values with nan and inf, which JSON has not, as None."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

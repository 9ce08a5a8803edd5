"""The JSON of a saved model: what every kind of model keeps there, written and checked.

What a kind adds, and how that is checked, is with the kind: see `clinnlp.bert.learned.Learned`.
"""

import json
import math
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from clinnlp.bert.eight_bits import INT8_FILE
from clinnlp.bert.foreign import check_files
from clinnlp.bert.onnx_model import ONNX_FILE
from clinnlp.core.errors import StoreError
from clinnlp.core.files import file_sha256
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.model_cards import CARD_FILE

__all__ = [
    "FORMAT",
    "OWN_FILES",
    "PRETRAINED_FILE",
    "RECORD_FILE",
    "SUMS_FILE",
    "labels_off",
    "numbers",
    "numbers_by_label",
    "read_record",
    "write_json",
    "write_sums",
]

_MOST_TOKENS = 1_000_000
FORMAT = 1
RECORD_FILE = "clinnlp.json"
PRETRAINED_FILE = "pretrain.json"
SUMS_FILE = "sha256.json"
OWN_FILES = (RECORD_FILE, PRETRAINED_FILE)  # a folder with one of them may be replaced

_LARGEST = 1e300  # of a number that means something; nan is not below it either
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
    others = (name for name in (ONNX_FILE, INT8_FILE) if (folder / name).is_file())
    weights = next(others, "model.safetensors")
    for name in (RECORD_FILE, "config.json", weights, "tokenizer.json"):
        if not (folder / name).is_file():
            raise StoreError(
                f"a model folder must hold {name}, got none in {folder}; it was not written by "
                "clinnlp or is incomplete"
            )
    check_files(folder)
    _check_sums(folder)
    record = read_json_object(folder / RECORD_FILE)
    version = record.get("format")
    if version != FORMAT or isinstance(version, bool):
        known = f"{version!r}"[:20]
        raise StoreError(
            f"the format of {folder / RECORD_FILE} must be {FORMAT}, got {known}; "
            "read it with the version of clinnlp that wrote it"
        )
    _check_record(record, folder / RECORD_FILE, tasks)
    return record


def write_sums(folder: Path) -> None:
    """Write the SHA-256 of each file of a folder, which `read_record` then compares."""
    files = sorted(path for path in folder.iterdir() if path.name not in (SUMS_FILE, CARD_FILE))
    sums = {path.name: file_sha256(path) for path in files}
    (folder / SUMS_FILE).write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")


def _check_sums(folder: Path) -> None:
    """Raise `StoreError` where a folder says what its files are, and one is another."""
    if not (folder / SUMS_FILE).is_file():
        return
    for name, known in read_json_object(folder / SUMS_FILE).items():
        path = folder / Path(name).name
        if not path.is_file() or file_sha256(path) != known:
            raise StoreError(
                f"{path} must be the file of which {SUMS_FILE} has the SHA-256, and is another or "
                "none; install it again"
            )


def numbers_by_label(
    record: Mapping[str, Any], key: str, path: Path, *, n: int
) -> dict[str, tuple[float, ...]]:
    """Return the `n` numbers of each label that a record in `path` holds under `key`.

    Raises
    ------
    StoreError
        They are no finite numbers.
    """
    inner = record.get(key, {})
    found = inner.items() if isinstance(inner, dict) else [("", None)]
    by: dict[str, Any] = {label: values if n > 1 else [values] for label, values in found}
    if not all(_are_numbers(values, n) for values in by.values()):
        what = "a number" if n == 1 else "two numbers"
        raise StoreError(f"{key!r} in {path} must hold {what} for each label, and does not")
    return {label: tuple(map(float, values)) for label, values in by.items()}


def numbers(record: Mapping[str, Any], key: str, path: Path, *, n: int) -> tuple[float, ...]:
    """Return the `n` numbers that a record in `path` holds under `key`, or () where it has none.

    Raises
    ------
    StoreError
        They are no finite numbers, or not so many.
    """
    values = record.get(key, [])
    if values != [] and not _are_numbers(values, n):
        raise StoreError(f"{key!r} in {path} must hold {n} numbers or none, and does not")
    return tuple(map(float, values))


def labels_off(record: Mapping[str, Any], path: Path) -> tuple[str, ...]:
    """Return the labels that a record in `path` calls off; older ones call none so.

    Raises
    ------
    StoreError
        They are not labels of the model.
    """
    off = record.get("off", [])
    if not isinstance(off, list) or not all(label in record["labels"] for label in off):
        raise StoreError(f"'off' in {path} must hold labels of the model, and does not")
    return tuple(off)


def _are_numbers(values: Any, n: int) -> bool:
    return (
        isinstance(values, list)
        and len(values) == n
        and all(type(v) in (int, float) and abs(v) <= _LARGEST for v in values)
    )


def _check_record(record: dict[str, Any], path: Path, tasks: Collection[str]) -> None:
    for key, kind in _KEYS.items():
        if not isinstance(record.get(key), kind):
            raise StoreError(
                f"{key!r} in {path} must be a {kind.__name__}, got {type(record.get(key)).__name__}"
            )
    if record["task"] not in tasks:
        raise StoreError(
            f"'task' in {path} must be one of {', '.join(tasks)}, got {record['task'][:40]!r}"
        )
    labels = record["labels"]
    if not labels or not all(isinstance(each, str) and each for each in labels):
        raise StoreError(f"'labels' in {path} must be names, and are not")
    if len(set(labels)) < len(labels):
        raise StoreError(f"'labels' in {path} must be different ones, and are not")
    windows = record["windows"]
    if set(windows) != {"max_tokens", "stride"} or not all(
        type(value) is int and 0 <= value <= _MOST_TOKENS for value in windows.values()
    ):
        raise StoreError(f"'windows' in {path} must hold the integers max_tokens and stride")


def _finite(value: Any) -> Any:
    """Return nested plain values with nan and inf, which JSON has not, as None."""
    if isinstance(value, Mapping):
        return {key: _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value

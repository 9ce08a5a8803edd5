"""JSON objects in files that anybody may have written."""

import json
from pathlib import Path
from typing import Any

from clinnlp.core.errors import StoreError, instead_of

__all__ = ["read_json_object"]

_MOST_NESTED = 64  # levels; ours have fewer than ten


def read_json_object(path: str | Path) -> dict[str, Any]:
    """Return the JSON object in a file.

    Raises
    ------
    StoreError
        It is no readable file, no JSON object in UTF-8, or one that nests deeper than any of ours.
    """
    refusal = StoreError(f"{path} must be a JSON object, got another form")
    with instead_of((OSError, ValueError, RecursionError), refusal):
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    if not isinstance(found, dict) or _nests_deeper(found, _MOST_NESTED):
        raise refusal
    return found


def _nests_deeper(value: Any, levels: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return levels == 0 or any(_nests_deeper(each, levels - 1) for each in inner)

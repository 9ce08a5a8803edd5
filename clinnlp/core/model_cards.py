"""The pieces of a model card: README.md in a folder of a model, as hubs and people read it.

A card says what the model answers, what it learned from, how it scored with intervals, and where
its limits are. It holds counts and scores, never text of a note and nobody's id.

References
----------
Mitchell et al., Model Cards for Model Reporting, FAT* 2019;
https://huggingface.co/docs/hub/model-cards
"""

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

__all__ = ["CARD_FILE", "facts", "front_matter", "number", "score", "table"]

CARD_FILE = "README.md"


def front_matter(**fields: Any) -> str:
    """Return the lines for machines that a card begins with; a field of None is left out.

    Examples
    --------
    >>> print(front_matter(library_name="clinnlp", tags=["medical"], license=None))
    ---
    library_name: "clinnlp"
    tags: ["medical"]
    ---
    """
    lines = [f"{k}: {json.dumps(v)}" for k, v in fields.items() if v is not None]  # YAML holds JSON
    return "\n".join(["---", *lines, "---"])


def facts(pairs: Mapping[str, Any]) -> str:
    """Return one line of a list for each fact; one of None is left out.

    Examples
    --------
    >>> print(facts({"notes": 1200, "encoder": "minilm", "seed": None}))
    - notes: 1,200
    - encoder: minilm
    """
    return "\n".join(f"- {name}: {number(v)}" for name, v in pairs.items() if v is not None)


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return a table of rows that have the same keys; nothing where there are none.

    Examples
    --------
    >>> print(table([{"label": "a|b", "f1": 0.5}]))
    | label | f1 |
    |---|---|
    | a\\|b | 0.500 |
    """
    if not rows:
        return ""
    names = list(rows[0])
    lines = [names, *([number(row.get(name)) for name in names] for row in rows)]
    head, *body = ("| " + " | ".join(map(_cell, line)) + " |" for line in lines)
    return "\n".join([head, "|" + "---|" * len(names), *body])


def score(estimate: Mapping[str, Any]) -> str:
    """Return a score with its interval.

    Examples
    --------
    >>> score({"value": 0.81234, "low": 0.75, "high": 0.86, "level": 0.95})
    '0.812 [0.750, 0.860]'
    """
    low, high = estimate.get("low"), estimate.get("high")
    interval = "" if _is_missing(low) else f" [{number(low)}, {number(high)}]"
    return number(estimate.get("value")) + interval


def number(value: Any) -> str:
    """Return a value as a reader wants it: three decimals, thousands apart, nothing for nan.

    Examples
    --------
    >>> number(1234), number(0.12345), number(3e-4), number(float("nan")), number("a")
    ('1,234', '0.123', '0.0003', '–', 'a')
    """
    if _is_missing(value):
        return "–"
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) >= 0.001 or not value else f"{value:g}"
    return f"{value:,}" if type(value) is int else str(value)


def _is_missing(value: Any) -> bool:
    return value is None or (isinstance(value, float) and math.isnan(value))


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")

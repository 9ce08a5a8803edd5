"""Kinds of relations and what pairs are asked about, as plain values of a model folder."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from clinnlp.bert.relation_kinds import Kind, Kinds
from clinnlp.bert.relation_pairs import Search
from clinnlp.core.errors import StoreError

__all__ = ["kinds_from", "kinds_to", "labels_of", "output_names", "search_from", "search_to"]

_SIDES = ("first", "second")
_NONE = "none"
_MOST = 1_000_000_000


def output_names(kinds: Sequence[Kind]) -> list[str]:
    """Return a name for each output of a token: of both ends, none and each kind.

    Examples
    --------
    >>> output_names([Kind("causes", "effect", "drug")])[:2]
    ['first none', 'first causes (0)']
    """
    each = [_NONE, *(f"{kind.label} ({k})" for k, kind in enumerate(kinds))]
    return [f"{side} {name}" for side in _SIDES for name in each]


def labels_of(names: Sequence[Any]) -> tuple[str, ...]:
    """Return the labels of named outputs; () where they are no such outputs.

    Examples
    --------
    >>> labels_of(output_names([Kind("a", "x", "y"), Kind("a", "y", "x"), Kind("b", "x", "y")]))
    ('a', 'b')
    """
    half = len(names) // 2
    first, second = (
        [str(name).removeprefix(f"{side} ") for name in part]
        for side, part in zip(_SIDES, (names[:half], names[half:]), strict=True)
    )
    if first != second or first[:1] != [_NONE]:
        return ()
    return tuple(dict.fromkeys(name.rpartition(" (")[0] for name in first[1:]))


def kinds_to(kinds: Kinds) -> dict[str, Any]:
    """Return kinds as plain values."""
    return {
        "kinds": [list(kind) for kind in kinds.kinds],
        "allowed": [[*pair, list(each)] for pair, each in kinds.allowed.items()],
        "roles": None if kinds.roles is None else list(kinds.roles),
        "undirected": list(kinds.undirected),
    }


def kinds_from(record: Mapping[str, Any], path: Path) -> Kinds:
    """Return the kinds of a record that the file `path` holds.

    Raises
    ------
    StoreError
        They are damaged.
    """
    found = record.get("kinds")
    if not isinstance(found, dict) or not _are_kinds(found):
        raise StoreError(
            f"'kinds' in {path} must hold labels with two roles, and the labels that they join, "
            "and does not"
        )
    roles = found.get("roles")
    kinds = Kinds(
        kinds=tuple(Kind(*kind) for kind in found["kinds"]),
        allowed={(a, b): tuple(each) for a, b, each in found["allowed"]},
        roles=None if roles is None else tuple(roles),
        undirected=tuple(found.get("undirected", ())),
    )
    if list(kinds.labels) != record["labels"]:
        raise StoreError(f"'kinds' in {path} must be of the labels there, and are of others")
    return kinds


def search_to(search: Search) -> dict[str, Any]:
    """Return what pairs are asked about as plain values."""
    return {"ends": search.ends, "within": search.within, "reach": search.reach}


def search_from(record: Mapping[str, Any], kinds: Kinds, path: Path) -> Search:
    """Return what pairs a record that the file `path` holds asks about.

    Raises
    ------
    StoreError
        It is damaged.
    """
    found = record.get("search")
    if (
        not isinstance(found, dict)
        or found.get("ends") not in ("mentions", "concepts")
        or found.get("within") not in ("sentence", "document")
        or type(found.get("reach")) is not int
        or not 1 <= found["reach"] <= _MOST
    ):
        raise StoreError(f"'search' in {path} must say ends, within and reach, and does not")
    return Search(
        allowed=frozenset(kinds.allowed),
        ends=found["ends"],
        within=found["within"],
        reach=found["reach"],
    )


def _are_kinds(found: Mapping[str, Any]) -> bool:
    kinds, allowed = found.get("kinds"), found.get("allowed")
    if not isinstance(kinds, list) or not all(_are_names(kind, 3) for kind in kinds):
        return False
    names = [found.get("undirected", []), found.get("roles") or []]
    return (
        sorted(kinds) == kinds
        and isinstance(allowed, list)
        and all(_is_allowed(each, len(kinds)) for each in allowed)
        and all(isinstance(each, list) and _are_names(each, len(each)) for each in names)
    )


def _is_allowed(value: Any, n_kinds: int) -> bool:
    """Return whether a value is two labels of ends and indices of kinds."""
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[2], list):
        return False
    return _are_names(value[:2], 2) and all(type(k) is int and 0 <= k < n_kinds for k in value[2])


def _are_names(values: Any, n: int) -> bool:
    return isinstance(values, list) and len(values) == n and all(type(v) is str for v in values)

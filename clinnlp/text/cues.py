"""Cue tables: the words that decide an assertion, and how far they reach.

A row says: this *cue*, on this *axis*, is of this *kind* and works in this *direction*.

``cue``         decides the axis for mentions that follow (``forward``), precede (``backward``)
                or both; at most `scope` words away where that is given.
``terminator``  ends the reach of cues of its axis (``*``: of every axis) and of a section prior.
``pseudo``      does nothing, but holds its words against shorter cues ("no increase").

A phrase is one unit: the longest wins, so that "no history of" is not also "history of". A
phrase may have several rows, one per axis.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import AXES
from clinnlp.text.tables import read_table

__all__ = ["Action", "CueTable", "Prior", "read_cues", "read_priors"]

KINDS = ("cue", "pseudo", "terminator")
DIRECTIONS = ("forward", "backward", "both")
WHEN = ("always", "cue")
_COLUMNS = ("cue", "axis", "direction", "kind", "scope")


class Action(NamedTuple):
    """What one row of a cue does on one axis; `scope` 0 reaches to the end of the sentence."""

    axis: int
    kind: str
    forward: bool
    backward: bool
    scope: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CueTable:
    """Phrases, and for each the actions of its rows."""

    phrases: tuple[str, ...]
    actions: tuple[tuple[Action, ...], ...]


class Prior(NamedTuple):
    """A section that decides an axis, always or only in sentences that hold a cue for it."""

    axis: int
    needs_cue: bool


def read_cues(paths: Sequence[str | Path]) -> CueTable:
    """Return the cue tables in `paths` as one.

    Raises
    ------
    DataError
        An unknown axis, direction or kind, or a scope that is not a number.
    """
    actions: dict[str, list[Action]] = {}
    for path in paths:
        for line, (cue, axis, direction, kind, scope) in read_table(path, _COLUMNS):
            try:
                made = _actions(axis, direction, kind or "cue", scope)
            except DataError as error:
                raise error.at(path, line) from None
            actions.setdefault(" ".join(cue.split()), []).extend(made)
    return CueTable(phrases=tuple(actions), actions=tuple(tuple(made) for made in actions.values()))


def read_priors(path: str | Path) -> dict[str, tuple[Prior, ...]]:
    """Return for each kind of section the axes it decides.

    Raises
    ------
    DataError
        An unknown axis, or a `when` other than ``always`` and ``cue``.
    """
    priors: dict[str, tuple[Prior, ...]] = {}
    for line, (kind, axis, when) in read_table(path, ("kind", "axis", "when")):
        if axis not in AXES or when not in WHEN:
            raise DataError(
                f"a prior needs one of {', '.join(AXES)} and one of {', '.join(WHEN)}, "
                f"got {axis!r} and {when!r}",
                path=path,
                line=line,
            )
        prior = Prior(AXES.index(axis), when == "cue")
        priors[kind] = (*priors.get(kind, ()), prior)
    return priors


def _actions(axis: str, direction: str, kind: str, scope: str) -> list[Action]:
    direction = direction or ("both" if kind == "terminator" else "forward")
    for value, allowed in ((axis, (*AXES, "*")), (direction, DIRECTIONS), (kind, KINDS)):
        if value not in allowed:
            raise DataError(f"a cue needs one of {', '.join(allowed)} here, got {value!r}")
    if scope and not scope.isdecimal():
        raise DataError(f"scope of a cue must be a number of words or empty, got {scope!r}")
    forward, backward = direction != "backward", direction != "forward"
    axes = range(len(AXES)) if axis == "*" else [AXES.index(axis)]
    return [Action(i, kind, forward, backward, int(scope or 0)) for i in axes]

"""What a search of settings varies, and how far: one table around the settings it begins with.

A range of *times* the start is searched on a log scale, whole numbers where the start is one;
*doublings* are powers of two times the start; *between* are values, widened where the start lies
outside. Where a classifier trains its head alone, what belongs to the loop says nothing and is not
drawn.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any, NamedTuple

from clinnlp.core.errors import ArgumentError

__all__ = [
    "SPACE",
    "Between",
    "Doublings",
    "OneOf",
    "Range",
    "Times",
    "at_start",
    "described",
    "draw",
    "names",
]

_DIGITS = 3  # of a number that is drawn: what is written is what was trained with


class Times(NamedTuple):
    """From `low` times to `high` times the start."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g} times the start, log scale"

    def draw(self, trial: Any, name: str, start: Any) -> Any:
        """Return a value for the setting `name`."""
        if isinstance(start, int):
            low, high = max(1, math.floor(self.low * start)), math.ceil(self.high * start)
            return trial.suggest_int(name, low, high, log=True)
        value = trial.suggest_float(name, self.low * start, self.high * start, log=True)
        return float(f"{value:.{_DIGITS}g}")


class Doublings(NamedTuple):
    """The start, halved or doubled up to so many times."""

    low: int
    high: int

    def __str__(self) -> str:
        return f"{2.0**self.low:g} to {2.0**self.high:g} times the start, by powers of 2"

    def draw(self, trial: Any, name: str, start: int) -> int:
        """Return a value for the setting `name`."""
        return max(1, int(start * 2.0 ** trial.suggest_int(name, self.low, self.high)))


class Between(NamedTuple):
    """From `low` to `high`, the start among them."""

    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.low:g} to {self.high:g}"

    def draw(self, trial: Any, name: str, start: Any) -> Any:
        """Return a value for the setting `name`."""
        low, high = min(self.low, start), max(self.high, start)
        if isinstance(start, int):
            return trial.suggest_int(name, low, high)
        return round(trial.suggest_float(name, low, high), _DIGITS)


class OneOf(NamedTuple):
    """One of some values."""

    values: tuple[Any, ...]

    def __str__(self) -> str:
        return " or ".join(
            ("on" if v else "off") if isinstance(v, bool) else str(v) for v in self.values
        )

    def draw(self, trial: Any, name: str, start: Any) -> Any:
        """Return a value for the setting `name`."""
        return trial.suggest_categorical(name, tuple(dict.fromkeys((*self.values, start))))


Range = Times | Doublings | Between | OneOf

SPACE: dict[str, Range] = {
    "tune_encoder": OneOf((False, True)),
    "pooling": OneOf(("mean", "max")),
    "learning_rate": Times(0.25, 4.0),
    "epochs": Times(0.5, 2.0),
    "tokens_per_batch": Doublings(-2, 1),
    "layer_decay": Between(0.7, 1.0),
    "word_dropout": Between(0.0, 0.3),
    "swap": Between(0.0, 0.6),
    "abbreviate": Between(0.0, 0.6),
    "windows_per_note": Between(1, 4),
}
_OF_THE_LOOP = {"learning_rate", "epochs", "tokens_per_batch", "layer_decay", "windows_per_note"}


def names(kind: type[Any], wanted: Sequence[str] | None = None) -> tuple[str, ...]:
    """Return the settings of a kind that are searched, or those `wanted`, in the table's order.

    Raises
    ------
    ArgumentError
        One that is not searched, or none.

    Examples
    --------
    >>> from clinnlp.bert.settings import TaggerSettings
    >>> names(TaggerSettings, ["swap", "epochs"])
    ('epochs', 'swap')
    """
    own = {f.name for f in fields(kind)}
    known = tuple(name for name in SPACE if name in own)
    if wanted is None:
        return known
    unknown = sorted(set(wanted) - set(known))
    if unknown or not wanted:
        raise ArgumentError(
            f"search must be among {', '.join(known)}, got {', '.join(unknown) or 'none'}"
        )
    return tuple(name for name in known if name in wanted)


def draw(trial: Any, start: Any, searched: Sequence[str]) -> dict[str, Any]:
    """Return values of the searched settings, of an Optuna trial.

    Parameters
    ----------
    trial : optuna.Trial
    start : settings
        Where the search starts.
    searched : sequence of str
        As of `names`.
    """
    drawn: dict[str, Any] = {}
    for name in searched:
        head_alone = not drawn.get("tune_encoder", getattr(start, "tune_encoder", True))
        if not (head_alone and name in _OF_THE_LOOP):
            drawn[name] = SPACE[name].draw(trial, name, getattr(start, name))
    return drawn


def described(kind: type[Any]) -> Iterator[tuple[str, str]]:
    """Yield name and range of each setting of a kind that is searched, for a guide."""
    return ((name, str(SPACE[name])) for name in names(kind))


def at_start(start: Any, searched: Sequence[str]) -> dict[str, Any]:
    """Return what an Optuna trial holds where each setting has the value of the start."""
    return {
        name: 0 if isinstance(SPACE[name], Doublings) else getattr(start, name) for name in searched
    }

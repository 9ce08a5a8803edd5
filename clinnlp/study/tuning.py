"""What a search of settings found: its trials, the best of them, and how far that can be trusted.

The best of several scores on the same few notes is partly luck, so that it is too high; that the
best trial is also better than the start on *other* notes is likely only where the gain is large
beside its interval. Dev, which the search never reads, is to be scored once, afterwards.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.counts import Estimate
from clinnlp.report.blocks import ScatterPlot

__all__ = ["SETTINGS_FILE", "Tuning", "TuningTrial", "history_plot"]

SETTINGS_FILE = "best.toml"


@dataclass(frozen=True, slots=True, kw_only=True)
class TuningTrial:
    """One choice of settings, and what it gave; parameters as of `TrialRecord`."""

    number: int  # from 1 on, the start
    changed: Mapping[str, Any]
    score: float | None
    given_up: bool
    n_epochs: int
    seconds: float

    def __str__(self) -> str:
        score = "no finite loss" if self.score is None else f"{self.score:.3f}"
        fate = ", given up" if self.given_up else ""
        named = ", ".join(f"{name} {value}" for name, value in self.changed.items())
        return (
            f"trial {self.number}: {score} after {self.n_epochs} epochs{fate}, "
            f"{self.seconds:.0f} s ({named})"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """The trials of a search, in order; the first is the start.

    Parameters
    ----------
    kind : str
        ``"ner"`` or ``"classifier"``.
    trials : tuple of TuningTrial
    best : TuningTrial
        The one with the highest selection score, of equal ones the first: never below the start.
    settings : TaggerSettings or ClassifierSettings
        Those of the best.
    gain : Estimate
        Its selection score less that of the start, with a 95 % interval over the selection notes,
        or patients; it is not widened for having chosen the best.
    n_selection : int
        Notes of *train* that every trial was scored on, and that none was taught.
    minutes : float
        Time that all calls took.
    folder : Path
        Holds ``best.toml``, which `clinnlp fine-tune --settings` takes, ``trials.csv``,
        ``history.svg`` and the search itself, ``search.sqlite``.

    Examples
    --------
    >>> from pathlib import Path
    >>> from clinnlp.core.counts import Estimate
    >>> one = TuningTrial(
    ...     number=1, changed={"swap": 0.3}, score=0.5, given_up=False, n_epochs=2, seconds=9.0
    ... )
    >>> found = Tuning(
    ...     kind="ner", trials=(one,), best=one, settings=None, n_selection=10, minutes=0.2,
    ...     gain=Estimate(value=0.0, low=0.0, high=0.0), folder=Path("out"),
    ... )
    >>> print(found.lines()[1])
    nothing better than the start was found: selection score 0.500 on 10 notes of train, of 1 trial
    """

    kind: str
    trials: tuple[TuningTrial, ...]
    best: TuningTrial
    settings: Any = field(repr=False)
    gain: Estimate
    n_selection: int
    minutes: float
    folder: Path

    def lines(self) -> tuple[str, ...]:
        """Return what a reader is told: each trial, the best, how to score it, where it stands."""
        caution = (
            "the best of several scores on the same notes is too high: score dev once, at the end, "
            f"with clinnlp fine-tune {self.kind} ... --settings {self._file} --dev DEV"
        )
        return *map(str, self.trials), self._found(), caution, f"settings: {self._file}"

    @property
    def _file(self) -> Path:
        return self.folder / SETTINGS_FILE

    def _found(self) -> str:
        n = len(self.trials)
        score = f"selection score {self.best.score:.3f} on {self.n_selection} notes of train"
        of_all = f"of {n} trial{'s' * (n > 1)}"
        if self.best.number == 1:
            return f"nothing better than the start was found: {score}, {of_all}"
        return f"best: trial {self.best.number}, {score}, {of_all}; above the start by {self.gain}"


def history_plot(tuning: Tuning) -> ScatterPlot:
    """Return the selection score of each trial by its number; marked where it was the best so far.

    A trial that was given up stands at its last score.
    """
    scores = np.array([math.nan if t.score is None else t.score for t in tuning.trials])
    whole = np.array([not t.given_up and t.score is not None for t in tuning.trials])
    before = np.maximum.accumulate(np.concatenate([[-math.inf], np.where(whole, scores, -1)]))
    return ScatterPlot(
        title=f"Search of settings: {tuning.kind}",
        names=[f"trial {t.number}" for t in tuning.trials],
        x=np.array([t.number for t in tuning.trials]),
        y=scores,
        marked=whole & (scores > before[:-1]),
        x_label="trial",
        y_label="selection score",
        marked_label="best so far",
        y_level=scores[0],
        caption="The line is the score of the start. The best of several is too high.",
    )

"""When a trial is given up: where it lies behind the best beyond chance, or time is up.

Trials are compared at quarters of the epochs that each plans, since the rate falls to nothing over
them. One that lies more than one standard error of the difference below the best trial at the same
share is given up, by the rule that picks the epoch of a training (`clinnlp.bert.selection`).
"""

import statistics
import time
from collections.abc import Sequence
from typing import Any

from clinnlp.bert.job import Tried
from clinnlp.bert.selection import Score, is_as_good
from clinnlp.bert.settings import LoopSettings
from clinnlp.study.tune_store import OpenSearch, Running, TrialRecord

__all__ = ["Watch", "expected_seconds", "leader_of"]

_N_MARKS = 4  # shares of the epochs at which trials are compared, the end among them


class Watch:
    """Asked after each epoch whether a trial goes on; writes how far it has come."""

    def __init__(
        self, opened: OpenSearch, running: Running, leader: TrialRecord | None, left: float
    ) -> None:
        self._opened, self._running, self._leader, self._left = opened, running, leader, left
        self._began = self._last = time.monotonic()
        self.is_late = self.is_behind = False

    def __call__(self, score: Score | None, share: float) -> bool:
        mark = int(share * _N_MARKS)
        if score is not None and 0 < mark < _N_MARKS:
            self._running.marks.setdefault(mark, (score.value, score.shares))
        self.look()
        if share < 1 and self._leader is not None:
            self.is_late = time.monotonic() - self._began > self._left
            self.is_behind = self._lies_behind(mark)
        return not (self.is_late or self.is_behind)

    def look(self) -> None:
        """Write how far the trial has come."""
        now = time.monotonic()
        self._opened.keep(self._running, now - self._last)
        self._last = now

    def record(self, tried: Tried, changed: dict[str, Any]) -> TrialRecord:
        """Return what is kept of the trial."""
        score = tried.score
        return TrialRecord(
            changed=changed,
            score=None if score is None else score.value,
            shares=[] if score is None else score.shares,
            marks=self._running.marks,
            given_up=self.is_behind,
            n_epochs=tried.n_epochs,
            seconds=self._running.seconds,
        )

    def _lies_behind(self, mark: int) -> bool:
        ours = self._running.marks.get(mark)
        best = self._leader and self._leader.marks.get(mark)
        return bool(ours and best and not is_as_good(Score(*ours), Score(*best)))


def leader_of(done: Sequence[TrialRecord]) -> TrialRecord:
    """Return the best trial that was trained to its end, of equal ones the first."""
    whole = [r for r in done if not r.given_up and r.score is not None]
    return max(whole, key=lambda record: record.score or 0.0)


def expected_seconds(done: Sequence[TrialRecord], settings: LoopSettings) -> float:
    """Return the seconds that a training will likely take."""
    if not getattr(settings, "tune_encoder", True):
        return 0.0
    each = [r.seconds / r.n_epochs for r in done if r.n_epochs and not r.repeats]
    return statistics.median(each) * (settings.epochs or 0) if each else 0.0

"""Search of settings: trainings by the same notes, compared on the selection notes of *train*.

The first trial has the settings that the search begins with, so that what is found is never worse
by the selection notes. The others are drawn around them (`clinnlp.study.tune_space`), at random
first, then by Optuna's sampler. A trial is given up where at a quarter, half or three quarters of
its epochs it lies more than one standard error of the difference below the best trial at the same
share of its own: rates fall to nothing over the epochs that are planned, so equal shares are what
can be compared. Dev is never read but to see that none of it stands in train.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, Unpack

from clinnlp.bert.corpus import TrainingSource
from clinnlp.bert.fields import ClassifierFields, TaggerFields
from clinnlp.bert.job import Start
from clinnlp.bert.selection import Score, error_of_difference
from clinnlp.bert.settings import ClassifierSettings, LoopSettings, TaggerSettings
from clinnlp.bert.trials import forget_trial, start_of, training_notes, try_settings
from clinnlp.core.checks import check_at_least
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError, RunError
from clinnlp.core.files import check_writable
from clinnlp.core.notes import Note
from clinnlp.core.places import one_writer
from clinnlp.core.versions import package_versions
from clinnlp.study.tune_files import forget_files, write_files
from clinnlp.study.tune_space import SPACE, at_start, draw, names
from clinnlp.study.tune_store import (
    STORE,
    OpenSearch,
    Running,
    SearchStore,
    TrialRecord,
    needs_optuna,
)
from clinnlp.study.tune_watch import Watch, expected_seconds, leader_of
from clinnlp.study.tuning import Tuning, TuningTrial

__all__ = ["tune_classifier", "tune_ner"]

_MOST_REPEATS = 20  # draws of settings that were tried, one after the other, before all are
_NORMAL = 1.959964  # a 95 % interval is so many standard errors to each side


def tune_ner(
    train: TrainingSource,
    *,
    dev: TrainingSource | None = None,
    encoder: str | Path = "minilm",
    out: str | Path,
    minutes: float = 20.0,
    trials: int | None = None,
    search: Sequence[str] | None = None,
    settings: TaggerSettings | None = None,
    progress: bool = True,
    resume: bool = True,
    **overrides: Unpack[TaggerFields],
) -> Tuning:
    """Search the settings of a tagger by the selection tenth of the training notes.

    Parameters
    ----------
    train, encoder
        As for `fine_tune_ner`, which then trains with what was found.
    dev : re-iterable of Note, or mapping of corpus name to such, optional
        Refused where one of its notes stands in `train`; nothing else of it is read, and it is
        never scored.
    out : str or Path
        Folder for ``best.toml``, ``trials.csv``, ``history.svg`` and the search itself.
    minutes : float
        Time for all trials, above 0. The first is finished whatever it takes; no other begins that
        would likely not be done in time.
    trials : int, optional
        Most trials, the first among them, >= 1; as many as there is time for by default. With the
        same seed and number the answer is the same.
    search : sequence of str, optional
        Settings to vary, of those in docs/settings.md; all of them by default. The others stay.
    settings : TaggerSettings, optional
        Where the search begins: the first trial, and the middle of the ranges. Trackers that it
        names are told nothing.
    progress : bool
        Show a bar for each trial on stderr.
    resume : bool
        Go on with the search in `out`, where there is one of the same notes and settings: it may
        have been killed, or had less time or fewer trials. With False it is removed.
    **overrides
        Fields of `TaggerSettings`, such as ``labels=["Drug"]``.

    Returns
    -------
    Tuning
        Its `settings` go into ``fine_tune_ner(train, dev, settings=...)``.

    Raises
    ------
    ArgumentError, DataError
        Unusable arguments, settings or notes; no notes for selection.
    LeakageError
        A dev note stands in train.
    MissingExtra
        Optuna is not installed.
    StoreError
        The encoder cannot be found or read, or the search in `out` is damaged or of others.
    RunError
        The folder cannot be written, another process writes there, or the first trial diverged.

    Examples
    --------
    >>> found = tune_ner(train, out="out/search", minutes=60)                # doctest: +SKIP
    >>> tagger = fine_tune_ner(train, dev, settings=found.settings, out=...) # doctest: +SKIP
    >>> import tempfile
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> drug = Entity(id="T1", span=Span(8, 15), label="Drug")
    >>> train = [Note(id=f"n{k}", text=f"Started aspirin {k}.", entities=(drug,)) for k in range(4)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> found = tune_ner(
    ...     train, out=folder.name, trials=2, search=["swap"], epochs=1, progress=False
    ... )
    >>> len(found.trials), found.n_selection, found.best.score >= found.trials[0].score
    (2, 1, True)
    >>> folder.cleanup()
    """
    plan = _Plan("ner", encoder, Path(out), minutes, trials, search, progress, resume)
    return _tuned(plan, train, dev, settings, dict(overrides))


def tune_classifier(
    train: Iterable[Note],
    *,
    dev: Iterable[Note] | None = None,
    encoder: str | Path = "minilm",
    out: str | Path,
    minutes: float = 20.0,
    trials: int | None = None,
    search: Sequence[str] | None = None,
    settings: ClassifierSettings | None = None,
    progress: bool = True,
    resume: bool = True,
    **overrides: Unpack[ClassifierFields],
) -> Tuning:
    """Search the settings of a classifier of notes by the selection tenth of the training notes.

    Parameters
    ----------
    train, encoder
        As for `fine_tune_classifier`, which then trains with what was found.
    dev, out, minutes, trials, search, progress, resume
        As for `tune_ner`. Where the head alone is trained (``tune_encoder`` off) the settings of
        the loop say nothing and are not varied.
    settings : ClassifierSettings, optional
        Where the search begins.
    **overrides
        Fields of `ClassifierSettings`, such as ``multi_label=True``.

    Returns
    -------
    Tuning
        By macro F1, or with ``multi_label`` by micro F1 at even odds.

    Raises
    ------
    ArgumentError, DataError, LeakageError, MissingExtra, StoreError, RunError
        As for `tune_ner`.

    Examples
    --------
    >>> import tempfile
    >>> texts = ["Started aspirin.", "ECG shows sinus rhythm."] * 4
    >>> labels = [("drug",), ("heart",)] * 4
    >>> train = [
    ...     Note(id=f"n{k}", text=f"{k}: {text}", labels=label)
    ...     for k, (text, label) in enumerate(zip(texts, labels))
    ... ]
    >>> folder = tempfile.TemporaryDirectory()
    >>> found = tune_classifier(
    ...     train, out=folder.name, trials=2, search=["pooling"], progress=False
    ... )
    >>> found.kind, len(found.trials)
    ('classifier', 2)
    >>> folder.cleanup()
    """
    plan = _Plan("classifier", encoder, Path(out), minutes, trials, search, progress, resume)
    return _tuned(plan, train, dev, settings, dict(overrides))


class _Plan(NamedTuple):
    """What a search is asked for."""

    kind: Literal["ner", "classifier"]
    encoder: str | Path
    out: Path
    minutes: float
    trials: int | None
    search: Sequence[str] | None
    progress: bool
    resume: bool

    def check(self) -> None:
        """Return where all of it can be had.

        Raises
        ------
        ArgumentError, MissingExtra, RunError
            It cannot.
        """
        needs_optuna()
        if not self.minutes > 0:
            raise ArgumentError(f"minutes must be above 0, got {self.minutes}")
        if self.trials is not None:
            check_at_least(self.trials, 1, name="trials")
        if self.out.is_file():
            raise ArgumentError(f"out must be a folder to write, got the file {self.out}")
        check_writable(self.out / STORE)


def _tuned(
    plan: _Plan,
    train: TrainingSource,
    dev: TrainingSource | None,
    settings: LoopSettings | None,
    overrides: dict[str, Any],
) -> Tuning:
    plan.check()
    with one_writer(plan.out, inside=True):
        notes = training_notes(train, dev)
        start = start_of(
            plan.kind, notes, settings, overrides, encoder=plan.encoder, folder=plan.out
        )
        search = _Search(plan, notes, start)
        if not plan.resume:
            forget_files(plan.out)
            forget_trial(plan.out)
        store = SearchStore(plan.out, identity=search.identity, seed=start.settings.seed)
        with store.opened() as opened:
            search.run(opened)
            made = search.made(opened)
        forget_trial(plan.out)
        return made


class _Search:
    """A search over trials that stand in an `OpenSearch`."""

    def __init__(self, plan: _Plan, notes: TrainingSource, start: Start[Any]) -> None:
        self._plan, self._notes, self._start = plan, notes, start
        self._names = names(type(start.settings), plan.search)
        if not _varies(start.settings, self._names):
            raise ArgumentError(
                "search must name tune_encoder or pooling where the head alone is trained, or "
                f"tune_encoder must be on, got {', '.join(self._names)}"
            )

    @property
    def identity(self) -> str:
        """What is searched on what."""
        ranges = {name: str(SPACE[name]) for name in self._names}
        what = [self._plan.kind, ranges, self._start.identity, package_versions(["optuna"])]
        return json.dumps(what)

    def run(self, opened: OpenSearch) -> None:
        """Train trials until time, number or choices are used up, and write each that is done."""
        while not self._is_done(done := opened.finished(), opened.seconds):
            first = at_start(self._start.settings, self._names) if not done else None
            trial, running = opened.begin(len(done), first)
            changed = draw(trial, self._start.settings, self._names)
            if not done:  # as they are, and not as they are rounded
                changed = {name: getattr(self._start.settings, name) for name in changed}
            record = self._repeated(done, changed) or self._tried(opened, done, running, changed)
            if record is None:
                opened.drop()
                return
            opened.finish(record)
            write_files(self.made(opened), self._plan.encoder)

    def made(self, opened: OpenSearch) -> Tuning:
        """Return what was found so far."""
        done = [record for record in opened.finished() if not record.repeats]
        rows = [
            TuningTrial(
                number=number,
                changed=record.changed,
                score=record.score,
                given_up=record.given_up,
                n_epochs=record.n_epochs,
                seconds=record.seconds,
            )
            for number, record in enumerate(done, 1)
        ]
        best = leader_of(done)
        return Tuning(
            kind=self._plan.kind,
            trials=tuple(rows),
            best=rows[done.index(best)],
            settings=replace(self._start.settings, **best.changed),
            gain=_gain(best, done[0]),
            n_selection=self._start.n_selection,
            minutes=opened.seconds / 60,
            folder=self._plan.out,
        )

    def _is_done(self, done: Sequence[TrialRecord], seconds: float) -> bool:
        if not done:
            return False
        n_trained = sum(not record.repeats for record in done)
        no_more = self._plan.trials is not None and n_trained >= self._plan.trials
        recent = done[-_MOST_REPEATS:]
        used_up = len(recent) == _MOST_REPEATS and all(record.repeats for record in recent)
        return no_more or used_up or seconds >= self._plan.minutes * 60

    def _repeated(self, done: Sequence[TrialRecord], changed: dict[str, Any]) -> TrialRecord | None:
        """Return what these settings gave before, where they were tried."""
        earlier = next((record for record in done if record.changed == changed), None)
        return earlier and replace(earlier, repeats=True, seconds=0.0)

    def _tried(
        self,
        opened: OpenSearch,
        done: Sequence[TrialRecord],
        running: Running,
        changed: dict[str, Any],
    ) -> TrialRecord | None:
        """Return what a training with these settings gives; None where time does not suffice.

        Raises
        ------
        RunError
            The settings that the search begins with give no finite loss.
        """
        settings = replace(self._start.settings, **changed, trackers=())
        left = self._plan.minutes * 60 - opened.seconds
        if done and expected_seconds(done, settings) > left + running.seconds:
            return None
        watch = Watch(opened, running, leader_of(done) if done else None, left)
        tried = try_settings(
            self._plan.kind,
            self._notes,
            settings,
            encoder=self._plan.encoder,
            folder=self._plan.out,
            progress=self._plan.progress,
            goes_on=watch,
        )
        watch.look()
        if watch.is_late:
            forget_trial(self._plan.out)
            return None
        if tried.score is None and not done:
            opened.drop()
            raise RunError(
                "the settings that a search begins with must give a finite loss, got nan or inf; "
                "lower learning_rate"
            )
        return watch.record(tried, changed)


def _gain(best: TrialRecord, first: TrialRecord) -> Estimate:
    gain = (best.score or 0.0) - (first.score or 0.0)
    error = error_of_difference(Score(gain, best.shares), Score(0.0, first.shares))
    reach = _NORMAL * error
    return Estimate(
        value=gain,
        low=gain - reach,
        high=gain + reach,
        method="normal, paired by selection note or patient; not widened for choosing the best",
    )


def _varies(start: LoopSettings, searched: Sequence[str]) -> bool:
    """Return whether any of the searched settings says something where the search begins."""
    return getattr(start, "tune_encoder", True) or bool({"tune_encoder", "pooling"} & {*searched})

"""Where a search of settings stands, so that a killed one goes on as if nothing had happened.

One SQLite file, which Optuna writes and its own tools read. It holds settings, scores, what each
selection note (or patient) adds to a score, times, and a keyed hash of what is searched on what:
no text, id or label of a note beyond the labels that the settings name.

A choice of settings is drawn from the seed, the number of the trial and the finished trials alone.
A trial that was killed is therefore drawn again as it was, and its training goes on from its own
checkpoint (`clinnlp.bert.checkpoint`).

References
----------
Akiba et al., Optuna, KDD 2019; Bergstra et al., Algorithms for hyper-parameter optimization, NIPS
2011 (the tree-structured Parzen estimator).
"""

import hashlib
import hmac
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.errors import MissingExtra, RunError, StoreError, instead_of
from clinnlp.core.files import atomic_path

__all__ = ["STORE", "Marks", "OpenSearch", "Running", "SearchStore", "TrialRecord", "needs_optuna"]

STORE = "search.sqlite"
_NAME = "clinnlp tune"
_N_RANDOM = 5  # trials before the sampler looks at earlier ones

Marks = dict[int, tuple[float, list[float]]]  # mark → score there, and the share of each note


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialRecord:
    """What is kept of a finished trial.

    Parameters
    ----------
    changed : dict
        Values of the searched settings.
    score : float or None
        Selection score of the epoch that is kept; None where the loss was no finite number.
    shares : list of float
        How far each selection note, or patient, pulls the score up or down.
    marks : dict
        Score and shares at a quarter, half and three quarters of the epochs (1, 2, 3).
    given_up : bool
        It fell behind and was not trained to its end.
    n_epochs : int
        Epochs that were trained.
    seconds : float
        Time it took, over all calls.
    repeats : bool
        An earlier trial had these settings, and nothing was trained.
    """

    changed: dict[str, Any]
    score: float | None
    shares: list[float]
    marks: Marks
    given_up: bool
    n_epochs: int
    seconds: float
    repeats: bool = False


@dataclass(slots=True, kw_only=True)
class Running:
    """The trial that is being trained."""

    number: int
    seconds: float = 0.0
    marks: Marks = field(default_factory=dict)


def needs_optuna() -> None:
    """Return where Optuna is installed.

    Raises
    ------
    MissingExtra
        It is not.
    """
    with instead_of(ImportError, MissingExtra("optuna", extra="tune")):
        import optuna  # noqa: F401


class SearchStore:
    """The trials of a search, in a folder that nobody else writes into.

    Parameters
    ----------
    folder : Path
    identity : str
        What is searched on what, in any words, which are not written; the file of another search
        is refused.
    seed : int

    Raises
    ------
    StoreError
        The file is damaged, or of another search.
    RunError
        It cannot be written.
    """

    def __init__(self, folder: Path, *, identity: str, seed: int) -> None:
        self._path, self._seed = folder / STORE, seed
        if not self._path.exists():
            for left in folder.glob(f".{STORE}.*.part-journal"):  # SQLite's, of one that was killed
                left.unlink()
            with atomic_path(self._path) as temporary, _opened(temporary, new=True) as study:
                key = secrets.token_hex(16)
                study.set_user_attr("identity", [key, _keyed(key, identity)])
        why = f"the search in {folder} must be whole and of these notes and settings"
        otherwise = "name another out, or give resume=False (--no-resume) to remove it"
        refusal = f"{why}, got a damaged one; {otherwise}"
        with instead_of(Exception, StoreError(refusal)):  # whatever a damaged file makes of Optuna
            with _opened(self._path) as study:
                key, kept = study.user_attrs["identity"]
            ours = hmac.compare_digest(kept, _keyed(key, identity))
        if not ours:
            raise StoreError(f"{why}, got one of others; {otherwise}")

    @contextmanager
    def opened(self) -> Iterator["OpenSearch"]:
        """Give the search, to go on with.

        Raises
        ------
        RunError
            The file cannot be written.
        """
        from optuna.exceptions import StorageInternalError

        failed = RunError(f"writing {self._path} failed; what was finished before is kept")
        broken = (StorageInternalError, sqlite3.Error)
        with instead_of(broken, failed), _opened(self._path) as study:
            yield OpenSearch(study, self._seed)


class OpenSearch:
    """The trials of a search while its file is open."""

    def __init__(self, study: Any, seed: int) -> None:
        from optuna.trial import TrialState

        self._study, self._seed, self._states = study, seed, TrialState
        self._trial: Any = None
        for left in study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            study.tell(left.number, state=TrialState.FAIL)  # it is drawn again

    @property
    def seconds(self) -> float:
        """Time that all trials took, those that did not finish among them."""
        return float(self._study.user_attrs.get("seconds", 0.0))

    def finished(self) -> list[TrialRecord]:
        """Return the trials in order, from the start on."""
        states = (self._states.COMPLETE, self._states.PRUNED)
        trials = self._study.get_trials(deepcopy=False, states=states)
        return [_record(trial.user_attrs["record"]) for trial in trials]

    def begin(self, number: int, start: dict[str, Any] | None) -> tuple[Any, Running]:
        """Return the Optuna trial to draw settings of, and how far it has come.

        Parameters
        ----------
        number : int
            How many have finished.
        start : dict, optional
            What it has to hold, for the first one.
        """
        from optuna.samplers import TPESampler

        if start is not None and not self._study.get_trials(states=(self._states.WAITING,)):
            self._study.enqueue_trial(start)
        (state,) = np.random.SeedSequence([self._seed, number]).generate_state(1)
        self._study.sampler = TPESampler(n_startup_trials=_N_RANDOM, seed=int(state))
        self._trial = self._study.ask()
        kept = self._study.user_attrs.get("running", {})
        if kept.get("number") != number:
            return self._trial, Running(number=number)
        return self._trial, Running(**(kept | {"marks": _marks(kept["marks"])}))

    def keep(self, running: Running, spent: float) -> None:
        """Write how far a trial has come, and what time has gone since the last call."""
        running.seconds += spent
        self._study.set_user_attr("seconds", self.seconds + spent)
        self._study.set_user_attr("running", asdict(running))

    def finish(self, record: TrialRecord) -> None:
        """Write what came of the trial that was begun last."""
        for mark, (score, _) in sorted(record.marks.items()):
            self._trial.report(score, mark)
        self._trial.set_user_attr("record", asdict(record))
        if record.given_up or record.score is None:
            self._study.tell(self._trial, state=self._states.PRUNED)
        else:
            self._study.tell(self._trial, record.score)

    def drop(self) -> None:
        """Forget the trial that was begun last: it is drawn again where there is more time."""
        self._study.tell(self._trial, state=self._states.FAIL)
        self._study.set_user_attr("running", {})


@contextmanager
def _opened(path: Path, *, new: bool = False) -> Iterator[Any]:
    """Give Optuna's study in a file; its messages below a warning are not said."""
    import optuna

    level = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    # a path inside a URL would be read for what it may hold: ? % { }
    how = {"creator": lambda: sqlite3.connect(path, check_same_thread=False)}
    try:
        storage = optuna.storages.RDBStorage("sqlite://", engine_kwargs=how)
        try:
            if new:
                yield optuna.create_study(storage=storage, study_name=_NAME, direction="maximize")
            else:
                yield optuna.load_study(storage=storage, study_name=_NAME)
        finally:
            storage.remove_session()
            storage.engine.dispose()
    finally:
        optuna.logging.set_verbosity(level)


def _record(kept: dict[str, Any]) -> TrialRecord:
    return TrialRecord(**(kept | {"marks": _marks(kept["marks"])}))


def _marks(kept: dict[str, Any]) -> Marks:
    """Return marks as they were before JSON made words of their keys and lists of their values."""
    return {int(mark): (score, shares) for mark, (score, shares) in kept.items()}


def _keyed(key: str, identity: str) -> str:
    return hmac.new(key.encode(), identity.encode(), hashlib.sha256).hexdigest()

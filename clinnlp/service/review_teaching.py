"""Learning beside the review server: a process of its own for each run, which can be ended.

The process is the command ``clinnlp review learn``. Where the server dies it goes on, and writes
into the store what came of it; where it dies itself, the run is stopped and goes on from its last
checkpoint.
"""

import subprocess
import sys
import threading
from contextlib import suppress

from clinnlp.review.database import Database
from clinnlp.review.forms import Json
from clinnlp.review.runs import Run, runs_of, set_run
from clinnlp.study.review_learn import is_learning

__all__ = ["Teacher"]

_UNDER_WAY = ("waiting", "running")
_ENDED_S = 30.0
_RESULT = ("n_notes", "n_held_out", "old", "new", "difference", "p", "why")


class Teacher:
    """Starts, watches and ends the processes that learn.

    Parameters
    ----------
    database : Database
    encoder : str
        As for `clinnlp.fine_tune_ner`.
    epochs : int, optional
        Of each learning; None as many as the number of notes asks for.
    """

    def __init__(
        self, database: Database, *, encoder: str = "minilm", epochs: int | None = None
    ) -> None:
        self._database = database
        self._words = ["--encoder", encoder, *(["--epochs", str(epochs)] if epochs else [])]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}
        self._lock = threading.Lock()

    def start(self, run: int) -> None:
        """Start the process of a run; nothing happens where it is under way."""
        with self._lock:
            if self._is_alive(run):
                return
            words = [sys.executable, "-m", "clinnlp.cli", "review", "learn", "-"]
            process = subprocess.Popen(  # noqa: S603  (all words are ours)
                [*words, "--run", str(run), *self._words],
                stdin=subprocess.PIPE,  # a URL may hold a password, which a list of processes shows
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            assert process.stdin is not None
            with suppress(BrokenPipeError), process.stdin:
                process.stdin.write(f"{self._database.place}\n".encode())
            self._processes[run] = process

    def cancel(self, run: int) -> None:
        """End the process of a run, which keeps how far it is."""
        process = self._processes.get(run)
        if process is None:
            return
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(_ENDED_S)

    def end(self) -> None:
        """End all processes."""
        for run in list(self._processes):
            self.cancel(run)

    def settle(self, project: int) -> None:
        """Write that the runs of a project whose processes are gone are stopped."""
        with self._database.reading() as connection:
            open_ones = [r for r in runs_of(connection, project) if r.state in _UNDER_WAY]
        for run in open_ones:
            if not self._is_alive(run.id):
                with self._database.writing() as connection:
                    now = [r for r in runs_of(connection, project) if r.id == run.id]
                    if now[0].state in _UNDER_WAY:
                        set_run(connection, run.id, state="stopped")

    def shown(self, run: Run) -> Json:
        """Return a run as a page shows it."""
        result = {name: run.result.get(name) for name in _RESULT}
        return {"run": run.id, "state": run.state, "done": run.done, "total": run.total, **result}

    def _is_alive(self, run: int) -> bool:
        process = self._processes.get(run)
        if process is not None and process.poll() is None:
            return True
        return is_learning(self._database, run)

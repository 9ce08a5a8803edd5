"""Work on several processes: order, deaths, errors in their place, and nothing left behind."""

import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from clinnlp.core.errors import ArgumentError, DataError, PipeError, RunError
from clinnlp.core.workers import Workers, all_memory, n_cores, peak_memory
from tests.worker_pipes import (
    DieAt,
    DieOnce,
    DieWhenRead,
    FailWhenRead,
    RefuseWhenRead,
    double,
    refuse,
)

ROOT = Path(__file__).parents[3]
TASKS = [[k, k + 1] for k in range(0, 24, 2)]
needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")


def workers(work, n=2):
    return Workers(work, n, pieces=lambda task: [[k] for k in task], lost=lambda task: ["lost"])


@pytest.fixture
def started():
    """What gives the processes started since the test began, not the pool of another test."""
    before = set(multiprocessing.active_children())
    return lambda: set(multiprocessing.active_children()) - before


def flat(answers):
    return [k for answer in answers for k in answer]


@pytest.mark.parametrize("n", [1, 3])
def test_answers_come_in_the_order_of_the_tasks(n, started):
    made = workers(double, n)
    assert list(made.answers(TASKS)) == [double(task) for task in TASKS]
    assert (made.n_most, made.n_died) == (n, 0)
    assert not started()
    if sys.platform == "linux":
        assert 5e6 < made.peak < 5e9


def test_no_more_processes_are_started_than_there_are_tasks():
    made = workers(double, 3)
    assert list(made.answers([])) == []
    assert made.n_most == 0
    assert list(made.answers(TASKS[:1] * 2)) == [[0, 2]] * 2
    assert made.n_most <= 2


@needs_kill
def test_a_process_that_dies_is_replaced_and_nothing_is_lost(tmp_path):
    made = workers(DieOnce(9, tmp_path / "mark"))
    assert list(made.answers(TASKS)) == [double(task) for task in TASKS]
    assert made.n_died == 1


@needs_kill
def test_a_piece_on_which_processes_die_is_lost_alone():
    made = workers(DieAt(9))
    wanted = [2 * k for k in range(24)]
    wanted[9] = "lost"
    assert flat(made.answers(TASKS)) == wanted
    assert made.n_died == 4  # twice with its task, twice alone


@needs_kill
def test_what_a_lost_piece_raises_stands_in_its_place():
    def lost(task):
        raise PipeError(f"{task} must not be deadly")

    made = Workers(DieAt(9), 2, pieces=lambda task: [[k] for k in task], lost=lost)
    got = []
    with pytest.raises(PipeError, match=r"\[9\] must not"), closing(made.answers(TASKS)) as answers:
        got.extend(answers)
    assert flat(got) == [2 * k for k in range(9)]


def test_an_error_stands_in_its_place_and_quotes_nothing():
    for tasks, kind, said in (
        ([[1], [2], [7], [3]], DataError, "note 'n7': it must be small, got a 7"),
        ([[1], [2], [8], [3]], PipeError, "a worker process failed (ValueError)"),
    ):
        got = []
        with pytest.raises(kind) as caught:
            for answer in workers(refuse).answers(tasks):
                got.append(answer)  # noqa: PERF402
        assert got == [[1], [2]]
        assert str(caught.value).startswith(said)
        assert "Jane" not in str(caught.value)
        assert caught.value.__cause__ is caught.value.__context__ is None


def test_an_error_of_the_source_is_told_after_what_came_before():
    def source():
        yield from TASKS[:5]
        raise DataError("it must be a note", line=3)

    got = []
    with pytest.raises(DataError, match="must be a note"):
        for answer in workers(double).answers(source()):
            got.append(answer)  # noqa: PERF402
    assert got == [double(task) for task in TASKS[:5]]


def test_work_that_cannot_be_sent_or_read_is_one_sentence():
    with pytest.raises(ArgumentError, match="must be pickled, got what cannot be"):
        workers(lambda task: task)
    with pytest.raises(ArgumentError, match="at least 1, got 0"):
        workers(double, 0)
    with pytest.raises(RunError, match="got ValueError; pipes of your own") as caught:
        list(workers(FailWhenRead()).answers(TASKS))
    assert "Jane" not in str(caught.value)
    with pytest.raises(ArgumentError, match="the folder must be there, got none"):
        list(workers(RefuseWhenRead()).answers(TASKS))


@needs_kill
def test_processes_that_die_before_they_are_ready_end_the_work(started):
    with pytest.raises(RunError, match=r"over and over \(signal 9\)"):
        list(workers(DieWhenRead(), 1).answers(TASKS))
    assert not started()


def test_who_stops_early_leaves_no_process(started):
    with closing(workers(double).answers(TASKS)) as answers:
        assert next(answers) == [0, 2]
        assert started()
    assert not started()


PARENT = """
import sys, time
from clinnlp.core.workers import Workers
from tests.worker_pipes import double
import multiprocessing

made = Workers(double, 2, pieces=list, lost=list)
answers = made.answers([[k] for k in range(1000)])
next(answers)
print(*(p.pid for p in multiprocessing.active_children()), flush=True)
time.sleep(60)
"""


@needs_kill
def test_processes_leave_when_who_started_them_is_killed(tmp_path):
    (tmp_path / "parent.py").write_text(f"if __name__ == '__main__':\n    exec({PARENT!r})\n")
    parent = subprocess.Popen(
        [sys.executable, tmp_path / "parent.py"], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    pids = [int(pid) for pid in parent.stdout.readline().split()]
    parent.kill()
    parent.communicate()
    assert pids
    for _ in range(600):
        if not any(map(is_alive, pids)):
            return
        time.sleep(0.1)
    raise AssertionError("a process outlived who started it")


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    state = Path(f"/proc/{pid}/stat")
    return not (state.exists() and state.read_text().split()[2] == "Z")


def test_cores_and_memory_are_told():
    assert n_cores() >= 1
    assert 0 <= peak_memory() <= (all_memory() or peak_memory())

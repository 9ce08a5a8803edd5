"""One process at a time holds a lock, and no dead one."""

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import threading

import pytest

from clinnlp.core import locks
from clinnlp.core.errors import RunError
from clinnlp.core.locks import FileLock

HOLDER = """
import os, sys
from clinnlp.core.errors import RunError
from clinnlp.core.locks import FileLock
lock = FileLock(sys.argv[1], what="the folder")
try:
    lock.take()
except RunError as error:
    print(error, flush=True)
    sys.exit(1)
if sys.argv[2] == "fork" and os.fork() == 0:  # a worker that outlives its parent
    print("held", flush=True)
    sys.stdin.readline()
    os._exit(0)
if sys.argv[2] == "fork":
    sys.stdin.readline()
print("held", flush=True)
sys.stdin.readline()
lock.free()
"""
BUSY = "the folder is being written by another process; wait until that has ended"


@pytest.fixture
def path(tmp_path):
    return tmp_path / "new" / ".lock"


@pytest.fixture
def holder(path):
    """Give a function that starts a process which says whether it got the lock."""
    started = []

    def start(how="alone"):
        command = [sys.executable, "-c", HOLDER, str(path), how]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def taken(path):
    return FileLock(path, what="the folder")


def test_a_second_is_refused_while_the_first_lives_and_not_after(path, holder):
    first = holder()
    assert first.stdout.readline() == "held\n"
    with pytest.raises(RunError, match=BUSY):
        taken(path).take()
    assert BUSY in holder().stdout.readline()
    first.communicate("\n")
    assert first.returncode == 0
    assert not list(path.parent.iterdir())
    with taken(path) as lock:
        lock.check()


@pytest.mark.parametrize("how", ["alone", "fork"])
def test_a_killed_holder_holds_nothing(path, holder, how):
    if how == "fork" and not hasattr(os, "fork"):
        pytest.skip("needs fork")
    first = holder(how)
    assert first.stdout.readline() == "held\n"  # said by the worker where there is one
    first.kill()
    first.wait()
    assert path.exists(), "what a kill leaves behind"
    with taken(path) as lock:
        lock.check()
    assert not path.exists()


def test_of_several_at_once_one_gets_it(path, holder):
    several = [holder() for _ in range(4)]
    said = [process.stdout.readline() for process in several]
    assert said.count("held\n") == 1
    assert sum(BUSY in line for line in said) == 3


def test_two_in_one_process_are_two(path):
    with taken(path) as first:
        with pytest.raises(RunError, match=BUSY):
            taken(path).take()
        first.take()
        first.check()
    assert not first.is_held
    first.free()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_neither_holds_nor_frees_the_lock_of_its_parent(path):
    def child(lock):
        lock.free()
        assert not lock.is_held
        with pytest.raises(RunError, match=BUSY):
            taken(path).take()

    with taken(path) as lock:
        process = multiprocessing.get_context("fork").Process(target=child, args=(lock,))
        process.start()
        process.join()
        assert process.exitcode == 0
        lock.check()
        assert path.exists()


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_a_lock_whose_place_was_taken_away_is_told(path, how):
    with taken(path) as lock:
        path.rename(path.with_name("aside"))
        if how == "replaced":
            path.touch()
        with pytest.raises(RunError, match="must stay where it is"):
            lock.check()
    assert path.exists() == (how == "replaced"), "the file of another is not removed"


def test_a_file_removed_while_it_was_waited_for_is_no_lock(path, monkeypatch):
    first = taken(path)
    first.take()
    real = locks._lock_now

    def late(fd):
        monkeypatch.undo()
        first.free()  # after the second has opened the file, and before it locks it
        real(fd)

    monkeypatch.setattr(locks, "_lock_now", late)
    with taken(path) as lock:
        lock.check()


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks_is_said_to_be_one(path, monkeypatch, number):
    def none(fd):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(locks, "_lock_now", none)
    lock = taken(path)
    with pytest.warns(RuntimeWarning, match="the folder lies on a file system without locks"):
        lock.take()
    lock.check()
    lock.free()
    assert not path.exists()


def test_a_place_that_cannot_be_locked_is_refused_in_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"^locking the folder failed: .*; name another place$"):
        taken(tmp_path / "file" / ".lock").take()

    def broken(fd):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(locks, "_lock_now", broken)
    with pytest.raises(RunError, match=r"^locking the folder failed: Input/output error"):
        taken(tmp_path / ".lock").take()


def test_what_another_user_left_is_taken_over(path):
    path.parent.mkdir()
    path.touch(mode=0o444)  # not to be written by us, unless we are root
    with taken(path) as lock:
        lock.check()


def test_a_lock_that_nobody_has_any_more_is_free(path):
    lock = taken(path)
    lock.take()
    del lock
    taken(path).take()


@pytest.mark.skipif(not hasattr(signal, "pthread_kill"), reason="needs signals of threads")
@pytest.mark.parametrize("when", ["taken", "given up"])
def test_a_signal_that_another_thread_takes_waits_too(path, monkeypatch, when):
    class HeardError(Exception):
        pass

    def strike(*_):
        signal.pthread_kill(other.ident, signal.SIGTERM)
        done.wait(0.05)  # long enough for the handler, which runs between two steps of this thread

    def hear(*_):
        raise HeardError

    done = threading.Event()
    other = threading.Thread(target=done.wait)
    before = signal.signal(signal.SIGTERM, hear)
    name = "_lock_now" if when == "taken" else "_is_at"
    real = getattr(locks, name)
    lock = FileLock(path, what="it")
    try:
        other.start()
        if when == "given up":
            lock.take()
        monkeypatch.setattr(locks, name, lambda *args: (strike(), real(*args))[1])
        with pytest.raises(HeardError):
            lock.free() if when == "given up" else lock.take()
        monkeypatch.undo()
        assert lock.is_held is (when == "taken")
        lock.free()
        assert not path.exists()
    finally:
        done.set()
        other.join()
        signal.signal(signal.SIGTERM, before)

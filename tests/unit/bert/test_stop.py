"""A signal is held back until the block is left; a second one is not."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from clinnlp.bert.stop import Stop


class Told(Exception):
    pass


def tell(number, _frame):
    raise Told(number)


@pytest.fixture(autouse=True)
def handlers():
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in the background
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_first_signal_strikes_when_the_block_is_left_and_handlers_come_back(number):
    signal.signal(number, tell)
    done = []
    with pytest.raises(Told, match=str(int(number))), Stop() as stop:
        signal.raise_signal(number)
        done.append(stop.asked)
    assert done == [number]
    assert signal.getsignal(number) is tell


def test_others_after_the_first_change_nothing():
    signal.signal(signal.SIGTERM, tell)
    signal.signal(signal.SIGHUP, tell)
    done = []
    with pytest.raises(Told, match=str(int(signal.SIGHUP))), Stop():
        for number in (signal.SIGHUP, signal.SIGTERM, signal.SIGHUP):
            signal.raise_signal(number)
        done.append(1)
    assert done == [1]


def test_an_interrupt_after_it_strikes_at_once():
    signal.signal(signal.SIGTERM, tell)
    done = []
    with pytest.raises(KeyboardInterrupt), Stop():
        signal.raise_signal(signal.SIGTERM)
        done.append(1)
        signal.raise_signal(signal.SIGINT)
        done.append(2)
    assert done == [1]
    assert signal.getsignal(signal.SIGTERM) is tell


def test_an_error_of_the_block_goes_before_the_signal():
    with pytest.raises(ValueError, match="full"), Stop():
        signal.raise_signal(signal.SIGINT)
        raise ValueError("full")


def test_what_is_ignored_stays_ignored():
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    with Stop() as stop:
        signal.raise_signal(signal.SIGHUP)
        assert stop.asked is None
        assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_a_handler_that_raises_nothing_is_called_once():
    heard = []
    signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    with Stop():
        signal.raise_signal(signal.SIGTERM)
        assert heard == []
    assert heard == [signal.SIGTERM]


def test_work_that_changes_nothing_is_left_at_once():
    done = []

    def work():
        done.append("begun")
        signal.raise_signal(signal.SIGINT)
        done.append("ended")

    with pytest.raises(KeyboardInterrupt), Stop() as stop:
        assert stop.attempt(lambda: 3) == 3
        assert stop.attempt(work) is None
        assert stop.attempt(work) is None  # and not begun again
        done.append("left")
    assert done == ["begun", "left"]


def test_outside_the_main_thread_nothing_is_held_back():
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work():
        with Stop() as stop:
            seen.append((signal.getsignal(signal.SIGINT), stop.attempt(lambda: 5)))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(before, 5)]


def test_a_forked_child_ends_as_if_there_were_no_block():
    with Stop() as stop:
        child = os.fork()
        if not child:
            try:
                os.kill(os.getpid(), signal.SIGTERM)
            finally:
                os._exit(7)  # reached only where the signal was held back
        _, status = os.waitpid(child, 0)
        assert stop.asked is None
    assert os.WIFSIGNALED(status)
    assert os.WTERMSIG(status) == signal.SIGTERM


def test_without_a_handler_the_process_ends_when_the_block_is_left():
    code = """
import signal
from clinnlp.bert.stop import Stop
with Stop():
    signal.raise_signal(signal.SIGTERM)
    print("kept", flush=True)
print("gone on")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (-signal.SIGTERM, "kept\n")

"""The service ends when all that was taken is answered, and does not start where it should not."""

import asyncio
import http.client
import json
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import ArgumentError, RunError
from clinnlp.service.keys import read_keys
from clinnlp.service.server import Server, listener_of
from clinnlp.service.settings import ServeSettings
from clinnlp.service.shared import Service
from clinnlp.study.answering import Answerer

from .conftest import JSON, SLOW

BODY = json.dumps({"notes": [{"text": "aspirin for chest pain"}]})


class Caller(threading.Thread):
    """Asks again and again on one connection, until nobody listens any more."""

    def __init__(self, port):
        super().__init__()
        self.port, self.n_answered, self.lost = port, 0, []
        self.start()

    def run(self):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        while True:
            try:
                connection.connect()
            except OSError:
                return
            try:
                while connection.sock is not None:  # the answer may end the connection
                    connection.request("POST", "/v1/extract", BODY, JSON)
                    answer = connection.getresponse()
                    if answer.status != 200 or not json.loads(answer.read())["notes"]:
                        self.lost.append(answer.status)
                    self.n_answered += 1
            except (OSError, http.client.HTTPException) as error:
                self.lost.append(type(error).__name__)
                return


def test_every_request_that_was_taken_is_answered_though_the_service_ends(serving):
    running = serving(caller_requests=64).wait()
    callers = [Caller(running.port) for _ in range(8)]
    while min(caller.n_answered for caller in callers) < 5:
        time.sleep(0.01)
    running.end()
    for caller in callers:
        caller.join(30)
        assert not caller.is_alive()
    assert [caller.lost for caller in callers] == [[]] * 8
    assert running.lines[-1] == "ended"


def test_what_is_being_read_is_answered_and_readyz_says_that_the_end_is_near(serving):
    running = serving(notice_s=1.0).wait()
    back = []
    slow = threading.Thread(target=lambda: back.append(running.extract(*[SLOW] * 8)))
    slow.start()
    time.sleep(0.1)
    running.server.should_exit = True
    time.sleep(0.3)
    assert running.ask("/readyz")[0] == 503
    assert running.ask("/healthz")[1]["connection"] == "close"
    running.end()
    slow.join(30)
    assert back[0][0] == 200
    with pytest.raises(ConnectionRefusedError):
        running.ask("/healthz")


def test_a_model_is_exchanged_while_others_ask(serving, nlp, tmp_path):
    file = tmp_path / "model"
    file.write_text("m0")

    def make():
        return Answerer(nlp=nlp, made_by={"clinnlp": "0", "cues": "c", "language": "en",
                                          "model": file.read_text()})  # fmt: skip

    running = serving(make, paths=[file], watch_s=0.05, caller_requests=64).wait()
    names, faults, is_done = set(), [], threading.Event()

    def ask():
        while not is_done.is_set():
            status, answer = running.extract("aspirin")
            names.add(answer["made_by"]["model"]) if status == 200 else faults.append(status)

    callers = [threading.Thread(target=ask) for _ in range(4)]
    for caller in callers:
        caller.start()
    for k in range(1, 4):
        file.write_text(f"m{k}")
        begun = time.monotonic()
        while f"m{k}" not in names:
            assert time.monotonic() - begun < 30
            time.sleep(0.01)
    is_done.set()
    for caller in callers:
        caller.join(30)
    assert faults == []
    assert names >= {"m1", "m2", "m3"}


def test_what_cannot_be_loaded_ends_the_service_with_its_error():
    def make():
        raise RunError("no model today")

    service = Service(make, settings=ServeSettings(port=0))
    listener = listener_of(service.settings)
    with pytest.raises(RunError, match="no model today"):
        asyncio.run(Server(service, listener, None).serve([listener]))


def test_a_port_that_is_taken_is_told():
    with listener_of(ServeSettings(port=0)) as taken:
        settings = ServeSettings(port=taken.getsockname()[1])
        with pytest.raises(RunError, match="name another port") as caught:
            listener_of(settings)
    frames = [frame.frame.f_locals for frame in caught.traceback]
    (refused,) = (frame["listener"] for frame in frames if "listener" in frame)
    assert refused.fileno() == -1, "it is closed"


@pytest.fixture
def words(tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("aspirin\nchest pain\n")
    return str(path)


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--language", "es"], "the model in the box reads notes in en"),
        (["--vocabulary", "WORDS", "--host", "0.0.0.0"], "key_file"),
        (["--vocabulary", "WORDS", "--host", "0.0.0.0", "--key-file", "KEYS"], "behind_proxy"),
        (["--vocabulary", "WORDS", "--key-file", "KEYS"], "0600"),
        (["--vocabulary", "WORDS.none", "--port", "0"], "no such file"),
        (["--vocabulary", "WORDS", "--slow-s", "0"], "slow_s"),
    ],
)
def test_the_command_refuses_in_one_sentence(words, tmp_path, capsys, more, said):
    keys = tmp_path / "keys"
    keys.write_text("k" * 40)
    keys.chmod(0o644)
    more = [word.replace("WORDS", words).replace("KEYS", str(keys)) for word in more]
    assert main(["serve", *more]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line


def started(words, *more):
    """Return a process of the command that is ready, and its port."""
    command = [sys.executable, "-m", "clinnlp.cli", "serve", "--vocabulary", words, "--port", "0"]
    process = subprocess.Popen([*command, *more], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if "ready" in line:
            return process, int(line.split("://127.0.0.1:")[1].split(",")[0])
    raise AssertionError("it ended")


@pytest.mark.slow
def test_sigterm_ends_the_command_well_and_sighup_loads_anew(words):
    process, port = started(words)
    callers = [Caller(port) for _ in range(4)]
    while min(caller.n_answered for caller in callers) < 5:
        time.sleep(0.01)
    process.send_signal(signal.SIGHUP)
    time.sleep(1)
    process.send_signal(signal.SIGTERM)
    said = process.stderr.read()
    assert process.wait(60) == 0
    assert "the model is now" in said
    assert said.endswith("clinnlp: ended\n")
    for caller in callers:
        caller.join(30)
    assert [caller.lost for caller in callers] == [[]] * 4


@pytest.mark.slow
def test_no_network_is_needed(words):
    unshare = shutil.which("unshare")
    probe = [unshare or "false", "-rn", "sh", "-c", "ip link set lo up"]
    if unshare is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    script = (
        'ip link set lo up; "$0" -m clinnlp.cli serve --vocabulary "$1" --port 8765 2>log & '
        'for k in $(seq 300); do "$0" -c "$2" && break; sleep 0.2; done; kill %1; wait %1'
    )
    ask = "import urllib.request as r; r.urlopen('http://127.0.0.1:8765/readyz')"
    command = [unshare, "-rn", "bash", "-mc", script, sys.executable, words, ask]
    folder = words.rsplit("/", 1)[0]
    done = subprocess.run(command, capture_output=True, cwd=folder, timeout=300)
    assert done.returncode == 0


class TestTls:
    @pytest.fixture
    def files(self, tmp_path):
        openssl = shutil.which("openssl")
        if openssl is None:
            pytest.skip("no openssl to make a certificate with")
        made = {"tls_certificate": str(tmp_path / "c.pem"), "tls_key": str(tmp_path / "k.pem")}
        subprocess.run(
            [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
             "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
             "-keyout", made["tls_key"], "-out", made["tls_certificate"]],
            check=True, capture_output=True,
        )  # fmt: skip
        return made

    def test_answers_with_a_key_over_tls_and_cuts_a_slow_handshake(self, serving, files, tmp_path):
        path = tmp_path / "keys"
        path.write_text("k" * 40)
        path.chmod(0o600)
        running = serving(keys=read_keys(path), slow_s=1.0, **files).wait()
        context = ssl.create_default_context(cafile=files["tls_certificate"])
        connection = http.client.HTTPSConnection("localhost", running.port, context=context)
        connection.request(
            "POST", "/v1/extract", BODY, {**JSON, "Authorization": f"Bearer {'k' * 40}"}
        )
        assert connection.getresponse().status == 200
        connection.close()
        assert any(line.startswith("ready: https://") for line in running.lines)
        with socket.create_connection(("127.0.0.1", running.port), timeout=30) as silent:
            begun = time.monotonic()
            assert silent.recv(1) == b""
            assert time.monotonic() - begun < 6

    def test_files_that_hold_something_else_are_refused(self, tmp_path):
        path = tmp_path / "c.pem"
        path.write_text("nothing")
        settings = ServeSettings(port=0, tls_certificate=str(path), tls_key=str(path))
        service = Service(lambda: None, settings=settings)
        with listener_of(settings) as listener, pytest.raises(ArgumentError, match="TLS"):
            Server(service, listener, None)
        service.batches.end()

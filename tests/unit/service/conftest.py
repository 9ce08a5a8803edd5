"""A service with a word list that runs here, and callers who speak HTTP to it."""

import asyncio
import http.client
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from clinnlp.core.pipeline import Pipeline
from clinnlp.service.server import Server, listener_of
from clinnlp.service.settings import ServeSettings
from clinnlp.service.shared import Service
from clinnlp.study.answering import Answerer
from clinnlp.study.pipeline import pipeline

WORDS = [
    {"code": "d1", "name": "aspirin", "label": "Drug"},
    {"code": "p1", "name": "chest pain", "label": "Problem"},
    {"code": "p2", "name": "fièvre", "label": "Problem"},
]
MADE_BY = {"clinnlp": "0.1.0", "language": "en", "model": "a" * 64, "cues": "c" * 64}
FAILS = "this note fails"
SLOW = "this note is slow"
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/x-ndjson"}


def odd(note):
    """Fail, or take long, on notes that say so."""
    if FAILS in note.text:
        raise ValueError(note.text)
    if SLOW in note.text:
        time.sleep(0.3)
    return note


@pytest.fixture(scope="session")
def nlp():
    return Pipeline([odd, pipeline(vocabulary=WORDS)])


@pytest.fixture
def answerer(nlp):
    return Answerer(nlp=nlp, made_by=MADE_BY)


class Running:
    """A service that listens in a thread, and its callers."""

    def __init__(self, service, keys):
        self.service, self.lines = service, []
        service.say = service.models._say = self.lines.append
        listener = listener_of(service.settings)
        self.port = listener.getsockname()[1]
        self.server = Server(service, listener, keys)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([listener])))
        self._thread.start()

    def wait(self):
        """Wait until it is ready."""
        while not any(line.startswith("ready") for line in self.lines):
            assert self._thread.is_alive()
            time.sleep(0.01)
        return self

    def end(self):
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)

    def ask(self, path, body=None, headers=None, method=None):
        """Return status, headers and body of one request on a connection of its own."""
        connection = self.connect()
        try:
            raw = json.dumps(body) if isinstance(body, dict | list) else body
            method = method or ("GET" if raw is None else "POST")
            connection.request(method, path, raw, JSON if headers is None else headers)
            answer = connection.getresponse()
            return answer.status, dict(answer.headers), answer.read()
        finally:
            connection.close()

    def extract(self, *texts, headers=None, **more):
        """Return status and answer of a request for some texts."""
        notes = [{"text": text} for text in texts]
        status, _, body = self.ask("/v1/extract", {"notes": notes, **more}, headers)
        return status, json.loads(body)


@pytest.fixture
def serving(answerer):
    """Give a function that runs a service with some settings, ended after the test."""
    running = []

    def run(make=lambda: answerer, keys=None, paths=(), **settings):
        how = {"port": 0, "slow_s": 0.5, "watch_s": 0.0, **settings}
        service = Service(make, settings=ServeSettings(**how), paths=paths)
        running.append(Running(service, keys))
        return running[-1]

    yield run
    for one in running:
        one.end()


def many(function, arguments):
    """Call a function with each of some arguments at once; return what came back, in order."""
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(function, arguments))

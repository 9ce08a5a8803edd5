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


async def asked(
    app, path="/", *, method="POST", headers=(), body=(), client="127.0.0.1", gone=True
):
    """Return status, headers and body of what an application answers, without a server.

    `body` is a list of pieces; behind it the caller is gone, or waits.
    """
    pieces, sent = list(body), []

    async def receive():
        if pieces:
            return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}
        if not gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    raw = [(name.lower().encode(), value.encode()) for name, value in dict(headers).items()]
    scope = {"type": "http", "method": method, "path": path, "headers": raw, "query_string": b""}
    await app({**scope, "client": (client, 1)}, receive, send)
    told = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
    return sent[0]["status"], told, b"".join(m.get("body", b"") for m in sent[1:])


@pytest.fixture
def service(answerer):
    """Give a function that makes a service that is not listening, with its model loaded."""
    made = []

    def make(load=True, **settings):
        made.append(Service(lambda: answerer, settings=ServeSettings(**settings)))
        if load:
            asyncio.run(made[-1].models.load())
        return made[-1]

    yield make
    for one in made:
        one.batches.end()


def many(function, arguments):
    """Call a function with each of some arguments at once; return what came back, in order."""
    with ThreadPoolExecutor(len(arguments)) as pool:
        return list(pool.map(function, arguments))

"""A review server that runs here, and browsers that speak HTTP to it."""

import asyncio
import http.client
import json
import threading
import time

from clinnlp.service.listening import listener_of
from clinnlp.service.review_calls import review_of
from clinnlp.service.review_server import ReviewServer
from clinnlp.service.review_settings import ReviewSettings
from tests.unit.review.conftest import PASSWORD, World

JSON = {"Content-Type": "application/json"}


class Browser:
    """Keeps the cookie and the word of its session."""

    def __init__(self, port):
        self.port, self.cookie, self.word = port, None, None

    def ask(self, method, path, body=None, *, headers=None, raw=None):
        """Return status, headers and what the body holds."""
        sent = dict(JSON) if method == "POST" else {}
        sent |= {"Cookie": self.cookie} if self.cookie else {}
        sent |= {"X-CSRF-Token": self.word} if self.word else {}
        sent = {k: v for k, v in {**sent, **(headers or {})}.items() if v is not None}
        data = raw if raw is not None else json.dumps(body or {}) if method == "POST" else None
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, path, data, sent)
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        said = dict(answer.headers)
        if "set-cookie" in {k.lower() for k in said}:
            self.cookie = said.get("set-cookie", said.get("Set-Cookie", "")).partition(";")[0]
        is_json = said.get("content-type", "") == "application/json"
        return answer.status, said, json.loads(text) if is_json else text

    def get(self, path, status=200):
        found, _, body = self.ask("GET", path)
        assert found == status, (found, body)
        return body

    def post(self, path, body=None, status=200):
        found, _, answer = self.ask("POST", path, body)
        assert found == status, (found, answer)
        return answer

    def log_in(self, user, password=PASSWORD):
        self.word = None
        self.post("/api/login", {"user": user, "password": password}, 204)
        self.word = self.get("/api/me")["csrf"]
        return self


class Running(World):
    """A world whose store is served."""

    def __init__(self, database, *, settings=None, **how):
        super().__init__(database, **how)
        self.lines = []
        made = ReviewSettings(**{"port": 0, "slow_s": 2.0, **(settings or {})})
        self.review = review_of(database, made, say=self.lines.append)
        listener = listener_of(made)
        self.port = listener.getsockname()[1]
        self.server = ReviewServer(self.review)
        self._thread = threading.Thread(target=lambda: asyncio.run(self.server.serve([listener])))
        self._thread.start()
        while not self.lines:
            time.sleep(0.01)

    def browser(self, user=None):
        made = Browser(self.port)
        return made.log_in(user) if user else made

    def end(self):
        self.server.should_exit = True
        self._thread.join(30)
        assert not self._thread.is_alive()

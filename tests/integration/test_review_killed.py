"""The review server is killed while people judge: what it had acknowledged is there.

A scripted annotator sends one action after another to the real server, in its own process, which
gets kill -9 at random points. After each the store is opened anew: every acknowledged judgement
is in it, the log replays to the reading that the annotator has in his head, and nothing is broken.
"""

import json
import random
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from sqlalchemy import text

from clinnlp.review.chain import audit
from clinnlp.review.database import create_database
from clinnlp.review.judging import reading_of
from clinnlp.review.tasks import queue, task_of
from tests import postgres
from tests.unit.review.conftest import World
from tests.unit.service.review_world import Browser

pytestmark = pytest.mark.slow

N_KILLS = {"ci": 5, "long": 100}  # of each database
READY = re.compile(rb"ready: http://127\.0\.0\.1:(\d+)/")
ALTERED = {
    "sqlite": ("DROP TRIGGER judgements_UPDATE_no",),
    "postgresql": ("DROP TRIGGER judgements_UPDATE_no ON judgements",),
}


class Server:
    """The command, in a process that can be killed."""

    def __init__(self, place):
        words = [sys.executable, "-m", "clinnlp.cli", "review", "serve", str(place), "--port", "0"]
        self.process = subprocess.Popen(
            [*words, "--no-log-requests"], stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        line = self.process.stderr.readline()
        assert READY.search(line), line
        self.port = int(READY.search(line)[1])

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(30)
        self.process.stderr.close()


class Annotator(threading.Thread):
    """Judges one task until the server is gone; keeps what was acknowledged."""

    def __init__(self, port, task, version, rng):
        super().__init__()
        self.browser, self.task, self.version, self.rng = Browser(port), task, version, rng
        self.acknowledged = []
        self.begun = threading.Event()

    def run(self):
        try:
            self.browser.log_in("anna")
            shown = self.browser.get(f"/api/tasks/{self.task}")
            self.version = shown["version"]
            while True:
                action = self._action()
                body = {"version": self.version, "seconds": 0.1, "actions": [action]}
                status, _, said = self.browser.ask(
                    "POST", f"/api/tasks/{self.task}/judgements", body
                )
                assert status == 200, said
                self.version = said["version"]
                self.acknowledged.append((self.version, action))
                self.begun.set()
        except (OSError, EOFError, ValueError):
            self.begun.set()  # the connection broke
        except Exception as error:
            if type(error).__module__ != "http.client":
                raise
            self.begun.set()

    def _action(self):
        k = self.rng.randrange(4)
        if k < 2:
            word = self.rng.choice(["accept", "reject", "undo_judgement"])
            return {"do": word, "mention": self.rng.choice(["T1", "T2"])}
        if k == 2:
            return {"do": "comment", "text": f"c{self.rng.random()}"}
        name, start = f"a{self.rng.random()}", self.rng.randrange(40)
        return {"do": "add", "id": name, "start": start, "end": start + 3, "label": "Drug"}


@pytest.fixture(scope="module")
def postgres_server():
    why = postgres.missing()
    if why:
        pytest.skip(why)
    with postgres.running() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request, tmp_path):
    if request.param == "sqlite":
        return str(tmp_path / "review.db")
    return request.getfixturevalue("postgres_server").new_database()


def killed(place, n_kills):
    database = create_database(place)
    world = World(database, n=3)
    tasks = [item.task for item in queue(database, world.project, world.users["anna"])[0]]
    rng = random.Random(n_kills)
    acknowledged = {task: [] for task in tasks}
    for k in range(n_kills):
        server, task = Server(place), tasks[k % len(tasks)]
        annotator = Annotator(server.port, task, 0, random.Random(k))
        annotator.start()
        annotator.begun.wait(60)
        time.sleep(rng.random() * 0.5)
        server.kill()
        annotator.join(60)
        assert not annotator.is_alive()
        assert annotator.acknowledged
        acknowledged[task] += annotator.acknowledged
        check(database, task, acknowledged[task])
        assert audit(database).faults == []
    with database.writing() as connection:
        for statement in ALTERED[database.dialect]:
            connection.execute(text(statement))
        last = connection.scalar(text("SELECT max(seq) FROM judgements"))
        middle = rng.randint(1, last)
        connection.execute(text(f"UPDATE judgements SET seconds = 7 WHERE seq = {middle}"))
    assert [f.seq for f in audit(database).faults] == [middle]
    database.close()
    return sum(map(len, acknowledged.values()))


def check(database, task, acknowledged):
    """Check that each acknowledged judgement is there, as itself, in its place."""
    with database.reading() as connection:
        rows = connection.execute(
            text("SELECT version, action FROM judgements WHERE task = :t ORDER BY version"),
            {"t": task},
        ).all()
        there = {version: json.loads(action) for version, action in rows}
        reading_of(connection, task_of(connection, task))
    assert sorted(there) == list(range(1, len(there) + 1))
    for version, action in acknowledged:
        assert there[version] == action


def test_what_was_acknowledged_is_there(place):
    assert killed(place, N_KILLS["ci"]) > N_KILLS["ci"]


@pytest.mark.long
def test_what_was_acknowledged_is_there_after_many_kills(place):
    assert killed(place, N_KILLS["long"]) > N_KILLS["long"]


def test_two_servers_of_one_store_keep_one_chain(place):
    """Two processes and two people at once: one order, no judgement lost."""
    database = create_database(place)
    world = World(database, n=2, n_annotators=2)
    servers = [Server(place) for _ in range(2)]
    try:
        task = queue(database, world.project, world.users["anna"])[0][0].task

        def work(k):
            browser = Browser(servers[k].port).log_in("anna")
            for i in range(15):
                action = {"do": "comment", "text": f"{k}-{i}"}
                while True:
                    version = browser.get(f"/api/tasks/{task}")["version"]
                    body = {"version": version, "seconds": 0, "actions": [action]}
                    status = browser.ask("POST", f"/api/tasks/{task}/judgements", body)[0]
                    if status == 200:
                        break
                    assert status == 409

        threads = [threading.Thread(target=work, args=(k,)) for k in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
    finally:
        for server in servers:
            server.kill()
    found = audit(database)
    assert (found.n_judgements, found.faults) == (30, [])
    database.close()

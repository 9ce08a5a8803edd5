"""A newcomer without a network: `clinnlp demo --serve` shows and keeps judgements all the same."""

import re
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from clinnlp.review.chain import audit
from clinnlp.review.database import open_database
from tests.unit.service.review_world import Browser

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


def test_the_demonstration_is_judged_without_a_network(tmp_path):
    unshare = shutil.which("unshare")
    probe = [unshare or "false", "-rn", "sh", "-c", "ip link set lo up"]
    if unshare is None or subprocess.run(probe, capture_output=True).returncode:
        pytest.skip("no network namespace can be made here")
    inside = f'ip link set lo up && exec "$0" -m {__name__} "$1"'
    command = [unshare, "-rn", "sh", "-c", inside, sys.executable, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "judged, with lo alone\n"
    found = audit(open_database(tmp_path / "review.db"))
    assert (found.n_judgements, found.faults) == (1, [])


def judge_one(out):
    """Serve the demonstration, and judge the first mention as its page would."""
    words = [sys.executable, "-m", "clinnlp.cli", "demo", "--serve", "--out", out, "--port", "0"]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        said = re.search(r"as (\S+) with the password (\S+)", process.stdout.readline())
        ready = re.search(r"ready: http://127\.0\.0\.1:(\d+)/", process.stderr.readline())
        accept_first(Browser(int(ready[1])), said[1], said[2])
    finally:
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)


def accept_first(browser, user, password):
    status, _, page = browser.ask("GET", "/")
    assert status == 200
    assert b"<html" in page
    browser.log_in(user, password)
    (project,) = browser.get("/api/projects")
    first = browser.get(f"/api/projects/{project['id']}/queue")["items"][0]["task"]
    shown = browser.get(f"/api/tasks/{first}")
    mention = shown["mentions"][0]
    assert shown["note"]["text"][mention["start"] : mention["end"]]
    action = {"do": "accept", "mention": mention["id"]}
    body = {"version": 0, "seconds": 1, "actions": [action]}
    assert browser.post(f"/api/tasks/{first}/judgements", body) == {"version": 1}


if __name__ == "__main__":
    judge_one(sys.argv[1])
    sys.stdout.write(f"judged, with {', '.join(n for _, n in socket.if_nameindex())} alone\n")

"""The service under load, beside a plain handler around a pipeline of transformers.

Every way serves the same model in a process of its own; the same callers send them notes of about
300 words from MTSamples, each the next one when it has its answer, on kept connections. The plain
handler is what one writes first: a FastAPI route that calls the pipeline on the whole note. All
run at once, and are asked one after the other, round after round, so that each round compares them
under the same load of the machine; figures are medians over rounds. `cpu_ms_per_note` is what the
process used on all cores, which other work on the machine disturbs less than the clock.

`--overload N` instead sends N requests at four times the rate that the service was just seen to
keep up with, and counts what became of them: answered, refused with a time to come back, refused
without one, lost. None is sent twice.
"""

import argparse
import http.client
import json
import re
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

from tests.bench import ROOT, record
from tests.bench.extract import distinct_notes

WORDS = 300
SENDERS = 256  # requests under way at a time at most, when they come at a rate
PLAIN = """
import sys
import uvicorn
from fastapi import FastAPI
from transformers import pipeline

read = pipeline("token-classification", sys.argv[1], device="cpu", stride=64,
                aggregation_strategy="first")
read.tokenizer.model_max_length = 384
app = FastAPI()

@app.post("/v1/extract")
def extract(body: dict):
    found = [read(note["text"]) for note in body["notes"]]
    return [[[e["entity_group"], int(e["start"]), int(e["end"])] for e in one] for one in found]

@app.get("/readyz")
def ready():
    return "ok"

uvicorn.run(app, port=int(sys.argv[3]), log_level="critical")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    parser.add_argument("--vocabulary", help="serve a word list alone, without the plain handler")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each way in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--overload", type=int, default=0, metavar="N")
    args = parser.parse_args()
    texts = excerpts()
    ways = [Way(name, command, 8791 + k) for k, (name, command) in enumerate(commands(args))]
    try:
        for way in ways:
            way.start()
        for way in ways:
            overloaded(way, texts, args) if args.overload else None
        if not args.overload:
            side_by_side(ways, texts, args)
    finally:
        for way in ways:
            way.end()


def commands(args) -> list[tuple[str, list[str]]]:
    """Return the ways by name, each a command that takes a port at its end."""
    ours = [sys.executable, "-m", "clinnlp.cli", "serve", "--no-log-requests"]
    if args.vocabulary:
        return [("word list", [*ours, "--vocabulary", args.vocabulary, "--port"])]
    ways = [("8 bits", [*ours, "--model", args.model, "--int8", "--port"])]
    if args.overload:
        return ways
    return [
        *ways,
        ("float32", [*ours, "--model", args.model, "--port"]),
        ("plain handler", [sys.executable, "-c", PLAIN, args.model, "--port"]),
    ]


class Way:
    """A service in a process of its own."""

    def __init__(self, name: str, command: list[str], port: int) -> None:
        self.name, self.command, self.port = name, [*command, str(port)], port
        self.process: subprocess.Popen | None = None
        self.rounds: list[dict[str, float]] = []

    def start(self) -> None:
        begun = time.perf_counter()
        self.process = subprocess.Popen(self.command, cwd=ROOT)
        while time.perf_counter() - begun < 300:
            try:
                if ask(http.client.HTTPConnection("127.0.0.1", self.port), "/readyz")[0] == 200:
                    break
            except OSError:
                pass
            time.sleep(0.05)
        else:
            raise SystemExit(f"{self.name} does not get ready")
        self.ready_s = time.perf_counter() - begun
        self.ready_cpu_s = self.cpu_s

    def end(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait()

    @property
    def cpu_s(self) -> float:
        """Seconds that the process has used on all cores."""
        said = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8")
        return sum(map(int, said.rpartition(") ")[2].split()[11:13])) / 100

    @property
    def resident_mib(self) -> float:
        said = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) / 1024


def side_by_side(ways: list[Way], texts: list[str], args) -> None:
    """Ask all ways in turn, round after round, and record medians."""
    for way in ways:
        load(way, texts, callers=args.callers, seconds=args.seconds / 4)  # warm
    for _ in range(args.rounds):
        for way in ways:
            alone = load(way, texts, callers=1, seconds=args.seconds / 4)
            many = load(way, texts, callers=args.callers, seconds=args.seconds)
            many["single_ms"] = alone["p50_ms"]
            many["p99_of_single"] = many["p99_ms"] / alone["p50_ms"]
            way.rounds.append(many)
    plain = ways[-1].rounds
    for way in ways:
        medians = {name: round(float(np.median([one[name] for one in way.rounds])), 1)
                   for name in way.rounds[0]}  # fmt: skip
        times = {
            f"{what}_of_plain": [round(a[name] / b[name], 2)
                                 for a, b in zip(way.rounds, plain, strict=True)]
            for what, name in (("rate", "notes_per_second"), ("cpu", "cpu_ms_per_note"))
        }  # fmt: skip
        record("serve", way=way.name, ready_s=round(way.ready_s, 1),
               ready_cpu_s=round(way.ready_cpu_s, 1), callers=args.callers,
               resident_mib=round(way.resident_mib), **medians, **times)  # fmt: skip


def overloaded(way: Way, texts: list[str], args) -> None:
    """Send more than it can answer, and count what became of it."""
    load(way, texts, callers=32, seconds=args.seconds / 2)  # what grows at first has grown
    capacity = load(way, texts, callers=args.callers, seconds=args.seconds)["notes_per_second"]
    before = way.resident_mib
    sent = load(way, texts, callers=SENDERS, n=args.overload, rate=4 * capacity, patient=False)
    grown = way.resident_mib - before
    after = load(way, texts, callers=1, seconds=2.0)["p50_ms"]
    record("serve, overloaded", way=way.name, capacity=round(capacity, 1),
           grown_mib=round(grown, 1), single_ms_after=round(after, 1), **sent)  # fmt: skip


def excerpts() -> list[str]:
    """Return the first 300 words of notes that have as many."""
    found = []
    for note in distinct_notes():
        words = list(re.finditer(r"\S+", note.text))
        if len(words) >= WORDS:
            found.append(note.text[: words[WORDS - 1].end()])
    return found[:500]


def ask(connection, path, body=None):
    """Return the status and the seconds to come back after, of one request."""
    head = {"Content-Type": "application/json"}
    connection.request("GET" if body is None else "POST", path, body, head)
    answer = connection.getresponse()
    answer.read()
    return answer.status, float(answer.headers.get("Retry-After", 0))


def load(
    way: Way, texts, *, callers: int, seconds: float = 1e9, n: int = 10**9, rate: float = 1e9,
    patient: bool = True,
) -> dict[str, float]:  # fmt: skip
    """Return what callers met: rates, delays, refusals, losses; the patient ones come back."""
    begun, cpu, lock = time.perf_counter(), way.cpu_s, threading.Lock()
    delays: list[float] = []
    counts = {"sent": 0, "refused": 0, "untold": 0, "lost": 0}

    def count(name: str) -> int:
        with lock:
            counts[name] += 1
            return counts[name] - 1

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", way.port, timeout=120)
        while time.perf_counter() - begun < seconds and (k := count("sent")) < n:
            time.sleep(max(0.0, begun + k / rate - time.perf_counter()))
            until_answered(connection, json.dumps({"notes": [{"text": texts[k % len(texts)]}]}))

    def until_answered(connection, body) -> None:
        is_done = False
        while not is_done:
            start = time.perf_counter()
            try:
                status, wait = ask(connection, "/v1/extract", body)
            except (OSError, http.client.HTTPException):
                count("lost")
                connection.close()
                return
            if status == 200:
                delays.append(time.perf_counter() - start)
                return
            count("refused")
            if not wait:
                count("untold")  # refused without a time to come back
            is_done = not patient
            time.sleep(wait if patient else 0)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    counts["sent"] = min(counts["sent"], n)
    p50, p99 = np.percentile(delays or [np.nan], [50, 99]) * 1000
    return {**counts, "answered": len(delays), "seconds": took,
            "notes_per_second": len(delays) / took, "p50_ms": float(p50), "p99_ms": float(p99),
            "cpu_ms_per_note": 1000 * (way.cpu_s - cpu) / max(1, len(delays))}  # fmt: skip


if __name__ == "__main__":
    main()

"""The service under load, beside a plain handler around a pipeline of transformers.

Both serve the same model in a process of their own; the same callers send them notes of about 300
words from MTSamples, each the next one when it has its answer, on kept connections. The plain
handler is what one writes first: a FastAPI route that calls the pipeline on the whole note.

`--overload N` instead sends N requests from four times as many callers as the service takes, each
of whom comes back when he is told to, and counts what was lost.
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

uvicorn.run(app, port=int(sys.argv[2]), log_level="critical")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=str(ROOT / "out" / "models" / "bc5cdr-default-0"))
    parser.add_argument("--vocabulary", help="serve a word list alone, without the plain handler")
    parser.add_argument("--callers", type=int, default=16)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--overload", type=int, default=0, metavar="N")
    args = parser.parse_args()
    texts = excerpts()
    command = [sys.executable, "-m", "clinnlp.cli", "serve", "--no-log-requests", "--port"]
    ours = ["--vocabulary", args.vocabulary] if args.vocabulary else ["--model", args.model]
    ways = {"ours": [*command, "8791", *ours]}
    if not args.vocabulary:
        ways["ours, 8 bits"] = [*command, "8791", *ours, "--int8"]
        ways["plain handler"] = [sys.executable, "-c", PLAIN, args.model, "8791"]
    if args.overload:
        ways = {name: way for name, way in ways.items() if name != "plain handler"}
    for name, way in ways.items():
        begun = time.perf_counter()
        process = subprocess.Popen(way, cwd=ROOT)
        try:
            until_ready(8791)
            ready = time.perf_counter() - begun
            alone = load(texts, callers=1, seconds=args.seconds / 6)
            before = resident(process.pid)
            if args.overload:
                figures = load(texts, callers=256, n=args.overload)
            else:
                figures = load(texts, callers=args.callers, seconds=args.seconds)
            grown = resident(process.pid) - before
        finally:
            process.terminate()
            process.wait()
        record("serve", way=name, ready_s=round(ready, 1), callers=args.callers,
               single_ms=alone["p50_ms"], grown_mib=round(grown, 1), **figures)  # fmt: skip


def excerpts() -> list[str]:
    """Return the first 300 words of notes that have as many."""
    found = []
    for note in distinct_notes():
        words = list(re.finditer(r"\S+", note.text))
        if len(words) >= WORDS:
            found.append(note.text[: words[WORDS - 1].end()])
    return found[:500]


def until_ready(port: int) -> None:
    for _ in range(3000):
        try:
            if ask(http.client.HTTPConnection("127.0.0.1", port), "/readyz")[0] == 200:
                return
        except OSError:
            pass
        time.sleep(0.1)
    raise SystemExit("it does not get ready")


def ask(connection, path, body=None):
    """Return the status and the seconds to come back after, of one request."""
    head = {"Content-Type": "application/json"}
    connection.request("GET" if body is None else "POST", path, body, head)
    answer = connection.getresponse()
    answer.read()
    return answer.status, float(answer.headers.get("Retry-After", 0))


def load(texts, *, callers: int, seconds: float = 1e9, n: int = 10**9) -> dict[str, object]:
    """Return what callers met who ask on and on: rates, delays, refusals, losses."""
    begun, lock = time.perf_counter(), threading.Lock()
    delays: list[float] = []
    counts = {"sent": 0, "refused": 0, "untold": 0, "lost": 0}

    def call() -> None:
        connection = http.client.HTTPConnection("127.0.0.1", 8791, timeout=120)
        while time.perf_counter() - begun < seconds:
            with lock:
                k = counts["sent"]
                if k >= n:
                    return
                counts["sent"] += 1
            until_answered(connection, json.dumps({"notes": [{"text": texts[k % len(texts)]}]}))

    def until_answered(connection, body) -> None:
        while True:
            start = time.perf_counter()
            try:
                status, wait = ask(connection, "/v1/extract", body)
            except (OSError, http.client.HTTPException):
                counts["lost"] += 1
                connection.close()
                return
            if status == 200:
                delays.append(time.perf_counter() - start)
                return
            counts["refused"] += 1
            counts["untold"] += not wait  # refused without a time to come back
            time.sleep(wait or 1)

    threads = [threading.Thread(target=call) for _ in range(callers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - begun
    ms = np.percentile(delays, [50, 99]) * 1000
    return {**counts, "answered": len(delays), "notes_per_second": round(len(delays) / took, 1),
            "p50_ms": round(float(ms[0])), "p99_ms": round(float(ms[1]))}  # fmt: skip


def resident(pid: int) -> float:
    """Return the MiB that a process has in memory."""
    said = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) / 1024


if __name__ == "__main__":
    main()

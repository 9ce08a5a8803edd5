"""Measurements on real corpora; run by scripts/bench, never by the tests."""

import json
import os
import platform
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
DATA = Path(os.environ.get("CLINNLP_DATA", ROOT.parent / "shared" / "data"))


def record(bench: str, **figures) -> None:
    """Print the figures of one benchmark and append them to out/bench.jsonl."""
    row = {"bench": bench, "when": time.strftime("%Y-%m-%dT%H:%M:%S"),
           "machine": f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
           **figures}  # fmt: skip
    path = ROOT / "out" / "bench.jsonl"
    path.parent.mkdir(exist_ok=True)
    with path.open("a") as handle:
        handle.write(json.dumps(row) + "\n")
    for name, value in figures.items():
        print(f"{name}: {value}")

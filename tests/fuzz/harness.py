"""Runs mutated inputs in processes of their own, ends those that hang, and counts what came of it.

A hang is an input that takes more than `MOST_SECONDS` of processor time, or that sleeps for a
minute: wall-clock time would depend on what else the machine does.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from select import select
from typing import Any, Self

from tests.fuzz.readers import Target

__all__ = ["MOST_ASLEEP", "MOST_MEMORY", "MOST_SECONDS", "Report", "Worker", "plan", "run"]

MOST_SECONDS = 20.0
MOST_ASLEEP = 60.0  # seconds without a tick of the processor
MOST_MEMORY = 2**30  # bytes, of a process that reads this input alone
_ROOT = Path(__file__).parents[2]
_STARTING = 120.0  # seconds of the processor for the imports of a new process

Asked = tuple[str, int]


@dataclass(slots=True)
class Report:
    """What came of all inputs."""

    n_inputs: int = 0
    ends: Counter[str] = field(default_factory=Counter)
    faults: list[dict[str, Any]] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "none")
    peak: tuple[int, str] = (0, "none")

    def add(self, outcome: Mapping[str, Any]) -> None:
        """Count one input."""
        name = f"{outcome['target']} {outcome['seed']}"
        self.n_inputs += 1
        self.ends[outcome["end"]] += 1
        self.slowest = max(self.slowest, (outcome["seconds"], name))
        self.peak = max(self.peak, (outcome["peak"], name))
        faults = [*outcome["faults"]]
        if outcome["peak"] > MOST_MEMORY:
            faults.append(f"memory above {MOST_MEMORY >> 20} MiB")
        if faults:
            self.faults.append({**outcome, "faults": faults})

    def __iadd__(self, other: "Report") -> Self:
        self.n_inputs += other.n_inputs
        self.ends += other.ends
        self.faults += other.faults
        self.slowest, self.peak = max(self.slowest, other.slowest), max(self.peak, other.peak)
        return self

    def figures(self) -> str:
        """Return how many inputs ended how, the slowest, and the most memory."""
        ends = ", ".join(f"{n:,} {end}" for end, n in sorted(self.ends.items()))
        return (
            f"{self.n_inputs:,} inputs: {ends}; {len(self.faults)} with faults; "
            f"slowest {self.slowest[0]:.1f} CPU seconds ({self.slowest[1]}); "
            f"peak memory {self.peak[0] >> 20} MiB ({self.peak[1]})"
        )

    def lines(self) -> list[str]:
        """Return the figures, and each kind of fault with how to make it again."""
        kinds: dict[str, list[str]] = {}
        for one in self.faults:
            where = " < ".join(reversed(one.get("where", [])))
            kind = f"{one['target']}: {'; '.join(sorted(set(one['faults'])))} [{where}]"
            kinds.setdefault(kind, []).append(f"{one['seed']}/{one.get('way')}")
        return [self.figures()] + [
            f"{kind}: {len(seeds)} inputs, seeds {', '.join(seeds[:6])}"
            for kind, seeds in sorted(kinds.items())
        ]


def plan(targets: Mapping[str, Target], n: int, *, first: int = 0) -> list[Asked]:
    """Return `n` inputs, to each target as many as its weight says, seeds from `first` on.

    The inputs of a smaller `n` are among those of a larger one.
    """
    wheel = [name for name, target in targets.items() for _ in range(target.weight)]
    counts: Counter[str] = Counter()
    asked = []
    for k in range(n):
        name = wheel[k % len(wheel)]
        asked.append((name, first + counts[name]))
        counts[name] += 1
    return asked


def run(
    asked: Sequence[Asked], samples: Path, *, targets: str, jobs: int = 1, quiet: bool = True
) -> Report:
    """Have inputs read, each process taking every `jobs`-th of them, and return the report."""
    report = Report()

    def share(k: int) -> None:
        with Worker(samples, targets) as worker:
            for target, seed in asked[k::jobs]:
                report.add(worker.ask(target, seed))
                if not quiet and report.n_inputs % 500 == 0:
                    sys.stdout.write("\n".join((*report.lines(), "")))
                    sys.stdout.flush()

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(share, range(jobs)))
    return report


class Worker:
    """A process that reads inputs, and its successor where one kills it."""

    def __init__(
        self,
        samples: Path,
        targets: str,
        *,
        most_seconds: float = MOST_SECONDS,
        asleep: float = MOST_ASLEEP,
    ) -> None:
        self._samples, self._targets = samples, targets
        self._most_seconds, self._most_asleep = most_seconds, asleep
        self._scratch = tempfile.TemporaryDirectory(prefix="fuzz-")
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self._scratch.cleanup()

    def ask(self, target: str, seed: int) -> dict[str, Any]:
        """Have one input read, and return its outcome."""
        fresh = self._process is None
        process = self._process = self._process or self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(json.dumps({"target": target, "seed": seed}) + "\n")
        process.stdin.flush()
        if fault := self._waited(process, self._most_seconds + (_STARTING if fresh else 0)):
            process.send_signal(signal.SIGUSR1)  # to say where it is
            time.sleep(1)
            self._end()
            return self._lost(target, seed, fault)
        line = process.stdout.readline()
        if line:
            return dict(json.loads(line))
        self._process = None
        return self._lost(target, seed, f"died with exit code {process.wait()}")

    def _lost(self, target: str, seed: int, fault: str) -> dict[str, Any]:
        seconds = MOST_SECONDS if fault.startswith("hang") else 0.0
        return {"target": target, "seed": seed, "end": "lost", "faults": [fault],
                "where": self._stack(), "seconds": seconds, "peak": 0}  # fmt: skip

    def _stack(self) -> list[str]:
        """Return where a process was when it was lost: files, lines and functions."""
        said = Path(self._scratch.name, "stack").read_text()
        lines = said.rpartition("Current thread")[2].splitlines()
        frames = [line.split('"')[1].rsplit("/", 1)[-1] + line.rpartition('"')[2]
                  for line in lines if line.lstrip().startswith("File ")]  # fmt: skip
        return frames[:4][::-1]

    def _started(self) -> "subprocess.Popen[str]":
        command = [sys.executable, "-m", "tests.fuzz.worker", self._scratch.name,
                   str(self._samples), self._targets]  # fmt: skip
        paths = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
        environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
        return subprocess.Popen(command, cwd=_ROOT, env=environment, text=True,
                                stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=None)  # fmt: skip

    def _waited(self, process: "subprocess.Popen[str]", most: float) -> str | None:
        """Wait for an answer; return what is wrong where none comes."""
        began = last = _cpu_seconds(process.pid)
        moved = time.monotonic()
        while not select([process.stdout], [], [], 0.5)[0]:
            now = _cpu_seconds(process.pid)
            if now - began > most:
                return f"hang: more than {self._most_seconds:.0f} CPU seconds"
            if now > last:
                last, moved = now, time.monotonic()
            elif time.monotonic() - moved > self._most_asleep:
                return f"hang: asleep for {self._most_asleep:.0f} seconds"
        return None

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:  # it has just died, which its answer will say
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

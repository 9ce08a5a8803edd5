"""Time and memory of the command line on large inputs: scripts/bench scale [NAME ...] [--share X].

Each input is made in a temporary folder and read by a process of its own, whose processor seconds
and most memory are printed, with the memory it held after a tenth of its time: where memory does
not grow with the input, the two are near each other. `--share` makes every input smaller.
"""

import argparse
import csv
import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import NamedTuple

from clinnlp.io.notes.corpora import read_notes
from tests.bench import ROOT, record

MINI = ROOT / "corpora" / "discharge-mini"
WORDS = MINI / "vocabulary.csv"


class Cost(NamedTuple):
    """What a command took: seconds on the clock and of the processor, and MiB of memory."""

    seconds: float
    cpu_seconds: float
    early_mib: float
    peak_mib: float
    said: str


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(CASES)} (default: all)")
    parser.add_argument("--share", type=float, default=1.0, help="of the size (default: 1)")
    args = parser.parse_args()
    for name in args.names or CASES:
        with tempfile.TemporaryDirectory() as folder:
            what, command = CASES[name](Path(folder), args.share)
            cost = run(command)
        figures = {k: round(v, 1) for k, v in cost._asdict().items() if k != "said"}
        record(f"scale, {name}", input=what, **figures, said=cost.said)


def run(command: list[str]) -> Cost:
    """Run `clinnlp` in a process of its own, and return what it took.

    Raises
    ------
    RuntimeError
        It failed.
    """
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:  # a pipe that nobody reads would fill up
        child = subprocess.Popen(
            [sys.executable, "-m", "clinnlp.cli", *command],
            stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        held = list(_memory(child))
        _, status, used = os.wait4(child.pid, 0)
        output.seek(0)
        said = output.read()
    if status:
        raise RuntimeError(f"the command must succeed, got: {said[-500:]}")
    seconds = time.perf_counter() - began
    early, peak = held[len(held) // 10], held[-1]  # rusage may count what this process holds
    cpu = used.ru_utime + used.ru_stime
    last = said.strip().splitlines()[-1] if said.strip() else ""
    return Cost(seconds, cpu, early / 2**10, peak / 2**10, last)


def _memory(child: "subprocess.Popen[bytes]") -> Iterator[int]:
    """Yield the most memory so far, in KiB, ten times a second, until the process is a zombie."""
    status = Path(f"/proc/{child.pid}/status")
    while True:
        found = [line for line in status.read_text().splitlines() if line.startswith("VmHWM:")]
        if not found:
            return
        yield int(found[0].split()[1])
        time.sleep(0.1)


# --- inputs --------------------------------------------------------------------------------


def notes_of_size(folder: Path, share: float) -> tuple[str, list[str]]:
    """A gigabyte of notes as JSON Lines."""
    n_bytes, n = round(share * 10**9), 0
    mini = [note.text for note in _mini()]
    texts = cycle([json.dumps("\n\n".join(mini[k : k + 4])) for k in range(len(mini) - 3)])
    path = folder / "notes.jsonl"
    with path.open("w") as handle:
        while handle.tell() < n_bytes:
            for text in islice(texts, 100):
                handle.write(f'{{"id": "n{n}", "text": {text}}}\n')
                n += 1
    words = folder / "words.csv"  # so few that a mention stands among 40 words, as in MTSamples
    rows = WORDS.read_text().splitlines(keepends=True)
    words.write_text("".join([rows[0], *rows[1::4]]))
    what = f"JSONL of {path.stat().st_size / 1e6:,.0f} MB, {n:,} notes"
    return what, _extract(path, folder, words)


def one_note(folder: Path, share: float) -> tuple[str, list[str]]:
    """One note of 50 MB."""
    whole = "\n\n".join(note.text for note in _mini())
    text = whole * round(share * 50e6 / len(whole.encode()))
    path = _jsonl(folder, [text])
    return f"one note of {len(text.encode()) / 1e6:,.1f} MB", _extract(path, folder)


def tiny_notes(folder: Path, share: float) -> tuple[str, list[str]]:
    """200,000 notes of a line."""
    n = round(share * 200_000)
    path = _jsonl(folder, (f"No chest pain on day {k}." for k in range(n)))
    return f"{n:,} notes of 25 characters", _extract(path, folder)


def names(folder: Path, share: float) -> tuple[str, list[str]]:
    """A vocabulary of two million names."""
    n = round(share * 2_000_000)
    path = folder / "words.csv"
    with path.open("w") as handle:
        handle.write("code,name,label\n")
        handle.writelines(f"c{k},agent {k:x} of series {k % 997},Drug\n" for k in range(n))
    notes = _jsonl(folder, (note.text for note in _mini()))
    return f"vocabulary of {n:,} names, 185 notes", _extract(notes, folder, path)


def columns(folder: Path, share: float) -> tuple[str, list[str]]:
    """A table of notes with 5,000 columns."""
    path, n = folder / "notes.csv", round(share * 2_000)
    _wide(path, n, [note.text for note in _mini()])
    how = ["--text-column", "text", "--id-column", "id"]
    what = f"notes in a CSV of 5,000 columns, {n:,} rows, {path.stat().st_size / 1e6:,.0f} MB"
    return what, [*_extract(path, folder), *how]


def items(folder: Path, share: float) -> tuple[str, list[str]]:
    """A wide table of 5,000 items, mined."""
    path, n = folder / "wide.csv", round(share * 2_000)
    _wide(path, n, ["-"])
    what = f"wide CSV of 5,000 items, {n:,} rows, {path.stat().st_size / 1e6:,.0f} MB"
    return what, ["mine", str(path), "--items", "c0:c4997", "--out", str(folder / "out")]


def results(folder: Path, share: float) -> tuple[str, list[str]]:
    """A MIMIC-IV folder with two million results of a laboratory, looked at."""
    n = round(share * 2_000_000)
    hosp = folder / "hosp"
    hosp.mkdir()
    people = "".join(f"{k},F,50,2150,2008 - 2010,\n" for k in range(5_000))
    (hosp / "patients.csv").write_text(
        f"subject_id,gender,anchor_age,anchor_year,anchor_year_group,dod\n{people}"
    )
    stays = (f"{k % 5_000},{k},2150-01-01 10:00:00,2150-01-09 10:00:00,,URGENT,\n"
             for k in range(20_000))  # fmt: skip
    (hosp / "admissions.csv").write_text(
        "subject_id,hadm_id,admittime,dischtime,deathtime,admission_type,race\n" + "".join(stays)
    )
    with gzip.open(hosp / "labevents.csv.gz", "wt", compresslevel=1) as handle:
        handle.write("labevent_id,subject_id,hadm_id,specimen_id,itemid,charttime,storetime,value,"
                     "valuenum,valueuom,ref_range_lower,ref_range_upper,flag\n")  # fmt: skip
        for k in range(n):
            day, stay, value = f"2150-01-0{1 + k % 8} {k % 24:02}", k * 7919 % 20_000, k % 997 / 10
            said = f"<{value}," if k % 31 == 0 else f"{value},{value}"
            handle.write(f"{k},{stay % 5_000},{stay},{k // 8},{50_800 + k % 600},{day}:10:00,"
                         f"{day}:59:00,{said},mg/dL,3,20,\n")  # fmt: skip
    return f"MIMIC-IV with {n:,} results", ["inspect", str(folder)]


CASES: dict[str, Callable[[Path, float], tuple[str, list[str]]]] = {
    "jsonl": notes_of_size,
    "note": one_note,
    "tiny": tiny_notes,
    "names": names,
    "columns": columns,
    "items": items,
    "results": results,
}


def _mini() -> list:
    paths = [MINI / f"{part}.jsonl" for part in ("train", "dev", "test")]
    return list(read_notes(paths))


def _extract(path: Path, folder: Path, words: Path = WORDS) -> list[str]:
    return ["extract", str(path), str(folder / "out"), "--vocabulary", str(words)]


def _jsonl(folder: Path, texts: Iterable[str]) -> Path:
    path = folder / "notes.jsonl"
    with path.open("w") as handle:
        handle.writelines(
            json.dumps({"id": f"n{k}", "text": t}) + "\n" for k, t in enumerate(texts)
        )
    return path


def _wide(path: Path, n: int, texts: list[str]) -> None:
    """Write a table with an id, a text, and 4,998 columns of which a row has some filled."""
    with path.open("w", newline="") as handle:
        writer = csv.writer(handle)
        writer.writerow(["id", "text", *(f"c{k}" for k in range(4_998))])
        for row, text in enumerate(islice(cycle(texts), n)):
            cells = ["1" if (row * 31 + k * k) % 97 == 0 else "" for k in range(4_998)]
            writer.writerow([f"r{row}", text, *cells])


if __name__ == "__main__":
    main()

"""A process that reads many inputs one after the other, and says of each how it went.

Started by `tests.fuzz.harness`: a line on standard input is ``{"target": ..., "seed": ...}``, and
for each there is a line of JSON that says what came of it. Whatever an input makes the library
print, raise, log or leave behind is searched for the canary words here; no text of an input is in
an answer.
"""

import faulthandler
import json
import logging
import os
import re
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

from clinnlp.core.errors import ClinnlpError
from tests.common.error_chains import chain_of
from tests.fuzz.inputs import mutated
from tests.fuzz.readers import Place, Refused, Target
from tests.fuzz.samples import CANARIES, Sample, load_samples

__all__ = ["main", "run_input", "write_input"]

_MOST_RESERVED = 2**32  # bytes that an input may ask for
_CONTROL = {chr(i) for i in range(32)} - set("\t\n\r") | {chr(127)}
# Names of columns are told; where a damage makes the name of a column of a word, that is no leak.
_NAMES = re.compile(r"columns are .*")
_FAULT = re.compile(r"unexpected [^;]*")  # the last resort of the command line
_KEPT = (".lock",)
_ROOT = Path(__file__).parents[2]


def main(argv: list[str]) -> None:
    """Answer for each line on standard input; arguments: scratch, samples, home of the targets."""
    scratch, folder = Path(argv[0]), Path(argv[1])
    module, _, name = argv[2].partition(":")
    targets = getattr(import_module(module), name)
    samples = load_samples(folder)
    answers = os.fdopen(os.dup(1), "w")
    _settle(scratch)
    at_first = _status("VmRSS")
    for line in sys.stdin:
        asked = json.loads(line)
        target = targets[asked["target"]]
        rng = Random(f"{asked['target']} {asked['seed']}")
        sample = draw(target, rng, samples)
        way = rng.randrange(len(target.ways))
        outcome = run_input(target, way, sample, scratch)
        # as if this input had been the first: what others made the process load is not its doing
        peak = at_first + outcome["added"]
        answers.write(json.dumps({**asked, "way": way, **outcome, "peak": peak}) + "\n")
        answers.flush()


def draw(target: Target, rng: Random, samples: dict[str, Sample]) -> Sample:
    """Return the mutated input of a target, as the dice say: first the sample, then the damages."""
    mine = {name: one for name, one in samples.items() if name.startswith(target.samples)}
    return mutated(mine[rng.choice(list(mine))], rng, samples if target.private else mine)


def write_input(sample: Sample, folder: Path) -> Path:
    """Write the files of an input, those that can be written, and return what is to be read."""
    for name, content in sample.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.write_bytes(content)
    return folder / sample.main


def run_input(target: Target, way: int, sample: Sample, scratch: Path) -> dict[str, Any]:
    """Have one input read, and return what came of it: end, faults, seconds, bytes."""
    for name in ("in", "out", "cwd", "tmp"):
        shutil.rmtree(scratch / name, ignore_errors=True)
        (scratch / name).mkdir()
    place = Place(write_input(sample, scratch / "in"), scratch / "out")
    before = _listed(scratch / "in")
    held = _forget_peak()
    error, found = None, None
    with _captured(scratch) as said:
        began = time.process_time()
        try:
            with _bounded():
                found = target.ways[way](place)
        except BaseException as raised:  # that is what is looked for
            error = raised
        seconds = time.process_time() - began
    faults = [*_of_error(error), *_of_result(found), *_of_streams(said)]
    faults += _of_files(scratch, before, refused=error is not None)
    end = "read" if error is None else "refused"
    where = _frames(error) if faults and error is not None else []
    added = _status("VmHWM") - held
    return {"end": end, "faults": faults, "where": where, "seconds": seconds, "added": added}


# --- what is looked for --------------------------------------------------------------------


def has_canary(text: str) -> bool:
    """Return whether a text holds a canary word, in any case."""
    folded = text.lower()
    return any(word in folded for word in CANARIES)


def _of_error(error: BaseException | None) -> Iterator[str]:
    if error is None or isinstance(error, Refused):
        return
    if not isinstance(error, ClinnlpError):
        yield f"raised {type(error).__name__}"
    elif "\n" in str(error).strip("\n"):
        yield "a message of several lines"
    for one in chain_of(error):
        held = _NAMES.sub("", f"{one}\n{one!r}\n{vars(one)!r}\n{getattr(one, 'filename', '')}")
        if has_canary(held) or hasattr(one, "doc") or isinstance(one, UnicodeError):
            yield f"text in {type(one).__name__} of {type(error).__name__}"


def _of_result(found: Any) -> Iterator[str]:
    for one in found if isinstance(found, list) else ():
        if isinstance(one, BaseException):
            yield from _of_error(one)


def _of_streams(said: dict[str, str]) -> Iterator[str]:
    for name, text in said.items():
        if has_canary(_NAMES.sub("", text)):
            yield f"text in {name}"
        if "Traceback" in text or "Exception ignored" in text:
            yield f"traceback in {name}"
        if place := _FAULT.search(text):
            yield place[0]
        if name != "log" and _CONTROL & set(text):
            yield f"control characters in {name}"


def _of_files(scratch: Path, before: dict[str, int], *, refused: bool) -> Iterator[str]:
    if _listed(scratch / "in") != before:
        yield "the input was changed"
    for name in ("tmp", "cwd", "home"):
        if left := _listed(scratch / name):
            yield f"left in {name}: {sorted(left)}"
    for path in (scratch / "out").rglob("*"):
        if path.name.startswith(".") and path.name not in _KEPT:
            yield f"left in out: a hidden file {path.suffix}"
        if refused and path.is_file() and has_canary(path.read_bytes().decode("latin-1")):
            yield "text in what a refusal left"


def _listed(folder: Path) -> dict[str, int]:
    files = (path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    return {path.relative_to(folder).as_posix(): path.lstat().st_size for path in files}


def _frames(error: BaseException) -> list[str]:
    """Return where an error came from: the last places in our own code, and the very last."""
    frames = traceback.extract_tb(error.__traceback__)
    ours = [f for f in frames if f.filename.startswith(str(_ROOT / "clinnlp"))]
    shown = [*ours[-3:], *(frames[-1:] if frames and frames[-1] not in ours[-1:] else ())]
    return [f"{Path(f.filename).name}:{f.lineno} {f.name}" for f in shown]


# --- the process ---------------------------------------------------------------------------


def _settle(scratch: Path) -> None:
    """Give the process a home, a place for temporary files, and bounds."""
    (scratch / "home").mkdir(parents=True, exist_ok=True)
    (scratch / "cwd").mkdir(exist_ok=True)
    os.environ["HOME"] = str(scratch / "home")
    os.environ["TMPDIR"] = tempfile.tempdir = str(scratch / "tmp")
    warnings.simplefilter("always")
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    stack = (scratch / "stack").open("w")
    faulthandler.enable(stack)
    faulthandler.register(signal.SIGUSR1, stack)


@contextmanager
def _bounded() -> Iterator[None]:
    """Refuse more memory than an input may need, so that no input takes the whole machine.

    Libraries that are only loaded now reserve much that they never touch, so the bound is wide;
    what was really used is measured.
    """
    most = _status("VmSize") + _MOST_RESERVED
    resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY,) * 2)


@contextmanager
def _captured(scratch: Path) -> Iterator[dict[str, str]]:
    """Collect what goes to standard output, standard error and the logs, by any way."""
    said: dict[str, str] = {}
    paths = {"stdout": scratch / "stdout", "stderr": scratch / "stderr", "log": scratch / "log"}
    kept = [os.dup(1), os.dup(2)]
    handler = logging.FileHandler(paths["log"], mode="w", encoding="utf-8", errors="replace")
    root = logging.getLogger()
    root.addHandler(handler)
    level, root.level = root.level, logging.DEBUG
    for fd, name in ((1, "stdout"), (2, "stderr")):
        with paths[name].open("wb") as file:
            os.dup2(file.fileno(), fd)
    here = Path.cwd()
    os.chdir(scratch / "cwd")
    try:
        yield said
    finally:
        os.chdir(here)
        sys.stdout.flush()
        sys.stderr.flush()
        for fd, old in zip((1, 2), kept, strict=True):
            os.dup2(old, fd)
            os.close(old)
        root.removeHandler(handler)
        handler.close()
        root.level = level
        said |= {name: path.read_bytes().decode("utf-8", "replace") for name, path in paths.items()}


def _status(name: str) -> int:
    """Return a figure of /proc/self/status in bytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))


def _forget_peak() -> int:
    """Make the most memory that the process held what it holds now, and return that."""
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


if __name__ == "__main__":
    main(sys.argv[1:])

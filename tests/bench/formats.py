"""Formats: megabytes a second, beside the package bioc and spaCy's own DocBin; constant memory.

scripts/bench formats [--peer-python PYTHON | --gigabytes 1 | --round-trips]: each format writes
and reads the same notes (bc5cdr train and dev), best of three in seconds of CPU, so that other
work on the machine does not matter. PYTHON has the package bioc, which is not one of this
library's: python -m venv out/bioc && out/bioc/bin/pip install bioc==2.1. With --gigabytes a
JSON Lines file of that size is generated, read and converted, and the highest memory of the
process is shown. With --round-trips every corpus is written in every format and read back.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from clinnlp.io.notes.sidecar import sidecar_path
from tests.bench import DATA, record

_LOSSY = {
    **dict.fromkeys(("conll", "brat", "ddi", "i2b2-xml"), ("relations",)),
    **dict.fromkeys(("csv", "tsv", "parquet"), ("entities", "relations")),
}
_SKIPPED = ("i2b2", "omop")  # hold mentions of whole tokens only, or ids of numbers
_PEER = """
import json, sys, time
import bioc.biocxml, bioc.biocjson
kind, source, target = sys.argv[1:]
module = {"bioc-xml": bioc.biocxml, "bioc-json": bioc.biocjson}[kind]
def best(call):
    times = []
    for _ in range(3):
        start = time.process_time(); call(); times.append(time.process_time() - start)
    return min(times)
with open(source) as handle:
    collection = module.load(handle)
def read():
    with open(source) as handle:
        module.load(handle)
def write():
    with open(target, "w") as handle:
        module.dump(collection, handle)
print(json.dumps([best(read), best(write), len(collection.documents)]))
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peer-python", help="a Python that has the package bioc")
    parser.add_argument("--gigabytes", type=float, default=0)
    parser.add_argument("--round-trips", action="store_true")
    parser.add_argument("--only", nargs="+", default=[])
    args = parser.parse_args()
    if args.gigabytes:
        measure_memory(args.gigabytes)
        return
    if args.round_trips:
        round_trips(args.only)
        return
    corpora = [
        DATA / "bc5cdr" / f"CDR_{name}Set.PubTator.txt" for name in ("Training", "Development")
    ]
    notes = list(read_notes(corpora))
    with tempfile.TemporaryDirectory() as folder:
        for name in (name for name, entry in FORMATS.items() if entry.write is not None):
            if name not in _SKIPPED and name in (args.only or FORMATS):
                measure(name, notes, Path(folder), args.peer_python)


def measure(name: str, notes: list, folder: Path, peer: str | None) -> None:
    """Time writing and reading of one format, and of its peer on the same file."""
    empty = dict.fromkeys(_LOSSY.get(name, ()), ())
    some = [fitting(note.with_(**empty), name) for note in notes]
    paths = iter(folder / f"{name}-{k}" for k in range(3))
    write_s = best(lambda: write_notes(some, next(paths), format=name))
    path = folder / f"{name}-0"
    n_bytes = sum(p.stat().st_size for p in (path.rglob("*") if path.is_dir() else [path]))
    read_s = best(lambda: sum(1 for _ in read_notes(path, format=name)))
    peers = {}
    if name.startswith("bioc") and peer:
        done = subprocess.run(
            [peer, "-c", _PEER, name, str(path), str(folder / "peer")],
            check=True, capture_output=True, text=True,
        )  # fmt: skip
        peer_read, peer_write, n = json.loads(done.stdout)
        assert n == len(some)
        peers = {"peer": "bioc", "peer_read": peer_read, "peer_write": peer_write}
    elif name == "docbin":
        peers = docbin_peer(path)
    megabytes = n_bytes / 1e6
    record("formats", format=name, notes=len(some), megabytes=round(megabytes, 2),
           read_mb_s=round(megabytes / read_s, 1), write_mb_s=round(megabytes / write_s, 1),
           **{key: value if key == "peer" else round(megabytes / value, 1)
              for key, value in peers.items()})  # fmt: skip


def fitting(note, name: str):
    """Return the note with what the format takes of its mentions."""
    if name not in ("conll", "i2b2-xml", "ddi"):
        return note
    if name != "conll":
        plain = (replace(entity, concepts=(), attributes={}) for entity in note.entities)
        return note.with_(entities=tuple(plain))
    from clinnlp.core.spans import keep_longest
    from clinnlp.core.tokens import tokenize

    tokens = tokenize(note.text)
    starts, ends = {t.start for t in tokens}, {t.end for t in tokens}
    kept = [e for e in note.entities if e.span.start in starts and e.span.end in ends]
    kept = [kept[k] for k in keep_longest([e.span for e in kept])]
    plain = (replace(e, concepts=(), attributes={}) for e in kept)
    return note.with_(entities=tuple(plain))


def docbin_peer(path: Path) -> dict:
    """Time spaCy's own reading of the file into Docs, and its writing of those."""
    from spacy.tokens import DocBin
    from spacy.vocab import Vocab

    docs = list(DocBin().from_disk(path).get_docs(Vocab()))

    def write() -> None:
        DocBin(docs=docs, store_user_data=True).to_disk(path.with_name("peer"))

    read_s = best(lambda: list(DocBin().from_disk(path).get_docs(Vocab())))
    return {"peer": "spaCy DocBin to Docs", "peer_read": read_s, "peer_write": best(write)}


def best(call) -> float:
    times = []
    for _ in range(3):
        start = time.process_time()
        call()
        times.append(time.process_time() - start)
    return min(times)


def round_trips(only: list[str]) -> None:
    """Write every corpus in every format and read it back; count notes that are not the same."""
    from tests.integration.test_io_counts import COUNTS, source_of

    with tempfile.TemporaryDirectory() as folder:
        for corpus in only or COUNTS:
            notes = list(source_of(corpus, lambda name: DATA / name, Path(folder)))
            for form in (f for f, entry in FORMATS.items() if entry.write is not None):
                some = [note for note in notes if _can_stand(note, form)]
                path = Path(folder, "out")
                write_notes(some, path, format=form, on_loss="sidecar")
                back = {note.id: note for note in read_notes(path, format=form)}
                differ = sum(back.get(note.id) != note for note in some) + len(back) - len(some)
                record("round trips", corpus=corpus, format=form, notes=len(some), differ=differ)
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                sidecar_path(path).unlink(missing_ok=True)


def _can_stand(note, form: str) -> bool:
    """Return whether id and text can stand in a format; the rest goes to a sidecar."""
    if form == "pubtator":
        return note.text.count("\n") < 2 and "\r" not in note.text
    return form != "omop" or note.id.isdecimal()


def measure_memory(gigabytes: float) -> None:
    """Generate a JSON Lines file, and read and convert it in processes of their own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.jsonl"
        line = next(iter(read_notes(DATA / "bc5cdr" / "CDR_TrainingSet.PubTator.txt")))
        write_notes([line], path)
        raw = path.read_bytes().replace(line.id.encode(), b"%d")
        n = int(gigabytes * 1e9 / len(raw))
        with path.open("wb") as handle:
            for k in range(n):
                handle.write(raw.replace(b"%d", b"%09d" % k))
        for name, code in _RUNS.items():
            start = time.perf_counter()
            done = subprocess.run([sys.executable, "-c", code, str(path)], check=True,
                                  capture_output=True, text=True)  # fmt: skip
            first, last, n_read = json.loads(done.stdout)
            record("memory", run=name, gigabytes=round(path.stat().st_size / 1e9, 2), notes=n_read,
                   seconds=round(time.perf_counter() - start), mb_after_first_note=first,
                   mb_at_most=last)  # fmt: skip


_HEAD = """
import json, resource, sys
from clinnlp.io.notes.corpora import read_notes, write_notes
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
notes = read_notes(sys.argv[1])
next(iter(notes))
first = peak()
"""
_RUNS = {
    "read": _HEAD + "n = sum(1 for _ in notes)\nprint(json.dumps([first, peak(), n]))",
    "to BioC XML": _HEAD
    + "n = write_notes(notes, sys.argv[1] + '.xml', format='bioc-xml')\n"
    + "print(json.dumps([first, peak(), n]))",
}


if __name__ == "__main__":
    main()

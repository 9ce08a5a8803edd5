"""Files to files: whole or nothing, resumed after a stop, closed where it fails, twice the same."""

import hashlib
import json
import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Coverage
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.flow import deidentify, work_folder
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.settings import DeidentifySettings
from tests.unit.study.deidentify.conftest import CANARIES, finder, note_of

KEY = Key(b"k")
SMALL = DeidentifySettings(part_size=5)


def run(source, out, *, key=KEY, how=SMALL, pipe=finder, **more):
    by = Deidentifier(key, pipe, how)
    return deidentify(read_notes(source, skip_bad=True), out, by, progress=False, **more)


@pytest.fixture
def source(notes, tmp_path):
    path = tmp_path / "in.jsonl"
    write_notes(notes, path)
    return path


def test_one_by_one_as_a_stream_as_a_whole_and_twice(source, notes, tmp_path):
    out = tmp_path / "out.jsonl"
    summary = run(source, out)
    assert (summary.n_notes, summary.n_failed, summary.n_resumed) == (12, 0, 0)
    assert summary.found["NAME", "rule:name"] == 3 * 12
    made = list(read_notes(out))
    by = Deidentifier(KEY, finder, SMALL).gather(notes)
    assert [by(note) for note in reversed(notes)] == made[::-1]
    assert [by(note) for note in made] == made
    # a second run with the key leaves all as it is, with another key it does not
    again = run(out, tmp_path / "again.jsonl")
    assert (again.n_sealed, again.found.total()) == (12, 0)
    assert (tmp_path / "again.jsonl").read_bytes() == out.read_bytes()
    assert run(out, tmp_path / "other.jsonl", key=Key(b"other")).n_sealed == 0


def test_the_same_key_writes_the_same_bytes_and_another_shares_no_surrogate(source, tmp_path):
    for name, key in (("a", KEY), ("b", KEY), ("c", Key(b"other"))):
        run(source, tmp_path / f"{name}.jsonl", key=key, how=DeidentifySettings(part_size=7))
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes()
    one, two = (next(iter(read_notes(tmp_path / f"{name}.jsonl"))) for name in "ac")
    assert one.patient != two.patient
    assert not {*one.text.split()[1:2]} & {*two.text.split()[1:2]}
    assert one.time != two.time


@pytest.mark.slow
def test_another_process_with_another_hash_seed_writes_the_same(source, tmp_path):
    code = (
        "import sys; from tests.unit.study.deidentify import test_flow as t; "
        "t.run(sys.argv[1], sys.argv[2])"
    )
    hashes = set()
    for seed in ("1", "2"):
        out = tmp_path / f"{seed}.jsonl"
        subprocess.run(
            [sys.executable, "-c", code, str(source), str(out)],
            check=True, env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        hashes.add(hashlib.sha256(out.read_bytes()).hexdigest())
    assert len(hashes) == 1


def test_no_original_stands_in_anything_that_is_written(source, tmp_path, caplog, capsys):
    out = tmp_path / "out.jsonl"
    run(source, out, n_audit=6, how=DeidentifySettings(part_size=5))
    files = [out, *(path for path in work_folder(out).rglob("*") if path.is_file())]
    assert len(files) == 6
    said = "".join(capsys.readouterr()) + caplog.text
    for path in files:
        said += path.read_text()
    ids = [f'"n-{k}"' for k in range(12)] + [f'"E{k}"' for k in range(12)]
    assert not [word for word in (*CANARIES, *ids) if word in said]


def test_a_note_that_fails_is_not_let_out(source, notes, tmp_path):
    def fails(note):
        if note.id == "n-3":
            raise KeyError(note.text)
        if note.id == "n-4":
            return finder(note).with_(coverage=Coverage(n_seen=3, n_total=9))
        return finder(note)

    with source.open("a") as file:
        file.write('{"id": "bad"}\n')
    out = tmp_path / "out.jsonl"
    summary = run(source, out, pipe=fails)
    assert summary.failed == {4: "PipeError", 5: "not read to its end"}
    assert summary.unreadable == [f"{source}:13"]
    assert (summary.n_notes, summary.n_failed) == (10, 3)
    fevers = {note.text.split("fever ")[1].split(".")[0] for note in read_notes(out)}
    assert fevers == {str(k) for k in range(12)} - {"3", "4"}
    told = json.loads((work_folder(out) / "summary.json").read_text())
    assert told["failed"] == {"4": "PipeError", "5": "not read to its end"}


def test_a_replacement_that_fails_keeps_its_note_back(source, tmp_path, monkeypatch):
    replaced = Deidentifier.replaced

    def fails(self, note, found):
        if note.id == "n-7":
            raise ZeroDivisionError(note.text)
        return replaced(self, note, found)

    monkeypatch.setattr(Deidentifier, "replaced", fails)
    summary = run(source, tmp_path / "out.jsonl")
    assert summary.failed == {8: "ZeroDivisionError"}
    assert summary.n_notes == 11


def test_a_value_of_the_record_that_still_stands_keeps_its_note_back(source, tmp_path):
    known = {"7730915": ["fever 3.", "His", "Nobody"]}
    summary = run(source, tmp_path / "out.jsonl", known=known)
    assert summary.failed == {4: "a value of the record still stands in it"}


class Killed(BaseException):
    pass


@pytest.mark.parametrize("at", [0, 5, 6, 11])
def test_a_run_that_was_stopped_goes_on(source, tmp_path, at):
    """It finds nothing twice, and what it writes is what a run alone would have written."""
    run(source, tmp_path / "alone.jsonl")
    out, seen = tmp_path / "out.jsonl", []

    def dies(note):
        if note.id == f"n-{at}" and len(seen) <= at:
            raise Killed
        seen.append(note.id)
        return finder(note)

    with pytest.raises(Killed):
        run(source, out, pipe=dies)
    assert not out.exists()
    n = len(seen)
    seen += ["alive"] * 99
    summary = run(source, out, pipe=dies)
    assert summary.n_resumed == at // 5 * 5 <= n
    assert len(seen) - n - 99 == 12 - summary.n_resumed
    assert out.read_bytes() == (tmp_path / "alone.jsonl").read_bytes()
    assert not list(work_folder(out).glob("found-*"))


def test_a_run_that_was_stopped_is_not_gone_on_with_by_another(source, tmp_path):
    out = tmp_path / "out.jsonl"

    def dies(note):
        if note.id == "n-9":
            raise Killed
        return finder(note)

    with pytest.raises(Killed):
        run(source, out, pipe=dies)
    for more in ({"key": Key(b"other")}, {"made_by": {"model": "m"}}):
        with pytest.raises(DataError, match="must be gone on with as it was begun, got another"):
            run(source, out, **more)


def test_notes_that_changed_meanwhile_are_found_anew(source, notes, tmp_path):
    out = tmp_path / "out.jsonl"

    def dies(note):
        if note.id == "n-9":
            raise Killed
        return finder(note)

    with pytest.raises(Killed):
        run(source, out, pipe=dies)
    changed = [note_of(99) if k == 1 else note for k, note in enumerate(notes)]
    write_notes(changed, source)
    flow_pipes = Deidentifier(KEY, dies, SMALL).finder
    assert run(source, out, pipe=finder, made_by={"finder": repr(flow_pipes)}).n_resumed == 0


def test_places_that_are_no_output_are_refused(source, tmp_path):
    with pytest.raises(ArgumentError, match="must be another file or folder than what is read"):
        run(source, source)
    with pytest.raises(ArgumentError, match="must go to a file or folder, got a device"):
        run(source, "/dev/stdout")
    assert next(iter(read_notes(source))).text.startswith("Mr Zebraperson")


def test_a_folder_of_a_format_goes_to_another(source, tmp_path):
    summary = run(source, tmp_path / "made", format="brat", on_loss="sidecar")
    assert summary.n_notes == 12
    assert len(list((tmp_path / "made").glob("*.txt"))) == 12
    again = run(tmp_path / "made", tmp_path / "made2.jsonl")
    assert again.n_sealed == 12


@pytest.mark.slow
def test_memory_grows_by_ids_alone(tmp_path):
    """Of notes of 20 kB each no more than 3 kB are held once they are done."""
    peaks = []
    for n in (50, 300):
        source = tmp_path / f"{n}.jsonl"
        long = "No fever. " * 2000
        notes = (replace(note_of(k, f"p{k}"), text=note_of(k).text + long) for k in range(n))
        write_notes(notes, source)
        by = Deidentifier(KEY, finder, DeidentifySettings(part_size=10))
        tracemalloc.start()
        deidentify(read_notes(source), tmp_path / f"out{n}.jsonl", by, progress=False, n_audit=5)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert (peaks[1] - peaks[0]) / 250 < 3_000

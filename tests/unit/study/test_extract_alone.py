"""Two runs into one folder: one is refused at once, and a killed one leaves nothing to wait for."""

import subprocess
import sys
from collections import Counter

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import RunError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.parts import PartWriter
from clinnlp.study.extract import extract
from clinnlp.study.settings import ExtractSettings

N = 23
NOTES = [Note(id=f"n{k}", text=f"drug{k} given") for k in range(N)]
SETTINGS = ExtractSettings(part_size=4, batch_size=2)
BUSY = "is being written by another process; wait until that has ended, or name another place"

# extracts as above, and stands still at a note until it is told to go on
RUN = """
import sys
from clinnlp.core.errors import RunError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.study.extract import extract
from clinnlp.study.settings import ExtractSettings
out, n, at = sys.argv[1], int(sys.argv[2]), sys.argv[3]

def pipe(note):
    if note.id == at:
        print("inside", flush=True)
        sys.stdin.readline()
    return note.with_(entities=(Entity(id="E1", span=Span(0, 5), label="Drug"),))

print("ready", flush=True)
sys.stdin.readline()
notes = [Note(id=f"n{k}", text=f"drug{k} given") for k in range(n)]
settings = ExtractSettings(part_size=4, batch_size=2)
try:
    extract(notes, Pipeline([pipe]), out, settings=settings, progress=False)
except RunError as error:
    print(error, flush=True)
    sys.exit(1)
"""


def pipe(note):
    return note.with_(entities=(Entity(id="E1", span=Span(0, 5), label="Drug"),))


def run(out, **more):
    return extract(NOTES, Pipeline([pipe]), out, settings=SETTINGS, progress=False, **more)


@pytest.fixture
def started(tmp_path):
    """Give a function that starts a run in a process of its own and waits until it is ready."""
    processes = []

    def start(at):
        command = [sys.executable, "-c", RUN, str(tmp_path / "o"), str(N), at]
        process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        processes.append(process)
        assert process.stdout.readline() == "ready\n"
        return process

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def go(process):
    process.stdin.write("\n")
    process.stdin.flush()


def held_at(note, started):
    process = started(note)
    go(process)
    assert process.stdout.readline() == "inside\n"
    return process


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def check_whole(folder):
    """Each note stands there once, and nothing but what a run alone leaves."""
    assert Counter(read_entity_table(folder)["note"]) == Counter(note.id for note in NOTES)
    parts = [f"part-{k:05d}.parquet" for k in range(6)]
    assert sorted(path.name for path in folder.iterdir()) == ["manifest.json", *parts]


@pytest.mark.parametrize("at", ["n0", "n13"])
def test_a_second_run_is_refused_before_it_writes_or_reads_on(tmp_path, started, at):
    first = held_at(at, started)
    before = contents(tmp_path / "o")

    def never(note):
        raise AssertionError("no note may be worked on")

    with pytest.raises(RunError, match=BUSY):
        extract(NOTES, Pipeline([never]), tmp_path / "o", settings=SETTINGS, progress=False)
    assert contents(tmp_path / "o") == before
    first.communicate("\n")
    assert first.returncode == 0
    check_whole(tmp_path / "o")
    assert run(tmp_path / "o").n_resumed == N
    check_whole(tmp_path / "o")


def test_the_command_says_so_in_one_sentence_and_ends_with_1(tmp_path, started, capsys):
    held_at("n7", started)
    write_notes(NOTES, tmp_path / "notes.jsonl")
    (tmp_path / "words.csv").write_text("name\ndrug1\n")
    call = ["extract", str(tmp_path / "notes.jsonl"), str(tmp_path / "o")]
    assert main([*call, "--vocabulary", str(tmp_path / "words.csv")]) == 1
    said = capsys.readouterr().err.strip()
    assert said.endswith(f"the folder {tmp_path / 'o'} {BUSY}")
    assert "\n" not in said


@pytest.mark.parametrize("at", ["n0", "n14"])
def test_after_a_kill_a_new_run_goes_on_and_the_rows_are_right(tmp_path, started, at):
    first = held_at(at, started)
    first.kill()
    first.wait()
    summary = run(tmp_path / "o")
    assert summary.n_notes + summary.n_resumed == N
    check_whole(tmp_path / "o")


def test_of_two_that_start_at_once_one_runs(tmp_path, started):
    two = [started("n0"), started("n0")]
    for process in two:
        go(process)
    said = [process.stdout.readline() for process in two]
    assert said.count("inside\n") == 1
    winner = two.pop(said.index("inside\n"))
    said.remove("inside\n")
    assert BUSY in said[0]
    two[0].communicate()
    assert two[0].returncode == 1
    winner.communicate("\n")
    assert winner.returncode == 0
    check_whole(tmp_path / "o")


def test_a_folder_replaced_under_a_run_stops_that_run(tmp_path, started):
    first = held_at("n13", started)
    (tmp_path / "o").rename(tmp_path / "aside")
    run(tmp_path / "o")
    check_whole(tmp_path / "o")
    said, _ = first.communicate("\n")
    assert "must stay where it is while it is written" in said
    assert first.returncode == 1
    check_whole(tmp_path / "o")


def test_a_folder_can_be_read_while_it_is_written_and_after_a_kill(tmp_path, started):
    first = held_at("n13", started)
    table = read_entity_table(tmp_path / "o")
    assert table["note"].tolist() == [note.id for note in NOTES[: len(table)]]
    first.kill()
    first.wait()
    assert len(read_entity_table(tmp_path / "o")) == len(table)


def test_a_look_at_what_is_done_is_no_lock(tmp_path):
    run(tmp_path / "o")
    look = PartWriter(tmp_path / "o", settings={})
    assert len(look.done) == N
    run(tmp_path / "o")
    look.flush()
    with look, pytest.raises(RunError, match=BUSY):
        PartWriter(tmp_path / "o", settings={})


def test_what_others_did_between_the_look_and_the_lock_is_seen(tmp_path):
    late = PartWriter(tmp_path / "o", settings={}, notes_per_part=4)
    assert late.done == set()
    run(tmp_path / "o")
    with late:
        assert late.done == {note.id for note in NOTES}
    check_whole(tmp_path / "o")

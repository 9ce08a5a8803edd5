"""Parts: a kill loses at most the running one, and nothing is ever there twice."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import ArgumentError, DataError, RunError
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.io.tables.mentions import read_entity_table
from clinnlp.io.tables.parts import PartWriter

SETTINGS = {"model": "m1", "labels": ["Drug"]}


def rows(note_id, n):
    return EntityTable(
        {
            "note": [note_id] * n,
            "entity": [f"T{k}" for k in range(n)],
            "label": ["Drug"] * n,
            "start": range(n),
            "end": range(1, n + 1),
            "text": ["x"] * n,
            "n_concepts": [0] * n,
        }
    )


def run(folder, ids, **more):
    """Extract as a caller does: what is done is not done again."""
    with PartWriter(folder, settings=SETTINGS, notes_per_part=3, **more) as writer:
        todo = [note_id for note_id in ids if note_id not in writer.done]
        for note_id in todo:
            if note_id.startswith("bad"):
                writer.skip(note_id, ValueError("secret text"))
            else:
                writer.add(note_id, rows(note_id, int(note_id) % 3))
    return todo


IDS = [*map(str, range(7)), "bad7", *map(str, range(8, 11))]


def test_parts_hold_rows_and_ids_of_notes_without_rows(tmp_path):
    assert run(tmp_path, IDS) == IDS
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "manifest.json",
        *(f"part-0000{k}.parquet" for k in range(4)),
        "skipped.jsonl",
    ]
    table = read_entity_table(tmp_path)
    assert table["note"].tolist() == ["1", "2", "2", "4", "5", "5", "8", "8", "10"]
    assert json.loads((tmp_path / "skipped.jsonl").read_text()) == {
        "id": "bad7",
        "error": "ValueError",
    }
    assert "secret" not in "".join(map(str, [p.read_bytes() for p in tmp_path.iterdir()]))


def test_a_second_run_does_nothing(tmp_path):
    run(tmp_path, IDS)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    assert run(tmp_path, IDS) == []
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("n_before", range(12))
def test_resuming_anywhere_gives_the_same_rows(tmp_path, n_before):
    run(tmp_path / "whole", IDS)
    run(tmp_path / "broken", IDS[:n_before])
    assert run(tmp_path / "broken", IDS) == IDS[n_before:]
    whole, broken = (read_entity_table(tmp_path / name) for name in ("whole", "broken"))
    assert list(broken.rows()).__repr__() == list(whole.rows()).__repr__()


def test_an_error_keeps_what_was_whole(tmp_path):
    with pytest.raises(KeyboardInterrupt), PartWriter(tmp_path, settings=SETTINGS) as writer:
        writer.add("1", rows("1", 1))
        raise KeyboardInterrupt
    assert PartWriter(tmp_path, settings=SETTINGS).done == {"1"}


KILLED = """
import sys, time
sys.path.insert(0, {here!r})
from test_parts import *
with PartWriter({folder!r}, settings=SETTINGS, notes_per_part=3) as writer:
    for k in range(8):
        writer.add(str(k), rows(str(k), 1))
    sys.stdout.write("held")
    sys.stdout.flush()
    time.sleep(60)
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill that cannot be caught")
def test_a_kill_loses_the_running_part_only(tmp_path):
    here = str(Path(__file__).parent)
    code = KILLED.format(here=here, folder=str(tmp_path))
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert process.stdout.read(4) == b"held"
    process.kill()
    process.wait()
    process.stdout.close()
    (tmp_path / ".part-00002.parquet.0123abcd.part").write_bytes(b"half")
    writer = PartWriter(tmp_path, settings=SETTINGS)
    assert writer.done == set("012345")
    assert not list(tmp_path.glob(".*"))
    assert run(tmp_path, map(str, range(8))) == ["6", "7"]
    assert read_entity_table(tmp_path)["note"].tolist().count("7") == 1


def test_other_settings_are_refused_by_name(tmp_path):
    run(tmp_path, IDS)
    other = {"model": "m2", "labels": ["Drug"], "seed": 1}
    with pytest.raises(DataError, match=r"got another model, seed; use a new folder"):
        PartWriter(tmp_path, settings=other)
    with pytest.raises(DataError, match=r"got another table"):
        PartWriter(tmp_path, settings=SETTINGS, kind=EventTable)


def test_a_foreign_folder_is_refused(tmp_path):
    (tmp_path / "mine.txt").write_text("")
    with pytest.raises(DataError, match=r"must be new, empty, or begun by this writer"):
        PartWriter(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"], "it is not even locked"
    (tmp_path / "manifest.json").write_text("{}")
    with pytest.raises(DataError, match=r"the manifest must be one of this library"):
        PartWriter(tmp_path)


def test_a_folder_in_which_a_writer_died_at_once_is_new(tmp_path):
    (tmp_path / ".lock").write_bytes(b"")
    (tmp_path / ".manifest.json.0123abcd.part").write_bytes(b"{")
    assert run(tmp_path, IDS) == IDS
    assert not list(tmp_path.glob(".*"))


def test_one_writer_at_a_time(tmp_path):
    first, second = (PartWriter(tmp_path, settings=SETTINGS) for _ in range(2))
    with first:
        with pytest.raises(RunError, match=r"is being written by another process"):
            second.add("1", rows("1", 1))
        with pytest.raises(RunError, match=r"is being written by another process"):
            PartWriter(tmp_path, settings=SETTINGS)
        first.add("1", rows("1", 1))
    with pytest.raises(DataError, match=r"note '1': a note must be added once"), second:
        second.add("1", rows("1", 1))
    assert read_entity_table(tmp_path)["note"].tolist() == ["1"]


def test_a_folder_that_is_gone_when_it_is_locked_is_begun_anew(tmp_path):
    run(tmp_path / "o", IDS)
    writer = PartWriter(tmp_path / "o", settings=SETTINGS)
    (tmp_path / "o").rename(tmp_path / "aside")
    with writer:
        assert writer.done == set()
        writer.add("1", rows("1", 1))
    assert read_entity_table(tmp_path / "o")["note"].tolist() == ["1"]


def test_a_foreign_part_is_refused(tmp_path):
    run(tmp_path, ["1"])
    pq.write_table(pq.read_table(tmp_path / "part-00000.parquet"), tmp_path / "part-1.parquet")
    table = pq.read_table(tmp_path / "part-1.parquet").replace_schema_metadata(None)
    pq.write_table(table, tmp_path / "part-00001.parquet")
    with pytest.raises(DataError, match=r"part-00001.parquet: a part must be one"):
        PartWriter(tmp_path, settings=SETTINGS)


def test_a_full_disk_leaves_whole_parts(tmp_path, monkeypatch):
    run(tmp_path, IDS[:3])

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clinnlp.io.tables.parts.pq.write_table", full)
    with pytest.raises(RunError, match=r"the disk is full"):
        run(tmp_path, IDS)
    monkeypatch.undo()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["manifest.json", "part-00000.parquet"]
    assert run(tmp_path, IDS) == IDS[3:]


def test_arguments(tmp_path):
    with pytest.raises(ArgumentError, match=r"notes_per_part must be at least 1"):
        PartWriter(tmp_path, notes_per_part=0)
    with pytest.raises(ArgumentError, match=r"values of JSON only"):
        PartWriter(tmp_path, settings={"a": time})
    with pytest.raises(DataError, match=r"note '1': a note must be added once"):
        run(tmp_path, ["1", "1"])


def test_a_folder_replaced_while_it_is_written_gets_no_part(tmp_path):
    folder = tmp_path / "o"
    with (
        pytest.raises(RunError, match=r"removed or replaced"),
        PartWriter(folder, settings=SETTINGS) as writer,
    ):
        writer.add("1", rows("1", 1))
        folder.rename(tmp_path / "aside")
        folder.mkdir()
        writer.flush()
    assert not list(folder.iterdir())


def test_what_could_not_be_written_is_not_tried_again_on_leaving(tmp_path, monkeypatch):
    tried = []

    def full(*_, **__):
        tried.append(1)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("clinnlp.io.tables.parts.pq.write_table", full)
    with pytest.raises(RunError, match=r"the disk is full"):
        run(tmp_path, IDS[:3])
    assert tried == [1]


def test_what_was_skipped_stays_listed_when_more_is_skipped_later(tmp_path):
    run(tmp_path, IDS)
    run(tmp_path, [*IDS, "bad11"])
    lines = (tmp_path / "skipped.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["bad7", "bad11"]
    again = PartWriter(tmp_path, settings=SETTINGS)
    assert again.skipped == {"bad7": "ValueError", "bad11": "ValueError"}

"""Where an output goes: links stay, devices are written through, one writer, no leftovers."""

import logging
import os
import signal
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from clinnlp.core import files
from clinnlp.core.errors import ArgumentError, RunError
from clinnlp.core.files import (
    atomic_folder,
    atomic_path,
    atomic_write,
    check_writable,
    scratch_folder,
)
from clinnlp.core.places import is_stdout, is_stream, leads_to, one_writer, place_of

needs_fifo = pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with a name")
BUSY = "is being written by another process; wait until that has ended, or name another place"


def write(path, text):
    with atomic_write(path) as handle:
        handle.write(text)


def write_by_path(path, text):
    with atomic_path(path) as temporary:
        temporary.write_text(text)


def write_folder(path, text):
    with atomic_folder(path) as folder:
        (folder / "a").write_text(text)


WRITERS = pytest.mark.parametrize("writer", [write, write_by_path])


def names(folder):
    return sorted(path.name for path in folder.iterdir())


# --- links ---------------------------------------------------------------------------------


@WRITERS
@pytest.mark.parametrize("there", [True, False])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, writer, there):
    (tmp_path / "far").mkdir()
    target = tmp_path / "far" / "real.txt"
    if there:
        target.write_text("old")
    (tmp_path / "near").symlink_to("far/real.txt")
    (tmp_path / "out").symlink_to(tmp_path / "near")
    writer(tmp_path / "out", "new")
    assert (tmp_path / "out").is_symlink()
    assert (tmp_path / "near").is_symlink()
    assert target.read_text() == "new"
    assert names(tmp_path) == ["far", "near", "out"]
    assert names(tmp_path / "far") == ["real.txt"]


def test_a_folder_given_as_a_link_stays_one(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "out").symlink_to("real", target_is_directory=True)
    for text in ("first", "second"):
        write_folder(tmp_path / "out", text)
        assert (tmp_path / "out").is_symlink()
        assert (tmp_path / "real" / "a").read_text() == text
    assert names(tmp_path) == ["out", "real"]


def test_links_that_lead_round_are_refused_and_stay(tmp_path):
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    for writer in (write, write_by_path, write_folder):
        with pytest.raises(RunError, match="links that lead round in a ring"):
            writer(tmp_path / "a", "x")
    with pytest.raises(RunError, match="links that lead round in a ring"):
        check_writable(tmp_path / "a")
    assert names(tmp_path) == ["a", "b"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() != 0, reason="needs root, who makes files of others"
)
def test_a_link_that_another_user_planted_in_a_folder_of_all_is_not_followed(tmp_path):
    (tmp_path / "mine").write_text("kept")
    (tmp_path / "all").mkdir()
    (tmp_path / "all").chmod(0o1777)
    for name in ("out", "own", ".locked.lock"):
        (tmp_path / "all" / name).symlink_to(tmp_path / "mine")
        if name != "own":
            os.lchown(tmp_path / "all" / name, 65534, 65534)
    with pytest.raises(RunError, match="a link that another user has put into a folder that all"):
        write(tmp_path / "all" / "out", "lost")
    with pytest.raises(RunError, match="failed"):
        write(tmp_path / "all" / "locked", "lost")
    assert (tmp_path / "mine").read_text() == "kept"
    write(tmp_path / "all" / "own", "new")
    assert (tmp_path / "mine").read_text() == "new"


def test_the_other_name_of_a_hard_link_keeps_what_it_had(tmp_path):
    (tmp_path / "one").write_text("old")
    (tmp_path / "two").hardlink_to(tmp_path / "one")
    write(tmp_path / "one", "new")
    assert (tmp_path / "two").read_text() == "old"


# --- devices, pipes, open files ------------------------------------------------------------


@needs_fifo
@WRITERS
def test_a_pipe_with_a_name_is_written_through_and_stays(tmp_path, writer):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: got.append(pipe.read_text()))
    reader.start()
    writer(pipe, "text\n")
    reader.join()
    assert got == ["text\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert names(tmp_path) == ["pipe"]


@pytest.mark.skipif(not Path("/dev/null").exists(), reason="needs devices")
@WRITERS
def test_a_link_to_a_device_is_written_through_and_stays(tmp_path, writer):
    (tmp_path / "out").symlink_to("/dev/null")
    writer(tmp_path / "out", "text")
    assert (tmp_path / "out").is_symlink()
    assert stat.S_ISCHR(Path("/dev/null").stat().st_mode)
    with pytest.raises(ArgumentError, match="must be a folder to write, got a device"):
        write_folder(tmp_path / "out", "text")


@pytest.mark.skipif(not Path("/dev/fd").exists(), reason="needs names of open files")
@WRITERS
def test_an_open_file_is_appended_to_where_its_owner_appends(tmp_path, writer):
    with open(tmp_path / "log", "a") as log:
        log.write("before\n")
        log.flush()
        for path in (f"/dev/fd/{log.fileno()}", f"/proc/self/fd/{log.fileno()}"):
            assert is_stream(path)
            writer(path, "new\n")
        log.write("after\n")
        assert leads_to(f"/dev/fd/{log.fileno()}", tmp_path / "log")
    assert (tmp_path / "log").read_text() == "before\nnew\nnew\nafter\n"
    assert names(tmp_path) == ["log"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
@WRITERS
def test_a_full_device_is_told_and_stays(writer):
    with pytest.raises(RunError, match="the disk is full; what went before has gone through"):
        writer("/dev/full", "x" * 100_000)
    assert stat.S_ISCHR(Path("/dev/full").stat().st_mode)


def test_a_closed_file_is_told():
    with pytest.raises(RunError, match="Bad file descriptor"):
        write("/dev/fd/987", "x")


def test_standard_output_is_known_by_all_its_names(tmp_path):
    (tmp_path / "link").symlink_to("/dev/stdout")
    assert all(map(is_stdout, ("/dev/stdout", "/dev/fd/1", tmp_path / "link")))
    assert not any(map(is_stdout, ("/dev/fd/2", tmp_path / "x", "", ".", "..", "-", "/")))
    assert place_of(tmp_path / "x" / ".." / "y").path == tmp_path / "y"


# --- one writer ----------------------------------------------------------------------------


@pytest.mark.parametrize("writer", [write, write_by_path, write_folder])
def test_a_second_writer_is_refused_at_once_and_the_first_is_not_disturbed(tmp_path, writer):
    with atomic_path(tmp_path / "out") as first:
        first.write_text("first")
        before = names(tmp_path)
        with pytest.raises(RunError, match=f"{tmp_path / 'out'} {BUSY}"):
            elsewhere(writer, tmp_path / "out", "second")
        assert names(tmp_path) == before
        write(tmp_path / "other", "x")
    assert (tmp_path / "out").read_text() == "first"
    assert names(tmp_path) == ["other", "out"]


def test_two_names_of_one_output_are_one(tmp_path):
    (tmp_path / "link").symlink_to("out")
    with one_writer(tmp_path / "out"), pytest.raises(RunError, match=BUSY):
        elsewhere(write, tmp_path / "link", "x")


def elsewhere(function, *args):
    """Call a function in a thread, which holds nothing that we hold."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(function, *args).result()


def test_who_holds_an_output_may_write_it_and_what_lies_in_it(tmp_path):
    with one_writer(tmp_path / "out", inside=True) as folder:
        write(folder / "a.csv", "x")
        write_folder(folder / "model", "x")
        assert names(folder) == [".lock", "a.csv", "model"]
        with pytest.raises(RunError, match=f"{tmp_path / 'out'} {BUSY}"):
            elsewhere(hold, tmp_path / "out")
    assert names(tmp_path / "out") == ["a.csv", "model"]
    with one_writer(tmp_path / "one.csv"):
        write(tmp_path / "one.csv", "x")
    assert names(tmp_path) == ["one.csv", "out"]


def hold(folder):
    with one_writer(folder, inside=True):
        pass


def test_a_file_and_the_folder_it_lies_in_do_not_disturb_each_other(tmp_path):
    with atomic_path(tmp_path / "o" / "notes.csv") as first:
        first.write_text("notes")
        with one_writer(tmp_path / "o", inside=True) as folder:
            assert first.exists()
            elsewhere(write, folder / "rules.csv", "rules")
            with atomic_path(folder / "rules.csv") as second:
                second.write_text("new")
                with pytest.raises(RunError, match=BUSY):
                    elsewhere(write, folder / "rules.csv", "other")
    assert (tmp_path / "o" / "notes.csv").read_text() == "notes"
    assert (tmp_path / "o" / "rules.csv").read_text() == "new"
    assert names(tmp_path / "o") == ["notes.csv", "rules.csv"]


def test_a_folder_that_was_made_for_nothing_is_not_left(tmp_path):
    with pytest.raises(KeyError), one_writer(tmp_path / "out", inside=True):
        raise KeyError
    assert names(tmp_path) == []
    (tmp_path / "mine").mkdir()
    with pytest.raises(KeyError), one_writer(tmp_path / "mine", inside=True):
        raise KeyError
    assert names(tmp_path) == ["mine"]


# --- what a kill leaves --------------------------------------------------------------------

KILLED = """
import os, signal, sys
from pathlib import Path
from clinnlp.core.files import atomic_folder, atomic_write, scratch_folder
make, path = sys.argv[1:]
how = {"file": lambda: atomic_write(path), "folder": lambda: atomic_folder(path),
       "scratch": scratch_folder}[make]
with how() as made:
    if make == "file":
        made.write("half a note")
        made.flush()
    else:
        Path(made, "a").write_text("half a note")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def kill(make, path, **more):
    command = [sys.executable, "-c", KILLED, make, str(path)]
    assert subprocess.run(command, check=False, **more).returncode == -signal.SIGKILL


needs_kill = pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs a kill")


@needs_kill
@pytest.mark.parametrize(("make", "writer"), [("file", write), ("folder", write_folder)])
def test_what_a_kill_leaves_is_removed_by_the_next_run_and_listed(tmp_path, caplog, make, writer):
    kill(make, tmp_path / "out")
    kill(make, tmp_path / "out.b")
    left = [name for name in names(tmp_path) if name.endswith(".part")]
    mine = [name for name in left if not name.startswith(".out.b.")]
    assert len(left) == 2
    assert len(mine) == 1
    with caplog.at_level(logging.WARNING):
        writer(tmp_path / "out", "new")
    assert not set(mine) & set(names(tmp_path))
    assert set(left) - set(mine) <= set(names(tmp_path)), "that of another output stays"
    assert [record.getMessage() for record in caplog.records] == [
        f"clinnlp: removed what a killed run left of {tmp_path / 'out'}: {mine[0]}"
    ]
    writer(tmp_path / "out.b", "new")
    assert names(tmp_path) == ["out", "out.b"]


@needs_kill
def test_what_a_kill_leaves_in_a_folder_of_results_goes_with_the_next(tmp_path):
    folder = tmp_path / "o"
    kill("file", folder / "a.csv")
    kill("folder", folder / "model")
    with one_writer(folder, inside=True):
        write(folder / "b.csv", "x")
    assert [name for name in names(folder) if name.endswith(".part")] == []


def test_a_folder_that_was_killed_while_it_was_replaced_is_put_back(tmp_path):
    (tmp_path / ".out.0123abcd.part.old").mkdir()
    (tmp_path / ".out.0123abcd.part.old" / "a").write_text("old")
    (tmp_path / ".out.0123abcd.part").mkdir()
    with pytest.raises(KeyError), atomic_folder(tmp_path / "out"):
        raise KeyError
    assert names(tmp_path) == ["out"]
    assert (tmp_path / "out" / "a").read_text() == "old"


def test_files_of_others_that_look_alike_stay(tmp_path):
    alike = [".out.part", ".out.0123abcd.partial", "out.0123abcd.part", ".out.x.0123abcd.part"]
    for name in alike:
        (tmp_path / name).write_text("mine")
    write(tmp_path / "out", "x")
    assert names(tmp_path) == sorted([*alike, "out"])


@needs_kill
def test_a_scratch_folder_that_a_kill_left_goes_and_one_at_work_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(files.tempfile, "gettempdir", lambda: str(tmp_path))
    kill("scratch", "-", env={**os.environ, "TMPDIR": str(tmp_path)})
    (tmp_path / f"clinnlp-{'0' * 32}.lock").touch()  # of one killed before it made its folder
    alike = tmp_path / f"clinnlp-{'0' * 32}x"
    alike.mkdir()
    assert len(list(tmp_path.rglob("a"))) == 1
    with scratch_folder() as first:
        assert list(tmp_path.rglob("a")) == []
        with scratch_folder() as second:
            assert first.is_dir()
            assert second.is_dir()
            assert second.stat().st_mode & 0o777 == 0o700
    assert names(tmp_path) == [alike.name]


# --- what would be lost --------------------------------------------------------------------


def test_a_folder_of_other_things_is_not_replaced(tmp_path):
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "thesis.txt").write_text("years")
    with (
        pytest.raises(ArgumentError, match=r"must be new, empty, or hold card.json of an earlier"),
        atomic_folder(tmp_path / "home", own=("card.json",)),
    ):
        pass
    assert names(tmp_path / "home") == ["thesis.txt"]
    with pytest.raises(ArgumentError, match="must be a folder to write, got a file"):
        write_folder(tmp_path / "home" / "thesis.txt", "new")
    assert (tmp_path / "home" / "thesis.txt").read_text() == "years"
    for _ in range(2):
        with atomic_folder(tmp_path / "model", own=("card.json",)) as folder:
            (folder / "card.json").write_text("{}")
    assert names(tmp_path) == ["home", "model"]

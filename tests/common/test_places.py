"""For every format that is written: links stay, pipes are written through, nobody else may read."""

import os
import threading

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.io.notes.corpora import read_notes, write_notes
from clinnlp.io.notes.formats import FORMATS
from tests.common.format_samples import EMPTY, FULL

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs links, pipes and modes")

WRITTEN = [name for name, entry in FORMATS.items() if entry.write is not None]
IN_FOLDERS = [n for n in WRITTEN if FORMATS[n].in_folder and (n == "xmi" or not FORMATS[n].packs)]


def notes_of(name):
    return [FULL[name], EMPTY[name]]


@pytest.mark.parametrize("name", WRITTEN)
def test_a_link_stays_and_what_it_leads_to_is_for_the_user_alone(name, tmp_path):
    (tmp_path / "out").symlink_to("real")
    write_notes(notes_of(name), tmp_path / "out", format=name)
    assert (tmp_path / "out").is_symlink()
    assert len(list(read_notes(tmp_path / "real", format=name))) == 2
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "real"]
    for path in tmp_path.rglob("*"):
        wanted = 0o700 if path.is_dir() else 0o600
        assert path.is_symlink() or path.stat().st_mode & 0o777 == wanted


@pytest.mark.parametrize("name", WRITTEN)
def test_a_pipe_gets_the_bytes_of_a_file_and_stays(name, tmp_path):
    pipe, got = tmp_path / "pipe", []
    os.mkfifo(pipe)
    if name in IN_FOLDERS:
        with pytest.raises(ArgumentError, match="must be a folder to write, got a device"):
            write_notes(notes_of(name), pipe, format=name)
    else:
        reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
        reader.start()
        write_notes(notes_of(name), pipe, format=name)
        reader.join()
        write_notes(notes_of(name), tmp_path / "file", format=name)
        assert got == [(tmp_path / "file").read_bytes()]
    assert pipe.is_fifo()

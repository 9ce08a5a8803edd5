"""What is written is for the user alone, unless his group is let in."""

import os
from contextlib import nullcontext

import pytest

from clinnlp.core.errors import RunError
from clinnlp.core.files import atomic_folder, atomic_path, atomic_write, check_writable
from clinnlp.core.modes import group_readable
from clinnlp.io.tables.parts import PartWriter

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs modes of files")


def mode(path):
    return oct(path.stat().st_mode & 0o777)


@pytest.fixture(params=[0o022, 0o002, 0o077], ids=oct)
def umask(request):
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def write_all(base):
    with atomic_write(base / "new" / "deep" / "a.txt") as handle:
        handle.write("x")
    with atomic_path(base / "b.txt") as path:
        path.write_text("x")
    with atomic_folder(base / "model") as folder:
        (folder / "c.txt").write_text("x")
        (folder / "d").mkdir()
        (folder / "d" / "e.txt").write_text("x")
        (folder / "link").symlink_to("c.txt")
    with PartWriter(base / "parts"):
        pass


def modes(base):
    found = {"files": set(), "folders": set()}
    for path in base.rglob("*"):
        found["folders" if path.is_dir() else "files"].add(mode(path))
    return found


def test_files_are_0600_and_folders_0700_whatever_the_umask(tmp_path, umask):
    write_all(tmp_path)
    assert modes(tmp_path) == {"files": {"0o600"}, "folders": {"0o700"}}


def test_the_group_is_let_in_as_far_as_the_umask_does_and_others_never(tmp_path, umask):
    with group_readable():
        write_all(tmp_path)
    files, folders = (oct(most & ~umask) for most in (0o660, 0o770))
    assert modes(tmp_path) == {"files": {files}, "folders": {folders}}


@pytest.mark.parametrize(("let_in", "wanted"), [(False, "0o600"), (True, "0o640")])
def test_what_is_replaced_gets_the_mode_of_a_new_file(tmp_path, let_in, wanted):
    path = tmp_path / "a.txt"
    path.write_text("old")
    path.chmod(0o644)
    before = os.umask(0o022)
    try:
        with group_readable() if let_in else nullcontext(), atomic_write(path) as handle:
            half = [p for p in tmp_path.iterdir() if p.name.endswith(".part")]
            assert list(map(mode, half)) == [wanted], "also while it is written"
            handle.write("new")
    finally:
        os.umask(before)
    assert mode(path) == wanted


def test_a_folder_that_is_only_written_into_keeps_its_mode(tmp_path):
    (tmp_path / "o").mkdir()
    (tmp_path / "o").chmod(0o755)
    with atomic_write(tmp_path / "o" / "a.txt") as handle:
        handle.write("x")
    assert mode(tmp_path / "o") == "0o755"
    assert mode(tmp_path / "o" / "a.txt") == "0o600"


def test_another_user_can_read_none_of_it(open_tmp_path, as_nobody):
    write_all(open_tmp_path)

    def look():
        paths = [open_tmp_path / name for name in ("new", "b.txt", "model", "parts", ".")]
        return [os.access(path, os.R_OK) for path in paths]

    assert as_nobody(look) == [False] * 4 + [True]


def test_a_folder_that_may_not_be_written_is_told_before_and_when_it_happens(
    open_tmp_path, as_nobody
):
    (open_tmp_path / "a.txt").write_text("old")
    (open_tmp_path / "a.txt").chmod(0o666)

    def refusal(what, name):
        try:
            what(open_tmp_path / name)
        except RunError as error:
            return str(error).replace(str(open_tmp_path), "")

    def write(path):
        with atomic_write(path):
            pass

    names = ("a.txt", "new/b.txt")  # a.txt itself may be written, its folder not
    assert as_nobody(lambda: [refusal(w, n) for w in (check_writable, write) for n in names]) == [
        "writing /a.txt would fail:  may not be written; name another place",
        "writing /new/b.txt would fail:  may not be written; name another place",
        "writing /a.txt failed: Permission denied; name another place",
        "writing /new/b.txt failed: Permission denied; name another place",
    ]
    assert [path.name for path in open_tmp_path.iterdir()] == ["a.txt"]

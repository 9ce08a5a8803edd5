"""Outputs appear whole or not at all."""

import errno

import pytest

from clinnlp.core.errors import ArgumentError, RunError
from clinnlp.core.files import atomic_folder, atomic_write, check_writable, file_sha256


def test_a_file_appears_only_when_whole(tmp_path):
    path = tmp_path / "new" / "a.txt"
    with atomic_write(path) as handle:
        handle.write("first\n")
        assert not path.exists()
    assert path.read_bytes() == b"first\n"
    assert [p.name for p in path.parent.iterdir()] == ["a.txt"]


def test_a_failure_keeps_the_old_file_and_leaves_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(KeyError), atomic_write(path) as handle:
        handle.write("new")
        raise KeyError("x")
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_full_disk_is_a_run_error_in_one_sentence(tmp_path):
    path = tmp_path / "a.txt"
    with (
        pytest.raises(RunError, match="the disk is full; nothing half-written"),
        atomic_write(path),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_real_full_device_is_told_as_such():
    with pytest.raises(OSError, match="No space"), open("/dev/full", "w") as handle:
        handle.write("x" * 100_000)


def test_a_folder_is_replaced_only_when_the_new_one_is_whole(tmp_path):
    folder = tmp_path / "model"
    with atomic_folder(folder) as part:
        (part / "a").write_text("1")
    with pytest.raises(RunError), atomic_folder(folder) as part:
        (part / "b").write_text("2")
        raise OSError(errno.ENOSPC, "No space left on device")
    assert [p.name for p in folder.iterdir()] == ["a"]
    with atomic_folder(folder) as part:
        (part / "c").write_text("3")
    assert [p.name for p in folder.iterdir()] == ["c"]
    assert [p.name for p in tmp_path.iterdir()] == ["model"]


def test_only_writing_modes(tmp_path):
    with pytest.raises(ArgumentError, match="mode"), atomic_write(tmp_path / "a", "a"):
        pass


def test_sha256_is_that_of_the_bytes(tmp_path):
    (tmp_path / "a").write_bytes(b"abc")
    assert file_sha256(tmp_path / "a").startswith("ba7816bf8f01cfea")


def test_a_path_below_a_file_is_a_run_error_that_names_the_target(tmp_path):
    (tmp_path / "file").write_text("x")
    path = tmp_path / "file" / "sub" / "a.txt"
    with pytest.raises(RunError, match=r"sub/a.txt failed"), atomic_write(path):
        pass
    with pytest.raises(RunError, match=r"a.txt would fail: .*file is not a folder"):
        check_writable(path)
    assert check_writable(tmp_path / "new" / "a.txt") == tmp_path / "new" / "a.txt"

"""Which folder kernels are kept in, and which folders are refused."""

import os
from pathlib import Path

import pytest

from clinnlp.core import kernel_folders
from clinnlp.core.kernel_folders import kernel_folder, own_folder

ROOT_ONLY = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "room" / "kernels.py"
    path.parent.mkdir()
    path.write_text("x = 1")
    return path


@pytest.fixture(autouse=True)
def _nothing_said(monkeypatch, tmp_path):
    for name in ("CLINNLP_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    kernel_folders._tell.cache_clear()


def test_the_order_of_folders(source, monkeypatch, tmp_path):
    assert kernel_folder(source).parent == tmp_path / "home/.cache/clinnlp/kernels"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert kernel_folder(source).parent == tmp_path / "xdg/clinnlp/kernels"
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    assert kernel_folder(source) == source.parent / "__pycache__"
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numba"))
    assert kernel_folder(source).parent == tmp_path / "numba"
    monkeypatch.setenv("CLINNLP_CACHE", str(tmp_path / "named"))
    assert kernel_folder(source).parent == tmp_path / "named/kernels"
    assert (tmp_path / "named").stat().st_mode & 0o777 == 0o700
    monkeypatch.setenv("CLINNLP_CACHE", "")
    assert kernel_folder(source) is None


def test_a_home_that_is_not_known_gives_none(source, monkeypatch):
    def unknown():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", unknown)
    assert kernel_folder(source) is None
    monkeypatch.setenv("CLINNLP_CACHE", "~nobody-of-that-name/cache")
    assert kernel_folder(source) is None


def test_a_change_of_the_code_is_another_folder(source):
    before = kernel_folder(source)
    kernel_folders.kernel_key.cache_clear()
    (source.parent / "beside.py").write_text("y = 2")
    assert kernel_folder(source) != before


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o1777])
def test_a_folder_open_to_others_is_refused(tmp_path, mode):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(mode)
    assert own_folder(folder) is None


def test_a_folder_below_one_open_to_others_is_refused_unless_sticky(tmp_path):
    above = tmp_path / "above"
    above.mkdir()
    above.chmod(0o777)
    assert own_folder(above / "cache") is None
    above.chmod(0o1777)
    assert own_folder(above / "cache") == above / "cache"


def test_a_file_that_others_can_write_spoils_a_folder_they_can_enter(tmp_path):
    folder = own_folder(tmp_path / "cache")
    (folder / "kernel").write_bytes(b"")
    (folder / "kernel").chmod(0o666)
    assert own_folder(folder) == folder  # nobody else gets at it
    folder.chmod(0o755)
    assert own_folder(folder) is None
    (folder / "kernel").chmod(0o644)
    assert own_folder(folder) == folder
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    assert own_folder(folder) is None


def test_a_file_in_the_way_is_no_folder(tmp_path):
    (tmp_path / "cache").write_text("")
    assert own_folder(tmp_path / "cache" / "kernels") is None


@ROOT_ONLY
def test_the_folder_of_another_user_is_refused(tmp_path):
    folder = own_folder(tmp_path / "cache")
    os.chown(folder, 12345, -1)
    assert own_folder(folder) is None
    assert own_folder(folder / "below") is None
    assert not (folder / "below").exists()


def test_a_named_folder_that_is_refused_is_told_once(source, monkeypatch, tmp_path, caplog):
    folder = tmp_path / "cache"
    folder.mkdir()
    folder.chmod(0o777)
    monkeypatch.setenv("CLINNLP_CACHE", str(folder))
    assert [kernel_folder(source) for _ in range(3)] == [None] * 3
    assert len(caplog.records) == 1
    assert "the folder that CLINNLP_CACHE names must be a folder" in caplog.text
    assert caplog.text.count("\n") == 1


@pytest.mark.parametrize("named", ["", None])
def test_who_named_no_folder_is_told_nothing(source, monkeypatch, tmp_path, caplog, named):
    if named is not None:
        monkeypatch.setenv("CLINNLP_CACHE", named)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    (tmp_path / "file").write_text("")
    assert kernel_folder(source) is None
    kernel_folders.tell_unkept()
    assert not caplog.records

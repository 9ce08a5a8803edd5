"""What the component takes along, alone."""

import os

import pytest
import srsly

from clinnlp.core.errors import DataError
from clinnlp.io.notes.spacy_files import files_in, packed_files, paths_of, remove_folder


def test_files_folders_and_lists_come_back(tmp_path):
    model = tmp_path / "toy"
    (model / "deep").mkdir(parents=True)
    (model / "deep" / "weights").write_bytes(b"\x00\xff")
    (model / "config.json").write_text("{}")
    (tmp_path / "own.tsv").write_text("name\n")
    settings = {"model": str(model), "chronic": str(tmp_path / "own.tsv")}
    settings |= {"vocabulary": ["fever", {"name": "gout"}], "language": "en"}
    packed = packed_files(settings, exclude=["vocab"])
    found = files_in(packed, tmp_path / "out", exclude=["vocab"])
    assert found["vocabulary"] == settings["vocabulary"]
    assert found["model"] == str(tmp_path / "out" / "model" / "toy")
    assert (tmp_path / "out" / "model" / "toy" / "deep" / "weights").read_bytes() == b"\x00\xff"
    assert (tmp_path / "out" / "chronic" / "own.tsv").read_text() == "name\n"
    assert packed_files({**settings, **found}, exclude=()) == packed
    assert files_in(packed, tmp_path / "less", exclude=["model", "chronic"]) == {
        "vocabulary": settings["vocabulary"]
    }
    assert not (tmp_path / "less").exists()
    assert set(paths_of(found)) == {"model", "chronic"}


@pytest.mark.parametrize("name", ["../words", "/words", "a/../../words", "a\\words", ""])
def test_no_file_lands_outside_its_folder(name, tmp_path):
    packed = srsly.msgpack_dumps({"vocabulary": {name: b"x"}})
    with pytest.raises(DataError, match="must lie in its own folder"):
        files_in(packed, tmp_path / "in", exclude=())
    assert not list(tmp_path.rglob("words"))


@pytest.mark.parametrize("files", [{}, {"a": b"x", "b": b"y"}])
def test_a_setting_names_one_file(files, tmp_path):
    packed = srsly.msgpack_dumps({"vocabulary": files})
    with pytest.raises(DataError, match="one file or folder, got"):
        files_in(packed, tmp_path, exclude=())


@pytest.mark.parametrize("value", [7, "words", {"a": "text"}, {"a": 1}])
def test_values_of_another_kind_are_refused(value, tmp_path):
    with pytest.raises(DataError, match="must be those that to_bytes gave"):
        files_in(srsly.msgpack_dumps({"vocabulary": value}), tmp_path, exclude=())


def test_a_process_that_only_borrows_a_folder_leaves_it(tmp_path):
    remove_folder(tmp_path / "a", os.getpid())  # not there: nothing to do
    (tmp_path / "a").mkdir()
    remove_folder(tmp_path / "a", os.getpid() + 1)
    assert (tmp_path / "a").is_dir()
    remove_folder(tmp_path / "a", os.getpid())
    assert not (tmp_path / "a").exists()

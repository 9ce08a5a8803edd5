"""Files that the spaCy component takes along: copied into a folder, or packed into bytes.

::

    <component>/vocabulary/drugs.csv          {"vocabulary": {"drugs.csv": ...},
    <component>/model/toy/config.json          "model": {"toy/config.json": ..., ...}}

A vocabulary that stands in the settings as a list of names goes into the bytes as that list; on
disk it stands in the settings of the pipeline.
"""

import os
import shutil
from collections.abc import Callable, Collection, Mapping
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from spacy import util

from clinnlp.core.errors import DataError, instead_of

__all__ = [
    "FILES",
    "copied_files",
    "copy_files",
    "files_in",
    "packed_files",
    "paths_of",
    "remove_folder",
]

FILES = ("vocabulary", "model", "chronic")  # settings that may name a file or folder


def paths_of(settings: Mapping[str, Any]) -> dict[str, Path]:
    """Return the settings that name a file or folder."""
    said = {name: settings.get(name) for name in FILES}
    return {name: Path(value) for name, value in said.items() if isinstance(value, str)}


def copy_files(settings: Mapping[str, Any], folder: Path, *, exclude: Collection[str]) -> None:
    """Copy what the settings name into a folder of its own each, below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, source in paths_of(settings).items():
        place = folder / name
        if name in exclude or source.resolve().parent == place.resolve():
            continue
        if place.exists():
            shutil.rmtree(place)
        place.mkdir()
        copy = shutil.copytree if source.is_dir() else shutil.copy2
        copy(source, place / source.name)


def copied_files(folder: Path, *, exclude: Collection[str]) -> dict[str, str]:
    """Return the settings that name what `copy_files` has copied."""
    places = {name: folder / name for name in FILES if name not in exclude}
    inside = {name: sorted(place.iterdir()) for name, place in places.items() if place.is_dir()}
    return {name: str(listed[0]) for name, listed in inside.items() if listed}


def packed_files(settings: Mapping[str, Any], *, exclude: Collection[str]) -> bytes:
    """Return what the settings name, and a vocabulary that stands in them, as bytes."""
    getters: dict[str, Callable[[], Any]] = {
        name: partial(_contents, path) for name, path in paths_of(settings).items()
    }
    if isinstance(words := settings.get(FILES[0]), list | tuple):
        getters[FILES[0]] = partial(list, words)
    packed: bytes = util.to_bytes(getters, exclude)
    return packed


def files_in(packed: bytes, folder: Path, *, exclude: Collection[str]) -> dict[str, Any]:
    """Write what `packed_files` has packed below `folder`, and return the settings that name it.

    Raises
    ------
    DataError
        The bytes are others, or name a file outside the folder.
    """
    found: dict[str, Any] = {}

    def take(name: str, value: Any) -> None:
        good = isinstance(value, dict) and all(isinstance(one, bytes) for one in value.values())
        if not good and not isinstance(value, list):
            raise TypeError
        found[name] = value

    refusal = DataError("the bytes of a component must be those that to_bytes gave, got others")
    with instead_of(Exception, refusal):  # of msgpack, of many kinds
        util.from_bytes(packed, {name: partial(take, name) for name in FILES}, exclude)
    return {
        name: value if isinstance(value, list) else str(_written(value, folder / name))
        for name, value in found.items()
    }


def remove_folder(folder: Path, process: int) -> None:
    """Remove a folder in the process that made it: one forked from it has it only borrowed."""
    if os.getpid() == process:
        shutil.rmtree(folder, ignore_errors=True)


def _contents(path: Path) -> dict[str, bytes]:
    """Return the bytes of a file, or of all files of a folder, by name."""
    if not path.is_dir():
        return {path.name: path.read_bytes()}
    inside = (each for each in sorted(path.rglob("*")) if each.is_file())
    return {each.relative_to(path.parent).as_posix(): each.read_bytes() for each in inside}


def _written(contents: Mapping[str, bytes], folder: Path) -> Path:
    for name, content in contents.items():
        place = PurePosixPath(name)
        if place.is_absolute() or ".." in place.parts or "\\" in name or not place.parts:
            raise DataError("files of a component must lie in its own folder, got another place")
        target = folder / place
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)
    tops = {PurePosixPath(name).parts[0] for name in contents}
    if len(tops) != 1:
        raise DataError(f"a setting must name one file or folder, got {len(tops)} in its bytes")
    return folder / tops.pop()

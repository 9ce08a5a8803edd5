"""The tutorial in README.md runs as it stands, from the wheel, in an empty folder."""

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEEDED = [f"clinnlp/data/discharge-mini/{n}.jsonl" for n in ("train", "dev", "test")]

CHECK = """
assert str(mini).startswith({home!r}), mini
assert len(scores.per_label) == 2
assert len(table) > 100
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """Return the built wheel; the build needs hatchling, from an index or a folder of wheels."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q", "-w", str(out), str(ROOT)]
    done = subprocess.run(build, capture_output=True, text=True, check=False)
    if done.returncode and "hatchling" in done.stderr:
        pytest.skip("no hatchling to be had to build the wheel with")
    assert not done.returncode, done.stderr
    (made,) = out.glob("clinnlp-*.whl")
    return made


@pytest.mark.slow
def test_the_wheel_holds_what_runs_and_what_the_tutorial_needs_and_no_more(wheel):
    with zipfile.ZipFile(wheel) as packed:
        names = {i.filename for i in packed.infolist()}
        size = {i.filename: i.compress_size for i in packed.infolist()}
    assert {*NEEDED, "clinnlp/data/discharge-mini/vocabulary.csv", "clinnlp/py.typed"} <= names
    package = {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "clinnlp").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert package <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"clinnlp"}
    boxes = ("clinnlp/bert/data/notes/", "clinnlp/bert/data/identifiers/")
    in_boxes = [sum(n for name, n in size.items() if name.startswith(box)) for box in boxes]
    assert sum(size.values()) - sum(in_boxes) < 2_500_000
    assert max(in_boxes) < 25_000_000
    assert min(in_boxes) > 1_000_000
    assert sum(n for name, n in size.items() if name.startswith("clinnlp/data/")) < 500_000


@pytest.mark.slow
def test_every_python_block_runs_from_the_wheel_in_an_empty_folder(wheel, tmp_path):
    home, empty = tmp_path / "home", tmp_path / "empty"
    empty.mkdir()
    with zipfile.ZipFile(wheel) as packed:
        packed.extractall(home)
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), flags=re.DOTALL)
    assert len(blocks) >= 5
    code = "\n".join([*blocks, CHECK.format(home=str(home))])
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=empty,
        env={**os.environ, "PYTHONPATH": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    made = {path.name for path in empty.iterdir()}
    assert made == {"out", "note.html", "rules.png"}
    assert (empty / "out" / "models" / "tutorial" / "clinnlp.json").is_file()
    assert "chest pain" in (empty / "note.html").read_text(encoding="utf-8")
    assert (empty / "rules.png").read_bytes().startswith(b"\x89PNG")

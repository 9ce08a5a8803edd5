"""Kernels are found again by the next process, made anew where a file is not what it was."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

KERNEL = """
from clinnlp.core.compiled import compiled

@compiled
def twice(x):
    return FACTOR * x

FACTOR = 2
"""
RUN = """
import numpy as np, kernels
for x in ARGUMENTS:
    assert kernels.twice(x) == kernels.FACTOR * x
print(sum(kernels.twice.stats.cache_hits.values()))
"""
BOTH = "(3, 2.5)"


@pytest.fixture
def run(tmp_path):
    """Return a call that runs the kernel in a new process and says how often it was found."""
    code = tmp_path / "code"
    code.mkdir()
    (code / "kernels.py").write_text(KERNEL)

    def fresh(cache=tmp_path / "cache", arguments=BOTH, **more):
        env = {k: v for k, v in os.environ.items() if k != "NUMBA_CACHE_DIR"}
        path = os.pathsep.join([str(code), *sys.path])
        env |= {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": path, "CLINNLP_CACHE": str(cache)}
        script = RUN.replace("ARGUMENTS", arguments)
        done = subprocess.run(
            [sys.executable, "-c", script], env=env | more, capture_output=True, text=True,
            cwd=tmp_path, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        fresh.told = done.stderr
        return int(done.stdout)

    fresh.code = code / "kernels.py"
    fresh.cache = tmp_path / "cache"
    return fresh


def files_of(run):
    return sorted(run.cache.rglob("*.nbc"))


def test_the_next_process_finds_what_was_compiled(run):
    assert run() == 0
    assert run() == 2
    assert all(file.parent.stat().st_mode & 0o077 == 0 for file in files_of(run))
    assert not list(run.code.parent.rglob("__pycache__"))


def test_without_a_folder_each_process_compiles(run, tmp_path):
    assert [run(cache="") for _ in range(2)] == [0, 0]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["code"]


def test_without_a_word_it_is_the_users_folder(run, tmp_path):
    home = {"HOME": str(tmp_path / "home"), "XDG_CACHE_HOME": ""}
    (tmp_path / "home").mkdir()
    script = "import os; os.environ.pop('CLINNLP_CACHE')"
    (run.code.parent / "sitecustomize.py").write_text(script)
    assert [run(**home) for _ in range(2)] == [0, 2]
    assert list((tmp_path / "home/.cache/clinnlp/kernels").rglob("*.nbc"))


def test_other_code_is_other_machine_code(run):
    run()
    run.code.write_text(KERNEL.replace("FACTOR = 2", "FACTOR = 3"))
    assert [run(), run()] == [0, 2]


def changed(data):
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 1]) + data[middle + 1 :]


def test_a_damaged_file_is_compiled_again(run):
    run()
    one, other = files_of(run)
    whole = one.read_bytes()
    one.write_bytes(whole[:-100])
    other.write_bytes(changed(other.read_bytes()))
    assert run() == 0
    one.write_bytes(b"")
    assert run() == 1
    other.write_bytes(one.read_bytes())  # of another signature
    assert [run(), run()] == [1, 2]


def test_a_folder_that_others_can_write_is_not_used(run):
    run()
    (folder,) = {file.parent for file in files_of(run)}
    folder.chmod(0o777)
    assert run() == 0
    folder.chmod(0o700)
    assert run() == 2
    run.cache.chmod(0o777)
    assert run() == 0


def test_processes_may_start_at_once(run):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda k: run(arguments=["(3,)", "(2.5,)"][k % 2]), range(4)))
    assert max(found) <= 1
    assert run() == 2
    assert len(files_of(run)) == 2
    assert not list(run.cache.rglob("*.tmp.*"))


def test_a_named_folder_that_keeps_nothing_is_told_once(run):
    run()
    assert run.told == ""
    run.cache.chmod(0o777)
    run()
    assert run.told.count("CLINNLP_CACHE names must be a folder that can be made") == 1
    run.cache.chmod(0o700)
    (folder,) = {file.parent for file in files_of(run)}
    for file in files_of(run):
        file.unlink()
        file.mkdir()  # so that not even root can write it
    folder.chmod(0o700)
    run()
    assert run.told.count("CLINNLP_CACHE names must be a folder that can be written") == 1
    assert run.told.count("\n") == 1

"""Rules, formats and mining without torch, and with every version of Python that is here."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from clinnlp.core.installed import PACKAGES

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "tests" / "common" / "rule_pipeline.py"
SMALL = ROOT / "scripts" / "requirements-small.txt"
OF_SPACY = ("docbin", "spacy-json")  # formats that are written by spaCy
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PYTHONS = re.findall(r"Python :: (3\.\d+)", "\n".join(PROJECT["classifiers"]))


def names(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line.strip() for line in lines if line.strip() and not line.startswith("#")]


def closure(wanted):
    """Return the distributions that these need, themselves included."""
    found, left = {}, [(name, "") for name in wanted]
    while left:
        name, extra = left.pop()
        if canonicalize_name(name) in found:
            continue
        try:
            one = distribution(name)
        except PackageNotFoundError:  # for another system or version
            continue
        found[canonicalize_name(name)] = one
        for line in one.requires or ():
            more = Requirement(line)
            if more.marker is None or more.marker.evaluate({"extra": extra}):
                left.append((more.name, ""))
    return found


def run(python, tmp_path, env=None):
    """Return what the script says, run by a Python."""
    words = [*python, str(SCRIPT), str(ROOT / "corpora"), str(tmp_path / "out")]
    done = subprocess.run(words, capture_output=True, text=True, env=env, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1]), done.stderr


def check_without_torch(said, errors):
    assert said["heavy"] == []
    assert said["mentions"]
    assert said["rules"]
    assert said["exit"] == 0
    for name in OF_SPACY:
        assert said["kept"].pop(name) == "MissingExtra"
    assert set(said["kept"].values()) <= {True, "ArgumentError", "DataError"}, said["kept"]
    assert sum(kept is True for kept in said["kept"].values()) > 10
    for package, lines in said["absent"].items():
        need = f"the package {package!r} is needed here and not installed: pip install clinnlp"
        assert set(lines) == {need}
    assert said["asked"] == 2
    last = errors.splitlines()[-1]
    assert last.startswith("clinnlp: the package 'torch' is needed here and not installed")


def test_packages_are_those_of_the_metadata():
    whole = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    assert set(PACKAGES.values()) == whole
    assert set(names(SMALL)) < whole


@pytest.mark.slow
def test_rules_formats_and_mining_need_no_torch(tmp_path):
    site = tmp_path / "site"
    site.mkdir()
    for one in closure(names(SMALL)).values():
        for top in {Path(str(file)).parts[0] for file in one.files or ()} - {"..", "__pycache__"}:
            target = site / top
            if not target.exists():
                target.symlink_to(Path(str(one.locate_file(top))))
    ours = distribution("clinnlp")
    for top in {Path(str(file)).parts[0] for file in ours.files or ()}:
        if top.endswith(".dist-info"):
            (site / top).symlink_to(Path(str(ours.locate_file(top))))
    path = os.pathsep.join((str(ROOT), str(site)))
    env = {**os.environ, "PYTHONPATH": path, "PYTHONNOUSERSITE": "1"}
    check_without_torch(*run([sys.executable, "-S"], tmp_path, env))


def interpreter(version):
    """Return a Python of a version, or None."""
    pyenv = sorted(Path.home().glob(f".pyenv/versions/{version}.*/bin/python"))
    found = [*map(str, pyenv), shutil.which(f"python{version}")]
    for path in filter(None, found):
        done = subprocess.run([path, "-V"], capture_output=True, text=True)
        if done.returncode == 0 and done.stdout.startswith(f"Python {version}."):
            return path
    return None


@pytest.mark.long
@pytest.mark.parametrize("version", PYTHONS)
def test_a_fresh_small_install_runs_the_rules(version, tmp_path):
    python = interpreter(version)
    if python is None:
        pytest.skip(f"no Python {version} is here")
    own = tmp_path / "venv"
    subprocess.run([python, "-m", "venv", str(own)], check=True, capture_output=True)
    ours = str(own / "bin" / "python")
    pip = [ours, "-m", "pip", "install", "-q", "-c", str(ROOT / "scripts" / "constraints.txt")]
    env = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run([*pip, "-r", str(SMALL)], capture_output=True, text=True, env=env)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("no index of packages can be reached")
    assert done.returncode == 0, done.stderr[-2000:]
    subprocess.run([*pip, "--no-deps", str(ROOT)], check=True, capture_output=True, env=env)
    said, errors = run([ours], tmp_path, env)
    assert said["python"].startswith(version)
    check_without_torch(said, errors)
    again = tmp_path / "again"
    again.mkdir()
    here, _ = run([sys.executable], again, {**env, "PYTHONPATH": str(ROOT)})
    for name in OF_SPACY:
        here["kept"].pop(name)
    for part in ("mentions", "rules", "f1", "kept"):
        assert said[part] == here[part], part

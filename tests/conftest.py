"""Shared by every test: where the real corpora lie, and a quiet, offline environment."""

import gc
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest
from _pytest.doctest import DoctestModule
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # of tests that import onnxruntime themselves

# speed is measured, never asserted: a busy machine must not fail a law
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

ROOT = Path(__file__).parents[1]
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "out" / "kernels"))  # compile once, not per run


@pytest.hookimpl(wrapper=True)
def pytest_collect_file():
    """Look for examples in the library alone: tests have none, and benches need not be imported."""
    return [found for found in (yield) if not isinstance(found, DoctestModule)]


def pytest_collection():
    """Look for no garbage while tests are found: all that is imported stays, and it is much."""
    gc.disable()


def pytest_collection_finish():
    """Look for garbage among what tests make, and not again and again among what was imported."""
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def spark():
    """Give one Spark session with two workers, each of whose tasks may fail three times."""
    sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed")
    options = {
        "ui.enabled": "false",
        "sql.shuffle.partitions": "2",
        "driver.bindAddress": "127.0.0.1",
        "driver.host": "127.0.0.1",
        "executorEnv.PYTHONPATH": str(ROOT),
        "sql.session.timeZone": "Asia/Tokyo",  # times of notes must not depend on it
    }
    builder = sql.SparkSession.builder.master("local[2,4]").appName("clinnlp tests")
    for key, value in options.items():
        builder = builder.config(f"spark.{key}", value)
    made = builder.getOrCreate()
    made.sparkContext.setLogLevel("OFF")  # what workers say on purpose
    made.sparkContext.pythonExec = sys.executable
    yield made
    made.stop()


@pytest.fixture
def open_tmp_path():
    """Give an empty folder that every user may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def as_nobody():
    """Give a function that calls another as an ordinary user: root may do everything.

    It runs in a forked child, since that user may not even be able to start this Python, and what
    it returns comes back as JSON.
    """
    if not hasattr(os, "fork") or os.geteuid() != 0:
        pytest.skip("needs root, who can become another user")

    def call(function):
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
                os.write(writing, json.dumps(function()).encode())
            except BaseException as error:  # the child ends here, and tells why
                os.write(writing, json.dumps(repr(error)).encode())
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, "rb") as handle:
            said = handle.read()
        os.waitpid(pid, 0)
        return json.loads(said)

    return call


@pytest.fixture(scope="session")
def data_dir():
    """Give a function from a corpus name to its folder; skip, or fail under CLINNLP_DATA."""
    named = os.environ.get("CLINNLP_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"

    def find(corpus: str) -> Path:
        path = folder / corpus
        if path.is_dir():
            return path
        if named:
            pytest.fail(f"corpus {corpus} must be in the folder CLINNLP_DATA names")
        pytest.skip(f"corpus {corpus} is not here; set CLINNLP_DATA to the folder that holds it")

    return find

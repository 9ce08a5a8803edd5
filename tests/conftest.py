"""Shared by every test: where the real corpora lie, and a quiet, offline environment."""

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # of tests that import onnxruntime themselves

# speed is measured, never asserted: a busy machine must not fail a law
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")

ROOT = Path(__file__).parents[1]
os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "out" / "kernels"))  # compile once, not per run


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

"""Importing clinnlp is cheap and gives exactly the promised names."""

import json
import subprocess
import sys

import clinnlp

CHILD = """
import json, sys, time
start = time.perf_counter()
import clinnlp
seconds = time.perf_counter() - start
heavy = [m for m in ("torch", "transformers", "sklearn", "pandas", "spacy") if m in sys.modules]
print(json.dumps([seconds, heavy]))
"""


def test_import_loads_nothing_heavy():
    runs = [
        json.loads(
            subprocess.run(
                [sys.executable, "-c", CHILD], capture_output=True, check=True, text=True
            ).stdout
        )
        for _ in range(3)
    ]
    assert all(heavy == [] for _, heavy in runs)
    assert min(seconds for seconds, _ in runs) <= 0.15


def test_every_public_name_resolves_and_is_documented():
    for name in clinnlp.__all__:
        value = getattr(clinnlp, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    assert set(clinnlp.__all__) <= set(dir(clinnlp))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(clinnlp, "no_such_name")

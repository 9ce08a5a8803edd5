"""Importing clinnlp is cheap and gives exactly the promised names."""

import json
import subprocess
import sys

import clinnlp

CHILD = """
import json, sys
before = set(sys.modules)
import clinnlp
print(json.dumps(sorted(set(sys.modules) - before)))
"""


def test_import_loads_nothing_but_itself():
    child = [sys.executable, "-c", CHILD]
    done = subprocess.run(child, capture_output=True, check=True, text=True)
    loaded = {name.split(".")[0] for name in json.loads(done.stdout)}
    assert loaded <= {"clinnlp", "importlib", "typing", *sys.stdlib_module_names}
    assert len(json.loads(done.stdout)) < 30


def test_every_public_name_resolves_and_is_documented():
    for name in clinnlp.__all__:
        value = getattr(clinnlp, name)
        assert name == "__version__" or (value.__doc__ or "").strip(), name
    assert set(clinnlp.__all__) <= set(dir(clinnlp))


def test_an_unknown_name_is_an_attribute_error():
    assert not hasattr(clinnlp, "no_such_name")

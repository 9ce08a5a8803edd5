"""Each public name says what it takes, gives and refuses, with an example that is run."""

import inspect
import re
from dataclasses import fields, is_dataclass

import pytest

import clinnlp

NAMES = [name for name in clinnlp.__all__ if name != "__version__"]
NEVER_RAISES = {  # whatever they are given, of the types they say
    "combination_score",
    "disagreements",
    "known_or_new",
}
NOT_SAID = {"self", "args", "kwargs"}


def sections(value):
    """Return the parts of a docstring in numpy's form, by heading; "" is what stands before."""
    doc = inspect.getdoc(value) or ""
    parts = re.split(r"^(\w[\w ]*)\n-+\n", doc, flags=re.MULTILINE)
    return {"": parts[0], **dict(zip(parts[1::2], parts[2::2], strict=True))}


def entries(section):
    """Return the names that a section describes; a line may name several."""
    heads = re.findall(r"^(\S[^:\n]*?)(?: : .*)?$", section, re.MULTILINE)
    return {name.strip().lstrip("*") for head in heads for name in head.split(",")}


def taken(value):
    """Return the names of what a function takes, or of the fields of a value."""
    if is_dataclass(value):  # a setting says in its own line of help what it is
        return {f.name for f in fields(value) if f.init and not f.metadata.get("help")}
    signature = inspect.signature(value.__init__ if isinstance(value, type) else value)
    return set(signature.parameters) - NOT_SAID


def runnable(example):
    """Return the lines of an example that are run."""
    return [line for line in re.findall(r">>> (.*)", example) if "+SKIP" not in line]


@pytest.mark.parametrize("name", NAMES)
def test_a_public_name_has_a_whole_docstring(name):
    value = getattr(clinnlp, name)
    said = sections(value)
    assert said[""].strip()
    assert runnable(said.get("Examples", "")), "an example that is run"
    if isinstance(value, type) and issubclass(value, Exception):
        return
    described = entries(said.get("Parameters", "") + said.get("Attributes", ""))
    assert taken(value) <= described, "each parameter, with type, shape and unit"
    if not isinstance(value, type):
        assert said.get("Returns") or said.get("Yields"), "what comes back"
        assert said.get("Raises") or name in NEVER_RAISES, "what is refused"

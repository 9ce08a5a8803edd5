"""No module imports itself by way of others, lazy and typing-only imports counted too."""

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def imports_of(tree, modules):
    """Return the modules that are named by any import of a module, wherever it stands."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            inside = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= inside if inside <= modules else (inside & modules) | {node.module}
    return found & modules


def graph(folder):
    """Return for each module of a package the modules of it that it imports."""
    paths = {
        ".".join(path.relative_to(folder.parent).with_suffix("").parts).removesuffix(
            ".__init__"
        ): path
        for path in folder.rglob("*.py")
    }
    return {
        name: imports_of(ast.parse(path.read_text(encoding="utf-8")), set(paths)) - {name}
        for name, path in paths.items()
    }


def test_imports_have_no_circle():
    found = graph(ROOT / "clinnlp")
    assert len(found) > 200
    TopologicalSorter(found).prepare()  # a CycleError names the circle


def test_a_circle_of_lazy_imports_is_seen(tmp_path):
    package = tmp_path / "p"
    package.mkdir()
    (package / "a.py").write_text("def f():\n    from p import b\n", encoding="utf-8")
    (package / "b.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from p.a import f\n",
        encoding="utf-8",
    )
    with pytest.raises(CycleError) as caught:
        TopologicalSorter(graph(package)).prepare()
    assert set(caught.value.args[1]) == {"p.a", "p.b"}

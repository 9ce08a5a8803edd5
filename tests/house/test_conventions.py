"""What holds for every file of the library."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "clinnlp").rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "exec", "print", "globals"}
FORBIDDEN_IMPORTS = {"pickle", "shelve", "marshal", "dill"}


def names_imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add((node.module or "").split(".")[0])
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_module(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "a module begins with what it is for"
    assert not names_imported(tree) & FORBIDDEN_IMPORTS
    allowed = {"print"} if path.parent.name == "cli" else set()
    allowed |= {"globals"} if path.name == "__init__.py" else set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            assert node.func.id not in FORBIDDEN_CALLS - allowed, f"{node.func.id} {node.lineno}"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").iterdir()), ids=lambda p: str(p.relative_to(ROOT))
)
def test_scripts_are_thin(path):
    if path.suffix in (".py", ""):
        assert len(path.read_text().splitlines()) <= 60


def test_heavy_libraries_are_not_imported_at_the_top_of_the_public_module():
    tree = ast.parse((ROOT / "clinnlp" / "__init__.py").read_text())
    assert names_imported(tree) == {"importlib", "typing"}

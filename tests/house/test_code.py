"""What holds for all code: one name per array type, errors without a past, no knots."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "clinnlp").rglob("*.py"))
MOST, MANY = 15, 10  # cyclomatic complexity: of any function, and of 3 in a hundred


def name_of(path):
    return path.relative_to(ROOT / "clinnlp").as_posix()


every = pytest.mark.parametrize("path", MODULES, ids=name_of)


def functions(path):
    """Yield the functions and methods of a module; one inside another counts with it."""
    left = list(ast.parse(path.read_text(encoding="utf-8")).body)
    while left:
        node = left.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node
        elif isinstance(node, ast.ClassDef | ast.If | ast.Try):
            left += node.body


def complexity(function):
    """Count the ways through a function: branches, loops, conditions, handlers, and one more."""
    n = 1
    for node in ast.walk(function):
        match node:
            case ast.If() | ast.IfExp() | ast.Lambda() | ast.Assert() | ast.match_case():
                n += 1
            case ast.For() | ast.While() | ast.AsyncFor():
                n += 1 + bool(node.orelse)
            case ast.comprehension():
                n += 1 + len(node.ifs)
            case ast.BoolOp():
                n += len(node.values) - 1
            case ast.Try():
                n += len(node.handlers) + bool(node.orelse)
    return n


@every
def test_an_array_type_has_one_name(path):
    defined = re.findall(r"^(\w+) = NDArray\[", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert not defined or path.name == "arrays.py", "take it from clinnlp.core.arrays"


@every
def test_an_error_of_ours_drags_no_other_along(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    raised = [node for handler in handlers for node in ast.walk(handler)]
    new = [node.lineno for node in raised if isinstance(node, ast.Raise) and node.exc is not None]
    assert not new, "an error raised in an except keeps the other: use core.errors.instead_of"


@every
def test_no_function_is_a_knot(path):
    knots = {f.name: n for f in functions(path) if (n := complexity(f)) > MOST}
    assert not knots, "take it apart where it reads better"


def test_few_functions_are_dense():
    counts = [complexity(f) for path in MODULES for f in functions(path)]
    assert sum(n > MANY for n in counts) <= 0.03 * len(counts)

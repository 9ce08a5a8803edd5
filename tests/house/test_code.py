"""What holds for all code: one name per array type, errors without a past, no knots."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "clinnlp").rglob("*.py"))
MOST, MANY = 15, 10  # cyclomatic complexity: of any function, and of 3 in a hundred


def name_of(path):
    return path.relative_to(ROOT / "clinnlp").as_posix()


@cache
def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def functions(tree):
    """Yield the functions and methods of a module; one inside another counts with it."""
    left = list(tree.body)
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


def found_in(modules, look):
    """Return what is found in the tree of each module, by its name; nothing found is left out."""
    return {name_of(path): found for path in modules if (found := look(tree_of(path)))}


def test_an_array_type_has_one_name():
    defined = {
        name_of(path): names
        for path in MODULES
        if path.name != "arrays.py"
        and (names := re.findall(r"^(\w+) = NDArray\[", path.read_text("utf-8"), re.MULTILINE))
    }
    assert not defined, f"take it from clinnlp.core.arrays: {defined}"


def raised_anew(tree):
    """Return the lines in handlers that raise an error of their own."""
    handlers = [node for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler)]
    raised = [node for handler in handlers for node in ast.walk(handler)]
    return [node.lineno for node in raised if isinstance(node, ast.Raise) and node.exc is not None]


def test_an_error_of_ours_drags_no_other_along():
    new = found_in(MODULES, raised_anew)
    assert not new, f"an error raised in an except keeps the other: use instead_of: {new}"


def test_no_function_is_a_knot():
    knots = found_in(
        MODULES, lambda tree: {f.name: n for f in functions(tree) if (n := complexity(f)) > MOST}
    )
    assert not knots, f"take it apart where it reads better: {knots}"


def test_the_looks_find_what_they_look_for():
    tree = ast.parse("def f():\n    try: x()\n    except E: raise F\n" + "    if x: y\n" * MOST)
    assert raised_anew(tree) == [3]
    assert [complexity(f) for f in functions(tree)] == [MOST + 2]


def test_few_functions_are_dense():
    counts = [complexity(f) for path in MODULES for f in functions(tree_of(path))]
    assert sum(n > MANY for n in counts) <= 0.03 * len(counts)

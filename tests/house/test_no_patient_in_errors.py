"""No error, warning or log line may name a patient, an encounter or a text."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "clinnlp").rglob("*.py"))
NEVER = {"patient", "patients", "encounter", "encounters", "stay", "person", "subject", "text"}
COUNTED = {"len", "type", "sum", "int"}  # of these only a number or a name of a kind is said


def named(value):
    """Yield the names that an expression says, but for those that are only counted."""
    if isinstance(value, ast.Call) and ast.unparse(value.func) in COUNTED:
        return
    if isinstance(value, ast.Attribute):
        yield value.attr
        if value.attr not in ("id", "name"):  # of a patient's site, say, the patient is not said
            return
    if isinstance(value, ast.Name):
        yield value.id
    if isinstance(value, ast.Constant):
        return
    for child in ast.iter_child_nodes(value):
        yield from named(child)


def naming(source):
    """Return the lines of messages that say one of the names which must not be said."""
    tree = ast.parse(source)
    said = [node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and node.exc]
    said += [
        node for node in ast.walk(tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(("warn", "Error"))
    ]  # fmt: skip
    return sorted(
        {
            part.lineno
            for message in said
            for part in ast.walk(message)
            if isinstance(part, ast.FormattedValue) and NEVER & set(named(part.value))
        }
    )


def test_no_message_names_a_patient():
    found = {
        path.relative_to(ROOT).as_posix(): naming(path.read_text(encoding="utf-8"))
        for path in MODULES
    }
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    ("line", "is_naming"),
    [
        ("raise DataError(f'got {patient.id!r} twice')", True),
        ("raise DataError(f'got {self.patients[k]!r} twice')", True),
        ("raise DataError(f'first: {min(map(str, patients))}')", True),
        ("raise DataError(f'an id of {stay!r} for two')", True),
        ("raise DataError(f'got {note.text[:20]!r}')", True),
        ("raise DataError(f'{len(patients)} rows')", False),
        ("raise DataError(f'row {k} of {n_patients}', note=note.id)", False),
    ],
)
def test_a_message_that_names_one_is_seen(line, is_naming):
    assert bool(naming(line)) == is_naming

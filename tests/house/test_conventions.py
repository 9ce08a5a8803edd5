"""What holds for every file of the library."""

import ast
import re
from pathlib import Path
from pprint import pformat

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted(path for room in ("clinnlp", "corpora") for path in (ROOT / room).rglob("*.py"))
FORBIDDEN_CALLS = {"eval", "exec", "print", "globals"}
FORBIDDEN_IMPORTS = {"pickle", "shelve", "marshal", "dill"}
CSV_WRITERS = {
    "report/csvs.py": "guards every cell: what a user opens is written by `write_frame` here",
    "io/tables/arrow.py": "guards mentions and events, and reads them back",
    "io/notes/tables.py": "guards notes, and reads them back",
    "io/notes/omop.py": "for a database",
    "io/tables/copied.py": "for a database: cells of a table as they were read",
    "study/synthetic/rows.py": "the words of the generator",
}


def names_imported(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            found.add((node.module or "").split(".")[0])
    return found


def faults_of(path: Path) -> list[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    allowed = {"print"} if path.name == "terminal.py" else set()
    allowed |= {"globals"} if path.name == "__init__.py" else set()
    return [
        *(() if ast.get_docstring(tree) else ("a module begins with what it is for",)),
        *(f"{name} is imported" for name in names_imported(tree) & FORBIDDEN_IMPORTS),
        *(
            f"{node.func.id} is called in line {node.lineno}"
            for node in ast.walk(tree)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if node.func.id in FORBIDDEN_CALLS - allowed
        ),
    ]


def test_modules_say_what_they_are_for_and_keep_to_what_is_allowed():
    assert len(MODULES) > 400
    faulty = {str(p.relative_to(ROOT)): faults for p in MODULES if (faults := faults_of(p))}
    assert not faulty, pformat(faulty)


def test_each_fault_of_a_module_is_found(tmp_path):
    path = tmp_path / "a.py"
    path.write_text("import pickle\nfrom dill import x\nprint(eval('1'))\n")
    assert sorted(faults_of(path)) == [
        "a module begins with what it is for", "dill is imported", "eval is called in line 3",
        "pickle is imported", "print is called in line 3",
    ]  # fmt: skip


def test_text_reaches_a_spreadsheet_only_through_the_guard():
    writes = re.compile(r"\b(csv\.writer|from csv import|DictWriter|to_csv|write_csv|CSVWriter)\b")
    found = {
        path.relative_to(ROOT / "clinnlp").as_posix()
        for path in MODULES
        if writes.search(path.read_text(encoding="utf-8"))
    }
    assert found == set(CSV_WRITERS), "guard what is written, or say above why it is not"


@pytest.mark.parametrize(
    "path", sorted((ROOT / "scripts").iterdir()), ids=lambda p: str(p.relative_to(ROOT))
)
def test_scripts_are_thin(path):
    if path.suffix in (".py", ""):
        assert len(path.read_text().splitlines()) <= 60


def test_heavy_libraries_are_not_imported_at_the_top_of_the_public_module():
    tree = ast.parse((ROOT / "clinnlp" / "__init__.py").read_text())
    assert names_imported(tree) == {"importlib", "typing"}


def test_what_becomes_a_frame_of_pandas_becomes_an_arrow_table_too():
    methods = re.compile(r"    def (to_pandas|to_arrow)\(self\)")
    without = [
        path.relative_to(ROOT).as_posix()
        for path in MODULES
        if len(methods.findall(path.read_text(encoding="utf-8"))) % 2
    ]
    assert not without, "a table that only pandas can take shuts out polars and DuckDB"

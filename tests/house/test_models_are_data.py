"""No way to open a model may run code that comes with it."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MODULES = sorted((ROOT / "clinnlp").rglob("*.py"))
OPENS = {"from_pretrained", "from_config"}
RUNS = {"torch.load", "torch.hub"}


def unsafe(source):
    """Return the lines that name a way to open a model without refusing its code."""
    tree = ast.parse(source)
    nodes = list(ast.walk(tree))
    refusing = {
        id(node.func)
        for node in nodes
        if isinstance(node, ast.Call)
        for word in node.keywords
        if word.arg == "trust_remote_code"
        and isinstance(word.value, ast.Constant)
        and word.value.value is False
    }
    lines = {
        node.lineno
        for node in nodes
        if isinstance(node, ast.Attribute)
        and ((node.attr in OPENS and id(node) not in refusing) or ast.unparse(node) in RUNS)
    }
    texts = {
        node.lineno for node in nodes if isinstance(node, ast.Constant) and node.value in OPENS
    }
    return sorted(lines | texts)


def test_every_model_is_opened_as_data():
    found = {path: unsafe(path.read_text(encoding="utf-8")) for path in MODULES}
    assert {path: lines for path, lines in found.items() if lines} == {}


@pytest.mark.parametrize(
    "source",
    [
        "AutoModel.from_pretrained(folder)",
        "AutoModel.from_pretrained(folder, trust_remote_code=None)",
        "AutoModel.from_pretrained(folder, trust_remote_code=trust)",
        "AutoModel.from_config(config, **options)",
        "open_ = AutoModel.from_pretrained",
        "getattr(AutoModel, 'from_pretrained')(folder)",
        "torch.load(path)",
    ],
)
def test_what_is_not_opened_as_data_is_seen(source):
    assert unsafe(source) == [1]
    assert unsafe("kind.from_pretrained(folder, trust_remote_code=False, **more)") == []

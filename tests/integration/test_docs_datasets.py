"""The recipes of docs/datasets.md run as they stand."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_block_runs(tmp_path, monkeypatch):
    page = (ROOT / "docs" / "datasets.md").read_text(encoding="utf-8")
    blocks = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    assert len(blocks) == 3
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", str(tmp_path / "cache"))
    names: dict = {}
    for block in blocks:
        exec(compile(block, "datasets.md", "exec"), names)
    known, unknown = names["known"], names["unknown"]
    assert [(e.label, known[e.span]) for e in known.entities] == [("Problem", "chest pain")]
    assert unknown.entities == ()
    assert names["scores"]["overall_accuracy"] == pytest.approx(2 / 3)
    assert names["for_a_trainer"]([[0, 1, 2]], [[0, 1, 2]])["overall_f1"] == 1.0

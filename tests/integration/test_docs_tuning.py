"""The Python of docs/tuning.md runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_every_block_runs(tmp_path, monkeypatch, capsys):
    pytest.importorskip("optuna")
    page = (ROOT / "docs" / "tuning.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(compile(block, "tuning.md", "exec"), names)
    assert len(names["found"].trials) == 2
    assert "settings: out/search/best.toml" in capsys.readouterr().out
    assert (tmp_path / "out" / "search.svg").read_text().startswith("<svg")
    written = {path.name for path in (tmp_path / "out" / "search").iterdir()}
    assert written == set(re.findall(r"^\| `([\w.]+)` \|", page, flags=re.MULTILINE))

"""The Python of docs/time-to-event.md runs as it stands."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.long
def test_every_block_runs(capsys):
    page = (ROOT / "docs" / "time-to-event.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"```python\n(.*?)```", page, flags=re.DOTALL)
    names: dict = {}
    exec(compile(block, "time-to-event.md", "exec"), names)
    assert len(names["follow_up"]) == 300
    assert set(names["study"].scores) == {"cox", "shared"}
    assert "FollowUp(300 rows" in capsys.readouterr().out

"""A type checker sees what a user's script takes from the library, and finds its slips."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import clinnlp

ROOT = Path(__file__).parents[2]
SCRIPT = """
from typing import reveal_type
import clinnlp
note = clinnlp.Note(id="n", text="No cough.")
tagger = clinnlp.fine_tune_ner([note], out="m", epochs=3, labels=["Drug"], heads="joint")
clinnlp.fine_tune_classifier([note], out="m", pooling="max", multi_label=True)
clinnlp.pretrain([note], out="m", hidden_share=0.2)
note = note.with_(kind="letter", labels=("a",))
settings = clinnlp.RiskStudySettings(models=("svm",), n_folds=3)
clinnlp.fine_tune_ner([note], out="m", epoch=3)  # wrong
clinnlp.fine_tune_ner([note], out="m", epochs="3")  # wrong
clinnlp.fine_tune_classifier([note], out="m", pooling="most")  # wrong
clinnlp.pretrain([note], out="m", word_dropout=0.1)  # wrong
clinnlp.TaggerSettings(epochs="3")  # wrong
clinnlp.RiskStudySettings(n_fold=3)  # wrong
note.with_(id="m")  # wrong
clinnlp.no_such_name  # wrong
"""
SETTINGS = [name for name in clinnlp.__all__ if name.endswith("Settings")]


def script():
    """Return the script with a line for each public name and each field of the settings."""
    shown = [f"reveal_type(clinnlp.{name})" for name in clinnlp.__all__]
    shown += [
        f"reveal_type(clinnlp.{name}().{field})"
        for name in SETTINGS
        for field in getattr(clinnlp, name).__dataclass_fields__
    ]
    return SCRIPT + "\n".join(shown) + "\n"


@pytest.mark.slow
def test_a_script_sees_types_not_any(tmp_path):
    path = tmp_path / "script.py"
    # mypy keeps what it said of the same text, and says it again with the path it had then
    path.write_text(f"{script()}# {tmp_path}\n", encoding="utf-8")
    check = [sys.executable, "-m", "mypy", "--strict", "--config-file", "pyproject.toml", str(path)]
    done = subprocess.run(check, cwd=ROOT, capture_output=True, text=True)
    said = re.findall(rf"^{re.escape(str(path))}:(\d+): (\w+): (.*)", done.stdout, re.MULTILINE)
    lines = script().splitlines()
    errors = {int(line) for line, kind, _ in said if kind == "error"}
    assert errors == {k for k, line in enumerate(lines, 1) if line.endswith("# wrong")}, done.stdout
    types = [text for _, kind, text in said if kind == "note" and text.startswith("Revealed")]
    assert len(types) == sum(line.startswith("reveal_type") for line in lines)
    assert not [text for text in types if text in ('Revealed type is "Any"', "")]

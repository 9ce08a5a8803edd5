"""The guide to settings says what the settings say of themselves; pins lie inside the bounds."""

import re
import sys
import tomllib
from dataclasses import fields
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from clinnlp.bert.settings import (
    ClassifierSettings,
    PretrainSettings,
    RelationSettings,
    TaggerSettings,
)
from clinnlp.service.review_settings import ReviewSettings
from clinnlp.service.settings import ServeSettings
from clinnlp.study.review_settings import ReviewProjectSettings
from clinnlp.study.settings import (
    DeidentifySettings,
    ExtractSettings,
    MineSettings,
    RiskSettings,
    SurvivalSettings,
)
from clinnlp.study.tune_space import described

ROOT = Path(__file__).parents[2]
MADE_BY = {
    TaggerSettings: "`clinnlp.fine_tune_ner`, `clinnlp fine-tune ner`",
    ClassifierSettings: "`clinnlp.fine_tune_classifier`, `clinnlp fine-tune classifier`",
    RelationSettings: "`clinnlp.fine_tune_relations`, `clinnlp fine-tune relations`",
    PretrainSettings: "`clinnlp.pretrain`, `clinnlp pretrain`",
    ExtractSettings: "`clinnlp extract`",
    DeidentifySettings: "`clinnlp.Deidentifier`, `clinnlp deidentify`",
    MineSettings: "`clinnlp mine`",
    RiskSettings: "`clinnlp risk`; `RiskRowSettings` and `RiskStudySettings` are its two parts",
    SurvivalSettings: "`clinnlp.survival_study`, `clinnlp risk survival`",
    ServeSettings: "`clinnlp serve`",
    ReviewProjectSettings: "`clinnlp review create`",
    ReviewSettings: "`clinnlp review serve`",
}


def page():
    """Return the page of all settings."""
    lines = ["# Settings", ""]
    lines += [
        "Keyword arguments in Python (`epochs=4`), flags of the commands (`--epochs 4`), keys"
    ]
    lines += ["of a TOML file (`epochs = 4`). Unknown ones and wrong types are refused by name."]
    for kind, where in MADE_BY.items():
        lines += ["", f"## {kind.__name__}", "", f"Of {where}.", ""]
        lines += ["| setting | default | what |", "|---|---|---|"]
        for one in fields(kind):
            said = one.metadata["help"].replace("|", "\\|")
            lines.append(f"| `{one.name}` | `{one.default!r}` | {said} |")
    lines += ["", "## What a search varies", ""]
    lines += ["Of `clinnlp.tune_ner`, `clinnlp.tune_classifier`, `clinnlp tune`: the start is what"]
    lines += [
        "the search is given, or the default; `search` names fewer. See [tuning.md](tuning.md)."
    ]
    lines += ["", "| setting | of | range |", "|---|---|---|"]
    for kind in (TaggerSettings, ClassifierSettings):
        lines += [f"| `{name}` | {kind.__name__} | {how} |" for name, how in described(kind)]
    return "\n".join(lines) + "\n"


def test_the_guide_says_what_the_settings_say():
    assert (ROOT / "docs" / "settings.md").read_text(encoding="utf-8") == page(), (
        "python -m tests.house.test_settings > docs/settings.md"
    )


@pytest.mark.parametrize("kind", MADE_BY)
def test_each_setting_has_a_line_of_help(kind):
    assert all(one.metadata.get("help") for one in fields(kind))


def test_the_pins_lie_inside_the_bounds():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    text = (ROOT / "scripts" / "constraints.txt").read_text(encoding="utf-8")
    pins = dict(re.findall(r"^([\w.-]+)==(\S+)$", text, re.MULTILINE))
    pins = {canonicalize_name(name): version for name, version in pins.items()}
    for line in project["dependencies"]:
        one = Requirement(line)
        assert one.specifier.contains(pins[canonicalize_name(one.name)]), line


if __name__ == "__main__":
    sys.stdout.write(page())

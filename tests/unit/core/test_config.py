"""Settings: typed, unknown keys named, TOML errors located."""

from dataclasses import dataclass
from typing import Literal

import pytest

from clinnlp.core.config import (
    option,
    read_settings,
    render_settings,
    settings_from,
    settings_to,
)
from clinnlp.core.errors import ArgumentError, DataError


@dataclass(frozen=True, kw_only=True)
class Settings:
    epochs: int = option(3, "passes over train, >= 1")
    rate: float = option(0.1, "step, > 0")
    mode: Literal["auto", "off"] = option("auto", "precision")
    names: tuple[str, ...] | None = option(None, "labels")

    def __post_init__(self):
        if self.epochs < 1:
            raise ArgumentError(f"epochs must be at least 1, got {self.epochs}")


def test_toml_makes_settings_and_back(tmp_path):
    path = tmp_path / "s.toml"
    path.write_text('epochs = 5\nrate = 1\nnames = ["a"]\n')
    made = read_settings(Settings, path)
    assert made == Settings(epochs=5, rate=1.0, names=("a",))
    assert settings_from(Settings, settings_to(made)) == made


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("epoch = 5", "must be among epochs, rate, mode, names, got epoch"),
        ('epochs = "many"', "setting 'epochs' must be int, got str"),
        ("epochs = true", "setting 'epochs' must be int, got bool"),
        ('mode = "on"', "setting 'mode' must be one of auto, off, got str"),
        ('names = "a"', "setting 'names' must be a list of str or absent, got str"),
        ("names = [1]", "setting 'names' must be a list of str or absent, got list"),
        ("epochs = 0", "epochs must be at least 1, got 0"),
        ("epochs = ", "valid TOML"),
    ],
)
def test_a_wrong_file_says_what_and_where(tmp_path, content, message):
    path = tmp_path / "s.toml"
    path.write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        read_settings(Settings, path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    "made",
    [
        Settings(),
        Settings(epochs=5, rate=2.5e-05, mode="off"),
        Settings(rate=1e22, names=()),
        Settings(names=('a "quoted" \\ one', "tab\tand\x7f", "é 😀 \u2028", "# no comment", "")),
    ],
)
@pytest.mark.parametrize("always", [(), ("epochs", "rate", "mode", "names")])
def test_what_is_rendered_is_read_back(tmp_path, made, always):
    path = tmp_path / "s.toml"
    path.write_text(render_settings(made, always=always), encoding="utf-8")
    assert read_settings(Settings, path) == made


def test_only_what_differs_is_rendered_and_what_is_wanted_always():
    assert render_settings(Settings()) == ""
    made = render_settings(Settings(rate=0.5), always=["epochs", "names"])
    assert made == "epochs = 3\nrate = 0.5\n"

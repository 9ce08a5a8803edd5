"""The check for CUDA machines runs to its end where there is none."""

import subprocess
import sys

import pytest

from tests.bench import ROOT

pytestmark = pytest.mark.long

STAGES = ["peak", "tagger", "classifier", "killed", "extraction", "equality", "equality"]


def test_every_stage_prints_its_figures_and_equality_holds():
    command = [
        sys.executable,
        "-m",
        "tests.bench.gpu_check",
        "--tiny",
        "--tokens-per-batch",
        "2048",
    ]
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    told = [line.split(": ", 1) for line in done.stdout.splitlines() if ": " in line]
    values = {key: [value for name, value in told if name == key] for key, _ in told}
    assert values["stage"] == STAGES
    assert values["holds"] == ["True", "True"]
    assert values["was_killed"] == ["True"]
    assert float(values["largest_difference"][0]) < 1e-5

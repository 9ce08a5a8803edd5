"""Whole flows give the same bytes, whatever the seed of hashes and the number of threads."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from clinnlp.study.synthetic import write_cohort_mini

ROOT = Path(__file__).parents[2]
MINI = ROOT / "corpora" / "discharge-mini"

FLOWS = """
import sys
from pathlib import Path
from clinnlp.cli import main
mini, cohort, out = map(Path, sys.argv[1:])
words = ["--vocabulary", mini / "vocabulary.csv"]
few = ["--n-boot", "20", "--n-top", "5", "--n-folds", "2"]
flows = [
    ["extract", mini / "test.jsonl", out / "notes.jsonl", *words],
    ["extract", mini / "test.jsonl", out / "mentions.parquet", *words],
    ["convert", mini / "test.jsonl", out / "notes.conll", "--on-loss", "sidecar"],
    ["mine", out / "mentions.parquet", "--out", out / "mined"],
    ["mine", cohort / "events.csv", "--out", out / "signals"],
    ["risk", cohort / "outcome.csv", "--events", cohort / "events.csv", "--patients",
     cohort / "patients.csv", "--out", out / "risk", *few],
]
sys.exit(max(main(list(map(str, flow))) for flow in flows))
"""


@pytest.mark.slow
def test_extract_convert_mine_and_risk_write_the_same_bytes(tmp_path):
    write_cohort_mini(tmp_path / "cohort", n_patients=300, n_noted=5)
    found = []
    for seed, threads in (("0", "1"), ("1", "2"), ("2", "4")):
        out = tmp_path / "out"
        done = subprocess.run(
            [sys.executable, "-c", FLOWS, str(MINI), str(tmp_path / "cohort"), str(out)],
            cwd=ROOT, capture_output=True, text=True, check=False,
            env={**os.environ, "PYTHONHASHSEED": seed, "OMP_NUM_THREADS": threads},
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found.append({
            path.relative_to(out): path.read_bytes() for path in out.rglob("*") if path.is_file()
        })  # fmt: skip
        out.rename(tmp_path / f"out{seed}")
    assert len(found[0]) > 10
    for other in found[1:]:
        assert other.keys() == found[0].keys()
        assert [path for path in other if other[path] != found[0][path]] == []

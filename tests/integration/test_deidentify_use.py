"""What de-identified notes and tables are worth: the same mentions, rules, signals and risks."""

from pathlib import Path

import pandas as pd
import pytest

from clinnlp.cli import main
from clinnlp.io.notes.corpora import read_notes
from clinnlp.metrics.spans import score_spans
from clinnlp.study.deidentify.keys import make_key
from clinnlp.study.pipeline import pipeline
from clinnlp.study.synthetic import write_cohort_mini

pytestmark = pytest.mark.slow

MINI = Path(__file__).parents[2] / "corpora" / "discharge-mini"
N_PATIENTS = 400


def run(*words):
    assert main([str(word) for word in words]) == 0


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Give the folder of a cohort, and that of it without identifiers."""
    base = tmp_path_factory.mktemp("use")
    write_cohort_mini(base / "before", n_patients=N_PATIENTS, n_noted=200)
    make_key(base / "key")
    tables = []
    for name in ("events.csv", "outcome.csv", "patients.csv"):
        tables += ["--tables", base / "before" / name, base / name]
    run("deidentify", base / "before" / "notes.jsonl", base / "notes.jsonl", "--key", base / "key",
        *tables)  # fmt: skip
    (base / "after").mkdir()
    for path in (*base.glob("*.csv"), base / "notes.jsonl"):
        path.rename(base / "after" / path.name)
    return base / "before", base / "after"


def jaccard(first, second):
    one, two = (set(map(tuple, frame.astype(str).to_numpy().tolist())) for frame in (first, second))
    assert one
    return len(one & two) / len(one | two)


def mined(folder, source, out, *more):
    run("mine", folder / source, "--out", folder / out, *more)
    return {path.name: pd.read_csv(path) for path in (folder / out).glob("*.csv")}


def check_same(before, after, name, columns):
    """What is called, and all that is tested, are the same rows but for 2 in 100."""
    for most in (0.05, 1.0):
        rows = [found[name].loc[found[name]["q_bh"] <= most, columns] for found in (before, after)]
        assert jaccard(*rows) >= 0.98


def test_rules_and_signals_of_tables_are_the_same(cohort):
    before, after = (mined(folder, "events.csv", "mined") for folder in cohort)
    assert set(before) == set(after)
    check_same(before, after, "rules.csv", ["antecedents", "consequents"])
    check_same(before, after, "drug_events.csv", ["drug", "outcome"])


def test_rules_of_mentions_are_the_same(cohort):
    found = []
    for folder in cohort:
        run("extract", folder / "notes.jsonl", folder / "found", "--vocabulary",
            MINI / "vocabulary.csv", "--model", "none")  # fmt: skip
        found.append(mined(folder, "found", "mined-notes", "--unit", "note"))
    check_same(*found, "rules.csv", ["antecedents", "consequents"])


def test_risks_are_equal(cohort):
    risks = []
    for folder in cohort:
        source = ("--events", folder / "events.csv", "--patients", folder / "patients.csv")
        run("risk", folder / "outcome.csv", *source, "--out", folder / "risk", "--models",
            "naive_bayes", "--keep", "naive_bayes", "--n-boot", "0", "--n-top", "0")  # fmt: skip
        run("risk", "apply", folder / "risk" / "model", folder / "outcome.csv", *source, "--out",
            folder / "applied")  # fmt: skip
        risks.append(pd.read_csv(folder / "applied" / "risks.csv"))
    first, second = risks
    assert len(first) == len(second) > 100
    assert set(first["patient"]) & set(second["patient"]) == set()
    assert (first["risk"] - second["risk"]).abs().max() <= 1e-9


def test_mentions_of_surrogate_notes_are_found_as_well(tmp_path):
    make_key(tmp_path / "key")
    run("deidentify", MINI / "dev.jsonl", tmp_path / "dev.jsonl", "--key", tmp_path / "key")
    nlp = pipeline("none", vocabulary=MINI / "vocabulary.csv")
    scores = [
        score_spans(gold, map(nlp, (n.with_(entities=(), relations=()) for n in gold)), n_boot=0)
        for gold in (list(read_notes(MINI / "dev.jsonl")), list(read_notes(tmp_path / "dev.jsonl")))
    ]
    assert scores[0].f1.value > 0.5
    assert abs(scores[0].f1.value - scores[1].f1.value) <= 0.005

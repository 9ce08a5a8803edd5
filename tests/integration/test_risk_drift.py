"""What the next month brings: a kept model refuses it, or names what is other, table by table."""

import csv
import re

import numpy as np
import pytest

from clinnlp.core.errors import DataError
from clinnlp.study.apply_flow import apply_flow
from clinnlp.study.risk_flow import risk_flow
from clinnlp.study.settings import RiskSettings

N = 120
RNG = np.random.default_rng(0)
VALUES = RNG.lognormal(0, 0.3, N)
HEAD = ["patient", "known", "code", "kind", "vocabulary", "value", "unit"]
HOW = RiskSettings(models=("naive_bayes",), n_boot=0, n_top=0, n_folds=2, keep="naive_bayes")


def write(path, rows):
    with open(path, "w", newline="") as handle:
        csv.writer(handle).writerows(rows)
    return path


def events(without=(), factor=1.0, unit="", whose="p{}"):
    kept = [k for k, name in enumerate(HEAD) if name not in without]
    rows = [HEAD]
    for k in range(N):
        who = whose.format(k)
        drug = "warfarin" if k % 3 == 0 and k % 7 else "aspirin"
        rows.append([who, "2019-06-01T08:00", drug, "drug", "rx", "", ""])
        rows.append([who, "2019-06-02T08:00", "k", "lab", "loinc", VALUES[k] * factor, unit])
    return [[row[k] for k in kept] for row in rows]


def people(sexes="fm"):
    rows = [[f"p{k}", "1950-01-01", sexes[k % 2]] for k in range(N)]
    return [["patient", "birth_date", "sex"], *rows]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("risk")
    rows = [[f"p{k}", "2020-01-01", int(k % 3 == 0)] for k in range(N)]
    write(folder / "outcome.csv", [["patient", "index_time", "outcome"], *rows])
    write(folder / "index.csv", [["patient", "index_time"], *([p, t] for p, t, _ in rows)])
    write(folder / "events.csv", events())
    write(folder / "patients.csv", people())
    risk_flow(folder / "outcome.csv", events=folder / "events.csv", entities=None,
              patients=folder / "patients.csv", out=folder / "r", settings=HOW)  # fmt: skip
    return folder


def applied(folder, tmp_path, rows=None, patients=None, index="index.csv"):
    given = write(tmp_path / "e.csv", events() if rows is None else rows)
    whose = write(tmp_path / "p.csv", people() if patients is None else patients)
    return apply_flow(folder / "r" / "model", folder / index, events=given, entities=None,
                      patients=whose, out=tmp_path / "out", n_reasons=1).applied  # fmt: skip


def test_the_same_tables_are_not_told(folder, tmp_path):
    found = applied(folder, tmp_path)
    assert found.cautions == ()
    assert np.isfinite(found.p).all()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"without": ("kind",)}, "of 120 cases about 120 must have a fact .* got 0; .*unknown"),
        ({"without": ("known",)}, "got 0; left out: events_known_missing 240"),
        ({"whose": "P{}"}, "got 0; left out: events_patient_id_in_another_spelling 240"),
        ({"whose": " p{}"}, "got 0; left out: events_patient_id_in_another_spelling 240"),
        ({"whose": "q{}"}, "got 0; left out: events_other_patient 240"),
    ],
)
def test_tables_in_which_nobody_is_found_are_refused_with_the_reason(folder, tmp_path, how, said):
    with pytest.raises(DataError, match=said):
        applied(folder, tmp_path, events(**how))
    assert not (tmp_path / "out" / "risks.csv").exists()


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ({"factor": 88.4}, r"'lab:k' has a median of .* as by another unit \(about 88.4 apart\)"),
        ({"without": ("value",)}, "otherwise than in training: a value of lab:k 100% to 0%;"),
    ],
)
def test_large_differences_are_told_by_name(folder, tmp_path, how, said):
    found = applied(folder, tmp_path, events(**how))
    assert np.isfinite(found.p).all()
    assert any(re.search(said, one) for one in found.cautions), found.cautions


def test_codes_of_sex_that_are_others_are_told(folder, tmp_path):
    found = applied(folder, tmp_path, patients=people("12"))
    assert found.cautions == (
        "120 of 120 cases have a sex that is none of f, m, and count as of unknown sex",
    )


def test_a_case_of_which_nothing_is_known_gets_no_risk(folder, tmp_path):
    rows = [["patient", "index_time"], ["p3", "2020-01-01"], ["nobody", "2020-01-01"]]
    write(folder / "two.csv", rows)
    found = applied(folder, tmp_path, index="two.csv")
    assert np.isfinite(found.p).tolist() == [True, False]
    assert found.cautions == (
        "nothing that the model knows is known of 1 cases: they have no risk",
    )
    written = list(csv.DictReader((tmp_path / "out" / "risks.csv").open()))
    assert written[1]["risk"] == ""
    assert {
        row["patient"] for row in csv.DictReader((tmp_path / "out" / "reasons.csv").open())
    } == {"p3"}

import numpy as np

from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.columns import Columns
from clinnlp.features.events import collect_cases
from clinnlp.risk.crossfit import CrossFit
from clinnlp.study.cautions import LEVEL, UNSURE, cautions_of, level_cautions
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import rows_of_table
from clinnlp.study.settings import RiskStudySettings

N = 200
WHO = np.arange(N).astype(str)
Y = np.arange(N) % 2


def told(**columns):
    return cautions_of(Columns(patients=WHO, values=columns), Y)


def test_a_column_that_tells_the_outcome_by_itself_is_named():
    left = np.where(Y == 1, "home", "ward").astype(object)
    [one] = told(left=left, age=np.arange(N) * 1.0)
    assert one.startswith("column 'left' alone has an AUROC of 1.00")
    assert told(backwards=1.0 - Y)[0].startswith("column 'backwards'")


def test_columns_that_cannot_tell_are_not_named():
    ids = np.array([f"id{k}" for k in range(N)], dtype=object)
    empty = np.full(N, np.nan)
    several = np.array([["a", "b"]] * N, dtype=object)
    half = np.where(np.arange(N) == 1, 1.0, np.nan)  # one class where it is known
    assert told(ids=ids, empty=empty, several=several, half=half, same=np.ones(N)) == ()


def test_copied_notes_are_told_with_their_number():
    [one] = cautions_of(Columns(patients=WHO, values={}), Y, n_copied=1234)
    assert one.startswith("1,234 notes")


def test_a_model_whose_scores_did_not_rise_in_some_splits_is_named():
    """Outcomes that nothing tells: by chance held-out scores fall in some splits."""
    columns = {f"x{k}": np.random.default_rng(k).random(N) for k in range(5)}
    y = np.random.default_rng(9).permutation(Y)
    rows = rows_of_table(columns, outcome=y, groups=WHO)
    study = risk_study(rows, RiskStudySettings(models=("naive_bayes", "svm"), n_boot=0))
    assert study.cautions
    for said in study.cautions:
        assert "of 5 splits the scores of held-out patients did not rise with the outcome" in said


def test_splits_that_fell_beyond_doubt_are_told_apart_from_those_that_did_not_rise():
    def fit(n_flat, n_not_rising):
        return CrossFit(p=np.empty(0), auroc_folds=(0.5,) * 5, top=(), points=(), chosen=(),
                        n_features=(), n_rare=0, seconds=0.0, n_flat=n_flat,
                        n_not_rising=n_not_rising)  # fmt: skip

    said = level_cautions(
        {"good": fit(0, 0), "dull": fit(0, 2), "bad": fit(1, 1), "both": fit(1, 3)}
    )
    assert said == (
        f"dull: in 2 of 5 splits {UNSURE}",
        f"bad: in 1 of 5 splits {LEVEL}",
        f"both: in 1 of 5 splits {LEVEL}",
        f"both: in 2 of 5 splits {UNSURE}",
    )


def test_a_unit_of_few_patients_is_counted_and_not_named():
    day = np.datetime64("2024-01-01", "s")
    outcome = Outcome(patients=WHO, index=np.full(len(WHO), day), values=Y)
    events = EventTable(
        {
            "patient": WHO,
            "known": np.full(len(WHO), day - 1),
            "code": ["creatinine"] * len(WHO),
            "kind": ["lab"] * len(WHO),
            "value": np.arange(len(WHO)) * 1.0,
            "unit": ["drops", *["mg/dL"] * (len(WHO) - 1)],
        }
    )
    cases = collect_cases(outcome, events=events)
    [said] = cautions_of(cases, Y)
    assert said.startswith("'lab:creatinine' is measured in mg/dL, 1 of fewer than 5 patients:")
    [said] = cautions_of(cases, Y, min_patients=1)
    assert "measured in drops, mg/dL: each" in said

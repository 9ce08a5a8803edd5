from dataclasses import replace

import numpy as np
import pytest

from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.columns import Columns
from clinnlp.features.events import collect_cases
from clinnlp.risk.crossfit import CrossFit
from clinnlp.study.cautions import (
    LEVEL,
    UNSURE,
    cautions_of,
    excluded_cautions,
    level_cautions,
)
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows, rows_of_table
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


def test_a_model_that_is_too_good_is_told_where_no_fact_is():
    day = np.full(N, "2024-01-01", "datetime64[s]")
    cases = collect_cases(Outcome(patients=WHO, index=day, values=Y))
    aurocs = {"svm": 0.6, "random_forest": 0.993, "naive_bayes": 0.98}
    [one] = cautions_of(cases, Y, aurocs=aurocs)
    assert one.startswith("random_forest, naive_bayes: an AUROC of 0.99 in tested patients, though")
    assert cautions_of(cases, Y, aurocs={"svm": 0.97}) == ()
    tells = replace(cases, sex=np.where(Y == 1, "f", "m").astype(object))
    assert all("though" not in said for said in cautions_of(tells, Y, aurocs=aurocs))


def test_one_code_in_several_spellings_is_told():
    day = np.full(N, "2024-01-01", "datetime64[s]")
    codes = ["E11.9", "E119", "e11.9", "E11.9 ", "25.0", "250", "Aspirin"]
    events = EventTable({
        "patient": WHO,
        "known": day - np.timedelta64(1, "D"),
        "code": [codes[k // 2 % 7] for k in range(N)],
        "kind": ["condition"] * N,
    })  # fmt: skip
    outcome = Outcome(patients=WHO, index=day, values=Y)
    [one] = cautions_of(collect_cases(outcome, events=events), Y)
    assert one.startswith("codes in several spellings: 1 ('condition:E11.9', 'condition:E11.9 ', ")
    [rare] = cautions_of(collect_cases(outcome, events=events), Y, min_patients=100)
    assert rare.startswith("codes in several spellings: 1, which differ in case, blanks or a dot")


def test_each_sort_of_suspect_has_its_sentence():
    day = np.full(N, "2024-01-01", "datetime64[s]")
    cases = collect_cases(Outcome(patients=WHO, index=day - Y * 86_400 * 400, values=Y))
    assert cautions_of(cases, Y)[0].startswith("the index time alone has an AUROC of 1.00: those")
    often = EventTable(
        {
            "patient": np.repeat(WHO, 1 + 2 * Y),
            "known": np.datetime64("2023-12-01", "s") - np.arange(N + 2 * Y.sum()),
            "code": ["visit"] * (N + 2 * Y.sum()),
            "kind": ["stay"] * (N + 2 * Y.sum()),
        }
    )
    cases = collect_cases(Outcome(patients=WHO, index=day, values=Y), events=often)
    [said] = cautions_of(cases, Y)
    assert said.startswith("how often 'stay:visit' stands in a record alone has an AUROC of 1.00:")
    once = cases.case.searchsorted(np.arange(N))  # a record of each
    late = replace(cases, case=cases.case[once], code=cases.code[once], value=cases.value[once],
                   of_note=cases.of_note[once], days=np.where(Y == 1, -1.0, -90.0))  # fmt: skip
    assert cautions_of(late, Y) == ()
    [said] = cautions_of(late, Y, by_time=True)
    assert said.startswith("how long ago 'stay:visit' was known last alone has an AUROC of 1.00")


def test_copied_notes_are_told_with_their_number():
    [one] = cautions_of(Columns(patients=WHO, values={}), Y, n_copied=1234)
    assert one.startswith("1,234 notes")


def test_a_model_whose_scores_did_not_rise_in_some_splits_is_named():
    """Outcomes that nothing tells: by chance held-out scores fall in some splits."""
    columns = {f"x{k}": np.random.default_rng(k).random(N) for k in range(5)}
    y = np.random.default_rng(9).permutation(Y)
    rows = rows_of_table(columns, outcome=y, groups=WHO)
    settings = RiskStudySettings(models=("naive_bayes", "svm"), n_folds=5, n_boot=0)
    study = risk_study(rows, settings)
    told = [said for said in study.cautions if "splits" in said]
    assert told
    for said in told:
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


def findings():
    """Return a published table of tumours: five columns alone have an AUROC above 0.95."""
    from sklearn.datasets import load_breast_cancer

    data = load_breast_cancer()
    columns = dict(zip(map(str, data.feature_names), data.data.T, strict=True))
    return columns, data.target


def test_real_findings_are_no_leaks():
    columns, y = findings()
    who = np.arange(len(y)).astype(str)
    assert cautions_of(Columns(patients=who, values=columns), y) == ()


def test_a_leak_among_real_findings_is_named():
    columns, y = findings()
    who = np.arange(len(y)).astype(str)
    leak = np.where(y == 1, np.random.default_rng(0).normal(size=len(y)), np.nan)
    [one] = cautions_of(Columns(patients=who, values={**columns, "leak": leak}), y)
    assert one.startswith("column 'leak (any value)' alone tells the outcome: of 357 patients")


NOISE = np.random.default_rng(0).normal(size=N)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        (NOISE.round(2).astype(str).astype(object), "column 'x' holds numbers as text"),
        (
            np.array([f"2024-01-{1 + k % 28:02d}" for k in range(N)], object),
            "column 'x' holds dates as text",
        ),
        (np.where(np.arange(N) < 5, -999.0, NOISE), "column 'x' is -999 in 5 rows"),
        (
            np.where(np.arange(N) < 60, 88.4, 1.0) * (5 + NOISE / 2),
            "column 'x' has two heaps of values about 88.4 apart, as in two units",
        ),
    ],
)
def test_what_a_column_cannot_mean_is_told(column, said):
    [one] = told(x=column)
    assert one.startswith(said)


def labs(values, y=Y, code="creatinine"):
    day = np.datetime64("2024-01-01T08:00", "s")
    outcome = Outcome(patients=WHO, index=np.full(N, day + 86_400), values=y)
    columns = {"patient": WHO, "known": np.full(N, day), "code": [code] * N, "kind": ["lab"] * N,
               "value": values}  # fmt: skip
    return collect_cases(outcome, events=EventTable(columns))


def test_measurements_of_events_are_looked_at_alike():
    assert cautions_of(labs(NOISE), Y) == ()
    [one] = cautions_of(labs(np.where(np.arange(N) < 4, -999, NOISE)), Y)
    assert one.startswith("'lab:creatinine' is -999 in 4 rows")
    [one] = cautions_of(labs(np.where(np.arange(N) < 60, 88.4, 1.0) * (5 + NOISE / 2)), Y)
    assert one.startswith("'lab:creatinine' has two heaps of values")
    [one] = cautions_of(labs(Y + NOISE / 100), Y)
    assert one.startswith("the value of 'lab:creatinine' alone has an AUROC of 1.00")


def test_a_table_of_events_that_was_read_twice_is_told():
    """Each repeat would count; a value that is missing twice is the same, another number is not."""
    said = "200 of 400 facts of events repeat another one of the same patient, code, time and value"
    columns = {"patient": [*WHO, *WHO], "known": np.full(2 * N, "2024-01-01T08:00", "M8[s]"),
               "code": ["crp"] * 2 * N, "kind": ["lab"] * 2 * N}  # fmt: skip
    outcome = Outcome(
        patients=WHO.astype(object), index=np.full(N, "2024-02-01", "M8[s]"), values=Y
    )
    for values, is_told in (
        (np.full(2 * N, np.nan), 1),
        (np.arange(2 * N) % N, 1),
        (np.arange(2 * N), 0),
    ):
        cases = collect_cases(outcome, events=EventTable({**columns, "value": values}))
        found = [one for one in cautions_of(cases, Y) if one.startswith(said)]
        assert len(found) == is_told


def test_ages_that_nobody_reaches_are_told():
    from datetime import date

    from clinnlp.core.patients import Patient

    day = np.datetime64("2024-01-01", "s")
    outcome = Outcome(patients=WHO, index=np.full(N, day), values=Y)
    people = [Patient(id=p, birth_date=date(1900 if k < 3 else 1950, 1, 1))
              for k, p in enumerate(WHO)]  # fmt: skip
    [one] = cautions_of(collect_cases(outcome, people), Y)
    assert one == "3 cases are older than 110 years at index: check birth dates"


def test_many_sentences_of_a_sort_are_cut_short():
    said = told(**{f"x{k}": Y * 1.0 for k in range(11)})
    assert len(said) == 9
    assert said[-1] == "and 3 more of this sort"


def test_ids_and_records_that_come_twice_are_told():
    who = np.array([*WHO[:-1], "0198.0"])  # as 198
    [one] = cautions_of(Columns(patients=who, values={"x": NOISE}), Y)
    assert one.startswith("2 patients have an id that differs from another one in case")
    twice = {f"x{k}": np.tile(np.random.default_rng(k).normal(size=N // 2), 2) for k in range(9)}
    [one] = cautions_of(Columns(patients=WHO, values=twice), Y)
    assert one.startswith("200 patients have, fact for fact, the record of another one")


def test_what_was_left_out_in_doubt_is_told():
    said = excluded_cautions(
        {
            "events_begin_after_index": 3,
            "events_of_the_index_day_without_hour": 4,
            "entities_patient_id_in_another_spelling": 5000,
            "events_other_patient": 6,
            "events_known_missing": 0,
        }
    )
    assert [one[: one.index(" ", 7)] for one in said] == ["3 facts", "4 facts", "5,000 rows"]
    assert "of entities have a patient whose id differs" in said[2]


def test_the_study_tells_them():
    day = np.datetime64("2024-01-01T08:00", "s")
    events = EventTable({"patient": [*WHO, *WHO], "code": ["a", "b"] * N, "kind": ["drug"] * 2 * N,
                         "known": np.full(2 * N, day),
                         "start": [*[None] * N, *[day + 9 * 86_400] * N]})  # fmt: skip
    outcome = Outcome(patients=WHO, index=np.full(N, day + 86_400), values=Y)
    rows = risk_rows(outcome=outcome, events=events)
    study = risk_study(rows, RiskStudySettings(models=("naive_bayes",), n_boot=0, n_top=0))
    assert any("200 facts begin after the index time" in one for one in study.cautions)


def test_words_of_notes_are_not_said():
    from clinnlp.core.tables import EntityTable

    day = np.datetime64("2024-01-01T08:00", "s")
    outcome = Outcome(patients=WHO, index=np.full(N, day + 86_400), values=Y)
    text = np.where(Y == 1, "Zebrowski", "cough").astype(object)
    table = EntityTable({"note": WHO, "patient": WHO, "known": np.full(N, day), "text": text,
                         "label": ["Problem"] * N, "start": [0] * N, "end": [5] * N,
                         "n_concepts": [0] * N})  # fmt: skip
    said = cautions_of(collect_cases(outcome, entities=table), Y)
    assert said[0].startswith("a mention of the class 'Problem' in notes, among those")
    assert "zebrowski" not in "".join(said).lower()

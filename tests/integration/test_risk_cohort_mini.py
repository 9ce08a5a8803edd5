"""The planted risk model of cohort-mini: found in size, sign and name; leaks find no way in."""

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from clinnlp.core.errors import LeakageError
from clinnlp.core.tables import EventTable
from clinnlp.features.entities import entity_table
from clinnlp.features.events import Cases
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.io.record.people import read_patients
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.models import LogisticSettings
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.risk_tables import read_outcome_table
from clinnlp.study.risk_values import notes_gain
from clinnlp.study.settings import RiskStudySettings
from clinnlp.study.synthetic import write_cohort_mini

pytestmark = pytest.mark.slow

HOW = RiskStudySettings(models=("logistic",), n_boot=200, n_top=0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    """Return the cohort with a note of every patient, as gold mentions."""
    folder = write_cohort_mini(tmp_path_factory.mktemp("cohort"), n_noted=5000)
    return SimpleNamespace(
        people=read_patients(folder / "patients.csv"),
        outcome=read_outcome_table(folder / "outcome.csv"),
        events=read_events(folder / "events.csv"),
        mentions=entity_table(read_notes(folder / "notes_gold.jsonl")),
        truth=json.loads((folder / "truth.json").read_text())["risk"],
    )


@pytest.fixture(scope="module")
def studies(cohort):
    how = {"outcome": cohort.outcome, "events": cohort.events}
    without = risk_study(risk_rows(cohort.people, **how), HOW)
    rows = risk_rows(cohort.people, notes=cohort.mentions, **how)
    return risk_study(rows, replace(HOW, n_top=15)), without


def test_notes_add_the_planted_margin(cohort, studies):
    auc = cohort.truth["oracle_auc"]
    margin = auc["all"] - auc["all_structured_only"]
    gain = notes_gain(*studies, n_boot=300)["logistic"]["auroc"]
    assert 0 < gain.low < margin < gain.high


def test_the_facts_that_only_notes_tell_lead_the_ranking(cohort, studies):
    top = [t.name for t in studies[0].models["logistic"].top_features[:8]]
    told = {f"note:Problem:{code}" for code in cohort.truth["note_only"]}
    assert told <= set(top)
    assert "age" in top


def test_signs_of_the_planted_coefficients_are_recovered(cohort):
    given = risk_rows(
        cohort.people, outcome=cohort.outcome, events=cohort.events, notes=cohort.mentions
    )
    model = fit_risk_model(
        given.rows, given.y, features=given.features, settings=LogisticSettings()
    )
    features, logistic = model.named_steps["features"], model.named_steps["model"].estimator_
    X = features.transform(given.rows)
    indicators, coefficients = logistic[0].transform(X), logistic[-1].coef_.ravel()
    names = features.get_feature_names_out().tolist()

    def slope(name):
        [j] = [k for k, other in enumerate(names) if other.startswith(name)]
        at = logistic[0].source_ == j
        effect = np.asarray(indicators[:, at] @ coefficients[at]).ravel()
        return np.cov(X[:, [j]].toarray().ravel(), effect)[0, 1]

    for code in cohort.truth["coefficients"]:
        if code in cohort.truth["note_only"]:
            assert slope(f"note:Problem:{code} in") > 0, code
        elif code.startswith("problem:"):
            assert slope(f"condition:{code} in") > 0, code
    assert slope("age_years") > 0
    assert slope("last measurement:lab:creatinine") > 0


def test_a_leak_is_counted_out_and_changes_nothing(cohort):
    """Add an event that tells the outcome, known on the day after index."""
    outcome = cohort.outcome.outcome
    back = outcome.values == 1
    leak = EventTable(
        {
            "patient": outcome.patients[back],
            "known": outcome.index[back] + np.timedelta64(1, "D"),
            "code": ["readmitted"] * int(back.sum()),
            "kind": ["outcome"] * int(back.sum()),
        }
    )
    made = [
        risk_rows(cohort.people, outcome=cohort.outcome, events=events)
        for events in (cohort.events, EventTable.concat([cohort.events, leak]))
    ]
    assert made[0].rows.codes == made[1].rows.codes
    late = [cases.n_excluded["events_known_at_or_after_index"] for cases in made]
    assert late[1] - late[0] == back.sum()


def test_a_leak_that_is_forced_in_is_refused_by_name(cohort):
    cases = risk_rows(cohort.people, outcome=cohort.outcome, events=cohort.events).rows
    days = cases.days.copy()
    days[7] = 2.5
    fields = {name: getattr(cases, name) for name in Cases.__slots__}
    with pytest.raises(LeakageError, match=r"fact \d+ of row \d+, \+2\.50 days"):
        Cases(**{**fields, "days": days})

"""New cases that are other than those of the training: refused, or told by name."""

from datetime import date
from types import SimpleNamespace

import numpy as np
import pytest

from clinnlp.core.errors import DataError
from clinnlp.core.patients import Patient
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.events import collect_cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.drift import check_any_fact, drift, facts_known, profile_of
from clinnlp.risk.models import NaiveBayesSettings

N = 200
RNG = np.random.default_rng(0)
CREATININE = RNG.lognormal(0, 0.3, N)


def cases(n=N, *, factor=1.0, drug="aspirin", every=2, kind="lab", sex="FM", born=1950, fill=0):
    """Return n cases: a measurement each, a drug for every second one, and for some a rare fact."""
    who = np.array([f"p{k}" for k in range(n)], dtype=object)
    drugged = np.arange(n) % every == 0
    rows = {
        "patient": [*who[fill:], *who[drugged]],
        "code": ["creatinine"] * (n - fill) + [drug] * int(drugged.sum()),
        "kind": [kind] * (n - fill) + ["drug"] * int(drugged.sum()),
        "value": [*(CREATININE[:n] * factor)[fill:], *[np.nan] * int(drugged.sum())],
    }
    known = np.full(len(rows["patient"]), "2024-01-01T08:00", "M8[s]")
    outcome = Outcome(patients=who, index=np.full(n, "2024-02-01", "M8[s]"),
                      values=(np.arange(n) % 3 == 0).astype(np.int8))  # fmt: skip
    people = [
        Patient(id=p, birth_date=date(born + k % 20, 1, 1), sex=sex[k % len(sex)])
        for k, p in enumerate(who)
    ]
    return collect_cases(outcome, people, events=EventTable({**rows, "known": known}))


@pytest.fixture(scope="module")
def kept():
    trained = cases()
    y = (np.arange(N) % 3 == 0).astype(np.int64)
    model = fit_risk_model(trained, y, features=PatientFeatures(), settings=NaiveBayesSettings())
    return SimpleNamespace(model=model, profile=profile_of(model, trained))


def told(kept, new):
    known = facts_known(kept.model, new)
    check_any_fact(kept.profile, new, known)
    return drift(kept.profile, kept.model, new, known)


def test_the_profile_holds_shares_and_quantiles_and_no_patient(kept):
    assert kept.profile["cases"] == N
    assert kept.profile["any_fact"] == kept.profile["age_known"] == 1.0
    assert kept.profile["facts"] == {"drug:aspirin": 0.5, "lab:creatinine": 1.0}
    quantiles = kept.profile["values"]["lab:creatinine"]
    np.testing.assert_allclose(quantiles, np.quantile(CREATININE, (0.05, 0.25, 0.5, 0.75, 0.95)),
                               rtol=1e-5)  # fmt: skip
    assert kept.profile["sexes"] == ["F", "M"]
    assert "p1" not in str(kept.profile)


def test_quantiles_of_few_patients_are_not_kept():
    few = cases(fill=N - 19)
    y = (np.arange(N) % 3 == 0).astype(np.int64)
    model = fit_risk_model(few, y, features=PatientFeatures(), settings=NaiveBayesSettings())
    assert profile_of(model, few)["values"] == {}


@pytest.mark.parametrize("n", [1, 3, 19, 20, N])
def test_cases_like_those_of_the_training_are_not_told(kept, n):
    assert told(kept, cases(n)) == ()


def test_another_unit_without_a_label_is_told_by_name(kept):
    for n in (1, 5, 40, N):
        [one] = told(kept, cases(n, factor=88.4))
        assert one.startswith("'lab:creatinine' has a median of")
        assert "as by another unit (about 88.4 apart)" in one
    assert told(kept, cases(factor=1.1)) == ()


def test_a_fact_that_has_gone_or_come_to_many_is_told_by_name(kept):
    [facts, *rest] = told(kept, cases(drug="acetylsalicylic acid"))
    assert facts.startswith("cases have facts otherwise than in training: drug:aspirin 50% to 0%")
    assert rest == []
    [facts] = told(kept, cases(every=1))
    assert "drug:aspirin 50% to 100%" in facts


def test_codes_that_are_mostly_others_are_told(kept):
    new = cases(every=1, drug="x", fill=90)
    said = told(kept, new)
    assert any("facts are none that the model knows, 0% in training" in one for one in said)


def test_codes_of_sex_and_missing_or_other_ages_are_told(kept):
    assert told(kept, cases(sex=["female", "male"])) == (
        "200 of 200 cases have a sex that is none of F, M, and count as of unknown sex",
    )
    [one] = told(kept, cases(born=1900))
    assert one.startswith("the age has a median of")
    new = cases()
    ageless = collect_cases(
        Outcome(patients=new.patients, index=new.index, values=np.zeros(N, np.int8)),
        [Patient(id=p, sex="F") for p in new.patients.tolist()],
        events=EventTable({"patient": new.patients, "known": ["2024-01-01T08:00"] * N,
                           "code": ["creatinine"] * N, "kind": ["lab"] * N,
                           "value": CREATININE}),
    )  # fmt: skip
    assert "the age of 0% of the cases is known, 100% in training" in told(kept, ageless)


@pytest.mark.parametrize("how", [{"kind": None}, {"kind": "labs"}, {"fill": 150}])
def test_fewer_than_half_of_the_expected_cases_with_a_fact_are_refused(kept, how):
    new = cases(every=10**6, **how)
    with pytest.raises(DataError, match=r"of 200 cases about 200 must have a fact that the model"):
        told(kept, new)


def test_few_cases_and_older_cards_are_not_refused(kept):
    assert told(kept, cases(4, every=10**6, kind="labs", fill=0)) is not None
    new = cases(kind="labs")
    check_any_fact({}, new, facts_known(kept.model, new))
    assert drift({}, kept.model, new, facts_known(kept.model, new)) == ()
    odd = {"cases": "many", "facts": [], "values": {"lab:creatinine": [None]}, "age": 3}
    drift(odd, kept.model, new, facts_known(kept.model, new))

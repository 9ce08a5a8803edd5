"""Known or new: both orders, codes or names, and what was known but not called."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.signals.known import Knowledge, disagreements, known_or_new

ROWS = [("ibuprofen", "Warfarin ", "bleeding"), ("digoxin", "amiodarone", "")]


@pytest.fixture(scope="module")
def signals():
    rng = np.random.default_rng(0)
    n = 6000
    held = {name: rng.random(n) < 0.2 for name in ("warfarin", "ibuprofen", "digoxin", "iron")}
    both = held["warfarin"] & held["ibuprofen"]
    held["bleeding"] = rng.random(n) < 0.02 + 0.3 * both
    held["rash"] = rng.random(n) < 0.03
    kinds = dict.fromkeys(("warfarin", "ibuprofen", "digoxin", "iron"), "drug")
    kinds |= {"bleeding": "outcome", "rash": "outcome"}
    return mine_interactions(frame_baskets(pd.DataFrame(held), kinds=kinds))


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (("warfarin", "ibuprofen", "bleeding"), "known"),
        (("IBUPROFEN", "warfarin", " Bleeding"), "known"),
        (("warfarin", "ibuprofen", "rash"), "new"),
        (("Amiodarone", "digoxin", "anything"), "labelled"),
        (("iron", "zinc", "nausea"), "labelled"),
        (("zinc", "iron", "rash"), "new"),
    ],
)
def test_status(row, status):
    knowledge = Knowledge.of(interactions=ROWS, effects=[("iron", "nausea")])
    assert knowledge.status(*row) == status


def test_codes_meet_names():
    names = {"11289": "warfarin", "5640": "ibuprofen", "E1": "bleeding"}
    knowledge = Knowledge.of(interactions=[("5640", "11289", "E1")], names=names)
    assert knowledge.status("warfarin", "ibuprofen", "bleeding") == "known"
    assert knowledge.status("11289", "5640", "bleeding") == "known"


def test_a_table(signals):
    frame = pd.DataFrame({"drug_1": ["warfarin", "iron"], "drug_2": ["ibuprofen", "digoxin"],
                          "event": ["bleeding", None]})  # fmt: skip
    knowledge = Knowledge.from_pandas(frame)
    status = known_or_new(signals, knowledge)
    assert len(status) == len(signals)
    for k in range(len(signals)):
        pair = {signals["drug_1"][k], signals["drug_2"][k]}
        expected = "labelled" if pair == {"iron", "digoxin"} else "new"
        if pair == {"warfarin", "ibuprofen"} and signals["outcome"][k] == "bleeding":
            expected = "known"
            assert signals["signal"][k]
        assert status[k] == expected


def test_disagreements_are_known_and_not_called(signals):
    rows = [*ROWS, ("iron", "digoxin", "rash"), ("iron", "heparin", "rash")]
    found = disagreements(signals, Knowledge.of(interactions=rows))
    assert found[["drug_1", "drug_2", "outcome"]].to_numpy().tolist() == [
        ["digoxin", "iron", "rash"]
    ]
    assert found["why"].isin(["not called", "too few reports"]).all()


def test_bad_rows_are_refused(signals):
    for row in (("warfarin",), "warfarin", ("a", "a", "x"), ("a", "", "x")):
        with pytest.raises(ArgumentError, match="interaction must"):
            Knowledge.of(interactions=[row])
    with pytest.raises(ArgumentError, match="columns"):
        Knowledge.from_pandas(pd.DataFrame({"drug_1": []}))


def test_rows_of_single_drugs(signals):
    single = mine_signals(signals.baskets, min_count=1)
    told = Knowledge.of(interactions=ROWS, effects=[("Iron", "RASH")])
    found = dict(zip(zip(single["drug"], single["outcome"]), known_or_new(single, told)))  # noqa: B905
    assert found["iron", "rash"] == "known"
    assert found["warfarin", "bleeding"] == "labelled"
    assert found["warfarin", "rash"] == "new"

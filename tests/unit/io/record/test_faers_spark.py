"""FAERS quarters on real Spark: the events of one machine."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.features.baskets import event_baskets
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.faers_spark import faers_spark
from clinnlp.mine.sets.spark_baskets import spark_baskets
from clinnlp.mine.signals.drug_events import mine_signals
from tests.unit.io.record.test_faers import NEW, OLD, written

COLUMNS = ("patient", "encounter", "start", "known", "code", "kind", "vocabulary", "dose")
ALIKE = {  # two reports of one version: the first counts
    "DEMO21Q1.txt": ["primaryid$caseid$caseversion$event_dt$fda_dt",
                     "5001$500$1$20210101$20210105", "5001$500$1$20210303$20210105"],
    "DRUG21Q1.txt": ["primaryid$caseid$drug_seq$role_cod$drugname", "5001$500$1$PS$IRON"],
    "REAC21Q1.txt": ["primaryid$caseid$pt", "5001$500$Rash"],
}  # fmt: skip


def by_spark(frame):
    return sorted(map(repr, (tuple(row) for row in frame.select(*COLUMNS).collect())))


def local(path, **how):
    rows = read_faers(path, **how).events.to_arrow().to_pylist()
    return sorted(repr(tuple(row[name] for name in COLUMNS)) for row in rows)


@pytest.mark.slow
def test_events_are_those_of_one_machine(spark, tmp_path):
    written(tmp_path, {**OLD, **ALIKE})
    written(tmp_path, NEW, zipped="faers_ascii_2020q1.zip")
    expected = local(tmp_path)
    assert len(expected) == 11
    assert by_spark(faers_spark(spark, tmp_path)) == expected
    some = local(tmp_path, roles=("C",))
    assert len(some) < len(expected)
    assert by_spark(faers_spark(spark, tmp_path, roles=("C",))) == some


@pytest.mark.slow
def test_signals_of_a_real_quarter_are_those_of_one_machine(spark, data_dir):
    path = data_dir("faers_sample")
    held = event_baskets(read_faers(path).events, fold_terms=False)
    limits = {"min_count": 1, "min_margin": 2}
    theirs = mine_signals(held, **limits)
    with spark_baskets(faers_spark(spark, path), unit="patient") as baskets:
        ours = mine_signals(baskets, **limits)
    assert (len(baskets), ours.m, len(ours)) == (len(held), theirs.m, len(theirs))
    assert len(ours) > 3
    for name in ("n_both", "n_drug", "n_outcome", "q_bh"):
        assert sorted(ours[name].tolist()) == sorted(theirs[name].tolist()), name


@pytest.mark.slow
def test_what_cannot_be_is_said_before_spark_works(spark, tmp_path):
    with pytest.raises(ArgumentError, match="roles must be among"):
        faers_spark(spark, tmp_path, roles=("X",))
    with pytest.raises(DataError, match="needs DEMO, DRUG and REAC"):
        faers_spark(spark, tmp_path)
    written(tmp_path, {k: lines for k, lines in NEW.items() if "REAC" not in k})
    with pytest.raises(DataError, match="needs the table REAC"):
        faers_spark(spark, tmp_path)

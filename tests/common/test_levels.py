"""Every interval has a coverage strictly between 0 and 1, and refuses another in one sentence."""

import importlib
import inspect
import pkgutil

import numpy as np
import pandas as pd
import pytest

import clinnlp.metrics
import clinnlp.mine
from clinnlp.core.counts import PRF, Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.features.baskets import frame_baskets
from clinnlp.metrics.leak_bound import ReviewedStratum
from clinnlp.mine.measures.additive import one_stratum
from clinnlp.mine.measures.logistic import LogisticFit
from clinnlp.mine.signals.extraction import ExtractionError

BASKETS = frame_baskets(
    pd.DataFrame({"statin": [1] * 10 + [0] * 10, "myalgia": [1, 0] * 10}),
    kinds={"statin": "drug", "myalgia": "outcome"},
)
COUNTS = pd.DataFrame(
    {"drug": ["statin"], "event": ["myalgia"], "a": [5], "n_drug": [10], "n_event": [10], "n": [20]}
)
NOTES = [
    Note(id="n", text="aspirin", entities=(Entity(id="T1", span=Span(0, 7), label="Drug"),)),
]
ONE = np.ones(1)
TABLE = (Table2x2(n_ab=3, n_a=5, n_b=6, n=20),)
STRATA = (Table2x2(n_ab=[3], n_a=[5], n_b=[6], n=[20]),)
MISTAKES = ExtractionError(by_kind=dict.fromkeys(("drug", "outcome"), PRF(tp=9, fp=1, fn=2)))
PAIRS = (one_stratum(1, 1, 1, 1, 2, 2, 2, 2),)
RISKS = ([0, 1], [0.2, 0.7])
FOLLOWED = ([9.0, 3.0, 5.0], [0, 1, 0])

GIVEN = {  # what each function takes beside its level
    "metrics.agreement.cohen_kappa": (["a", "b"], ["a", "b"]),
    "metrics.compare.compare_risks": (*RISKS, [0.1, 0.2]),
    "metrics.compare.subgroup_differences": (*RISKS, {"sex": ["F", "M"]}),
    "metrics.deidentification.score_deidentification": (NOTES, NOTES),
    "metrics.incidence.aalen_johansen": FOLLOWED,
    "metrics.incidence.kaplan_meier": FOLLOWED,
    "metrics.intervals.percentile_interval": (0.5, [0.4, 0.6]),
    "metrics.intervals.wilson_bounds": (1, 2),
    "metrics.intervals.wilson_interval": (1, 2),
    "metrics.labels.resample_confusion": (lambda c: np.array([1.0]), ["a"], ["a"]),
    "metrics.labels.score_label_sets": ([("a",)], [("a",)], ["a"]),
    "metrics.labels.score_labels": (["a", "b"], ["a", "b"]),
    "metrics.leak_bound.leak_bound": ([ReviewedStratum(n_notes=9, leaked=[0, 1])],),
    "metrics.mentions.compare_spans": (NOTES, NOTES, NOTES),
    "metrics.mentions.difference_of_counts": (np.ones((2, 1, 3)),),
    "metrics.relations.compare_relations": (NOTES, NOTES, NOTES),
    "metrics.relations.score_relations": (NOTES, NOTES),
    "metrics.risk.calibration_curve": RISKS,
    "metrics.risk.score_risk": RISKS,
    "metrics.smooth.smooth_calibration": RISKS,
    "metrics.spans.score_spans": (NOTES, NOTES),
    "metrics.spans.scores_of_counts": (np.ones((1, 1, 3), int), ["a"]),
    "metrics.survival.concordance": (*FOLLOWED, [0.2, 0.7, 0.4]),
    "metrics.survival.horizon_calibration": (*FOLLOWED, [0.2, 0.7, 0.4]),
    "metrics.survival.score_survival": (*FOLLOWED, [0.2, 0.7, 0.4]),
    "metrics.thresholds.score_thresholds": (*RISKS, [0.5]),
    "mine.measures.additive.omega_interval": (7, 1.4),
    "mine.measures.association.lift_interval": TABLE,
    "mine.measures.association.odds_ratio_interval": TABLE,
    "mine.measures.disproportionality.bcpnn_interval": TABLE,
    "mine.measures.disproportionality.ic_interval": TABLE,
    "mine.measures.disproportionality.prr_interval": TABLE,
    "mine.measures.disproportionality.shrunk_log2_interval": (7, 1.4),
    "mine.measures.interaction.combination_risk_ratio_interval": PAIRS,
    "mine.measures.interaction.interaction_odds_ratio_interval": PAIRS,
    "mine.measures.interaction.reri_interval": PAIRS,
    "mine.measures.interaction.risk_excess_interval": PAIRS,
    "mine.measures.intervals.log_interval": (ONE, ONE, ONE),
    "mine.measures.intervals.normal_quantile": (),
    "mine.signals.extraction.corrected": (STRATA[0], MISTAKES, ("drug", "outcome")),
    "mine.measures.logistic.LogisticFit.interval": (
        LogisticFit(intercept=0.0, beta=ONE, error=ONE),
    ),
    "mine.measures.stratified.mh_odds_ratio_interval": STRATA,
    "mine.measures.stratified.mh_prr_interval": STRATA,
    "mine.rule_mining.mine_rules": (BASKETS,),
    "mine.signals.counts.mine_counts": (COUNTS,),
    "mine.signals.drug_events.measured": (
        Table2x2(n_ab=[[3]], n_a=[[5]], n_b=[[6]], n=[[20]]),
        None,
    ),
    "mine.signals.drug_events.mine_signals": (BASKETS,),
}
MORE = {
    "metrics.leak_bound.leak_bound": {"n_words": 90},
    "metrics.labels.resample_confusion": {"groups": None, "n_boot": 2, "seed": 0},
    "metrics.mentions.difference_of_counts": {"n_boot": 2, "seed": 0},
    "metrics.spans.scores_of_counts": {"match": "strict", "n_boot": 2, "seed": 0},
    "metrics.survival.horizon_calibration": {"horizon_days": 4},
    "metrics.survival.score_survival": {"horizon_days": 4},
}


def _with_level():
    """Give every public function, and method of a public class, that takes a level."""
    found = {}
    for room in (clinnlp.metrics, clinnlp.mine):
        for info in pkgutil.walk_packages(room.__path__, f"{room.__name__}."):
            module = importlib.import_module(info.name)
            for name in getattr(module, "__all__", ()):
                value = getattr(module, name)
                if inspect.isclass(value):
                    mine = {f"{name}.{k}": f for k, f in vars(value).items() if k[0] != "_"}
                else:
                    mine = {name: value}
                for k, f in mine.items():
                    if inspect.isfunction(f) and "level" in inspect.signature(f).parameters:
                        if f.__module__ == info.name:
                            found[f"{info.name.removeprefix('clinnlp.')}.{k}"] = f
    return found


FUNCTIONS = _with_level()


def test_every_function_with_a_level_is_held_to_the_law():
    assert set(FUNCTIONS) == set(GIVEN)


def _call(name, level):
    """Call a function with its level, by name where it is not its only argument."""
    function, more = FUNCTIONS[name], MORE.get(name, {})
    if "level" in inspect.getfullargspec(function).kwonlyargs:
        return function(*GIVEN[name], level=level, **more)
    return function(*GIVEN[name], level)


@pytest.mark.parametrize("level", [0, 1, -1, 2, float("nan"), 95])
@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_level_lies_strictly_between_0_and_1(name, level):
    with pytest.raises(ArgumentError, match=r"^level must lie strictly between 0 and 1, got"):
        _call(name, level)


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_level_between_is_taken(name):
    assert _call(name, 0.8) is not None

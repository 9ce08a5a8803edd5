"""What is searched lies around the start, and is what is trained with."""

from dataclasses import replace

import pytest

from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.core.errors import ArgumentError
from clinnlp.study.tune_space import SPACE, at_start, draw, names

optuna = pytest.importorskip("optuna")
NER = replace(TaggerSettings(), epochs=9, learning_rate=3e-4)
CLASSES = replace(ClassifierSettings(), epochs=9, learning_rate=3e-4)


def trials(n=200):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [study.ask() for _ in range(n)]


@pytest.mark.parametrize("start", [NER, replace(CLASSES, tune_encoder=True)])
def test_each_value_is_one_that_the_settings_take(start):
    searched = names(type(start))
    drawn = [draw(trial, start, searched) for trial in trials()]
    for changed in drawn:
        replace(start, **changed)  # refuses what is out of range
        for name, value in changed.items():
            assert type(value) is type(getattr(start, name)), name
    assert {name for changed in drawn for name in changed} == set(searched)


def test_a_range_is_around_the_start_wherever_that_is():
    for start in (NER, replace(NER, learning_rate=1e-5, epochs=1, tokens_per_batch=2, swap=0.9)):
        for changed in (draw(trial, start, names(TaggerSettings)) for trial in trials()):
            assert 0.249 <= changed["learning_rate"] / start.learning_rate <= 4.01
            assert max(1, start.epochs // 2) <= changed["epochs"] <= 2 * start.epochs
            assert changed["tokens_per_batch"] <= 2 * start.tokens_per_batch
            assert 0 <= changed["swap"] <= max(0.6, start.swap)


def test_a_value_is_written_in_few_digits():
    for trial in trials():
        for value in draw(trial, NER, names(TaggerSettings)).values():
            assert len(f"{value:g}") <= 8
            assert float(f"{value:g}") == value


def test_what_belongs_to_the_loop_is_not_drawn_for_a_head_alone():
    searched = names(ClassifierSettings)
    for changed in (draw(trial, CLASSES, searched) for trial in trials()):
        assert ("epochs" in changed) == changed["tune_encoder"]
        assert "pooling" in changed
    assert draw(trials(1)[0], CLASSES, ["epochs"]) == {}


def test_a_trial_can_hold_the_start_itself():
    for start in (NER, replace(NER, swap=0.95, layer_decay=0.1), CLASSES):
        searched = names(type(start))
        study = optuna.create_study()
        study.enqueue_trial(at_start(start, searched))
        drawn = draw(study.ask(), start, searched)
        assert drawn == {name: getattr(start, name) for name in drawn}


def test_only_what_the_table_has_is_searched():
    assert set(names(TaggerSettings)) | set(names(ClassifierSettings)) == set(SPACE)
    for wanted in (["warmup"], ["pooling"], []):
        with pytest.raises(ArgumentError, match="search must be among learning_rate, epochs"):
            names(TaggerSettings, wanted)

"""What a reader is told of a search."""

import math

import numpy as np

import clinnlp
from clinnlp.bert.settings import TaggerSettings
from clinnlp.core.config import read_settings
from clinnlp.core.counts import Estimate
from clinnlp.study.tune_files import forget_files, settings_text, write_files
from clinnlp.study.tuning import Tuning, TuningTrial, history_plot

BEST = "best: trial 2, selection score 0.600 on 10 notes of train, of 4 trials; above the start by"
CAUTION = (
    "the best of several scores on the same notes is too high: score dev once, at the end, with "
    "clinnlp"
)


def trial(number, score, *, given_up=False, swap=0.3):
    return TuningTrial(number=number, changed={"swap": swap}, score=score, given_up=given_up,
                       n_epochs=3, seconds=9.4)  # fmt: skip


def tuning(folder, best=2):
    trials = (trial(1, 0.5), trial(2, 0.6, swap=0.45), trial(3, 0.7, given_up=True), trial(4, None))
    return Tuning(
        kind="ner", trials=trials, best=trials[best - 1], n_selection=10, minutes=0.5,
        settings=TaggerSettings(swap=trials[best - 1].changed["swap"], labels=('a "b"\\', "é")),
        gain=Estimate(value=0.1, low=-0.05, high=0.25), folder=folder,
    )  # fmt: skip


def test_each_trial_the_best_its_gain_and_the_caution_are_said(tmp_path):
    file = tmp_path / "best.toml"
    assert tuning(tmp_path).lines() == (
        "trial 1: 0.500 after 3 epochs, 9 s (swap 0.3)",
        "trial 2: 0.600 after 3 epochs, 9 s (swap 0.45)",
        "trial 3: 0.700 after 3 epochs, given up, 9 s (swap 0.3)",
        "trial 4: no finite loss after 3 epochs, 9 s (swap 0.3)",
        f"{BEST} 0.100 [-0.050, 0.250]",
        f"{CAUTION} fine-tune ner ... --settings {file} --dev DEV",
        f"settings: {file}",
    )


def test_the_picture_marks_what_was_best_and_leaves_out_what_was_given_up(tmp_path):
    plot = history_plot(tuning(tmp_path))
    assert np.asarray(plot.marked).tolist() == [True, True, False, False]
    assert plot.y_level == 0.5
    assert math.isnan(plot.y[3])
    (picture,) = clinnlp.plots(tuning(tmp_path))
    assert "best so far" in picture.svg


def test_the_files_are_read_back(tmp_path):
    write_files(tuning(tmp_path), "a\x1b[2Jfolder")
    text = (tmp_path / "best.toml").read_text()
    assert "\x1b" not in text
    assert "score dev once" in text
    assert read_settings(TaggerSettings, tmp_path / "best.toml") == tuning(tmp_path).settings
    rows = (tmp_path / "trials.csv").read_text().splitlines()
    assert rows[0] == "trial,score,given_up,n_epochs,seconds,swap"
    assert rows[3:] == ["3,0.7,1,3,9.4,0.3", "4,,0,3,9.4,0.3"]
    (tmp_path / "mine.txt").write_text("stays")
    forget_files(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_start_is_written_as_it_was_also_where_it_is_the_default(tmp_path):
    assert "\nswap = 0.3\n" in settings_text(tuning(tmp_path, best=1), "minilm")

"""What is chosen is chosen on train: dev, whatever it says, changes no weight and no setting.

Epochs, thresholds, calibration and searched settings come from the selection tenth of train. A dev
of other mentions, other labels or none at all therefore leaves every one of them as it is.
"""

import pytest
import torch

from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner
from clinnlp.study.tune import tune_classifier, tune_ner
from tests.unit.bert.conftest import LABELLED, QUICK, TRAIN, make_encoder, note_of
from tests.unit.bert.test_checkpoint import weights

OPTIONS = {**QUICK, "tokens_per_batch": 40, "epochs": 2, "learning_rate": 0.01,
           "selection_fraction": 0.3}  # fmt: skip
DEVS = {
    "none": None,
    "some": [note_of(90, "Aspirin for pain", ("Aspirin", "Drug")).with_(labels=("drug",)),
             note_of(91, "No rash at all", ("rash", "Problem")).with_(labels=("none",))],
    "turned round": [note_of(90, "Aspirin for pain", ("pain", "Drug")).with_(labels=("none",)),
                     note_of(91, "No rash at all").with_(labels=("drug",))],
}  # fmt: skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return make_encoder(tmp_path_factory.mktemp("encoder"))


def chosen(model):
    """Return what a model has of choices: weights aside."""
    card = {name: model.card[name] for name in ("epochs", "best_epoch", "n_selection")}
    return card, model.record(), model.settings


@pytest.mark.parametrize(
    ("fine_tune", "train", "options"),
    [(fine_tune_ner, TRAIN, {}), (fine_tune_classifier, LABELLED, {"tune_encoder": True}),
     (fine_tune_classifier, LABELLED, {"multi_label": True})],
)  # fmt: skip
def test_dev_chooses_nothing_in_a_training(encoder, tmp_path, fine_tune, train, options):
    made = [
        fine_tune(train, dev, encoder=encoder, out=tmp_path / name, **OPTIONS, **options)
        for name, dev in DEVS.items()
    ]
    for other in made[1:]:
        assert torch.equal(weights(other), weights(made[0]))
        assert chosen(other) == chosen(made[0])
    assert made[1].card["dev"] != made[2].card["dev"]  # and yet dev was scored


@pytest.mark.parametrize(("tune", "train"), [(tune_ner, TRAIN), (tune_classifier, LABELLED)])
def test_dev_chooses_nothing_in_a_search(encoder, tmp_path, tune, train):
    pytest.importorskip("optuna")
    found = [
        tune(train, dev=dev, encoder=encoder, out=tmp_path / name, trials=2, **OPTIONS)
        for name, dev in DEVS.items()
    ]
    rows = [[(t.changed, t.score, t.given_up, t.n_epochs) for t in each.trials] for each in found]
    assert rows[0] == rows[1] == rows[2]
    best = [(tmp_path / name / "best.toml").read_bytes() for name in DEVS]
    assert best[0] == best[1] == best[2]

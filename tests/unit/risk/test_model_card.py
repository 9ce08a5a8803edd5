"""A risk model's folder has a card, without features and without few patients."""

import pytest

from clinnlp.features.columns import ColumnFeatures
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.model_card import risk_card
from clinnlp.risk.models import NaiveBayesSettings
from clinnlp.risk.store import load_risk_model, save_risk_model

SCORE = {"score": "auroc", "value": 0.71, "low": 0.6, "high": 0.8, "level": 0.95, "method": "boot"}


def test_it_lies_in_the_folder_and_is_made_of_the_card(table, tmp_path):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    said = {"model": "naive_bayes", "scores": [SCORE], "cautions": ["Few events."]}
    folder = save_risk_model(model, tmp_path / "m", card=said)
    text = (folder / "README.md").read_text(encoding="utf-8")
    assert text == risk_card(load_risk_model(folder).card)
    assert text.startswith('---\nlibrary_name: "clinnlp"\n')
    for line in (
        "# Risk model: naive_bayes",
        "- training patients: 200",
        "| auroc | 0.710 [0.600, 0.800] |",
        "Intervals: 95%, boot.",
        "- Few events.",
    ):
        assert f"{line}\n" in text
    assert "signal" not in text


@pytest.mark.parametrize(
    ("fewest", "n", "said"), [(5, 4, "fewer than 5"), (1, 4, "4"), (5, 5, "5")]
)
def test_few_patients_are_not_counted(fewest, n, said):
    study = {"settings": {"min_patients": fewest, "method": "sigmoid"}}
    text = risk_card({"n_training_patients": n, "study": study})
    assert f"- training patients: {said}\n" in text
    assert "- calibration: sigmoid" in text


@pytest.mark.parametrize("record", [{}, {"study": 1, "scores": None, "cautions": "x", "rows": []}])
def test_a_card_of_little_is_whole(record):
    text = risk_card(record)
    assert "It was saved without scores." in text
    assert all(part in text for part in ("## Labels", "## Data", "## Scores", "## Limits"))

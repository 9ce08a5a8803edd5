import json
import subprocess
import sys

import numpy as np
import pytest
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer

from clinnlp.core.errors import StoreError
from clinnlp.core.patients import TimeWindow
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.features.columns import ColumnFeatures
from clinnlp.features.events import collect_cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.models import (
    BoostingSettings,
    LogisticSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    RbfSvmSettings,
    SvmSettings,
)
from clinnlp.risk.store import load_risk_model, save_risk_model

SETTINGS = [
    NaiveBayesSettings(),
    NaiveBayesSettings(kind="complement"),
    RandomForestSettings(n_trees=5),
    SvmSettings(),
    RbfSvmSettings(n_landmarks=20),
    LogisticSettings(),
    BoostingSettings(n_rounds=5),
]


@pytest.fixture
def folder(table, tmp_path):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    return save_risk_model(model, tmp_path / "model", card={"seed": 0})


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_a_saved_model_gives_equal_bits(table, tmp_path, settings, method):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=settings, method=method)
    loaded = load_risk_model(save_risk_model(model, tmp_path / "m", card={"seed": 0}))
    assert loaded.model.predict_proba(rows).tolist() == model.predict_proba(rows).tolist()
    assert loaded.card["seed"] == 0
    assert loaded.card["features"][0] == "signal"
    assert loaded.card["n_training_patients"] == 200


def test_patient_features_are_kept_too(tmp_path):
    who = np.array([f"p{k}" for k in range(30)], dtype=object)
    outcome = Outcome(
        patients=who, index=np.full(30, "2024-02-01", "datetime64[s]"), values=np.arange(30) % 2
    )
    events = EventTable(
        {
            "patient": who,
            "known": np.full(30, "2024-01-01", "datetime64[s]"),
            "code": ["a", "b"] * 15,
            "value": np.arange(30.0),
        }
    )
    cases = collect_cases(outcome, events=events)
    features = PatientFeatures((TimeWindow(start_days=-60, end_days=0),))
    model = fit_risk_model(cases, outcome.values, features=features, settings=SvmSettings())
    loaded, _ = load_risk_model(save_risk_model(model, tmp_path / "m"))
    assert loaded.predict_proba(cases).tolist() == model.predict_proba(cases).tolist()
    stored = b"".join(path.read_bytes() for path in (tmp_path / "m").iterdir())
    assert b"p17" not in stored


def test_another_process_gives_equal_bits(table, tmp_path):
    """All models in one other process."""
    rows, y = table
    here = []
    for k, settings in enumerate(SETTINGS):
        model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=settings)
        save_risk_model(model, tmp_path / f"m{k}")
        here.append(model.predict_proba(rows).tobytes().hex())
    np.savez(tmp_path / "rows.npz", **{k: v.astype(str) for k, v in rows.values.items()})
    code = (
        "import sys, numpy as np\n"
        "from clinnlp.features.columns import Columns\n"
        "from clinnlp.risk.store import load_risk_model\n"
        "made = np.load(sys.argv[1])\n"
        "values = {k: made[k].astype(object if k == 'drug' else float) for k in made}\n"
        "rows = Columns(patients=np.arange(len(made['drug'])).astype(str), values=values)\n"
        "for folder in sys.argv[2:]:\n"
        "    p = load_risk_model(folder).model.predict_proba(rows)\n"
        "    sys.stdout.write(p.tobytes().hex() + '\\n')\n"
    )
    folders = [str(tmp_path / f"m{k}") for k in range(len(SETTINGS))]
    command = [sys.executable, "-c", code, str(tmp_path / "rows.npz"), *folders]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.split() == here


def change(folder, **more):
    path = folder / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **more}))


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"form": 99}, "form 5, got 'risk' and 99"),
        ({"kind": "tagger"}, "kind 'risk'"),
        ({"model_sha256": "0"}, "SHA-256"),
        ({"versions": {"scikit-learn": "0.1"}}, "got '0.1'"),
        ({"versions": None}, "got None"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(folder, more, message):
    change(folder, **more)
    with pytest.raises(StoreError, match=message):
        load_risk_model(folder)


def test_missing_or_broken_files_are_refused(folder, tmp_path):
    with pytest.raises(StoreError, match=r"card\.json, got none"):
        load_risk_model(tmp_path / "nowhere")
    (folder / "card.json").write_text("not json")
    with pytest.raises(StoreError, match="JSON object"):
        load_risk_model(folder)


@pytest.mark.parametrize("name", ["card.json", "model.skops"])
def test_a_link_out_of_the_folder_is_refused(folder, tmp_path, name):
    (folder / name).rename(tmp_path / "elsewhere")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError, match="is a link out of it"):
        load_risk_model(folder)


def test_a_folder_without_its_model_is_refused(folder):
    (folder / "model.skops").unlink()
    with pytest.raises(StoreError, match=r"model\.skops, got none"):
        load_risk_model(folder)


def test_a_file_that_is_no_model_is_refused(folder):
    from clinnlp.core.files import file_sha256

    (folder / "model.skops").write_bytes(b"PK")
    change(folder, model_sha256=file_sha256(folder / "model.skops"))
    with pytest.raises(StoreError, match="skops can read"):
        load_risk_model(folder)


def test_a_type_that_is_not_allowed_is_not_even_saved(table, tmp_path):
    rows, _ = table
    features = ColumnFeatures().fit(rows)
    model = Pipeline([("features", features), ("model", FunctionTransformer(print))])
    with pytest.raises(StoreError, match="print"):
        save_risk_model(model, tmp_path / "m")
    assert list(tmp_path.iterdir()) == []

"""Nothing of a kept model depends on whose rows it was fitted on: no id, no hash, no order."""

import base64
import copy
import hashlib
import json
import pickle
import re
import zipfile
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from clinnlp.core.errors import LeakageError, StoreError
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
from clinnlp.risk.splits import check_fitted_on
from clinnlp.risk.store import load_risk_model, save_risk_model

SETTINGS = [
    NaiveBayesSettings(),
    (NaiveBayesSettings(alpha=1.0), NaiveBayesSettings(alpha=5.0)),  # chosen on inner folds
    RandomForestSettings(n_trees=5),
    SvmSettings(),
    RbfSvmSettings(n_landmarks=20),
    LogisticSettings(),
    BoostingSettings(n_rounds=5),
]
LENGTHS = (6, 8, 10, 12, 16, 20, 24, 28, 32)
MAKERS = [
    *(partial(make, digest_size=n) for make in (hashlib.blake2b, hashlib.blake2s) for n in LENGTHS),
    *(partial(hashlib.new, name) for name in sorted(hashlib.algorithms_available)),
]
FIRST = 6  # bytes of a hash: of one cut to 6 bytes or more, they are found in any case


def renamed(rows, prefix):
    """Return the same rows of patients of other names, which sort and hash in another order."""
    return replace(rows, patients=np.array([f"{prefix}{hash_of(p, prefix)}" for p in rows.patients],
                                           dtype=object))  # fmt: skip


def hash_of(patient, prefix):
    return hashlib.sha256(f"{prefix}{patient}".encode()).hexdigest()[:20]


def first_of(hashed):
    """Return the first bytes of a hash; the SHAKE ones have any length."""
    return (hashed.digest() if hashed.digest_size else hashed.digest(FIRST))[:FIRST]


def members(folder):
    """Return the contents of all files of a folder, those packed in the model among them."""
    packed = zipfile.ZipFile(folder / "model.skops")
    return [path.read_bytes() for path in sorted(folder.iterdir())] + [
        packed.read(name) for name in packed.namelist()
    ]


def plain(folder):
    """Return what a folder holds, but for addresses of objects, and hash and times of the zip."""
    packed = zipfile.ZipFile(folder / "model.skops")
    schema = packed.read("schema.json").decode()
    files = [name for name in packed.namelist() if name != "schema.json"]
    for k, name in enumerate(files):
        schema = schema.replace(f'"{name}"', f'"{k}"')
    card = json.loads((folder / "card.json").read_text())
    del card["model_sha256"]
    schema = re.sub(r'"__id__": \d+', "", schema)
    return json.dumps(card), schema, [packed.read(name) for name in files]


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
@pytest.mark.parametrize("settings", SETTINGS)
def test_what_is_written_does_not_depend_on_the_ids_of_patients(table, tmp_path, settings, method):
    rows, y = table
    for name in ("a", "b"):
        model = fit_risk_model(
            renamed(rows, name), y, features=ColumnFeatures(), settings=settings, method=method
        )
        save_risk_model(model, tmp_path / name)
    assert plain(tmp_path / "a") == plain(tmp_path / "b")


def cases_of(prefix):
    who = np.array([f"{prefix}{hash_of(k, prefix)}" for k in range(60)], dtype=object)
    outcome = Outcome(
        patients=who, index=np.full(60, "2024-02-01", "datetime64[s]"), values=np.arange(60) % 2
    )
    events = EventTable(
        {
            "patient": who,
            "known": np.full(60, "2024-01-01", "datetime64[s]"),
            "code": ["a", "b", "c"] * 20,
            "value": np.arange(60.0) % 7,
        }
    )
    return collect_cases(outcome, events=events), outcome.values


def test_nor_does_it_where_features_are_made_from_events(tmp_path):
    for name in ("a", "b"):
        cases, y = cases_of(name)
        model = fit_risk_model(cases, y, features=PatientFeatures(), settings=SvmSettings())
        save_risk_model(model, tmp_path / name)
    assert plain(tmp_path / "a") == plain(tmp_path / "b")


@pytest.mark.parametrize("kind", ["columns", "events"])
def test_no_byte_names_a_patient_by_id_or_by_any_hash_of_it(table, tmp_path, kind):
    if kind == "columns":
        rows, y, features = renamed(table[0], "who-"), table[1], ColumnFeatures()
    else:
        (rows, y), features = cases_of("who-"), PatientFeatures()
    model = fit_risk_model(rows, y, features=features, settings=NaiveBayesSettings())
    folder = save_risk_model(model, tmp_path / "m")
    stored = b"\n".join(members(folder))
    stored += stored.replace(b"\0", b"")  # numpy keeps text with 4 bytes per character
    found = [p for p in set(rows.patients) if str(p).encode() in stored]
    for make in MAKERS:
        for patient in sorted(set(rows.patients))[:20]:
            start = first_of(make(str(patient).encode()))
            forms = (start, start.hex().encode(), start.hex().upper().encode(),
                     base64.b64encode(start), base64.urlsafe_b64encode(start))  # fmt: skip
            found += [patient for form in forms if form in stored]
    assert found == []


@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda f: pickle.loads(pickle.dumps(f))]
)
def test_whoever_writes_or_copies_features_leaves_the_hashes_behind(table, copied):
    rows, _ = table
    features = ColumnFeatures().fit(rows)
    assert not hasattr(copied(features), "fitted_on_")
    assert copied(features).n_patients_ == 200
    assert (
        copied(features).transform(rows).toarray().tolist()
        == features.transform(rows).toarray().tolist()
    )
    with pytest.raises(LeakageError, match="200 test patients"):
        check_fitted_on(features, rows.patients)


def test_an_evaluation_of_a_loaded_model_is_refused_since_nobody_can_tell(table, tmp_path):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    loaded, _ = load_risk_model(save_risk_model(model, tmp_path / "m"))
    with pytest.raises(LeakageError, match="loaded or copied, which names none") as caught:
        check_fitted_on(loaded.named_steps["features"], np.array(["nobody"]))
    assert "nobody can tell" in str(caught.value)
    again, card = load_risk_model(save_risk_model(loaded, tmp_path / "again"))
    assert card["n_training_patients"] == 200
    assert again.predict_proba(rows).tolist() == model.predict_proba(rows).tolist()


def test_a_folder_that_holds_hashes_is_refused_and_said_to_be_one(table, tmp_path):
    rows, y = table
    model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    path = save_risk_model(model, tmp_path / "m") / "card.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "form": 2}))
    with pytest.raises(StoreError, match=r"form 5, got 'risk' and 2; .* delete it.* hashes of ids"):
        load_risk_model(tmp_path / "m")

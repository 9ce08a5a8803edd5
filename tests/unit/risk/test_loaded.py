"""A risk model from a file is data: what is damaged, foreign or hostile is refused."""

import json
import zipfile

import numpy as np
import pytest
from scipy import sparse
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import Tree
from skops import io as skops_io

from clinnlp.core.errors import StoreError
from clinnlp.core.files import file_sha256
from clinnlp.features.columns import ColumnFeatures
from clinnlp.risk.crossfit import fit_risk_model
from clinnlp.risk.loaded import _parts, is_sound
from clinnlp.risk.models import (
    BoostingSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    RbfSvmSettings,
)
from clinnlp.risk.schema import check_schema, check_sources
from clinnlp.risk.store import load_risk_model, save_risk_model


def fitted(table, settings):
    rows, y = table
    return fit_risk_model(rows, y, features=ColumnFeatures(), settings=settings)


@pytest.fixture
def folder(table, tmp_path):
    return save_risk_model(fitted(table, NaiveBayesSettings()), tmp_path / "model")


def refused(folder, match):
    """Expect a refusal, though the card names the hash of what lies there."""
    card = json.loads((folder / "card.json").read_text())
    card["model_sha256"] = file_sha256(folder / "model.skops")
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(StoreError, match=match) as caught:
        load_risk_model(folder)
    assert caught.value.__cause__ is caught.value.__context__ is None


def put(model, folder):
    skops_io.dump(model, folder / "model.skops")
    return folder


@pytest.mark.parametrize(
    "other",
    [
        lambda model: [1, 2],
        lambda model: BernoulliNB(),
        lambda model: Pipeline([("model", BernoulliNB()), ("features", BernoulliNB())]),
        lambda model: Pipeline([("features", BernoulliNB()), ("model", BernoulliNB())]),
        lambda model: Pipeline([model.steps[0], ("model", BernoulliNB())]),
        lambda model: Pipeline([("features", ColumnFeatures()), model.steps[1]]),
    ],
)
def test_what_is_no_model_of_ours_is_refused(table, folder, other):
    refused(put(other(fitted(table, NaiveBayesSettings())), folder), "risk model")


def change_attribute(name, value):
    def change(model):
        setattr(model.named_steps["model"], name, value)

    return change


@pytest.mark.parametrize(
    "change",
    [
        change_attribute("flat_", "no"),
        change_attribute("map_", None),
        change_attribute("estimator_", [1]),
        change_attribute("n_features_in_", 7),
        lambda model: model.named_steps["features"].medians_.clear(),
        lambda model: setattr(model.named_steps["model"].map_, "coef_", np.array([[np.nan]])),
    ],
)
def test_a_model_of_odd_parts_is_refused(table, folder, change):
    model = fitted(table, NaiveBayesSettings())
    change(model)
    refused(put(model, folder), "risk model")


def test_a_packed_file_that_claims_more_than_it_holds_is_refused(folder):
    path = folder / "model.skops"
    with zipfile.ZipFile(path) as packed:
        held = {name: packed.read(name) for name in packed.namelist()}
    held["schema.json"] += b" " * 10_000_000
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in held.items():
            packed.writestr(name, content)
    refused(folder, "that skops can read")


def trees(model, kind):
    return [part for part in _parts(model.named_steps["model"]) if isinstance(part, kind)]


def to_itself(tree):
    tree.children_left[0] = 0


def outside(tree):
    tree.children_right[0] = tree.node_count


def of_no_column(tree):
    tree.feature[0] = 10**6


def test_a_tree_that_points_out_of_itself_is_refused(table):
    for damage in (to_itself, outside, of_no_column):
        model = fitted(table, RandomForestSettings(n_trees=3))
        assert is_sound(model)
        damage(trees(model, Tree)[0])
        assert not is_sound(model), damage


def test_a_boosted_tree_that_points_out_of_itself_is_refused(table):
    model = fitted(table, BoostingSettings(n_rounds=3))
    nodes = trees(model, TreePredictor)[0].nodes
    for field, value in (
        ("left", 0), ("right", 10**6), ("feature_idx", -1), ("feature_idx", 99),
        ("is_categorical", 1),
    ):  # fmt: skip
        assert is_sound(model)
        was, nodes[field][0] = nodes[field][0].copy(), value
        assert not is_sound(model), field
        nodes[field][0] = was


def test_a_sparse_matrix_that_points_out_of_itself_is_refused(table, folder):
    model = fitted(table, RbfSvmSettings(n_landmarks=20))
    assert is_sound(model)
    kept = trees(model, sparse.csr_matrix)
    assert kept
    kept[0].indices[0] = 10**6
    refused(put(model, folder), "whole risk model")


def test_a_card_nested_without_end_is_refused(folder):
    (folder / "card.json").write_text('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}")
    with pytest.raises(StoreError, match="JSON object") as caught:
        load_risk_model(folder)
    assert caught.value.__context__ is None


@pytest.mark.parametrize("odd", [3, "mg", [3], {"mg/dL": 1}, [["mg/dL"]]])
def test_a_card_of_odd_types_is_refused(odd):
    with pytest.raises(StoreError, match="must list the unit"):
        check_schema({"schema": {"unit of a": odd}}, {"unit of a": ["mg/dL"]})
    with pytest.raises(StoreError, match="must name its sources"):
        check_sources({"rows": {"sources": [odd] if odd != "mg" else odd}}, ["events"])

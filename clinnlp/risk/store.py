"""Fitted risk models as a folder: ``model.skops`` beside ``card.json``, and a README.md of it.

Nothing is unpickled: skops rebuilds objects only of types named here. The card says what the
folder holds: version of the form, versions of libraries, features, settings, scores and
whatever else the caller adds, and the SHA-256 of the model file.

No patient is named, not by a hash either: nothing is written of the ids of patients, and the
model does not depend on them. It may still give away a training patient whose facts are known:
a tree has leaves of few rows, a median is some patient's value, naive Bayes counts.
"""

import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple

from sklearn.pipeline import Pipeline
from skops import io as skops_io

from clinnlp.core.errors import StoreError, instead_of
from clinnlp.core.files import atomic_folder, file_sha256
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.model_cards import CARD_FILE
from clinnlp.risk.loaded import is_plain_zip, is_sound
from clinnlp.risk.model_card import risk_card

__all__ = ["FORM", "TRUSTED", "LoadedModel", "load_risk_model", "save_risk_model"]

FORM = 5  # rises when the folder's form changes
_LAST_WITH_HASHES = 2

TRUSTED = (
    "clinnlp.core.patients.TimeWindow",
    "clinnlp.features.columns.ColumnFeatures",
    "clinnlp.features.matrix.PatientFeatures",
    "clinnlp.risk.calibrate.GroupCalibrated",
    "clinnlp.risk.forest.Forest",
    "clinnlp.risk.indicators.BestColumns",
    "clinnlp.risk.indicators.Dense",
    "clinnlp.risk.indicators.Indicators",
    "clinnlp.risk.indicators.KernelColumns",
    "clinnlp.risk.network.Network",
    "scipy.sparse._csr.csr_matrix",
    # arrays of nodes; the form of those of a Tree is checked by scikit-learn on load
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)

_MODEL, _CARD = "model.skops", "card.json"


class LoadedModel(NamedTuple):
    """What a folder holds."""

    model: Pipeline
    card: Mapping[str, Any]


def save_risk_model(
    model: Pipeline, folder: str | Path, *, card: Mapping[str, Any] | None = None
) -> Path:
    """Write a fitted pipeline of `fit_risk_model` to a folder, replacing what is there.

    Parameters
    ----------
    model : Pipeline
        Steps ``features`` and ``model``.
    card : mapping of plain values, optional
        What else to say: settings, cohort counts, scores; no ids, and no hash of a file of ids.

    Raises
    ------
    StoreError
        The model holds a type that a load would refuse.
    RunError
        The disk is full or may not be written; nothing half-written is left.
    """
    features = model.named_steps["features"]
    record = {
        **(card or {}),
        "form": FORM,
        "kind": "risk",
        "versions": {n: metadata.version(n) for n in ("clinnlp", "scikit-learn", "skops")},
        "features": [str(name) for name in features.get_feature_names_out()],
        "n_training_patients": features.n_patients_,
    }
    folder = Path(folder)
    with atomic_folder(folder, own=(_CARD,)) as made:
        skops_io.dump(model, made / _MODEL)
        _check_types(made / _MODEL)
        record["model_sha256"] = file_sha256(made / _MODEL)
        text = json.dumps(record, ensure_ascii=False, indent=2, sort_keys=True)
        (made / _CARD).write_text(f"{text}\n", encoding="utf-8")
        (made / CARD_FILE).write_text(risk_card(record), encoding="utf-8")
    return folder


def load_risk_model(folder: str | Path) -> LoadedModel:
    """Return the pipeline and the card in a folder.

    Raises
    ------
    StoreError
        A file is missing or damaged, the form is not known here, the model was made with
        another version of scikit-learn, or it holds a type that is not allowed.
    """
    folder = Path(folder)
    card = read_json_object(_file(folder, _CARD))
    _check_form(card, folder)
    path = _file(folder, _MODEL)
    if file_sha256(path) != card.get("model_sha256"):
        raise StoreError(f"{path} must have the SHA-256 its card names, got another one")
    made_with, here = _versions(card).get("scikit-learn"), metadata.version("scikit-learn")
    if made_with != here:
        raise StoreError(
            f"{path} must be made with scikit-learn {here}, got {_short(made_with)}; train it "
            "again or install that version"
        )
    _check_types(path)

    def refusal(error: Exception) -> StoreError:
        if isinstance(error, StoreError):
            return error
        return StoreError(f"{path} must be a whole risk model, got {type(error).__name__}")

    with instead_of(Exception, refusal):  # of skops, numpy, scipy and scikit-learn
        model = skops_io.load(path, trusted=list(TRUSTED))
        if not is_sound(model):
            raise StoreError(f"{path} must be a risk model of this library, got another object")
    return LoadedModel(model, card)


def _check_form(card: Mapping[str, Any], folder: Path) -> None:
    kind, form = card.get("kind"), card.get("form")
    if kind == "risk" and type(form) is int and form == FORM:
        return
    old = kind == "risk" and isinstance(form, int) and form <= _LAST_WITH_HASHES
    more = f" and delete it: up to form {_LAST_WITH_HASHES} it names its patients by hashes of ids"
    raise StoreError(
        f"the card of {folder} must be of kind 'risk' and form {FORM}, got {_short(kind)} and "
        f"{_short(form)}; "
        f"train it again with this version{more if old else ''}"
    )


def _check_types(path: Path) -> None:
    refusal = StoreError(f"{path} must be a model that skops can read, got another form")
    with instead_of(Exception, refusal):
        if not is_plain_zip(path):
            raise ValueError
        foreign = sorted(set(skops_io.get_untrusted_types(file=path)) - set(TRUSTED))
    if foreign:
        raise StoreError(f"types in {path} must be among those allowed, got {', '.join(foreign)}")


def _short(value: Any) -> str:
    return repr(value)[:40]


def _versions(card: Mapping[str, Any]) -> Mapping[str, Any]:
    versions = card.get("versions")
    return versions if isinstance(versions, dict) else {}


def _file(folder: Path, name: str) -> Path:
    path = folder / name
    if not path.is_file():
        raise StoreError(f"the folder {folder} must hold {name}, got none")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise StoreError(
            f"a file of a model must lie in its folder, and {path} is a link out of it; "
            "put a copy there"
        )
    return path

"""Folders of models, whole ones to begin with, and the ways in which they are loaded and used."""

from datetime import datetime
from pathlib import Path

import numpy as np

from clinnlp.bert.export import export_onnx
from clinnlp.bert.store import load
from clinnlp.bert.train import fine_tune_classifier, fine_tune_ner, fine_tune_relations
from clinnlp.core.tables import EventTable, Outcome
from clinnlp.io.notes.corpora import write_notes
from clinnlp.study.apply import RiskModel, keep_risk_model
from clinnlp.study.risk import risk_study
from clinnlp.study.risk_rows import risk_rows
from clinnlp.study.settings import RiskStudySettings
from tests.fuzz.readers import NOTE, Place, Target, Way, tell
from tests.unit.bert.conftest import LABELLED, QUICK, TRAIN, make_encoder
from tests.unit.bert.relations import RELATED

__all__ = ["MODELS", "write_models"]

_BARE = NOTE.with_(entities=())
_SHORT = {**QUICK, "epochs": 1, "selection_fraction": 0.0}
_N = 80
_WHO = np.array([f"p{k}" for k in range(_N)], dtype=object)
_INDEX = np.full(_N, "2024-02-01", "datetime64[s]")


def write_models(folder: Path) -> None:
    """Write a folder of each kind below `folder`, each made as a user makes it."""
    encoder = make_encoder(folder / "encoder")
    tagger = fine_tune_ner(TRAIN, encoder=encoder, out=folder / "tagger", **_SHORT)
    fine_tune_classifier(
        LABELLED, encoder=encoder, out=folder / "classifier", tune_encoder=True, **_SHORT
    )
    fine_tune_relations(RELATED, encoder=encoder, out=folder / "relations", **_SHORT)
    export_onnx(tagger, folder / "onnx")
    _keep_risk(folder / "risk")


def _events(who: np.ndarray) -> EventTable:
    n = len(who)
    return EventTable(
        {"patient": who, "known": [datetime(2024, 1, 1)] * n, "code": ["creatinine"] * n,
         "kind": ["lab"] * n, "vocabulary": ["LOINC"] * n, "unit": ["mg/dL"] * n,
         "value": np.arange(n) % 3 + 1.0}
    )  # fmt: skip


def _keep_risk(folder: Path) -> None:
    outcome = Outcome(patients=_WHO, index=_INDEX, values=(np.arange(_N) % 3 == 0).astype(np.int8))
    rows = risk_rows(outcome=outcome, events=_events(_WHO))
    how = RiskStudySettings(models=("random_forest",), n_boot=0, n_top=0, n_folds=2)
    keep_risk_model(risk_study(rows, how), rows, folder, model="random_forest")


def _loaded(place: Place) -> object:
    return load(place.source)(_BARE)


def _related(place: Place) -> object:
    return load(place.source)(RELATED[0].with_(relations=()))


def _extracted(place: Place) -> object:
    notes = place.out.parent / "notes.jsonl"
    write_notes([_BARE], notes)
    return tell("extract", notes, place.out / "o.csv", "--model", place.source)


def _trained(place: Place) -> object:
    return fine_tune_ner(TRAIN[:2], encoder=place.source, out=place.out / "m", **_SHORT)


def _predicted(place: Place) -> object:
    index = {"patient": _WHO[:1], "index_time": _INDEX[:1]}
    applied = RiskModel.load(place.source).apply(index=index, events=_events(_WHO[:1]), n_reasons=1)
    return applied.to_pandas(), applied.reasons_to_pandas()


def _target(name: str, *ways: Way) -> Target:
    return Target((name,), ways)


MODELS: dict[str, Target] = {
    "model:tagger": _target("tagger", _loaded, _loaded, _extracted),
    "model:classifier": _target("classifier", _loaded, _loaded, _extracted),
    "model:relations": _target("relations", _related, _related),
    "model:onnx": _target("onnx", _loaded, _loaded, _extracted),
    "model:encoder": _target("encoder", _trained),
    "model:risk": _target("risk", _predicted),
}

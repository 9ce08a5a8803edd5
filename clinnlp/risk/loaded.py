"""What a risk model from a file must be before it is used: its parts, its trees, its answer.

A list of types alone does not make a file safe: trees and sparse matrices are walked by compiled
code that trusts their indices, and a packed file may claim more than it holds.
"""

import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.ensemble._hist_gradient_boosting.predictor import TreePredictor
from sklearn.pipeline import Pipeline
from sklearn.tree._tree import Tree

from clinnlp.core.arrays import Array
from clinnlp.core.tables import Outcome
from clinnlp.features.columns import ColumnFeatures, Columns
from clinnlp.features.events import collect_cases
from clinnlp.features.matrix import PatientFeatures
from clinnlp.risk.calibrate import GroupCalibrated

__all__ = ["is_plain_zip", "is_sound"]


def is_plain_zip(path: Path) -> bool:
    """Return whether a file is a zip whose members are as large as they lie there."""
    with zipfile.ZipFile(path) as packed:
        members = packed.infolist()
    return (
        all(member.compress_type == zipfile.ZIP_STORED for member in members)
        and sum(member.file_size for member in members) <= path.stat().st_size
    )


def is_sound(model: Any) -> bool:
    """Return whether this is a model of ours whose compiled parts stay inside their arrays.

    It has to answer for nobody in particular. Errors of any kind may come from one that does not.
    """
    if not isinstance(model, Pipeline) or [name for name, _ in model.steps] != [
        "features",
        "model",
    ]:
        return False
    features, calibrated = (step for _, step in model.steps)
    if not isinstance(features, PatientFeatures | ColumnFeatures):
        return False
    if not isinstance(calibrated, GroupCalibrated):
        return False
    nobody = sparse.csr_matrix(features.reference()[None])  # (1, n_features)
    if features.transform(_no_rows(features)).shape != (0, nobody.shape[1]):
        return False
    if not all(_is_inside(part, nobody.shape[1]) for part in _parts(calibrated)):
        return False
    p = calibrated.predict_proba(nobody)
    said = (calibrated.flat_, calibrated.rises_)
    return p.shape == (1, 2) and bool(np.isfinite(p).all()) and all(type(v) is bool for v in said)


def _no_rows(features: PatientFeatures | ColumnFeatures) -> Any:
    """Return an empty table such as the features are made of."""
    none = np.empty(0, object)
    if isinstance(features, PatientFeatures):
        index = np.empty(0, "datetime64[s]")
        return collect_cases(Outcome(patients=none, index=index, values=np.empty(0, np.int8)))
    numbers = {name: np.empty(0) for name in features.columns_}
    return Columns(patients=none, values=numbers | dict.fromkeys(features.categories_, none))


def _parts(value: Any) -> Iterator[Any]:
    """Yield what is nested in an object, itself among it, each thing once."""
    seen: set[int] = set()
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if id(part) in seen or isinstance(part, str | bytes | int | float):
            continue
        seen.add(id(part))
        yield part
        if isinstance(part, dict):
            waiting += part.values()
        elif isinstance(part, list | tuple):
            waiting += part
        elif isinstance(part, np.ndarray):
            waiting += part.ravel().tolist() if part.dtype == object else []
        else:
            waiting += getattr(part, "__dict__", {}).values()


def _is_inside(part: Any, n_features: int) -> bool:
    if isinstance(part, Tree):
        inner = part.children_left >= 0
        children = (part.children_left[inner], part.children_right[inner])
        return _leads_down(np.flatnonzero(inner), children, part.node_count) and _are_below(
            part.feature[inner], min(n_features, part.n_features)
        )
    if isinstance(part, TreePredictor):
        nodes = part.nodes
        inner = nodes["is_leaf"] == 0
        children = (nodes["left"][inner], nodes["right"][inner])
        return (
            _leads_down(np.flatnonzero(inner), children, len(nodes))
            and _are_below(nodes["feature_idx"][inner], n_features)
            and not nodes["is_categorical"].any()  # none of our models has such a split
        )
    if sparse.issparse(part):
        part.check_format(full_check=True)
    return True


def _leads_down(inner: Array, children: tuple[Array, Array], n: int) -> bool:
    """Return whether every child stands after its parent, so that a walk ends at a leaf."""
    return n > 0 and all(bool(((inner < c) & (c < n)).all()) for c in children)


def _are_below(columns: Array, n: int) -> bool:
    return bool(((columns >= 0) & (columns < n)).all())

"""What a saved model expects of the tables it is applied to; another schema is refused by name."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sklearn.pipeline import Pipeline

from clinnlp.core.errors import DataError, StoreError
from clinnlp.features.columns import ColumnFeatures
from clinnlp.features.events import Cases

__all__ = ["check_schema", "check_sources", "n_unknown_facts", "schema_of"]


def check_sources(card: Mapping[str, Any], given: Collection[str]) -> None:
    """Raise unless the sources a model was trained on are those it is applied to.

    Parameters
    ----------
    card : mapping
        Of a saved model.
    given : collection of str
        Among ``"events"`` and ``"notes"``.

    Raises
    ------
    StoreError
        The card does not say.
    DataError
        A source is missing, or one too many.

    Examples
    --------
    >>> check_sources({"rows": {"sources": ["events"]}}, ["events"])
    """
    trained = _rows(card).get("sources")
    if not isinstance(trained, list) or not all(isinstance(name, str) for name in trained):
        raise StoreError("the card of a risk model must name its sources, got none")
    if set(trained) != set(given):
        raise DataError(
            f"the model was trained on {' and '.join(sorted(trained)) or 'no events and no notes'}"
            f", got {' and '.join(sorted(given)) or 'neither'}; give it the same sources"
        )


def check_schema(card: Mapping[str, Any], schema: Mapping[str, Collection[str]]) -> None:
    """Raise where a unit or a vocabulary is not one the model was trained on.

    What the model has never seen at all, such as a new kind of event, is not refused: it is no
    feature, and counted by `n_unknown_facts`.

    Raises
    ------
    StoreError
        The card is of another form.
    DataError
        Naming the measurement or kind, what the model knows, and what it got.

    Examples
    --------
    >>> card = {"schema": {"unit of lab:creatinine": ["mg/dL"]}}
    >>> check_schema(card, {"unit of lab:creatinine": ["umol/L"]})
    Traceback (most recent call last):
        ...
    clinnlp.core.errors.DataError: unit of lab:creatinine must be mg/dL as in training, got umol/L
    """
    trained = card.get("schema")
    trained = trained if isinstance(trained, dict) else {}
    for what, found in schema.items():
        known = trained.get(what) or []
        if not isinstance(known, list) or not all(isinstance(name, str) for name in known):
            raise StoreError(f"the card of a risk model must list the {what}, and does not")
        other = sorted(set(found) - set(known))
        if known and other:
            raise DataError(
                f"{what} must be {' or '.join(known)} as in training, got {', '.join(other)}"
            )


def schema_of(model: Pipeline, cases: Cases) -> dict[str, list[str]]:
    """Return what of the cases' units and vocabularies a model's features stand on, for its card.

    A unit that few patients have is no feature, and its name is not written either.
    """
    known = _facts_of(model)
    shown = {
        what: [name for name, facts in found.items() if not known.isdisjoint(facts)]
        for what, found in cases.schema.items()
    }
    return {what: names for what, names in shown.items() if names}


def n_unknown_facts(model: Pipeline, cases: Cases) -> int:
    """Return how many facts of the cases are none of the model's features."""
    known = _facts_of(model)
    unknown = np.array([code not in known for code in cases.codes], bool)
    return int(unknown[cases.code].sum())


def _facts_of(model: Pipeline) -> set[str]:
    features = model.named_steps["features"]
    if isinstance(features, ColumnFeatures):
        raise StoreError("a model of a plain table has no facts; give it the table itself")
    return set().union(*features.counted_, features.measured_)


def _rows(card: Mapping[str, Any]) -> Mapping[str, Any]:
    rows = card.get("rows")
    return rows if isinstance(rows, dict) else {}

"""The model card of a risk model: its README.md, made of what ``card.json`` holds.

It names no feature, and a count of patients below the fewest that a feature needs is not said.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from clinnlp.core.model_cards import facts, front_matter, number, score, table

__all__ = ["risk_card"]

_FEWEST = 5  # patients, where the settings say nothing
_LIMITS = """\
- Scores hold for patients like those that were scored, and not for another hospital or year.
- It was not tested for any use in care; check discrimination and calibration on your own patients
  first.
- The model may give away a training patient whose facts are known: keep it where the record is
  kept."""
_NOT_SCORED = "It was saved without scores."


def risk_card(record: Mapping[str, Any]) -> str:
    """Return the card of a risk model as Markdown.

    Parameters
    ----------
    record : mapping
        What `clinnlp.risk.store.save_risk_model` writes as ``card.json``.

    Examples
    --------
    >>> auroc = {"score": "auroc", "value": 0.7, "low": 0.6, "high": 0.8, "level": 0.95}
    >>> text = risk_card({"model": "forest", "n_training_patients": 3, "scores": [auroc]})
    >>> "| auroc | 0.700 [0.600, 0.800] |" in text, "- training patients: fewer than 5" in text
    (True, True)
    """
    study = _mapping(record.get("study"))
    settings = _mapping(study.get("settings"))
    parts = [
        front_matter(library_name="clinnlp", tags=["clinnlp", "medical", "tabular-classification"]),
        f"# Risk model: {record.get('model') or 'a probability for each patient'}",
        "It answers with the probability of one outcome. clinnlp.apply_risk_model applies it.",
        f"## Labels\n\n{facts({'outcome': _outcome(record, settings)})}",
        f"## Data\n\n{facts(_data(record, settings))}",
        f"## Scores\n\n{_scores(record.get('scores'), record.get('estimand'))}",
        "## Limits\n\n" + "\n".join([_LIMITS, *(f"- {said}" for said in _cautions(record))]),
    ]
    return "\n\n".join(parts) + "\n"


def _outcome(record: Mapping[str, Any], settings: Mapping[str, Any]) -> str:
    rows = _mapping(record.get("rows"))
    said = next((each["outcome"] for each in (rows, settings) if each.get("outcome")), None)
    return str(said) if isinstance(said, str) else "1 = it happened, 0 = it did not"


def _data(record: Mapping[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    n, fewest = record.get("n_training_patients"), settings.get("min_patients", _FEWEST)
    hidden = isinstance(n, int) and n < fewest
    versions = _mapping(record.get("versions"))
    return {
        "training patients": f"fewer than {fewest}" if hidden else n,
        "features": len(record.get("features") or ()) or None,
        "calibration": settings.get("method"),
        "versions": ", ".join(f"{k} {v}" for k, v in sorted(versions.items())) or None,
    }


def _scores(rows: Any, estimand: Any) -> str:
    if not isinstance(rows, Sequence) or not rows:
        return _NOT_SCORED
    first = rows[0]
    level, method = first.get("level"), first.get("method")
    shown = [{"score": row["score"], "value [interval]": score(row)} for row in rows]
    about = f"Intervals: {level:.0%}, {number(method)}.\n\n" if isinstance(level, float) else ""
    what = f"The {estimand}.\n\n" if isinstance(estimand, str) and estimand else ""
    return what + about + table(shown)


def _cautions(record: Mapping[str, Any]) -> list[str]:
    said = record.get("cautions")
    return [str(each) for each in said] if isinstance(said, list | tuple) else []


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}

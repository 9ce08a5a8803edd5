"""``truth.json`` of ``cohort-mini``: what was planted, and how well anybody could do.

The risk part holds the coefficients of the logistic model and the AUC of its true chances (the
oracle), over all patients and over those with a note, with and without the facts that only notes
tell. No fitted model should be expected to pass the oracle by more than luck.
"""

from typing import Any

import numpy as np

from clinnlp.core.arrays import Bools, Floats, Ints
from clinnlp.study.synthetic.interactions import plant_truth, threshold
from clinnlp.study.synthetic.scenario import NOTE_ONLY, RISK, RISK_BASE
from clinnlp.study.synthetic.simulate import HORIZON_DAYS, Cohort

__all__ = ["auc", "truth_record"]


def truth_record(cohort: Cohort, noted: Ints, *, seed: int) -> dict[str, Any]:
    """Return the content of `truth.json`.

    Parameters
    ----------
    cohort : Cohort
        The cohort that was drawn.
    noted : array of shape (n_noted,)
        Rows of the patients with a note.
    seed : int
        Of the cohort; also seeds the redrawn outcomes behind the powers.
    """
    return {
        "corpus": "cohort-mini",
        "seed": seed,
        "interactions": {
            "unit": "encounter",
            "test": "additive null with its estimation error, one-sided, Benjamini-Hochberg over "
            "all pairs and outcomes",
            **threshold(),
            "plants": plant_truth(cohort, seed=seed),
        },
        "risk": {
            "outcome": f"readmission within {HORIZON_DAYS} days after index_time",
            "horizon_days": HORIZON_DAYS,
            "intercept": RISK_BASE,
            "coefficients": RISK,
            "note_only": list(NOTE_ONLY),
            "n_patients": len(cohort.risk),
            "n_readmitted": int(cohort.readmitted.sum()),
            "oracle_auc": {
                "all": _oracle(cohort.risk, cohort),
                "noted": _oracle(cohort.risk, cohort, noted),
                "all_structured_only": _oracle(cohort.risk_structured, cohort),
                "noted_structured_only": _oracle(cohort.risk_structured, cohort, noted),
            },
        },
    }


def auc(score: Floats, positive: Bools) -> float | None:
    """Return the chance that a positive scores above a negative; None for a single class.

    Scores must differ.

    Examples
    --------
    >>> auc(np.array([0.1, 0.4, 0.3]), np.array([False, True, False]))
    1.0
    """
    n = int(positive.sum())
    if n in (0, len(positive)):
        return None
    ranks = np.empty(len(score), np.int64)
    ranks[np.argsort(score, kind="stable")] = np.arange(1, len(score) + 1)
    return float((ranks[positive].sum() - n * (n + 1) / 2) / (n * (len(positive) - n)))


def _oracle(score: Floats, cohort: Cohort, rows: Ints | None = None) -> float | None:
    rows = np.arange(len(score)) if rows is None else rows
    value = auc(score[rows], cohort.readmitted[rows])
    return None if value is None else round(value, 4)

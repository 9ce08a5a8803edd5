"""What a model goes by: points of naive Bayes, permutation importance, and one patient's reasons.

Points are log likelihood ratios, ``ln P(x | y = 1) / P(x | y = 0)``: adding the points of what
a patient has, and of what is absent, to the prior log odds gives naive Bayes' log odds.
Permutation importance is the fall in AUROC when all features of one concept are shuffled together
among held-out rows. A reason is what a concept adds to one patient's log odds (its Shapley value,
`clinnlp.risk.shapley`), beside the rows of mentions and events it comes from. The base line is a
patient who could be: no fact, the median of each number, the usual sex and categories; base line
and reasons add up to the log odds of the risk.

References
----------
Kononenko, Int J Med Inform 2001 (points); Breiman 2001; Fisher et al., JMLR 2019; Štrumbelj and
Kononenko, JMLR 2010 (reasons).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse
from sklearn.pipeline import Pipeline

from clinnlp.core.arrays import Array, Bools, Counts, Floats
from clinnlp.core.errors import ArgumentError
from clinnlp.features.columns import Columns
from clinnlp.features.events import Cases
from clinnlp.metrics.risk import score_risk
from clinnlp.risk.calibrate import GroupCalibrated, log_odds
from clinnlp.risk.indicators import Indicators
from clinnlp.risk.shapley import Shapley, ShapleyValues
from clinnlp.risk.slopes import is_bayes, likelihood_ratios, slopes

__all__ = [
    "Explanation",
    "Points",
    "Reason",
    "explain_cases",
    "naive_bayes_points",
    "permutation_importance",
    "screened_features",
]
_CLEAR = 3.0  # standard errors
_CELLS_AT_ONCE = 1_000_000  # of features of cases that are explained
_ROWS_AT_ONCE = 10_000  # a forest of 100 trees takes 400 rows in hardly less time


@dataclass(frozen=True, slots=True, kw_only=True)
class Points:
    """Log likelihood ratios of one indicator: where it is present, and where it is absent."""

    name: str = field(repr=False)  # may hold words of notes
    present: float
    absent: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """What one concept adds to the log odds of one case: its Shapley value.

    Parameters
    ----------
    concept : str
    log_odds : float
    error : float
        Its standard error: over the trees of a forest, or over drawn orders; else 0.
    mentions, events : tuple of int
        Rows of the table of mentions, and of the table of events, that it comes from.
    """

    concept: str = field(repr=False)  # may hold words of notes
    log_odds: float
    mentions: tuple[int, ...]
    events: tuple[int, ...]
    error: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What makes the risk of one case; ``base``, all reasons and ``others`` add up to its log odds.

    Parameters
    ----------
    base : float
        Log odds of the base line: no fact, the median of each number, usual sex and categories.
    reasons : tuple of Reason
        Largest first.
    others : float
        What concepts that are not listed add.
    is_clear : bool
        Whether the first reason leads each other one by more than another seed would change: by
        three standard errors of their difference, as if the two had nothing to do with each other.
    """

    base: float
    reasons: tuple[Reason, ...]
    others: float
    is_clear: bool


def naive_bayes_points(
    model: Pipeline, names: Sequence[str], *, origins: Floats | None = None
) -> list[Points]:
    """Return the points of a fitted naive Bayes pipeline, largest spread first.

    Parameters
    ----------
    model : Pipeline
        ``make_model(NaiveBayesSettings())``, fitted on classes 0 and 1.
    names : sequence of str
        Feature names of the matrix it was fitted on.
    origins : array of float, shape (n_features,), optional
        What 0 stands for in each column, which the bounds of bins are told from; else 0.

    Raises
    ------
    ArgumentError
        Another model.

    Examples
    --------
    >>> from clinnlp.risk.models import NaiveBayesSettings, make_model
    >>> model = make_model(NaiveBayesSettings()).fit([[1], [1], [0], [0]], [1, 1, 0, 0])
    >>> [points] = naive_bayes_points(model, ["x"])
    >>> round(points.present, 3), round(points.absent, 3)
    (1.099, -1.099)
    """
    present, absent = likelihood_ratios(model[-1])
    indicators = model[0].names_from(names, origins)
    made = [
        Points(name=str(name), present=float(a), absent=float(b))
        for name, a, b in zip(indicators, present, absent, strict=True)
    ]
    return sorted(made, key=lambda p: (-abs(p.present - p.absent), p.name))


def screened_features(model: GroupCalibrated, X: sparse.csr_matrix, n: int) -> Counts:
    """Return the columns of X that the model itself ranks highest, at most `n`, best first.

    A cheap first pass, on training rows: a forest's impurity importance; for naive Bayes and
    linear models the weight of an indicator times its standard deviation, the largest per
    column; for others the correlation of a column with the model's scores.
    """
    pipeline = model.estimator_
    last = pipeline[-1]
    if hasattr(last, "feature_importances_"):
        weight = np.asarray(last.feature_importances_)
    elif isinstance(pipeline[0], Indicators) and (
        len(pipeline),
        hasattr(last, "coef_") or is_bayes(last),
    ) == (2, True):
        # A slope matters as much as its indicator varies; the best indicator speaks for its column
        made = pipeline[0].transform(X)
        mean = np.asarray(made.mean(axis=0)).ravel()
        squares = np.asarray(made.multiply(made).mean(axis=0)).ravel()
        spread = np.sqrt(np.maximum(0, squares - mean**2))
        weight = np.zeros(X.shape[1])
        np.maximum.at(weight, pipeline[0].source_, np.abs(slopes(last)) * spread)
    else:
        weight = _correlations(X, log_odds(pipeline, X))
    ranked: Counts = np.lexsort((np.arange(len(weight)), -weight))[:n]
    return ranked


def permutation_importance(
    model: GroupCalibrated, X: sparse.csr_matrix, y: Array, columns: Sequence[Any], *, seed: int = 0
) -> Floats:
    """Return the fall in AUROC when each of `columns` is shuffled among the rows of X.

    Parameters
    ----------
    X : csr_matrix, shape (n, n_features)
        Held-out rows.
    columns : sequence of int or of arrays of int, length k
        Columns to shuffle; those of one array keep together.

    Returns
    -------
    array of float64, shape (k,)
        ``nan`` where the rows are of one class.
    """
    rng = np.random.default_rng(seed)
    shuffled = (_with_columns(X, np.atleast_1d(j), X[rng.permutation(X.shape[0])]) for j in columns)
    waiting = chain([X], shuffled)
    at_once = max(1, _ROWS_AT_ONCE // X.shape[0])
    aurocs: list[float] = []
    while some := list(islice(waiting, at_once)):
        p = model.predict_proba(sparse.vstack(some, format="csr"))[:, 1]
        aurocs += [score_risk(y, part, n_boot=0).auroc.value for part in np.split(p, len(some))]
    return aurocs[0] - np.array(aurocs[1:])


def explain_cases(
    model: Pipeline, rows: Cases | Columns, at: ArrayLike, *, n: int = 10
) -> list[Explanation]:
    """Return what makes the risk of the cases `at`, of each at most `n` concepts, largest first.

    Parameters
    ----------
    model : Pipeline
        Of `fit_risk_model`, or loaded.
    rows : Cases or Columns
    at : array of int
        Positions of the cases.

    Raises
    ------
    ArgumentError
        No such case.

    Examples
    --------
    >>> from clinnlp.features.columns import ColumnFeatures
    >>> from clinnlp.risk.crossfit import fit_risk_model
    >>> from clinnlp.risk.models import NaiveBayesSettings
    >>> smokes = np.arange(60) % 3 == 0
    >>> rows = Columns(patients=np.arange(60).astype(str), values={"smokes": smokes.astype(float)})
    >>> y = np.where(np.arange(60) % 10 == 0, ~smokes, smokes)
    >>> model = fit_risk_model(rows, y, features=ColumnFeatures(), settings=NaiveBayesSettings())
    >>> [told] = explain_cases(model, rows, [3])
    >>> [(reason.concept, reason.log_odds > 0) for reason in told.reasons]
    [('smokes', True)]
    >>> p = model.predict_proba(rows)[3, 1]
    >>> bool(np.isclose(told.base + told.reasons[0].log_odds, np.log(p / (1 - p))))
    True
    """
    at = np.asarray(at, np.int64)
    if len(at) and not (at.min() >= 0 and at.max() < len(rows)):
        raise ArgumentError(f"cases must be from 0 to {len(rows) - 1}, got another one")
    features, calibrated = model.named_steps["features"], model.named_steps["model"]
    concepts = np.array(list(dict.fromkeys(features.feature_concepts_)), dtype=object)
    number = {concept: j for j, concept in enumerate(concepts)}
    player = np.array([number[concept] for concept in features.feature_concepts_], np.int64)
    reference = features.reference()
    shapley = Shapley(calibrated, reference=reference, player=player)
    at_once = max(1, _CELLS_AT_ONCE // max(1, len(reference)))
    made: list[Explanation] = []
    for k in range(0, len(at), at_once):
        some = rows.take(at[k : k + at_once])
        X = features.transform(some)
        differ = _differ(X, reference, player)
        made += _explanations(shapley.of_rows(X), concepts, differ, some, n)
    return made


def _differ(X: sparse.csr_matrix, reference: Floats, player: Counts) -> Bools:
    """Return in which players each row is not the reference, shape (n, n_players)."""
    n = int(player.max(initial=-1)) + 1
    ones, rows = np.ones(len(player)), np.arange(len(player))
    one_hot = sparse.csr_matrix((ones, (rows, player)), shape=(len(player), n))
    made: Bools = (sparse.csr_matrix(X.toarray() != reference, dtype=float) @ one_hot).toarray() > 0
    return made


def _explanations(
    told: ShapleyValues, concepts: Array, differ: Bools, rows: Cases | Columns, n: int
) -> Iterator[Explanation]:
    rank = np.empty(len(concepts), np.int64)
    rank[np.argsort(concepts, kind="stable")] = np.arange(len(concepts))
    origins = _Origins(rows, concepts)
    for k, (values, errors) in enumerate(zip(told.values, told.errors, strict=True)):
        those = np.flatnonzero(differ[k])
        ranked = those[np.lexsort((rank[those], -np.abs(values[those])))]
        reasons = [
            Reason(
                concept=concepts[j],
                log_odds=float(values[j]),
                error=float(errors[j]),
                **origins.of(k, j),
            )
            for j in ranked[:n].tolist()
        ]
        yield Explanation(
            base=told.base,
            reasons=tuple(reasons),
            others=float(sum(values[ranked[n:]].tolist())),
            is_clear=_leads(values[ranked], errors[ranked]),
        )


def _leads(values: Floats, errors: Floats) -> bool:
    """Return whether the first of sorted reasons is clearly ahead of all others.

    By three standard errors, since the first of many that are alike leads by luck as well.
    """
    lead = np.abs(values[:1]) - np.abs(values[1:])
    return bool((lead > _CLEAR * np.hypot(errors[:1], errors[1:])).all())


class _Origins:
    """The rows of mentions and events that are facts of a concept, of each of some cases."""

    def __init__(self, rows: Cases | Columns, concepts: Array) -> None:
        self._cases = rows if isinstance(rows, Cases) else None
        if self._cases is None:
            return
        number = {concept: j for j, concept in enumerate(concepts)}
        of_code = np.array([number.get(name, -1) for name in self._cases.concepts], np.int64)
        self._concept = of_code[self._cases.code]
        self._ends = np.searchsorted(self._cases.case, np.arange(len(self._cases) + 1))

    def of(self, k: int, concept: int) -> dict[str, tuple[int, ...]]:
        """Return the rows that are facts of a concept of case k."""
        if self._cases is None:
            return {"mentions": (), "events": ()}
        first, end = self._ends[k], self._ends[k + 1]
        facts = first + np.flatnonzero(self._concept[first:end] == concept)
        found, of_note = self._cases.row[facts], self._cases.of_note[facts]
        return {
            "mentions": tuple(sorted(found[of_note].tolist())),
            "events": tuple(sorted(found[~of_note].tolist())),
        }


def _with_columns(X: sparse.csr_matrix, at: Array, other: sparse.csr_matrix) -> sparse.csr_matrix:
    """Return X with the columns `at` taken from another matrix."""
    there = np.isin(np.arange(X.shape[1]), at)
    without, with_these = X.copy(), other.copy()
    without.data *= ~there[X.indices]
    with_these.data *= there[other.indices]
    return sparse.csr_matrix(without + with_these)


def _correlations(X: sparse.csr_matrix, scores: Floats) -> Floats:
    """Return how strongly each column goes with the scores, 0 for a constant one."""
    centred = scores - scores.mean()
    together = np.abs(np.asarray(X.T @ centred).ravel())
    mean = np.asarray(X.mean(axis=0)).ravel()
    square = np.asarray(X.multiply(X).mean(axis=0)).ravel()
    spread = np.sqrt(np.maximum(square - mean**2, 0))
    # The spread of the scores is the same for all columns and is left out
    made: Floats = np.divide(together, spread, out=np.zeros(X.shape[1]), where=spread > 0)
    return made

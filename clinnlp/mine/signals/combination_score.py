"""A small score for drug + drug → event: how much the triplet looks like a listed interaction.

Ω asks whether a pair is reported with an event *more than the two drugs explain*. Interactions that
reference works list look different in spontaneous reports: most are events already known for one
drug, and excess reporting is a weak trace of them (within-event AUC of Ω025 0.57). This score is a
logistic model of eight terms of the eight counts of a triplet, fitted to the public controls of
CRESCENDDI with their counts in FAERS:

    single_max      IC of the drug with the larger one, among reports without the other drug
    single_min      IC of the other drug, likewise
    pair_ic025      lower limit of the IC of both drugs together
    log2_pair       log2 of the reports with both drugs
    together        log2 of those over what two unrelated drugs would give, both + ½
    log2_base       log2 of the share of all reports that have the event
    together_max    together × single_max
    together_min    together × single_min

All ICs are log2((O + ½) / (E + ½)) with E from the share of the event among all reports, so that
the score means the same in a source of another size. What counts most is the better known single
drug, then the other one; a pair that is reported together more than its drugs' numbers say is
likelier listed, the less so the better known the drugs are.

Events differ in how many of their controls are positive, for reasons of the reference set. A random
intercept per event (`event_variance`) can take that up while fitting; the published coefficients do
without, as most training blocks chose.

Coefficients, their source and date are in ``data/combination_score.tsv``; ``scripts/bench
crescenddi`` fits them again and judges the score on triplets neither of whose drugs, nor whose
event, were seen in fitting: AUC within event 0.760 [0.719, 0.797], plain 0.809, calibration slope
0.81 [0.57, 1.13], after some fifty forms had been compared on blocks of the same triplets.

Do not believe it where no report has both drugs and the event (it was fitted where at least one
has); outside spontaneous reports (exposure there means *reported*); as evidence that an interaction
is new or that the pair does more than its drugs (it learned from what was listed, and mostly says
how well known the single drugs are for the event); or as the chance of an interaction among all
triplets, since half of the controls were positive.

References
----------
Kontsioti, Maskell, Dutta and Pirmohamed, A reference set of clinically relevant adverse drug-drug
interactions, Sci Data 2022;9:72.
"""

from dataclasses import dataclass
from functools import cache
from importlib.resources import files

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from clinnlp.core.arrays import Floats, Ints
from clinnlp.core.checks import check_at_least
from clinnlp.core.counts import ratio
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.additive import CELLS, PairCounts
from clinnlp.mine.measures.disproportionality import shrunk_log2, shrunk_log2_interval

__all__ = [
    "TERMS",
    "CombinationModel",
    "combination_score",
    "combination_terms",
    "fit_combination_score",
    "published_model",
]

TERMS = (
    *("single_max", "single_min", "pair_ic025", "log2_pair"),
    *("together", "log2_base", "together_max", "together_min"),
)

_STEPS = 50
_CONVERGED = 1e-8


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CombinationModel:
    """Coefficients of the terms, on the log-odds scale of a triplet of an unknown event.

    Parameters
    ----------
    terms : tuple of str
        Names among `TERMS`.
    intercept : float
    coefficients, means : array of float64, shape (n_terms,)
        Per unit of the term; the mean of each term in fitting, from which contributions count.
    """

    terms: tuple[str, ...]
    intercept: float
    coefficients: Floats
    means: Floats

    def __post_init__(self) -> None:
        unknown = sorted(set(self.terms) - set(TERMS))
        if unknown:
            raise ArgumentError(f"terms must be among {', '.join(TERMS)}, got {', '.join(unknown)}")

    def contributions(self, counts: PairCounts) -> Floats:
        """Return what each term adds to the log odds of each triplet, shape (n, n_terms).

        0 is a triplet whose term is the mean one. Their sum and `intercept` make the log odds.
        """
        return self._contributions(combination_terms(counts))

    def predict(self, counts: PairCounts | Floats) -> Floats:
        """Return the probability of each triplet from its counts or its terms, shape (n,)."""
        x = combination_terms(counts) if isinstance(counts, PairCounts) else counts
        log_odds = self.intercept + self._contributions(x).sum(axis=1)
        return np.asarray(special.expit(log_odds), np.float64)

    def _contributions(self, x: Floats) -> Floats:
        chosen = x[:, [TERMS.index(name) for name in self.terms]]
        return np.asarray((chosen - self.means) * self.coefficients, np.float64)


def combination_terms(counts: PairCounts) -> Floats:
    """Return the terms of each triplet, strata summed, columns as in `TERMS`.

    ``nan`` where there are no reports or none has the event. The order of the drugs does not
    matter.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> x = combination_terms(one_stratum(20, 60, 35, 100, 100, 1000, 1000, 10000))
    >>> dict(zip(TERMS, x[0].round(2).tolist(), strict=True))["single_max"]
    1.73
    """
    y11, y10, y01, y00, n11, n10, n01, n00 = (
        getattr(counts, name).sum(axis=0).astype(np.float64) for name in CELLS
    )
    n = n11 + n10 + n01 + n00
    base = ratio(y11 + y10 + y01 + y00, n)
    one, two = shrunk_log2(y10, n10 * base), shrunk_log2(y01, n01 * base)
    largest, least = np.maximum(one, two), np.minimum(one, two)
    pair = shrunk_log2_interval(y11, n11 * base).low
    together = shrunk_log2(n11, ratio((n11 + n10) * (n11 + n01), n))
    with np.errstate(divide="ignore"):
        log_pair, log_base = np.log2(n11 + 0.5), np.log2(np.where(base > 0, base, np.nan))
    columns = (largest, least, pair, log_pair, together, log_base)
    return np.column_stack([*columns, together * largest, together * least])


def combination_score(counts: PairCounts) -> Floats:
    """Return the probability that each triplet would be a listed interaction, by `published_model`.

    Read the limits at the head of this module before use.

    Parameters
    ----------
    counts : PairCounts
        Spontaneous reports: y with the event, n in all, by the two drugs.

    Returns
    -------
    array of float64, in the shape of the counts
        Probability in [0, 1].

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> known = one_stratum(20, 600, 350, 10000, 100, 10000, 10000, 1000000)
    >>> unknown = one_stratum(1, 100, 100, 10000, 100, 10000, 10000, 1000000)
    >>> bool(combination_score(known)[0] > combination_score(unknown)[0])
    True
    """
    return published_model().predict(counts)


@cache
def published_model() -> CombinationModel:
    """Return the coefficients that come with the library, from ``data/combination_score.tsv``."""
    text = files("clinnlp.mine").joinpath("data/combination_score.tsv").read_text(encoding="utf-8")
    rows = [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]
    table = {name: (float(value), float(mean)) for name, value, mean in rows[1:]}
    intercept, _ = table.pop("intercept")
    return CombinationModel(
        terms=tuple(table),
        intercept=intercept,
        coefficients=np.array([value for value, _ in table.values()]),
        means=np.array([mean for _, mean in table.values()]),
    )


def fit_combination_score(
    counts: PairCounts | Floats,
    positive: ArrayLike,
    event: ArrayLike,
    *,
    terms: tuple[str, ...] = TERMS,
    ridge: float = 1.0,
    event_variance: float = 1.0,
) -> CombinationModel:
    """Return the penalised logistic model of labelled triplets.

    Parameters
    ----------
    counts : PairCounts or array of float64, shape (n, 8)
        Of n triplets, or their terms from `combination_terms`.
    positive : array of 0 and 1, shape (n,)
    event : array, shape (n,)
        The event of each triplet; each gets a random intercept.
    terms : tuple of str
        Which terms to use.
    ridge : float
        Penalty of the coefficients of standardised terms, ≥ 0: half of it times their squares.
    event_variance : float
        Variance of the intercepts of events on the log-odds scale, ≥ 0; 0 gives none.

    Raises
    ------
    ArgumentError
        Lengths differ, a label is not 0 or 1, only one label, or a term is undefined.

    Examples
    --------
    >>> from clinnlp.mine.measures.additive import one_stratum
    >>> y = np.arange(1, 41)
    >>> cells = one_stratum(y, 3 * y, 2 * y, 500, 100, 1000, 1000, 100000)
    >>> model = fit_combination_score(cells, y > 20, np.zeros(40), terms=("single_max",))
    >>> bool(model.coefficients[0] > 0)
    True
    """
    check_at_least(ridge, 0, name="ridge")
    check_at_least(event_variance, 0, name="event_variance")
    x = combination_terms(counts) if isinstance(counts, PairCounts) else counts
    x = x[:, [TERMS.index(name) for name in terms]]
    y = np.asarray(positive, np.float64)
    groups = np.unique(np.asarray(event), return_inverse=True)[1].ravel()
    if not len(x) == len(y) == len(groups):
        raise ArgumentError(
            "counts, positive and event must be equally long, got "
            f"{len(x)}, {len(y)} and {len(groups)}"
        )
    if set(np.unique(y).tolist()) != {0.0, 1.0}:
        raise ArgumentError("positive must hold both 0 and 1 and nothing else, got another")
    if not np.isfinite(x).all():
        raise ArgumentError("every term must be defined, got triplets without reports or events")
    # On one scale, so that one ridge weighs all terms alike
    means, spread = x.mean(axis=0), np.maximum(x.std(axis=0), 1e-12)
    beta = _penalised((x - means) / spread, y, groups, ridge, event_variance)
    # The score knows no events: intercept and slope are fitted again without their effects
    log_odds = ((x - means) / spread) @ beta[1:]
    nobody = np.zeros(len(y), np.int64)
    shift, slope = _penalised(log_odds[:, None], y, nobody, 0.0, 0.0).tolist()
    return CombinationModel(
        terms=terms, intercept=shift, coefficients=slope * beta[1:] / spread, means=means
    )


def _penalised(x: Floats, y: Floats, groups: Ints, ridge: float, event_variance: float) -> Floats:
    """Return intercept and coefficients by Newton's method; the group intercepts stay behind.

    The curvature of the group intercepts is diagonal, so that only its Schur complement, as small
    as the terms are few, is solved.
    """
    n_groups = int(groups.max()) + 1
    design = np.column_stack([np.ones(len(y)), x])  # (n, 1 + n_terms)
    penalty = np.array([1e-9] + [ridge] * x.shape[1])
    # A variance of 0 holds all effects of events at 0
    own = 1 / max(event_variance, 1e-12)
    beta, effect = np.zeros(design.shape[1]), np.zeros(n_groups)
    for _ in range(_STEPS):
        p = special.expit(design @ beta + effect[groups])
        w = p * (1 - p)
        slope = design.T @ (p - y) + penalty * beta
        curvature = (design.T * w) @ design + np.diag(penalty)
        pull = np.bincount(groups, p - y, n_groups) + own * effect
        # The effects have a diagonal block: they are eliminated, and only the few terms are solved
        weight = 1 / (np.bincount(groups, w, n_groups) + own)
        cross = np.stack([np.bincount(groups, w * column, n_groups) for column in design.T])
        left = curvature - (cross * weight) @ cross.T
        step = np.linalg.solve(left, slope - cross @ (weight * pull))
        shift = weight * (pull - cross.T @ step)
        beta, effect = beta - step, effect - shift
        if max(np.abs(step).max(), np.abs(shift).max()) < _CONVERGED:
            break
    return np.asarray(beta, np.float64)

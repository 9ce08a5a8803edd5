"""``planted``: 60,000 encounters with drug interactions planted beside four kinds of look-alike.

Each encounter holds conditions, drugs and outcomes. The chance of an outcome is additive in its
causes, so that the truth is plain: only a planted *interaction* adds to the chance beyond what its
two drugs add alone. Everything else that a screen may trip over is there on purpose:

- ``single_guilty``: one drug harms; another is often taken with it;
- ``confounded``: an illness harms, and two drugs are taken for it;
- ``duplicate``: a drug of the same class as one half of an interacting pair, often recorded in the
  same encounter (a switch within the class), harmless itself;
- ``both_guilty``: two drugs harm, each on its own, and are often taken together.

The power of each interaction is that of the crude test of additivity at the p that
Benjamini-Hochberg asks of the tenth smallest among all pairs and outcomes: outcomes are drawn 400
times from the true chances, given who took what, and tested by ``additive_p`` of
``clinnlp.study.synthetic.interactions``, which is written apart from `clinnlp.mine`.

Only ``Generator.random`` is used, whose stream stays the same between numpy versions.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy import sparse, special

from clinnlp.core.arrays import Array, Bools, Floats
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least
from clinnlp.study.synthetic.interactions import additive_p

__all__ = ["N_ENCOUNTERS", "Plant", "Planted", "draw_planted"]


N_ENCOUNTERS = 60_000
N_DRUGS, N_CONDITIONS, N_OUTCOMES = 60, 12, 12
EXCESSES = (0.015, 0.03, 0.06, 0.12, 0.25)  # added by an interaction, four pairs each
N_PER_EXCESS, N_GUILTY, N_CONFOUNDED, N_BOTH, N_DUPLICATES = 4, 8, 8, 4, 6
N_DRAWS, TENTH, Q_LEVEL, HIGH_POWER = 400, 10, 0.05, 0.9
LARGEST_CHANCE = 0.95


@dataclass(frozen=True, slots=True, kw_only=True)
class Plant:
    """What was planted for two drugs and an outcome.

    Parameters
    ----------
    kind : str
        ``"interaction"``, ``"single_guilty"``, ``"confounded"``, ``"both_guilty"`` or
        ``"duplicate"``.
    drugs : tuple of str
        In the order of the items.
    outcome : str
    excess : float
        What the interaction adds to the chance; 0 for the look-alikes.
    n_both : int
        Encounters with both drugs.
    power : float
        Of the crude test of additivity; ``nan`` for the look-alikes.
    """

    kind: str
    drugs: tuple[str, str]
    outcome: str
    excess: float
    n_both: int
    power: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planted:
    """The encounters and what was planted in them.

    Parameters
    ----------
    baskets : Baskets
        Kinds ``drug``, ``condition`` and ``outcome``; unit ``encounter``.
    plants : tuple of Plant
    """

    baskets: Baskets
    plants: tuple[Plant, ...]

    @property
    def interactions(self) -> frozenset[tuple[str, str, str]]:
        """Drug, drug and outcome of every true interaction, the drugs in the order of the items."""
        return frozenset((*p.drugs, p.outcome) for p in self.plants if p.kind == "interaction")


def draw_planted(seed: int, n_encounters: int = N_ENCOUNTERS) -> Planted:
    """Draw encounters with planted interactions.

    Parameters
    ----------
    seed : int
        Equal seeds give equal encounters.
    n_encounters : int
        At least 1,000.

    Examples
    --------
    >>> planted = draw_planted(0, 5000)
    >>> planted.baskets, len(planted.interactions)
    (Baskets(5000 x 84 items, unit='encounter'), 20)
    """
    check_at_least(n_encounters, 1000, name="n_encounters")
    rng = np.random.default_rng([seed, 5])
    plan = _plan(rng)
    ill, taken = _exposures(rng, n_encounters, plan)
    chances = _chances(rng, ill, taken, plan)
    befell = rng.random(chances.shape) < chances
    plants = tuple(_plant(rng, row, taken, chances) for row in plan.rows)
    return Planted(baskets=_baskets(taken, ill, befell), plants=plants)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """Who is planted where: rows of kind, drug, drug, outcome, excess; uses and pairings."""

    rows: tuple[tuple[str, int, int, int, float], ...]
    guilty: Mapping[tuple[int, int], float]  # (drug, outcome) to what it adds
    harms: Mapping[tuple[int, int], float]  # (condition, outcome) to what it adds
    uses: Mapping[int, int]  # drug to the condition it is taken for
    follows: Mapping[int, tuple[int, float]]  # drug to the drug it is taken with, and how often


def _plan(rng: np.random.Generator) -> _Plan:
    """Deal drugs, conditions and outcomes to the plants; no drug has two parts of one outcome."""
    drugs = np.argsort(rng.random(N_DRUGS)).tolist()
    outcome = 0
    rows: list[tuple[str, int, int, int, float]] = []
    guilty: dict[tuple[int, int], float] = {}
    harms: dict[tuple[int, int], float] = {}
    uses: dict[int, int] = {}
    follows: dict[int, tuple[int, float]] = {}

    def deal() -> int:
        drugs.append(drugs.pop(0))
        return int(drugs[-1])

    for excess in EXCESSES * N_PER_EXCESS:
        one, two = deal(), deal()
        rows.append(("interaction", one, two, outcome % N_OUTCOMES, excess))
        follows.setdefault(two, (one, 0.10 + 0.15 * float(rng.random())))
        outcome += 1
    free = drugs[: N_DRUGS - 2 * len(rows)]
    for k in range(N_DUPLICATES):
        _, one, two, where, _ = rows[len(rows) - 1 - k]
        rows.append(("duplicate", one, free[k], where, 0.0))
        follows[free[k]] = (two, 0.5)
    for k in range(N_GUILTY):
        one, two = free[N_DUPLICATES + k % 6], free[N_DUPLICATES + (k + 1) % 6]
        rows.append(("single_guilty", one, two, (outcome + k) % N_OUTCOMES, 0.0))
        guilty[one, (outcome + k) % N_OUTCOMES] = 0.03 + 0.12 * float(rng.random())
        follows.setdefault(two, (one, 0.3))
    pool = free[12:20]
    for k in range(N_CONFOUNDED):
        condition, one, two = k, pool[k % 8], pool[(k + 1) % 8]
        rows.append(("confounded", one, two, (3 * k) % N_OUTCOMES, 0.0))
        harms[condition, (3 * k) % N_OUTCOMES] = 0.05 + 0.15 * float(rng.random())
        uses.setdefault(one, condition)
        uses[two] = condition
    for k in range(N_BOTH):
        one, two = free[6 + k], free[(6 + k + 1)]
        where = (5 * k + 2) % N_OUTCOMES
        rows.append(("both_guilty", one, two, where, 0.0))
        for drug in (one, two):
            guilty[drug, where] = 0.02 + 0.06 * float(rng.random())
    return _Plan(rows=tuple(rows), guilty=guilty, harms=harms, uses=uses, follows=follows)


def _exposures(rng: np.random.Generator, n: int, plan: _Plan) -> tuple[Bools, Bools]:
    """Draw conditions and drugs, shapes (n, conditions) and (n, drugs)."""
    prevalence = 0.05 + 0.15 * rng.random(N_CONDITIONS)
    ill = rng.random((n, N_CONDITIONS)) < prevalence
    use = 0.02 + 0.06 * rng.random(N_DRUGS)
    taken = rng.random((n, N_DRUGS)) < use
    for drug, condition in plan.uses.items():
        taken[:, drug] |= ill[:, condition] & (rng.random(n) < 0.35)
    for drug, (other, share) in plan.follows.items():
        taken[:, drug] |= taken[:, other] & (rng.random(n) < share)
    return ill, taken


def _chances(rng: np.random.Generator, ill: Bools, taken: Bools, plan: _Plan) -> Floats:
    """Return the true chance of each outcome in each encounter, shape (n, outcomes)."""
    base = 0.004 + 0.02 * rng.random(N_OUTCOMES)
    chances = np.tile(base, (len(taken), 1))
    for (drug, outcome), effect in plan.guilty.items():
        chances[:, outcome] += effect * taken[:, drug]
    for (condition, outcome), effect in plan.harms.items():
        chances[:, outcome] += effect * ill[:, condition]
    for kind, one, two, outcome, excess in plan.rows:
        if kind == "interaction":
            chances[:, outcome] += excess * (taken[:, one] & taken[:, two])
    return chances.clip(max=LARGEST_CHANCE)


def _plant(
    rng: np.random.Generator,
    row: tuple[str, int, int, int, float],
    taken: Bools,
    chances: Floats,
) -> Plant:
    kind, one, two, outcome, excess = row
    first, second = min(one, two), max(one, two)
    cells = taken[:, first] + 2 * taken[:, second]  # 0 neither, 1 first, 2 second, 3 both
    n = np.bincount(cells, minlength=4).astype(np.float64)
    power = np.nan
    if kind == "interaction":
        power = _power(rng, n, np.bincount(cells, chances[:, outcome], 4) / np.maximum(n, 1))
    return Plant(
        kind=kind,
        drugs=(_drug(first), _drug(second)),
        outcome=_outcome(outcome),
        excess=excess,
        n_both=int(n[3]),
        power=power,
    )


def _power(rng: np.random.Generator, n: Floats, chances: Floats) -> float:
    """Return the share of draws that reach the p of the tenth call among all candidates."""
    draws = special.bdtrik(rng.random((N_DRAWS, 4)), n, chances)
    counts = np.ceil(np.nan_to_num(draws)).clip(0, n)
    m = N_DRUGS * (N_DRUGS - 1) // 2 * N_OUTCOMES
    return float((additive_p(n, counts) <= Q_LEVEL * TENTH / m).mean())


def _baskets(taken: Bools, ill: Bools, befell: Bools) -> Baskets:
    items = (
        *(_drug(k) for k in range(N_DRUGS)),
        *(f"condition-{k:02d}" for k in range(N_CONDITIONS)),
        *(_outcome(k) for k in range(N_OUTCOMES)),
    )
    kinds = ("drug",) * N_DRUGS + ("condition",) * N_CONDITIONS + ("outcome",) * N_OUTCOMES
    ids: Array = np.empty(len(taken), object)
    ids[:] = [f"e{k:06d}" for k in range(len(taken))]
    return Baskets(
        matrix=sparse.csr_matrix(np.hstack([taken, ill, befell]).astype(np.int8)),
        ids=ids,
        items=items,
        kinds=kinds,
        unit="encounter",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
    )


def _drug(k: int) -> str:
    return f"drug-{k:02d}"


def _outcome(k: int) -> str:
    return f"outcome-{k:02d}"

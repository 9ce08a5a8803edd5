"""The columns of triplets that counts alone decide: measures of interaction, limits and crude p."""

from collections.abc import Iterable, Iterator

import numpy as np

from clinnlp.core.arrays import Array, Ints
from clinnlp.mine.measures import interaction
from clinnlp.mine.measures.additive import (
    CELLS,
    PairCounts,
    additive_null,
    additive_p,
    omega,
    omega_interval,
)
from clinnlp.mine.signals.triplets import Candidates

__all__ = ["COUNTS", "crude_rows", "joined_rows"]

COUNTS = ("n_111", "n_101", "n_011", "n_001", "n_110", "n_100", "n_010", "n_000")
_AT_ONCE = 200_000  # rows that are measured at once, about 1 kB each while they are


def crude_rows(
    found: Candidates, counted: Iterable[tuple[Ints, Ints, PairCounts]]
) -> Iterator[dict[str, Array]]:
    """Yield the columns of triplets before any adjustment, some rows at a time.

    ``first``, ``second`` and ``target`` are places among drugs and outcomes.
    """
    for targets, pairs, counts in counted:
        for low in range(0, len(targets), _AT_ONCE):
            at = slice(low, low + _AT_ONCE)
            few = PairCounts(**{name: getattr(counts, name)[:, at] for name in CELLS})
            yield _crude(found, targets[at], pairs[at], few)


def joined_rows(parts: Iterable[dict[str, Array]]) -> dict[str, Array]:
    """Return the rows of all parts; without one, columns without rows."""
    parts = list(parts)
    if not parts:
        none = np.zeros((1, 0), np.int64)
        empty = Candidates(first=none[0], second=none[0], outcomes=none[0])
        parts = [_crude(empty, none[0], none[0], PairCounts(**dict.fromkeys(CELLS, none)))]
    # one column twice, and not all of them
    return {name: np.concatenate([part.pop(name) for part in parts]) for name in [*parts[0]]}


def _crude(found: Candidates, targets: Ints, pairs: Ints, counts: PairCounts) -> dict[str, Array]:
    """Return the columns of a block of triplets before any adjustment."""
    null = additive_null(counts)
    events = (counts.y11, counts.y10, counts.y01, counts.y00)
    totals = (counts.n11, counts.n10, counts.n01, counts.n00)
    cells = (*events, *(n - y for n, y in zip(totals, events, strict=True)))
    p = additive_p(null)
    limits = omega_interval(null.n_joint, null.expected)
    return {
        "first": found.first[pairs],
        "second": found.second[pairs],
        "target": targets,
        **{name: cell.sum(axis=0) for name, cell in zip(COUNTS, cells, strict=True)},
        "expected": null.expected,
        "omega": omega(null.n_joint, null.expected),
        "omega025": limits.low,
        "omega975": limits.high,
        **_measured(counts),
        "p_crude": p,
        "expected_adjusted": np.full(len(pairs), np.nan),
        "p_additive": p.copy(),
    }


def _measured(counts: PairCounts) -> dict[str, Array]:
    """Return the measures of interaction with their limits, strata summed."""
    columns: dict[str, Array] = {}
    for name in ("risk_excess", "reri", "interaction_odds_ratio", "combination_risk_ratio"):
        limits = getattr(interaction, f"{name}_interval")(counts)
        columns |= {
            name: getattr(interaction, name)(counts),
            f"{name}_low": limits.low,
            f"{name}_high": limits.high,
        }
    return columns | {"chi_gosho": interaction.chi2_gosho(counts)}

"""Replication: what was found in one half of the patients, tested once in the other.

Rules are mined in the first half; those called there are counted anew in the second and tested
against the few that were called, not against all candidates. No basket of a patient stands in both
halves where the patients are given.

References
----------
Webb, Discovering significant patterns, Mach Learn 2007;68:1 (holdout evaluation).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from clinnlp.core.arrays import Bools, Floats
from clinnlp.core.arrow import columns_to_arrow
from clinnlp.core.basket_counts import baskets_at_hand
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_fraction
from clinnlp.core.counts import Table2x2
from clinnlp.core.errors import ArgumentError
from clinnlp.mine.measures.association import fisher_p, lift, lift_interval
from clinnlp.mine.rules import Rules
from clinnlp.mine.screen import q_values
from clinnlp.mine.tallies import rule_tables

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = ["Replication", "halves", "replicate"]

_SIDES = ("antecedents", "consequents")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Replication:
    """The called rules of one half, with their counts and p in the other.

    Parameters
    ----------
    antecedents, consequents : tuple of frozenset of str
    first, second : Table2x2
        Counts where they were found and where they were tested, each of shape (n_called,).
    p_fisher, q_bh : array of float64, shape (n_called,)
        In the second half; q over the rules called in the first.
    alpha : float
        ``replicated`` is q < alpha.

    Columns
    -------
    antecedents, consequents : set of text
        Item names of the two sides.
    lift_first, n_both_first : float and int
        Lift, and baskets with both sides, where the rule was found.
    lift, lift_low, lift_high : float
        Lift in the other baskets, and its interval.
    n_both, n : int
        Baskets with both sides there, and all.
    p_fisher, q_bh : float
        One-sided p there, and its q over the rules that were called.
    replicated : bool
        Whether `q_bh` is below alpha.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.rule_mining import mine_rules
    >>> frame = pd.DataFrame({"a": [1, 0] * 60, "b": [1, 0] * 60})
    >>> one, two = halves(frame_baskets(frame))
    >>> replicate(mine_rules(one), two).to_pandas()["replicated"].tolist()
    [True, True]
    """

    antecedents: tuple[frozenset[str], ...]
    consequents: tuple[frozenset[str], ...]
    first: Table2x2
    second: Table2x2
    p_fisher: Floats
    q_bh: Floats
    alpha: float

    def __len__(self) -> int:
        return len(self.antecedents)

    def __repr__(self) -> str:
        return f"Replication({int(self.replicated.sum())} of {len(self)} rules replicated)"

    @property
    def replicated(self) -> Bools:
        """Where q < `alpha` in the second half."""
        return np.asarray(self.q_bh < self.alpha, bool)

    def to_pandas(self) -> "pd.DataFrame":
        """Return one row per called rule: lift in both halves, counts, p and q in the second."""
        import pandas as pd

        sides = {name: pd.Series(list(getattr(self, name)), dtype=object) for name in _SIDES}
        return pd.DataFrame(sides | self._figures())

    def to_arrow(self) -> "pa.Table":
        """Return the columns of `to_pandas` as a pyarrow Table; a set of items is a list."""
        return columns_to_arrow({name: getattr(self, name) for name in _SIDES} | self._figures())

    def _figures(self) -> dict[str, Any]:
        low, high = lift_interval(self.second)
        return {
            "lift_first": lift(self.first),
            "n_both_first": self.first.n_ab,
            "lift": lift(self.second),
            "lift_low": low,
            "lift_high": high,
            "n_both": self.second.n_ab,
            "n": np.broadcast_to(self.second.n, len(self)),
            "p_fisher": self.p_fisher,
            "q_bh": self.q_bh,
            "replicated": self.replicated,
        }


def halves(
    baskets: Baskets, *, patients: Sequence[Any] | None = None, share: float = 0.5, seed: int = 0
) -> tuple[Baskets, Baskets]:
    """Return the baskets of a random share of the patients, and those of the others.

    Parameters
    ----------
    baskets : Baskets
    patients : sequence, length n_baskets, optional
        Whose each basket is; each basket is somebody's own by default.
    share : float
        Of the patients, for the first half.
    seed : int

    Returns
    -------
    first, second : Baskets
        No patient stands in both; evidence goes with its baskets.

    Raises
    ------
    ArgumentError
        `patients` is not one per basket, or a share outside 0 to 1.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> one, two = halves(frame_baskets(pd.DataFrame({"a": [1, 0] * 50})))
    >>> len(one), len(two)
    (50, 50)
    """
    check_fraction(share, name="share")
    owners = np.arange(len(baskets)) if patients is None else np.asarray(list(patients), object)
    if len(owners) != len(baskets):
        raise ArgumentError(f"patients must be {len(baskets)}, one per basket, got {len(owners)}")
    places: dict[Any, int] = {}
    codes = np.array([places.setdefault(owner, len(places)) for owner in owners], np.int64)
    order = np.random.default_rng(seed).permutation(len(places))
    chosen = np.isin(codes, order[: round(share * len(places))])
    return _rows(baskets, np.flatnonzero(chosen)), _rows(baskets, np.flatnonzero(~chosen))


def replicate(rules: Rules, baskets: Baskets) -> Replication:
    """Return the called rules tested in other baskets.

    Parameters
    ----------
    rules : Rules
        Mined from baskets of which `baskets` holds none.
    baskets : Baskets

    Returns
    -------
    Replication
        One row per rule called in `rules`.

    Raises
    ------
    ArgumentError
        The baskets are (partly) those that were mined, or lack an item.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> from clinnlp.mine.rule_mining import mine_rules
    >>> frame = pd.DataFrame({"a": [1, 0] * 60, "b": [1, 0] * 60, "c": [1, 1, 0] * 40})
    >>> one, two = halves(frame_baskets(frame))
    >>> replicate(mine_rules(one), two)
    Replication(2 of 2 rules replicated)
    """
    mined = baskets_at_hand(rules.baskets, what="a replication")
    if set(mined.ids.tolist()) & set(baskets.ids.tolist()):
        raise ArgumentError("baskets to replicate in must not hold baskets that were mined")
    called = np.flatnonzero(rules.significant)
    antecedents = tuple(rules.antecedents[k] for k in called.tolist())
    consequents = tuple(rules.consequents[k] for k in called.tolist())
    t = rule_tables(baskets, list(zip(antecedents, consequents, strict=True)))
    names = ("n_ab", "n_a", "n_b", "n")
    second = Table2x2(**{name: getattr(t, name)[0] for name in names})
    p = fisher_p(second)
    return Replication(
        antecedents=antecedents,
        consequents=consequents,
        first=Table2x2(**{name: getattr(rules.table, name)[called] for name in names}),
        second=second,
        p_fisher=p,
        q_bh=q_values(p, len(p)),
        alpha=rules.alpha,
    )


def _rows(baskets: Baskets, at: NDArray[np.intp]) -> Baskets:
    """Return some of the baskets, with the evidence of their own."""
    place = np.full(len(baskets), -1, np.int64)
    place[at] = np.arange(len(at))
    evidence = baskets.evidence.copy()
    # Baskets of the other half are now at -1
    evidence[:, 0] = place[evidence[:, 0]]
    evidence = evidence[evidence[:, 0] >= 0]
    return replace(
        baskets,
        matrix=baskets.matrix[at],
        ids=baskets.ids[at],
        evidence=evidence,
        patients=None if baskets.patients is None else baskets.patients[at],
    )

"""Counts of reports that go on arriving, and signals at each look at them.

Margins and pairs are sums over reports: what one batch adds is added to what was counted before,
and a batch that is replaced is taken away again. So the signals of drug → outcome after any number
of batches are those of one run over all their reports, cell for cell, without a second reading.

Who looks again and again calls something by chance sooner or later. At look k the level is
6 α / (π² k²), and these levels sum to α. Let V_k of the R_k pairs called at look k be false, and R
the pairs that were ever called: their false share is at most Σ V_k / max(R_k, 1), whose expectation
is at most Σ α_k = α. So of all that was ever called, at any number of looks, unplanned ones too,
at most α is false on average, under what Benjamini and Hochberg's procedure needs at one look.

References
----------
Benjamini and Hochberg, J R Stat Soc B 1995;57:289. Lan and DeMets, Discrete sequential boundaries
for clinical trials, Biometrika 1983;70:659 (spending of α).
"""

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from math import pi
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from clinnlp.core.arrays import Counts, Ints
from clinnlp.core.basket_blocks import BasketBlocks, items_of
from clinnlp.core.basket_counts import BasketCounts
from clinnlp.core.baskets import Baskets
from clinnlp.core.checks import check_at_least, check_file
from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import atomic_write

__all__ = ["RunningCounts", "level_at"]

_FORM = "clinnlp running counts 1"
Item = tuple[str, str]  # kind and name


def level_at(look: int, alpha: float = 0.05) -> float:
    """Return the level of one look; those of all looks sum to `alpha`.

    Parameters
    ----------
    look : int
        Which look it is, from 1.
    alpha : float
        Share of false ones among all that is ever called, on average.

    Returns
    -------
    float
        6 α / (π² look²).

    Raises
    ------
    ArgumentError
        `look` is below 1.

    Examples
    --------
    >>> [round(level_at(k), 4) for k in (1, 2, 10)], round(sum(map(level_at, range(1, 9999))), 4)
    ([0.0304, 0.0076, 0.0003], 0.05)
    """
    check_at_least(look, 1, name="look")
    return 6 * alpha / (pi * look) ** 2


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RunningCounts:
    """What was counted of all batches so far: `mine_signals` takes it as it takes baskets.

    Parameters
    ----------
    unit : str
        What a basket is.
    drug_kind, outcome_kind : str
        Kinds whose pairs are counted.
    n : int
        Baskets.
    margins : mapping of (kind, item) to int
        Baskets with each item.
    pairs : mapping of (drug, outcome) to int
        Baskets with both, where there are any.
    batches : mapping of str to str
        Names of the batches that were counted, in order, and a digest of what each counted.
    n_looks : int
        Looks so far, of `look`.
    called : frozenset of (str, str)
        Drug and outcome of all that was called at any of them.

    Examples
    --------
    >>> import pandas as pd
    >>> from clinnlp.features.baskets import frame_baskets
    >>> kinds = {"iron": "drug", "rash": "outcome"}
    >>> frame = pd.DataFrame({"iron": [1, 1, 0], "rash": [1, 0, 1]})
    >>> counts = RunningCounts(unit="row")
    >>> for month in ("may", "june", "june"):
    ...     counts = counts.plus(frame_baskets(frame, kinds=kinds), batch=month)
    >>> counts, counts.n_each.tolist()
    (RunningCounts(6 x 2 items of 2 batches, unit='row'), [4, 4])
    """

    unit: str = "patient"
    drug_kind: str = "drug"
    outcome_kind: str = "outcome"
    n: int = 0
    margins: Mapping[Item, int] = field(default_factory=dict)
    pairs: Mapping[tuple[str, str], int] = field(default_factory=dict)
    batches: Mapping[str, str] = field(default_factory=dict)
    n_looks: int = 0
    called: frozenset[tuple[str, str]] = frozenset()

    def __len__(self) -> int:
        return self.n

    def __repr__(self) -> str:
        return (
            f"RunningCounts({self.n} x {len(self.margins)} items of {len(self.batches)} batches, "
            f"unit={self.unit!r})"
        )

    @property
    def items(self) -> tuple[str, ...]:
        """The items, in the order of baskets in blocks."""
        return items_of(sorted(self.margins))[0]

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kind of each item."""
        return tuple(kind for kind, _ in sorted(self.margins))

    @property
    def n_each(self) -> Counts:
        """Baskets with each item, shape (n_items,)."""
        return np.array([self.margins[item] for item in sorted(self.margins)], np.int64)

    def counts(self) -> BasketCounts:
        """Return what is known without pairs."""
        return BasketCounts(n=self.n, unit=self.unit, items=self.items)

    def plus(self, baskets: Baskets | BasketBlocks, *, batch: str) -> "RunningCounts":
        """Return the counts with a batch more; one that was counted before changes nothing.

        Parameters
        ----------
        baskets : Baskets or BasketBlocks
            Whole baskets: one that is in two batches counts twice.
        batch : str
            Its name, such as that of its file.
        """
        if batch in self.batches:
            return self
        made, digest = self._with(baskets, 1)
        return replace(made, batches={**self.batches, batch: digest})

    def minus(self, baskets: Baskets | BasketBlocks, *, batch: str) -> "RunningCounts":
        """Return the counts without a batch, as before it changes: give what it was counted from.

        Raises
        ------
        ArgumentError
            It was not counted, or not from these baskets.
        """
        if batch not in self.batches:
            raise ArgumentError(f"a batch must have been counted to be taken away, got {batch!r}")
        made, digest = self._with(baskets, -1)
        if digest != self.batches[batch]:
            raise ArgumentError(
                f"batch {batch!r} must be taken away with the baskets that were counted, got others"
            )
        return replace(made, batches={k: v for k, v in self.batches.items() if k != batch})

    def look(self, signals: Any, *, alpha: float = 0.05) -> tuple[Any, "RunningCounts"]:
        """Return the signals that were called at no look before, and the counts after this look.

        Parameters
        ----------
        signals : Signals
            What `mine_signals` gives of these counts.
        alpha : float
            Share of false ones among all that is ever called, on average; the same at each look.
        """
        level = level_at(self.n_looks + 1, alpha)
        rows = np.flatnonzero(signals["q_bh"] < level)
        names = list(zip(signals["drug"][rows], signals["outcome"][rows], strict=True))
        new = [row for row, pair in zip(rows, names, strict=True) if pair not in self.called]
        after = replace(self, n_looks=self.n_looks + 1, called=self.called | frozenset(names))
        return signals.take(np.array(new, np.int64)), after

    def across(self, first: Ints, second: Ints) -> sparse.csr_matrix:
        """Return the baskets of each of some drugs with each of some outcomes."""
        ordered = sorted(self.margins)
        row = {ordered[k]: at for at, k in enumerate(first.tolist())}
        column = {ordered[k]: at for at, k in enumerate(second.tolist())}
        met = [
            (row[drug], column[outcome], n)
            for (one, other), n in self.pairs.items()
            for drug, outcome in [((self.drug_kind, one), (self.outcome_kind, other))]
            if drug in row and outcome in column
        ]
        rows, columns, n = np.array(met, np.int64).reshape(-1, 3).T
        return sparse.csr_matrix((n.astype(np.int32), (rows, columns)), (len(first), len(second)))

    def save(self, path: str | Path) -> None:
        """Write the counts as JSON, whole or not at all: a run that is killed goes on from it."""
        told = {
            "form": _FORM,
            "unit": self.unit,
            "kinds": [self.drug_kind, self.outcome_kind],
            "n": self.n,
            "margins": [[*item, n] for item, n in sorted(self.margins.items())],
            "pairs": [[*pair, n] for pair, n in sorted(self.pairs.items())],
            "batches": dict(self.batches),
            "n_looks": self.n_looks,
            "called": sorted(self.called),
        }
        with atomic_write(Path(path)) as handle:
            json.dump(told, handle, ensure_ascii=False)

    @classmethod
    def load(cls, path: str | Path) -> "RunningCounts":
        """Return counts that were saved.

        Raises
        ------
        DataError
            There is no such file, or it is none of these, or damaged.
        """
        check_file(path)
        wrong = DataError("counts must be a file of RunningCounts.save, got another", path=path)
        with instead_of((ValueError, KeyError, TypeError, AttributeError), wrong):
            told = json.loads(Path(path).read_text(encoding="utf-8"))
            if told["form"] != _FORM:
                raise ValueError
            return cls(
                unit=told["unit"],
                drug_kind=told["kinds"][0],
                outcome_kind=told["kinds"][1],
                n=int(told["n"]),
                margins={(kind, name): int(n) for kind, name, n in told["margins"]},
                pairs={(drug, outcome): int(n) for drug, outcome, n in told["pairs"]},
                batches={str(name): str(digest) for name, digest in told["batches"].items()},
                n_looks=int(told["n_looks"]),
                called=frozenset((drug, outcome) for drug, outcome in told["called"]),
            )

    def _with(self, baskets: Baskets | BasketBlocks, sign: int) -> tuple["RunningCounts", str]:
        """Return the counts with some baskets more or fewer, and a digest of what these count."""
        names = _plain(baskets)
        margins, pairs = Counter[Item](), Counter[tuple[str, str]]()
        for block in baskets if isinstance(baskets, BasketBlocks) else [baskets.matrix]:
            each = np.asarray(block.sum(axis=0, dtype=np.int64)).ravel()
            margins.update({names[k]: int(each[k]) for k in np.flatnonzero(each).tolist()})
            for one, other, n in _met(block, names, self.drug_kind, self.outcome_kind):
                pairs[one, other] += n
        told = json.dumps([len(baskets), sorted(margins.items()), sorted(pairs.items())])
        made = replace(
            self,
            n=self.n + sign * len(baskets),
            margins=_summed(self.margins, margins, sign),
            pairs=_summed(self.pairs, pairs, sign),
        )
        return made, sha256(told.encode()).hexdigest()


def _summed(
    held: Mapping[tuple[str, str], int], more: Mapping[tuple[str, str], int], sign: int
) -> dict[tuple[str, str], int]:
    summed = {**held}
    for key, n in more.items():
        summed[key] = summed.get(key, 0) + sign * n
    return {key: n for key, n in summed.items() if n}


def _plain(baskets: Baskets | BasketBlocks) -> list[Item]:
    """Return kind and name of each item, without the kind that tells two of one name apart."""
    pairs = list(zip(baskets.kinds, baskets.items, strict=True))
    plain = [(kind, item.removesuffix(f" ({kind})")) for kind, item in pairs]
    of = Counter(name for _, name in plain)
    return [cut if of[cut[1]] > 1 else given for given, cut in zip(pairs, plain, strict=True)]


def _met(
    block: sparse.csr_matrix, names: list[Item], drug_kind: str, outcome_kind: str
) -> list[tuple[str, str, int]]:
    """Return the pairs of drug and outcome that meet in some baskets, and how often."""
    kinds = np.array([kind for kind, _ in names], dtype=object)
    drugs, outcomes = np.flatnonzero(kinds == drug_kind), np.flatnonzero(kinds == outcome_kind)
    sides = [block[:, side].astype(np.int32) for side in (drugs, outcomes)]
    met = (sides[0].T.tocsr() @ sides[1]).tocoo()
    rows, columns = drugs[met.coords[0]].tolist(), outcomes[met.coords[1]].tolist()
    return [
        (names[r][1], names[c][1], n)
        for r, c, n in zip(rows, columns, met.data.tolist(), strict=True)
    ]

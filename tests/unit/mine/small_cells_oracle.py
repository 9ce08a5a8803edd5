"""What an attacker can do with published counts: bounds by linear programming, cell by cell."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
from scipy.optimize import linprog

from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import COUNTS, mine_interactions


def drawn(seed, n_items):
    """Return rows of 0 and 1: independent items, two kinds of patients, or few patterns."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(40, 400))
    if seed % 3 == 0:
        return (rng.random((n, n_items)) < rng.uniform(0.05, 0.7, n_items)).astype(int)
    if seed % 3 == 1:
        sick, well = rng.uniform(0.02, 0.9, n_items), rng.uniform(0.02, 0.5, n_items)
        return (rng.random((n, n_items)) < np.where(rng.random((n, 1)) < 0.5, sick, well)) * 1
    every = np.array(list(itertools.product([0, 1], repeat=n_items)))
    some = rng.choice(len(every), int(rng.integers(4, min(len(every), 16))), replace=False)
    return every[np.repeat(some, rng.integers(1, 25, len(some)))]


def made(rows, patients=None):
    """Return baskets of rows of 0 and 1: drugs a, b, ... and the outcome z."""
    names = [*"abcdefgh"[: rows.shape[1] - 1], "z"]
    kinds = dict.fromkeys(names, "drug") | {"z": "outcome"}
    baskets = frame_baskets(pd.DataFrame(rows, columns=names), kinds=kinds)
    return replace(baskets, patients=None if patients is None else np.array(patients, object))


def published(baskets, cells, **limits):
    """Return every count that the rules and signals of these limits hold, by positions of items."""
    place = {name: k for k, name in enumerate(baskets.items)}
    counts = {(): len(baskets)}

    def add(names, n):
        counts[tuple(sorted(place[name] for name in names))] = int(n)

    for row in mine_rules(baskets, cells=cells, **limits).to_pandas().itertuples():
        add(row.antecedents | row.consequents, row.n_both)
        add(row.antecedents, row.n_antecedent)
        add(row.consequents, row.n_consequent)
    if set(baskets.kinds) == {"drug", "outcome"}:
        at_least = {"min_count": 1, "min_margin": 1, "cells": cells}
        for row in mine_signals(baskets, **at_least).to_pandas().itertuples():
            add([row.drug, row.outcome], row.n_both)
            add([row.drug], row.n_drug)
            add([row.outcome], row.n_outcome)
        found = mine_interactions(baskets, adjust=False, **at_least)
        for row in found.to_pandas().to_dict("records"):
            items = [row[name] for name in found.keys]
            for size in (1, 2, 3):
                for part in itertools.combinations(range(3), size):
                    cellular = [c for c in COUNTS if all(c[2 + k] == "1" for k in part)]
                    add([items[k] for k in part], sum(row[c] for c in cellular))
    return counts


def followed(rows, counts, min_cell, patients=None):
    """Return the cells of fewer than `min_cell` patients that published counts of sets betray.

    Parameters
    ----------
    rows : array of 0 and 1, shape (n_baskets, n_items)
    counts : mapping of tuple of positions to count
        The empty tuple is the number of baskets.
    min_cell : int
    patients : array, shape (n_baskets,), optional

    Returns
    -------
    list of (items, pattern, count, least, most)
        Counts whose range, of all tables with the published counts and no cell below 0, neither
        holds 0 nor reaches `min_cell`.
    """
    n_items = rows.shape[1]
    every = np.array(list(itertools.product([0, 1], repeat=n_items)))
    a = np.array([every[:, list(x)].all(axis=1) for x in counts], float)
    b = np.array(list(counts.values()), float)
    owner = np.arange(len(rows)) if patients is None else np.asarray(patients)
    found = []
    for size in range(1, n_items + 1):
        for items in itertools.combinations(range(n_items), size):
            for pattern in itertools.product([0, 1], repeat=size):
                held = (rows[:, items] == pattern).all(axis=1)
                if not 1 <= len(set(owner[held].tolist())) < min_cell:
                    continue
                cell = (every[:, items] == pattern).all(axis=1).astype(float)
                most = -linprog(-cell, A_eq=a, b_eq=b).fun
                if most >= min_cell - 1e-6:
                    continue
                least = linprog(cell, A_eq=a, b_eq=b).fun
                if least > 1e-6:
                    found.append((items, pattern, int(held.sum()), least, most))
    return found

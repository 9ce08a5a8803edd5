"""Rules from the extracted mtsamples drugs and from diabetes130, beside mlxtend.

scripts/bench rules [--entities out/mtsamples]: itemset counts must equal mlxtend's exactly, and
every column of its rules must be equal, except the cells where mlxtend writes 0 for 0/0.
"""

import argparse
import io
import time
import zipfile

import numpy as np
import pandas as pd
from mlxtend.frequent_patterns import association_rules, fpgrowth

import clinnlp
from clinnlp.features.baskets import frame_baskets
from clinnlp.io.tables.mentions import read_entity_table
from tests.bench import DATA, ROOT, record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entities", default=str(ROOT / "out" / "mtsamples"))
    args = parser.parse_args()
    table = read_entity_table(args.entities)
    compare("mtsamples drugs", clinnlp.baskets(table, label="Chemical", unit="note"), min_count=5)
    compare("diabetes130 drugs", frame_baskets(diabetes_drugs()), min_count=50)


def diabetes_drugs() -> pd.DataFrame:
    """Return one row per encounter and one column per drug, true where it was given."""
    with zipfile.ZipFile(DATA / "diabetes130" / "dataset_diabetes.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith("diabetic_data.csv"))
        frame = pd.read_csv(io.BytesIO(packed.read(name)), dtype=str, keep_default_na=False)
    first, last = (
        frame.columns.get_loc("metformin"),
        frame.columns.get_loc("metformin-pioglitazone"),
    )
    return frame.iloc[:, first : last + 1] != "No"


def compare(name: str, baskets, *, min_count: int) -> None:
    """Mine the same baskets with clinnlp and mlxtend, and record what differs."""
    n = len(baskets)
    wide = pd.DataFrame.sparse.from_spmatrix(
        baskets.matrix.astype(bool), columns=list(baskets.items)
    )
    start = time.perf_counter()
    ours = clinnlp.mine_itemsets(baskets, min_count=min_count, max_len=3).to_pandas()
    middle = time.perf_counter()
    theirs = fpgrowth(wide, min_support=min_count / n, use_colnames=True, max_len=3)
    end = time.perf_counter()
    counts = dict(zip(ours["itemsets"], ours["count"], strict=True))
    peer = {
        frozenset(s): round(v * n)
        for s, v in zip(theirs["itemsets"], theirs["support"], strict=True)
    }
    record("itemsets", data=name, baskets=n, itemsets=len(counts), equal=counts == peer,
           seconds=round(middle - start, 3), mlxtend_seconds=round(end - middle, 3))  # fmt: skip
    rules = clinnlp.mine_rules(baskets, min_count=min_count, max_len=3)
    peer_rules = association_rules(theirs, num_itemsets=n, metric="support", min_threshold=0)
    record("rules", data=name, rules=len(rules), mlxtend_rules=len(peer_rules), m=rules.m,
           significant=int(rules.significant.sum()),
           **differences(rules.to_pandas(), peer_rules))  # fmt: skip


def differences(ours: pd.DataFrame, theirs: pd.DataFrame) -> dict:
    """Return the columns that differ by more than 1e-12, and the cells of 0/0."""
    sides = ["antecedents", "consequents"]
    both = ours.merge(theirs, on=sides, suffixes=("", " peer"), validate="one_to_one")
    unequal, zero_for_nan = {}, {}
    for column in (c for c in theirs.columns if c not in sides):
        a, b = both[column].to_numpy(float), both[f"{column} peer"].to_numpy(float)
        undefined = np.isnan(a) & (b == 0)  # 0/0, where mlxtend writes 0
        a, b = (np.nan_to_num(x, nan=-9.0, posinf=1e300) for x in (a, b))
        same = undefined | (a == b) | (np.abs(a - b) <= 1e-12 * np.maximum(1, np.abs(b)))
        unequal[column], zero_for_nan[column] = int((~same).sum()), int(undefined.sum())
    return {
        "paired": len(both),
        "unequal_cells": {k: v for k, v in unequal.items() if v},
        "cells_0_for_0/0": {k: v for k, v in zero_for_nan.items() if v},
    }


if __name__ == "__main__":
    main()

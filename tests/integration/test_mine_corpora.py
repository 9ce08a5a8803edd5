"""Itemsets and rules on real baskets: published counts, and mlxtend beside."""

import gzip
import io
import zipfile

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from clinnlp.cli import main
from clinnlp.core.baskets import Baskets
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.sets.itemsets import mine_itemsets

ENCOUNTERS = 20_000  # of 101,766: mlxtend takes its time


@pytest.fixture(scope="module")
def mushroom(data_dir):
    return fim_baskets(data_dir("fim") / "mushroom.dat.gz")


def fim_baskets(path):
    with gzip.open(path, "rt") as handle:
        rows = [sorted(set(map(int, line.split()))) for line in handle if line.strip()]
    items = sorted({item for row in rows for item in row})
    place = {item: j for j, item in enumerate(items)}
    columns = np.array([place[item] for row in rows for item in row])
    starts = np.cumsum([0, *map(len, rows)])
    return Baskets(
        matrix=sparse.csr_matrix(
            (np.ones(len(columns), np.int8), columns, starts), shape=(len(rows), len(items))
        ),
        ids=np.array([str(i) for i in range(len(rows))], object),
        items=tuple(map(str, items)),
        kinds=("item",) * len(items),
        unit="row",
        evidence=np.empty((0, 3), np.int64),
        entities=None,
        n_excluded={},
        n_unassessed={},
    )


@pytest.fixture(scope="module")
def diabetes_drugs(data_dir):
    """One row per encounter, one column per drug: given or not."""
    with zipfile.ZipFile(data_dir("diabetes130") / "dataset_diabetes.zip") as packed:
        name = next(n for n in packed.namelist() if n.endswith("diabetic_data.csv"))
        frame = pd.read_csv(io.BytesIO(packed.read(name)), dtype=str, nrows=ENCOUNTERS)
    first = frame.columns.get_loc("metformin")
    last = frame.columns.get_loc("metformin-pioglitazone")
    return frame.iloc[:, first : last + 1] != "No"


PUBLISHED = {  # support: frequent, closed, maximal
    "mushroom": {0.5: (153, 45, 15), 0.4: (565, 140, 41), 0.3: (2735, 427, 63),
                 0.2: (53583, 1197, 158)},
    "T10I4D100K": {0.02: (155, 155, 155), 0.01: (385, 385, 370), 0.005: (1073, 1073, 585)},
}  # fmt: skip


@pytest.mark.parametrize("name", ["mushroom", pytest.param("T10I4D100K", marks=pytest.mark.slow)])
def test_frequent_closed_and_maximal_are_as_many_as_published(data_dir, name):
    baskets = fim_baskets(data_dir("fim") / f"{name}.dat.gz")
    for support, expected in PUBLISHED[name].items():
        asked = ({}, {"closed": True}, {"maximal": True})
        found = [len(mine_itemsets(baskets, min_support=support, **more)) for more in asked]
        assert tuple(found) == expected


COURSES = "patient=subject_id encounter=hadm_id code=drug start=startdate end=enddate"
DRUGS = "--items metformin:metformin-pioglitazone --columns unit=encounter_id"
REAL = [
    ("faers_sample", "--unit encounter --min-count 3"),
    ("mimic3_demo", "--unit encounter --min-count 20"),
    ("mimic3_demo", "--unit exposure --min-count 40"),
    (
        "mimic3_demo/PRESCRIPTIONS.csv.gz",
        f"--unit exposure --kind drug --min-count 40 --columns {COURSES}",
    ),
    pytest.param("diabetes130/dataset_diabetes.zip", DRUGS, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("source", "options"), REAL)
def test_from_file_to_report_with_one_command(data_dir, tmp_path, capsys, source, options):
    corpus, _, rest = source.partition("/")
    path = data_dir(corpus) / rest
    assert main(["mine", str(path), *options.split(), "--out", str(tmp_path)]) == 0
    assert len((tmp_path / "rules.csv").read_text().splitlines()) > 5
    assert (tmp_path / "report.html").stat().st_size > 10_000
    assert "Rules(" in capsys.readouterr().out


def test_diabetes_itemsets_and_rules_equal_mlxtend(diabetes_drugs):
    from mlxtend.frequent_patterns import association_rules, fpgrowth

    assert diabetes_drugs.shape == (ENCOUNTERS, 23)
    baskets = frame_baskets(diabetes_drugs, kinds="drug")
    n = len(baskets)
    ours = mine_itemsets(baskets, min_count=2)
    theirs = fpgrowth(diabetes_drugs, min_support=1.5 / n, use_colnames=True)
    counts = {s: round(v * n) for s, v in zip(theirs["itemsets"], theirs["support"], strict=True)}
    assert dict(ours) == counts
    assert len(ours) > 100
    rules = mine_rules(baskets, min_count=2, max_len=8).to_pandas()
    peer = association_rules(theirs, metric="support", min_threshold=0.0)
    assert len(rules) == len(peer)
    sides = ["antecedents", "consequents"]
    both = rules.merge(peer, on=sides, suffixes=("", " peer"), validate="one_to_one")
    for name in (c for c in peer.columns if c not in sides):
        np.testing.assert_allclose(both[name], both[f"{name} peer"], rtol=1e-12, atol=1e-12)

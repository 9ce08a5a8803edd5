"""Baskets by arrays of codes, beside baskets by a dictionary and a set for each."""

import unicodedata
from collections import Counter

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.ancestors import Ancestors, RollUp
from clinnlp.core.tables import EntityTable, EventTable
from clinnlp.features.baskets import baskets, event_baskets, frame_baskets

KINDS = ("drug", "outcome", "condition")
SPELLINGS = ("Rash", "rash", " RASH", "ra\u0308sh", "r\u00e4sh", "R\u00c4SH", "iron", "Iron  oxide")
CODES = (*SPELLINGS, "iron oxide", "C09AA05", "c09aa05", "None", "", "a", "b")
ABOVE = RollUp(ancestors=Ancestors({"a": ["x", "y"], "C09AA05": ["C09AA"]}), to=["x", "y", "C09AA"])


def same(text):
    return unicodedata.normalize(
        "NFC", " ".join(unicodedata.normalize("NFD", text).casefold().split())
    )


def spelling(text):
    return " ".join(unicodedata.normalize("NFC", text).split())


def folded(codes):
    """Each code as the spelling that most have, a code of the terminology aside."""
    groups = {}
    for code in codes:
        groups.setdefault(same(code), Counter())[spelling(code)] += 1
    most = {key: min(c, key=lambda one: (-c[one], one)) for key, c in groups.items()}
    return [most[same(code)] for code in codes]


def from_rows(rows, unit, *, fold=True, roll_up=None):
    """What `event_baskets` gives, row by row: rows of (patient, encounter, code, kind)."""
    at = {"patient": 0, "encounter": 1}[unit]
    lost = Counter()
    ids, owners, kept = {}, {}, []
    for k, row in enumerate(rows):
        if not row[at]:
            lost[f"no_{unit}"] += 1
            continue
        ids.setdefault(row[at], len(ids))
        owners[row[at]] = owners.get(row[at]) or row[0] or None
        code = row[2] if row[2] is None or not fold else spelling(row[2])
        if code in (None, "", "None"):
            lost["no_code"] += 1
        elif row[3] not in KINDS:
            lost["kind"] += 1
        else:
            kept.append(k)
    codes = [rows[k][2] for k in kept]
    if fold and roll_up is not None:
        spelled = {same(code): code for code in ("a", "C09AA05", "x", "y", "C09AA")}
        codes = [spelled.get(same(code), code) for code in codes]
    if fold:
        codes = folded(codes)
    held = []
    for k, code in zip(kept, codes, strict=True):
        names = roll_up(code) if roll_up else (code,)
        held += [(ids[rows[k][at]], (rows[k][3], name), k) for name in names]
    pairs = sorted({pair for _, pair, _ in held})
    shared = Counter(name for _, name in pairs)
    names = [f"{name} ({kind})" if shared[name] > 1 else name for kind, name in pairs]
    evidence = sorted([basket, pairs.index(pair), k] for basket, pair, k in held)
    matrix = np.zeros((len(ids), len(pairs)), int)
    for basket, item, _ in evidence:
        matrix[basket, item] = 1
    return list(ids), list(owners.values()), names, [k for k, _ in pairs], matrix, evidence, lost


def drawn(rng, n):
    patients = rng.choice(np.array([*(f"p{k}" for k in range(6)), None], object), n)
    stays = [
        None if p is None or rng.random() < 0.2 else f"{p}/{rng.integers(2)}" for p in patients
    ]
    for k in np.flatnonzero(rng.random(n) < 0.1):
        patients[k] = None
    codes = rng.choice(np.array([*CODES, None], object), n)
    kinds = rng.choice(np.array([*KINDS, "lab", None], object), n)
    return [*zip(patients.tolist(), stays, codes.tolist(), kinds.tolist(), strict=True)]


def table_of(rows):
    names = ("patient", "encounter", "code", "kind")
    return EventTable({name: [row[k] for row in rows] for k, name in enumerate(names)})


def through_arrow(table):
    return EventTable.from_pandas(table.to_arrow())


@pytest.mark.parametrize("seed", range(60))
def test_baskets_of_events_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    rows = drawn(rng, int(rng.integers(1, 80)))
    unit = ("patient", "encounter")[seed % 2]
    at = ("patient", "encounter").index(unit)
    if not any(row[at] for row in rows):
        rows.append(("p0", "p0/0", "a", "drug"))
    fold, roll_up = seed % 3 > 0, ABOVE if seed % 5 > 2 else None
    ids, owners, names, kinds, matrix, evidence, lost = from_rows(
        rows, unit, fold=fold, roll_up=roll_up
    )
    for table in (table_of(rows), through_arrow(table_of(rows))):
        made = event_baskets(table, unit=unit, fold_terms=fold, roll_up=roll_up)
        assert made.ids.tolist() == ids
        assert made.patients.tolist() == owners
        assert list(made.items) == names
        assert list(made.kinds) == kinds
        assert made.matrix.toarray().tolist() == matrix.tolist()
        assert made.evidence.tolist() == evidence
        assert {k: n for k, n in made.n_excluded.items() if n} == dict(lost)
        assert made.matrix.has_canonical_format
        for items in ([], list(made.items[:1]), list(made.items[-2:])):
            wanted = [made.items.index(item) for item in items]
            holding = [k for k, row in enumerate(matrix) if items and row[wanted].all()]
            behind = [r for basket, item, r in evidence if basket in holding and item in wanted]
            assert made.rows_behind(items).tolist() == behind


def test_the_order_of_rows_changes_no_name():
    rng = np.random.default_rng(0)
    rows = [row for row in drawn(rng, 300) if row[0]]
    usual = event_baskets(table_of(rows), unit="patient")
    for _ in range(5):
        mixed = [rows[k] for k in rng.permutation(len(rows))]
        again = event_baskets(table_of(mixed), unit="patient")
        assert (again.items, again.n_folded) == (usual.items, usual.n_folded)
        assert again.matrix.sum() == usual.matrix.sum()


@pytest.mark.parametrize("seed", range(20))
def test_long_tables_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    rows = [(row[0], None, row[2], "drug") for row in drawn(rng, 60) if row[2] not in ("", "None")]
    frame = pd.DataFrame([row[::2] for row in rows], columns=["case", "drug"])
    ids, _, names, _, matrix, _, lost = from_rows(rows, "patient", fold=seed % 2 > 0)
    made = frame_baskets(frame, item="drug", unit="case", kinds="drug", fold_terms=seed % 2 > 0)
    assert made.ids.tolist() == ids
    assert list(made.items) == names
    assert made.matrix.toarray().tolist() == matrix.tolist()
    assert made.n_excluded == {"no_unit": lost["no_patient"], "no_item": lost["no_code"]}


@pytest.mark.parametrize("seed", range(20))
def test_baskets_of_mentions_are_those_of_sets(seed):
    rng = np.random.default_rng(seed)
    rows = [row for row in drawn(rng, 60) if row[2] and row[2] != "None"]
    linked = ["d1" if rng.random() < 0.3 else None for _ in rows]
    n = len(rows)
    table = EntityTable(
        {
            "patient": [row[0] for row in rows],
            "label": [row[3] for row in rows],
            "text": [row[2] for row in rows],
            "concept": linked,
            **dict.fromkeys(("start", "n_concepts"), [0] * n),
            "end": [1] * n,
        }
    )
    made = baskets(table, unit="patient")
    ids = list(dict.fromkeys(row[0] for row in rows if row[0]))
    held = {
        (ids.index(row[0]), (row[3] or "", concept or same(row[2])))
        for row, concept in zip(rows, linked, strict=True)
        if row[0]
    }
    pairs = sorted({pair for _, pair in held})
    assert made.ids.tolist() == ids
    assert [
        (k, i.removesuffix(f" ({k})")) for k, i in zip(made.kinds, made.items, strict=True)
    ] == pairs
    places = zip(*made.matrix.nonzero(), strict=True)
    assert {(int(i), pairs[j]) for i, j in places} == held
    assert made.n_concept == sum(1 for r, c in zip(rows, linked, strict=True) if r[0] and c)
    assert made.n_concept + made.n_text == sum(1 for row in rows if row[0])

"""Itemsets against a naive count of every subset, and the refusals."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from clinnlp.core.baskets import Baskets
from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.sets import native
from clinnlp.mine.sets.itemsets import _query, min_count_of, mine_itemsets
from clinnlp.mine.sets.query import proven_sets


def random_baskets(seed=0, n=150, items="abcdefg", kinds="item"):
    rng = np.random.default_rng(seed)
    common = rng.random((n, 1))
    held = (rng.random((n, len(items))) + common) > 1.1
    return frame_baskets(pd.DataFrame(held, columns=list(items)), kinds=kinds)


def naive(baskets, min_count, max_len):
    rows = [
        {name for name, held in zip(baskets.items, row, strict=True) if held}
        for row in baskets.matrix.toarray()
    ]
    found = {}
    for size in range(1, max_len + 1):
        for names in combinations(baskets.items, size):
            count = sum(set(names) <= row for row in rows)
            if count >= min_count:
                found[frozenset(names)] = count
    return found


@pytest.mark.parametrize("min_count", [1, 3, 10, 40, 151])
@pytest.mark.parametrize("max_len", [1, 2, 3, None])
def test_counts_are_exact(min_count, max_len):
    baskets = random_baskets()
    got = dict(mine_itemsets(baskets, min_count=min_count, max_len=max_len))
    assert got == naive(baskets, min_count, max_len or len(baskets.items))


def test_short_sets_come_first_and_in_item_order():
    mined = mine_itemsets(random_baskets(), min_count=5)
    assert list(mined.members) == sorted(mined.members, key=lambda m: (len(m), m))


def test_only_the_named_kinds():
    baskets = random_baskets(kinds={"a": "drug", "b": "drug"})
    mined = mine_itemsets(baskets, min_count=1, kinds=["drug"])
    assert {frozenset(names) for names, _ in mined} <= {
        frozenset("a"),
        frozenset("b"),
        frozenset("ab"),
    }
    with pytest.raises(ArgumentError, match="kinds must be among drug, item, got event"):
        mine_itemsets(baskets, min_count=1, kinds=["event"])


def test_pandas_columns_are_mlxtends():
    frame = mine_itemsets(random_baskets(), min_support=0.2).to_pandas()
    assert list(frame.columns) == ["support", "itemsets", "count"]
    assert isinstance(frame["itemsets"].iloc[0], frozenset)
    assert (frame["support"] == frame["count"] / 150).all()
    assert frame["support"].min() >= 0.2


def test_no_baskets_and_no_items():
    empty = frame_baskets(pd.DataFrame({"a": pd.Series([], dtype=bool)}))
    assert len(mine_itemsets(empty, min_count=1)) == 0
    assert len(mine_itemsets(empty, min_support=0.5).to_pandas()) == 0
    bare = frame_baskets(pd.DataFrame(index=range(3)))
    assert len(mine_itemsets(bare, min_count=1)) == 0


def test_more_sets_than_allowed_are_refused():
    with pytest.raises(ArgumentError, match="raise min_count"):
        mine_itemsets(random_baskets(), min_count=1, max_memory_gb=1e-6)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"min_count": 2, "min_support": 0.1},
        {"min_count": 0},
        {"min_support": 0.0},
        {"min_support": 1.5},
        {"min_support": float("nan")},
        {"min_count": 1, "max_len": 0},
    ],
)
def test_bad_arguments_are_refused(arguments):
    with pytest.raises(ArgumentError):
        mine_itemsets(random_baskets(), **arguments)


def test_least_count_of_a_support_is_exact():
    for n in (1, 7, 100, 8124):
        for count in range(1, n + 1, max(1, n // 50)):
            assert min_count_of(n, min_count=None, min_support=count / n) == count
    assert min_count_of(0, min_count=None, min_support=0.5) == 1


def test_repr_shows_counts_only():
    assert repr(mine_itemsets(random_baskets(), min_count=151)) == (
        "Itemsets(0 in 150 baskets, min_count=151)"
    )


def test_a_mapping_of_kinds_says_how_many_of_each():
    baskets = random_baskets(kinds=dict.fromkeys("abcd", "drug") | dict.fromkeys("ef", "outcome"))
    shape = {"drug": 2, "outcome": 1}
    of = dict(zip(baskets.items, baskets.kinds, strict=True))

    def fits(names):
        held = [of[name] for name in names]
        return "item" not in held and all(held.count(kind) <= n for kind, n in shape.items())

    every = naive(baskets, 2, 7)
    expected = {names: count for names, count in every.items() if fits(names)}
    assert dict(mine_itemsets(baskets, min_count=2, kinds=shape)) == expected
    assert max(map(len, expected)) == 3
    triplets = dict(mine_itemsets(baskets, min_count=2, kinds=shape, target="outcome"))
    assert triplets == {s: c for s, c in expected.items() if s & {"e", "f"}}


@pytest.mark.parametrize("target", ["c", "drug", ["c", "outcome"], ["a", "g"]])
@pytest.mark.parametrize("asked", [{}, {"closed": True}, {"maximal": True}])
def test_every_set_holds_a_target(target, asked):
    baskets = random_baskets(kinds=dict.fromkeys("ab", "drug") | {"f": "outcome"})
    of = dict(zip(baskets.items, baskets.kinds, strict=True))
    wanted = {target} if isinstance(target, str) else set(target)
    every = naive(baskets, 4, 7)
    held = {s: c for s, c in every.items() if any({name, of[name]} & wanted for name in s)}
    if asked.get("closed"):
        held = {s: c for s, c in held.items() if not any(s < t and c == every[t] for t in every)}
    if asked.get("maximal"):
        held = {s: c for s, c in held.items() if not any(s < t for t in every)}
    assert dict(mine_itemsets(baskets, min_count=4, target=target, **asked)) == held


def test_unknown_targets_and_negative_quotas_are_refused():
    baskets = random_baskets()
    with pytest.raises(ArgumentError, match=r"target must name items or kinds.*got z"):
        mine_itemsets(baskets, min_count=1, target=["a", "z"])
    with pytest.raises(ArgumentError, match=r"kinds\['item'\] must be at least 0"):
        mine_itemsets(baskets, min_count=1, kinds={"item": -1})
    assert len(mine_itemsets(baskets, min_count=1, kinds={"item": 0})) == 0


def test_what_must_overflow_is_refused_before_the_search():
    wide = frame_baskets(pd.DataFrame(np.ones((20, 100), bool)))
    with pytest.raises(ArgumentError, match=r"got at least 1.27e\+30 itemsets \(1.22e\+23 GB\)"):
        mine_itemsets(wide, min_count=5)
    with pytest.raises(ArgumentError, match=r"got at least 1.21e\+15 itemsets"):
        mine_itemsets(wide, min_count=5, max_len=12, max_memory_gb=0.1)
    assert len(mine_itemsets(wide, min_count=5, max_len=2)) == 100 + 4950


def test_the_proven_number_of_sets_is_never_above_the_true_one():
    for seed in range(4):
        baskets = random_baskets(seed, items="abcdefghijkl", kinds=dict.fromkeys("abcd", "drug"))
        for kinds in (None, {"drug": 2, "item": 3}):
            for max_len in (1, 4, 12):
                query = _query(baskets, 5, max_len, kinds, None, 1e-7)  # room for one set
                true = len(mine_itemsets(baskets, min_count=5, max_len=max_len, kinds=kinds))
                assert 0 < proven_sets(query) <= true


def test_threads_do_not_change_the_answer(monkeypatch):
    monkeypatch.setattr(native, "SMALL", 0)
    baskets = random_baskets(n=400)
    one, three = (mine_itemsets(baskets, min_count=3, threads=n) for n in (1, 3))
    assert one.members == three.members
    assert one.counts.tolist() == three.counts.tolist()
    with pytest.raises(ArgumentError, match="must fit into max_memory_gb"):
        mine_itemsets(baskets, min_count=1, threads=2, max_memory_gb=1e-6)


def test_progress_counts_every_class(capsys):
    mine_itemsets(random_baskets(), min_count=3, progress=True)
    said = capsys.readouterr().err
    assert "7/7" in said
    assert "GB to count" in said


def test_memory_is_announced_before_it_is_spent(caplog, monkeypatch):
    with caplog.at_level("INFO", logger="clinnlp"):
        mine_itemsets(random_baskets(), min_count=3)
    assert "mining 150 baskets, 7 frequent items" in caplog.text
    monkeypatch.setattr(native, "FREE", 0)
    with pytest.raises(ArgumentError, match=r"counting 150 baskets .* estimate of 7.6e-06 GB"):
        mine_itemsets(random_baskets(), min_count=3, max_memory_gb=1e-6)


def test_more_than_65535_items_and_sparse_words():
    rng = np.random.default_rng(5)
    n, m = 3000, 70_000
    wide = sparse.lil_matrix((n, m), dtype=np.int8)
    wide[0] = 1  # every item once
    for t in range(1, n):
        wide[t, rng.integers(0, 6, 3)] = 1
        if t % 500 == 1:
            wide[t, [m - 1, m - 2, m - 3]] = 1
    baskets = Baskets(
        matrix=wide.tocsr(), ids=np.arange(n).astype(object), items=tuple(map(str, range(m))),
        kinds=("item",) * m, unit="row", evidence=np.empty((0, 3), np.int64), entities=None,
        n_excluded={}, n_unassessed={},
    )  # fmt: skip
    held = wide.tocsc()[:, [*range(6), m - 3, m - 2, m - 1]].toarray()
    small = frame_baskets(pd.DataFrame(held, columns=[*"012345", *map(str, range(m - 3, m))]))
    assert dict(mine_itemsets(baskets, min_count=2, kinds=None)) == naive(small, 2, 9)
    assert len(mine_itemsets(baskets, min_count=1, max_len=1)) == m


def test_stored_zeros_and_doubled_entries_do_not_count():
    matrix = sparse.csr_matrix(
        (np.array([1, 0, 1, 1, 1], np.int8), np.array([0, 1, 0, 1, 1]), np.array([0, 2, 5])), (2, 2)
    )
    made = replace(frame_baskets(pd.DataFrame({"a": [1, 0], "b": [1, 0]})), matrix=matrix)
    assert dict(mine_itemsets(made, min_count=1)) == {
        frozenset("a"): 2, frozenset("b"): 1, frozenset("ab"): 1,
    }  # fmt: skip


def test_closed_and_maximal_exclude_each_other():
    with pytest.raises(ArgumentError, match="closed and maximal must not both"):
        mine_itemsets(random_baskets(), min_count=1, closed=True, maximal=True)
    with pytest.raises(ArgumentError, match="max_memory_gb must be above 0"):
        mine_itemsets(random_baskets(), min_count=1, max_memory_gb=0)
    with pytest.raises(ArgumentError, match="engine must be one of mlxtend, native, spark"):
        mine_itemsets(random_baskets(), min_count=1, engine="duck")

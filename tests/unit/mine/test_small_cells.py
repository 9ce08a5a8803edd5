"""Small cells: no count of few patients follows from all that may be shown, by any arithmetic."""

import itertools

import numpy as np
import pandas as pd
import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.small_cells import SmallCells, guarded
from tests.unit.mine.small_cells_oracle import drawn, followed, made, published


def sets_of(n_items, size):
    return np.array(list(itertools.combinations(range(n_items), size)), np.int32)


def smallest_cell(rows, owner, items):
    """Return the fewest patients in a cell of the table of some items."""
    patterns = itertools.product([0, 1], repeat=len(items))
    held = [(rows[:, items] == pattern).all(axis=1) for pattern in patterns]
    return min(len(set(owner[rows_in].tolist())) for rows_in in held)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("min_cell", [2, 5, 11])
def test_each_cell_of_what_is_shown_holds_enough_different_patients(seed, min_cell):
    rows = drawn(seed, 5)
    owner = np.random.default_rng(seed).integers(0, 1 + len(rows) // (1 + seed % 3), len(rows))
    cells = SmallCells(made(rows, [f"p{k}" for k in owner]), min_cell)
    for size in (1, 2, 3):
        sets = sets_of(5, size)
        enough = [smallest_cell(rows, owner, s) >= min_cell for s in sets.tolist()]
        shown = cells.shown(sets).tolist()
        assert shown == enough if size < 3 else all(np.array(enough)[shown])


def check_that_nothing_follows(rows, min_cell, n_items=None):
    """Solve for every count of the first `n_items` from what two runs show of them."""
    baskets, n_items = made(rows), n_items or rows.shape[1]
    cells = SmallCells(baskets, min_cell)
    counts = published(baskets, cells, min_count=1, max_len=3)
    counts |= published(baskets, cells, min_count=min_cell + 3, max_len=2)
    of_them = {items: n for items, n in counts.items() if max(items, default=0) < n_items}
    assert followed(rows[:, :n_items], of_them, min_cell) == []


@pytest.mark.parametrize("seed", range(6))
def test_no_small_cell_follows_by_linear_programming(seed):
    check_that_nothing_follows(drawn(seed, 4), 3 + seed % 4)


@pytest.mark.parametrize("seed", range(6))
def test_no_small_cell_of_four_among_many_items_follows(seed):
    rows = drawn(seed, 4)
    more = np.random.default_rng(seed).random((len(rows), 4)) < 0.5
    check_that_nothing_follows(np.hstack([rows, more]), 3 + seed % 4, n_items=4)


@pytest.mark.slow
@pytest.mark.parametrize("n_items", [4, 5])
@pytest.mark.parametrize("seed", range(12))
def test_no_small_cell_follows_in_many_tables(seed, n_items):
    check_that_nothing_follows(drawn(100 + seed, n_items), 3 + seed % 4)


@pytest.mark.parametrize("seed", range(3))
def test_no_small_cell_of_patients_follows_from_their_stays(seed):
    rows = np.repeat(drawn(seed, 4), 3, axis=0)
    owner = np.arange(len(rows)) // (3 if seed % 2 else 2)
    baskets = made(rows, owner.tolist())
    counts = published(baskets, SmallCells(baskets, 5), min_count=1, max_len=3)
    assert followed(rows, counts, 5, owner) == []


def test_a_cell_between_two_rows_that_are_shown_is_withheld():
    """Those with a and b, 143, less those with c too, 141: two have a and b without c."""
    rows = np.repeat(
        [[1, 1, 1], [1, 1, 0], [1, 0, 1], [1, 0, 0], [0, 1, 1], [0, 1, 0], [0, 0, 1], [0, 0, 0]],
        [141, 2, 30, 40, 50, 60, 70, 500], axis=0,
    )  # fmt: skip
    baskets = made(rows)
    assert followed(rows, published(baskets, None, max_len=3), 5) != []
    counts = published(baskets, SmallCells(baskets, 5), max_len=3)
    assert counts[0, 1] == 143
    assert (0, 1, 2) not in counts
    assert followed(rows, counts, 5) == []


@pytest.mark.parametrize("n_more", [0, 4])
def test_a_set_of_three_is_withheld_where_four_tables_would_fix_a_cell(n_more):
    """Each set of three has no cell below 6, and all four leave no choice for the sixteen cells."""
    even = [c for c in itertools.product([0, 1], repeat=4) if sum(c) % 2 == 0]
    odd = [c for c in itertools.product([0, 1], repeat=4) if sum(c) % 2]
    counts = dict.fromkeys(even, 7) | dict.fromkeys(odd, 7)
    counts[0, 0, 0, 0], counts[0, 0, 0, 1], counts[1, 1, 1, 0] = 0, 9, 0
    counts[1, 0, 0, 1] = 2
    rows = np.repeat(list(counts), list(counts.values()), axis=0)
    more = np.random.default_rng(0).random((len(rows), n_more)) < 0.5
    cells = SmallCells(made(np.hstack([rows, more])), 5)
    assert all(smallest_cell(rows, np.arange(len(rows)), s) >= 5 for s in sets_of(4, 3).tolist())
    assert not cells.shown(sets_of(4, 3)).any()  # where all is solved for, and by the fourth item
    assert cells.shown(sets_of(4, 2)).all()


def test_six_stays_of_one_patient_are_one_patient():
    rows = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [6, 20, 20, 20], axis=0)
    alone = ["p"] * 6 + [f"q{k}" for k in range(60)]
    pair = np.array([[0, 1]], np.int32)
    assert SmallCells(made(rows), 5).shown(pair).all()
    assert not SmallCells(made(rows, alone), 5).shown(pair).any()
    # Baskets of nobody known may all be of one patient
    unknown = [None] * 6 + [f"q{k}" for k in range(60)]
    assert not SmallCells(made(rows, unknown), 5).shown(pair).any()
    assert SmallCells(made(rows, [None] * 66), 5).shown(pair).all()


def test_a_patient_counts_as_without_items_only_where_a_stay_is():
    rows = np.repeat([[1, 1], [1, 0], [0, 1], [0, 0]], [20, 20, 20, 5], axis=0)
    pair = np.array([[0, 1]], np.int32)
    owners = [f"p{k}" for k in range(60)]
    assert SmallCells(made(rows, [*owners, *owners[:5]]), 5).shown(pair).all()
    assert not SmallCells(made(rows, [*owners, *owners[:4], "p0"]), 5).shown(pair).any()


def test_what_is_withheld_changes_no_number():
    """Two sources that differ only in withheld counts give the same rules and signals."""
    rng = np.random.default_rng(5)
    rows = (rng.random((400, 6)) < [0, 0, 0.5, 0.4, 0.3, 0.3]).astype(int)
    rows[:60, 2:] = [[1, 0, 0, 0], [0, 0, 0, 0]] * 30
    found = []
    for n_rare, n_joint in ((4, 1), (3, 2)):
        rows[:, :2] = 0
        rows[100 : 100 + n_rare, 0] = 1
        # Thirty have the second item, none or few of them with another
        rows[0 : 2 * n_joint : 2, 1] = 1
        rows[1 : 2 * (30 - n_joint) : 2, 1] = 1
        baskets = guarded(made(rows), 5)
        cells = SmallCells(baskets, 5)
        found.append(
            [
                mine_rules(baskets, max_len=3, min_count=1, cells=cells),
                mine_signals(baskets, min_count=1, cells=cells),
                mine_interactions(baskets, min_count=1, min_margin=5, adjust=False, cells=cells),
            ]
        )
    for one, two in zip(*found, strict=True):
        assert (len(one) > 0, one.m) == (True, two.m)
        pd.testing.assert_frame_equal(one.to_pandas(), two.to_pandas())


def test_guarded_baskets_hold_no_rare_item_no_evidence_and_no_exact_exclusion():
    frame = pd.DataFrame({"case": [*range(12), *range(3), None], "drug": ["a"] * 12 + ["b"] * 4})
    baskets = frame_baskets(frame, item="drug", unit="case")
    safe = guarded(baskets, 5)
    assert safe.items == ()  # all have a: who has not are nobody, and few have b
    assert safe.n_excluded == {"no_unit": 5, "no_item": 0}
    assert len(safe.evidence) == 0
    assert guarded(baskets, 1) is baskets


def test_what_does_not_go_with_small_cells_is_refused():
    baskets = made(drawn(0, 5))
    cells = SmallCells(baskets, 5)
    with pytest.raises(
        ArgumentError, match="max_len must be at most 3 where small cells are withheld, got 4"
    ):
        mine_rules(baskets, min_count=1, max_len=4, cells=cells)
    with pytest.raises(ArgumentError, match="must come without adjust and strata"):
        mine_interactions(baskets, cells=cells)
    with pytest.raises(ArgumentError, match="must come without adjust and strata"):
        mine_signals(baskets, cells=cells, strata=["a"])
    with pytest.raises(ArgumentError, match="must be made from the baskets that are mined"):
        mine_rules(made(drawn(0, 5)), cells=cells)
    with pytest.raises(ArgumentError, match="beside must hold the same baskets"):
        SmallCells(baskets, 5, beside=made(drawn(1, 5)))

"""Small cells: what is withheld cannot be computed from what is shown."""

import numpy as np
import pandas as pd
import pytest

from clinnlp.features.baskets import frame_baskets
from clinnlp.mine.rules import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import COUNTS, mine_interactions
from clinnlp.study.suppress import without_small_cells


@pytest.fixture(scope="module")
def sets():
    rng = np.random.default_rng(4)
    held = rng.random((300, 6)) < [0.5, 0.4, 0.3, 0.2, 0.3, 0.05]
    kinds = dict.fromkeys("abcd", "drug") | dict.fromkeys("ef", "outcome")
    return frame_baskets(pd.DataFrame(held, columns=list("abcdef")), kinds=kinds)


@pytest.mark.parametrize("min_cell", [0, 1, 5, 20, 10_000])
def test_rows_of_rules_with_a_small_cell_are_withheld_whole(sets, min_cell):
    rules = mine_rules(sets, min_count=1, max_len=3)
    kept, n_withheld = without_small_cells(rules, min_cell)
    frame, every = kept.to_pandas(), rules.to_pandas()
    assert len(frame) + n_withheld == len(every)
    assert kept.m == rules.m

    def small(row):
        a, b, both, n = (row[x] for x in ("n_antecedent", "n_consequent", "n_both", "n"))
        return any(1 <= cell < min_cell for cell in (both, a - both, b - both, n - a - b + both))

    pd.testing.assert_frame_equal(frame, every[~every.apply(small, axis=1)].reset_index(drop=True))


def test_rows_of_signals(sets):
    signals = mine_interactions(sets, min_count=1, min_margin=1, adjust=False)
    kept, n_withheld = without_small_cells(signals, 6)
    assert len(kept) + n_withheld == len(signals)
    assert 0 < n_withheld < len(signals)
    cells = np.stack([kept[name] for name in COUNTS])
    assert not ((cells > 0) & (cells < 6)).any()
    assert without_small_cells(signals, 1)[1] == 0


def test_rows_of_single_drugs(sets):
    signals = mine_signals(sets, min_count=1)
    kept, n_withheld = without_small_cells(signals, 12)
    frame = signals.to_pandas()
    both, drug, outcome = (frame[f"n_{name}"] for name in ("both", "drug", "outcome"))
    least = pd.concat([both, drug - both, outcome - both], axis=1).min(axis=1)
    assert n_withheld == ((least >= 1) & (least < 12)).sum() > 0
    assert len(kept) == len(signals) - n_withheld > 0

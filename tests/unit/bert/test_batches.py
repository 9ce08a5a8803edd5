"""Batches hold every row once and keep their budget."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.bert.batches import pad_rows, shuffled_batches, sorted_batches

lengths = st.lists(st.integers(1, 50), max_size=80).map(lambda x: np.array(x, np.int64))


@given(lengths=lengths, budget=st.integers(1, 200), seed=st.integers(0, 5))
def test_every_row_once_within_the_budget(lengths, budget, seed):
    for batches in (
        sorted_batches(lengths, budget),
        shuffled_batches(lengths, budget, np.random.default_rng(seed)),
    ):
        assert sorted(i for b in batches for i in b) == list(range(len(lengths)))
        assert all(len(b) == 1 or len(b) * lengths[b].max() <= budget for b in batches)


def test_shuffling_follows_the_generator_alone():
    rows = np.arange(1, 60)
    first, again, other = (
        [b.tolist() for b in shuffled_batches(rows, 100, np.random.default_rng(s))]
        for s in (1, 1, 2)
    )
    assert first == again != other


def test_rows_are_padded_and_masked():
    matrix, mask = pad_rows([np.array([5]), np.array([6, 7])], -100)
    assert matrix.tolist() == [[5, -100], [6, 7]]
    assert mask.tolist() == [[1, 0], [1, 1]]

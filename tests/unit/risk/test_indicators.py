"""Numbers beside their bins; the bins themselves are held to their definition in test_models."""

import numpy as np
import pytest
from scipy import sparse

from clinnlp.risk.indicators import Indicators

RNG = np.random.default_rng(0)
X = np.column_stack([
    RNG.normal(140, 4, 200),  # a laboratory value: no zeros
    RNG.poisson(0.4, 200),  # counts: most are zero
    RNG.random(200) < 0.3,  # presence
    np.where(np.arange(200) < 20, 0.0, RNG.normal(3, 1, 200)),  # few zeros
])  # fmt: skip


def numbers_of(column):
    """Return a column as a number, from its definition."""
    begin = 0.0 if np.mean(column == 0) > 0.5 else column.mean()
    return np.clip((column - begin) / column.std(), -3, 3) / 2


@pytest.mark.parametrize("form", [np.asarray, sparse.csr_matrix, sparse.csc_matrix])
def test_numbers_stand_behind_the_bins_they_are_of(form):
    plain = Indicators().fit(form(X))
    both = Indicators(linear=True).fit(form(X))
    made = both.transform(form(X)).toarray()
    n = len(plain.source_)
    np.testing.assert_array_equal(made[:, :n], plain.transform(form(X)).toarray())
    assert both.linear_.tolist() == both.source_[n:].tolist() == [0, 1, 3]
    for k, j in enumerate(both.linear_):
        np.testing.assert_allclose(made[:, n + k], numbers_of(X[:, j]))
    names = both.get_feature_names_out(["sodium", "stays", "flag", "dose"]).tolist()
    assert names[n:] == ["sodium as a number", "stays as a number", "dose as a number"]
    assert len(names) == made.shape[1]


def test_counts_that_are_mostly_zero_stay_sparse_and_new_values_are_bounded():
    both = Indicators(linear=True).fit(X[:, 1:2])
    made = both.transform(sparse.csr_matrix([[0.0], [1e9]]))
    assert made[0].nnz == 0
    assert made[1].toarray()[0, -1] == 1.5
    assert Indicators(linear=True).fit(np.ones((9, 2))).transform(np.ones((9, 2))).shape == (9, 2)


def test_one_saved_before_there_were_numbers_still_makes_its_bins():
    fitted = Indicators().fit(X)
    state = {k: v for k, v in fitted.__getstate__().items() if not k.startswith(("lin", "cen"))}
    old = Indicators.__new__(Indicators)
    old.__setstate__(state)
    np.testing.assert_array_equal(old.transform(X).toarray(), fitted.transform(X).toarray())
    assert old.get_params() == {"linear": False, "n_bins": 5}

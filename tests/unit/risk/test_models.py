import numpy as np
import pytest
from scipy import sparse
from sklearn.kernel_approximation import Nystroem
from sklearn.metrics import roc_auc_score
from sklearn.naive_bayes import BernoulliNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Normalizer
from sklearn.svm import LinearSVC

from clinnlp.core.config import settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.risk.indicators import Dense, Indicators, KernelColumns
from clinnlp.risk.models import (
    MODELS,
    BoostingSettings,
    LogisticSettings,
    MlpSettings,
    NaiveBayesSettings,
    RandomForestSettings,
    RbfSvmSettings,
    SvmSettings,
    chosen_settings,
    make_model,
)

SMALL = [
    NaiveBayesSettings(),
    NaiveBayesSettings(kind="complement"),
    RandomForestSettings(n_trees=5, max_samples=1.0),
    SvmSettings(),
    RbfSvmSettings(n_landmarks=40),
    LogisticSettings(),
    BoostingSettings(n_rounds=20),
    MlpSettings(n_hidden=4),
]


def test_bins_are_closed_on_the_right_and_zero_is_an_edge():
    column = np.array([[0.0], [0.0], [1.0], [2.0], [3.0], [4.0]])
    bins = Indicators(n_bins=2).fit(column)
    assert bins.get_feature_names_out(["n"]).tolist() == ["n <= 0", "n in (0, 2]", "n > 2"]
    assert bins.transform(column).toarray().argmax(axis=1).tolist() == [0, 0, 1, 1, 2, 2]
    assert bins.transform([[-9.0], [99.0]]).toarray().argmax(axis=1).tolist() == [0, 2]


def test_two_valued_and_constant_columns_give_one_indicator():
    X = np.array([[0.0, 5.0, 1.0], [1.0, 7.0, 1.0], [1.0, 7.0, 1.0]])
    bins = Indicators().fit(X)
    assert bins.get_feature_names_out(["a", "b", "c"]).tolist() == ["a", "b > 5", "c > 1"]
    assert bins.transform(X).toarray().tolist() == [[0, 0, 0], [1, 1, 0], [1, 1, 0]]
    assert bins.source_.tolist() == [0, 1, 2]


def test_every_row_has_one_bin_per_number():
    X = np.random.default_rng(0).normal(size=(50, 3)).round(1)
    bins = Indicators(n_bins=4).fit(X)
    made = bins.transform(X).toarray()
    for j in range(3):
        assert (made[:, bins.source_ == j].sum(axis=1) == 1).all()


def test_where_most_rows_are_zero_its_bin_has_no_indicator_and_rows_stay_sparse():
    column = np.array([[0.0], [0.0], [0.0], [0.0], [1.0], [2.0], [3.0]])
    bins = Indicators(n_bins=2).fit(column)
    assert bins.get_feature_names_out(["n"]).tolist() == ["n in (0, 2]", "n > 2"]
    made = bins.transform(column)
    assert made.toarray().tolist() == [[0, 0]] * 4 + [[1, 0], [1, 0], [0, 1]]
    assert made.nnz == 3


def by_definition(x, n_bins):
    """Return the edges of a column as numpy has its quantiles."""
    values, distinct = x[x != 0], np.unique(x)
    edges = np.unique(np.quantile(values, np.arange(1, n_bins) / n_bins, method="inverted_cdf"))
    edges = np.union1d(edges, [0.0]) if (x == 0).any() else edges
    edges = edges[edges < distinct[-1]]
    return edges.tolist() if len(distinct) > 2 and len(edges) else distinct[-2:][:1].tolist()


def test_edges_are_quantiles_of_what_is_not_zero_and_each_value_lies_in_its_bin():
    rng = np.random.default_rng(0)
    for _ in range(60):
        X = np.round(rng.normal(size=(25, 4)) * (rng.random((25, 4)) < rng.uniform(0.2, 1)), 1)
        X[0] = 1.0
        bins = Indicators(n_bins=int(rng.integers(2, 7))).fit(X)
        made = bins.transform(X).toarray()
        for j, x in enumerate(X.T):
            edges = bins.edges_[j][np.isfinite(bins.edges_[j])]
            assert edges.tolist() == by_definition(x, bins.n_bins)
            for bin_, k in enumerate(bins.number_[j]):
                if k >= 0:
                    assert made[:, k].tolist() == (np.searchsorted(edges, x) == bin_).tolist()


def test_names_are_told_from_what_zero_stands_for():
    column = np.array([[-2.0], [0.0], [1.0], [3.0]])
    bins = Indicators(n_bins=2).fit(column)
    found = bins.names_from(["age"], np.array([60.0])).tolist()
    assert found == ["age <= 60", "age in (60, 61]", "age > 61"]


def test_a_kernel_keeps_no_row_of_training_and_ranks_as_well():
    """What it keeps is the same for rows of which only the shares of columns are the same."""
    rng = np.random.default_rng(0)
    X = (rng.random((3000, 40)) < 0.1).astype(float)
    X[:, :2] = rng.random((3000, 2)) < 0.5
    y = ((X[:, 0] != X[:, 1]) ^ (rng.random(3000) < 0.2)).astype(int)
    kept = [KernelColumns().fit(rows).kernel_ for rows in (X, rng.permuted(X, axis=0))]
    assert (kept[0].components_ != kept[1].components_).nnz == 0
    assert kept[0].normalization_.tolist() == kept[1].normalization_.tolist()
    train, test = slice(0, 2000), slice(2000, None)
    ours = make_model(RbfSvmSettings(n_bins=2)).fit(X[train], y[train])
    usual = make_pipeline(
        Normalizer(), Nystroem(gamma=1.0, n_components=300, random_state=0),
        LinearSVC(C=0.1, class_weight="balanced", dual=False),
    ).fit(X[train], y[train])  # fmt: skip
    found, wanted = (
        roc_auc_score(y[test], model.decision_function(X[test])) for model in (ours, usual)
    )
    assert found > wanted - 0.02
    assert found > 0.7


def test_sparse_and_dense_give_the_same():
    X = np.random.default_rng(0).poisson(0.5, size=(40, 5)).astype(float)
    dense, thin = Indicators().fit_transform(X), Indicators().fit_transform(sparse.csr_matrix(X))
    assert (dense != thin).nnz == 0
    assert isinstance(Dense().fit_transform(sparse.csr_matrix(X)), np.ndarray)
    assert sparse.issparse(Dense(max_cells=10).fit_transform(sparse.csr_matrix(X)))


@pytest.mark.parametrize("settings", SMALL)
def test_a_model_is_deterministic_and_does_not_care_for_the_form_of_its_matrix(settings):
    rng = np.random.default_rng(0)
    X = rng.poisson(1.0, size=(120, 6)).astype(float)
    y = (X[:, 0] + rng.normal(size=120) > 1).astype(int)
    predict = [
        make_model(settings, seed=3).fit(form(X), y).predict(form(X))
        for form in (np.asarray, np.asarray, sparse.csr_matrix)
    ]
    assert predict[0].tolist() == predict[1].tolist() == predict[2].tolist()
    assert np.mean(predict[0] == y) > 0.7


@pytest.mark.parametrize(
    "settings",
    [NaiveBayesSettings(), NaiveBayesSettings(kind="complement"), LogisticSettings(c=1.0)],
)
def test_row_order_column_order_and_weights_as_copies_change_nothing(settings):
    rng = np.random.default_rng(0)
    X = (rng.random((60, 8)) < 0.3).astype(float)
    y = rng.integers(0, 2, 60)
    p = make_model(settings).fit(X, y).predict_proba(X)
    rows, columns = rng.permutation(60), rng.permutation(8)
    turned = make_model(settings).fit(X[rows][:, columns], y[rows])
    np.testing.assert_allclose(turned.predict_proba(X[:, columns]), p, rtol=1e-4)
    weights = np.where(np.arange(60) < 10, 2.0, 1.0)
    copies = make_model(settings).fit(np.vstack([X, X[:10]]), np.append(y, y[:10]))
    weighted = make_model(settings).fit(X, y, model__sample_weight=weights)
    np.testing.assert_allclose(weighted.predict_proba(X), copies.predict_proba(X), rtol=1e-4)


def test_naive_bayes_on_indicators_equals_scikit_learns():
    X = (np.random.default_rng(0).random((60, 8)) < 0.3).astype(float)
    y = np.arange(60) % 2
    ours = make_model(NaiveBayesSettings(alpha=2.0)).fit(X, y)
    np.testing.assert_allclose(
        ours.predict_proba(X), BernoulliNB(alpha=2.0).fit(X, y).predict_proba(X)
    )


def test_settings_survive_a_round_trip_and_refuse_unknown_models():
    for kind in MODELS.values():
        assert settings_from(kind, settings_to(kind())) == kind()
    assert list(chosen_settings(["svm"])) == ["svm"]
    with pytest.raises(ArgumentError, match="model must be one of"):
        chosen_settings(["bayes"])
    with pytest.raises(ArgumentError, match="none for 'svm'"):
        chosen_settings({"svm": []})
    with pytest.raises(ArgumentError, match="n_bins"):
        Indicators(n_bins=1).fit([[1.0]])


def test_where_rows_are_few_leaves_are_smaller_and_linear_models_have_numbers():
    def made(settings, n_rows):
        return make_model(settings, n_rows=n_rows)

    for n_rows, few in ((None, False), (1000, False), (999, True)):
        assert made(RandomForestSettings(), n_rows)[-1].min_samples_leaf == (3 if few else 10)
        for settings in (SvmSettings(), LogisticSettings()):
            assert made(settings, n_rows)[0].linear is few
        assert not made(NaiveBayesSettings(), n_rows)[0].linear
    assert made(RandomForestSettings(min_leaf=7), 99)[-1].min_samples_leaf == 7
    assert not made(SvmSettings(linear=False), 99)[0].linear
    assert made(LogisticSettings(linear=True), None)[0].linear


def test_few_rows_tell_a_line_better_with_numbers_beside_bins():
    """200 rows in which the outcome rises with each of ten numbers, and 2,000 others."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2200, 10))
    y = (X.sum(axis=1) + 3 * rng.normal(size=2200) > 0).astype(int)
    told = [
        roc_auc_score(y[200:], model.fit(X[:200], y[:200]).decision_function(X[200:]))
        for settings in (SvmSettings(), LogisticSettings())
        for model in (make_model(settings), make_model(settings, n_rows=200))
    ]
    assert told[1] > told[0] + 0.01
    assert told[3] > told[2] + 0.01

import numpy as np
from scipy.optimize import minimize
from scipy.special import expit, logit

from clinnlp.risk.update import new_intercept, new_line, updated

RNG = np.random.default_rng(0)
P = RNG.uniform(0.05, 0.6, 2000)
Y = (RNG.random(2000) < expit(-0.7 + 0.6 * logit(P))).astype(np.int64)


def loss(a, b):
    q = expit(a + b * logit(P))
    return -np.sum(Y * np.log(q) + (1 - Y) * np.log1p(-q))


def test_both_are_of_maximum_likelihood():
    found = minimize(lambda t: loss(t[0], t[1]), [0.0, 1.0], tol=1e-10).x
    np.testing.assert_allclose(new_line(Y, P), found, atol=1e-4)
    alone = minimize(lambda t: loss(t[0], 1.0), [0.0], tol=1e-10).x
    np.testing.assert_allclose(new_intercept(Y, P), alone[0], atol=1e-4)


def test_an_order_is_kept_or_given_up_and_never_reversed():
    a, b = new_line(1 - Y, P)
    assert (a, b) == (logit(1 - Y.mean()), 0.0)
    assert new_line((P > 0.3).astype(int), P) == (0.0, 1.0)  # b has no bound


def test_each_fold_is_updated_by_the_others():
    folds = np.arange(2000) % 4
    made = updated(Y, P, folds)
    here = folds == 2
    a, b = new_line(Y[~here], P[~here])
    np.testing.assert_allclose(made["slope"][here], expit(a + b * logit(P[here])))
    assert abs(made["intercept"].mean() - Y.mean()) < 0.01
    assert abs(made["slope"].mean() - Y.mean()) < 0.01

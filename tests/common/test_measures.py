"""Every measure of counts: any shape, nan where undefined, the value inside its interval."""

import inspect
from itertools import product

import numpy as np
import pytest

from clinnlp.core.counts import Table2x2
from clinnlp.mine.measures import association, disproportionality, interaction, stratified
from clinnlp.mine.measures.additive import one_stratum

FUNCTIONS = {
    f"{module.__name__.rsplit('.', 1)[1]}.{name}": getattr(module, name)
    for module in (association, disproportionality, stratified, interaction)
    for name in module.__all__
    if inspect.isfunction(getattr(module, name))
    and not name.startswith(("shrunk_log2", "fisher_and"))
}
OF_TABLES = {
    k: f for k, f in FUNCTIONS.items() if k.split(".")[0] in ("association", "disproportionality")
}
OF_PAIRS = {k: f for k, f in FUNCTIONS.items() if k.startswith("interaction.")}
OF_STRATA = {k: f for k, f in FUNCTIONS.items() if k.startswith("stratified.")}
NEVER_UNDEFINED = ("fisher_p", "mid_p", "bcpnn")  # a p is 1 and a posterior its prior


def tables():
    cells = [
        (a, b, c, n - a - b - c)
        for n in range(13)
        for a in range(n + 1)
        for b in range(n + 1 - a)
        for c in range(n + 1 - a - b)
    ]
    a, b, c, d = np.array(cells).T
    return Table2x2(n_ab=a, n_a=a + b, n_b=a + c, n=a + b + c + d)


def pairs():
    groups = [(y, n) for n in range(3) for y in range(n + 1)]
    rows = np.array([[*(y for y, _ in g), *(n for _, n in g)] for g in product(groups, repeat=4)])
    return one_stratum(*rows.T)


def values(made):
    return list(made) if isinstance(made, tuple) else [made]


@pytest.mark.parametrize("name", OF_TABLES)
def test_shapes_and_the_empty_table(name):
    whole, measure = tables(), OF_TABLES[name]
    for made in values(measure(whole)):
        assert made.shape == whole.n.shape
        one = Table2x2(n_ab=3, n_a=5, n_b=6, n=20)
        assert all(np.shape(x) == () for x in values(measure(one)))
    none = Table2x2(n_ab=0, n_a=0, n_b=0, n=0)
    if not name.split(".")[1].startswith(NEVER_UNDEFINED):
        assert all(np.isnan(x) for x in values(measure(none)))
    empty = np.zeros(0, np.int64)
    assert all(
        x.shape == (0,)
        for x in values(measure(Table2x2(n_ab=empty, n_a=empty, n_b=empty, n=empty)))
    )


@pytest.mark.parametrize("name", OF_PAIRS)
def test_shapes_of_pairs(name):
    made = pairs()
    assert all(x.shape == (made.y11.shape[1],) for x in values(OF_PAIRS[name](made)))
    none = one_stratum(0, 0, 0, 0, 0, 0, 0, 0)
    assert all(np.isnan(x).all() for x in values(OF_PAIRS[name](none)))


@pytest.mark.parametrize("name", OF_STRATA)
def test_shapes_of_strata(name):
    if name == "stratified.pooled":
        return
    flat = tables()
    cells = {k: np.stack([getattr(flat, k)] * 2) for k in ("n_ab", "n_a", "n_b", "n")}
    assert all(x.shape == flat.n.shape for x in values(OF_STRATA[name](Table2x2(**cells))))


@pytest.mark.parametrize("name", [k for k in FUNCTIONS if k.endswith("_interval")])
def test_the_value_lies_in_its_interval(name):
    measure = FUNCTIONS[name.removesuffix("_interval")]
    made = pairs() if name in OF_PAIRS else tables()
    if name in OF_STRATA:
        made = Table2x2(**{k: getattr(made, k)[None] for k in ("n_ab", "n_a", "n_b", "n")})
    value, (low, high) = measure(made), FUNCTIONS[name](made)
    defined = ~np.isnan(low)
    assert not (defined & np.isnan(value)).any()
    slack = 1e-6 * np.abs(np.where(np.isfinite(value), value, 0.0)) + 1e-9
    inside = (low <= value + slack) & (value <= high + slack)
    assert inside[defined].all()
    wider = FUNCTIONS[name](made, level=0.99)
    assert (wider.low[defined] <= low[defined] + 1e-9).all()

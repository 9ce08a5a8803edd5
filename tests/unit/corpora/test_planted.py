"""The planted encounters: what was planted stands in them, and nothing else."""

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError
from corpora.generate.planted import draw_planted


@pytest.fixture(scope="module")
def planted():
    return draw_planted(3)


def held(planted, *names):
    columns = [planted.baskets.items.index(name) for name in names]
    return planted.baskets.matrix[:, columns].toarray().astype(bool).T


def excess(planted, plant):
    """p11 − p10 − p01 + p00 and its standard error, over all encounters."""
    a, b, y = held(planted, *plant.drugs, plant.outcome)
    groups = (a & b, a & ~b, ~a & b, ~a & ~b)
    p = [y[g].mean() for g in groups]
    error = np.sqrt(sum(q * (1 - q) / g.sum() for q, g in zip(p, groups, strict=True)))
    return p[0] - p[1] - p[2] + p[3], error


def test_equal_seeds_give_equal_encounters(planted):
    again, other = draw_planted(3), draw_planted(4)
    assert (again.baskets.matrix != planted.baskets.matrix).nnz == 0
    assert again.plants[:20] == planted.plants[:20]
    assert (other.baskets.matrix != planted.baskets.matrix).nnz > 0


def test_every_kind_of_plant_and_the_card(planted):
    kinds = [p.kind for p in planted.plants]
    assert {k: kinds.count(k) for k in set(kinds)} == {
        "interaction": 20, "duplicate": 6, "single_guilty": 8, "confounded": 8, "both_guilty": 4,
    }  # fmt: skip
    assert len(planted.baskets) == 60_000
    assert len(planted.interactions) == 20
    assert min(p.n_both for p in planted.plants) > 50


def test_an_interaction_adds_what_was_planted(planted):
    """Echoes of other plants on the same outcome may shift it a little."""
    gaps = []
    for plant in planted.plants:
        if plant.kind == "interaction":
            got, error = excess(planted, plant)
            gaps.append((got - plant.excess) / error)
    assert np.abs(np.median(gaps)) < 1
    assert np.mean(np.abs(gaps) < 4) > 0.9


def test_power_rises_with_what_is_added(planted):
    pairs = [p for p in planted.plants if p.kind == "interaction"]
    weak = [p.power for p in pairs if p.excess <= 0.015]
    strong = [p.power for p in pairs if p.excess >= 0.12]
    assert max(weak) < 0.3
    assert min(strong) > 0.9
    assert all(np.isnan(p.power) for p in planted.plants if p.kind != "interaction")


def test_the_look_alikes_look_alike(planted):
    """Pair and outcome meet too often for each kind, without any interaction."""
    for kind in ("single_guilty", "confounded", "both_guilty"):
        ratios = []
        for plant in planted.plants:
            if plant.kind == kind:
                a, b, y = held(planted, *plant.drugs, plant.outcome)
                ratios.append(y[a & b].mean() / y.mean())
        assert np.median(ratios) > 1.5


def test_too_few_encounters_are_refused():
    with pytest.raises(ArgumentError, match="n_encounters"):
        draw_planted(0, 10)

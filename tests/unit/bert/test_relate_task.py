"""What a pair may be, and the loss."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from clinnlp.bert.relate_task import _fitted, _is_better, _Judged, pooled_odds, targets_of
from clinnlp.bert.relation_kinds import learn_kinds
from clinnlp.bert.relation_pairs import Search
from clinnlp.core.notes import Relation

from .relations import RELATED

KINDS = learn_kinds({"a": RELATED})


def targets(note, annotated=("causes",)):
    search = Search(allowed=set(KINDS.allowed), ends="mentions", within="sentence", reach=500)
    return targets_of(note, search(note).pairs, KINDS, annotated).astype(int).tolist()


def test_a_pair_is_of_its_kind_or_of_none():
    assert targets(RELATED[0]) == [[0, 0, 1], [1, 0, 0]]


def test_where_a_label_is_not_annotated_a_pair_may_be_of_it():
    assert targets(RELATED[1], ()) == [[1, 1, 1], [1, 1, 1]]


def test_a_relation_without_a_label_may_be_of_any_kind():
    note = RELATED[2]
    unnamed = Relation(id="R", label="", roles=note.relations[0].roles)
    assert targets(note.with_(relations=(unnamed,))) == [[0, 1, 1]]


@given(
    of_pair=st.lists(st.integers(0, 3), min_size=1, max_size=12),
    seed=st.integers(0, 99),
)
def test_pooled_odds_are_the_sum_of_odds(of_pair, seed):
    _, codes = np.unique(of_pair, return_inverse=True)
    odds = torch.from_numpy(np.random.default_rng(seed).normal(size=(len(codes), 2)))
    odds.requires_grad_()
    pooled = pooled_odds(odds, codes, codes.max() + 1)
    for k in range(codes.max() + 1):
        mine = odds[codes == k]
        np.testing.assert_allclose(pooled[k].detach(), mine.logsumexp(0).detach(), atol=1e-9)
    (slope,) = torch.autograd.grad(pooled.sum(), odds)
    assert slope.sum().item() == pytest.approx(pooled.numel())


def judged(n_false, n_unsure):
    """Return 50 notes with a relation, the last ones unsure, the first with an unsure false one."""
    owners = np.array([*range(50), *range(n_false)])
    right = np.arange(len(owners)) < 50
    sure = right & (owners < 50 - n_unsure)
    return _Judged(
        owners=owners,
        labels=np.array(["causes"] * len(owners)),
        p=np.where(sure, 0.9, 0.6),
        right=right,
        given=np.ones(len(owners), bool),
        n_gold=np.ones(50, int),
        gold=[["causes"]] * 50,
    )


@pytest.mark.parametrize(
    ("n_false", "n_unsure", "better"), [(0, 0, False), (5, 4, False), (30, 4, True), (0, 9, False)]
)
def test_a_label_has_a_threshold_only_where_it_helps_beyond_chance(n_false, n_unsure, better):
    assert _is_better([judged(n_false, n_unsure)], 0.8) is better


def unsure(label, first):
    """Return four notes with a relation of a label; that of the last is likelier none."""
    return _Judged(
        owners=np.arange(first, first + 4),
        labels=np.array([label] * 4),
        p=np.array([0.9, 0.9, 0.9, 0.45]),
        right=np.ones(4, bool),
        given=np.array([True, True, True, False]),
        n_gold=np.ones(4, int),
        gold=[[label]] * 4,
    )


def test_labels_too_few_for_thresholds_of_their_own_have_one_together():
    assert _fitted([unsure("kind0", 0)], ["kind0"])[1] == {}
    names = [f"kind{k}" for k in range(8)]
    columns = zip(*(unsure(name, 4 * k) for k, name in enumerate(names)), strict=True)
    together = _Judged(*(np.concatenate(each) for each in columns))
    by, least = _fitted([together], names)
    assert list(by) == list(least) == names
    assert len(set(least.values())) == 1
    assert least["kind0"] == pytest.approx(0.5)  # half of an F1 of 1

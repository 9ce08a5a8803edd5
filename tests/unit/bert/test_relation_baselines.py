"""Classifiers on words, on the same pairs."""

from clinnlp.bert.relation_baselines import baselines
from clinnlp.bert.relation_kinds import learn_kinds
from clinnlp.bert.relation_pairs import Search

from .relations import RELATED


def test_each_baseline_learns_the_pairs_of_its_own_notes():
    kinds = learn_kinds({"a": RELATED})
    search = Search(allowed=set(kinds.allowed), ends="mentions", within="sentence", reach=500)
    found = baselines(RELATED * 9, RELATED, kinds, search)
    assert set(found) == {"naive_bayes", "linear_svm"}
    for notes in found.values():
        assert [len(n.relations) for n in notes] == [len(n.relations) for n in RELATED]
        assert [r.roles for n in notes for r in n.relations] == [
            r.roles for n in RELATED for r in n.relations
        ]

"""Stated pairs: counts by basket are those of a plain loop over notes, and lead back to text."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.core.tables import EventTable, RelationTable
from clinnlp.features.baskets import baskets, event_baskets, frame_baskets
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.mine.rule_mining import mine_rules
from clinnlp.mine.signals.drug_events import mine_signals
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.stated import StatedPairs

KINDS = {"Drug": "drug", "Problem": "outcome"}
DRUGS, PROBLEMS = ("aspirin", "warfarin"), ("rash", "fever")
WORDS = " ".join(DRUGS + PROBLEMS)
AXES = ("", "negated", "uncertain", "hypothetical", "historical", "experiencer")


def made(k, patient, said):
    """Return a note that mentions all, with (drug, problem, axis) stated."""
    entities = tuple(
        Entity(id=word, span=Span(WORDS.index(word), WORDS.index(word) + len(word)),
               label="Drug" if word in DRUGS else "Problem")
        for word in DRUGS + PROBLEMS
    )  # fmt: skip
    links = tuple(
        Relation(id=f"R{i}", label="causes", roles={"drug": (drug,), "effect": (problem,)},
                 attributes={axis: True} if axis else {})
        for i, (drug, problem, axis) in enumerate(said)
    )  # fmt: skip
    return Note(id=f"n{k}", text=WORDS, patient=patient, entities=entities, relations=links)


def mined(notes, unit="patient", **options):
    sets = baskets(entity_table(notes), unit=unit, kinds=KINDS)
    return sets, StatedPairs.of(sets, relation_table(notes), **options)


said = st.lists(
    st.tuples(st.sampled_from(DRUGS), st.sampled_from(PROBLEMS), st.sampled_from(AXES)), max_size=3
)


@settings(max_examples=40)
@given(st.lists(st.tuples(st.sampled_from("pq"), said), min_size=1, max_size=5))
def test_counts_are_those_of_a_loop_over_notes(drawn):
    notes = [made(k, patient, links) for k, (patient, links) in enumerate(drawn)]
    for unit in ("patient", "note"):
        _, pairs = mined(notes, unit)
        for drug in DRUGS:
            for problem in PROBLEMS:
                for axes, count in (
                    (("", "historical"), pairs.n_stated), (("negated",), pairs.n_denied),
                ):  # fmt: skip
                    units = {
                        getattr(note, "patient" if unit == "patient" else "id")
                        for note, (_, links) in zip(notes, drawn, strict=True)
                        if any((drug, problem, axis) in links for axis in axes)
                    }
                    assert count(drug, problem) == count(problem, drug) == len(units)


def test_what_is_not_counted_is_told_and_evidence_has_offsets():
    notes = [made(0, "p", [("aspirin", "rash", ""), ("aspirin", "rash", "negated"),
                           ("warfarin", "rash", "uncertain")])]  # fmt: skip
    _, pairs = mined(notes)
    assert (pairs.n_stated("aspirin", "rash"), pairs.n_denied("aspirin", "rash")) == (1, 1)
    assert pairs.n_excluded == {"uncertain": 1}
    rows = pairs.evidence("rash", "aspirin")
    assert rows["relation"].tolist() == ["R0", "R1"]
    assert [WORDS[a:b] for a, b in zip(rows["start"], rows["end"], strict=True)] == [
        "aspirin warfarin rash"
    ] * 2
    assert len(pairs.evidence("aspirin", "fever")) == 0
    assert mined(notes, labels=("treats",))[1].n_excluded == {"label": 3}


def test_a_denied_mention_counts_where_its_item_stands_in_another_basket():
    first = made(0, "p", [])
    rash = Entity(id="rash", span=Span(17, 21), label="Problem",
                  assertion=Assertion(negated=True))  # fmt: skip
    link = Relation(id="R", label="causes", roles={"drug": ("aspirin",), "effect": ("rash",)})
    others = tuple(e for e in first.entities if e.id != "rash")
    second = Note(id="n1", text=WORDS, patient="q", entities=(*others, rash), relations=(link,))
    _, pairs = mined([first, second])
    assert (pairs.n_stated("aspirin", "rash"), pairs.n_denied("aspirin", "rash")) == (0, 1)
    assert mined([second])[1].n_excluded == {"item": 1}


def test_signals_get_both_counts_row_by_row():
    rng = np.random.default_rng(0)
    notes = []
    for k in range(60):
        note = made(k, f"p{k}", [("aspirin", "rash", "")] if k < 7 else [])
        both = ["aspirin", "rash"] if rng.random() < 0.5 else ["warfarin", "fever"]
        kept = tuple(e for e in note.entities if e.id in both or k < 7)
        notes.append(note.with_(entities=kept))
    sets, pairs = mined(notes)
    signals = mine_signals(sets, min_count=1, min_margin=1)
    frame = pairs.add_to(signals).to_pandas()
    counts = {(r.drug, r.outcome): (r.n_stated, r.n_denied) for r in frame.itertuples()}
    assert counts["aspirin", "rash"] == (7, 0)
    assert all(value == (0, 0) for key, value in counts.items() if key != ("aspirin", "rash"))
    assert frame["q_bh"].tolist() == signals.to_pandas()["q_bh"].tolist()
    of_two = mine_interactions(sets, min_count=1, min_margin=1, adjust=False)
    named = pairs.add_to(of_two).to_pandas()
    assert set(named.loc[named["outcome"] == "rash", "n_stated"]) <= {7}


def test_stated_pairs_become_items_that_rules_are_about():
    notes = [made(k, f"p{k}", [("aspirin", "rash", "negated" if k == 9 else "")] if k > 4 else [])
             for k in range(10)]  # fmt: skip
    notes = [n if k > 4 else n.with_(entities=n.entities[1:]) for k, n in enumerate(notes)]
    sets, pairs = mined(notes)
    more = pairs.with_items(sets)
    assert more.items == (*sets.items, "aspirin, rash (stated)")
    assert more.matrix[:, -1].toarray().ravel().tolist() == [0] * 5 + [1] * 4 + [0]
    found = mine_rules(more, min_count=1).to_pandas()
    row = found[(found["antecedents"] == {"aspirin"})
                & (found["consequents"] == {"aspirin, rash (stated)"})]  # fmt: skip
    assert row["n_both"].tolist() == [4]
    assert mined([made(0, "p", [])])[1].with_items(sets).items == sets.items


def test_rules_get_counts_of_pairs_across_their_sides():
    notes = [made(k, f"p{k}", [("aspirin", "rash", "")] if k < 4 else []) for k in range(9)]
    notes = [n if k < 6 else n.with_(entities=n.entities[2:]) for k, n in enumerate(notes)]
    sets, pairs = mined(notes)
    rules = pairs.add_to(mine_rules(sets, min_count=1, max_len=3))
    for a, c, n in zip(rules.antecedents, rules.consequents, rules["n_stated"], strict=True):
        across = ("aspirin" in a and "rash" in c) or ("rash" in a and "aspirin" in c)
        assert n == (4 if across else 0)
    assert rules.take(slice(2))["n_stated"].tolist() == rules["n_stated"][:2].tolist()
    assert rules.take(slice(2)).to_arrow()["n_denied"].to_pylist() == [0, 0]


def test_events_meet_relations_by_code_or_name():
    columns = {"patient": ["p", "p", "q"], "code": ["D1", "E1", "D1"],
               "kind": ["drug", "outcome", "drug"], "name": ["Aspirin", None, None]}  # fmt: skip
    sets = event_baskets(EventTable(columns), unit="patient")
    ends = {"patient": "p", "note": "n", "label": "causes", "start": 0, "end": 9}
    by_code = {"first_concept": "D1", "second_concept": "E1"}
    by_name = {"first_concept": "X9", "first_text": "ASPIRIN", "second_text": "e1"}
    none = {"first_text": "iron", "second_text": "e1"}
    for said, n in ((by_code, 1), (by_name, 1), (none, 0)):
        pairs = StatedPairs.of(sets, RelationTable.from_rows([ends | said]))
        assert pairs.n_stated("D1", "E1") == n, said


def test_baskets_of_other_things_are_refused():
    sets = frame_baskets(pd.DataFrame({"a": [1, 0], "b": [1, 1]}))
    with pytest.raises(ArgumentError, match="made from mentions"):
        StatedPairs.of(sets, relation_table([]))

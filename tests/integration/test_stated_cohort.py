"""Reactions stated in notes of cohort-mini: each is counted and found again, and helps a screen."""

import json
from collections import defaultdict
from dataclasses import replace

import numpy as np
import pytest

from clinnlp.core.notes import Assertion, Entity
from clinnlp.core.spans import Span
from clinnlp.features.baskets import event_baskets
from clinnlp.features.relations import relation_table
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.events import read_events
from clinnlp.mine.signals.interactions import mine_interactions
from clinnlp.mine.stated import StatedPairs
from clinnlp.study.synthetic.cohort import write_cohort_mini
from clinnlp.text.relations import StatedRelations

pytestmark = pytest.mark.slow

SAYINGS = {  # how it is planted, by what is true of the problem
    "stated": "{p} due to {d}.",
    "negated": "No {p} due to {d}.",
    "hypothetical": "Call at once if there is {p} due to {d}.",
    "experiencer": "Her mother had {p} due to {d}.",
    "uncertain": "Possible {p} due to {d}.",
}
P_NOISE = 0.15  # notes with a saying about a drug and an outcome drawn at random
P_TOLD = 0.7  # outcomes of an interacting pair that the note blames on one or both of its drugs


def words(code):
    return code.partition(":")[2].replace("_", " ")


def saying(note, axis, drug, problem):
    """Return the note with a sentence at its end, and the place from its problem to its drug."""
    head, behind = SAYINGS[axis].split("{p}")
    start = len(note.text) + 1 + len(head)
    text = f"{note.text}\n{head}{words(problem)}{behind.replace('{d}', words(drug))}"
    place = Span(start, len(text) - 1)
    asserted = Assertion() if axis == "stated" else Assertion(**{axis: True})
    ends = (
        (place.start, place.start + len(words(problem)), "Problem", problem, asserted),
        (place.end - len(words(drug)), place.end, "Drug", drug, Assertion()),
    )
    n = len(note.entities)
    more = tuple(
        Entity(id=f"X{n + k}", span=Span(a, b), label=label, concepts=(code,), assertion=said)
        for k, (a, b, label, code, said) in enumerate(ends)
    )
    return replace(note, text=text, entities=(*note.entities, *more)), place


def planted(notes, sets, plants, seed):
    """Return the notes with sayings, and (axis, drug, outcome, note, encounter, place) of each."""
    rng, told, made = np.random.default_rng(seed), [], []
    held = {item: k for k, item in enumerate(sets.items)}
    place_of = {name: k for k, name in enumerate(sets.ids.tolist())}
    kinds = list(zip(sets.items, sets.kinds, strict=True))
    drugs, outcomes = ([i for i, kind in kinds if kind == k] for k in ("drug", "outcome"))
    matrix = sets.matrix.toarray().astype(bool)
    for note in notes:
        has, said = matrix[place_of[note.encounter]], []
        for plant in plants:
            both = all(has[held[item]] for item in (*plant["drugs"], plant["outcome"]))
            if plant["kind"] == "interaction" and both and rng.random() < P_TOLD:
                blamed = (plant["drugs"][:1], plant["drugs"][1:], plant["drugs"])[rng.integers(3)]
                said += [("stated", drug, plant["outcome"]) for drug in blamed]
        if rng.random() < P_NOISE:
            axis = list(SAYINGS)[rng.integers(len(SAYINGS))]
            said.append((axis, drugs[rng.integers(len(drugs))],
                         outcomes[rng.integers(len(outcomes))]))  # fmt: skip
        for one in said:
            note, place = saying(note, *one)
            told.append((*one, note.id, note.encounter, place))
        made.append(note)
    return made, told


def told_by_rules(notes, sets):
    return StatedPairs.of(sets, relation_table(map(StatedRelations(), notes)))


def cohort(folder, n_patients, seed):
    write_cohort_mini(folder, n_patients=n_patients, n_noted=n_patients, seed=seed)
    plants = json.loads((folder / "truth.json").read_text())["interactions"]["plants"]
    sets = event_baskets(read_events(folder / "events.csv"), unit="encounter")
    notes = [note.with_(relations=()) for note in read_notes(folder / "notes_gold.jsonl")]
    made, told = planted(notes, sets, plants, seed)
    return plants, sets, notes, made, told


@pytest.fixture(scope="module")
def mini(tmp_path_factory):
    """Give plants, baskets, notes and sayings, and what rules find without the sayings and with."""
    plants, sets, notes, made, told = cohort(tmp_path_factory.mktemp("mini"), 5000, 20240301)
    return plants, sets, made, told, told_by_rules(notes, sets), told_by_rules(made, sets)


def test_n_stated_and_n_denied_are_exact_on_gold_mentions(mini):
    _, sets, _, told, before, after = mini
    numbers = {name: k for k, name in enumerate(sets.ids.tolist())}
    sides = defaultdict(set)
    for axis, drug, outcome, _, encounter, _ in told:
        if axis in ("stated", "negated"):
            sides[axis, *sorted((drug, outcome))].add(numbers[encounter])
    assert len(sides) > 100
    for (axis, one, other), units in sides.items():
        of = "stated" if axis == "stated" else "denied"
        own = getattr(before, of).get((one, other), np.empty(0, int))
        expected = units | {*before.baskets[own].tolist()}
        count = after.n_stated if axis == "stated" else after.n_denied
        assert count(one, other) == len(expected), (axis, one, other)
    pairs = {*before.stated, *(key[1:] for key in sides if key[0] == "stated")}
    assert {*after.stated} == pairs  # nothing hypothetical, uncertain or of a relative counts


def test_evidence_of_each_saying_is_where_it_was_put(mini):
    _, _, made, told, _, after = mini
    texts = {note.id: note.text for note in made}
    for axis, drug, outcome, note, _, place in told:
        if axis in ("stated", "negated"):
            rows = after.evidence(drug, outcome)
            at = set(zip(rows["note"], rows["start"], rows["end"], strict=True))
            assert (note, place.start, place.end) in at
            assert texts[note][place.start : place.end] == f"{words(outcome)} due to {words(drug)}"


def test_all_pairs_with_power_are_found_and_none_of_the_look_alikes(mini):
    plants, sets, *_, after = mini
    screened = after.add_to(mine_interactions(sets))
    found = rows_of(screened, screened["signal_stated"])
    strong = {key(plant) for plant in plants if plant["must_signal"]}
    assert len(strong) >= 5
    assert strong <= found
    assert not found & {key(plant) for plant in plants if plant["must_not_signal"]}


def key(plant):
    return frozenset(plant["drugs"]), plant["outcome"]


def rows_of(signals, mask):
    columns = (signals[name][mask].tolist() for name in signals.keys)
    return {(frozenset((a, b)), c) for a, b, c in zip(*columns, strict=True)}


def recall_at(signals, q, true, n_false):
    """Return how many true rows stand before one more false row than allowed."""
    rows = list(zip(*(signals[name].tolist() for name in signals.keys), strict=True))
    hits = misses = 0
    for k in np.argsort(signals[q], kind="stable").tolist():
        a, b, c = rows[k]
        is_true = (frozenset((a, b)), c) in true
        misses += not is_true
        if misses > n_false:
            break
        hits += is_true
    return hits


def compared(folder, n_patients, seeds):
    """Return true rows before false ones, and true and false calls, without and with statements."""
    before = {"q_bh": [0, 0], "q_stated": [0, 0]}  # the first false row, the second
    calls = {"signal": [0, 0], "signal_stated": [0, 0]}  # true and false
    for seed in seeds:
        plants, sets, _, made, _ = cohort(folder / str(seed), n_patients, seed)
        true = {key(plant) for plant in plants if plant["kind"] == "interaction"}
        signals = told_by_rules(made, sets).add_to(mine_interactions(sets))
        for q, counts in before.items():
            for n_false in range(len(counts)):
                counts[n_false] += recall_at(signals, q, true, n_false)
        for name, counts in calls.items():
            found = rows_of(signals, signals[name])
            counts[0] += len(found & true)
            counts[1] += len(found - true)
    return before, calls


def test_more_interactions_are_found_at_equal_false_discoveries(tmp_path):
    """Cohorts of half the size, in which most interactions lack power."""
    before, calls = compared(tmp_path, 2500, (1, 2))
    told = before, calls
    for plain, stated in zip(before["q_bh"], before["q_stated"], strict=True):
        assert stated >= plain, told
    assert calls["signal_stated"][0] > calls["signal"][0], told
    assert calls["signal_stated"][1] <= calls["signal"][1], told

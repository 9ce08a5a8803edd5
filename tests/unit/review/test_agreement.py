"""Agreement equals that of `clinnlp diff`; seconds, repeats and wrong suggestions are counted."""

import random
from dataclasses import replace

import numpy as np
import pytest

from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.review.agreement import agreement, pair_agreement
from clinnlp.review.corpus import judged_notes
from clinnlp.review.database import create_database
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.tasks import queue, task_of
from clinnlp.study.comparison import compare_notes
from tests.unit.review.conftest import World, note_of

WORDS = [
    "no",
    "sign",
    "of",
    "chest",
    "pain",
    "or",
    "fever",
    "today",
    "so",
    "aspirin",
    "was",
    "given",
    "twice",
    "for",
    "it",
]


def drawn_notes(rng, n=8, *, error=0.2):
    """Return two readings of the same notes, which differ by chance."""
    sides = ([], [])
    for k in range(n):
        words = [rng.choice(WORDS) for _ in range(30)]
        text, at, spans = " ".join(words), 0, []
        for word in words:
            spans.append(Span(at, at + len(word)))
            at += len(word) + 1
        for side in sides:
            entities = []
            for i, span in enumerate(spans):
                if rng.random() < (0.3 if hash_of(k, i) else error / 4):
                    label = "Drug" if rng.random() < error else "Problem"
                    negated = rng.choice([True, False, None])
                    entities.append(
                        Entity(id=f"T{i}", span=span, label=label,
                               assertion=Assertion(negated=negated))
                    )  # fmt: skip
            side.append(Note(id=f"n{k}", text=text, entities=tuple(entities)))
    return sides


def hash_of(k, i):
    return (k * 31 + i * 17) % 3 == 0


@pytest.mark.parametrize("seed", range(3))
def test_agreement_equals_that_of_diff(seed):
    ours, theirs = drawn_notes(random.Random(seed))
    found = pair_agreement("a", "b", ours, theirs, axes=("negated",), n_boot=50)
    diff = compare_notes(ours, theirs, n_boot=50)
    assert (found.strict, found.relaxed, found.kappa) == (
        diff.strict.f1, diff.relaxed.f1, diff.kappa
    )  # fmt: skip
    for label in found.labels:
        assert label.strict == diff.strict.label_f1[label.label]
        assert label.relaxed == diff.relaxed.label_f1[label.label]


def test_the_kappa_of_an_axis_is_over_mentions_that_both_have():
    ours, theirs = drawn_notes(random.Random(1))
    (axis,) = pair_agreement("a", "b", ours, theirs, axes=("negated",), n_boot=0).axes
    pairs = [
        (str(a.assertion.negated), str(b.assertion.negated))
        for x, y in zip(ours, theirs, strict=True)
        for a in x.entities
        for b in y.entities
        if (a.label, a.span) == (b.label, b.span)
    ]
    assert axis.n == len(pairs)
    observed = np.mean([a == b for a, b in pairs])
    values = {"True", "False", "None"}
    expected = sum(
        np.mean([a == v for a, _ in pairs]) * np.mean([b == v for _, b in pairs]) for v in values
    )
    assert axis.kappa.value == pytest.approx((observed - expected) / (1 - expected))


def judge_all(world, name, *, wrong=lambda k: False, seconds=2.0):
    """Judge all notes of a person: accept everything, or reject the second suggestion."""
    user, n_done = world.users[name], 0
    while True:
        items = [i for i in queue(world.database, world.project, user)[0] if i.state == "open"]
        if not items:
            return n_done
        with world.database.reading() as connection:
            reading = reading_of(connection, task_of(connection, items[0].task))
        actions = [{"do": "accept", "mention": m} for m in reading.mentions]
        if actions and wrong(n_done):
            actions[-1]["do"] = "reject"
        judge(
            world.database, items[0].task, user, [*actions, {"do": "done"}], version=0,
            seconds=seconds,
        )  # fmt: skip
        n_done += 1


def test_people_repeats_seconds_and_wrong_suggestions_are_told(world):
    world = world(
        n=20, n_annotators=2, repeat_share=0.5, wrong_share=0.3, bare_share=0.3,
        notes=[note_of(k) for k in range(20)],
    )  # fmt: skip
    n_anna = judge_all(world, "anna")
    judge_all(world, "ben", wrong=lambda k: k % 2 == 0, seconds=4.0)
    assert n_anna > 24
    found = agreement(world.database, world.project, n_boot=20)
    (pair,) = found.between
    assert (pair.first, pair.second, pair.n_notes) == ("anna", "ben", 20)
    assert 0 < pair.strict.value < 1
    own = {pair.first: pair for pair in found.within}
    assert own["anna"].strict.value == 1.0
    assert own["anna"].n_notes == n_anna - 20
    assert {(s.person, s.suggestions) for s in found.seconds} == {
        (who, how) for who in ("anna", "ben") for how in (True, False)
    }
    assert all(s.per_note.value == (2.0 if s.person == "anna" else 4.0) for s in found.seconds)
    shares = {w.person: w for w in found.wrong}
    assert shares["anna"].share.value == 1.0
    assert shares["anna"].n_shown > 0
    assert shares["ben"].n_accepted < shares["ben"].n_shown
    assert any("share" in line for line in found.lines())


def test_what_two_say_alike_is_the_corpus_and_the_rest_is_left_out(world):
    world = world(n=4, n_annotators=2)
    judge_all(world, "anna")
    found = judged_notes(world.database, world.project)
    assert found.notes == []
    assert found.n_excluded == {"judged by one of two annotators": 4}
    judge_all(world, "ben", wrong=lambda k: k == 0)
    found = judged_notes(world.database, world.project)
    assert [note.id for note in found.notes] == ["n1", "n2", "n3"]
    assert found.n_excluded == {"two annotators differ, and nobody has decided": 1}
    gold = note_of(1)
    entities = tuple(replace(e, score=None) for e in gold.entities)
    assert found.notes[0] == gold.with_(entities=entities)
    assert len(judged_notes(world.database, world.project, who="ben").notes) == 4


@pytest.mark.slow
def test_the_interval_covers_the_agreement_of_all_notes(tmp_path):
    """Pairs of annotators on 60 notes of a population of 3,000: the interval covers its F1."""
    n_pairs, n_notes, covered = 300, 60, 0
    ours, theirs = drawn_notes(random.Random(0), 3000)
    truth = pair_agreement("a", "b", ours, theirs, axes=(), n_boot=0).strict.value
    rng = random.Random(1)
    for _ in range(n_pairs):
        k = [rng.randrange(3000) for _ in range(n_notes)]
        sides = [[replace(side[i], id=f"{j}") for j, i in enumerate(k)] for side in (ours, theirs)]
        from clinnlp.metrics.spans import score_spans

        f1 = score_spans(*sides, n_boot=300).f1
        covered += f1.low <= truth <= f1.high
    assert covered / n_pairs >= 0.93


def test_where_no_mention_is_kept_the_seconds_of_one_are_not_defined(world):
    """Seconds over no mentions are no number; the lines say so in words."""
    world = world(n=3, n_annotators=2, notes=[note_of(k).with_(entities=()) for k in range(3)])
    for who in ("anna", "ben"):
        judge_all(world, who)
    found = agreement(world.database, world.project, n_boot=20)
    assert [spent.n_mentions for spent in found.seconds] == [0, 0]
    assert all(np.isnan(spent.per_mention.value) for spent in found.seconds)
    lines = " ".join(found.lines())
    assert "no mention was kept" in lines
    assert "F1 is not defined" in lines
    assert not {"inf", "nan"} & set(lines.replace(",", " ").replace("[", " ").split())


def test_resamples_without_a_mention_are_left_out_of_the_interval(world):
    """Of three notes one has mentions: some draws hold none, and the ends stay finite."""
    notes = [note_of(k) if k == 0 else note_of(k).with_(entities=()) for k in range(3)]
    world = world(n=3, notes=notes)
    judge_all(world, "anna")
    found = agreement(world.database, world.project, n_boot=200).seconds
    with_mentions = [spent.per_mention for spent in found if spent.n_mentions]
    assert with_mentions
    assert all(np.isfinite([e.value, e.low, e.high]).all() for e in with_mentions)


def test_before_anything_is_done_twice_the_lines_say_so(world):
    world = world(n=2, n_annotators=2)
    assert list(agreement(world.database, world.project).lines()) == [
        "no note is done yet, so there is nothing to compare"
    ]
    judge_all(world, "anna")
    first = next(iter(agreement(world.database, world.project, n_boot=0).lines()))
    assert first == "no note is done by two people or twice yet, so there is no agreement"


def test_a_store_in_memory_of_nobody_has_no_agreement(tmp_path):
    world = World(create_database(tmp_path / "s.db"))
    found = agreement(world.database, world.project)
    assert found == type(found)(between=(), within=(), seconds=(), wrong=())

"""The tagger as a pipe: exact offsets, every token seen, batch equals one by one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.bert import learned
from clinnlp.core.notes import Entity, Note, check_note
from clinnlp.core.spans import Span

from .conftest import TRAIN

LONG = Note(id="long", text="Denies chest pain. Started aspirin 5 mg!\n" * 300)
ODD = [
    Note(id=f"odd{i}", text=text)
    for i, text in enumerate(
        ["", "  \n", "😀😀", "aspirin\r\n\u200bpain", "\ud800 pain", "x" * 500]
    )
]
NOTES = [*TRAIN, LONG, *ODD]


def mentions(note):
    return [(e.span, e.label) for e in note.entities]


def bare(notes):
    return [note.with_(entities=()) for note in notes]


def test_batch_equals_one_by_one(tagger):
    together = tagger.batch(bare(NOTES))
    alone = [tagger(note) for note in bare(NOTES)]
    assert [n.id for n in together] == [n.id for n in NOTES]
    assert [mentions(n) for n in together] == [mentions(n) for n in alone]
    for a, b in zip(together, alone, strict=True):
        assert [e.score for e in a.entities] == pytest.approx([e.score for e in b.entities], 1e-4)


def test_blocks_do_not_change_the_answer(tagger, monkeypatch):
    whole = tagger.batch(NOTES)
    monkeypatch.setattr(learned, "_BLOCK_CHARS", 60)
    assert [mentions(n) for n in tagger.batch(NOTES)] == [mentions(n) for n in whole]


def test_no_token_of_a_long_note_is_unseen(tagger):
    done = tagger(LONG)
    assert done.coverage.n_seen == done.coverage.n_total > 2000
    late = [e for e in done.entities if e.span.start > len(LONG.text) // 2]
    assert {LONG[e.span] for e in late} >= {"chest pain", "aspirin"}


def test_a_second_run_adds_nothing_and_gold_stays(tagger):
    once = tagger(TRAIN[0])
    assert tagger(once) == once
    assert once.entities[: len(TRAIN[0].entities)] == TRAIN[0].entities
    assert {e.source for e in once.entities} == {None, "tagger"}
    taken = TRAIN[0].with_(entities=(Entity(id="B1", span=Span(0, 1), label="X"),))
    check_note(tagger(taken))


@settings(max_examples=60, deadline=None)
@given(
    text=st.text(st.sampled_from("aA spirnİße\u0301\u200b\U0001f600\r\n\ud800-.7語"), max_size=60)
)
def test_mentions_of_any_text_lie_inside_it(tagger, text):
    done = tagger(Note(id="n", text=text))
    spans = [e.span for e in check_note(done).entities]
    assert all(a.end <= b.start for a, b in zip(spans, spans[1:], strict=False))
    assert all(text[s.start : s.end].strip() == text[s.start : s.end] for s in spans)
    assert all(0 <= e.score <= 1 for e in done.entities)


def test_stripped_combining_marks_belong_to_the_mention(tagger):
    text = "Started aspirin\u0301 for pain"
    (drug,) = [e for e in tagger(Note(id="n", text=text)).entities if e.label == "Drug"]
    assert text[drug.span.start : drug.span.end] == "aspirin\u0301"


def test_mentions_that_score_less_than_their_label_must_are_left_out(tagger):
    everything = replace(tagger, thresholds={})(LONG).entities
    limit = float(np.median([e.score for e in everything if e.label == "Drug"]))
    some = replace(tagger, thresholds={"Drug": limit})(LONG).entities
    wanted = [e for e in everything if e.label != "Drug" or e.score >= limit]
    assert [(e.span, e.label, e.score) for e in some] == [
        (e.span, e.label, e.score) for e in wanted
    ]
    assert len(some) < len(everything)


def test_its_repr_shows_no_text(tagger):
    assert repr(tagger) == "EntityTagger(labels=['Drug', 'Problem'], max_tokens=48, stride=8)"

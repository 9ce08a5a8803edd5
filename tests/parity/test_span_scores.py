"""Strict span scores beside seqeval and nervaluate, over random tagged documents."""

import numpy as np
import pytest
from nervaluate import Evaluator
from seqeval.metrics import classification_report
from seqeval.scheme import IOB2

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import decode_tags
from clinnlp.metrics.spans import score_spans

LABELS = ("Chemical", "Disease", "Dose")


def tagged(rng, n_tokens):
    """Return a valid IOB2 sequence."""
    tags, running = [], None
    for _ in range(n_tokens):
        if running and rng.random() < 0.4:
            tags.append(f"I-{running}")
        elif rng.random() < 0.45:
            running = str(rng.choice(LABELS))
            tags.append(f"B-{running}")
        else:
            running = None
            tags.append("O")
    return tags


def disturbed(tags, rng):
    """Return the sequence with some tokens cleared, and made valid again."""
    kept = [tag if rng.random() < 0.8 else "O" for tag in tags]
    return [
        f"B-{tag[2:]}" if tag[0] == "I" and (i == 0 or kept[i - 1][2:] != tag[2:]) else tag
        for i, tag in enumerate(kept)
    ]


def note(id, tags):
    """Return a note whose token k is the character at 2k."""
    entities = tuple(
        Entity(id=f"T{k}", span=Span(2 * r.start, 2 * r.end - 1), label=r.label)
        for k, r in enumerate(decode_tags(tags))
    )
    return Note(id=id, text="x " * len(tags), entities=entities)


def corpus(seed):
    rng = np.random.default_rng(seed)
    gold = [tagged(rng, int(rng.integers(1, 40))) for _ in range(40)]
    found = [disturbed(tags, rng) for tags in gold]
    return gold, found


@pytest.mark.parametrize("seed", range(5))
def test_strict_equals_seqeval(seed):
    gold, found = corpus(seed)
    theirs = classification_report(
        gold, found, output_dict=True, mode="strict", scheme=IOB2, zero_division=0
    )
    ours = score_spans(
        [note(str(i), tags) for i, tags in enumerate(gold)],
        [note(str(i), tags) for i, tags in enumerate(found)],
        n_boot=0,
    )
    micro = theirs["micro avg"]
    assert (ours.micro.precision, ours.micro.recall, ours.micro.f1) == pytest.approx(
        (micro["precision"], micro["recall"], micro["f1-score"])
    )
    assert ours.macro_f1.value == pytest.approx(theirs["macro avg"]["f1-score"])
    for label in LABELS:
        prf = ours.per_label[label]
        assert (prf.precision, prf.recall, prf.f1, prf.tp + prf.fn) == pytest.approx(
            tuple(theirs[label][k] for k in ("precision", "recall", "f1-score", "support"))
        )


@pytest.mark.parametrize("seed", range(5))
def test_strict_equals_nervaluate(seed):
    gold, found = corpus(seed)
    results = Evaluator(gold, found, tags=list(LABELS), loader="list").evaluate()
    theirs = results["overall"]["strict"]
    ours = score_spans(
        [note(str(i), tags) for i, tags in enumerate(gold)],
        [note(str(i), tags) for i, tags in enumerate(found)],
        n_boot=0,
    ).micro
    assert (ours.tp, ours.tp + ours.fp, ours.tp + ours.fn) == (
        theirs.correct,
        theirs.actual,
        theirs.possible,
    )
    assert (ours.precision, ours.recall, ours.f1) == pytest.approx(
        (theirs.precision, theirs.recall, theirs.f1)
    )

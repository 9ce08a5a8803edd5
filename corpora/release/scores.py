"""How good the model in the box is: on abstracts and notes, before and after rounding.

A mention is *right* where a gold one has the same span and label. Of scores two things are told:
ECE, and which share of the mentions that score at least `SURE` is right.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from clinnlp.bert.predict import EntityTagger
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import BatchPipe
from clinnlp.metrics.intervals import wilson_interval
from clinnlp.metrics.mentions import score_confidence
from clinnlp.metrics.spans import score_spans
from corpora.annotated.form import LABELS

__all__ = ["LEAST_F1", "SURE", "labels_off", "membership", "note_scores", "read_bare"]

SURE = 0.9
LEAST_F1 = 0.7  # strict, on the development notes: a clinical label below it is off


def read_bare(
    reader: BatchPipe, gold: Sequence[Note], *, labels: Collection[str] | None = None
) -> list[Note]:
    """Return the notes with the mentions that a reader finds, of the labels of the gold ones.

    Parameters
    ----------
    reader : EntityTagger or other pipe
    gold : sequence of Note
    labels : collection of str, optional
        Others than those that `gold` has mentions of.
    """
    wanted = {e.label for note in gold for e in note.entities} if labels is None else set(labels)
    found = reader.batch([note.with_(entities=(), relations=(), sections=None) for note in gold])
    return [n.with_(entities=tuple(e for e in n.entities if e.label in wanted)) for n in found]


def note_scores(gold: Sequence[Note], found: Sequence[Note], *, n_boot: int = 1000) -> Any:
    """Return strict and relaxed scores by label with intervals by note, and what scores are worth.

    Parameters
    ----------
    gold, found : sequence of Note
        Of the same ids.
    n_boot : int
        Resamples of notes.

    Examples
    --------
    >>> from clinnlp.core.notes import Entity
    >>> from clinnlp.core.spans import Span
    >>> made = Entity(id="T1", span=Span(3, 8), label="Problem", score=0.95)
    >>> notes = [Note(id="n", text="No cough.", entities=(made,))]
    >>> scores = note_scores(notes, notes, n_boot=0)
    >>> scores["sure"]["n"], scores["sure"]["share_right"]["value"]
    (1, 1.0)
    """
    truth = {n.id: {(e.label, e.pieces) for e in n.entities} for n in gold}
    sure = [
        (e.label, e.pieces) in truth[note.id]
        for note in found
        for e in note.entities
        if e.score is not None and e.score >= SURE
    ]
    confidence = score_confidence(gold, found)
    out: dict[str, Any] = {"n_notes": len(gold)}
    for match in ("strict", "relaxed"):
        scores = score_spans(gold, found, match=match, n_boot=n_boot)
        out[match] = {"all": asdict(scores.f1), "rows": scores.rows()}
    out["ece"] = confidence.ece
    out["reliability"] = list(confidence.rows)
    share = asdict(wilson_interval(sum(sure), len(sure)))
    return out | {"sure": {"n": len(sure), "share_right": share}}


def labels_off(tagger: EntityTagger, scores: Any) -> tuple[str, ...]:
    """Return the labels that are off by default, by the scores on the development notes.

    Those of abstracts are off, since no notes are annotated with them, and clinical ones of a
    strict F1 below `LEAST_F1`.
    """
    good = {
        row["label"]
        for row in scores["strict"]["rows"]
        if row["label"] in LABELS and row["f1"] >= LEAST_F1
    }
    return tuple(label for label in tagger.labels if label not in good)


def membership(tagger: EntityTagger, seen: Iterable[Note], unseen: Iterable[Note]) -> float:
    """Return how well a note that taught is told from one that did not: the AUC of a guess.

    The guess is the mean log probability of each word's likeliest tag, which is what someone with
    the model and a note can compute; 0.5 is no better than a coin.

    References
    ----------
    Yeom et al., Privacy risk in machine learning, CSF 2018 (the loss as a test of membership).
    """
    inside, outside = (_certainty(tagger, list(notes)) for notes in (seen, unseen))
    wins = (inside[:, None] > outside).mean() + 0.5 * (inside[:, None] == outside).mean()
    return float(wins)


def _certainty(tagger: EntityTagger, notes: Sequence[Note]) -> Any:
    return np.array([np.log(p).mean() if len(p) else 0.0 for p in tagger.p_best(notes)])

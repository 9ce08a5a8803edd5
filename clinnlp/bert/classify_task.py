"""What a classifier learns: the label of a note or its labels, with its batches and its loss.

First the best head on the encoder as it is (see `clinnlp.bert.head`); then, where wanted, all
weights. There a note is answered by a few random windows, drawn anew in each epoch and pooled as
in prediction, which takes all of them (see `clinnlp.bert.classify`). The loss is the cross
entropy of its one label, or the mean binary cross entropy of all labels. Class weights are those
of King and Zeng 2001, n / (k · n of the class); they bend probabilities.

References
----------
King and Zeng, Logistic Regression in Rare Events Data, Polit Anal 2001. Thresholds: Yang, A study
of thresholding strategies, SIGIR 2001 (SCut).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from clinnlp.bert.batches import shuffled_batches
from clinnlp.bert.classify import NoteClassifier, pooled
from clinnlp.bert.head import HeadData, choose_strength, fit_head
from clinnlp.bert.network import WindowRow
from clinnlp.bert.selection import Score, mean_of_ratios, patients_of
from clinnlp.bert.settings import ClassifierSettings
from clinnlp.core.arrays import Bools, Floats
from clinnlp.core.notes import Note
from clinnlp.metrics.intervals import cluster_codes
from clinnlp.metrics.labels import label_matrix

__all__ = ["ClassifierTask", "best_threshold"]

Draw = tuple[int, tuple[WindowRow, ...]]


class ClassifierTask:
    """Teach a `NoteClassifier` from labelled notes; parameters as of `TaggerTask`."""

    def __init__(
        self,
        classifier: NoteClassifier,
        fit: Sequence[Note],
        selection: Sequence[Note],
        settings: ClassifierSettings,
    ) -> None:
        self._classifier, self._settings = classifier, settings
        self._selection = list(selection)
        self._texts = classifier.network.tokenise([note.text for note in fit])
        self._rows: list[list[WindowRow]] = [[] for _ in fit]
        for row in classifier.network.rows(self._texts):
            self._rows[row.text].append(row)
        self._groups, _ = cluster_codes(patients_of(fit), len(fit))
        self._targets = label_matrix([note.labels for note in fit], classifier.labels)
        self._weights = np.ones(len(classifier.labels))
        if settings.class_weights:
            counts = self._targets.sum(0)
            self._weights = counts.sum() / (len(counts) * np.maximum(counts, 1))
        self.counts = {"n_tokens": sum(len(text.ids) for text in self._texts)}

    def begin(self) -> None:
        """Set the head to the best one on the encoder as it is."""
        network = self._classifier.network
        rows = [row for each in self._rows for row in each]
        means = np.empty((len(rows), network.model.config.hidden_size))
        for batch, out in network.states(self._texts, rows):
            means[batch] = [states.mean(0, dtype=np.float64) for states in out]
        sizes = np.array([row.window.end - row.window.start for row in rows], np.int64)
        notes = pooled(means, np.array([row.text for row in rows], np.int64), sizes, "mean")
        data = HeadData(notes, self._targets, self._weights, self._settings.multi_label)
        weights, biases = fit_head(data, strength=choose_strength(data, self._groups))
        head = network.model.classifier
        with torch.no_grad():
            head.weight.copy_(torch.from_numpy(weights))
            head.bias.copy_(torch.from_numpy(biases))

    def plan(self, rng: np.random.Generator) -> list[list[Draw]]:
        """Return the notes of each batch of one epoch, with their random windows."""
        n_most = self._settings.windows_per_note
        draws: list[Draw] = []
        for i, rows in enumerate(self._rows):
            chosen = rng.choice(len(rows), min(n_most, len(rows)), replace=False)
            draws.append((i, tuple(rows[j] for j in np.sort(chosen))))
        cost = np.array([sum(r.window.end - r.window.start + 2 for r in d[1]) for d in draws])
        batches = shuffled_batches(cost, self._settings.tokens_per_batch, rng)
        return [[draws[i] for i in batch] for batch in batches]

    def loss(self, model: Any, batch: list[Draw]) -> torch.Tensor:
        """Return the mean loss of the notes, each by its pooled windows."""
        network = self._classifier.network
        ids = [network.row_ids(self._texts[i].ids, r.window) for i, rows in batch for r in rows]
        inputs = network.collate(ids)
        logits = model(**inputs).logits.float()  # (n_rows, width, n_labels)
        mask = inputs["attention_mask"].float()
        sizes = mask.sum(1)  # (n_rows,)
        rows = torch.einsum("rw,rwk->rk", mask, logits) / sizes[:, None]
        found = self._pool(rows, sizes, [len(draw[1]) for draw in batch])
        targets = torch.from_numpy(self._targets[[i for i, _ in batch]]).to(rows.device).float()
        weights = torch.from_numpy(self._weights).to(rows.device, torch.float32)
        if self._settings.multi_label:
            return functional.binary_cross_entropy_with_logits(found, targets, pos_weight=weights)
        return functional.cross_entropy(found, targets.argmax(1), weight=weights)

    def score(self) -> Score | None:
        """Return macro F1 on the selection notes; with several labels, micro F1 at even odds."""
        if not self._selection:
            return None
        gold = self._gold()
        p = self._classifier.predict_proba(self._selection)
        likeliest = np.eye(p.shape[1], dtype=np.bool_)[p.argmax(1)]
        found = p >= 0.5 if self._settings.multi_label else likeliest
        hits, sizes = 2 * (gold & found), gold.astype(np.int64) + found
        if self._settings.multi_label:
            hits, sizes = (each.sum(1, keepdims=True) for each in (hits, sizes))
        return mean_of_ratios(hits, sizes, patients_of(self._selection))

    def thresholds(self) -> dict[str, float]:
        """Return the threshold of each label that is best on the selection notes."""
        labels = self._classifier.labels
        if not self._settings.multi_label:
            return {}
        gold = self._gold()
        p = self._classifier.predict_proba(self._selection)
        return {name: best_threshold(gold[:, k], p[:, k]) for k, name in enumerate(labels)}

    def _gold(self) -> Bools:
        """Return which selection note has which label."""
        return label_matrix([note.labels for note in self._selection], self._classifier.labels)

    def _pool(self, rows: torch.Tensor, sizes: torch.Tensor, counts: list[int]) -> torch.Tensor:
        """Return the logits of each note from those of its `counts` windows."""
        each = torch.split(rows, counts)
        if self._settings.pooling == "max":
            return torch.stack([windows.amax(0) for windows in each])
        weights = torch.split(sizes, counts)
        return torch.stack(
            [w @ windows / w.sum() for w, windows in zip(weights, each, strict=True)]
        )


def best_threshold(gold: Bools, p: Floats) -> float:
    """Return the probability from which on to give a label, for the highest F1.

    It lies halfway between two probabilities that were seen, at the lowest of several equally
    good places; where the label is never right it is 0.5.

    Examples
    --------
    >>> best_threshold(np.array([False, True, True]), np.array([0.1, 0.3, 0.4])).__round__(2)
    0.2
    """
    if not gold.any():
        return 0.5
    order = np.argsort(-p, kind="stable")
    seen, tp = p[order], np.cumsum(gold[order])
    f1 = 2 * tp / (np.arange(1, len(p) + 1) + gold.sum())
    last = np.append(seen[1:] < seen[:-1], True)  # equal ones are given together
    best = np.flatnonzero(last & (f1 == f1[last].max()))[-1]
    below = seen[best + 1] if best + 1 < len(seen) else 0.0
    return float((seen[best] + below) / 2)

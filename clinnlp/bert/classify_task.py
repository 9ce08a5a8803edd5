"""What a classifier learns: the label of a note, with its batches and its loss.

The loss is the cross entropy of the mean logits of a few random windows of a note, drawn anew in
each epoch; prediction takes the mean over all of them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch

from clinnlp.bert.batches import shuffled_batches
from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.network import Row
from clinnlp.bert.settings import TrainSettings
from clinnlp.core.notes import Note
from clinnlp.metrics.labels import score_labels

__all__ = ["ClassifierTask", "classified"]

Draw = tuple[int, tuple[Row, ...]]


class ClassifierTask:
    """Teach a `NoteClassifier` from notes with one label each; parameters as of `TaggerTask`."""

    def __init__(
        self,
        classifier: NoteClassifier,
        fit: Sequence[Note],
        selection: Sequence[Note],
        settings: TrainSettings,
    ) -> None:
        self._classifier, self._settings = classifier, settings
        self._selection = list(selection)
        self._texts = classifier.network.tokenise([note.text for note in fit])
        self._rows: list[list[Row]] = [[] for _ in fit]
        for row in classifier.network.rows(self._texts):
            self._rows[row.text].append(row)
        self._targets = [classifier.labels.index(note.labels[0]) for note in fit]
        self.counts = {"n_tokens": sum(len(text.ids) for text in self._texts)}

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
        """Return the mean cross entropy of the notes, each by the mean of its windows' logits."""
        network = self._classifier.network
        ids = [network.row_ids(self._texts[i].ids, r.window) for i, rows in batch for r in rows]
        logits = model(**network.collate(ids)).logits.float()  # (n_rows, n_labels)
        counts = torch.tensor([len(rows) for _, rows in batch], device=logits.device)
        note = torch.repeat_interleave(torch.arange(len(batch), device=logits.device), counts)
        sums = torch.zeros(len(batch), logits.shape[1], device=logits.device)
        mean = sums.index_add(0, note, logits) / counts[:, None]
        targets = torch.tensor([self._targets[i] for i, _ in batch], device=logits.device)
        return torch.nn.functional.cross_entropy(mean, targets)

    def score(self) -> float | None:
        """Return macro F1 on the selection notes."""
        if not self._selection:
            return None
        gold, found = classified(self._classifier, self._selection)
        return score_labels(gold, found, n_boot=0).macro_f1.value


def classified(classifier: NoteClassifier, notes: Sequence[Note]) -> tuple[list[str], list[str]]:
    """Return gold and predicted labels of the notes."""
    found = classifier.batch([note.with_(labels=()) for note in notes])
    return [note.labels[0] for note in notes], [note.labels[0] for note in found]

"""A fine-tuned classifier as a pipe: the label of a note, or its labels.

Every token of the note is read, in overlapping windows (see `clinnlp.bert.windows`), and
``note.coverage`` says so. The answer of a window is the mean of the logits of its tokens; that of
the note is the mean over its windows, each by its tokens, or the maximum over them:

    mean    what the note as a whole is about
    max     what is said somewhere in the note, however long it is

The classifier is deterministic, keeps no state between notes, and answers in input order however
the windows were batched.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from clinnlp.bert.folder import numbers_by_label
from clinnlp.bert.learned import Learned, blocks
from clinnlp.core.arrays import Floats, Ints
from clinnlp.core.errors import StoreError
from clinnlp.core.notes import Coverage, Note

__all__ = ["NoteClassifier", "Pooling", "pooled"]

Pooling = Literal["mean", "max"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class NoteClassifier(Learned):
    """Set the label of a note, or its labels, by a fine-tuned network; a pipe.

    Parameters
    ----------
    labels : tuple of str
        In the order of the columns of `predict_proba`.
    network : Network
        With a head of ``len(labels)`` outputs on every token.
    settings, card
        As for `EntityTagger`.
    pooling : {"mean", "max"}
        How the windows of a note answer together.
    thresholds : mapping of str to float
        Empty where a note has exactly one label, the likeliest. Else the label is given where
        its probability reaches its threshold: none, one or several.
    familiar : Familiar, optional
        What training made familiar, so that `Coverage` can tell how new a note is.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.bert.train import fine_tune_classifier
    >>> texts = ["Started aspirin.", "ECG shows sinus rhythm."] * 4
    >>> train = [Note(id=f"n{k}", text=t, labels=(t[:3],)) for k, t in enumerate(texts)]
    >>> folder = tempfile.TemporaryDirectory()
    >>> model = fine_tune_classifier(train, out=f"{folder.name}/kind", progress=False)
    >>> model(Note(id="n", text="Started aspirin.")).labels
    ('Sta',)
    >>> model.predict_proba(train[:2]).shape  # columns in the order of `labels`
    (2, 2)
    >>> folder.cleanup()
    """

    pooling: Pooling = "mean"
    thresholds: Mapping[str, float] = field(default_factory=dict)

    task: ClassVar[str] = "classification"

    def record(self) -> dict[str, Any]:
        """Return pooling and thresholds."""
        own = {"pooling": self.pooling, "thresholds": dict(self.thresholds)}
        return Learned.record(self) | own

    @classmethod
    def fields_from(cls, record: Mapping[str, Any], path: Path) -> dict[str, Any]:
        """Return pooling and thresholds."""
        pooling, thresholds = record.get("pooling"), record.get("thresholds")
        if pooling not in ("mean", "max") or not isinstance(thresholds, dict):
            raise StoreError(
                f"a classifier in {path} must say pooling and thresholds; it was written by a "
                "version whose head answers for a note at once: train it anew"
            )
        least = numbers_by_label(record, "thresholds", path, n=1)
        return {
            "pooling": pooling,
            "thresholds": {name: number for name, (number,) in least.items()},
        }

    @classmethod
    def answers_for(cls, names: Sequence[Any]) -> tuple[str, ...]:
        """Return the names: one output is one label."""
        return tuple(names)

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with their labels, in order."""
        out: list[Note] = []
        for block in blocks(notes):
            p, coverages = self._p_labels(block)
            out.extend(
                note.with_(labels=tuple(self.labels[k] for k in found), coverage=coverage)
                for note, found, coverage in zip(block, self._chosen(p), coverages, strict=True)
            )
        return out

    def predict_proba(self, notes: Sequence[Note]) -> Floats:
        """Return the probability of each label, shape (n_notes, n_labels).

        Rows sum to 1, except where a note may have several labels.
        """
        parts = [self._p_labels(block)[0] for block in blocks(notes)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)))

    def _chosen(self, p: Floats) -> list[list[int]]:
        if not self.thresholds:
            return [[k] for k in p.argmax(1).tolist()]
        least = np.array([self.thresholds[label] for label in self.labels])
        return [np.flatnonzero(row).tolist() for row in p >= least]

    def _p_labels(self, notes: list[Note]) -> tuple[Floats, list[Coverage]]:
        texts = self.network.tokenise([note.text for note in notes])
        rows = self.network.rows(texts)
        answers = np.empty((len(rows), len(self.labels)), np.float64)
        for batch, out in self.network.logits(texts, rows):
            answers[batch] = [answer.mean(0, dtype=np.float64) for answer in out]
        text = np.array([row.text for row in rows], np.int64)  # ascending
        sizes = np.array([row.window.end - row.window.start for row in rows], np.int64)
        logits = pooled(answers, text, sizes, self.pooling)
        kept = [row.window.keep_end - row.window.keep_start for row in rows]
        n_seen = np.bincount(text, kept, len(texts))
        coverages = [self.coverage(text.ids, int(n)) for n, text in zip(n_seen, texts, strict=True)]
        return self._p(logits), coverages

    def _p(self, logits: Floats) -> Floats:
        """Return a probability for each label alone, or for one among all."""
        if self.thresholds:
            alone: Floats = np.exp(-np.logaddexp(0.0, -logits))
            return alone
        among: Floats = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
        return among


def pooled(answers: Floats, text: Ints, sizes: Ints, how: Pooling) -> Floats:
    """Return the logits of each text from those of its windows.

    Parameters
    ----------
    answers : array, shape (n_windows, n_labels)
    text : array of int64, shape (n_windows,)
        Index of each window's text, ascending and without a gap.
    sizes : array of int64, shape (n_windows,)
        Tokens of each window, the weights of the mean.
    how : {"mean", "max"}

    Examples
    --------
    >>> answers = np.array([[1.0, 0.0], [4.0, 0.0], [2.0, 2.0]])
    >>> pooled(answers, np.array([0, 0, 1]), np.array([2, 1, 5]), "mean").tolist()
    [[2.0, 0.0], [2.0, 2.0]]
    """
    begins = np.flatnonzero(np.diff(text, prepend=-1))
    if how == "max":
        most: Floats = np.maximum.reduceat(answers, begins, axis=0)
        return most
    weights = np.maximum(sizes, 1).astype(np.float64)[:, None]
    mean: Floats = np.add.reduceat(answers * weights, begins) / np.add.reduceat(weights, begins)
    return mean

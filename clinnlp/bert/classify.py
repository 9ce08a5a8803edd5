"""A fine-tuned classifier as a pipe: the label of a note.

It reads every token of every note, in overlapping windows (see `clinnlp.bert.windows`), and says
so in ``note.coverage``. It is deterministic, keeps no state between notes, and answers in input
order however the windows were batched.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from clinnlp.bert.learned import Learned, blocks
from clinnlp.core.notes import Coverage, Note

__all__ = ["NoteClassifier"]

Floats = NDArray[np.float64]


class NoteClassifier(Learned):
    """Set the label of a note by a fine-tuned sequence classifier; a pipe.

    Every window of the note is read; the note's logits are the mean over its windows, weighted by
    the tokens each keeps. `labels` of the note becomes the one likeliest label.

    Parameters
    ----------
    labels : tuple of str
        In the order of the columns of `predict_proba`.
    network : Network
        With a head of ``len(labels)`` outputs.
    settings, card
        As for `EntityTagger`.

    Examples
    --------
    >>> classifier = clinnlp.load("models/specialty")                   # doctest: +SKIP
    >>> classifier(Note(id="n", text="ECG shows sinus rhythm.")).labels  # doctest: +SKIP
    """

    __slots__ = ()

    def __call__(self, note: Note, /) -> Note:
        """Return the note with its label."""
        return self.batch([note])[0]

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with their labels, in order."""
        out: list[Note] = []
        for block in blocks(notes):
            p, coverages = self._p_labels(block)
            out.extend(
                note.with_(labels=(self.labels[k],), coverage=coverage)
                for note, k, coverage in zip(block, p.argmax(1), coverages, strict=True)
            )
        return out

    def predict_proba(self, notes: Sequence[Note]) -> Floats:
        """Return the probability of each label, shape (n_notes, n_labels); rows sum to 1."""
        parts = [self._p_labels(block)[0] for block in blocks(notes)]
        return np.concatenate(parts) if parts else np.empty((0, len(self.labels)))

    def _p_labels(self, notes: list[Note]) -> tuple[Floats, list[Coverage]]:
        texts = self.network.tokenise([note.text for note in notes])
        rows = self.network.rows(texts)
        of_row = np.zeros((len(rows), len(self.labels)), np.float64)
        for batch, out in self.network.logits(texts, rows):
            of_row[batch] = out
        kept = np.array([r.window.keep_end - r.window.keep_start for r in rows], np.float64)
        text = np.array([row.text for row in rows], np.int64)
        n_seen = np.bincount(text, kept, len(texts))
        weight = np.where(n_seen[text] > 0, kept / np.maximum(n_seen[text], 1), 1.0)
        mean = np.zeros((len(texts), len(self.labels)), np.float64)
        np.add.at(mean, text, of_row * weight[:, None])
        p: Floats = np.exp(mean - np.logaddexp.reduce(mean, axis=1, keepdims=True))
        coverages = [
            Coverage(n_seen=int(n), n_total=len(t.ids)) for n, t in zip(n_seen, texts, strict=True)
        ]
        return p, coverages

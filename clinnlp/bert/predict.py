"""Fine-tuned models as pipes: mentions for a note, labels for a note.

Both read every token of every note, in overlapping windows (see `clinnlp.bert.windows`), and say
so in ``note.coverage``. Both are deterministic, keep no state between notes, and answer in input
order however the windows were batched.
"""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from clinnlp.bert.model import decode_words, log_softmax, mention_ranges
from clinnlp.bert.network import Network
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.notes import Coverage, Entity, Note, fresh_ids
from clinnlp.core.spans import Span

__all__ = ["Card", "EntityTagger", "NoteClassifier"]

_BLOCK_CHARS = 2_000_000  # characters tokenised at a time: bounds memory on long batches

Floats32 = NDArray[np.float32]
Floats = NDArray[np.float64]
Card = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Learned:
    """What both pipes hold: labels, network, the settings and the record of their training."""

    labels: tuple[str, ...]
    network: Network
    settings: Mapping[str, Any] = field(default_factory=dict)
    card: Card = field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"{type(self).__name__}(labels={list(self.labels)}, "
            f"max_tokens={self.network.max_tokens}, stride={self.network.stride})"
        )

    def save(self, folder: str | Path) -> None:
        """Write the model as a folder that `clinnlp.load` and transformers read.

        Raises
        ------
        RunError
            The machine failed; a folder that was there before is left as it was.
        """
        from clinnlp.bert.store import save

        save(cast("EntityTagger | NoteClassifier", self), folder)


class EntityTagger(_Learned):
    """Add the mentions a fine-tuned token classifier finds; a pipe.

    A mention covers whole words of the encoder's pre-tokenizer, on exact code points of the
    untouched text. Its `score` is the probability of the least certain of its words' tags; its
    `source` is ``"tagger"``. Earlier mentions of the same source are dropped first.

    Fine-tuned from minilm with default settings on the BC5CDR training set, strict micro F1 on
    its development set is 0.839 [0.828, 0.849] (Chemical 0.884, Disease 0.783).

    Parameters
    ----------
    labels : tuple of str
        In the order of the tag ids.
    network : Network
        With a head of ``2 * len(labels) + 1`` tags.
    settings : mapping
        How it was trained.
    card : dict
        What came of it: counts, scores, versions.

    Examples
    --------
    >>> tagger = clinnlp.load("models/drugs")                           # doctest: +SKIP
    >>> tagger(Note(id="n", text="Started lisinopril.")).entities       # doctest: +SKIP
    """

    __slots__ = ()

    source = "tagger"

    def __call__(self, note: Note, /) -> Note:
        """Return the note with its mentions."""
        return self.batch([note])[0]

    def batch(self, notes: Sequence[Note], /) -> list[Note]:
        """Return the notes with their mentions, in order."""
        return [done for block in _blocks(notes) for done in self._block(block)]

    def _block(self, notes: list[Note]) -> Iterator[Note]:
        texts = self.network.tokenise([note.text for note in notes])
        n_words = np.array([text.n_words for text in texts], np.int64)
        log_p, n_seen = self._word_log_p(texts, n_words)
        tags = decode_words(log_p, n_words)
        begins, ends, labels = mention_ranges(tags)
        p_tag = np.append(np.exp(log_p[np.arange(len(tags)), tags]), 1.0)
        scores = np.minimum.reduceat(p_tag, np.stack([begins, ends], 1).ravel())[::2]
        offsets = np.cumsum(n_words) - n_words
        owner = np.searchsorted(offsets, begins, side="right") - 1
        for i, (note, text) in enumerate(zip(notes, texts, strict=True)):
            mine = slice(*np.searchsorted(owner, [i, i + 1]))
            coverage = Coverage(n_seen=int(n_seen[i]), n_total=len(text.ids))
            found = [
                (span, self.labels[k], float(score))
                for a, b, k, score in zip(
                    begins[mine] - offsets[i],
                    ends[mine] - offsets[i],
                    labels[mine],
                    scores[mine],
                    strict=True,
                )
                if (span := _exact_span(note.text, text, int(a), int(b))) is not None
            ]
            yield _with_mentions(note, found, coverage)

    def _word_log_p(
        self, texts: list[TokenisedText], n_words: NDArray[np.int64]
    ) -> tuple[Floats32, NDArray[np.int64]]:
        """Return tag log probabilities of all words, each from the window that keeps it.

        A word's answer is that of its first token.
        """
        offsets = np.cumsum(n_words) - n_words
        rows = [row for row in self.network.rows(texts) if row.window.end > row.window.start]
        logits = np.zeros((int(n_words.sum()), 2 * len(self.labels) + 1), np.float32)
        n_seen = np.zeros(len(texts), np.int64)
        shift = len(self.network.prefix)
        for batch, out in self.network.logits(texts, rows):
            for answer, (i, window) in zip(out, (rows[j] for j in batch), strict=True):
                first = texts[i].first
                a, b = np.searchsorted(first, [window.keep_start, window.keep_end])
                logits[offsets[i] + a : offsets[i] + b] = answer[first[a:b] - window.start + shift]
                n_seen[i] += window.keep_end - window.keep_start
        return log_softmax(logits), n_seen


class NoteClassifier(_Learned):
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
        for block in _blocks(notes):
            p, coverages = self._p_labels(block)
            out.extend(
                note.with_(labels=(self.labels[k],), coverage=coverage)
                for note, k, coverage in zip(block, p.argmax(1), coverages, strict=True)
            )
        return out

    def predict_proba(self, notes: Sequence[Note]) -> Floats:
        """Return the probability of each label, shape (n_notes, n_labels); rows sum to 1."""
        parts = [self._p_labels(block)[0] for block in _blocks(notes)]
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


def _blocks(notes: Sequence[Note]) -> Iterator[list[Note]]:
    """Yield runs of notes of about `_BLOCK_CHARS` characters together."""
    sizes = np.cumsum([len(note.text) for note in notes]) // _BLOCK_CHARS
    for _, block in groupby(zip(sizes.tolist(), notes, strict=True), key=itemgetter(0)):
        yield [note for _, note in block]


def _exact_span(text: str, words: TokenisedText, a: int, b: int) -> Span | None:
    """Return the code points of words ``[a, b)`` without blanks at the ends.

    Combining marks that the tokenizer strips from the last letter belong to the mention.
    """
    start, end = int(words.starts[a]), int(words.ends[b - 1])
    limit = int(words.starts[b]) if b < words.n_words else len(text)
    while end < limit and unicodedata.combining(text[end]):
        end += 1
    while start < end and text[start].isspace():
        start += 1
    while start < end and text[end - 1].isspace():
        end -= 1
    return Span(start, end) if start < end else None


def _with_mentions(note: Note, found: list[tuple[Span, str, float]], coverage: Coverage) -> Note:
    note = note.without_source(EntityTagger.source)
    ids = fresh_ids(note, "B", len(found))
    made = tuple(
        Entity(id=name, span=span, label=label, score=min(score, 1.0), source=EntityTagger.source)
        for name, (span, label, score) in zip(ids, found, strict=True)
    )
    return note.with_(entities=(*note.entities, *made), coverage=coverage)

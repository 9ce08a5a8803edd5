"""What a tagger learns: the tag of each word, with its batches and its loss.

The loss is the cross entropy of the tag of each word's first token; a token counts in the one
window that keeps it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from clinnlp.bert.batches import pad_rows, shuffled_batches
from clinnlp.bert.model import IGNORED, gold_tags
from clinnlp.bert.network import Row
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TrainSettings
from clinnlp.core.notes import Note
from clinnlp.metrics.spans import score_spans

__all__ = ["TaggerTask", "tagged"]


class TaggerTask:
    """Teach an `EntityTagger` from notes with entities.

    Parameters
    ----------
    tagger : EntityTagger
        Trained in place.
    fit, selection : sequences of Note
        Notes to learn from, and notes that pick the epoch (may be empty).
    settings : TrainSettings
    """

    def __init__(
        self,
        tagger: EntityTagger,
        fit: Sequence[Note],
        selection: Sequence[Note],
        settings: TrainSettings,
    ) -> None:
        self._tagger, self._settings = tagger, settings
        self._selection = [_only(note, tagger.labels) for note in selection]
        network = tagger.network
        self._texts = network.tokenise([note.text for note in fit])
        self._rows = [row for row in network.rows(self._texts) if row.window.end]
        gold = [
            gold_tags(text, note.entities, tagger.labels)
            for note, text in zip(fit, self._texts, strict=True)
        ]
        self._tags = [g.tags for g in gold]
        extra = len(network.prefix) + len(network.suffix)
        self._lengths = np.array(
            [row.window.end - row.window.start + extra for row in self._rows], np.int64
        )
        self.counts = {
            "n_mentions": sum(g.n_kept for g in gold),
            "n_dropped": sum(g.n_dropped for g in gold),
            "n_inexact": sum(g.n_inexact for g in gold),
            "n_tokens": sum(len(text.ids) for text in self._texts),
        }

    def plan(self, rng: np.random.Generator) -> list[NDArray[np.int64]]:
        """Return the rows of each batch of one epoch."""
        return shuffled_batches(self._lengths, self._settings.tokens_per_batch, rng)

    def loss(self, model: Any, batch: NDArray[np.int64]) -> torch.Tensor:
        """Return the mean cross entropy of the words that the batch's windows keep."""
        network = self._tagger.network
        rows = [self._rows[i] for i in batch]
        ids = [network.row_ids(self._texts[r.text].ids, r.window) for r in rows]
        targets, _ = pad_rows([self._targets(row) for row in rows], IGNORED)
        inputs = network.collate(ids)
        inputs["input_ids"] = self._hidden(inputs["input_ids"])
        logits = model(**inputs).logits  # (n_rows, width, n_tags)
        return _cross_entropy(logits.flatten(0, 1), targets.to(logits.device).flatten())

    def score(self) -> float | None:
        """Return strict micro F1 on the selection notes; 0 where it is undefined."""
        if not self._selection:
            return None
        found = tagged(self._tagger, self._selection)
        f1 = score_spans(self._selection, found, n_boot=0).micro.f1
        return 0.0 if np.isnan(f1) else f1

    def _hidden(self, ids: torch.Tensor) -> torch.Tensor:
        """Return the ids with a random share of them masked, so that context must tell."""
        mask_id, share = self._tagger.network.tokenizer.mask_token_id, self._settings.word_dropout
        if not share or mask_id is None:
            return ids
        return ids.masked_fill(torch.rand(ids.shape).to(ids.device) < share, mask_id)

    def _targets(self, row: Row) -> NDArray[np.int64]:
        """Return a tag at the first token of each kept word, else `IGNORED`, shape (width,)."""
        text, window, network = self._texts[row.text], row.window, self._tagger.network
        n_before = len(network.prefix)
        out = np.full(window.end - window.start + n_before + len(network.suffix), IGNORED)
        a, b = np.searchsorted(text.first, [window.keep_start, window.keep_end])
        out[text.first[a:b] - window.start + n_before] = self._tags[row.text][a:b]
        return out


def tagged(tagger: EntityTagger, notes: Sequence[Note]) -> list[Note]:
    """Return the notes with the tagger's mentions and no others."""
    return tagger.batch([note.with_(entities=(), relations=()) for note in notes])


def _only(note: Note, labels: Sequence[str]) -> Note:
    return note.with_(entities=tuple(e for e in note.entities if e.label in labels))


def _cross_entropy(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """Return the mean over targets that count; 0 where none does."""
    total = torch.nn.functional.cross_entropy(
        logits.float(), targets, ignore_index=IGNORED, reduction="sum"
    )
    return total / (targets != IGNORED).sum().clamp(min=1)

"""What a tagger learns: the tag of each word, with its batches and its loss.

The loss is the cross entropy of the tag of each word's first token; a token counts in the one
window that keeps it.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from scipy.special import expit

from clinnlp.bert.batches import hide_tokens, shuffled_batches
from clinnlp.bert.confidence import Calibration, calibrated, fit_calibration, fit_threshold
from clinnlp.bert.consistency import Candidates, Weights, apart, fit_weights
from clinnlp.bert.corpus import Corpora
from clinnlp.bert.model import IGNORED, GoldTags, gold_tags_per_head, n_outputs
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.selection import Score, mean_of_ratios, patients_of
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.swaps import Abbreviated, Example, Swaps
from clinnlp.bert.windows import TokenisedText
from clinnlp.core.arrays import Ints
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.core.spans import Span

__all__ = ["Confidence", "TaggerTask", "tagged"]

_N_FOLDS = 5
_PULL = 1000.0  # of the scale of scores that the weights were fitted to give


class Confidence(NamedTuple):
    """What the selection notes say of scores, per label, and of the rest of a note."""

    calibration: dict[str, Calibration]
    thresholds: dict[str, float]
    consistency: Weights


class _Judged(NamedTuple):
    """Places of names in a selection note, and whether a gold mention is there."""

    fold: int
    found: Candidates
    labels: list[str]
    right: list[bool]


class TaggerTask:
    """Teach an `EntityTagger` from notes with entities.

    Parameters
    ----------
    tagger : EntityTagger
        Trained in place.
    fit, selection : mappings of corpus name to notes
        Notes to learn from, and notes that pick the epoch (may be empty).
    annotated : mapping of corpus name to labels
        A label that a corpus does not annotate is neither taught nor scored there.
    settings : TaggerSettings

    Raises
    ------
    DataError
        The notes to learn from hold no word.
    """

    def __init__(
        self,
        tagger: EntityTagger,
        fit: Corpora,
        selection: Corpora,
        annotated: Mapping[str, Sequence[str]],
        settings: TaggerSettings,
    ) -> None:
        self._tagger, self._settings, self._annotated = tagger, settings, annotated
        self._selection = _as_annotated(selection, annotated)
        network = tagger.network
        notes = [(name, note) for name, each in fit.items() for note in each]
        texts = network.tokenise([note.text for _, note in notes])
        self._rows = [row for row in network.rows(texts) if row.window.end]
        if not self._rows:
            raise DataError("train must hold at least one note with words, got only blank ones")
        gold = [
            gold_tags_per_head(text, note.entities, tagger.heads, annotated[name])
            for (name, note), text in zip(notes, texts, strict=True)
        ]
        tags = [each.tags for each in gold]
        self._swaps = Swaps(
            texts,
            tags,
            settings.swap,
            longest=network.window_size,
            abbreviated=Abbreviated(
                settings.abbreviate, [note.text for _, note in notes], network.tokenise
            ),
        )
        extra = len(network.prefix) + len(network.suffix)
        self._lengths = np.array(
            [row.window.end - row.window.start + extra for row in self._rows], np.int64
        )
        self.counts = _counts(gold, texts)

    def plan(self, rng: np.random.Generator) -> list[Ints]:
        """Return the rows of each batch of one epoch."""
        return shuffled_batches(self._lengths, self._settings.tokens_per_batch, rng)

    def loss(self, model: Any, batch: Ints) -> torch.Tensor:
        """Return the mean over words of the cross entropy, summed over the heads they teach."""
        network = self._tagger.network
        examples = [self._swaps.example(*self._rows[i]) for i in batch]
        inputs = network.collate(
            [np.concatenate([network.prefix, x.ids, network.suffix]) for x in examples]
        )
        inputs["input_ids"] = hide_tokens(
            inputs["input_ids"],
            self._settings.word_dropout,
            self._tagger.network.tokenizer.mask_token_id,
        )
        at, targets = self._targets(examples)
        logits = model(**inputs).logits  # (n_rows, width, n_outputs)
        answers = logits[tuple(torch.from_numpy(at).to(logits.device))]  # (n_words, n_outputs)
        of_heads = answers.split([n_outputs(head) for head in self._tagger.heads], dim=1)
        return _cross_entropy(of_heads, torch.from_numpy(targets).to(logits.device))

    def score(self) -> Score | None:
        """Return strict micro F1 over the selection notes of all corpora; 0 where undefined."""
        if not self._selection:
            return None
        golds, hits, sizes = [], [], []
        for gold, note in self._selection_read():
            truth, found = _mentions(gold), _mentions(note)
            golds.append(gold)
            hits.append([2 * len(truth & found)])
            sizes.append([len(truth) + len(found)])
        return mean_of_ratios(hits, sizes, patients_of(golds))

    def confidence(self) -> Confidence:
        """Return what is fitted on the selection notes: weights, calibration and least scores.

        What is calibrated are scores by weights that were fitted without the patient's notes.
        """
        judged, n_gold = self._judged()
        p: dict[str, list[float]] = {}
        right: dict[str, list[bool]] = {}
        weights = [
            self._weights([each for each in judged if each.fold != k]) for k in range(_N_FOLDS)
        ]
        for each in judged:
            for k, score in _scores(each.found, weights[each.fold]):
                p.setdefault(each.labels[k], []).append(score)
                right.setdefault(each.labels[k], []).append(each.right[k])
        pull = _PULL if self._tagger.consistency else 1.0
        by = {label: fit_calibration(p[label], right[label], pull=pull) for label in sorted(p)}
        least = {
            label: fit_threshold(calibrated(p[label], by[label]), right[label], n_gold[label])
            for label in by
        }
        return Confidence(by, least, self._weights(judged))

    def _weights(self, judged: Sequence[_Judged]) -> Weights:
        """Return the weights that some selection notes give; none where none are asked for."""
        if not self._tagger.consistency or not judged:
            return self._tagger.consistency
        evidence = np.concatenate([each.found.evidence for each in judged])
        return fit_weights(evidence, [one for each in judged for one in each.right])

    def _judged(self) -> tuple[list[_Judged], Counter[str]]:
        """Return all places of names in the selection notes, and gold mentions of each label."""
        judged, n_gold = list[_Judged](), Counter[str]()
        patients: dict[str, int] = {}
        for name, notes in self._selection.items():
            annotated = self._annotated[name]
            for note, heads in zip(notes, self._tagger.places(notes), strict=True):
                truth = _mentions(note)
                n_gold.update(label for label, _ in truth)
                fold = patients.setdefault(note.patient or note.id, len(patients)) % _N_FOLDS
                for found, spans in heads:
                    labels = [self._tagger.labels[k] for k in found.labels]
                    right = [
                        span is not None and (label, (span,)) in truth
                        for label, span in zip(labels, spans, strict=True)
                    ]
                    if set(labels) <= set(annotated):
                        judged.append(_Judged(fold, found, labels, right))
        return judged, n_gold

    def _selection_read(self) -> Iterator[tuple[Note, Note]]:
        """Yield each selection note as annotated, and as the tagger reads it now."""
        for name, notes in self._selection.items():
            yield from zip(notes, tagged(self._tagger, notes, self._annotated[name]), strict=True)

    def _targets(self, examples: Sequence[Example]) -> tuple[Ints, Ints]:
        """Return where the words that are asked for stand, (2, n_words), and their tags."""
        n_before = len(self._tagger.network.prefix)
        which = np.repeat(np.arange(len(examples)), [len(x.columns) for x in examples])
        columns = np.concatenate([x.columns for x in examples]) + n_before
        return np.stack([which, columns]), np.concatenate([x.tags for x in examples])


def tagged(
    tagger: EntityTagger, notes: Sequence[Note], labels: Sequence[str] | None = None
) -> list[Note]:
    """Return the notes with the tagger's mentions (of `labels`, where named) and no others."""
    found = tagger.batch([note.with_(entities=(), relations=()) for note in notes])
    return found if labels is None else [_only(note, labels) for note in found]


def _scores(found: Candidates, weights: Weights) -> list[tuple[int, float]]:
    """Return the candidates that do not overlap likelier ones, with the probability of each.

    Without weights only what the network itself gives, with the probability of its tags.
    """
    z = found.evidence @ np.array(weights) if weights else found.evidence[:, 1]
    p = np.where(found.added & (not weights), 0.0, expit(z))
    return [(k, float(p[k])) for k in apart(found.begins, found.ends, p).tolist() if p[k]]


def _as_annotated(
    corpora: Corpora, annotated: Mapping[str, Sequence[str]]
) -> dict[str, list[Note]]:
    """Return the notes of each corpus that has any, with the labels that it annotates."""
    return {
        name: [_only(note, annotated[name]) for note in notes]
        for name, notes in corpora.items()
        if notes
    }


def _counts(gold: Sequence[GoldTags], texts: Sequence[TokenisedText]) -> dict[str, int]:
    return {
        "n_mentions": sum(g.n_kept for g in gold),
        "n_dropped": sum(g.n_dropped for g in gold),
        "n_inexact": sum(g.n_inexact for g in gold),
        "n_tokens": sum(len(text.ids) for text in texts),
    }


def _mentions(note: Note) -> set[tuple[str, tuple[Span, ...]]]:
    return {(e.label, e.pieces) for e in note.entities}


def _only(note: Note, labels: Sequence[str]) -> Note:
    return note.with_(entities=tuple(e for e in note.entities if e.label in labels))


def _cross_entropy(of_heads: Sequence[torch.Tensor], targets: torch.Tensor) -> torch.Tensor:
    """Return the sum over heads, per word that teaches any; 0 where none does."""
    total = sum(
        torch.nn.functional.cross_entropy(
            logits.float(), targets[:, k], ignore_index=IGNORED, reduction="sum"
        )
        for k, logits in enumerate(of_heads)
    )
    return total / (targets != IGNORED).any(dim=1).sum().clamp(min=1)

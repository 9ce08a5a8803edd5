"""Fine-tuning on annotated notes: a tagger for mentions, a classifier for notes.

The order is the same for both: check that train and dev share nothing, split off a fixed tenth
of train for selection (by patient, or by text where there is no patient), train, keep the best
epoch, score dev once, write the folder.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, TypeVar

import torch

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.classify_task import ClassifierTask, classified
from clinnlp.bert.corpus import (
    corpus_sha256,
    entity_labels,
    note_labels,
    only_label,
    read_train,
    split_selection,
)
from clinnlp.bert.encoders import find_encoder, load_tokenizer, max_positions
from clinnlp.bert.learned import Card
from clinnlp.bert.loop import make_accelerator, train_model
from clinnlp.bert.model import build_classifier, build_tagger
from clinnlp.bert.network import Network
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TrainSettings, default_learning_rate
from clinnlp.bert.store import save
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.core.config import settings_from, settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.core.versions import package_versions
from clinnlp.metrics.labels import score_labels
from clinnlp.metrics.spans import score_spans

__all__ = ["TrainSettings", "fine_tune_classifier", "fine_tune_ner"]

P = TypeVar("P", EntityTagger, NoteClassifier)

_PACKAGES = ("clinnlp", "torch", "transformers", "tokenizers", "accelerate")


def fine_tune_ner(
    train: Iterable[Note],
    dev: Iterable[Note] | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: TrainSettings | None = None,
    progress: bool = True,
    **overrides: Any,
) -> EntityTagger:
    """Train a tagger on notes with entities, and write it to a folder.

    Parameters
    ----------
    train : re-iterable of Note
        One flat label set; of mentions that overlap the longest is learned, discontinuous ones
        are left out, both counted in the card (``n_dropped``).
    dev : re-iterable of Note, optional
        Scored once, at the end, by strict micro F1; never used to choose anything.
    encoder : str or Path
        ``"minilm"`` (embedded), a folder, or a hub id.
    out : str or Path
        Folder to write; replaced where it exists.
    settings : TrainSettings, optional
    progress : bool
        Show a bar on stderr.
    **overrides
        Fields of `TrainSettings`, such as ``epochs=4``.

    Returns
    -------
    EntityTagger
        With the weights of the best epoch; its `card` holds counts and scores.

    Raises
    ------
    ArgumentError, DataError
        Unusable arguments, settings or notes; a dev label that train does not have.
    LeakageError
        A dev note stands in train.
    StoreError
        The encoder cannot be found or read.
    RunError
        The folder cannot be written, or training diverged.

    Examples
    --------
    >>> train = clinnlp.read_notes("CDR_TrainingSet.PubTator.txt")         # doctest: +SKIP
    >>> tagger = fine_tune_ner(train, out="models/drugs", epochs=4)        # doctest: +SKIP
    """
    job = _Job(train, dev, encoder, out, settings, overrides, progress=progress)
    labels = entity_labels(job.notes, job.settings.labels)
    if dev is not None and job.settings.labels is None:
        _check_known((e.label for note in dev for e in note.entities), labels)
    with _seeded(job.settings.seed):
        network = job.network(build_tagger, labels)
        tagger = EntityTagger(labels=labels, network=network, settings=job.plain_settings)
        fit, selection = split_selection(job.notes, job.settings.selection_fraction)
        job.run(tagger, TaggerTask(tagger, fit, selection, job.settings), len(selection))
    if dev is not None:
        tagger.card["dev"] = _score_tagger(tagger, dev)
    return job.write(tagger)


def fine_tune_classifier(
    train: Iterable[Note],
    dev: Iterable[Note] | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: TrainSettings | None = None,
    progress: bool = True,
    **overrides: Any,
) -> NoteClassifier:
    """Train a classifier on notes with one label each, and write it to a folder.

    A long note is read in overlapping windows whose logits are averaged: in training a few
    random ones per epoch (``windows_per_note``), in prediction all of them.

    Parameters
    ----------
    train : re-iterable of Note
        ``note.labels`` holds exactly one label.
    dev : re-iterable of Note, optional
        Scored once, at the end, by accuracy and macro F1; never used to choose anything.
    encoder, out, settings, progress, **overrides
        As for `fine_tune_ner`.

    Returns
    -------
    NoteClassifier

    Raises
    ------
    ArgumentError, DataError, LeakageError, StoreError, RunError
        As for `fine_tune_ner`.

    Examples
    --------
    >>> train = clinnlp.read_notes("notes.csv", text="text", label="kind")  # doctest: +SKIP
    >>> model = fine_tune_classifier(train, out="models/kind")              # doctest: +SKIP
    """
    job = _Job(train, dev, encoder, out, settings, overrides, progress=progress)
    labels = note_labels(job.notes, job.settings.labels)
    if dev is not None and job.settings.labels is None:
        _check_known(map(only_label, dev), labels)
    notes = [note for note in job.notes if note.labels[0] in labels]
    with _seeded(job.settings.seed):
        network = job.network(build_classifier, labels)
        model = NoteClassifier(labels=labels, network=network, settings=job.plain_settings)
        fit, selection = split_selection(notes, job.settings.selection_fraction)
        job.run(model, ClassifierTask(model, fit, selection, job.settings), len(selection))
    if dev is not None:
        model.card["dev"] = _score_classifier(model, dev)
    return job.write(model)


class _Job:
    """One call of fine-tuning: what both tasks check, build and write alike."""

    def __init__(
        self,
        train: Iterable[Note],
        dev: Iterable[Note] | None,
        encoder: str | Path,
        out: str | Path,
        settings: TrainSettings | None,
        overrides: dict[str, Any],
        *,
        progress: bool,
    ) -> None:
        self.began = time.perf_counter()
        self.settings = _settings(settings, overrides)
        self.out, self.encoder, self.progress = _check_out(out), encoder, progress
        self.source = find_encoder(encoder)
        self.notes = read_train(train, dev)
        n_most = max_positions(self.source)
        if self.settings.max_tokens > n_most:
            raise ArgumentError(
                f"max_tokens must be at most {n_most}, what encoder {str(encoder)!r} can read at "
                f"once, got {self.settings.max_tokens}"
            )
        self.accelerator = make_accelerator(self.settings)

    @property
    def plain_settings(self) -> dict[str, Any]:
        """The settings as plain values."""
        return settings_to(self.settings)

    def network(self, build: Callable[[str, Sequence[str]], Any], labels: Sequence[str]) -> Network:
        """Return the encoder with a new head for `labels`."""
        return Network(
            build(self.source, labels),
            load_tokenizer(self.source),
            max_tokens=self.settings.max_tokens,
            stride=self.settings.stride,
            device=self.accelerator.device,
            bf16=self.settings.bf16,
        )

    def run(self, pipe: P, task: TaggerTask | ClassifierTask, n_selection: int) -> None:
        """Train `pipe` in place and fill its card."""
        model = pipe.network.model
        rate = self.settings.learning_rate or default_learning_rate(model.config.hidden_size)
        record = train_model(
            model,
            task,
            self.settings,
            accelerator=self.accelerator,
            learning_rate=rate,
            progress=self.progress,
        )
        pipe.card.update(
            encoder=str(self.encoder),
            learning_rate=rate,
            n_notes=len(self.notes),
            n_selection=n_selection,
            **task.counts,
            train_sha256=corpus_sha256(self.notes),
            **record,
            versions=package_versions(_PACKAGES),
        )

    def write(self, pipe: P) -> P:
        """Write the folder, once however many processes train."""
        pipe.card["seconds"] = round(time.perf_counter() - self.began, 1)
        if self.accelerator.is_main_process:
            save(pipe, self.out)
        self.accelerator.wait_for_everyone()
        return pipe


def _settings(settings: TrainSettings | None, overrides: dict[str, Any]) -> TrainSettings:
    if not overrides:
        return settings or TrainSettings()
    return settings_from(TrainSettings, settings_to(settings or TrainSettings()) | overrides)


def _check_out(out: str | Path) -> Path:
    path = Path(out)
    if path.is_file():
        raise ArgumentError(f"out must be a folder to write, got the file {path}")
    return path


def _check_known(found: Iterable[str], labels: Sequence[str]) -> None:
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise DataError(
            f"labels of dev must be among those of train ({', '.join(labels)}), "
            f"got {', '.join(unknown)}"
        )


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed torch's generators inside the block only: they draw the head and dropout."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def _score_tagger(tagger: EntityTagger, dev: Iterable[Note]) -> Card:
    gold = [
        note.with_(entities=tuple(e for e in note.entities if e.label in tagger.labels))
        for note in dev
    ]
    found = [note for chunk in chunks(gold, 256) for note in tagged(tagger, chunk)]
    scores = score_spans(gold, found)
    return {
        "n_notes": scores.n_notes,
        "match": scores.match,
        "precision": asdict(scores.precision),
        "recall": asdict(scores.recall),
        "f1": asdict(scores.f1),
        "rows": scores.rows(),
    }


def _score_classifier(classifier: NoteClassifier, dev: Iterable[Note]) -> Card:
    notes = [note for note in dev if only_label(note) in classifier.labels]
    gold, found = classified(classifier, notes)
    groups = [note.patient or note.id for note in notes]
    scores = score_labels(gold, found, groups=groups)
    return {
        "n_notes": scores.n,
        "accuracy": asdict(scores.accuracy),
        "macro_f1": asdict(scores.macro_f1),
        "rows": scores.rows(),
    }

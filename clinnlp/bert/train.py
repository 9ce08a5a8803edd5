"""Fine-tuning on annotated notes: a tagger for mentions, a classifier for notes.

The order is the same for both: check that train and dev share nothing, split off a fixed tenth
of train for selection (by patient, or by text where there is no patient), train, keep the best
epoch, score dev once, write the folder.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.classify_task import ClassifierTask, classified
from clinnlp.bert.corpus import (
    entity_labels,
    note_labels,
    only_label,
    read_train,
    split_selection,
)
from clinnlp.bert.job import Job, seeded
from clinnlp.bert.learned import Card
from clinnlp.bert.model import build_classifier, build_tagger
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TrainSettings
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.core.errors import DataError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.metrics.labels import score_labels
from clinnlp.metrics.spans import score_spans

__all__ = ["TrainSettings", "fine_tune_classifier", "fine_tune_ner"]


def fine_tune_ner(
    train: Iterable[Note],
    dev: Iterable[Note] | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: TrainSettings | None = None,
    progress: bool = True,
    resume: bool = False,
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
    resume : bool
        Go on from ``<out>-checkpoint``, which a training that was killed leaves behind; the
        weights become those of an uninterrupted training. Without such a folder, begin.
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
        The encoder cannot be found or read, or the checkpoint is of another training.
    RunError
        The folder cannot be written, or training diverged.

    Examples
    --------
    >>> train = clinnlp.read_notes("CDR_TrainingSet.PubTator.txt")         # doctest: +SKIP
    >>> tagger = fine_tune_ner(train, out="models/drugs", epochs=4)        # doctest: +SKIP
    """
    job = Job(encoder, out, settings, overrides, progress=progress, resume=resume)
    notes = read_train(train, dev)
    labels = entity_labels(notes, job.settings.labels)
    if dev is not None and job.settings.labels is None:
        _check_known((e.label for note in dev for e in note.entities), labels)
    with seeded(job.settings.seed):
        network = job.network(build_tagger, labels)
        tagger = EntityTagger(labels=labels, network=network, settings=job.plain_settings)
        fit, selection = split_selection(notes, job.settings.selection_fraction)
        job.run(tagger, TaggerTask(tagger, fit, selection, job.settings), notes, len(selection))
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
    resume: bool = False,
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
    encoder, out, settings, progress, resume, **overrides
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
    job = Job(encoder, out, settings, overrides, progress=progress, resume=resume)
    notes = read_train(train, dev)
    labels = note_labels(notes, job.settings.labels)
    if dev is not None and job.settings.labels is None:
        _check_known(map(only_label, dev), labels)
    notes = [note for note in notes if note.labels[0] in labels]
    with seeded(job.settings.seed):
        network = job.network(build_classifier, labels)
        model = NoteClassifier(labels=labels, network=network, settings=job.plain_settings)
        fit, selection = split_selection(notes, job.settings.selection_fraction)
        task = ClassifierTask(model, fit, selection, job.settings)
        job.run(model, task, notes, len(selection))
    if dev is not None:
        model.card["dev"] = _score_classifier(model, dev)
    return job.write(model)


def _check_known(found: Iterable[str], labels: Sequence[str]) -> None:
    unknown = sorted(set(found) - set(labels))
    if unknown:
        raise DataError(
            f"labels of dev must be among those of train ({', '.join(labels)}), "
            f"got {', '.join(unknown)}"
        )


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

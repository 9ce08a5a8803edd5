"""Fine-tuning on annotated notes: a tagger for mentions, a classifier for notes.

The order is the same for both: check that train and dev share nothing, split off a fixed tenth
of train for selection (by patient, or by text where there is no patient), train, keep the
last epoch or a better one, score dev once, write the folder.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.classify_task import ClassifierTask, classified, score_several
from clinnlp.bert.corpus import (
    Corpora,
    Notes,
    annotated_labels,
    check_known,
    corpora_of,
    corpus_sha256,
    entity_labels,
    note_labels,
    only_label,
    read_train,
    split_corpora,
    split_selection,
)
from clinnlp.bert.job import Job, seeded
from clinnlp.bert.learned import Card
from clinnlp.bert.model import build_classifier, build_tagger
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.selection import patients_of
from clinnlp.bert.settings import TrainSettings
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.core.checks import check_disjoint, check_reiterable
from clinnlp.core.config import settings_from
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.metrics.labels import score_labels
from clinnlp.metrics.spans import score_spans

__all__ = ["TrainSettings", "fine_tune_classifier", "fine_tune_ner"]


def fine_tune_ner(
    train: Notes,
    dev: Notes | None = None,
    *,
    encoder: str | Path = "minilm",
    out: str | Path,
    settings: TrainSettings | None = None,
    refit: EntityTagger | None = None,
    progress: bool = True,
    resume: bool = False,
    **overrides: Any,
) -> EntityTagger:
    """Train a tagger on notes with entities, and write it to a folder.

    Parameters
    ----------
    train : re-iterable of Note, or mapping of corpus name to such
        Of mentions that overlap the longest is learned, discontinuous ones are left out, both
        counted in the card (``n_dropped``). A corpus of a mapping teaches only the labels it has
        mentions of: where it annotates no genes, nothing is a non-gene there.
    dev : re-iterable of Note, or mapping of corpus name to such, optional
        Scored once, at the end, by strict micro F1; never used to choose anything. A corpus is
        scored on the labels that its namesake in `train` annotates.
    encoder : str or Path
        ``"minilm"`` (embedded), a folder, or a hub id.
    out : str or Path
        Folder to write; replaced where it exists.
    settings : TrainSettings, optional
    refit : EntityTagger, optional
        One that was trained on these notes less its selection tenth: train anew on all of them,
        with its encoder and settings, for as many epochs as were best, and take its calibration
        and least scores, which notes that it did not see have chosen.
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
        With the weights of the last epoch, or of an earlier one that is better beyond chance on
        the selection tenth. There scores are calibrated, and the least score of each label is
        chosen. Its `card` holds counts and scores.

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
    if refit is not None:
        settings, encoder = _settings_of(refit, settings, overrides), refit.card["encoder"]
    job = Job(encoder, out, settings, overrides, progress=progress, resume=resume)
    corpora, dev_corpora = _read_corpora(train, dev)
    everything = [note for notes in corpora.values() for note in notes]
    if refit is not None and refit.card["train_sha256"] != corpus_sha256(everything):
        raise ArgumentError("refit must be a model that was trained on these notes")
    labels = entity_labels(everything, job.settings.labels)
    annotated = annotated_labels(corpora, labels)
    if job.settings.labels is None:
        for name, notes in dev_corpora.items():
            check_known((e.label for n in notes for e in n.entities), annotated[name])
    heads = _heads(job.settings, labels, annotated)
    if refit is not None and tuple(heads) != refit.heads:
        raise ArgumentError("refit must be a model that was trained on these corpora")
    labels = tuple(label for head in heads for label in head)
    with seeded(job.settings.seed):
        network = job.network(build_tagger, heads)
        tagger = EntityTagger(labels=labels, network=network, settings=job.plain_settings)
        fit, selection = split_corpora(corpora, job.settings.selection_fraction)
        task = TaggerTask(tagger, fit, selection, annotated, job.settings)
        job.run(tagger, task, everything, sum(map(len, selection.values())))
    sure = task.confidence() if refit is None else refit
    tagger = replace(tagger, calibration=sure.calibration, thresholds=sure.thresholds)
    scores = {
        name: _score_tagger(tagger, notes, annotated[name]) for name, notes in dev_corpora.items()
    }
    if scores:
        tagger.card["dev"] = scores if isinstance(dev, Mapping) else next(iter(scores.values()))
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

    The best head on the encoder as it is comes first, and with few notes it is hard to beat. With
    ``tune_encoder=True`` all weights are then trained for some epochs. A long note is read in
    overlapping windows that are pooled (``pooling``): in training a few random ones per epoch
    (``windows_per_note``), for the head and in prediction all of them. With
    ``multi_label=True`` a note may have any number of labels; the threshold of each is the best
    on the selection notes.

    Parameters
    ----------
    train : re-iterable of Note
        ``note.labels`` holds exactly one label, or with ``multi_label`` any number.
    dev : re-iterable of Note, optional
        Scored once, at the end, by accuracy and macro F1 (with ``multi_label`` by micro F1);
        never used to choose anything.
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
    several = job.settings.multi_label
    labels = note_labels(notes, job.settings.labels, several=several)
    if dev is not None and job.settings.labels is None:
        check_known((label for note in dev for label in _labels(note, several=several)), labels)
    if not several:
        notes = [note for note in notes if note.labels[0] in labels]
    with seeded(job.settings.seed):
        network = job.network(build_classifier, labels)
        model = NoteClassifier(
            labels=labels,
            network=network,
            settings=job.plain_settings,
            pooling=job.settings.pooling,
            thresholds=dict.fromkeys(labels, 0.5) if several else {},
        )
        selects = several or job.settings.tune_encoder  # the head alone leaves nothing to choose
        fraction = job.settings.selection_fraction if selects else 0.0
        fit, selection = split_selection(notes, fraction)
        task = ClassifierTask(model, fit, selection, job.settings)
        task.begin()
        job.run(model, task, notes, len(selection), trains=job.settings.tune_encoder)
    model = replace(model, thresholds=task.thresholds())
    if dev is not None:
        model.card["dev"] = _score_classifier(model, dev)
    return job.write(model)


def _labels(note: Note, *, several: bool) -> tuple[str, ...]:
    return note.labels if several else (only_label(note),)


def _read_corpora(train: Notes, dev: Notes | None) -> tuple[Corpora, dict[str, Iterable[Note]]]:
    """Return the training notes by corpus once they are fit to train on, and those of dev."""
    ours = corpora_of(train)
    theirs = {} if dev is None else corpora_of(dev)
    unknown = sorted(set(theirs) - set(ours))
    if unknown:
        raise ArgumentError(
            f"corpora of dev must be among those of train ({', '.join(ours)}), "
            f"got {', '.join(unknown)}"
        )
    corpora = {name: read_train(notes, None) for name, notes in ours.items()}
    for notes in theirs.values():
        check_reiterable(notes, name="dev")
        check_disjoint((note for each in corpora.values() for note in each), notes, name="dev")
    return corpora, theirs


def _settings_of(
    refit: EntityTagger, settings: TrainSettings | None, overrides: Mapping[str, Any]
) -> TrainSettings:
    """Return the settings that train as `refit` was trained, on all notes."""
    if settings is not None or overrides:
        raise ArgumentError("refit takes the settings of its model, so none may be given")
    if not refit.card.get("n_selection"):
        raise ArgumentError("refit must be a model that a selection tenth has chosen")
    best = {"epochs": refit.card["best_epoch"], "selection_fraction": 0.0}
    return settings_from(TrainSettings, {**refit.settings, **best})


def _heads(
    settings: TrainSettings, labels: Sequence[str], annotated: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return the labels of each head: those that the same corpora annotate, or one."""
    if settings.heads == "per_label":
        return [(label,) for label in labels]
    together: dict[tuple[str, ...], list[str]] = {}
    for label in labels:
        where = tuple(name for name, known in annotated.items() if label in known)
        together.setdefault(where, []).append(label)
    if settings.heads == "joint" and len(together) > 1:
        raise ArgumentError(
            "heads must be auto or per_label where corpora annotate different labels, got joint"
        )
    return [tuple(head) for head in together.values()]


def _score_tagger(tagger: EntityTagger, dev: Iterable[Note], labels: Sequence[str]) -> Card:
    gold = [
        note.with_(entities=tuple(e for e in note.entities if e.label in labels)) for note in dev
    ]
    found = [note for chunk in chunks(gold, 256) for note in tagged(tagger, chunk, labels)]
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
    if classifier.thresholds:
        return score_several(classifier, list(dev))
    notes = [note for note in dev if only_label(note) in classifier.labels]
    gold, found = classified(classifier, notes)
    scores = score_labels(gold, found, groups=patients_of(notes))
    return {
        "n_notes": scores.n,
        "accuracy": asdict(scores.accuracy),
        "macro_f1": asdict(scores.macro_f1),
        "rows": scores.rows(),
    }

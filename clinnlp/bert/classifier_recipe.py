"""How a classifier is trained on notes with labels: labels, head, task, thresholds and score."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from clinnlp.bert.classify import NoteClassifier
from clinnlp.bert.classify_task import ClassifierTask
from clinnlp.bert.corpus import note_labels, only_label, read_train, split_selection, unseen_labels
from clinnlp.bert.job import Job
from clinnlp.bert.learned import Card, familiar_with
from clinnlp.bert.model import build_classifier
from clinnlp.bert.selection import patients_of
from clinnlp.bert.settings import ClassifierSettings
from clinnlp.core.config import settings_to
from clinnlp.core.notes import Note
from clinnlp.metrics.labels import score_label_sets, score_labels

__all__ = ["ClassifierRecipe"]


class ClassifierRecipe:
    """A `clinnlp.bert.job.Recipe`; parameters and errors as of `fine_tune_classifier`.

    With `selects` notes are set aside also where the head alone is learned, to score it.
    """

    reads_annotations = True

    def __init__(
        self,
        train: Iterable[Note],
        dev: Iterable[Note] | None,
        settings: ClassifierSettings,
        *,
        selects: bool = False,
    ) -> None:
        self._dev, self._settings = dev, settings
        notes, several = read_train(train, dev), settings.multi_label
        self.labels = note_labels(notes, settings.labels, several=several)
        self._unseen: tuple[str, ...] = ()
        if dev is not None and settings.labels is None:
            self._unseen = _unseen(dev, self.labels, settings)
        self.notes: Sequence[Note] = notes
        if not several:
            self.notes = [note for note in notes if note.labels[0] in self.labels]
        self.trains = settings.tune_encoder
        selects = selects or several or self.trains  # the head alone leaves nothing to choose
        fraction = settings.selection_fraction if selects else 0.0
        self._fit, self._selection = split_selection(self.notes, fraction)
        self.n_selection = len(self._selection)

    def untrained(self, job: Job[Any]) -> NoteClassifier:
        """Return a classifier with a new head."""
        settings = self._settings
        network = job.network(partial(build_classifier, labels=self.labels), stride=settings.stride)
        return NoteClassifier(
            labels=self.labels,
            network=network,
            settings=settings_to(settings),
            pooling=settings.pooling,
            thresholds=dict.fromkeys(self.labels, 0.5) if settings.multi_label else {},
        )

    def prepared(self, pipe: NoteClassifier) -> ClassifierTask:
        """Return the task of teaching it the labels, before anything is learned."""
        return ClassifierTask(pipe, self._fit, self._selection, self._settings)

    def task(self, pipe: NoteClassifier) -> ClassifierTask:
        """Return the task of teaching it the labels; its head is then the best on the encoder."""
        task = self.prepared(pipe)
        task.begin()
        return task

    def finish(self, pipe: NoteClassifier, task: ClassifierTask) -> NoteClassifier:
        """Return the classifier with the threshold of each label, where a note may have several."""
        familiar = familiar_with(pipe.network, self.notes)
        return replace(pipe, thresholds=task.thresholds(), familiar=familiar)

    def score(self, pipe: NoteClassifier) -> Card | None:
        """Return accuracy and macro F1 on dev, or micro F1 where a note may have several labels."""
        if self._dev is None:
            return None
        score = _scores_of_sets if pipe.thresholds else _scores
        return {**score(pipe, self._dev, self._unseen), "unseen": list(self._unseen)}


def _unseen(
    dev: Iterable[Note], labels: Sequence[str], settings: ClassifierSettings
) -> tuple[str, ...]:
    each = (note.labels if settings.multi_label else (only_label(note),) for note in dev)
    found = (label for own in each for label in own)
    return unseen_labels(found, labels, strict=settings.strict_labels)


def _scores(classifier: NoteClassifier, dev: Iterable[Note], unseen: Sequence[str]) -> Card:
    known = {*classifier.labels, *unseen}
    notes = [note for note in dev if only_label(note) in known]
    found = classifier.batch([note.with_(labels=()) for note in notes])
    gold, predicted = ([note.labels[0] for note in each] for each in (notes, found))
    scores = score_labels(gold, predicted, groups=patients_of(notes))
    return {
        "n_notes": scores.n,
        "accuracy": asdict(scores.accuracy),
        "macro_f1": asdict(scores.macro_f1),
        "rows": scores.rows(),
    }


def _scores_of_sets(classifier: NoteClassifier, dev: Iterable[Note], unseen: Sequence[str]) -> Card:
    notes = list(dev)
    found = classifier.batch(notes)
    gold, predicted = ([note.labels for note in each] for each in (notes, found))
    scores = score_label_sets(
        gold,
        predicted,
        (*classifier.labels, *unseen),
        groups=patients_of(notes),
        unit="note or patient",
    )
    rows = [
        {
            "label": name,
            "threshold": classifier.thresholds.get(name),
            "n_gold": counts.tp + counts.fn,
            "n_predicted": counts.tp + counts.fp,
            "n_right": counts.tp,
        }
        for name, counts in scores.per_label.items()
    ]
    return {"n_notes": scores.n, "micro_f1": asdict(scores.micro_f1), "rows": rows}

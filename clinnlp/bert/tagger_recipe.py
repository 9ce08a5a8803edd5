"""How a tagger is trained on notes with entities: labels, heads, task, calibration and score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields, replace
from functools import partial
from typing import Any

from clinnlp.bert.consistency import USUAL
from clinnlp.bert.corpus import (
    Corpora,
    TrainingSource,
    annotated_labels,
    corpora_of,
    entity_labels,
    read_corpora,
    split_corpora,
    unseen_labels,
)
from clinnlp.bert.job import Job
from clinnlp.bert.known_names import Names, learn_names
from clinnlp.bert.learned import Card, blocks, familiar_with
from clinnlp.bert.model import build_tagger
from clinnlp.bert.network import Network
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.selection import patients_of
from clinnlp.bert.settings import ClassifierSettings, TaggerSettings
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.core.config import settings_from, settings_to
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.metrics.spans import score_spans

__all__ = ["TaggerRecipe", "heads_by_corpus", "settings_of_refit"]


class TaggerRecipe:
    """A `clinnlp.bert.job.Recipe`; parameters and errors as of `fine_tune_ner`."""

    reads_annotations = True
    trains = True

    def __init__(
        self,
        train: TrainingSource,
        dev: TrainingSource | None,
        settings: TaggerSettings,
        refit: EntityTagger | None,
    ) -> None:
        self._settings, self._refit = settings, refit
        corpora, self._dev = _read_corpora(train, dev)
        self._dev_is_named = isinstance(dev, Mapping)
        self.notes: Sequence[Note] = [note for notes in corpora.values() for note in notes]
        if refit is not None and not _are_as_many(self.notes, refit.card):
            raise ArgumentError("refit must be a model that was trained on these notes")
        labels = entity_labels(self.notes, settings.labels)
        self._annotated = annotated_labels(corpora, labels)
        self._unseen = {} if settings.labels else _unseen(self._dev, self._annotated, settings)
        self._heads = _heads(settings, labels, self._annotated)
        if refit is not None and tuple(self._heads) != refit.heads:
            raise ArgumentError("refit must be a model that was trained on these corpora")
        self.labels = tuple(label for head in self._heads for label in head)
        self._fit, self._selection = split_corpora(corpora, settings.selection_fraction)
        self.n_selection = sum(map(len, self._selection.values()))

    def untrained(self, job: Job[Any]) -> EntityTagger:
        """Return a tagger with new heads."""
        settings = self._settings
        network = job.network(partial(build_tagger, heads=self._heads), stride=settings.stride)
        return EntityTagger(
            names=self._names(network) if settings.consistency else {},
            labels=self.labels,
            network=network,
            settings=settings_to(settings),
            consistency=USUAL if settings.consistency else (),
        )

    def _names(self, network: Network) -> Names:
        """Return the names that the notes to learn from mark; those for selection stay unknown."""
        notes = [note for each in self._fit.values() for note in each]
        texts = (
            text for block in blocks(notes) for text in network.tokenise([n.text for n in block])
        )
        least = self._settings.known_names
        return learn_names(notes, texts, patients_of(notes), labels=self.labels, least=least)

    def prepared(self, pipe: EntityTagger) -> TaggerTask:
        """Return the task of teaching it the words' tags, before anything is learned."""
        return TaggerTask(pipe, self._fit, self._selection, self._annotated, self._settings)

    def task(self, pipe: EntityTagger) -> TaggerTask:
        """Return the task of teaching it the words' tags."""
        return self.prepared(pipe)

    def finish(self, pipe: EntityTagger, task: TaggerTask) -> EntityTagger:
        """Return the tagger with what was fitted on the selection notes."""
        sure = task.confidence() if self._refit is None else self._refit
        return replace(
            pipe,
            calibration=sure.calibration,
            thresholds=sure.thresholds,
            consistency=sure.consistency,
            familiar=familiar_with(pipe.network, self.notes),
        )

    def score(self, pipe: EntityTagger) -> Card | None:
        """Return strict scores on dev; by corpus where the corpora of dev have names."""
        scores = {
            name: _scores(pipe, notes, self._annotated[name], self._unseen.get(name, ()))
            for name, notes in self._dev.items()
        }
        return scores if self._dev_is_named else next(iter(scores.values()), None)


def settings_of_refit(
    refit: EntityTagger, settings: TaggerSettings | None, overrides: Mapping[str, Any]
) -> TaggerSettings:
    """Return the settings that train as `refit` was trained, on all notes.

    Models of older versions hold the fields of the classifier too, which said nothing.
    """
    if settings is not None or overrides:
        raise ArgumentError("refit takes the settings of its model, so none may be given")
    if not refit.card.get("n_selection") or not isinstance(refit.card.get("encoder"), str):
        raise ArgumentError("refit must be a model that a selection tenth has chosen")
    ours, others = ({f.name for f in fields(k)} for k in (TaggerSettings, ClassifierSettings))
    own = {name: value for name, value in refit.settings.items() if name not in others - ours}
    best = {"epochs": refit.card.get("best_epoch"), "selection_fraction": 0.0}
    return settings_from(TaggerSettings, {**own, **best})


def _read_corpora(
    train: TrainingSource, dev: TrainingSource | None
) -> tuple[Corpora, dict[str, Iterable[Note]]]:
    """Return the training notes by corpus once they are fit to train on, and those of dev."""
    unknown = sorted(set() if dev is None else set(corpora_of(dev)) - set(corpora_of(train)))
    if unknown:
        raise ArgumentError(
            f"corpora of dev must be among those of train ({', '.join(corpora_of(train))}), "
            f"got {', '.join(unknown)}"
        )
    return read_corpora(train, dev)


def _unseen(
    dev: Mapping[str, Iterable[Note]],
    annotated: Mapping[str, Sequence[str]],
    settings: TaggerSettings,
) -> dict[str, tuple[str, ...]]:
    """Return the labels of each corpus of dev that its namesake in train has not."""
    return {
        name: unseen_labels(
            (e.label for n in notes for e in n.entities),
            annotated[name],
            strict=settings.strict_labels,
        )
        for name, notes in dev.items()
    }


def _are_as_many(notes: Sequence[Note], card: Card) -> bool:
    """Return whether a card tells of as many notes and characters.

    It holds no hash of the notes: with one, whoever knows all notes but one could test whether
    that one is among them.
    """
    n_characters = sum(len(note.text) for note in notes)
    return (
        card.get("n_notes") == len(notes)
        and card.get("n_characters", n_characters) == n_characters  # older cards do not say
    )


def heads_by_corpus(
    labels: Sequence[str], annotated: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return the labels of each head: those that the same corpora annotate.

    Examples
    --------
    >>> heads_by_corpus(["Dose", "Drug", "Gene"], {"notes": ["Drug", "Dose"], "papers": ["Gene"]})
    [('Dose', 'Drug'), ('Gene',)]
    """
    together: dict[tuple[str, ...], list[str]] = {}
    for label in labels:
        where = tuple(name for name, known in annotated.items() if label in known)
        together.setdefault(where, []).append(label)
    return [tuple(head) for head in together.values()]


def _heads(
    settings: TaggerSettings, labels: Sequence[str], annotated: Mapping[str, Sequence[str]]
) -> list[tuple[str, ...]]:
    """Return the labels of each head: those that the same corpora annotate, or one."""
    if settings.heads == "per_label":
        return [(label,) for label in labels]
    heads = heads_by_corpus(labels, annotated)
    if settings.heads == "joint" and len(heads) > 1:
        raise ArgumentError(
            "heads must be auto or per_label where corpora annotate different labels, got joint"
        )
    return heads


def _scores(
    tagger: EntityTagger, dev: Iterable[Note], annotated: Sequence[str], unseen: Sequence[str]
) -> Card:
    """Return the scores of the annotated labels, and of those that train had not."""
    labels = (*annotated, *unseen)
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
        "unseen": list(unseen),
        "rows": scores.rows(),
    }

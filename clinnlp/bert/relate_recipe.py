"""How a model of relations is trained: kinds, pairs, markers, task, calibration and score."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from typing import Any

from clinnlp.bert.corpus import TrainingSource, read_corpora, split_corpora, unseen_labels
from clinnlp.bert.job import Job
from clinnlp.bert.learned import Card
from clinnlp.bert.markers import add_markers
from clinnlp.bert.model import build_classifier
from clinnlp.bert.relate import RelationExtractor
from clinnlp.bert.relate_task import RelateTask
from clinnlp.bert.relation_kinds import Kinds, learn_kinds
from clinnlp.bert.relation_pairs import Ends, Search, Within
from clinnlp.bert.relation_record import output_names
from clinnlp.bert.settings import RelationSettings
from clinnlp.core.config import settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.metrics.relations import compare_relations, score_relations

__all__ = ["RelationRecipe"]

_REACH = {"sentence": 500, "document": 4000}  # of 4,021 pairs of DDI-2013, 26 are farther apart


class RelationRecipe:
    """A `clinnlp.bert.job.Recipe`; parameters and errors as of `fine_tune_relations`."""

    reads_annotations = True
    trains = True

    def __init__(
        self,
        train: TrainingSource,
        dev: TrainingSource | None,
        settings: RelationSettings,
    ) -> None:
        self._settings = settings
        corpora, self._dev = read_corpora(train, dev)
        self._dev_is_named = isinstance(dev, Mapping)
        self.notes: Sequence[Note] = [note for notes in corpora.values() for note in notes]
        self._kinds = learn_kinds(
            corpora, labels=settings.labels, roles=settings.roles, undirected=settings.undirected
        )
        self.labels = self._kinds.labels
        self._annotated = _annotated(corpora, self.labels)
        self._unseen = {
            name: unseen_labels(
                (r.label for note in notes for r in note.relations if r.label),
                self.labels,
                strict=settings.strict_labels,
            )
            for name, notes in ({} if settings.labels else self._dev).items()
        }
        ends = settings.ends if settings.ends != "auto" else _ends(self.notes)
        usual: Within = "sentence" if ends == "mentions" else "document"
        within = settings.within if settings.within != "auto" else usual
        self._search = Search(
            allowed=frozenset(self._kinds.allowed),
            ends=ends,
            within=within,
            reach=settings.reach or _REACH[within],
        )
        self._fit, self._selection = split_corpora(corpora, settings.selection_fraction)
        self.n_selection = sum(map(len, self._selection.values()))

    @property
    def asked(self) -> tuple[Kinds, Search]:
        """What relations are learned, and which pairs are asked about."""
        return self._kinds, self._search

    def untrained(self, job: Job[Any]) -> RelationExtractor:
        """Return a model with markers and a new head."""
        settings = self._settings
        outputs = output_names(self._kinds.kinds)
        network = job.network(partial(build_classifier, labels=outputs), stride=settings.stride)
        if settings.reading == "appended" and network.model.config.model_type != "bert":
            raise ArgumentError(
                "reading must be inserted or hidden for an encoder that is no BERT, got appended "
                f"for a {network.model.config.model_type}"
            )
        add_markers(network, self._kinds.end_labels)
        return RelationExtractor(
            labels=self.labels,
            network=network,
            settings=settings_to(settings),
            kinds=self._kinds,
            search=self._search,
            reading=settings.reading,
        )

    def prepared(self, pipe: RelationExtractor) -> RelateTask:
        """Return the task of teaching it the pairs, before anything is learned."""
        return RelateTask(pipe, self._fit, self._selection, self._annotated, self._settings)

    def task(self, pipe: RelationExtractor) -> RelateTask:
        """Return the task of teaching it the pairs."""
        return self.prepared(pipe)

    def finish(self, pipe: RelationExtractor, task: RelateTask) -> RelationExtractor:
        """Return the model with what was fitted on the selection notes."""
        calibration, thresholds = task.confidence()
        return replace(pipe, calibration=calibration, thresholds=thresholds)

    def score(self, pipe: RelationExtractor) -> Card | None:
        """Return scores on dev beside those of the baselines; by corpus where those have names."""
        scores = {name: self._scores(pipe, name, notes) for name, notes in self._dev.items()}
        return scores if self._dev_is_named else next(iter(scores.values()), None)

    def _scores(self, pipe: RelationExtractor, name: str, dev: Iterable[Note]) -> Card:
        labels = (*self._annotated.get(name, self.labels), *self._unseen.get(name, ()))
        notes = list(dev)
        gold = [self._kinds.as_pairs(note, labels=labels) for note in notes]
        bare = [note.with_(relations=()) for note in notes]
        found = [self._kinds.as_pairs(note, labels=labels) for note in pipe.batch(bare)]
        card = _card(gold, found, self._kinds.undirected)
        card["unseen"] = list(self._unseen.get(name, ()))
        card["n_cut"] = sum(map(pipe.n_cut, notes))
        if self._settings.baselines and any(note.relations for note in gold):
            card["baselines"] = self._baselines(gold, found)
        return card

    def _baselines(self, gold: Sequence[Note], found: Sequence[Note]) -> dict[str, Card]:
        """Return the scores of each baseline, and how much better the model is."""
        from clinnlp.bert.relation_baselines import baselines

        fit = [note for notes in self._fit.values() for note in notes]
        out: dict[str, Card] = {}
        for name, theirs in baselines(fit, gold, self._kinds, self._search).items():
            undirected = self._kinds.undirected
            less = compare_relations(gold, found, theirs, undirected=undirected)
            out[name] = _card(gold, theirs, undirected) | {
                "difference": asdict(less.difference), "p": less.p
            }  # fmt: skip
        return out


def _card(gold: Sequence[Note], found: Sequence[Note], undirected: Sequence[str]) -> dict[str, Any]:
    if not any(note.relations for note in (*gold, *found)):
        return {"n_notes": len(gold), "rows": []}
    strict = score_relations(gold, found, undirected=undirected)
    any_label = score_relations(gold, found, undirected=undirected, typed=False)
    rows = [
        {
            "label": name,
            "n_gold": counts.tp + counts.fn,
            "n_predicted": counts.tp + counts.fp,
            "n_right": counts.tp,
        }
        for name, counts in strict.per_label.items()
    ]
    return {
        "n_notes": len(gold),
        "precision": asdict(strict.precision),
        "recall": asdict(strict.recall),
        "f1": asdict(strict.f1),
        "detection_f1": asdict(any_label.f1),
        "rows": rows,
    }


def _annotated(
    corpora: Mapping[str, Iterable[Note]], labels: Sequence[str]
) -> dict[str, tuple[str, ...]]:
    """Return which of the labels each corpus annotates: those it has a relation of.

    Raises
    ------
    DataError
        A corpus has none of them.
    """
    out = {}
    for name, notes in corpora.items():
        found = {relation.label for note in notes for relation in note.relations}
        out[name] = tuple(label for label in labels if label in found)
        if not out[name]:
            raise DataError(f"corpus {name} must have a relation of the labels to learn, got none")
    return out


def _ends(notes: Iterable[Note]) -> Ends:
    """Return what the relations of notes join, more often than not."""
    votes = 0
    for note in notes:
        mentions = {entity.id for entity in note.entities}
        for relation in note.relations:
            inside = all(end in mentions for ends in relation.roles.values() for end in ends)
            votes += 1 if inside else -1
    return "mentions" if votes >= 0 else "concepts"

"""The two trainings of the model in the box: of abstracts, then of abstracts and notes.

The clinical training goes on from the biomedical one with one more head. Its notes are read beside
the abstracts, so that what was learned of them stays, and on wish beside notes with silver labels.
A tenth of the annotated notes and abstracts are left out of it: on these scores are calibrated and
the least score of each label is chosen.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clinnlp.bert.corpus import Corpora, annotated_labels, entity_labels
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.settings import TaggerSettings
from clinnlp.bert.tagger_recipe import heads_by_corpus
from clinnlp.bert.tasks import TaggerTask, tagged
from clinnlp.bert.train import fine_tune_ner
from clinnlp.core.notes import Note
from corpora.annotated.form import LABELS
from corpora.release.data import NOTES, Data
from corpora.release.start import write_start

__all__ = ["RUN", "Recipe", "finish", "silver_notes", "train_abstracts", "train_notes"]


RUN = 8  # words of a training note that no file may hold
_ABSTRACTS = TaggerSettings(tokens_per_batch=2048, epochs=8, known_names=1)
_CLINICAL = TaggerSettings(epochs=3, selection_fraction=0.0, known_names=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How the model in the box is trained; what was measured for it stands in its card.

    Parameters
    ----------
    encoder : str or Path
        That the biomedical training begins with.
    abstracts, clinical : TaggerSettings
    times : int
        How often an epoch reads each annotated note.
    share : float
        Of the abstracts that an epoch of the clinical training reads.
    n_silver : int
        Notes with silver labels; 0 for none.
    """

    encoder: str | Path = "minilm"
    abstracts: TaggerSettings = _ABSTRACTS
    clinical: TaggerSettings = _CLINICAL
    times: int = 1
    share: float = 1.0
    n_silver: int = 0


def train_abstracts(data: Data, out: Path, recipe: Recipe) -> EntityTagger:
    """Return the biomedical model alone: a head for each corpus of abstracts."""
    return fine_tune_ner(data.abstracts, encoder=recipe.encoder, out=out, settings=recipe.abstracts)


def train_notes(
    data: Data, start: EntityTagger, out: Path, recipe: Recipe, *, silver: Sequence[Note] = ()
) -> EntityTagger:
    """Return the model of all heads, calibrated on the notes and abstracts it was not taught.

    Parameters
    ----------
    data : Data
    start : EntityTagger
        The biomedical model.
    out : Path
        Folder of the training; the start stands beside it.
    recipe : Recipe
    silver : sequence of Note
        Notes with silver labels.
    """
    fit, held = data.split_notes()
    corpora = _corpora(data, fit, recipe, silver)
    labels = entity_labels([n for each in corpora.values() for n in each], None)
    heads = heads_by_corpus(labels, annotated_labels(corpora, labels))
    folder = out.with_name(f"{out.name}-start")
    write_start(start, heads, folder, seed=recipe.clinical.seed)
    tagger = fine_tune_ner(corpora, encoder=folder, out=out, settings=recipe.clinical)
    return finish(data, tagger, start, held)


def finish(
    data: Data, tagger: EntityTagger, start: EntityTagger, held: Sequence[Note]
) -> EntityTagger:
    """Return the tagger with the names it may keep, calibrated on what it was not taught.

    Names of abstracts are those of the biomedical training, since this one saw a share of them
    alone. Names of `RUN` words and more never come again, and would be text of a note.
    """
    names = {
        label: {
            name: n for name, n in known.items() if len(re.findall(r"[a-z]+", name.lower())) < RUN
        }
        for label, known in {**tagger.names, **start.names}.items()
    }
    return _calibrated(data, replace(tagger, names=names), held)


def _corpora(data: Data, notes: Sequence[Note], recipe: Recipe, silver: Sequence[Note]) -> Corpora:
    """Return what an epoch of the clinical training reads."""
    abstracts, _ = data.split_abstracts()
    kept = {name: each[: round(recipe.share * len(each))] for name, each in abstracts.items()}
    return {name: each for name, each in kept.items() if each} | {
        NOTES: [*list(notes) * recipe.times, *data.named, *silver]
    }


def _calibrated(data: Data, tagger: EntityTagger, held: Sequence[Note]) -> EntityTagger:
    """Return the tagger with what the notes that were held out say of its scores."""
    _, aside = data.split_abstracts()
    selection = {name: notes for name, notes in aside.items() if notes} | {NOTES: list(held)}
    labels = annotated_labels({**data.abstracts, NOTES: data.notes}, tagger.labels)
    few = {name: notes[:1] for name, notes in selection.items()}
    sure = TaggerTask(tagger, few, selection, labels, TaggerSettings()).confidence()
    return replace(
        tagger,
        calibration=sure.calibration,
        thresholds=sure.thresholds,
        consistency=sure.consistency,
    )


def silver_notes(teacher: EntityTagger, notes: Sequence[Note]) -> list[Note]:
    """Return the notes with the clinical mentions that a teacher gives them."""
    return tagged(teacher, notes, LABELS)

"""A training as a trial: what a search of settings starts from, and what one choice of them gives.

A trial is trained as `clinnlp.bert.train` trains, by the same recipe on the same notes, and scored
on the selection notes, which are a part of *train*. No function here takes notes of dev.
"""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.bert.classifier_recipe import ClassifierRecipe
from clinnlp.bert.corpus import TrainingSource, read_corpora
from clinnlp.bert.job import Job, Start, TrialRecipe, Tried
from clinnlp.bert.loop import DivergedError, GoesOn
from clinnlp.bert.settings import ClassifierSettings, LoopSettings, TaggerSettings
from clinnlp.bert.tagger_recipe import TaggerRecipe
from clinnlp.core.errors import ArgumentError, DataError

__all__ = ["TRIAL", "forget_trial", "start_of", "training_notes", "try_settings"]

TRIAL = "trial"  # the name of a training in the folder of a search


class _Kind(NamedTuple):
    """What trains one kind of model, and by which recipe."""

    settings: type[Any]
    recipe: Callable[[TrainingSource, Any], TrialRecipe[Any, Any]]


def _tagger(train: TrainingSource, settings: TaggerSettings) -> TrialRecipe[Any, Any]:
    return TaggerRecipe(train, None, settings, None)


def _classifier(train: Any, settings: ClassifierSettings) -> TrialRecipe[Any, Any]:
    return ClassifierRecipe(train, None, settings, selects=True)


_KINDS = {
    "ner": _Kind(TaggerSettings, _tagger),
    "classifier": _Kind(ClassifierSettings, _classifier),
}


def training_notes(train: TrainingSource, dev: TrainingSource | None) -> TrainingSource:
    """Return the training notes, read once; of `dev` only ids and texts are looked at.

    Raises
    ------
    ArgumentError
        `train` or `dev` is a one-shot iterator.
    DataError
        There is no training note, or one has offsets past its text.
    LeakageError
        A note of `dev` stands in `train`, by id or by text.
    """
    kept, _ = read_corpora(train, dev)
    return kept if isinstance(train, Mapping) else next(iter(kept.values()))


def start_of(
    kind: str,
    train: TrainingSource,
    settings: LoopSettings | None,
    overrides: Mapping[str, Any],
    *,
    encoder: str | Path,
    folder: Path,
) -> Start[Any]:
    """Return where a search in `folder` starts.

    Raises
    ------
    ArgumentError, DataError
        Unusable settings or notes, or no notes for selection.
    StoreError
        The encoder cannot be found or read.
    """
    job = _job(kind, settings, overrides, encoder=encoder, folder=folder, progress=False)
    if not job.settings.selection_fraction:
        raise ArgumentError("selection_fraction must be above 0 to compare settings, got 0")
    start = job.start(_KINDS[kind].recipe(train, job.settings))
    if not start.n_selection:
        raise DataError("train must hold notes of at least two patients or texts, got one")
    return start


def try_settings(
    kind: str,
    train: TrainingSource,
    settings: LoopSettings,
    *,
    encoder: str | Path,
    folder: Path,
    progress: bool,
    goes_on: GoesOn,
) -> Tried:
    """Return the selection score that settings give; a trial that was killed goes on.

    Raises
    ------
    RunError
        The machine failed.
    StoreError
        The checkpoint is damaged, or of another training.
    """
    job = _job(kind, settings, {}, encoder=encoder, folder=folder, progress=progress)
    try:
        return job.try_out(_KINDS[kind].recipe(train, job.settings), goes_on)
    except DivergedError:
        forget_trial(folder)
        return Tried(None, 0)


def forget_trial(folder: Path) -> None:
    """Remove the checkpoint of a trial that is not gone on with."""
    shutil.rmtree(folder / f"{TRIAL}-checkpoint", ignore_errors=True)


def _job(
    kind: str,
    settings: LoopSettings | None,
    overrides: Mapping[str, Any],
    *,
    encoder: str | Path,
    folder: Path,
    progress: bool,
) -> Job[Any]:
    return Job(
        _KINDS[kind].settings,
        settings,
        overrides,
        encoder=encoder,
        out=folder / TRIAL,
        progress=progress,
        resume=True,
    )

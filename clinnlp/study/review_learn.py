"""Learn from what was judged: fine-tune, and compare with what suggests now on notes held out.

A fixed fifth of the notes, drawn by patient (by text where there is none), is never learned from,
however often a project learns. On those of them that are judged the new model stands beside the
present suggestions: strict micro F1 of both, and their difference with an interval by document.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError, ClinnlpError
from clinnlp.core.files import tree_sha256
from clinnlp.core.locks import FileLock
from clinnlp.core.notes import Note
from clinnlp.core.vocab import fold
from clinnlp.metrics.mentions import compare_spans
from clinnlp.metrics.spans import score_spans
from clinnlp.review.corpus import judged_notes
from clinnlp.review.database import Database
from clinnlp.review.forms import text_sha256
from clinnlp.review.planted import chance
from clinnlp.review.projects import Project, concept_ids, find_project, suggested_notes
from clinnlp.review.runs import Run, find_run, keep_suggestions, set_run
from clinnlp.study.review_project import uncertain_first

__all__ = ["check_learnable", "is_held_out", "is_learning", "learn", "run_folder"]

_HELD_OUT = 0.2
_FEWEST, _FEWEST_HELD_OUT = 5, 2  # notes
_EVERY_S = 0.5  # between two words of how far it is
_N_BOOT = 2000


def is_held_out(note: Note, seed: int) -> bool:
    """Return whether a note is one of the fifth that is never learned from."""
    return chance(seed, "held out", note.patient or text_sha256(note.text)) < _HELD_OUT


def check_learnable(database: Database, project: Project) -> tuple[list[Note], list[Note]]:
    """Return the judged notes to learn from, and those held out.

    Raises
    ------
    ArgumentError
        There are too few.
    """
    judged = judged_notes(database, project).notes
    seed = project.rules.seed
    train = [note for note in judged if not is_held_out(note, seed) and note.entities]
    texts = {note.text for note in train}
    kept = [note for note in judged if is_held_out(note, seed) and note.text not in texts]
    if len(train) < _FEWEST or len(kept) < _FEWEST_HELD_OUT:
        raise ArgumentError(
            f"learning needs {_FEWEST} judged notes with mentions and {_FEWEST_HELD_OUT} of those "
            f"held out, got {len(train)} and {len(kept)}; judge more"
        )
    return train, kept


def run_folder(database: Database, run: int) -> Path:
    """Return the folder of the model of a run."""
    return database.folder / f"run-{run}"


def is_learning(database: Database, run: int) -> bool:
    """Return whether a process learns a run now."""
    lock = _lock(database, run)
    with suppress(ClinnlpError), lock:
        return not lock.is_held
    return True


def learn(
    database: Database,
    run: int,
    *,
    encoder: str | Path = "minilm",
    overrides: Mapping[str, Any] | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> Run:
    """Learn a run to its end, or go on with one that was stopped.

    Parameters
    ----------
    database : Database
    run : int
    encoder : str or Path
        As for `clinnlp.fine_tune_ner`.
    overrides : mapping, optional
        Fields of `TaggerSettings`.
    say : callable
        Takes a line of how far it is.

    Raises
    ------
    ArgumentError
        No such run, one that is over, or too few notes.
    RunError
        Another process learns it.
    """
    with _lock(database, run):
        with database.writing() as connection:
            found = find_run(connection, run)
            if found is None or found.state not in ("waiting", "stopped", "running"):
                raise ArgumentError("a run must wait or be stopped to be learned, got another")
            set_run(connection, run, state="running")
            project = find_project(connection, found.project)
        assert project is not None  # a foreign key holds it
        try:
            result = _learned(database, project, found, encoder, dict(overrides or {}), say)
        except BaseException as error:
            _stop(database, run, error)
            raise
        with database.writing() as connection:
            set_run(connection, run, state="done", result=result)
            return find_run(connection, run) or found


def _lock(database: Database, run: int) -> FileLock:
    path = run_folder(database, run).with_suffix(".lock")
    return FileLock(path, what=f"run {run}", doing="learning", warn=False)


def _stop(database: Database, run: int, error: BaseException) -> None:
    """Write why a run ended: where a person or the system ended it, it can go on."""
    failed = isinstance(error, Exception)
    why = str(error) if isinstance(error, ClinnlpError) else type(error).__name__
    with database.writing() as connection:
        values: dict[str, Any] = {"state": "failed" if failed else "stopped"}
        set_run(connection, run, **values, **({"result": {"why": why}} if failed else {}))


def _learned(
    database: Database,
    project: Project,
    run: Run,
    encoder: str | Path,
    overrides: dict[str, Any],
    say: Callable[[str], None],
) -> dict[str, Any]:
    from clinnlp.bert.train import fine_tune_ner

    train, kept = check_learnable(database, project)
    folder = run_folder(database, run.id)
    say(f"learning from {len(train)} notes")
    tagger = fine_tune_ner(
        train, encoder=encoder, out=folder, progress=_Told(database, run.id), **overrides
    )
    say(f"reading all notes, and comparing on {len(kept)} that are held out")
    every = suggested_notes(database, project)
    new = list(_suggest(database, project, tagger, every))
    order = _order(database, project, tagger, every)
    with database.writing() as connection:
        keep_suggestions(connection, run, new, order=order)
    ids = {note.id for note in kept}
    old_kept = [_on_same(note) for note in every if note.id in ids]
    new_kept = [_on_same(note) for note in new if note.id in ids]
    gold = sorted(map(_on_same, kept), key=lambda note: note.id)
    old_kept.sort(key=lambda note: note.id)
    new_kept.sort(key=lambda note: note.id)
    gap = compare_spans(gold, new_kept, old_kept, n_boot=_N_BOOT)
    return {
        "n_notes": len(train),
        "n_held_out": len(kept),
        "old": _est(score_spans(gold, old_kept, n_boot=_N_BOOT).f1),
        "new": _est(score_spans(gold, new_kept, n_boot=_N_BOOT).f1),
        "difference": _est(gap.difference),
        "p": gap.p,
        "model": tree_sha256(folder),
    }


def _suggest(database: Database, project: Project, tagger: Any, notes: list[Note]) -> Any:
    """Yield what the new model finds, with assertion, and concepts by their names."""
    from clinnlp.study.pipeline import pipeline

    names = concept_ids(database, project)
    bare = (note.with_(entities=(), relations=(), labels=()) for note in notes)
    for note in pipeline(tagger).stream(bare):
        entities = []
        for entity in note.entities:
            code = names.get(fold(note.mention(entity)))
            found = entity.concepts or ((code,) if code else ())
            entities.append(replace(entity, concepts=found))
        yield note.with_(entities=tuple(entities))


def _order(database: Database, project: Project, tagger: Any, notes: list[Note]) -> list[str]:
    """Return the notes that are not judged as the new model asks for them, where that is wanted."""
    if not project.rules.uncertain_first:
        return []
    judged = judged_notes(database, project).notes
    ids = {note.id for note in judged}
    left = [note for note in notes if note.id not in ids]
    return [note.id for note in uncertain_first(left, tagger, judged=judged)]


def _on_same(note: Note) -> Note:
    return Note(id=note.id, text=note.text, entities=note.entities)


def _est(estimate: Estimate) -> dict[str, float]:
    return {name: asdict(estimate)[name] for name in ("value", "low", "high")}


class _Told:
    """Writes how far a training is, twice a second at most."""

    def __init__(self, database: Database, run: int) -> None:
        self._database, self._run, self._last = database, run, 0.0

    def __call__(self, done: int, total: int) -> None:
        if time.monotonic() - self._last < _EVERY_S and done < total:
            return
        self._last = time.monotonic()
        with self._database.writing() as connection:
            set_run(connection, self._run, done=done, total=total)

"""Training from files: which notes teach and which score, what is refit, and what came of it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from clinnlp.bert.corpus import TrainingSource, drop_overlap
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.store import load
from clinnlp.core.counts import Estimate
from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import Notes, read_notes
from clinnlp.text.sentences import Sentences

__all__ = ["TrainingNotes", "check_refit", "dev_scores", "load_tagger", "read_training"]


class TrainingNotes(NamedTuple):
    """Notes to train on and to score; of several training files, by the path of each."""

    train: TrainingSource
    dev: TrainingSource | None
    sources: tuple[Notes, ...] = ()  # as they are read: what was left out stands there


def read_training(
    task: str,
    train: Sequence[str],
    dev: Sequence[str],
    *,
    drop: bool = False,
    **reading: Any,
) -> TrainingNotes:
    """Return the notes of training files and of dev files.

    Parameters
    ----------
    task : str
        All but ``"classifier"`` learn from several files at once; for ``"relations"`` notes that
        come without sentences are split into them.
    train, dev : sequences of paths
        The first of dev belongs to the first of train, and so on; dev may be shorter, or empty.
    drop : bool
        Leave out training notes whose id or text stands in any dev file.
    **reading
        As for `clinnlp.read_notes`.

    Raises
    ------
    ArgumentError
        Several training files where one is learned from, or more files of dev than of train.
    DataError
        A file cannot be read.

    Examples
    --------
    >>> read_training("classifier", ["a.csv", "b.csv"], [])
    Traceback (most recent call last):
    clinnlp.core.errors.ArgumentError: classifier needs one training file, got several
    """
    if len(train) > 1 and task == "classifier":
        raise ArgumentError(f"{task} needs one training file, got several")
    if len(dev) > len(train):
        raise ArgumentError(
            f"dev must be at most one file per training file ({len(train)}), got {len(dev)}"
        )

    teaching: dict[str, Any] = {path: read_notes(path, **reading) for path in train}
    scoring: dict[str, Any] = {
        p: read_notes(source, **reading) for p, source in zip(train, dev, strict=False)
    }
    sources = (*teaching.values(), *scoring.values())
    if drop:
        teaching = {path: drop_overlap(each, *scoring.values()) for path, each in teaching.items()}
    if task == "relations":
        teaching, scoring = _split(teaching), _split(scoring)
    if len(teaching) > 1:
        return TrainingNotes(teaching, scoring or None, sources)
    return TrainingNotes(teaching[train[0]], next(iter(scoring.values()), None), sources)


def _split(sources: Mapping[str, Iterable[Note]]) -> dict[str, Any]:
    return {path: _Split(notes) for path, notes in sources.items()}


class _Split:
    """Notes, split into sentences where they come without; read anew at each pass."""

    def __init__(self, notes: Iterable[Note]) -> None:
        self._notes, self._sentences = notes, Sentences()

    def __iter__(self) -> Iterator[Note]:
        return (n if n.sentences is not None else self._sentences(n) for n in self._notes)


def check_refit(task: str, folder: str, settings: Any) -> EntityTagger:
    """Return the model in `folder`, where this training may be a refit of it.

    Raises
    ------
    ArgumentError
        Another task than ``"ner"``, settings that are not the default ones, or another model.
    StoreError
        The folder cannot be read.
    """
    if task != "ner" or settings != type(settings)():
        raise ArgumentError("refit is for ner, and takes no settings but those of its model")
    return load_tagger(folder)


def load_tagger(folder: str, *, int8: bool = False) -> EntityTagger:
    """Return the model in `folder`, which must be a tagger; with `int8`, in 8-bit integers.

    Raises
    ------
    ArgumentError
        It is of another kind.
    StoreError
        The folder cannot be read.
    """
    tagger = load(folder, int8=int8)
    if not isinstance(tagger, EntityTagger):
        raise ArgumentError(
            f"model must be a recogniser of entities, got a {type(tagger).__name__}"
        )
    return tagger


def dev_scores(card: Mapping[str, Any], *, by_corpus: bool) -> list[tuple[str, str, Estimate]]:
    """Return the scores with an interval of a model's card: corpus (or "dev"), name, score.

    Examples
    --------
    >>> f1 = {"value": 0.5, "low": 0.4, "high": 0.6}
    >>> [(corpus, name) for corpus, name, _ in dev_scores({"dev": {"f1": f1}}, by_corpus=False)]
    [('dev', 'f1')]
    """
    scores = card.get("dev", {})
    cards = scores.items() if by_corpus else [("dev", scores)]
    return [
        (corpus, name, Estimate(**score))
        for corpus, each in cards
        for name, score in each.items()
        if isinstance(score, dict) and "value" in score
    ]

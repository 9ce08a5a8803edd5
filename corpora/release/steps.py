"""The steps of a release: each reads what the one before wrote, and is skipped where it is done."""

import json
import re
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from clinnlp.bert.corpus import Corpora
from clinnlp.bert.predict import EntityTagger
from clinnlp.bert.store import load
from clinnlp.core.errors import ArgumentError
from clinnlp.core.files import atomic_folder, atomic_write
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.model_cards import CARD_FILE
from clinnlp.core.notes import Note
from corpora.release.card import box_card
from corpora.release.data import NOTES, Data, read_data, read_tests
from corpora.release.scores import labels_off, membership, note_scores, read_bare
from corpora.release.train import (
    RUN,
    Recipe,
    silver_notes,
    train_abstracts,
    train_notes,
)

__all__ = ["STEPS", "Place"]

_MOST_BYTES = 25_000_000
_TIMES = ("seconds", "train_seconds")  # of a card: they differ from run to run


@dataclass(kw_only=True)
class Place:
    """Where a release reads and writes.

    Parameters
    ----------
    out, data, box : Path
    again : bool
        Whether steps whose output is there are made anew.
    recipe : Recipe
    reads, tests : callable
        What gives the notes of a folder of corpora, and those that are scored once.
    """

    out: Path
    data: Path
    box: Path
    again: bool = False
    recipe: Recipe = field(default_factory=Recipe)
    reads: Callable[[Path], Data] = read_data
    tests: Callable[[Path], Corpora] = read_tests

    @cached_property
    def notes(self) -> Data:
        """The corpora, read once."""
        return self.reads(self.data)

    def done(self, name: str) -> Path | None:
        """Return what a step wrote, or None where it is to be made."""
        path = self.out / name
        return path if path.exists() and not self.again else None

    def tagger(self, name: str) -> EntityTagger:
        """Return the model that a step wrote.

        Raises
        ------
        ArgumentError
            It is not there.
        """
        if not (self.out / name).is_dir():
            raise ArgumentError(f"the step before must have written {self.out / name}; run it")
        tagger = load(self.out / name, device="cpu", bf16="off")
        if not isinstance(tagger, EntityTagger):
            raise ArgumentError(f"{self.out / name} must be a tagger, got {type(tagger).__name__}")
        return tagger

    def write(self, name: str, what: Any) -> None:
        """Write plain values as JSON."""
        self.out.mkdir(parents=True, exist_ok=True)
        with atomic_write(self.out / name) as handle:
            handle.write(json.dumps(what, indent=1, sort_keys=True) + "\n")


def _data(place: Place) -> str:
    if not place.done("data.json"):
        counts = place.notes.counts
        counts["silver"]["used"] = min(place.recipe.n_silver, len(place.notes.unlabelled))
        place.write("data.json", counts)
    kept = read_json_object(place.out / "data.json")
    return ", ".join(f"{name} {each['kept']}" for name, each in kept.items() if "kept" in each)


def _bio(place: Place) -> str:
    if not place.done("bio"):
        train_abstracts(place.notes, place.out / "bio", place.recipe)
    return str(place.out / "bio")


def _clinical(place: Place) -> str:
    if not place.done("model"):
        bio = place.tagger("bio")
        _notes(place, bio, "model", place.recipe, _silver(place, bio))
    return str(place.out / "model")


def _notes(
    place: Place, bio: EntityTagger, name: str, recipe: Recipe, silver: Sequence[Note]
) -> EntityTagger:
    if not place.done(name):
        out = place.out / f"{name}-bare"
        train_notes(place.notes, bio, out, recipe, silver=silver).save(place.out / name)
    return place.tagger(name)


def _silver(place: Place, bio: EntityTagger) -> list[Note]:
    """Return notes with the labels of a teacher."""
    n = place.recipe.n_silver
    if not n:
        return []
    teacher = _notes(place, bio, "teacher", replace(place.recipe, n_silver=0), [])
    return silver_notes(teacher, place.notes.unlabelled[:n])


def _quantise(place: Place) -> str:
    if not place.done("box"):
        model = place.tagger("model")
        card = {key: value for key, value in model.card.items() if key not in _TIMES}
        replace(model, card=card | {"encoder": "minilm"}).save(place.out / "box", int8=True)
    size = sum(path.stat().st_size for path in (place.out / "box").iterdir())
    if size > _MOST_BYTES:
        raise ArgumentError(f"the box must hold at most {_MOST_BYTES:,} bytes, got {size:,}")
    return f"{place.out / 'box'}, {size:,} bytes"


def _score(place: Place) -> str:
    if not place.done("scores.json"):
        names = {"float": "model", "int8": "box", "bio": "bio"}
        scores: dict[str, Any] = {
            key: _dev_scores(place, place.tagger(name)) for key, name in names.items()
        }
        scores["memory"] = _memory(place, place.tagger("box"))
        place.write("scores.json", scores)
    notes = read_json_object(place.out / "scores.json")["int8"][NOTES]["strict"]["rows"]
    return ", ".join(f"{row['label']} {row['f1']:.3f}" for row in notes)


def _dev_scores(place: Place, tagger: EntityTagger) -> dict[str, Any]:
    labels = set(tagger.labels)
    return {
        name: note_scores(gold, read_bare(tagger.only(tagger.labels), gold))
        for name, gold in place.notes.dev.items()
        if {e.label for note in gold for e in note.entities} <= labels
    }


def _memory(place: Place, tagger: EntityTagger) -> dict[str, Any]:
    """Return what of the training text can be found in the files or guessed from the answers."""
    data = place.notes
    fit, _ = data.split_abstracts()
    seen = [note for notes in fit.values() for note in notes]
    fresh = [note for name, notes in data.dev.items() if name != NOTES for note in notes]
    lines = [
        line
        for path in sorted((place.out / "box").iterdir())
        if path.suffix in (".json", ".txt", ".md")
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    return {
        "notes": membership(tagger, data.notes, data.dev[NOTES]),
        "abstracts": membership(tagger, seen[::7], fresh[::5]),
        "n_runs": len(_runs(lines) & _runs(note.text for note in [*data.notes, *seen])),
    }


def _runs(texts: Iterable[str]) -> set[tuple[str, ...]]:
    runs = set()
    for text in texts:
        words = re.findall(r"[a-z]+", text.lower())
        runs |= {tuple(words[k : k + RUN]) for k in range(len(words) - RUN + 1)}
    return runs


def _test(place: Place) -> str:
    if not place.done("test.json"):
        box = place.tagger("box")
        tests = place.tests(place.data)
        tested = {name: note_scores(gold, read_bare(box, gold)) for name, gold in tests.items()}
        place.write("test.json", tested)
    tested = read_json_object(place.out / "test.json")
    rows = [row for each in tested.values() for row in each["strict"]["rows"]]
    return ", ".join(f"{row['label']} {row['f1']:.3f}" for row in rows)


def _card(place: Place) -> str:
    scores = read_json_object(place.out / "scores.json")
    scores["test"] = read_json_object(place.out / "test.json")
    model = place.tagger("box")
    off = labels_off(model, scores["int8"][NOTES])
    told = read_json_object(place.out / "data.json")
    with atomic_folder(place.box) as temporary:
        shutil.rmtree(temporary)
        replace(model, off=off).save(temporary, int8=True)
        record = read_json_object(temporary / "clinnlp.json")
        (temporary / CARD_FILE).write_text(box_card(told, scores, record), encoding="utf-8")
    return f"{place.box}, off: {', '.join(off)}"


STEPS: dict[str, Callable[[Place], str]] = {
    "data": _data,
    "bio": _bio,
    "clinical": _clinical,
    "quantise": _quantise,
    "score": _score,
    "test": _test,
    "card": _card,
}

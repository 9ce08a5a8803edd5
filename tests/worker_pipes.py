"""What worker processes are sent in tests: they import it from here."""

import os
import signal
import time
from dataclasses import dataclass, replace
from pathlib import Path

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Coverage, Entity, Note
from clinnlp.core.spans import Span


def die():
    os.kill(os.getpid(), signal.SIGKILL)


def double(task):
    """Answer twice the numbers of a task; small ones take longest."""
    time.sleep(max(0, 0.02 - sum(task) / 1000))
    return [2 * k for k in task]


def refuse(task):
    """Fail on 7 with an error of ours, on 8 with one that quotes."""
    if 7 in task:
        raise DataError("it must be small, got a 7", note="n7")
    if 8 in task:
        raise ValueError("Jane Doe")
    return task


@dataclass
class DieOnce:
    """Die at a number, unless a file says that this has happened."""

    at: int
    mark: Path

    def __call__(self, task):
        if self.at in task and not self.mark.exists():
            self.mark.touch()
            die()
        return double(task)


@dataclass
class DieAt:
    at: int

    def __call__(self, task):
        if self.at in task:
            die()
        return double(task)


@dataclass
class DieWhenRead:
    def __call__(self, task):
        return task

    def __setstate__(self, state):
        die()

    def __getstate__(self):
        return {"any": "state"}


class FailWhenRead(DieWhenRead):
    def __setstate__(self, state):
        raise ValueError("Jane Doe")


class RefuseWhenRead(DieWhenRead):
    def __setstate__(self, state):
        raise ArgumentError("the folder must be there, got none")


# --- pipes ---------------------------------------------------------------------------------


def first_word(note: Note) -> Note:
    end = note.text.index(" ")
    made = Entity(id="E1", span=Span(0, end), label="Drug", source="first")
    kept = note.without_source("first")
    return kept.with_(entities=(*kept.entities, made), coverage=Coverage(n_seen=2, n_total=2))


class Company:
    """A pipe whose scores depend on the notes read together, as rounding in a model does."""

    def __call__(self, note):
        return self.batch([note])[0]

    def batch(self, notes):
        score = sum(int(n.id[1:]) for n in notes) / 1000
        return [
            n.with_(entities=tuple(replace(entity, score=score) for entity in n.entities))
            for n in notes
        ]


@dataclass
class Failing:
    """Fail on some notes, with their text."""

    ids: tuple[str, ...]

    def __call__(self, note):
        if note.id in self.ids:
            raise ValueError(note.text)
        return note


@dataclass
class Deadly:
    """End the process at some notes; where a folder is given, once each."""

    ids: tuple[str, ...]
    marks: Path | None = None

    def __call__(self, note):
        if note.id in self.ids and self._strikes(note.id):
            die()
        return note

    def _strikes(self, id):
        if self.marks is None:
            return True
        mark = self.marks / id
        first = not mark.exists()
        mark.touch()
        return first

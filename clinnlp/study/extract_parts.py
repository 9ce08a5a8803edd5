"""What an extraction writes into a folder: mentions, and relations in a folder inside, in parts.

Both are written by a `PartWriter` of their own, with its own notes that are done. A run that is
killed between the two leaves a note in one of them: it is read again, and goes where it is missing.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from clinnlp.core.columnar import Table
from clinnlp.core.notes import Note
from clinnlp.core.tables import RelationTable
from clinnlp.io.tables.parts import NoteDone, PartWriter
from clinnlp.study.batch_reading import BatchRead

__all__ = ["RELATIONS", "Parts", "open_parts"]

RELATIONS = "relations"  # folder of their parts, inside that of the mentions


class Parts:
    """The writers of a folder, and what of the notes at work is to be written.

    Parameters
    ----------
    mentions : PartWriter
    relations : PartWriter, optional
        Where relations are written too.
    """

    def __init__(self, mentions: PartWriter, relations: PartWriter | None = None) -> None:
        self._mentions, self._relations = mentions, relations
        self.before = frozenset(mentions.done)
        self._wanted: dict[PartWriter, dict[str, str]] = {mentions: {}}
        if relations is not None:
            self._wanted[relations] = {}

    def is_done(self, note: Note) -> bool:
        """Return whether all that a note gives was written before; else it is awaited."""
        missing = False
        for writer, wanted in self._wanted.items():
            digest = _digest_of(note, writer)
            if not writer.has(note.id, digest):
                wanted[note.id] = digest
                missing = True
        return not missing

    def is_changed(self, note: Note) -> bool:
        """Return whether a note that is not done was, with another content."""
        return note.id in self.before and note.id in self._wanted[self._mentions]

    def add(self, batch: BatchRead) -> None:
        """Write what a batch gives, each note where it is awaited."""
        self._add(self._mentions, batch, batch.n_rows, batch.rows)
        if self._relations is not None:
            self._add(self._relations, batch, batch.n_links, batch.links)

    @property
    def folder(self) -> Path:
        """That of the mentions."""
        return self._mentions.folder

    @property
    def skipped(self) -> Mapping[str, str]:
        """Notes that failed, and the kind of error of each."""
        return self._mentions.skipped

    def settle(self) -> None:
        """Write what is held, and count it as of a run before: notes may come again, changed."""
        for writer in self._wanted:
            writer.settle()
        self.before = frozenset(self._mentions.done)

    def keep_only(self, ids: Collection[str]) -> int:
        """Remove what is written of all other notes, and return of how many."""
        return max(writer.keep_only(ids) for writer in self._wanted)

    def _add(
        self, writer: PartWriter, batch: BatchRead, n_rows: Sequence[int], rows: Table
    ) -> None:
        wanted = self._wanted[writer]
        asked = [note_id in wanted for note_id in batch.ids]
        if not all(asked):
            rows = rows.take(np.flatnonzero(np.repeat(asked, n_rows)))
        done = _notes_done(batch, n_rows, wanted)
        writer.add_all([note for note, one in zip(done, asked, strict=True) if one], rows)


@contextmanager
def open_parts(
    out: Path, *, settings: Mapping[str, Any], notes_per_part: int, relations: bool
) -> Iterator[Parts]:
    """Give the writers of a folder, which is locked in the block.

    Raises
    ------
    DataError, RunError
        As of `PartWriter`.
    """
    with ExitStack() as stack:
        kept: dict[str, Any] = {"settings": settings, "notes_per_part": notes_per_part}
        writers = [stack.enter_context(PartWriter(out, **kept))]
        if relations:
            inner = PartWriter(out / RELATIONS, kind=RelationTable, **kept)
            writers.append(stack.enter_context(inner))
        yield Parts(*writers)


def _notes_done(batch: BatchRead, n_rows: Sequence[int], digests: dict[str, str]) -> list[NoteDone]:
    """Return the notes of a batch as a writer of parts takes them, and forget their digests."""
    kinds = {note_id: type(error).__name__ for note_id, error in batch.failed.items()}
    return [
        NoteDone(note_id, n, digests.pop(note_id, ""), kinds.get(note_id))
        for note_id, n in zip(batch.ids, n_rows, strict=True)
    ]


def _digest_of(note: Note, writer: PartWriter) -> str:
    """Return a digest of all that a pipeline may read of a bare note."""
    times = (None if time is None else time.isoformat() for time in (note.time, note.known))
    spans = note.tokens
    tokens = None if spans is None else ",".join(f"{s.start}-{s.end}" for s in spans)
    return writer.digest(note.text, note.patient, note.encounter, note.kind, *times, tokens)

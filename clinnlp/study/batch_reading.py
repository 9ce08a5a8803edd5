"""One batch of notes as a pipeline leaves it: rows or whole notes, and counts of both.

The same function answers here and in a worker process, so that what is written does not depend on
where it was read: a batch is never cut otherwise, whoever reads it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from clinnlp.core.errors import ClinnlpError, PipeError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import OnError, Pipeline
from clinnlp.core.tables import EntityTable, RelationTable
from clinnlp.core.workers import all_memory, n_cores, peak_memory
from clinnlp.features.entities import entity_table
from clinnlp.features.relations import relation_table
from clinnlp.text.interactions import StatedInteractions
from clinnlp.text.lookup import Lookup
from clinnlp.text.relations import StatedRelations

__all__ = ["Batch", "BatchRead", "BatchReader", "gives_relations", "n_workers", "pieces_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Notes that are read together; those that are not `wanted` are read for company alone."""

    notes: tuple[Note, ...]
    wanted: tuple[bool, ...]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class BatchRead:
    """What became of the wanted notes of a batch, in order.

    Parameters
    ----------
    ids : sequence of str
    n_rows : sequence of int
        Mentions of each note.
    failed : mapping of str to error
        Of the notes on which a pipe failed.
    rows : EntityTable
        Of all of them; empty where whole notes are wanted.
    n_links : sequence of int
        Rows of relations of each note, where these are wanted.
    links : RelationTable
        Of all of them.
    notes : sequence of Note
        Those that did not fail, where whole notes are wanted.
    counts : Counter
        Of their words and tokens, as `ExtractSummary` names them.
    held_back : Counter
        Names of a large word list that are no mentions, by reason.
    """

    ids: Sequence[str]
    n_rows: Sequence[int]
    failed: dict[str, ClinnlpError]
    rows: EntityTable = field(default_factory=lambda: EntityTable({}))
    n_links: Sequence[int] = ()
    links: RelationTable = field(default_factory=lambda: RelationTable({}))
    notes: Sequence[Note] = ()
    counts: Counter[str] = field(default_factory=Counter)
    held_back: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchReader:
    """Reads batches with a pipeline.

    Parameters
    ----------
    nlp : Pipeline
    on_error : {"raise", "skip"}
    whole : bool
        Give whole notes, not rows.
    relations : bool
        Give rows of relations beside those of mentions.
    """

    nlp: Pipeline
    on_error: OnError
    whole: bool
    relations: bool = False

    def __call__(self, batch: Batch) -> BatchRead:
        """Return what becomes of a batch.

        Raises
        ------
        PipeError
            A pipe failed, unless such notes are skipped.
        """
        failed: dict[str, ClinnlpError] = {}
        done = list(
            self.nlp.stream(
                batch.notes,
                batch_size=max(len(batch.notes), 1),
                on_error=self.on_error,
                on_skip=failed.__setitem__,
            )
        )
        wanted = {note.id for note, is_wanted in _pairs(batch) if is_wanted}
        done = [note for note in done if note.id in wanted]
        n_rows = {note.id: len(note.entities) for note in done}
        ids = [note.id for note, is_wanted in _pairs(batch) if is_wanted]
        links = relation_table(done) if self.relations else RelationTable({})
        n_links = Counter(links["note"].tolist())
        return BatchRead(
            ids=ids,
            n_links=[n_links[note_id] for note_id in ids],
            links=links,
            n_rows=[n_rows.get(note_id, 0) for note_id in ids],
            failed={note_id: error for note_id, error in failed.items() if note_id in wanted},
            rows=EntityTable({}) if self.whole else entity_table(done),
            notes=done if self.whole else (),
            counts=_counts(done) + self._pairs_cut(done),
            held_back=self._held_back(done),
        )

    def lost(self, batch: Batch) -> BatchRead:
        """Return what becomes of a note that ends each process which reads it.

        Raises
        ------
        PipeError
            Unless such notes are skipped.
        """
        ids = [note.id for note, is_wanted in _pairs(batch) if is_wanted]
        error = PipeError(
            f"note {batch.notes[0].id!r} must be one that can be read, got the end of each worker "
            "process that read it; --on-error skip lists it and goes on"
        )
        if self.on_error == "raise" and ids:
            raise error
        none = [0] * len(ids)
        return BatchRead(ids=ids, n_rows=none, n_links=none, failed=dict.fromkeys(ids, error))

    def _pairs_cut(self, notes: Iterable[Note]) -> Counter[str]:
        """Return the pairs that models of relations do not read, too far apart."""
        pipes: list[Any] = [p for p in self.nlp.pipes if getattr(p, "task", None) == "relations"]
        return Counter(n_pairs_cut=sum(p.n_cut(note) for p in pipes for note in notes))

    def _held_back(self, notes: Iterable[Note]) -> Counter[str]:
        held: Counter[str] = Counter()
        lookups = [pipe for pipe in self.nlp.pipes if isinstance(pipe, Lookup)]
        for note in notes if lookups else ():
            for lookup in lookups:
                held += lookup.held_back(note)
        return held


def gives_relations(nlp: Pipeline) -> bool:
    """Return whether a pipe of a pipeline seeks relations: a model of them, or rules."""
    by_rules = (StatedRelations, StatedInteractions)
    return any(
        getattr(pipe, "task", None) == "relations" or isinstance(pipe, by_rules)
        for pipe in nlp.pipes
    )


def n_workers(nlp: Pipeline) -> int:
    """Return how many processes read best with a pipeline that is loaded here.

    One for each core, as far as twice the memory that this process holds allows. A model keeps all
    cores, or a GPU, busy from one process; others with it cost memory and gain nothing.
    """
    if any(hasattr(pipe, "network") for pipe in nlp.pipes):
        return 1
    held, total = peak_memory(), all_memory()
    by_memory = total // (2 * held) if held and total else n_cores()
    return max(1, min(n_cores(), by_memory))


def pieces_of(batch: Batch) -> list[Batch]:
    """Return each note of a batch as a batch of its own."""
    return [replace(batch, notes=(note,), wanted=(is_wanted,)) for note, is_wanted in _pairs(batch)]


def _pairs(batch: Batch) -> Iterable[tuple[Note, bool]]:
    return zip(batch.notes, batch.wanted, strict=True)


def _counts(notes: Sequence[Note]) -> Counter[str]:
    """Return what is summed over notes, by the names of `ExtractSummary`."""
    seen = [note.coverage for note in notes if note.coverage is not None]
    return Counter(
        n_notes=len(notes),
        n_entities=sum(len(note.entities) for note in notes),
        n_relations=sum(len(note.relations) for note in notes),
        n_words=sum(len(note.text.split()) for note in notes),
        n_tokens_seen=sum(coverage.n_seen for coverage in seen),
        n_tokens=sum(coverage.n_total for coverage in seen),
        n_unlike=sum(coverage.unlike is True for coverage in seen),
    )

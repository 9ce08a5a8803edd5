"""Extraction over any number of notes: progress, parts, resuming, and a count of what was cut.

Into a folder, mentions go as Parquet in parts: a run that was killed goes on where it stopped and
redoes at most one part; a second run into the same folder is refused at once. Into a file (.csv,
.tsv, .parquet: mentions; .jsonl: whole notes) the output appears when it is whole.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from clinnlp import __version__
from clinnlp.core.errors import ArgumentError, ClinnlpError
from clinnlp.core.files import check_writable, tree_sha256
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline, chunks
from clinnlp.features.entities import entity_table
from clinnlp.io.files.packing import check_packing
from clinnlp.io.notes.corpora import write_notes
from clinnlp.io.notes.formats import by_suffix
from clinnlp.io.tables.mentions import write_entity_table
from clinnlp.io.tables.parts import PartWriter
from clinnlp.study.settings import ExtractSettings

__all__ = ["ExtractSummary", "extract", "fingerprint"]

_FILES = ("jsonl", "csv", "tsv", "parquet")


@dataclass(slots=True, kw_only=True)
class ExtractSummary:
    """What one run of `extract` did.

    `n_resumed` notes were already done; `n_tokens_seen` of `n_tokens` model tokens were read,
    equal where nothing was cut (both 0 without a model).
    """

    n_notes: int = 0
    n_resumed: int = 0
    n_entities: int = 0
    n_words: int = 0
    n_tokens_seen: int = 0
    n_tokens: int = 0
    seconds: float = 0.0
    skipped: dict[str, str] = field(default_factory=dict)

    @property
    def words_per_second(self) -> float:
        """Words of the notes done in this run, per second of wall time."""
        return self.n_words / self.seconds if self.seconds else 0.0

    def facts(self) -> dict[str, Any]:
        """Return the numbers by a readable name."""
        return {
            "notes": self.n_notes,
            "done before": self.n_resumed,
            "skipped": len(self.skipped),
            "mentions": self.n_entities,
            "tokens seen": self.n_tokens_seen,
            "tokens in": self.n_tokens,
            "words per second": round(self.words_per_second),
        }

    def __str__(self) -> str:
        return ", ".join(f"{name} {value:,}" for name, value in self.facts().items())


def extract(
    notes: Iterable[Note],
    nlp: Pipeline,
    out: str | Path,
    *,
    settings: ExtractSettings | None = None,
    made_by: Mapping[str, str] | None = None,
    progress: bool = True,
) -> ExtractSummary:
    """Run a pipeline over notes and write what it finds.

    What the notes came with (entities, relations, sections, sentences) is dropped first.

    Parameters
    ----------
    notes : iterable of Note
        Streamed; resuming needs the same ids again.
    nlp : Pipeline
    out : path
        A folder for Parquet parts, or a file ending in .jsonl, .csv, .tsv or .parquet; text may
        be packed (.jsonl.gz).
    settings : ExtractSettings, optional
    made_by : mapping of str to str, optional
        What made the pipeline, from `fingerprint`; resuming with another one is refused.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    ArgumentError
        `out` is a folder named like a file, or a file of another form.
    PipeError
        A pipe failed on a note, unless ``on_error="skip"``.
    DataError
        A note cannot be read, or `out` was begun with other settings.
    RunError
        The disk is full, or another process extracts into the folder; nothing half-written is left.
    """
    settings = settings or ExtractSettings()
    out = check_writable(out)
    form = _form(out)
    summary = ExtractSummary()
    start = time.perf_counter()
    source = _peeked(notes)  # an unreadable source fails before anything is made
    done = _Run(nlp, settings, summary, progress=progress)
    if form == "jsonl":
        write_notes(done(source), out, format=form)
    elif form is not None:
        write_entity_table(entity_table(done(source)), out)
    else:
        _into_parts(source, done, out, dict(made_by or {}))
    summary.seconds = time.perf_counter() - start
    return summary


def fingerprint(
    model: str | Path | None, vocabulary: str | Path | None, language: str = "en"
) -> dict[str, str]:
    """Return what decides an extraction: version, language, hashes of model and vocabulary."""
    parts = {"clinnlp": __version__, "language": language}
    files = {"model": model, "vocabulary": vocabulary}
    return parts | {name: tree_sha256(path) for name, path in files.items() if path is not None}


def _form(out: Path) -> str | None:
    """Return the format of a file to write, or None for a folder of parts."""
    form = by_suffix(out)
    if form in _FILES and out.is_dir():
        raise ArgumentError(f"{out} must be a file to write, got a folder of that name")
    if form in _FILES or out.is_dir():
        check_packing(out, packs=form not in (None, "parquet"))
        return form if form in _FILES else None
    if form is not None or out.suffix[1:].isalpha():
        raise ArgumentError(
            f"what is extracted must go to a folder or a file ending in "
            f".{', .'.join(_FILES)}, got {out}"
        )
    check_packing(out, packs=False)
    return None


class _Run:
    """The notes as the pipeline leaves them, counted, under a progress bar."""

    def __init__(
        self, nlp: Pipeline, settings: ExtractSettings, summary: ExtractSummary, *, progress: bool
    ) -> None:
        self.nlp, self.settings, self.summary, self.progress = nlp, settings, summary, progress
        self.before: frozenset[str] = frozenset()
        self.on_skip: Callable[[str, ClinnlpError], None] | None = None

    def __call__(self, notes: Iterable[Note]) -> Iterator[Note]:
        bar = tqdm(desc="extract", unit=" notes", disable=not self.progress)
        with bar:
            stream = self.nlp.stream(
                map(_bare, self._needed(notes)),
                batch_size=self.settings.batch_size,
                on_error=self.settings.on_error,
                on_skip=self.skip,
            )
            for note in stream:
                if note.id not in self.before:
                    self._count(note)
                    bar.update()
                    yield note

    def _needed(self, notes: Iterable[Note]) -> Iterator[Note]:
        """Yield the batches that hold a note not done before, whole.

        A resumed run so reads each note in the same company as an uninterrupted one, and rounds
        its scores alike.
        """
        for batch in chunks(notes, self.settings.batch_size):
            n_done = sum(note.id in self.before for note in batch)
            self.summary.n_resumed += n_done
            if n_done < len(batch):
                yield from batch

    def skip(self, note_id: str, error: ClinnlpError) -> None:
        if note_id in self.before:
            return
        self.summary.skipped[note_id] = type(error).__name__
        if self.on_skip is not None:
            self.on_skip(note_id, error)

    def _count(self, note: Note) -> None:
        summary = self.summary
        summary.n_notes += 1
        summary.n_entities += len(note.entities)
        summary.n_words += len(note.text.split())
        if note.coverage is not None:
            summary.n_tokens_seen += note.coverage.n_seen
            summary.n_tokens += note.coverage.n_total


def _into_parts(source: Iterable[Note], run: _Run, out: Path, made_by: dict[str, str]) -> None:
    with PartWriter(out, settings=made_by, notes_per_part=run.settings.part_size) as writer:
        run.before, run.on_skip = frozenset(writer.done), writer.skip
        for note in run(source):
            writer.add(note.id, entity_table([note]))


def _bare(note: Note) -> Note:
    return note.with_(
        entities=(), relations=(), sections=None, sentences=None, labels=(), coverage=None
    )


def _peeked(notes: Iterable[Note]) -> Iterator[Note]:
    source = iter(notes)
    first = next(source, None)
    return iter(()) if first is None else chain([first], source)

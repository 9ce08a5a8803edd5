"""Extraction over any number of notes: progress, parts, resuming, and a count of what was cut.

Into a folder, mentions go as Parquet in parts, and relations where the pipeline seeks them into
``relations`` inside it: a run that was killed goes on where it stopped and redoes at most one part.
A note that has changed since is done again. Into a file (.csv, .tsv,
.parquet: mentions; .jsonl: whole notes; .fhir.json, .fhir.ndjson: notes and what they state) the
output appears when it is whole, and whole notes may go through a pipe. A second run into the same
place is refused at once.
"""

import time
from collections import Counter
from collections.abc import Callable, Collection, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from clinnlp import __version__
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import check_writable, tree_sha256
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline, chunks
from clinnlp.core.places import is_stream, leads_to, one_writer
from clinnlp.core.tables import EntityTable
from clinnlp.core.vocab import fold
from clinnlp.core.workers import Workers, n_cores
from clinnlp.io.files.packing import check_packing
from clinnlp.io.notes.corpora import Notes, write_notes
from clinnlp.io.notes.fhir_write import write_fhir
from clinnlp.io.notes.formats import by_suffix
from clinnlp.io.tables.mentions import write_entity_table
from clinnlp.study.batch_reading import (
    Batch,
    BatchRead,
    BatchReader,
    gives_relations,
    n_workers,
    pieces_of,
)
from clinnlp.study.extract_parts import open_parts
from clinnlp.study.pipeline import STATED
from clinnlp.study.settings import ExtractSettings
from clinnlp.text.lookup import Lookup

__all__ = ["ExtractSummary", "Run", "extract", "fingerprint"]

_FILES = ("jsonl", "csv", "tsv", "parquet", "fhir")
_WHOLE = ("jsonl", "fhir")  # notes, not rows
_ENDS = ".jsonl, .csv, .tsv, .parquet, .fhir.json or .fhir.ndjson"
_MADE_BY = ("language", "model", "vocabulary")  # what is told of a run in FHIR
_INPUT = "input"
_ALWAYS_TOLD = ("notes", "mentions")  # also where there are none
N_FEW = 8  # batches that are read before it is worth starting processes


@dataclass(slots=True, kw_only=True)
class ExtractSummary:
    """What one run of `extract` did.

    `n_resumed` notes were already done; `n_changed` were too, but had changed since, and are among
    the `n_notes` done; the rows of `n_gone` others were removed. `n_relations` were found, and
    `n_pairs_cut` pairs of mentions were too far apart to be read. `n_tokens_seen` of
    `n_tokens` model tokens were read, equal where nothing was cut (both 0 without a model);
    `n_unlike` notes are unlike those that it was taught on (see `Coverage.unlike`). `held_back`
    counts the names of a large word list that stand in the notes and are no mentions, `n_left_out`
    the mentions that became no resource of FHIR, each by reason; `n_unassessed` those that became
    one though the pipeline does not say whether they are negated or uncertain. `n_cased` names of
    the word list are so short that they are not found in any case (`Lookup.n_cased`). `n_workers`
    processes read, each with `bytes_per_worker` of memory at most (0 where this process read
    alone); `n_died` of them died and were replaced.
    """

    n_notes: int = 0
    n_resumed: int = 0
    n_changed: int = 0
    n_gone: int = 0
    n_entities: int = 0
    n_relations: int = 0
    n_pairs_cut: int = 0
    n_words: int = 0
    n_tokens_seen: int = 0
    n_tokens: int = 0
    n_unlike: int = 0
    seconds: float = 0.0
    skipped: dict[str, str] = field(default_factory=dict)
    held_back: Counter[str] = field(default_factory=Counter)
    n_cased: int = 0
    n_left_out: Mapping[str, int] = field(default_factory=dict)
    n_unassessed: int = 0
    n_workers: int = 0
    n_died: int = 0
    bytes_per_worker: int = 0

    @property
    def words_per_second(self) -> float:
        """Words of the notes done in this run, per second of wall time."""
        return self.n_words / self.seconds if self.seconds else 0.0

    def facts(self) -> dict[str, Any]:
        """Return the numbers by a readable name."""
        return {
            "notes": self.n_notes,
            "done before": self.n_resumed,
            "changed since": self.n_changed,
            "gone since": self.n_gone,
            "skipped": len(self.skipped),
            "mentions": self.n_entities,
            **_if_any(relations=self.n_relations, **{"pairs too far apart": self.n_pairs_cut}),
            "tokens seen": self.n_tokens_seen,
            "tokens in": self.n_tokens,
            **{f"held back as {reason}": n for reason, n in self.held_back.most_common()},
            **({"short names bound to their case": self.n_cased} if self.n_cased else {}),
            **({"unlike the training notes": self.n_unlike} if self.n_unlike else {}),
            "words per second": round(self.words_per_second),
            **{f"in no resource, {why}": n for why, n in sorted(self.n_left_out.items())},
            **({"not assessed": self.n_unassessed} if self.n_unassessed else {}),
            **({"workers": self.n_workers} if self.n_workers else {}),
            **({"MB per worker": -(-self.bytes_per_worker // 10**6)} if self.n_workers else {}),
            **({"workers that died": self.n_died} if self.n_died else {}),
        }

    def __str__(self) -> str:
        told = {name: n for name, n in self.facts().items() if n or name in _ALWAYS_TOLD}
        return ", ".join(f"{name} {n:,}" for name, n in told.items())


def _if_any(**counts: int) -> dict[str, int]:
    return {name: n for name, n in counts.items() if n}


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

    A run into a folder that another run has begun does what is not done: notes that are new, or
    whose text or description has changed under their id, whose rows of before are replaced. Where
    `made_by` says that the input is the same, rows of notes that are not in it any more are removed
    at the end, so that the folder holds what a run alone would have written; else they stay.

    Parameters
    ----------
    notes : iterable of Note
        Streamed; resuming needs the same ids again.
    nlp : Pipeline
    out : path
        A folder for Parquet parts, or a file ending in .jsonl, .csv, .tsv, .parquet, .fhir.json
        or .fhir.ndjson; text may be packed (.jsonl.gz). A pipe or a device gets whole
        notes as .jsonl.
    settings : ExtractSettings, optional
    made_by : mapping of str to str, optional
        What made the pipeline, from `fingerprint`; resuming with another one is refused.
    progress : bool
        Show a bar on stderr.

    Raises
    ------
    ArgumentError
        `out` is a folder named like a file, a file of another form, or one of the notes.
    PipeError
        A pipe failed on a note, unless ``on_error="skip"``.
    DataError
        A note cannot be read, `out` was begun with other settings, or there are no notes any more.
    RunError
        The disk is full, or another process writes there; nothing half-written is left.
    """
    settings = settings or ExtractSettings()
    out = check_writable(out)
    _check_other(notes, out)
    form = _form(out)
    summary = ExtractSummary()
    start = time.perf_counter()
    source = _peeked(notes)  # an unreadable source fails before anything is made
    links = form is None and gives_relations(nlp)
    done = Run(nlp, settings, summary, whole=form in _WHOLE, relations=links, progress=progress)
    if form is None:
        _into_parts(source, done, out, dict(made_by or {}))
    else:
        _into_file(source, done, out, form, made_by or {})
    summary.seconds = time.perf_counter() - start
    return summary


def fingerprint(
    model: str | Path | None,
    vocabulary: str | Path | None,
    language: str = "en",
    *,
    keep_names: Collection[str] = (),
    chronic: str | Path | None = None,
    notes: str | Path | None = None,
    part_size: int | None = None,
    relations: str | Path | None = None,
) -> dict[str, str]:
    """Return what decides an extraction: version, language, hashes of model and word lists.

    Where the input is named it is told by its place: its content may change between two runs.
    """
    parts = {"clinnlp": __version__, "language": language}
    files = {"model": model, "vocabulary": vocabulary, "chronic": chronic}
    if relations == STATED:
        parts["relations"] = STATED
    else:
        files["relations"] = relations
    parts |= {name: tree_sha256(path) for name, path in files.items() if path is not None}
    if keep_names:
        parts["keep_names"] = "|".join(sorted(map(fold, keep_names)))
    if notes is not None:
        parts[_INPUT] = str(Path(notes).resolve())
    return parts if part_size is None else parts | {"part_size": str(part_size)}


def _form(out: Path) -> str | None:
    """Return the format of a file to write, or None for a folder of parts."""
    form = by_suffix(out) or ("jsonl" if is_stream(out) else None)
    if form in _FILES and out.is_dir():
        raise ArgumentError(f"{out} must be a file to write, got a folder of that name")
    if form in _FILES or out.is_dir():
        check_packing(out, packs=form not in (None, "parquet"))
        return form if form in _FILES else None
    if form is not None or out.suffix[1:].isalpha():
        raise ArgumentError(
            f"what is extracted must go to a folder or a file ending in {_ENDS}, got {out}"
        )
    check_packing(out, packs=False)
    return None


def _check_other(notes: Iterable[Note], out: Path) -> None:
    """Refuse to write over the notes: what they came with is not in what is extracted."""
    files = notes.files if isinstance(notes, Notes) else ()
    if any(path.is_file() and leads_to(out, path) for path, _ in files):
        raise ArgumentError(f"the output must be another file than the notes, got {out} for both")


class Run:
    """The batches of notes as the pipeline leaves them, counted, under a progress bar."""

    def __init__(
        self,
        nlp: Pipeline,
        settings: ExtractSettings,
        summary: ExtractSummary,
        *,
        whole: bool,
        progress: bool,
        relations: bool = False,
    ) -> None:
        self.settings, self.summary, self.progress = settings, summary, progress
        self.reader = BatchReader(
            nlp=nlp, on_error=settings.on_error, whole=whole, relations=relations
        )
        summary.n_cased = sum(pipe.n_cased for pipe in nlp.pipes if isinstance(pipe, Lookup))
        self.is_done: Callable[[Note], bool] = lambda _: False

    def __call__(self, notes: Iterable[Note]) -> Generator[BatchRead]:
        batches = chunks(map(_bare, notes), self.settings.batch_size)
        first = next(batches, None)  # what cannot be read is told before there is a bar
        if first is None:
            return
        with (
            tqdm(desc="extract", unit=" notes", disable=not self.progress) as bar,
            closing(self._read(self._needed(chain([first], batches)))) as done,
        ):
            for batch in done:
                self._count(batch)
                bar.update(len(batch.ids) - len(batch.failed))
                yield batch

    def _needed(self, batches: Iterable[Sequence[Note]]) -> Iterator[Batch]:
        """Yield the batches that hold a note not done before, whole.

        A resumed run so reads each note in the same company as an uninterrupted one, and rounds
        its scores alike.
        """
        for notes in batches:
            wanted = tuple(not self.is_done(note) for note in notes)
            self.summary.n_resumed += len(notes) - sum(wanted)
            if any(wanted):
                yield Batch(notes=tuple(notes), wanted=wanted)

    def _read(self, batches: Iterator[Batch]) -> Generator[BatchRead]:
        """Yield what becomes of each batch, in order: read here, or by worker processes."""
        n = 1 if self.settings.workers is None else self.settings.workers
        if n == 0:
            few = list(islice(batches, N_FEW))
            n = 1 if len(few) < N_FEW else n_workers(self.reader.nlp)
            batches = chain(few, batches)
        if n == 1:
            yield from map(self.reader, batches)
            return
        threads = max(1, n_cores() // n)
        workers = Workers(self.reader, n, pieces=pieces_of, lost=self.reader.lost, threads=threads)
        with closing(workers.answers(batches)) as answers:
            yield from answers
        self.summary.n_workers, self.summary.n_died = workers.n_most, workers.n_died
        self.summary.bytes_per_worker = workers.peak

    def _count(self, batch: BatchRead) -> None:
        summary = self.summary
        for name, n in batch.counts.items():
            setattr(summary, name, getattr(summary, name) + n)
        summary.held_back += batch.held_back
        summary.skipped |= {k: type(error).__name__ for k, error in batch.failed.items()}


def _into_file(
    source: Iterable[Note], run: Run, out: Path, form: str, made_by: Mapping[str, str]
) -> None:
    with one_writer(out), closing(run(source)) as batches:  # locked before the work, not after it
        notes = (note for batch in batches for note in batch.notes)
        if form == "jsonl":
            write_notes(notes, out, format=form)
        elif form == "fhir":
            told = {name: made_by[name] for name in _MADE_BY if name in made_by}
            wrote = write_fhir(notes, out, made_by=told)
            run.summary.n_left_out = wrote.n_left_out
            run.summary.n_unassessed = wrote.n_unassessed
        else:
            write_entity_table(EntityTable.concat(batch.rows for batch in batches), out)


def _into_parts(source: Iterable[Note], run: Run, out: Path, made_by: dict[str, str]) -> None:
    kept: dict[str, Any] = {"settings": made_by, "notes_per_part": run.settings.part_size}
    with open_parts(out, relations=run.reader.relations, **kept) as parts:
        seen: set[str] = set()

        def is_done(note: Note) -> bool:
            seen.add(note.id)
            if parts.is_done(note):
                return True
            run.summary.n_changed += parts.is_changed(note)
            return False

        run.is_done = is_done
        with closing(run(source)) as batches:  # and its bar, before a failure is told
            for batch in batches:
                parts.add(batch)
        if parts.before and not seen:
            raise DataError("there must be notes, as there were before, got none", path=out)
        if _INPUT in made_by:
            run.summary.n_gone = parts.keep_only(seen)


def _bare(note: Note) -> Note:
    return note.with_(
        entities=(), relations=(), sections=None, sentences=None, labels=(), coverage=None
    )


def _peeked(notes: Iterable[Note]) -> Iterator[Note]:
    source = iter(notes)
    first = next(source, None)
    return iter(()) if first is None else chain([first], source)

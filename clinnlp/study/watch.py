"""Extraction of notes as they arrive in a folder: each once, by id and content.

At each look the files that are new or have changed are read, and their notes done as `extract`
does them, into the same Parquet parts. A note is known by its id and a digest of its content, which
stand in the parts beside its rows: so a run that was killed goes on where it stopped, and needs no
other record of where it was. A note that comes again with another content replaces its rows. Of
several files with one id the one that arrived last counts. Rows of notes whose file is taken away
stay.

What cannot be read, and notes on which a pipe fails, are listed without text in
``dead_letters.jsonl``, and folders inside, which are not looked into; what is listed is tried again
when it changes. A file is read when it was the same
at two looks: one that is being written may look whole. Move files in under names that begin with a
dot, and rename them, and none is ever read half.
"""

import json
import time
from collections.abc import Generator, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.checks import check_at_least
from clinnlp.core.errors import ArgumentError, ClinnlpError, DataError
from clinnlp.core.files import atomic_write, check_apart, check_writable
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.places import covered
from clinnlp.io.notes.corpora import read_notes
from clinnlp.study.batch_reading import gives_relations
from clinnlp.study.extract import ExtractSummary, Run
from clinnlp.study.extract_parts import Parts, open_parts
from clinnlp.study.settings import ExtractSettings

__all__ = ["DEAD_LETTERS", "Look", "watch"]

DEAD_LETTERS = "dead_letters.jsonl"
_INSIDE = "a folder inside is not looked into; watch it by itself, with an output of its own"


class Look(NamedTuple):
    """What one look at the folder found and did; `seconds` from the look to rows on the disk."""

    n_files: int
    n_dead: int
    summary: ExtractSummary
    seconds: float

    def __str__(self) -> str:
        dead = f", dead letters {self.n_dead:,}" if self.n_dead else ""
        return f"files {self.n_files:,}, {self.summary}{dead}, seconds {self.seconds:.1f}"


class _Stamp(NamedTuple):
    """When a file came to its place, when it was written, and its size."""

    arrived: int
    written: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _DeadLetter:
    file: str
    line: int | None
    note: str | None
    error: str
    message: str | None


def watch(
    folder: str | Path,
    nlp: Pipeline,
    out: str | Path,
    *,
    settings: ExtractSettings | None = None,
    made_by: Mapping[str, str] | None = None,
    reading: Mapping[str, Any] | None = None,
    every_seconds: float = 10.0,
    once: bool = False,
    progress: bool = True,
) -> Generator[Look]:
    """Yield what each look at a folder did, where it found something; for ever, unless `once`.

    Parameters
    ----------
    folder : path
        Its files are read, but those whose names begin with a dot; not those of folders in it.
    nlp : Pipeline
    out : path
        A folder of Parquet parts, which one run at a time may write.
    settings : ExtractSettings, optional
        Notes that fail are skipped and listed, whatever they say.
    made_by : mapping of str to str, optional
        From `clinnlp.study.extract.fingerprint`.
    reading : mapping, optional
        Options of `read_notes`; documents that are wrong are listed, whatever they say.
    every_seconds : float
        Between two looks, >= 0.
    once : bool
        Look once, at all files as they are.
    progress : bool
        Show a bar on stderr where a look finds something.

    Raises
    ------
    ArgumentError
        No such folder, or an output inside it.
    DataError
        `out` was begun with other settings.
    RunError
        The disk is full, or another process writes there.

    Examples
    --------
    >>> import tempfile
    >>> from clinnlp.study.pipeline import pipeline
    >>> made = tempfile.TemporaryDirectory()
    >>> arriving = Path(made.name, "arriving")
    >>> arriving.mkdir()
    >>> _ = (arriving / "n1.txt").write_text("Took aspirin.")
    >>> nlp = pipeline(vocabulary=["aspirin"])
    >>> looks = watch(arriving, nlp, f"{made.name}/out", once=True, progress=False)
    >>> [(look.n_files, look.summary.n_entities) for look in looks]
    [(1, 1)]
    >>> made.cleanup()
    """
    folder, out = Path(folder), check_writable(out)
    if not folder.is_dir():
        raise ArgumentError(f"what is watched must be a folder, got {folder}")
    check_apart([folder], [out])
    check_at_least(every_seconds, 0, name="every_seconds")
    settings = replace(settings or ExtractSettings(), on_error="skip")
    kept: dict[str, Any] = {"settings": made_by or {}, "notes_per_part": settings.part_size}
    with open_parts(out, relations=gives_relations(nlp), **kept) as parts:
        watched = _Watched(folder, nlp, parts, settings, dict(reading or {}), progress=progress)
        while True:
            look = watched.look(settled=not once)
            if look is not None:
                yield look
            if once:
                return
            time.sleep(every_seconds)


class _Watched:
    """A folder, what of it is done, and where its rows go."""

    def __init__(
        self,
        folder: Path,
        nlp: Pipeline,
        parts: Parts,
        settings: ExtractSettings,
        reading: dict[str, Any],
        *,
        progress: bool,
    ) -> None:
        self.folder, self.nlp, self.parts, self.settings = folder, nlp, parts, settings
        self.reading, self.progress = {**reading, "skip_bad": True}, progress
        self.read: dict[Path, _Stamp] = {}
        self.last: dict[Path, _Stamp] = {}  # as of the last look
        self.unread: dict[Path, list[_DeadLetter]] = {}
        self.inside: set[Path] = set()  # folders in the folder, which are not looked into
        self.file_of: dict[str, str] = {}  # of the notes that failed

    def look(self, *, settled: bool) -> Look | None:
        """Do what has arrived; None where nothing has."""
        start = time.perf_counter()
        stamps = _stamps(self.folder)
        fresh = [p for p, stamp in stamps.items() if self.read.get(p) != stamp]
        ready = [p for p in fresh if not settled or self.last.get(p) == stamps[p]]
        self.last = stamps
        inside, self.inside = self.inside, _folders_in(self.folder)
        if not ready and self.inside <= inside:
            return None
        ready.sort(key=lambda path: (stamps[path], path.name), reverse=True)  # the last counts
        summary = ExtractSummary()
        self._extract(ready, summary)
        self.read.update((path, stamps[path]) for path in ready)
        n_dead = self._write_dead()
        summary.seconds = time.perf_counter() - start
        return Look(len(ready), n_dead, summary, summary.seconds)

    def _extract(self, paths: list[Path], summary: ExtractSummary) -> None:
        """Do the notes of some files; rows, digests and failures are on the disk afterwards."""
        parts, seen = self.parts, set[str]()

        def arrived() -> Iterator[Note]:
            for path in paths:
                for note in self._notes(path):
                    if note.id not in seen:
                        seen.add(note.id)
                        self.file_of[note.id] = path.name
                        yield note

        def is_done(note: Note) -> bool:
            if parts.is_done(note):
                return True
            summary.n_changed += parts.is_changed(note)
            return False

        links = gives_relations(self.nlp)
        run = Run(
            self.nlp, self.settings, summary, whole=False, relations=links, progress=self.progress
        )
        run.is_done = is_done
        with closing(run(arrived())) as batches:
            for batch in batches:
                parts.add(batch)
        parts.settle()
        self.file_of = {k: file for k, file in self.file_of.items() if k in parts.skipped}

    def _notes(self, path: Path) -> Iterator[Note]:
        """Yield the notes of a file that can be read, and note what cannot."""
        self.unread.pop(path, None)
        notes = None
        dead: list[ClinnlpError] = []
        try:
            notes = read_notes(path, **self.reading)
            yield from notes
        except ClinnlpError as error:
            dead.append(error)
        except FileNotFoundError:  # taken away in between
            return
        except OSError as error:
            dead.append(DataError(f"must be readable, got {type(error).__name__}", path=path))
        skipped = [] if notes is None else notes.skipped
        # what is said of a whole file may only sum up, or repeat, what is said of its documents
        told = [error for error in dead if not any(s.message in str(error) for s in skipped)]
        left = {} if notes is None else notes.n_excluded
        told += [DataError(f"{n:,} left out: {reason}", path=path) for reason, n in left.items()]
        if told or skipped:
            self.unread[path] = [_dead_letter(path, error) for error in (*skipped, *told)]

    def _write_dead(self) -> int:
        """Write what could not be read or done; return how many."""
        failed = [
            _DeadLetter(file=self.file_of.get(k, ""), line=None, note=k, error=error, message=None)
            for k, error in sorted(self.parts.skipped.items())
        ]
        rows = [row for _, rows in sorted(self.unread.items()) for row in rows] + failed
        rows += [_dead_letter(path, DataError(_INSIDE, path=path)) for path in sorted(self.inside)]
        path = self.parts.folder / DEAD_LETTERS
        if not rows:
            path.unlink(missing_ok=True)
            return 0
        with covered(self.parts.folder), atomic_write(path) as handle:
            for row in rows:
                told = {name: getattr(row, name) for name in _DeadLetter.__slots__}
                handle.write(json.dumps(told, ensure_ascii=False) + "\n")
        return len(rows)


def _stamps(folder: Path) -> dict[Path, _Stamp]:
    stamps = {}
    for path in folder.iterdir():
        try:
            if path.name.startswith(".") or not path.is_file():
                continue
            found = path.stat()
        except OSError:  # taken away in between
            continue
        stamps[path] = _Stamp(found.st_ctime_ns, found.st_mtime_ns, found.st_size)
    return stamps


def _folders_in(folder: Path) -> set[Path]:
    return {path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")}


def _dead_letter(path: Path, error: ClinnlpError) -> _DeadLetter:
    located = error if isinstance(error, DataError) else None
    return _DeadLetter(
        file=path.name,
        line=None if located is None else located.line,
        note=None if located is None else located.note,
        error=type(error).__name__,
        message=str(error) if located is None else located.message,
    )

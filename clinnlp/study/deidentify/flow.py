"""Notes in, notes without identifiers out: streamed, resumed after a kill, closed where it fails.

1. *Find*: notes go through the finder, a part at a time. What it finds is kept in ``OUT.deid`` as
   offsets and labels, never as text; a run that was killed does not find it anew.
2. *Gather*: all originals are known before the first surrogate is drawn, so that none equals one.
3. *Replace*: notes go to the output, which appears when it is whole.

A note that cannot be read, on which the finder fails or that it has not read to its end, or in
which a value of the record still stands, is not in the output: it is counted, and told by its place
in the input. Each note that is written is sealed with the key; one that is met again sealed is left
as it is, so that a second run changes nothing.
"""

import json
import re
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import IO, Any

from tqdm.auto import tqdm

from clinnlp import __version__
from clinnlp.core.config import settings_to
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_write, check_apart, check_writable
from clinnlp.core.json_objects import read_json_object
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import chunks
from clinnlp.core.places import covered, is_stream, one_writer
from clinnlp.io.notes.corpora import Notes, OnLoss, write_notes
from clinnlp.io.notes.formats import writer_of
from clinnlp.io.notes.losses import check_kept
from clinnlp.study.deidentify.deidentifier import Deidentifier, seal_of
from clinnlp.study.deidentify.replacing import Found, Replaced, found_in
from clinnlp.study.deidentify.sample import AuditSample, doubt_of
from clinnlp.study.deidentify.summary import DeidentifySummary

__all__ = ["deidentify", "work_folder"]

_RUN, _SEALS = "run.json", "seals.txt"
_PART = re.compile(r"found-\d{5}\.jsonl")
_FEWEST = 4  # letters and digits of a value of the record that is looked for in the output
_UNREAD = "not read to its end"
_STANDING = "a value of the record still stands in it"

Known = Mapping[str, Sequence[str]]


def deidentify(
    notes: Notes,
    out: str | Path,
    deidentifier: Deidentifier,
    *,
    format: str | None = None,
    on_loss: OnLoss = "error",
    made_by: Mapping[str, str] | None = None,
    known: Known | None = None,
    n_audit: int = 0,
    progress: bool = True,
) -> DeidentifySummary:
    """Write notes without their identifiers, and beside them in ``OUT.deid`` what was done.

    Parameters
    ----------
    notes : Notes
        From `read_notes`; with `skip_bad`, documents that are wrong are counted as failed.
    out : path
        File or folder, replaced when all is done.
    deidentifier : Deidentifier
        Which may have gathered ids of tables before.
    format, on_loss
        As in `write_notes`.
    made_by : mapping of str to str, optional
        What made the finder; a run that was stopped is only gone on with by the same.
    known : mapping of str to sequence of str, optional
        By patient, values of the record (names, numbers) that must stand in no text.
    n_audit : int
        Notes to draw for a review.
    progress : bool
        Show bars on stderr.

    Returns
    -------
    DeidentifySummary

    Raises
    ------
    ArgumentError
        The output is the input, or a device.
    DataError
        The input cannot be read, or ``OUT.deid`` was begun with other settings or another key.
    RunError
        The disk is full, or another process writes there.
    """
    out = check_writable(out)
    if is_stream(out):
        raise ArgumentError("notes without identifiers must go to a file or folder, got a device")
    check_apart([out, work_folder(out)], [path for path, _ in notes.files])
    name, form, _ = writer_of(out, format)
    # what cannot be written is told of the note as it was given, and before all are looked at
    given = notes if on_loss == "sidecar" else check_kept(notes, form.holds, name)
    summary = DeidentifySummary()
    with one_writer(work_folder(out), inside=True) as work, covered(work):
        run = _Run(notes, deidentifier, work, summary, known or {}, progress=progress)
        run.begin(dict(made_by or {}))
        run.find(given)
        run.gather()
        sample = AuditSample(deidentifier.key, n_audit)
        with closing(run.replaced(sample)) as made:
            write_notes(made, out, format=format, on_loss=on_loss)
        run.end(sample)
    return summary


def work_folder(out: str | Path) -> Path:
    """Return the folder beside an output that says how it was made."""
    path = Path(out) if Path(out).name not in ("", "..") else Path(out).resolve()
    return path.with_name(f"{path.name}.deid")


class _Run:
    """The three passes of one run."""

    def __init__(
        self,
        notes: Notes,
        deidentifier: Deidentifier,
        work: Path,
        summary: DeidentifySummary,
        known: Known,
        *,
        progress: bool,
    ) -> None:
        self.notes, self.made, self.work, self.summary = notes, deidentifier, work, summary
        self.known, self.progress = known, progress
        self.key, self.settings = deidentifier.key, deidentifier.settings
        self.sealed = _seals_beside(notes)

    def begin(self, made_by: dict[str, str]) -> None:
        """Keep by what the finder is made, or refuse to go on with another."""
        given = {
            "clinnlp": __version__,
            "key": self.key.seal("key"),  # by which it is known again, and no more
            "language": self.made.language,
            "finder": repr(self.made.finder),
            "given": list(self.settings.given),
            "part_size": self.settings.part_size,
            **made_by,
        }
        path = self.work / _RUN
        if path.exists() and any(self.work.glob("found-*.jsonl")):
            before = read_json_object(path)
            other = sorted(k for k in {*before, *given} if before.get(k) != given.get(k))
            if other:
                raise DataError(
                    "a run that was stopped must be gone on with as it was begun, got another "
                    f"{', '.join(other)}; remove the folder to begin anew",
                    path=self.work,
                )
        with atomic_write(path) as file:
            json.dump(given, file, indent=1)

    def find(self, notes: Iterable[Note]) -> None:
        """Find what is not found yet, a part at a time; parts of before that fit stay."""
        n_parts = 0
        with tqdm(desc="find", unit=" notes", disable=not self.progress) as bar:
            for n_parts, part in enumerate(chunks(notes, self.settings.part_size), 1):
                path = self._part(n_parts - 1)
                seals = [self._seal_of_input(note) for note in part]
                before = [line["seal"] for line in _lines(path)] if path.exists() else []
                if before == seals:
                    self.summary.n_resumed += len(part)
                else:
                    self._write_part(path, self._found(part, seals))
                bar.update(len(part))
        for path in self.work.glob("found-*.jsonl"):
            if int(path.stem.removeprefix("found-")) >= n_parts:
                path.unlink()
        self.summary.unreadable = [f"{e.path}:{e.line}" for e in self.notes.skipped]

    def gather(self) -> None:
        """Take all originals."""
        for note, line in self._with_found():
            if "found" in line:
                self.made.gather_found(note, _found_of(line))
        for patient, values in self.known.items():
            self.made.gather_known(patient, values)

    def replaced(self, sample: AuditSample) -> Generator[Note]:
        """Yield the notes of the output, and seal them."""
        with (
            atomic_write(self.work / _SEALS) as seals,
            tqdm(desc="replace", unit=" notes", disable=not self.progress) as bar,
        ):
            for place, (note, line) in enumerate(self._with_found(), 1):
                bar.update()
                made = self._one(note, line, place)
                if made is not None:
                    self._count(made, note)
                    seals.write(f"{seal_of(self.key, made.note)}\n")
                    sample.add(made, doubt_of(made))
                    yield made.note

    def end(self, sample: AuditSample) -> None:
        """Write what was done, and remove what only a run that goes on needs."""
        if sample.n_wanted:
            sample.write(self.work, self.summary.n_words)
        with atomic_write(self.work / "summary.json") as file:
            json.dump(self._told(), file, indent=1)
        for path in self.work.iterdir():
            if _PART.fullmatch(path.name):
                path.unlink()

    # --- one part --------------------------------------------------------------------------

    def _found(self, part: Sequence[Note], seals: Sequence[str]) -> list[dict[str, Any]]:
        failed: dict[str, str] = {}

        def skip(note_id: str, error: Exception) -> None:
            failed[note_id] = type(error).__name__

        fresh = [note for note in part if seal_of(self.key, note) not in self.sealed]
        # how much another model has read says nothing of this finder
        bare = (note.with_(coverage=None) for note in fresh)
        stream = self.made.finder.stream(bare, on_error="skip", on_skip=skip)
        done = {note.id: note for note in stream}
        lines = []
        for note, seal in zip(part, seals, strict=True):
            line: dict[str, Any] = {"seal": seal}
            if note.id in done:
                line |= self._line(done[note.id], note)
            else:
                line |= {"failed": failed[note.id]} if note.id in failed else {"sealed": True}
            lines.append(line)
        return lines

    def _line(self, after: Note, before: Note) -> dict[str, Any]:
        read = after.coverage
        if read is not None and read.n_seen < read.n_total:
            return {"failed": _UNREAD}
        if after.text != before.text:
            return {"failed": "the finder changed its text"}
        return {"found": [list(one) for one in found_in(after, before, self.settings.given)]}

    def _write_part(self, path: Path, lines: Iterable[Mapping[str, Any]]) -> None:
        with atomic_write(path) as file:
            _write_lines(file, lines)

    def _part(self, k: int) -> Path:
        return self.work / f"found-{k:05d}.jsonl"

    def _with_found(self) -> Iterator[tuple[Note, dict[str, Any]]]:
        """Yield each note with what was found in it.

        Raises
        ------
        DataError
            The input has changed since it was looked at.
        """
        lines = chain.from_iterable(
            _lines(self._part(k)) for k in range(len(list(self.work.glob("found-*.jsonl"))))
        )
        for note in self.notes:
            line = next(lines, {})
            if line.get("seal") != self._seal_of_input(note):
                raise DataError("notes must stay as they are while they are read, got others now")
            yield note, line

    def _seal_of_input(self, note: Note) -> str:
        """Return by what a note is known again of which all was found that is in it."""
        given = self.settings.given
        marks = [e for e in note.entities if e.label in given] if given else ()
        spans = [f"{e.label} {[*map(tuple, e.pieces)]}" for e in marks]
        return self.key.seal("input", note.id, note.text, note.patient or "", *spans)

    # --- one note --------------------------------------------------------------------------

    def _one(self, note: Note, line: Mapping[str, Any], place: int) -> Replaced | None:
        if "failed" in line:
            self.summary.failed[place] = str(line["failed"])
            return None
        if "sealed" in line:
            self.summary.n_sealed += 1
            return Replaced(note, (), 0)
        try:
            made = self.made.replaced(note, _found_of(line))
        except Exception as error:
            self.summary.failed[place] = type(error).__name__
            return None
        if self._still_stands(made.note, note.patient):
            self.summary.failed[place] = _STANDING
            return None
        return made

    def _still_stands(self, made: Note, who: str | None) -> bool:
        values = (value for value in self.known.get(who or "", ()))
        wanted = [v for v in values if sum(c.isalnum() for c in v) >= _FEWEST]
        forms = {form for v in wanted for form in (v, v.upper(), v.title())}
        return any(
            re.search(rf"(?<!\w){re.escape(form)}(?!\w)", made.text) is not None for form in forms
        )

    def _count(self, made: Replaced, before: Note) -> None:
        summary = self.summary
        summary.n_notes += 1
        summary.n_chars += len(made.note.text)
        summary.n_words += len(made.note.text.split())
        summary.n_masked_dates += made.n_masked_dates
        summary.n_without_patient += before.patient is None
        summary.found.update((one.label, one.finder) for _, one in made.found)

    def _told(self) -> dict[str, Any]:
        s = self.summary
        found = [
            {"label": label, "finder": finder, "n": n}
            for (label, finder), n in sorted(s.found.items())
        ]
        return {
            "clinnlp": __version__,
            "settings": settings_to(self.settings),
            "language": self.made.language,
            "n_notes": s.n_notes,
            "n_words": s.n_words,
            "n_chars": s.n_chars,
            "n_sealed": s.n_sealed,
            "n_masked_dates": s.n_masked_dates,
            "n_without_patient": s.n_without_patient,
            "n_unreadable": len(s.unreadable),
            "failed": {str(place): why for place, why in s.failed.items()},
            "found": found,
        }


def _seals_beside(notes: Notes) -> frozenset[str]:
    """Return the seals of notes that an earlier run has made, where it wrote them beside."""
    found: set[str] = set()
    listed = {path.absolute() for path, _ in notes.files}
    for path in listed | {path.parent for path in listed}:
        seals = work_folder(path) / _SEALS if path.name else path
        if path.name and seals.is_file():
            found.update(seals.read_text(encoding="ascii").split())
    return frozenset(found)


def _found_of(line: Mapping[str, Any]) -> list[Found]:
    return [Found(*one) for one in line["found"]]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with open(path, encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)


def _write_lines(file: IO[str], lines: Iterable[Mapping[str, Any]]) -> None:
    for line in lines:
        file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")

"""One document at a time: what the readers and writers of all formats share.

A format is a table of what maps to what and three small functions: `split` finds the documents
of a file as they stand there, `parse` makes a note of one of them, `encode` writes one note.
Streaming, errors with file and line, skipping what is bad, repairs, ids and outputs that are whole
or absent are written here, once.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import count
from pathlib import Path, PurePosixPath

from clinnlp.core.errors import ArgumentError, DataError, instead_of
from clinnlp.core.files import atomic_folder, atomic_write
from clinnlp.core.notes import Entity, Note
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import encode, write_bytes
from clinnlp.io.files.packing import packing, plain_name
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.losses import EVERYTHING
from clinnlp.io.notes.values import check_values

__all__ = [
    "Format",
    "Reading",
    "add_id",
    "beside",
    "file_writer",
    "find_in_folder",
    "folder_writer",
    "id_of",
    "split_files",
    "text_beside",
]

Write = Callable[[Iterable[Note], Path], int]
Fitting = Callable[[Note], Sequence[Entity]]
Look = Callable[[Path, str], bool]

_LONGEST_NAME = 200  # bytes of an id in the name of a file, which its suffix makes longer
_SURELY = 1000  # bad documents in a row, and no other, after which a file is not read on


@dataclass(slots=True)
class Reading:
    """What a pass over files may forgive, and what it has met."""

    seen: set[str] = field(default_factory=set)
    repeats: "Counter[str]" = field(default_factory=Counter)  # last number given to an id
    skipped: list[DataError] | None = None  # bad documents go here; None: the first is raised
    repairs: "Counter[str] | None" = None  # repaired offsets, by what was wrong with them
    number_repeated: bool = False  # a repeated id becomes ``id#2``; else it is refused
    n_excluded: "Counter[str]" = field(default_factory=Counter)  # what is in no note, by reason

    def check_any(self, path: Path) -> None:
        """Raise `DataError` where bad documents are left out and none is left, of all files.

        Without leaving out, files without documents are valid; with it they are not told from
        files of which every document was lost.
        """
        if self.skipped is not None and not self.seen:
            n = len(self.skipped)
            got = f"{n} bad ones; the first: {self.skipped[0]}" if n else "none"
            raise DataError(f"a document must be left to read, got {got}", path=path)


class _Forgiven:
    """What was left out of one file, and whether the file itself is at fault."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.errors: list[DataError] = []
        self.are_files = False  # one to each document
        self.n_good = 0
        self.is_encoded = False  # text beyond ASCII was read, so that the encoding is right

    def add_good(self, note: Note) -> None:
        self.n_good += 1
        self.is_encoded = self.is_encoded or not note.text.isascii()

    def add_bad(self, error: DataError, *, is_file: bool = False) -> None:
        """Count a document as bad; one that is a file says nothing of others that can be read."""
        self.errors.append(error)
        self.are_files = is_file
        if len(self.errors) == _SURELY and not self.n_good:
            self.check()

    def check(self) -> None:
        """Raise `DataError` where not a document but the file is at fault.

        Of a file of another format, separator or header no document can be read; one of another
        encoding has no text beyond ASCII that can be.
        """
        if not self.is_encoded and not (self.are_files and self.n_good):
            wrong = next((error for error in self.errors if error.of_encoding), None)
            if wrong is not None:
                raise wrong
        if len(self.errors) > 1 and not self.n_good:
            first = self.errors[0]
            raise DataError(
                f"a file must have a document that can be read, got {len(self.errors)} bad ones; "
                f"name another format, columns or encoding; the first: {first.message}",
                path=first.path,
                line=first.line,
                note=first.note,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """How a format is recognised, split, parsed and written, and what it holds (see `losses`).

    Parameters
    ----------
    suffixes : tuple of str
        Ends of the names of files that are of this format; the longest that fits counts.
    looks : dict of str to bytes or callable
        For a suffix that several formats share, such as ``.xml``: a pattern that the head of a
        file of this one has, or what tells of a path and its encoding whether it is one. Empty: it
        takes what no other does.
    split : callable
        `Source` to an iterator of `Document`; as little as needed is looked at.
    parse : callable
        `Document` to `Note`; raises `DataError`.
    write : callable, optional
        Notes and a path to the number written; absent where a format is only read.
    holds : frozenset of str
        The fields of notes that it keeps.
    fitting : callable, optional
        Of a note, the mentions that it can hold together; where absent they are found by trial.
    in_folder : bool
        A folder is one collection, with files to each document or with tables of all.
    mark : str
        A suffix; a folder is of this format where a file anywhere below has it.
    packs : bool
        What is written may be packed: a file of it, not a folder.
    fits_folder : callable, optional
        Whether the tables that a folder holds make it one collection of this format.
    named : bool
        The caller may say which columns are which field of a note.
    """

    suffixes: tuple[str, ...]
    split: Callable[[Source], Iterator[Document]]
    parse: Callable[[Document], Note]
    write: Write | None = None
    holds: frozenset[str] = EVERYTHING
    fitting: Fitting | None = None
    in_folder: bool = False
    looks: Mapping[str, bytes | Look] = field(default_factory=dict)
    mark: str = ""
    packs: bool = True
    fits_folder: Callable[[Path], bool] | None = None
    named: bool = False

    @property
    def takes_any(self) -> bool:
        """Whether a file may be of this format for want of another."""
        return b"" in self.looks.values()

    def read(self, source: str | Path | Source, reading: Reading | None = None) -> Iterator[Note]:
        """Yield the notes of a file or folder, one document at a time, without their sidecar.

        Raises
        ------
        DataError
            With file and line, at the first document that is bad (see `Reading.skipped`), and
            where the file itself is at fault.
        """
        for _, _, note in self.documents(source, reading):
            yield note

    def documents(
        self, source: str | Path | Source, reading: Reading | None = None
    ) -> Iterator[tuple[int, Document, Note]]:
        """Yield ``(position from 0, document, its note)``; see `read`."""
        source = source if isinstance(source, Source) else Source(Path(source))
        reading = Reading() if reading is None else reading
        found = self.split(source._replace(n_excluded=reading.n_excluded))
        forgiven = _Forgiven(source.path)
        for position in count():
            document: Document | None = None
            failure: DataError | None = None
            try:
                document = next(found)
                note = self.note_of(document, reading)
            except StopIteration:
                break
            except DataError as error:
                failure = error.at(source.path)
            if failure is None:
                assert document is not None
                if reading.skipped is not None:
                    forgiven.add_good(note)
                yield position, document, note
            elif reading.skipped is None or document is None:  # which hides all that follows
                raise failure from None
            else:
                reading.skipped.append(failure)
                forgiven.add_bad(failure, is_file=len(document.files) > 0)
        forgiven.check()

    def note_of(self, document: Document, reading: Reading) -> Note:
        """Return the note of one document."""
        with instead_of(_UNFIT, partial(_unfit, document)):
            if isinstance(document.data, DataError):
                raise document.data
            counted = document._replace(repairs=reading.repairs, n_excluded=reading.n_excluded)
            note = check_values(self.parse(counted))
            return _with_own_id(note, reading, document)


_UNFIT = (DataError, ArithmeticError, RecursionError)


def _unfit(document: Document, error: Exception) -> DataError:
    if isinstance(error, DataError):
        return error.at(document.path, document.line)
    return document.wrong("a document must have the form of its format, got another")


def add_id(seen: set[str], id: str, path: str | Path | None, line: int | None = None) -> None:
    """Add a note id to those seen, or raise `DataError` where it stands there already."""
    if id in seen:
        raise DataError(
            f"ids of notes must be unique, got {id!r} a second time", path=path, line=line
        )
    seen.add(id)


def id_of(path: Path, position: int) -> str:
    """Return the id of a document that names none: its file and its position from 0."""
    return f"{path.name.split('.')[0]}-{position}"


def find_in_folder(path: Path, suffix: str) -> list[tuple[str, Path]]:
    """Return ``(note id, file)`` for the files that end in `suffix`, sorted; or the one file.

    An id is the path below the folder without suffix, which may be in any case.

    Raises
    ------
    DataError
        The folder has packed files of this kind, which are not read.
    """
    if not path.is_dir():
        own = path.suffix.lower() == suffix.lower()
        return [(path.name[: -len(suffix)] if own else path.name, path)]
    named = [p for p in path.rglob("*") if not p.name.startswith(".")]
    packed = sorted(p for p in named if packing(p) and plain_name(p).endswith(suffix))
    if packed:
        raise DataError(
            f"a {suffix} in a folder is read unpacked, got {packing(packed[0])}", path=packed[0]
        )
    files = files_of(path, (p for p in named if p.name.lower().endswith(suffix)))
    return [(str(PurePosixPath(p.relative_to(path)))[: -len(suffix)], p) for p in files]


def beside(path: Path, suffix: str) -> Path:
    """Return the file of another suffix that belongs to one, in small or capital letters."""
    named = [path.with_suffix(s) for s in (suffix, suffix.upper(), suffix.title())]
    return next((p for p in named if p.is_file()), named[0])


def text_beside(path: Path) -> Path:
    """Return a folder as it is, and of a file the ``.txt`` that it is or belongs to.

    Raises
    ------
    DataError
        There is none, or the file is packed.
    """
    if path.is_dir():
        return path
    if packing(path):
        raise DataError(
            f"files of text and marks are read unpacked, got {packing(path)}", path=path
        )
    text = path if path.suffix.lower() == ".txt" else beside(path, ".txt")
    if not text.is_file():
        raise DataError("no such file", path=text)
    return text


def split_files(source: Source, *, suffix: str) -> Iterator[Document]:
    """Give each file of a folder that ends in `suffix`, or the one file, as a document."""
    for note_id, path in find_in_folder(source.path, suffix):
        yield Document(path, 1, path, note_id, source.encoding, files=(path,))


def file_writer(
    encode_one: Callable[[Note], str], *, head: str = "", between: str = "", tail: str = ""
) -> Write:
    """Return a writer of files that hold one note after the other, and appear when whole."""

    def write(notes: Iterable[Note], path: Path) -> int:
        n = 0
        with write_bytes(path) as handle:
            handle.write(head.encode())
            for note in notes:
                handle.write(encode((between if n else "") + encode_one(note), note=note.id))
                n += 1
            handle.write(tail.encode())
        return n

    return write


def folder_writer(
    contents: Callable[[Note], Mapping[str, str]],
    *,
    suffix: str,
    closing: Callable[[Iterable[Note]], tuple[Iterable[Note], Callable[[], Mapping[str, str]]]]
    | None = None,
) -> Write:
    """Return a writer of folders with the files of each note, or of the files of one note.

    `contents` gives what stands in a file, by suffix; a path that ends in `suffix` is one note.
    `closing` may watch the notes and then gives the files that stand in the folder itself.
    """

    def write(notes: Iterable[Note], path: Path) -> int:
        path = Path(path)
        if path.suffix.lower() == suffix:
            return _write_one(notes, path, contents, suffix)
        if path.is_file() or (path.is_dir() and any(path.iterdir())):
            raise ArgumentError(f"a folder to write must be new or empty, got {path}")
        watched, files = (notes, None) if closing is None else closing(notes)
        seen: set[str] = set()
        with atomic_folder(path) as folder:
            for note in watched:
                add_id(seen, note.id, path)
                target = folder / _file_name(note)
                target.parent.mkdir(parents=True, exist_ok=True)
                for ending, content in contents(note).items():
                    raw = encode(content, note=note.id)
                    target.with_name(target.name + ending).write_bytes(raw)
            for name, content in files().items() if files else ():
                (folder / name).write_bytes(encode(content, note=name))
        return len(seen)

    return write


def _write_one(
    notes: Iterable[Note], path: Path, contents: Callable[[Note], Mapping[str, str]], suffix: str
) -> int:
    listed = list(notes)
    if [note.id for note in listed] != [path.stem]:
        raise DataError(
            f"one {suffix} file holds one note whose id is {path.stem!r}, got {len(listed)} "
            "notes; write to a folder",
            path=path,
        )
    for ending, content in contents(listed[0]).items():
        target = path if ending == suffix else path.with_suffix(ending)
        with atomic_write(target, "wb") as handle:
            handle.write(encode(content, note=listed[0].id))
    return 1


def _file_name(note: Note) -> PurePosixPath:
    name = PurePosixPath(note.id)
    plain = note.id == name.as_posix() and "\\" not in note.id and "\0" not in note.id
    if not plain or name.is_absolute() or ".." in name.parts or not name.name:
        raise DataError(
            "a folder holds notes whose id is a relative file name, got another", note=note.id
        )
    if any(len(part.encode("utf-8", "replace")) > _LONGEST_NAME for part in name.parts):
        raise DataError(
            f"a folder holds notes whose id is a file name of at most {_LONGEST_NAME} bytes, got a "
            "longer one"
        )
    return name


def _with_own_id(note: Note, reading: Reading, document: Document) -> Note:
    if reading.number_repeated and note.id in reading.seen:
        k = max(2, reading.repeats[note.id] + 1)
        while f"{note.id}#{k}" in reading.seen:
            k += 1
        reading.repeats[note.id] = k
        note = replace(note, id=f"{note.id}#{k}")
    add_id(reading.seen, note.id, document.path, document.line)
    return note

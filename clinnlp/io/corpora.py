"""One door to every format of notes: `read_notes` and `write_notes`, by suffix or by name.

What `read_notes` returns is re-iterable: each ``iter()`` opens the files anew, and holds at most
one document at a time. Nothing is guessed silently: an unknown suffix is refused by naming the
formats.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Literal

from clinnlp.core.checks import check_file, check_one_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.io.bioc import BIOC_JSON, BIOC_XML
from clinnlp.io.brat import BRAT
from clinnlp.io.conll import CONLL, looks_like_conll
from clinnlp.io.ddi import DDI
from clinnlp.io.docbin import DOCBIN
from clinnlp.io.documents import Format, Reading, Source
from clinnlp.io.fhir import FHIR
from clinnlp.io.i2b2 import I2B2
from clinnlp.io.i2b2_xml import I2B2_XML
from clinnlp.io.jsonl import JSONL
from clinnlp.io.lines import UTF_8, byte_chunks, check_encoding
from clinnlp.io.losses import check_kept
from clinnlp.io.omop import OMOP
from clinnlp.io.phee import PHEE, SPL_ADR
from clinnlp.io.pubtator import PUBTATOR
from clinnlp.io.rows import FORMS
from clinnlp.io.sidecar import sidecar_path, with_sidecar
from clinnlp.io.tabular import COLUMNS, TABLES
from clinnlp.io.xmi import XMI

__all__ = ["FORMATS", "Notes", "OnLoss", "find_format", "read_notes", "write_notes"]

Paths = str | Path | Sequence[str | Path]
OnLoss = Literal["error", "sidecar"]

FORMATS: dict[str, Format] = {
    "jsonl": JSONL,
    "pubtator": PUBTATOR,
    "brat": BRAT,
    "conll": CONLL,
    "bioc-xml": BIOC_XML,
    "bioc-json": BIOC_JSON,
    "docbin": DOCBIN,
    "ddi": DDI,
    "i2b2": I2B2,
    "i2b2-xml": I2B2_XML,
    "xmi": XMI,
    "omop": OMOP,
    "fhir": FHIR,
    "phee-json": PHEE,
    "spl-adr": SPL_ADR,
    **TABLES,
}
_PACKED = (".gz", ".xz")
_HEAD = 4096  # bytes that are looked at where a suffix does not say the format
_LOOKS = {
    ".txt": {"pubtator": rb"\A\s*\d+\|t\|", "brat": b""},
    ".xml": {
        "bioc-xml": rb"<collection[\s>]",
        "ddi": rb"<document\s[^>]*>\s*<sentence\s",
        "xmi": rb"<xmi:XMI[\s>]",
        "i2b2-xml": rb"<TEXT>",
    },
    ".json": {
        "bioc-json": rb'"passages"\s*:|"documents"\s*:\s*\[',
        "phee-json": rb'\s*\{"id".*"is_mult_event"',
        "fhir": rb'"resourceType"\s*:\s*"Bundle"',
        "spl-adr": rb'\s*\[\s*\{\s*"label_id"',
    },
}


class Notes:
    """A re-iterable source of notes over one or several files of one or several formats.

    Made by `read_notes`. Ids must be unique over all files. After a pass, `skipped` has the
    errors of the documents left out (with `skip_bad`), and `repairs` counts the mentions moved
    to their text (with `repair`), by what was wrong with their offsets.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, str]],
        columns: Mapping[str, str],
        *,
        encoding: str = UTF_8,
        skip_bad: bool = False,
        repair: bool = False,
        number_repeated: bool = False,
    ) -> None:
        self.files = tuple(files)
        self.columns = dict(columns)
        self.encoding = encoding
        self.skipped: list[DataError] = []
        self.repairs: Counter[str] = Counter()
        self._skip_bad, self._repair, self._number = skip_bad, repair, number_repeated

    def reading(self) -> Reading:
        """Return the state of a new pass, and forget what the last one met."""
        self.skipped, self.repairs = [], Counter()
        return Reading(
            skipped=self.skipped if self._skip_bad else None,
            repairs=self.repairs if self._repair else None,
            number_repeated=self._number,
        )

    def source(self, path: Path) -> Source:
        """Return one of `files` with how it is to be read."""
        return Source(path, self.encoding, self.columns)

    def __iter__(self) -> Iterator[Note]:
        reading = self.reading()
        for path, name in self.files:
            yield from FORMATS[name].read(self.source(path), reading)

    def __repr__(self) -> str:
        formats = sorted({name for _, name in self.files})
        return f"Notes({len(self.files)} files, {', '.join(formats)})"


def read_notes(
    source: Paths,
    *,
    format: str | None = None,
    encoding: str = UTF_8,
    skip_bad: bool = False,
    repair: bool = False,
    number_repeated: bool = False,
    **columns: str,
) -> Notes:
    """Return a re-iterable source of the notes in a file, a folder or a list of both.

    Parameters
    ----------
    source : path or list of paths
        Files may end in ``.gz`` or ``.xz``.
    format : str, optional
        A key of `FORMATS`; by suffix where absent.
    encoding : str
        Of the text; UTF-16 with its mark is known without being named. XML says its own.
    skip_bad : bool
        Leave out documents that are wrong, and list their errors in `Notes.skipped`; else the
        first is raised.
    repair : bool
        Move mentions whose offsets count bytes, UTF-16, or are off by one to where their text
        stands, and count them in `Notes.repairs` (see `io.offsets`); else they are refused.
    number_repeated : bool
        Call the second note of an id ``id#2``; else it is refused.
    **columns : str
        For tables: which column is ``text``, ``id``, ``patient``, ``encounter``, ``time``,
        ``known``, ``kind``, ``label`` (see `clinnlp.io.tabular`).

    Raises
    ------
    DataError
        No such file, a suffix of no known format, or, while reading, a record that is wrong.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = tempfile.TemporaryDirectory()
    >>> path = pathlib.Path(folder.name, "notes.jsonl")
    >>> write_notes([Note(id="n1", text="No cough.")], path)
    1
    >>> [note.id for note in read_notes(path)]
    ['n1']
    >>> folder.cleanup()
    """
    _check_format(format)
    listed = [source] if isinstance(source, str | Path) else list(source)
    if not listed:
        raise ArgumentError("at least one file must be given, got none")
    encoding = check_encoding(encoding)
    look = partial(_guess, columns=bool(columns), encoding=encoding)
    files: list[tuple[Path, str]] = []
    for path in map(Path, listed):
        if path.is_dir():
            files += _in_folder(path, format, look)
        else:
            name = format or look(check_file(path))
            if name is None:
                raise _unknown(path)
            files.append((check_file(path), name))
    _check_columns(columns, files)
    return Notes(
        files,
        columns,
        encoding=encoding,
        skip_bad=skip_bad,
        repair=repair,
        number_repeated=number_repeated,
    )


def write_notes(
    notes: Iterable[Note],
    path: str | Path,
    *,
    format: str | None = None,
    on_loss: OnLoss = "error",
) -> int:
    """Write notes to a file that appears only when whole, and return how many.

    Parameters
    ----------
    notes : iterable of Note
    path : path
    format : str, optional
        A key of `FORMATS`; by suffix where absent.
    on_loss : {"error", "sidecar"}
        What happens to that which the format cannot hold: the note is refused, naming it; or it
        is written to ``<path>.sidecar.jsonl``, from which `read_notes` puts it back. Text that a
        format cannot hold is refused either way.

    Raises
    ------
    DataError
        A note that the format cannot hold, naming what; nothing is dropped silently.
    RunError
        The disk is full or may not be written.
    """
    _check_format(format)
    check_one_of(on_loss, ("error", "sidecar"), name="on_loss")
    path = Path(path)
    name = format or by_suffix(path)
    if name is None:
        raise _unknown(path)
    found = FORMATS[name]
    if found.write is None:
        can = (known for known, entry in FORMATS.items() if entry.write is not None)
        raise ArgumentError(f"format to write must be one of {', '.join(can)}, got {name!r}")
    if on_loss == "sidecar":
        return with_sidecar(notes, path, found, found.write)
    n = found.write(check_kept(notes, found.holds, name), path)
    sidecar_path(path).unlink(missing_ok=True)  # of what stood here before
    return n


def find_format(path: str | Path, *, columns: bool = False) -> str:
    """Return the name of a file's format, by its suffix or, for ``.txt`` and ``.tsv``, a look.

    Parameters
    ----------
    path : str or Path
    columns : bool
        Whether the caller named columns, so that a ``.tsv`` can only be a table.

    Raises
    ------
    DataError
        No such file, or no known format.
    """
    path = check_file(path)
    name = _guess(path, columns=columns, encoding=UTF_8)
    if name is None:
        raise _unknown(path)
    return name


def _guess(path: Path, *, columns: bool, encoding: str) -> str | None:
    name = by_suffix(path)
    if name == "tsv" and not columns and looks_like_conll(path, encoding):
        return "conll"
    return name or _look(path, encoding)


def _look(path: Path, encoding: str) -> str | None:
    """Return the format that the head of a file is of, for suffixes that several share."""
    looks = _LOOKS.get(Path(_unpacked(path)).suffix)
    if looks is None:
        return None
    head = next(byte_chunks(path, encoding), b"")[:_HEAD]
    return next((name for name, look in looks.items() if re.search(look, head)), None)


def _unpacked(path: Path) -> str:
    """Return the name of a file in small letters, without the suffix of its packing."""
    name = path.name.lower()
    for packed in _PACKED:
        name = name.removesuffix(packed)
    return name


def by_suffix(path: Path) -> str | None:
    """Return the format that the name of a file stands for, packed or not, or None."""
    name = _unpacked(path)
    fits = [
        (len(suffix), known)
        for known, entry in FORMATS.items()
        for suffix in entry.suffixes
        if name.endswith(suffix)
    ]
    return max(fits)[1] if fits else None


def _in_folder(
    folder: Path, format: str | None, look: Callable[[Path], str | None]
) -> list[tuple[Path, str]]:
    if format is not None and FORMATS[format].in_folder:
        return [(folder, format)]
    for suffix, name in ((".ann", "brat"), (".con", "i2b2")):
        if format is None and next(folder.rglob(f"*{suffix}"), None) is not None:
            return [(folder, name)]
    files = sorted(p for p in folder.iterdir() if p.is_file() and not _is_aside(p))
    if not files and format is None:  # a corpus in folders of folders
        files = sorted(p for p in folder.rglob("*.xml") if not _is_aside(p))[:1]
    found = [(path, look(path)) for path in files]
    named = [(path, name) for path, name in found if name is not None and format in (None, name)]
    marked = [(path, name) for path, name in named if name != "brat"]  # not just some text
    if not named:
        raise DataError(f"a folder must hold files of {format or _listed()}", path=folder)
    whole = {name for _, name in marked or named if FORMATS[name].in_folder}
    one_file = [(path, name) for path, name in marked if name not in whole]
    return [*((folder, name) for name in sorted(whole)), *one_file]


def _is_aside(path: Path) -> bool:
    """Return whether a file in a folder is hidden, or the sidecar of another."""
    return path.name.startswith(".") or path.name.endswith(sidecar_path(Path("x")).name[1:])


def _check_format(format: str | None) -> None:
    if format is not None and format not in FORMATS:
        raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")


def _check_columns(columns: dict[str, str], files: Sequence[tuple[Path, str]]) -> None:
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    other = sorted({name for _, name in files if name not in FORMS})
    if columns and other:
        raise ArgumentError(f"columns can be named for tables only, got {', '.join(other)}")


def _listed() -> str:
    suffixes = {name: f" ({', '.join(f.suffixes)})" for name, f in FORMATS.items() if f.suffixes}
    return ", ".join(name + suffixes.get(name, "") for name in FORMATS)


def _unknown(path: Path) -> DataError:
    return DataError(
        f"the suffix must be one of a known format, got {path.suffix or 'none'}; "
        f"give format= one of {_listed()}",
        path=path,
    )

"""One door to every format of notes: `read_notes` and `write_notes`, by suffix or by name.

What `read_notes` returns is re-iterable: each ``iter()`` opens the files anew, and holds at most
one document at a time. Nothing is guessed silently: an unknown suffix is refused by naming the
formats.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from clinnlp.core.checks import check_one_of
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.notes import Note
from clinnlp.core.places import is_stream
from clinnlp.io.files.dialect import Dialect, check_unsaid
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.source import Source
from clinnlp.io.notes.documents import Reading
from clinnlp.io.notes.formats import FORMATS, check_format, formats_of, n_left_out, writer_of
from clinnlp.io.notes.losses import check_kept
from clinnlp.io.notes.sidecar import restored, sidecar_path, with_sidecar
from clinnlp.io.notes.tables import COLUMNS
from clinnlp.io.notes.values import check_values

__all__ = ["Notes", "OnLoss", "read_notes", "write_notes"]

_RECORDS = {"omop": "a record of OMOP", "mimic": "a record of MIMIC"}  # of a form of their own

_CAS = ("xmi", "cas-json", "webanno-tsv")

Paths = str | Path | Sequence[str | Path]
OnLoss = Literal["error", "sidecar"]


_BESIDE = "file or folder beside files of a known format (give it by itself)"


class Notes:
    """A re-iterable source of notes over one or several files of one or several formats.

    Made by `read_notes`. Ids must be unique over all files. After a pass, `skipped` has the
    errors of the documents left out (with `skip_bad`), and `repairs` counts the mentions moved
    to their text (with `repair`), by what was wrong with their offsets, and `n_excluded` what a
    source holds beside its notes and no note could take, by reason.
    """

    def __init__(
        self,
        files: Sequence[tuple[Path, str]],
        columns: Mapping[str, str],
        *,
        layers: Mapping[str, str] | None = None,
        encoding: str = UTF_8,
        dialect: Dialect | None = None,
        skip_bad: bool = False,
        repair: bool = False,
        number_repeated: bool = False,
        n_left_out: int = 0,
    ) -> None:
        self.files, self._n_left_out = tuple(files), n_left_out
        self.columns = dict(columns)
        self.layers = dict(layers or {})
        self.encoding = encoding
        self.dialect = dialect or Dialect(encoding=encoding)
        self.skipped: list[DataError] = []
        self.repairs: Counter[str] = Counter()
        self.n_excluded: Counter[str] = Counter()
        self._skip_bad, self._repair, self._number = skip_bad, repair, number_repeated

    def reading(self) -> Reading:
        """Return the state of a new pass, and forget what the last one met."""
        self.skipped, self.repairs, self.n_excluded = [], Counter(), Counter()
        if self._n_left_out:
            self.n_excluded[_BESIDE] = self._n_left_out
        return Reading(
            skipped=self.skipped if self._skip_bad else None,
            repairs=self.repairs if self._repair else None,
            number_repeated=self._number,
            n_excluded=self.n_excluded,
        )

    def source(self, path: Path) -> Source:
        """Return one of `files` with how it is to be read."""
        return Source(path, self.encoding, self.columns, dialect=self.dialect, layers=self.layers)

    def __iter__(self) -> Iterator[Note]:
        reading = self.reading()
        for path, name in self.files:
            yield from restored(FORMATS[name], path).read(self.source(path), reading)
        reading.check_any(self.files[0][0])

    def __repr__(self) -> str:
        formats = sorted({name for _, name in self.files})
        return f"Notes({len(self.files)} files, {', '.join(formats)})"


def read_notes(
    source: Paths,
    *,
    format: str | None = None,
    encoding: str = UTF_8,
    dialect: Dialect | None = None,
    skip_bad: bool = False,
    repair: bool = False,
    number_repeated: bool = False,
    layers: Mapping[str, str] | None = None,
    **columns: str,
) -> Notes:
    """Return a re-iterable source of the notes in a file, a folder or a list of both.

    Parameters
    ----------
    source : path or list of paths
        Files may end in ``.gz`` or ``.xz``.
    format : str, optional
        A key of `io.notes.formats.FORMATS`; by suffix where absent.
    encoding : str
        Of the text; UTF-16 with its mark is known without being named. XML says its own.
    dialect : Dialect, optional
        How tables of text are written: separator, times, and the encoding in place of `encoding`.
        What it does not say is found by looking.
    skip_bad : bool
        Leave out documents that are wrong, and list their errors in `Notes.skipped`; else the
        first is raised. A file that is wrong as a whole (another format, separator or encoding, a
        missing column, a broken end) is refused all the same, and so is one without documents.
    repair : bool
        Move mentions whose offsets count bytes, UTF-16, or are off by one to where their text
        stands, and count them in `Notes.repairs` (see `io.notes.offsets`); else they are refused.
    number_repeated : bool
        Call the second note of an id ``id#2``; else it is refused.
    layers : dict of str to str, optional
        For UIMA (``xmi``, ``cas-json``, ``webanno-tsv``): which layers are mentions, by full or
        short name, and which feature of each is the label (see `clinnlp.io.notes.xmi`).
    **columns : str
        For tables, and JSON Lines whose keys are called otherwise: which column is ``text``,
        ``id``, ``patient``, ``encounter``, ``time``, ``known``, ``kind``, ``label`` (see
        `clinnlp.io.notes.tables`).

    Returns
    -------
    notes : Notes
        Each ``iter()`` reads the files anew; ``skipped``, ``repairs`` and ``n_excluded`` say
        what the last pass met.

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
    check_format(format)
    listed = [source] if isinstance(source, str | Path) else list(source)
    if not listed:
        raise ArgumentError("at least one file must be given, got none")
    dialect = dialect or Dialect(encoding=encoding)
    encoding = dialect.encoding or UTF_8
    files = formats_of(map(Path, listed), format, columns=bool(columns), encoding=encoding)
    _check_columns(columns, files)
    _check_layers(layers, files)
    for name in sorted({name for _, name in files} & {*_RECORDS}):
        check_unsaid(dialect.said, _RECORDS[name])
    return Notes(
        files,
        columns,
        layers=layers,
        encoding=encoding,
        dialect=dialect,
        skip_bad=skip_bad,
        repair=repair,
        number_repeated=number_repeated,
        n_left_out=0 if format else n_left_out(map(Path, listed), files),
    )


def write_notes(
    notes: Iterable[Note],
    path: str | Path,
    *,
    format: str | None = None,
    on_loss: OnLoss = "error",
) -> int:
    """Write notes to a file that appears only when whole, and return how many.

    A pipe or a device is written through, JSON Lines by default (see `core.places`).

    Parameters
    ----------
    notes : iterable of Note
    path : path
    format : str, optional
        A key of `io.notes.formats.FORMATS`; by suffix where absent.
    on_loss : {"error", "sidecar"}
        What happens to that which the format cannot hold: the note is refused, naming it; or it
        is written to ``<path>.sidecar.jsonl``, from which `read_notes` puts it back. Text that a
        format cannot hold is refused either way.

    Returns
    -------
    int
        How many notes were written.

    Raises
    ------
    DataError
        A note that the format cannot hold, naming what; nothing is dropped silently.
    RunError
        The disk is full or may not be written.

    Examples
    --------
    >>> import tempfile
    >>> folder = tempfile.TemporaryDirectory()
    >>> write_notes([Note(id="n1", text="No cough.")], f"{folder.name}/notes.csv")
    1
    >>> [note.text for note in read_notes(f"{folder.name}/notes.csv")]
    ['No cough.']
    >>> folder.cleanup()
    """
    check_format(format)
    check_one_of(on_loss, ("error", "sidecar"), name="on_loss")
    path = Path(path)
    name, form, write = writer_of(path, format)
    notes = map(check_values, notes)  # what is written can be read
    if is_stream(path):
        check_one_of(on_loss, ("error",), name="on_loss of a pipe or device")
        return write(check_kept(notes, form.holds, name), path)
    if on_loss == "sidecar":
        return with_sidecar(notes, path, form, write)
    n = write(check_kept(notes, form.holds, name), path)
    sidecar_path(path).unlink(missing_ok=True)  # of what stood here before
    return n


def _check_columns(columns: dict[str, str], files: Sequence[tuple[Path, str]]) -> None:
    unknown = sorted(set(columns) - set(COLUMNS))
    if unknown:
        raise ArgumentError(f"columns of notes are {', '.join(COLUMNS)}, got {', '.join(unknown)}")
    other = sorted({name for _, name in files if not FORMATS[name].named})
    if columns and other:
        raise ArgumentError(
            f"columns can be named for tables and JSON Lines only, got {', '.join(other)}"
        )


def _check_layers(layers: Mapping[str, str] | None, files: Sequence[tuple[Path, str]]) -> None:
    other = sorted({name for _, name in files if name not in _CAS})
    if layers and other:
        raise ArgumentError(f"layers can be named for a CAS only, got {', '.join(other)}")

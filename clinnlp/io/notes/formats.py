"""Which formats of notes there are, and how a file or a folder is known to be of one.

A format says all about itself in one file: names, looks, folders, reading, writing (`Format`).
To add one, write that file beside this one, and its line in `FORMATS`; it is imported when it
is first asked for, and keeps its heavy libraries inside the functions that need them, because a
suffix is looked up among all.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from importlib import import_module
from itertools import islice
from pathlib import Path

from clinnlp.core.checks import check_file
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.places import is_stream
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.lines import UTF_8, byte_chunks
from clinnlp.io.files.packing import check_packing, plain_name
from clinnlp.io.notes.documents import Format, Write
from clinnlp.io.notes.sidecar import sidecar_path
from clinnlp.io.tables.rows import FORMS

__all__ = [
    "FORMATS",
    "by_suffix",
    "check_format",
    "find_format",
    "format_of_folder",
    "formats_of",
    "n_left_out",
    "writer_of",
]

Named = list[tuple[Path, str]]


class _Formats(Mapping[str, Format]):
    """Formats by name, each imported when it is first asked for."""

    def __init__(self, homes: Mapping[str, str]) -> None:
        self._homes = homes
        self._known: dict[str, Format] = {}

    def __getitem__(self, name: str) -> Format:
        if name not in self._known:
            module, _, attribute = self._homes[name].partition(":")
            self._known[name] = getattr(import_module(f"clinnlp.io.notes.{module}"), attribute)
        return self._known[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._homes)

    def __len__(self) -> int:
        return len(self._homes)


# name: module and attribute; where the looks of two fit a file, the first has it
FORMATS: Mapping[str, Format] = _Formats(
    {
        "jsonl": "jsonl:JSONL",
        "doccano-1.4": "tools.doccano:DOCCANO_POINTS",
        "doccano": "tools.doccano:DOCCANO",
        "label-studio": "tools.label_studio:LABEL_STUDIO",
        "prodigy": "tools.prodigy:PRODIGY",
        "medcat": "tools.medcat:MEDCAT",
        "spacy-json": "tools.spacy_json:SPACY_JSON",
        "pubtator": "pubtator:PUBTATOR",
        "conllu": "tools.conllu:CONLLU",
        "conll": "conll:CONLL",
        "brat": "brat:BRAT",
        "bioc-xml": "bioc:BIOC_XML",
        "bioc-json": "bioc:BIOC_JSON",
        "docbin": "docbin:DOCBIN",
        "ddi": "ddi:DDI",
        "i2b2": "i2b2:I2B2",
        "xmi": "xmi:XMI",
        "cas-json": "tools.cas_json:CAS_JSON",
        "webanno-tsv": "tools.webanno_tsv:WEBANNO_TSV",
        "i2b2-xml": "i2b2_xml:I2B2_XML",
        "omop": "omop:OMOP",
        "mimic": "mimic:MIMIC",
        "spans": "tools.spans:SPANS",
        "phee-json": "phee:PHEE",
        "fhir": "fhir_write:FHIR",
        "spl-adr": "phee:SPL_ADR",
        "csv": "tables:CSV",
        "tsv": "tables:TSV",
        "parquet": "tables:PARQUET",
    }
)
_STREAMED = "jsonl"  # what goes through a pipe whose format nobody says
_KEYED = ".json"  # of objects, where the caller names their keys as columns
_HEAD = 4096  # bytes that are looked at where a suffix does not say the format


def formats_of(paths: Iterable[Path], format: str | None, *, columns: bool, encoding: str) -> Named:
    """Return the files to read, with the name of the format of each; a folder may be one.

    Raises
    ------
    DataError
        No such file, or no known format.
    """
    guess = partial(_guess, columns=columns, encoding=encoding)
    files: Named = []
    for path in paths:
        if path.is_dir():
            files += _in_folder(path, format, guess)
        else:
            name = format or guess(check_file(path))
            files.append((check_file(path), _known(name, path)))
    return files


def n_left_out(paths: Iterable[Path], files: Named) -> int:
    """Return how many files and folders inside of some folders no note is read from.

    Of a folder that is a corpus as a whole, none: what stands in it is its own affair.

    Parameters
    ----------
    paths : iterable of Path
        As they were given to `formats_of`.
    files : list of (Path, str)
        What it returned.
    """
    taken = {path for path, _ in files}
    folders = (path for path in paths if path.is_dir() and path not in taken)
    return sum(
        inside not in taken and not _is_aside(inside) and not taken & {*inside.rglob("*")}
        for folder in folders
        for inside in folder.iterdir()
    )


def find_format(path: str | Path, *, columns: bool = False) -> str:
    """Return the name of a file's format, by its suffix or, where several share it, a look.

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
    return _known(_guess(path, columns=columns, encoding=UTF_8), path)


def by_suffix(path: Path) -> str | None:
    """Return the format that the name of a file stands for, packed or not, or None."""
    return _by_suffix(plain_name(path))[1]


def writer_of(path: Path, format: str | None) -> tuple[str, Format, Write]:
    """Return the name of the format to write, `format` or else by suffix, and how to write it.

    A pipe or device without suffix, such as standard output, gets JSON Lines.

    Raises
    ------
    ArgumentError
        The format can only be read, or cannot be packed as the name of the file says.
    DataError
        No known format.
    """
    name = _known(format or by_suffix(path) or (_STREAMED if is_stream(path) else None), path)
    found = FORMATS[name]
    if found.write is None:
        can = (known for known, entry in FORMATS.items() if entry.write is not None)
        raise ArgumentError(f"format to write must be one of {', '.join(can)}, got {name!r}")
    check_packing(path, packs=found.packs)
    return name, found, found.write


def check_format(format: str | None) -> None:
    """Raise `ArgumentError` for a name that is no key of `FORMATS`."""
    if format is not None and format not in FORMATS:
        raise ArgumentError(f"format must be one of {', '.join(FORMATS)}, got {format!r}")


# --- files ---------------------------------------------------------------------------------


def _guess(path: Path, *, columns: bool, encoding: str) -> str | None:
    """Return the format whose name or, unless a longer name says it, whose looks a file has."""
    name = plain_name(path)
    shared = Path(name).suffix
    n, named = _by_suffix(name)
    if named is not None and (columns or n > len(shared)):
        return named
    if columns and shared == _KEYED:
        return _STREAMED
    return _by_look(path, shared, encoding) or named


def _by_suffix(name: str) -> tuple[int, str | None]:
    """Return the length of the longest suffix of a format that a name has, and the format."""
    fits = [
        (len(suffix), known)
        for known, entry in FORMATS.items()
        for suffix in entry.suffixes
        if name.endswith(suffix)
    ]
    return max(fits, default=(0, None))


def _by_look(path: Path, shared: str, encoding: str) -> str | None:
    """Return the format that the head of a file is of, for suffixes that several share."""
    head = cache(lambda: next(byte_chunks(path, encoding), b"")[:_HEAD])
    for name, entry in FORMATS.items():
        look = entry.looks.get(shared)
        if callable(look):
            fits = look(path, encoding)
        else:
            fits = look is not None and re.search(look, head()) is not None
        if fits:
            return name
    return None


# --- folders -------------------------------------------------------------------------------


def _in_folder(folder: Path, format: str | None, guess: Callable[[Path], str | None]) -> Named:
    whole = format or format_of_folder(folder)
    if whole is not None and FORMATS[whole].in_folder:
        return [(folder, whole)]
    guessed = ((path, guess(path)) for path in _listed_files(folder, format, guess))
    named = [(path, name) for path, name in guessed if name is not None]
    files = [(path, name) for path, name in named if format in (None, name)]
    _check_has_notes(folder, {name for _, name in files})
    if not files:
        wanted = format or f"{_listed()}, or .txt files of one note each"
        got = "folders alone; give one of them" if _holds_folders_alone(folder) else "none"
        raise DataError(f"a folder must hold files of {wanted}, got {got}", path=folder)
    return _gathered(folder, files)


def _holds_folders_alone(folder: Path) -> bool:
    inside = [path for path in folder.iterdir() if not path.name.startswith(".")]
    return bool(inside) and all(path.is_dir() for path in inside)


def _check_has_notes(folder: Path, names: set[str]) -> None:
    """Raise `DataError` for a folder of tables that is a record without notes."""
    from clinnlp.io.record.folders import record_source

    record = record_source(folder) if names <= {*FORMS} else None  # or no file at all
    if record is not None:
        raise DataError(
            f"a {record.name} folder must hold a table of notes (NOTE, NOTEEVENTS, discharge or "
            "radiology), got the record alone",
            path=folder,
        )


def format_of_folder(folder: Path) -> str | None:
    """Return the format of which its tables, or a file anywhere below, make the folder."""
    for name, entry in FORMATS.items():
        if entry.fits_folder is not None and entry.fits_folder(folder):
            return name
    suffixes = {path.suffix.lower() for path in folder.rglob("*")}
    return next((name for name, entry in FORMATS.items() if entry.mark in suffixes - {""}), None)


def _listed_files(
    folder: Path, format: str | None, guess: Callable[[Path], str | None]
) -> list[Path]:
    """Return the files of a folder; of a corpus in folders of folders, one."""
    files = files_of(folder, (p for p in folder.iterdir() if p.is_file() and not _is_aside(p)))
    if files or format is not None:
        return files
    below = (p for p in folder.rglob("*") if p.name.lower().endswith(_nested()))
    known = (p for p in files_of(folder, (p for p in below if not _is_aside(p))) if guess(p))
    return [*islice(known, 1)]


@cache
def _nested() -> tuple[str, ...]:
    """Return the suffixes of files that may lie in folders of folders, and that nothing marks."""
    entries = (e for e in FORMATS.values() if e.in_folder and not e.mark and not e.fits_folder)
    return tuple({suffix for entry in entries for suffix in (*entry.looks, *entry.suffixes)})


def _gathered(folder: Path, files: Named) -> Named:
    """Return files with their formats, and once the folder for all those of which it is one.

    Beside files that are surely of a format, those that any text may be do not count.
    """
    files = [(path, name) for path, name in files if not FORMATS[name].takes_any] or files
    whole = sorted({name for _, name in files if FORMATS[name].in_folder})
    alone = [(path, name) for path, name in files if name not in whole]
    return [*((folder, name) for name in whole), *alone]


def _is_aside(path: Path) -> bool:
    """Return whether a file in a folder is hidden, or the sidecar of another."""
    return path.name.startswith(".") or path.name.endswith(sidecar_path(Path("x")).name[1:])


# --- words ---------------------------------------------------------------------------------


def _known(name: str | None, path: Path) -> str:
    if name is not None:
        return name
    suffix = Path(plain_name(path)).suffix
    if path.exists() and any(suffix in entry.looks for entry in FORMATS.values()):
        wrong = f"what a {suffix} begins with must be of a known format, got another, or no notes"
    else:
        wrong = f"the suffix must be one of a known format, got {path.suffix or 'none'}"
    or_keys = ", or name the key of the text of its objects (text=, --text-column)"
    fix = f"give format= one of {_listed()}{or_keys * (suffix == _KEYED)}"
    raise DataError(f"{wrong}; {fix}", path=path)


def _listed() -> str:
    suffixes = {name: f" ({', '.join(f.suffixes)})" for name, f in FORMATS.items() if f.suffixes}
    return ", ".join(name + suffixes.get(name, "") for name in FORMATS)

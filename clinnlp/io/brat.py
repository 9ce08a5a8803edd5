r"""BRAT standoff: a ``.txt`` with the text beside an ``.ann`` with the annotations.

::

    T1 \t Drug 5 12 \t lithium
    T2 \t Effect 28 37;50 58 \t low sodium disorder
    R1 \t Causes Arg1:T1 Arg2:T2
    A1 \t negated T2 true
    N1 \t Reference T1 MeSH:D008094 \t Lithium

=============================== ===========================================================
in the ``.ann``                 in the note
=============================== ===========================================================
``T``: label, offsets           entity; ``a b;c d`` becomes `parts`
``N``: target, ``DB:ID``        ``concepts`` of the entity; where a name follows, it is
                                ``attributes["Reference DB:ID"]``. A concept without database is
                                written ``concept:ID``
``A``, ``M``: name, target,     attribute of the entity or relation, ``True`` without a value;
value                           an assertion axis (``negated true``) is its `assertion`
``R``: label, two arguments     relation with one role for each argument
``E``: label, trigger, roles    relation with the role ``trigger`` and one for each argument
``*``: label, members           relation ``*1``, ``*2``, ... with the role ``members``
``#``: type, target, words      ``attributes[type]`` of the target; about an attribute,
                                ``attributes["type name"]`` of what that one is about
``#`` of type ``clinnlp``       JSON with what BRAT has no line for: scores, sources, cues,
                                numbers, other ids
=============================== ===========================================================

The id of a note is its path below the folder without suffix. A ``.txt`` without ``.ann`` is a note
without annotations. Line ends inside the text are kept as they are. Where a target has the same
attribute twice, the second is called ``name#2``.

References
----------
Stenetorp et al., brat, EACL 2012; https://brat.nlplab.org/standoff.html
"""

from collections.abc import Iterable, Iterator
from pathlib import Path, PurePosixPath

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.files import atomic_folder, atomic_write
from clinnlp.core.notes import Note
from clinnlp.io.brat_lines import ann_lines, parse_ann
from clinnlp.io.lines import add_id, encode, joined, read_lines

__all__ = ["HOLDS", "find_documents", "read_brat", "read_brat_pair", "write_brat"]

HOLDS = frozenset({"entities", "relations"}) | {
    *(f"entity.{f}" for f in ("parts", "concepts", "assertion", "attributes", "score", "source")),
    *(f"relation.{f}" for f in ("attributes", "score", "source")),
}

_MARK = "\ufeff"


def read_brat(path: str | Path, *, seen: set[str] | None = None) -> Iterator[Note]:
    """Yield the notes of a folder (and those in it) or of one ``.ann`` / ``.txt`` pair.

    Parameters
    ----------
    path : str or Path
    seen : set of str, optional
        Ids read before; each new id is added.

    Raises
    ------
    DataError
        With file and line: a line of another form, an unknown target, an ``.ann`` without its
        ``.txt``. `OffsetError` where a mention does not lie inside the text or is not its text.
    """
    path = Path(path)
    seen = set() if seen is None else seen
    for note_id, text in find_documents(path):
        add_id(seen, note_id, text)
        yield read_brat_pair(text, note_id)


def find_documents(path: str | Path) -> list[tuple[str, Path]]:
    """Return ``(note id, .txt file)`` for each document of a folder or of one pair, sorted."""
    path = Path(path)
    if not path.is_dir():
        text = path.with_suffix(".txt")
        if not text.is_file():
            raise DataError("no such file", path=text)
        return [(path.stem, text)]
    for ann in sorted(path.rglob("*.ann")):
        if not ann.with_suffix(".txt").is_file():
            raise DataError("each .ann must have its .txt beside it, got none", path=ann)
    texts = sorted(path.rglob("*.txt"))
    return [(text.relative_to(path).with_suffix("").as_posix(), text) for text in texts]


def read_brat_pair(text: Path, note_id: str) -> Note:
    """Return the note of one ``.txt`` and the ``.ann`` beside it, where there is one."""
    content = joined(read_lines(text))
    ann = text.with_suffix(".ann")
    if not ann.is_file():
        return Note(id=note_id, text=content)
    return parse_ann(Note(id=note_id, text=content), read_lines(ann), ann)


def write_brat(notes: Iterable[Note], path: str | Path) -> int:
    """Write notes to a new folder, or one note to an ``.ann`` / ``.txt`` pair; return how many.

    Raises
    ------
    ArgumentError
        The folder is there and not empty.
    DataError
        A note that BRAT cannot hold, or an id that is no file name.
    """
    path = Path(path)
    if path.suffix.lower() == ".ann":
        return _write_pair(notes, path)
    if path.is_file() or (path.is_dir() and any(path.iterdir())):
        raise ArgumentError(f"a folder to write must be new or empty, got {path}")
    seen: set[str] = set()
    with atomic_folder(path) as folder:
        for note in notes:
            add_id(seen, note.id, path)
            target = folder / _file_name(note)
            target.parent.mkdir(parents=True, exist_ok=True)
            for suffix, content in _contents(note).items():
                target.with_name(target.name + suffix).write_bytes(content)
    return len(seen)


def _write_pair(notes: Iterable[Note], path: Path) -> int:
    listed = list(notes)
    if [note.id for note in listed] != [path.stem]:
        raise DataError(
            f"one .ann file holds one note whose id is {path.stem!r}, got {len(listed)} notes; "
            "write to a folder",
            path=path,
        )
    for suffix, content in _contents(listed[0]).items():
        with atomic_write(path.with_suffix(suffix), "wb") as handle:
            handle.write(content)
    return 1


def _contents(note: Note) -> dict[str, bytes]:
    ann = "".join(f"{line}\n" for line in ann_lines(note))
    mark = _MARK if note.text.startswith(_MARK) else ""  # the reader drops the first one
    return {".txt": encode(mark + note.text, note=note.id), ".ann": encode(ann, note=note.id)}


def _file_name(note: Note) -> PurePosixPath:
    name = PurePosixPath(note.id)
    plain = note.id == name.as_posix() and "\\" not in note.id and "\0" not in note.id
    if not plain or name.is_absolute() or ".." in name.parts or not name.name:
        raise DataError(
            "BRAT holds notes whose id is a relative file name, got another", note=note.id
        )
    return name

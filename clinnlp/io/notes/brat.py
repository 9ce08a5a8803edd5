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
without annotations. Line ends inside the text are kept as they are. A byte-order mark is part of
the text only where the offsets count it. Where a target has the same
attribute twice, the second is called ``name#2``. A folder is written with an
``annotation.conf`` that names its labels, roles and attributes. The ``.ann`` files of n2c2 2018
(medications and adverse drug events) are of this format.

References
----------
Stenetorp et al., brat, EACL 2012; https://brat.nlplab.org/standoff.html
"""

import codecs
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Note
from clinnlp.io.files.lines import open_bytes, read_lines, read_text
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.brat_conf import Conf
from clinnlp.io.notes.brat_lines import ann_lines, parse_ann
from clinnlp.io.notes.documents import (
    Format,
    beside,
    find_in_folder,
    folder_writer,
    text_beside,
)

__all__ = ["BRAT"]

_MARK = "\ufeff"


def _split(source: Source) -> Iterator[Document]:
    path = text_beside(source.path)
    for _, ann in find_in_folder(path, ".ann") if path.is_dir() else ():
        if not beside(ann, ".txt").is_file():
            alone = DataError("each .ann must have its .txt beside it, got none", path=ann)
            yield Document(ann, None, alone)
    for note_id, text in find_in_folder(path, ".txt"):
        ann = beside(text, ".ann")
        yield Document(ann, None, text, note_id, source.encoding, files=(text, ann))


def _parse(document: Document) -> Note:
    note = Note(id=document.name, text=read_text(document.data, document.encoding))
    if not document.path.exists():
        return note
    if _is_marked(document.data) and not note.text.startswith(_MARK):  # two marks are our own
        try:  # offsets may count the mark
            marked = replace(note, text=_MARK + note.text)
            found = _annotated(marked, document._replace(repairs=None))
        except OffsetError:
            return _annotated(note, document)
        return found if found.entities else note
    return _annotated(note, document)


def _annotated(note: Note, document: Document) -> Note:
    return parse_ann(note, read_lines(document.path, document.encoding), document)


def _is_marked(path: Path) -> bool:
    with open_bytes(path) as handle:
        return handle.read(len(codecs.BOM_UTF8)) == codecs.BOM_UTF8


def _contents(note: Note) -> dict[str, str]:
    mark = _MARK if note.text.startswith(_MARK) else ""  # the reader drops the first one
    ann = "".join(f"{line}\n" for line in ann_lines(note))
    return {".txt": mark + note.text, ".ann": ann}


def _closing(notes: Iterable[Note]) -> tuple[Iterable[Note], Callable[[], Mapping[str, str]]]:
    """Watch notes for their labels, and then give the ``annotation.conf`` with them."""
    conf = Conf()

    def watched() -> Iterator[Note]:
        for note in notes:
            conf.add(note)
            yield note

    return watched(), lambda: {"annotation.conf": conf.text}


BRAT = Format(
    suffixes=(".ann",),
    looks={".txt": b""},
    split=_split,
    parse=_parse,
    write=folder_writer(_contents, suffix=".ann", closing=_closing),
    holds=frozenset({"entities", "relations"})
    | {f"entity.{f}" for f in ("parts", "concepts", "assertion", "attributes", "score", "source")}
    | {f"relation.{f}" for f in ("attributes", "score", "source")},
    in_folder=True,
    packs=False,
    mark=".ann",
)

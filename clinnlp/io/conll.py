r"""CoNLL: one token per line with its tag in the last column, a blank line after each sentence.

::

    -DOCSTART- (n1) \t O

    Tricuspid \t B-Disease
    valve \t I-Disease
    and \t O

============================ ==============================================================
in the file                  in the note
============================ ==============================================================
tokens of a sentence         text: joined by one blank; ``tokens`` and ``sentences`` are set
blank line                   one newline between sentences
tags (IOB1, IOB2, IOBES,     entities ``T1``, ``T2``, ... in text order
BILOU)
``-DOCSTART-``               begins a note; its id in brackets, else ``<file>-<n>``
no ``-DOCSTART-``            every sentence is a note ``<file>-<n>``, n from 0
============================ ==============================================================

A file begins with ``-DOCSTART-`` or has none. Columns stand between tabs, or blanks where a line
has no tab. The format has lost the text between tokens, so what is read is a text of its own.
The writer takes `Note.tokens`, or `core.tokens.tokenize` where there are none, writes IOB2, and
refuses mentions that overlap, have several pieces, or do not begin and end with a token. White
space between tokens is what CoNLL gives up; nothing else.

References
----------
Tjong Kim Sang and De Meulder, CoNLL-2003; Crichton et al., BMC Bioinformatics 2017.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import TagRange, decode_tags, encode_tags
from clinnlp.core.tokens import tokenize
from clinnlp.io.lines import add_id, encode, read_lines, write_bytes

__all__ = ["HOLDS", "looks_like_conll", "read_conll", "write_conll"]

HOLDS = frozenset({"entities", "tokens", "sentences"})

_START = "-DOCSTART-"
_START_ID = re.compile(r"-DOCSTART-[ \t]+\((?P<id>[^\t]*)\)[ \t]+O")
_TAG = re.compile(r"O|[BIESLU]-\S+")
_GAP = re.compile(r"\s")


class _Row(NamedTuple):
    line: int
    token: str
    tag: str


def read_conll(path: str | Path, *, seen: set[str] | None = None) -> Iterator[Note]:
    """Yield the notes of a CoNLL file, one document (or sentence) at a time.

    Parameters
    ----------
    path : str or Path
        May end in ``.gz`` or ``.xz``.
    seen : set of str, optional
        Ids read before; each new id is added.

    Raises
    ------
    DataError
        With file and line: a line of one column, a tag of another form, a repeated id.
    """
    path = Path(path)
    seen = set() if seen is None else seen
    for n, (line, note_id, sentences) in enumerate(_documents(path)):
        note_id = note_id or f"{path.name.split('.')[0]}-{n}"
        add_id(seen, note_id, path, line)
        yield _note(note_id, sentences)


def write_conll(notes: Iterable[Note], path: str | Path) -> int:
    """Write notes as CoNLL with IOB2 tags and return how many.

    Raises
    ------
    DataError
        A note that CoNLL cannot hold, naming what.
    """
    n = 0
    with write_bytes(path) as handle:
        for note in notes:
            handle.write(encode("\n".join(_lines(note)) + "\n", note=note.id))
            n += 1
    return n


def looks_like_conll(path: str | Path) -> bool:
    """Return whether the first line of a file that is not blank is one of CoNLL."""
    for _, line in read_lines(path):
        if line.strip():
            columns = _columns(line)
            return line.startswith(_START) or (
                len(columns) > 1 and _TAG.fullmatch(columns[-1]) is not None
            )
    return False


# --- reading -------------------------------------------------------------------------------


def _documents(path: Path) -> Iterator[tuple[int, str | None, list[list[_Row]]]]:
    """Yield (line of its head, id, sentences) for each document."""
    head: tuple[int, str | None] | None = None
    held: list[list[_Row]] = []
    for line, start, sentence in _sentences(path):
        if start is not None:
            if head is not None:
                yield *head, held
            found = _START_ID.fullmatch(start)
            head, held = (line, found["id"] if found else None), []
        elif head is None:
            yield line, None, [sentence]
        else:
            held.append(sentence)
    if head is not None:
        yield *head, held


def _sentences(path: Path) -> Iterator[tuple[int, str | None, list[_Row]]]:
    """Yield (line, document head, no rows) or (line, None, rows of a sentence)."""
    rows: list[_Row] = []
    for number, line in read_lines(path):
        line = line.rstrip("\r\n")
        if line.startswith(_START) or not line.strip():
            if rows:
                yield rows[0].line, None, rows
            rows = []
            if line.startswith(_START):
                yield number, line, rows
        else:
            columns = _columns(line)
            if len(columns) < 2 or not _TAG.fullmatch(columns[-1]) or not columns[0]:
                raise DataError(
                    "a line must have a token and, in the last column, a tag such as 'O' or "
                    f"'B-Label', got {len(columns)} columns in another form",
                    path=path,
                    line=number,
                )
            rows.append(_Row(number, columns[0], columns[-1]))
    if rows:
        yield rows[0].line, None, rows


def _columns(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    return line.split("\t") if "\t" in line else line.split()


def _note(note_id: str, sentences: list[list[_Row]]) -> Note:
    tokens: list[Span] = []
    bounds: list[Span] = []
    entities: list[Entity] = []
    at = 0
    for rows in sentences:
        first = len(tokens)
        for row in rows:
            tokens.append(Span(at, at + len(row.token)))
            at += len(row.token) + 1
        bounds.append(Span(tokens[first].start, tokens[-1].end))
        for r in decode_tags([row.tag for row in rows]):
            span = Span(tokens[first + r.start].start, tokens[first + r.end - 1].end)
            entities.append(Entity(id=f"T{len(entities) + 1}", span=span, label=r.label))
    return Note(
        id=note_id,
        text="\n".join(" ".join(row.token for row in rows) for rows in sentences),
        tokens=tuple(tokens),
        sentences=tuple(bounds),
        entities=tuple(entities),
    )


# --- writing -------------------------------------------------------------------------------


def _lines(note: Note) -> Iterator[str]:
    if re.search(r"[\t\r\n]", note.id) or not note.id:
        raise _refuse(note, "ids without tab and line break", "another")
    tokens = note.tokens if note.tokens is not None else tokenize(note.text)
    if any(_GAP.search(note[token]) or note[token] == _START for token in tokens):
        raise _refuse(note, "tokens without white space", "one with")
    tags = encode_tags(_ranges(note, tokens), len(tokens))
    yield f"{_START} ({note.id})\tO"
    yield ""
    breaks = _breaks(note, tokens)
    for k, (token, tag) in enumerate(zip(tokens, tags, strict=True), 1):
        yield f"{note[token]}\t{tag}"
        if k in breaks:
            yield ""


def _breaks(note: Note, tokens: tuple[Span, ...]) -> set[int]:
    """Return after how many tokens a sentence ends."""
    ends = [token.end for token in tokens]
    return {bisect_right(ends, s.end) for s in note.sentences or ()} | {len(tokens)}


def _ranges(note: Note, tokens: tuple[Span, ...]) -> list[TagRange]:
    first = {token.start: k for k, token in enumerate(tokens)}
    last = {token.end: k for k, token in enumerate(tokens, 1)}
    breaks = _breaks(note, tokens)
    ranges: list[TagRange] = []
    for entity in sorted(note.entities, key=lambda e: e.span):
        start, end = first.get(entity.span.start), last.get(entity.span.end)
        if entity.parts:
            raise _refuse(note, "mentions of one piece", "a discontinuous one")
        if start is None or end is None:
            raise _refuse(note, "mentions that begin and end with a token", "another")
        if ranges and start < ranges[-1].end:
            raise _refuse(note, "mentions that do not overlap", "two that do")
        if not breaks.isdisjoint(range(start + 1, end)):
            raise _refuse(note, "mentions inside one sentence", "one over two")
        if not _TAG.fullmatch(f"B-{entity.label}"):
            raise _refuse(note, "labels without white space", "another")
        ranges.append(TagRange(start, end, entity.label))
    return ranges


def _refuse(note: Note, holds: str, got: str) -> DataError:
    return DataError(f"CoNLL holds {holds}, got {got}; write JSONL", note=note.id)

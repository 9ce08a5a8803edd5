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

The form of spaCy's ``.iob`` is read too: a sentence to each line, of words with their tags::

    Tricuspid|B-Disease valve|I-Disease and|O
    No|DT|O cough|NN|B-Disease

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
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import TagRange, decode_tags, encode_tags
from clinnlp.core.tokens import tokenize
from clinnlp.io.files.lines import UTF_8, byte_lines, decode, first_lines, read_lines
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer, id_of
from clinnlp.io.notes.losses import refusal

__all__ = ["CONLL", "breaks_of", "fitting", "looks_like_conll", "ranges_of", "split_lines"]

_START = "-DOCSTART-"
_START_ID = re.compile(r"-DOCSTART-[ \t]+\((?P<id>[^\t]*)\)[ \t]+O")
_TAG = re.compile(r"O|[BIESLU]-\S+")
_GAP = re.compile(r"\s")


_Sentence = tuple[list[str], list[str]]  # tokens and their tags


def looks_like_conll(path: Path, encoding: str = UTF_8) -> bool:
    """Return whether the first line of a file that is not blank is one of CoNLL."""
    for _, line in read_lines(path, encoding):
        if line.strip():
            columns = _columns(line)
            has_tag = len(columns) > 1 and _TAG.fullmatch(columns[-1]) is not None
            return line.startswith(_START) or has_tag or _is_of_pairs(line)
    return False


def _is_text_of_tags(path: Path, encoding: str = UTF_8) -> bool:
    """Return whether each of the first lines of a text is a word with its tag.

    A line of prose may end in ``O``, as a blood group does, or in ``B-12``: so there must be
    several, of one number of columns, some of them ``O``, and a mention or two columns alone.
    """
    lines = [line for line in first_lines(path, encoding) if line.strip() and line[0] not in "#-"]
    if lines and all(map(_is_of_pairs, lines)) and len(lines[0].split()) > 1:
        return True
    return len(lines) > 1 and _are_tagged([_columns(line) for line in lines])


def _are_tagged(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether rows have as many columns, more than one, and a tag in the last."""
    widths, tags = {len(row) for row in rows}, {row[-1] for row in rows}
    if len(widths) > 1 or widths == {1} or "O" not in tags:
        return False
    return all(map(_is_tag, tags)) and (tags != {"O"} or widths == {2})


# --- reading -------------------------------------------------------------------------------


def split_lines(
    source: Source, begins: Callable[[bytes], bool], *, each: bool = False
) -> Iterator[Document]:
    """Give the lines of each document, or of each sentence where no line begins a document.

    With `each` a sentence is one line.
    """
    held: list[bytes] = []
    first, n, headed = 0, 0, False
    for number, raw in byte_lines(source.path, source.encoding):
        start = begins(raw)
        if held and (start or (not headed and (each or raw.isspace()))):
            yield Document(source.path, first, held, id_of(source.path, n))
            held, n = [], n + 1
        headed = headed or start
        if held or not raw.isspace():
            first = first if held else number
            held.append(raw)
    if held:
        yield Document(source.path, first, held, id_of(source.path, n))


def _split(source: Source) -> Iterator[Document]:
    lines = (line for line in first_lines(source.path, source.encoding) if line.strip())
    first = next((line for line in lines if not line.startswith(_START)), "")
    begin = _START.encode()
    if _is_of_pairs(first):  # each line that no -DOCSTART- holds together is a note
        return split_lines(source, lambda raw: raw.startswith(begin), each=True)
    return split_lines(source, lambda raw: raw.startswith(begin))


def _is_of_pairs(line: str) -> bool:
    """Return whether a line is a sentence of words with their tags."""
    items = [item.rpartition("|") for item in line.split()]
    return bool(items) and all(word and _is_tag(tag) for word, _, tag in items)


def _pairs(line: str) -> _Sentence:
    """Return the words of such a line, without their part of speech, and their tags."""
    items = [item.rpartition("|") for item in line.split()]
    parts = [word.split("|") for word, _, _ in items]
    words = [p[0] if len(p) == 2 and all(p) else "|".join(p) for p in parts]
    return words, [tag for _, _, tag in items]


def _parse(document: Document) -> Note:
    note_id, first = document.name, document.line or 1
    lines = decode(b"".join(document.data), document.path, first).split("\n")
    if lines[0].startswith(_START):
        found = _START_ID.fullmatch(lines[0].rstrip("\r"))
        note_id, first = (found["id"] if found else note_id), first + 1
        del lines[0]
    sentences: list[_Sentence] = [([], [])]
    for number, line in enumerate(lines, first):
        if _is_of_pairs(line):
            sentences += [_pairs(line), ([], [])]
        elif line and not line.isspace():
            word, tag = _word_and_tag(line, document, number)
            sentences[-1][0].append(word)
            sentences[-1][1].append(tag)
        elif sentences[-1][0]:
            sentences.append(([], []))
    return _note(note_id, [sentence for sentence in sentences if sentence[0]])


def _word_and_tag(line: str, document: Document, number: int) -> tuple[str, str]:
    columns = _columns(line)
    if len(columns) < 2 or not columns[0] or not _is_tag(columns[-1]):
        raise document.wrong(
            "a line must have a token and, in the last column, a tag such as 'O' or "
            f"'B-Label', or all its words a tag as in 'x|O', got {len(columns)} columns in "
            "another form",
            number,
        )
    return columns[0], columns[-1]


@lru_cache(maxsize=1024)
def _is_tag(text: str) -> bool:
    return _TAG.fullmatch(text) is not None


def _columns(line: str) -> list[str]:
    line = line.rstrip("\r\n")
    return line.split("\t") if "\t" in line else line.split()


def _note(note_id: str, sentences: list[_Sentence]) -> Note:
    tokens: list[Span] = []
    bounds: list[Span] = []
    entities: list[Entity] = []
    at = 0
    for words, tags in sentences:
        first = len(tokens)
        for word in words:
            tokens.append(Span(at, at + len(word)))
            at += len(word) + 1
        bounds.append(Span(tokens[first].start, tokens[-1].end))
        for r in decode_tags(tags):
            span = Span(tokens[first + r.start].start, tokens[first + r.end - 1].end)
            entities.append(Entity(id=f"T{len(entities) + 1}", span=span, label=r.label))
    return Note(
        id=note_id,
        text="\n".join(" ".join(words) for words, _ in sentences),
        tokens=tuple(tokens),
        sentences=tuple(bounds),
        entities=tuple(entities),
    )


# --- writing -------------------------------------------------------------------------------


def _lines(note: Note) -> Iterator[str]:
    if re.search(r"[\t\r\n]", note.id) or not note.id:
        raise refusal("CoNLL", note, "ids without tab and line break", "another")
    tokens = note.tokens if note.tokens is not None else tokenize(note.text)
    if any(_GAP.search(note[token]) or note[token] == _START for token in tokens):
        raise refusal("CoNLL", note, "tokens without white space", "one with")
    tags = encode_tags(ranges_of(note, tokens), len(tokens))
    yield f"{_START} ({note.id})\tO"
    yield ""
    breaks = breaks_of(note, tokens)
    for k, (token, tag) in enumerate(zip(tokens, tags, strict=True), 1):
        yield f"{note[token]}\t{tag}"
        if k in breaks:
            yield ""


def breaks_of(note: Note, tokens: tuple[Span, ...]) -> set[int]:
    """Return after how many tokens a sentence ends."""
    ends = [token.end for token in tokens]
    return {bisect_right(ends, s.end) for s in note.sentences or ()} | {len(tokens)}


def ranges_of(note: Note, tokens: tuple[Span, ...], form: str = "CoNLL") -> list[TagRange]:
    """Return the tokens of each mention, or raise `DataError` for one that `form` cannot hold."""
    ranges = []
    for _, place in _places(note, tokens):
        if not isinstance(place, TagRange):
            raise refusal(form, note, *place)
        ranges.append(place)
    return ranges


def _places(
    note: Note, tokens: tuple[Span, ...]
) -> Iterator[tuple[Entity, TagRange | tuple[str, str]]]:
    """Yield each mention in text order with its tokens, or what it had to be and what it is."""
    first = {token.start: k for k, token in enumerate(tokens)}
    last = {token.end: k for k, token in enumerate(tokens, 1)}
    breaks = breaks_of(note, tokens)
    taken = 0  # tokens of the mentions before
    for entity in sorted(note.entities, key=lambda e: e.span):
        start, end = first.get(entity.span.start), last.get(entity.span.end)
        if entity.parts:
            yield entity, ("mentions of one piece", "a discontinuous one")
        elif start is None or end is None:
            yield entity, ("mentions that begin and end with a token", "another")
        elif start < taken:
            yield entity, ("mentions that do not overlap", "two that do")
        elif not breaks.isdisjoint(range(start + 1, end)):
            yield entity, ("mentions inside one sentence", "one over two")
        elif not _TAG.fullmatch(f"B-{entity.label}"):
            yield entity, ("labels without white space", "another")
        else:
            yield entity, TagRange(start, end, entity.label)
            taken = end


def fitting(note: Note) -> list[Entity]:
    """Return the mentions that a tag to each token can hold together."""
    tokens = note.tokens if note.tokens is not None else tokenize(note.text)
    return [e for e, place in _places(note, tokens) if isinstance(place, TagRange)]


def _encode(note: Note) -> str:
    return "\n".join(_lines(note)) + "\n"


CONLL = Format(
    suffixes=(".conll", ".iob", ".iob2", ".bio"),
    looks={".tsv": looks_like_conll, ".txt": _is_text_of_tags},
    split=_split,
    parse=_parse,
    write=file_writer(_encode),
    holds=frozenset({"entities", "tokens", "sentences"}),
    fitting=fitting,
)

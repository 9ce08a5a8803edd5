r"""CoNLL-U: words in ten columns, the text to the character, mentions in the last column.

::

    # newdoc id = n1
    # sent_id = 1
    # text = No 💊.
    1 \t No \t no \t DET \t _ \t _ \t 2 \t det \t _ \t _
    2 \t 💊 \t 💊 \t SYM \t _ \t _ \t 0 \t root \t _ \t NE=B-Drug|SpaceAfter=No
    3 \t . \t . \t PUNCT \t _ \t _ \t 2 \t punct \t _ \t SpacesAfter=\n

================================== ========================================================
in the file                        in the note
================================== ========================================================
``# newdoc``                       begins a note; its id, else ``<file>-<n>``
no ``# newdoc``                    every sentence is a note: its ``sent_id``, else ``<file>-<n>``
words; those of a range such as    text and ``tokens``: one surface token
``3-4`` are its parts
``SpaceAfter=No``,                 what stands between words: nothing, ``SpacesAfter`` and
``SpacesBefore`` (UDPipe)          ``SpacesBefore`` with ``\s``, ``\n``, ``\r``, ``\t``,
                                   ``\p`` (a bar) and ``\\``, else one blank
blank line                         ends a sentence: ``sentences``
``NE``, ``NER``, ``name`` in MISC, entities ``T1``, ... by their tags (IOB, IOBES, BILOU)
or a tag alone
``Entity`` in MISC (CorefUD)       entities ``T1``, ...: what opens and closes in brackets, with
                                   its type as label and its chain as concept
an empty node (``8.1``)            no word of the text: read over
tags, features, heads, relations   no place in a note: read over
================================== ========================================================

Mentions are of whole words, so that nothing counts characters. The writer gives words and mentions
that do not overlap and lie in one sentence; the text comes back exactly.

References
----------
https://universaldependencies.org/format.html; Straka and Strakova, UDPipe, 2017; Nedoluzhko et
al., CorefUD 1.0, LREC 2022.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tags import decode_tags, encode_tags
from clinnlp.core.tokens import tokenize
from clinnlp.io.files.lines import UTF_8, decode, first_lines
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.conll import breaks_of, fitting, ranges_of, split_lines
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal

__all__ = ["CONLLU"]

_N_COLUMNS = 10
_ID = re.compile(r"[0-9]{1,9}(-[0-9]{1,9}|\.[0-9]{1,9})?")
_NEWDOC = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(?P<id>.*\S))?\s*")
_SENT_ID = re.compile(r"#\s*sent_id\s*=\s*(?P<id>.*\S)\s*")
_TAG = re.compile(r"O|[BIESLU]-\S+")
_KEYS = ("NE", "NER", "name")
_BRACKETS = re.compile(r"\(([^()]*)(\)?)|([^()]*)\)")
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"s": " ", "n": "\n", "r": "\r", "t": "\t", "p": "|", "\\": "\\"}
_WRITTEN = str.maketrans({v: f"\\{k}" for k, v in _ESCAPES.items()})
_BETWEEN = re.compile(r"\s*")


class _Word(NamedTuple):
    form: str
    misc: dict[str, str]
    tag: str
    line: int


def _is_conllu(path: Path, encoding: str = UTF_8) -> bool:
    """Return whether the first line of a file that is no comment is a word of ten columns."""
    for line in first_lines(path, encoding):
        if line.strip() and not line.startswith("#"):
            columns = line.rstrip("\r\n").split("\t")
            return len(columns) == _N_COLUMNS and _ID.fullmatch(columns[0]) is not None
    return False


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    """Give the lines of each document, or of each sentence where none begins."""
    return split_lines(source, _begins)


def _begins(raw: bytes) -> bool:
    return raw.startswith(b"#") and _NEWDOC.match(raw.decode("utf-8", "replace")) is not None


def _parse(document: Document) -> Note:
    first = document.line or 1
    lines = decode(b"".join(document.data), document.path, first).split("\n")
    name, has_doc = document.name, False
    sentences: list[list[_Word]] = [[]]
    inside = 0  # the last word of a range
    for number, line in enumerate(lines, first):
        line = line.removesuffix("\r")
        if line.startswith("#"):
            name, has_doc = _named(line, name, has_doc=has_doc)
        elif line.strip():
            columns = _columns(line, document, number)
            inside = _add(document, columns, sentences[-1], inside, number)
        elif sentences[-1]:
            sentences.append([])
            inside = 0
    whole = [sentence for sentence in sentences if sentence]
    if not whole and not has_doc:
        raise document.wrong("comments must say newdoc or have words behind them, got none", first)
    return _note(name, whole, document)


def _named(line: str, name: str, *, has_doc: bool) -> tuple[str, bool]:
    """Return the id that a comment gives a note, and whether it is that of a document."""
    doc, sentence = _NEWDOC.fullmatch(line), _SENT_ID.fullmatch(line)
    if doc:
        return doc["id"] or name, True
    return (sentence["id"] if sentence and not has_doc else name), has_doc


def _columns(line: str, document: Document, number: int) -> list[str]:
    columns = line.split("\t")
    if len(columns) != _N_COLUMNS or not _ID.fullmatch(columns[0]) or not columns[1]:
        raise document.wrong(
            f"a word must have {_N_COLUMNS} columns between tabs and begin with its number, got "
            f"{len(columns)} in another form",
            number,
        )
    return columns


def _add(
    document: Document, columns: list[str], words: list[_Word], inside: int, number: int
) -> int:
    """Add a word, unless it is a part of a range or stands in no text; return where one ends."""
    place, _, last = columns[0].partition("-")
    misc, tag = _misc(columns[9])
    if last and int(last) <= int(place):
        raise document.wrong("a range of words must rise, got one that does not", number)
    if last:
        words.append(_Word(columns[1], misc, tag, number))
        return int(last)
    if "." in place:
        return inside
    if int(place) > inside:
        words.append(_Word(columns[1], misc, tag, number))
    elif tag != "O" and words[-1].tag == "O":  # a range has what is said of its first part
        words[-1] = words[-1]._replace(tag=tag)
    return inside


def _misc(column: str) -> tuple[dict[str, str], str]:
    """Return the pairs of the last column and the tag of a mention."""
    misc: dict[str, str] = {}
    tag = "O"
    for pair in column.split("|"):
        key, equals, value = pair.partition("=")
        if equals:
            misc[key] = value
        elif _TAG.fullmatch(pair):
            tag = pair
    said = next((misc[key] for key in _KEYS if key in misc), "")
    return misc, said if _TAG.fullmatch(said) else tag


def _note(name: str, sentences: list[list[_Word]], document: Document) -> Note:
    pieces: list[str] = []
    tokens: list[Span] = []
    bounds: list[Span] = []
    at = 0
    for sentence in sentences:
        first = len(tokens)
        for word in sentence:
            before, after = _plain(word.misc.get("SpacesBefore", "")), _after(word.misc)
            pieces += (before, word.form, after)
            tokens.append(Span(at + len(before), at + len(before) + len(word.form)))
            at = tokens[-1].end + len(after)
        bounds.append(Span(tokens[first].start, tokens[-1].end))
    words = [word for sentence in sentences for word in sentence]
    if words and not {"SpacesAfter", "SpaceAfter"} & words[-1].misc.keys():
        pieces[-1] = ""  # no blank stands behind the last word
    return Note(
        id=name,
        text="".join(pieces),
        tokens=tuple(tokens),
        sentences=tuple(bounds),
        entities=tuple(_entities(sentences, tokens, document)),
    )


def _after(misc: dict[str, str]) -> str:
    if "SpacesAfter" in misc:
        return _plain(misc["SpacesAfter"])
    return "" if misc.get("SpaceAfter") == "No" else " "


def _plain(spaces: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPES.get(found[1], found[0]), spaces)


def _entities(
    sentences: list[list[_Word]], tokens: list[Span], document: Document
) -> Iterator[Entity]:
    n = at = 0
    for sentence in sentences:
        for each in decode_tags([word.tag for word in sentence]):
            n += 1
            span = Span(tokens[at + each.start].start, tokens[at + each.end - 1].end)
            yield Entity(id=f"T{n}", span=span, label=each.label)
        at += len(sentence)
    words = [word for sentence in sentences for word in sentence]
    for first, last, chain, label in sorted(_bracketed(words, document)):
        n += 1
        span = Span(tokens[first].start, tokens[last].end)
        concepts = (chain,) if chain else ()
        yield Entity(id=f"T{n}", span=span, label=label, concepts=concepts)


def _bracketed(words: list[_Word], document: Document) -> Iterator[tuple[int, int, str, str]]:
    """Yield first and last word, chain and type of what opens and closes in brackets.

    Raises
    ------
    DataError
        What closes was not opened, or the other way round.
    """
    opened: dict[str, list[tuple[int, str]]] = {}
    for k, word in enumerate(words):
        for opens, closed, closes in _BRACKETS.findall(word.misc.get("Entity", "")):
            if opens or not closes:
                chain, _, rest = opens.partition("-")
                opened.setdefault(chain, []).append((k, rest.partition("-")[0]))
            key = (opens if closed else closes).partition("-")[0]
            if closed or closes:
                if not opened.get(key):
                    raise document.wrong("what closes in Entity must have opened", word.line)
                first, label = opened[key].pop()
                yield first, k, key, label
    if any(opened.values()):
        raise document.wrong("what opens in Entity must close, in the same document")


# --- writing -------------------------------------------------------------------------------


def _lines(note: Note) -> Iterator[str]:
    if re.search(r"[\t\r\n]", note.id) or note.id.strip() != note.id or not note.id:
        raise refusal("CoNLL-U", note, "ids without tab, line break and blanks around", "another")
    tokens = _tokens(note)
    tags = encode_tags(ranges_of(note, tokens, "CoNLL-U"), len(tokens))
    yield f"# newdoc id = {note.id}"
    first = 0
    for last in sorted(breaks_of(note, tokens) - {0}):
        yield f"# text = {_line(note.text[tokens[first].start : tokens[last - 1].end])}"
        for k in range(first, last):
            misc = [f"NE={tags[k]}"] if tags[k] != "O" else []
            misc += _spaces(note, tokens, k)
            yield "\t".join([str(k - first + 1), note[tokens[k]], *["_"] * 7, _joined(misc)])
        yield ""
        first = last


def _tokens(note: Note) -> tuple[Span, ...]:
    """Return the words of a note, between which nothing but white space stands.

    Raises
    ------
    DataError
        Other tokens, which the format would not give back.
    """
    tokens = note.tokens if note.tokens is not None else tokenize(note.text)
    at = 0
    for token in tokens:
        gap = note.text[at : max(at, token.start)]
        if token.start < at or not _BETWEEN.fullmatch(gap) or re.search(r"\s", note[token]):
            raise refusal("CoNLL-U", note, "tokens in order with all of the text", "others")
        at = token.end
    if note.text[at:].strip() or (note.text and not tokens):
        raise refusal("CoNLL-U", note, "tokens in order with all of the text", "others")
    return tokens


def _spaces(note: Note, tokens: tuple[Span, ...], k: int) -> list[str]:
    """Return what stands between a word and the next, and before the first."""
    is_last = k + 1 == len(tokens)
    before = note.text[: tokens[0].start] if k == 0 else ""
    between = note.text[tokens[k].end : len(note.text) if is_last else tokens[k + 1].start]
    made = [f"SpacesBefore={_escaped(before)}"] if before else []
    if between != " " or is_last:
        made.append(f"SpacesAfter={_escaped(between)}" if between else "SpaceAfter=No")
    return made


def _joined(misc: list[str]) -> str:
    return "|".join(misc) or "_"


def _escaped(spaces: str) -> str:
    return spaces.translate(_WRITTEN)


def _line(text: str) -> str:
    return " ".join(text.split())


def _encode(note: Note) -> str:
    return "\n".join(_lines(note)) + "\n\n"


CONLLU = Format(
    suffixes=(".conllu", ".conllup"),
    looks=dict.fromkeys((".txt", ".tsv", ".conll"), _is_conllu),
    split=_split,
    parse=_parse,
    write=file_writer(_encode),
    holds=frozenset({"entities", "tokens", "sentences"}),
    fitting=fitting,
)

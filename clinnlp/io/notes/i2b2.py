r"""i2b2 2010: tokenised text, with concepts, assertions and relations by line and token.

::

    d1.txt   History of COPD , stable .
    d1.con   c="copd" 1:2 1:2||t="problem"
    d1.ast   c="copd" 1:2 1:2||t="problem"||a="present"
    d1.rel   c="oxygen" 3:0 3:0||r="TrAP"||c="copd" 1:2 1:2

============================ ==============================================================
in the files                 in the note
============================ ==============================================================
``.txt``                     text
``.con``, ``t``              entity ``T1``, ``T2``, ..., its label; ``line:token``, lines from 1,
                             tokens (between white space) from 0, the last one included
``.ast``, ``a``              `assertion`: *absent* negated; *possible* uncertain; *hypothetical*;
                             *associated_with_someone_else* experiencer; *present* none of these;
                             *conditional*: ``attributes["assertion"]``
``.rel``, ``r``              relation ``R1``, ..., its label; roles ``Arg1`` and ``Arg2``
============================ ==============================================================

The ``.con``, ``.ast`` and ``.rel`` of a text stand beside it, or as in the shared task in the
folders ``concept``, ``ast`` and ``rel`` beside its folder. Mentions are checked without case, as
the files have them in small letters.

References
----------
Uzuner et al., 2010 i2b2/VA challenge on concepts, assertions, and relations in clinical text,
JAMIA 2011.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.files.lines import read_lines, read_text
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import (
    Format,
    beside,
    find_in_folder,
    folder_writer,
    text_beside,
)
from clinnlp.io.notes.losses import refusal

__all__ = ["I2B2"]

_SPOT = r"(\d{1,18}):(\d{1,18})"
_PLACE = rf'c="(.*)" {_SPOT} {_SPOT}'
_FORMS = {
    ".con": re.compile(rf'{_PLACE}\|\|t="([^"]*)"'),
    ".ast": re.compile(rf'{_PLACE}\|\|t="([^"]*)"\|\|a="([^"]*)"'),
    ".rel": re.compile(_PLACE),
}
_LINK = re.compile(rf'\|\|r="([^"]*)"\|\|{_PLACE}')
_FOLDERS = {".con": "concept", ".ast": "ast", ".rel": "rel"}
_TOKEN = re.compile(r"\S+")
_SAID = {
    "present": Assertion(negated=False, uncertain=False, hypothetical=False, experiencer=False),
    "absent": Assertion(negated=True),
    "possible": Assertion(uncertain=True),
    "hypothetical": Assertion(hypothetical=True),
    "associated_with_someone_else": Assertion(experiencer=True),
}
_CONDITIONAL = "conditional"
_ROLES = ("Arg1", "Arg2")

Tokens = list[list[Span]]


class _Line(NamedTuple):
    path: Path
    number: int
    fields: tuple[str, ...]

    def wrong(self, message: str) -> DataError:
        return DataError(message, path=self.path, line=self.number)


def _split(source: Source) -> Iterator[Document]:
    taken: set[Path] = set()
    for note_id, text in find_in_folder(text_beside(source.path), ".txt"):
        files = (text, *(_file(text, suffix) for suffix in _FORMS))
        taken.update(files)
        yield Document(files[1], None, text, note_id, source.encoding, files=files)
    marks = (m for s in _FORMS if source.path.is_dir() for _, m in find_in_folder(source.path, s))
    for path in (mark for mark in marks if mark not in taken):
        alone = DataError(f"each {path.suffix} must have its .txt, got none", path=path)
        yield Document(path, None, alone)


def _file(text: Path, suffix: str) -> Path:
    near = beside(text, suffix)
    aside = beside(text.parent.parent / _FOLDERS[suffix] / text.name, suffix)
    return aside if aside.is_file() and not near.is_file() else near


def _parse(document: Document) -> Note:
    text = read_text(document.data, document.encoding)
    tokens = _tokens(text)
    _, con, ast, rel = document.files
    entities: dict[str, Entity] = {}
    at: dict[tuple[Span, str], str] = {}  # (span, label) to id
    anywhere: dict[Span, str] = {}
    for k, line in enumerate(_lines(con, document.encoding), 1):
        span, label = _span(line, line.fields, text, tokens), line.fields[5]
        entities[f"T{k}"] = Entity(id=f"T{k}", span=span, label=label)
        at.setdefault((span, label), f"T{k}")
        anywhere.setdefault(span, f"T{k}")
    for line in _lines(ast, document.encoding):
        found = at.get((_span(line, line.fields, text, tokens), line.fields[5]))
        if found is None:
            raise line.wrong("an assertion must be about a concept of the .con file")
        entities[found] = _asserted(entities[found], line)
    relations = []
    for k, line in enumerate(_lines(rel, document.encoding), 1):
        sides = line.fields[:5], line.fields[6:]
        ends = [anywhere.get(_span(line, side, text, tokens)) for side in sides]
        if None in ends:
            raise line.wrong("a relation must join two concepts of the .con file")
        roles = {role: (str(end),) for role, end in zip(_ROLES, ends, strict=True)}
        relations.append(Relation(id=f"R{k}", label=line.fields[5], roles=roles))
    return Note(
        id=document.name,
        text=text,
        entities=tuple(entities.values()),
        relations=tuple(relations),
    )


def _tokens(text: str) -> Tokens:
    """Return the tokens of each line."""
    made: Tokens = []
    at = 0
    for line in text.split("\n"):
        made.append([Span(at + m.start(), at + m.end()) for m in _TOKEN.finditer(line)])
        at += len(line) + 1
    return made


def _lines(path: Path, encoding: str) -> Iterator[_Line]:
    if not path.is_file():
        return
    for number, line in read_lines(path, encoding):
        if line.strip():
            fields = _fields(path.suffix.lower(), line.strip())
            if fields is None:
                said = 'a line must have the form c="its text" 1:0 1:2||...'
                raise DataError(said, path=path, line=number)
            yield _Line(path, number, fields)


def _fields(suffix: str, line: str) -> tuple[str, ...] | None:
    """Return what stands in a line; one of two places is cut first, so that no place is sought."""
    first, link, second = line.partition('||r="') if suffix == ".rel" else (line, "", "")
    found = _FORMS[suffix].fullmatch(first)
    other = _LINK.fullmatch(link + second)
    if found is None or (suffix == ".rel" and other is None):
        return None
    return (*found.groups(), *(other.groups() if other else ()))


def _span(line: _Line, fields: tuple[str, ...], text: str, tokens: Tokens) -> Span:
    mention = fields[0]
    row, first, last_row, last = (int(number) for number in fields[1:5])
    inside = 0 < row <= last_row <= len(tokens)
    inside = inside and first < len(tokens[row - 1]) and last < len(tokens[last_row - 1])
    start, end = 0, 0
    if inside:
        start, end = tokens[row - 1][first].start, tokens[last_row - 1][last].end
    if not inside or start >= end:
        said = f"a mention must lie inside the text, got {row}:{first} to {last_row}:{last}"
        raise OffsetError(said, path=line.path, line=line.number)
    if text[start:end].casefold().split() != mention.casefold().split():
        said = f"the mention must be the text at {row}:{first} to {last_row}:{last}, got another"
        raise OffsetError(said, path=line.path, line=line.number)
    return Span(start, end)


def _asserted(entity: Entity, line: _Line) -> Entity:
    said = line.fields[6]
    if said != _CONDITIONAL and said not in _SAID:
        known = ", ".join([*_SAID, _CONDITIONAL])
        raise line.wrong(f"an assertion must be one of {known}, got another")
    more = {"assertion": said} if said == _CONDITIONAL else {}
    return Entity(
        id=entity.id,
        span=entity.span,
        label=entity.label,
        assertion=_SAID.get(said, Assertion()),
        attributes=more,
    )


# --- writing -------------------------------------------------------------------------------


def _contents(note: Note) -> dict[str, str]:
    lines: dict[str, list[str]] = {suffix: [] for suffix in _FORMS}
    places = _add_mentions(note, lines)
    for k, relation in enumerate(note.relations, 1):
        lines[".rel"].append(_relation_line(note, relation, k, places))
    _check_found_again(note)
    files = {suffix: "".join(f"{line}\n" for line in rows) for suffix, rows in lines.items()}
    mark = "\ufeff" if note.text.startswith("\ufeff") else ""  # the reader drops the first one
    kept = {suffix: text for suffix, text in files.items() if text or suffix == ".con"}
    return {".txt": mark + note.text, **kept}


def _add_mentions(note: Note, lines: dict[str, list[str]]) -> dict[str, str]:
    """Add the lines of mentions and assertions, and return the place of each mention."""
    spots = _spots(note)
    places: dict[str, str] = {}
    for k, entity in enumerate(note.entities, 1):
        if entity.id != f"T{k}":
            raise refusal("i2b2", note, "entity ids T1, T2, ... in order", "others")
        places[entity.id] = _place(note, entity, spots)
        concept = f'{places[entity.id]}||t="{_plain(note, entity.label)}"'
        lines[".con"].append(concept)
        said = _said(note, entity)
        if said:
            lines[".ast"].append(f'{concept}||a="{said}"')
    return places


def _relation_line(note: Note, relation: Relation, position: int, places: dict[str, str]) -> str:
    ends = [relation.roles.get(role, ()) for role in _ROLES]
    one_each = len(relation.roles) == 2 and [len(e) for e in ends] == [1, 1]
    if relation.id != f"R{position}" or not one_each:
        raise refusal("i2b2", note, "relations R1, R2, ... with one Arg1 and one Arg2", "another")
    if not all(end in places for (end,) in ends):
        raise refusal("i2b2", note, "relations between mentions", "another")
    first, second = (places[end] for (end,) in ends)
    return f'{first}||r="{_plain(note, relation.label)}"||{second}'


def _spots(note: Note) -> dict[bool, dict[int, str]]:
    """Return where tokens start (False) and end (True), as ``line:token``."""
    spots: dict[bool, dict[int, str]] = {False: {}, True: {}}
    for row, tokens in enumerate(_tokens(note.text), 1):
        for k, token in enumerate(tokens):
            spots[False][token.start] = spots[True][token.end] = f"{row}:{k}"
    return spots


def _place(note: Note, entity: Entity, spots: dict[bool, dict[int, str]]) -> str:
    start = spots[False].get(entity.span.start)
    end = spots[True].get(entity.span.end)
    if start is None or end is None or entity.parts:
        raise refusal("i2b2", note, "mentions of one piece, from token to token", "another")
    return f'c="{" ".join(note[entity.span].lower().split())}" {start} {end}'


def _said(note: Note, entity: Entity) -> str:
    if entity.attributes == {"assertion": _CONDITIONAL} and entity.assertion == Assertion():
        return _CONDITIONAL
    if entity.attributes or entity.assertion.cues:
        raise refusal("i2b2", note, "no attributes of entities and no cues", "some")
    if entity.assertion == Assertion():
        return ""
    for said, assertion in _SAID.items():
        if entity.assertion == assertion:
            return said
    raise refusal("i2b2", note, "one assertion of a mention", "others")


def _plain(note: Note, label: str) -> str:
    if re.search(r'["\t\r\n]', label) or "||" in label or label != label.strip():
        raise refusal("i2b2", note, "labels without quotes and line breaks", "another")
    return label


def _check_found_again(note: Note) -> None:
    """Refuse assertions and relations of mentions that another one at their place would hide."""
    first: dict[tuple[Span, str | None], str] = {}
    for entity in note.entities:
        first.setdefault((entity.span, None), entity.id)
        own = first.setdefault((entity.span, entity.label), entity.id)
        if own != entity.id and (entity.assertion != Assertion() or entity.attributes):
            raise refusal("i2b2", note, "one asserted mention of a label at a place", "two")
    spans = {entity.id: entity.span for entity in note.entities}
    for ends in (r.roles[role] for r in note.relations for role in _ROLES):
        if first[spans[ends[0]], None] != ends[0]:
            raise refusal("i2b2", note, "relations of the first mention at a place", "of another")


I2B2 = Format(
    suffixes=(".con",),
    split=_split,
    parse=_parse,
    write=folder_writer(_contents, suffix=".con"),
    holds=frozenset({"entities", "entity.assertion", "entity.attributes", "relations"}),
    in_folder=True,
    packs=False,
    mark=".con",
)

r"""PubTator: title and abstract, one line per mention, one per relation.

A document is a block of lines that a blank line ends::

    6794356|t|Tricuspid valve regurgitation and lithium carbonate toxicity in a newborn.
    6794356|a|A newborn with massive tricuspid regurgitation ...
    6794356 \t 34 \t 51 \t lithium carbonate \t Chemical \t D016651
    6794356 \t CID \t D016651 \t D003490

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``|t|`` and ``|a|`` lines   text: title, one newline, abstract (offsets count that character);
                            without an ``|a|`` line the title alone
mention line                entity ``T1``, ``T2``, ... in file order
ids joined by ``|`` or      ``concepts``; ``-1``, ``-`` or nothing: no concept. A variant such
``,``                       as ``p|SUB|E|333|D`` (one small letter or none before the first
                            ``|``) is one concept
seventh column              ``attributes["mentions"]``: the single names of a composite mention
relation line               relation ``R1``, ...; roles ``Arg1`` and ``Arg2`` with concept ids
fifth column of a relation  ``attributes["novelty"]`` (BioRED)
=========================== ===============================================================

The mention text of each line is checked against the text, but for white space. A note with more
than one newline, a discontinuous mention or anything else this cannot hold is refused by the
writer.

References
----------
Wei, Kao and Lu, PubTator, Nucleic Acids Res 2013; Li et al., BC5CDR, Database 2016.
"""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span
from clinnlp.io.lines import add_id, encode, read_lines, write_bytes

__all__ = ["HOLDS", "read_pubtator", "write_pubtator"]

HOLDS = frozenset({"entities", "entity.concepts", "entity.attributes", "relations"}) | {
    "relation.attributes"
}

_HEAD = re.compile(r"([^|\t]*)\|([ta])\|(.*)", re.DOTALL)
_VARIANT = re.compile(r"[a-z]?\|")
_NONE = ("", "-", "-1")
_ROLES = ("Arg1", "Arg2")
_BREAKS = re.compile(r"[\t\r\n]")


def read_pubtator(path: str | Path, *, seen: set[str] | None = None) -> Iterator[Note]:
    """Yield the notes of a PubTator file, one document at a time.

    Parameters
    ----------
    path : str or Path
        May end in ``.gz`` or ``.xz``.
    seen : set of str, optional
        Ids read before; each new id is added.

    Raises
    ------
    DataError
        With file and line: a line of another form or of another document, a repeated id.
        `OffsetError` where a mention does not lie inside the text or is not what the file says.
    """
    seen = set() if seen is None else seen
    block: list[tuple[int, str]] = []
    for number, line in read_lines(path):
        line = line.removesuffix("\n").removesuffix("\r")
        if line.strip():
            block.append((number, line))
        elif block:
            yield _note(block, path, seen)
            block = []
    if block:
        yield _note(block, path, seen)


def write_pubtator(notes: Iterable[Note], path: str | Path) -> int:
    """Write notes as PubTator and return how many; the file appears only when whole.

    Raises
    ------
    DataError
        A note that PubTator cannot hold, naming what.
    """
    n = 0
    with write_bytes(path) as handle:
        for note in notes:
            handle.write(encode("\n".join(_lines(note)) + "\n\n", note=note.id))
            n += 1
    return n


# --- reading -------------------------------------------------------------------------------


def _note(block: list[tuple[int, str]], path: str | Path, seen: set[str]) -> Note:
    number, line = block[0]
    title = _HEAD.fullmatch(line)
    if title is None or title[2] != "t" or not title[1]:
        raise DataError("a document must begin with 'ID|t|title'", path=path, line=number)
    note_id, text = title[1], title[3]
    add_id(seen, note_id, path, number)
    rest = block[1:]
    abstract = _HEAD.fullmatch(rest[0][1]) if rest else None
    if abstract is not None and abstract[2] == "a":
        if abstract[1] != note_id:
            raise _other(path, rest[0][0])
        text, rest = f"{text}\n{abstract[3]}", rest[1:]
    entities: list[Entity] = []
    relations: list[Relation] = []
    for number, line in rest:
        columns = line.split("\t")
        if columns[0] != note_id:
            raise _other(path, number)
        if len(columns) >= 5 and columns[1].isdecimal() and columns[2].isdecimal():
            entities.append(_entity(columns, len(entities) + 1, text, path, number))
        elif len(columns) in (4, 5):
            relations.append(_relation(columns, len(relations) + 1))
        else:
            raise DataError(
                "a line must have 5 to 7 columns (mention) or 4 to 5 (relation) with blanks as "
                f"tabs, got {len(columns)} in another form",
                path=path,
                line=number,
            )
    return Note(id=note_id, text=text, entities=tuple(entities), relations=tuple(relations))


def _other(path: str | Path, number: int) -> DataError:
    return DataError(
        "a line must begin with the id of its document; a blank line ends a document",
        path=path,
        line=number,
    )


def _entity(columns: list[str], position: int, text: str, path: str | Path, number: int) -> Entity:
    start, end, mention, label = int(columns[1]), int(columns[2]), columns[3], columns[4]
    if len(columns) > 7 or not label:
        raise DataError(
            "a mention line must have at most 7 columns and a label", path=path, line=number
        )
    if not start < end <= len(text):
        raise OffsetError(
            f"offsets must lie inside the text of {len(text)} characters, got {start}-{end}",
            path=path,
            line=number,
        )
    if text[start:end].split() != mention.split():
        raise OffsetError(
            f"the mention must be the text at {start}-{end}, got another text",
            path=path,
            line=number,
        )
    singles = columns[6] if len(columns) == 7 else ""
    return Entity(
        id=f"T{position}",
        span=Span(start, end),
        label=label,
        concepts=_concepts(columns[5]) if len(columns) > 5 else (),
        attributes={"mentions": singles} if singles else {},
    )


def _concepts(column: str) -> tuple[str, ...]:
    found: list[str] = []
    for piece in column.split(","):
        found += [piece] if _VARIANT.match(piece) else piece.split("|")
    return tuple(code for code in (piece.strip() for piece in found) if code not in _NONE)


def _relation(columns: list[str], position: int) -> Relation:
    return Relation(
        id=f"R{position}",
        label=columns[1],
        roles={role: _ends(columns[2 + k]) for k, role in enumerate(_ROLES)},
        attributes={"novelty": columns[4]} if len(columns) == 5 else {},
    )


def _ends(column: str) -> tuple[str, ...]:
    return _concepts(column) or (column,)


# --- writing -------------------------------------------------------------------------------


def _lines(note: Note) -> Iterator[str]:
    title, newline, abstract = note.text.partition("\n")
    if "\n" in abstract or "\r" in note.text:
        raise _refuse(note, "a text of two lines (title and abstract)", "more line breaks")
    if re.search(r"[|\t\r\n]", note.id) or not note.id:
        raise _refuse(note, "an id without '|', tab and line break", "another")
    yield f"{note.id}|t|{title}"
    if newline:
        yield f"{note.id}|a|{abstract}"
    for position, entity in enumerate(note.entities, 1):
        yield _entity_line(note, entity, position)
    for position, relation in enumerate(note.relations, 1):
        yield _relation_line(note, relation, position)


def _entity_line(note: Note, entity: Entity, position: int) -> str:
    if entity.parts:
        raise _refuse(note, "mentions of one piece", "a discontinuous one")
    if entity.id != f"T{position}":
        raise _refuse(note, "entity ids T1, T2, ... in order", "others")
    if not set(entity.attributes) <= {"mentions"}:
        raise _refuse(note, "no attribute of an entity but 'mentions'", "others")
    mention = note[entity.span].replace("\n", " ")
    singles = entity.attributes.get("mentions")
    columns = [note.id, str(entity.span.start), str(entity.span.end), mention, entity.label]
    columns.append(_joined(note, entity.concepts))
    if singles is not None:
        columns.append(_text(note, singles))
    if any(_BREAKS.search(column) for column in columns) or not entity.label:
        raise _refuse(note, "mentions, labels and concepts without tab or line break", "one")
    return "\t".join(columns)


def _joined(note: Note, concepts: tuple[str, ...]) -> str:
    between = "," if any("|" in concept for concept in concepts) else "|"
    joined = between.join(concepts) or "-1"
    if _concepts(joined) != concepts:
        raise _refuse(note, "concept ids without '|', ',' and blanks around them", "others")
    return joined


def _relation_line(note: Note, relation: Relation, position: int) -> str:
    if relation.id != f"R{position}":
        raise _refuse(note, "relation ids R1, R2, ... in order", "others")
    if sorted(relation.roles) != sorted(_ROLES) or not all(relation.roles.values()):
        raise _refuse(note, "relations with roles Arg1 and Arg2", "others")
    if not set(relation.attributes) <= {"novelty"}:
        raise _refuse(note, "no attribute of a relation but 'novelty'", "others")
    ends = [relation.roles[role] for role in _ROLES]
    if not {e.id for e in note.entities}.isdisjoint({*ends[0], *ends[1]}):
        raise _refuse(note, "relations between concepts", "one between mentions")
    columns = [note.id, relation.label, *(_joined(note, concepts) for concepts in ends)]
    if "novelty" in relation.attributes:
        columns.append(_text(note, relation.attributes["novelty"]))
    numbers = columns[1].isdecimal() and columns[2].isdecimal()
    if numbers or any(_BREAKS.search(column) for column in columns):
        raise _refuse(note, "relation labels and concepts without tab or line break", "others")
    return "\t".join(columns)


def _text(note: Note, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise _refuse(note, "attributes that are text", "an empty or another one")
    return value


def _refuse(note: Note, holds: str, got: str) -> DataError:
    return DataError(f"PubTator holds {holds}, got {got}; write JSONL", note=note.id)

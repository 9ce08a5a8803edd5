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
three columns: id, key,     said of the whole document: label ``key:value``; of the key ``label``
value (tmVar)               the value alone
=========================== ===============================================================

The mention text of each line is checked against the text, but for white space. A note with more
than one newline, a discontinuous mention or anything else this cannot hold is refused by the
writer.

References
----------
Wei, Kao and Lu, PubTator, Nucleic Acids Res 2013; Li et al., BC5CDR, Database 2016.
"""

import re
from collections.abc import Iterator

from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.io.files.lines import byte_lines, decode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, file_writer
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import is_offset, place

__all__ = ["PUBTATOR", "concepts_in"]

_HEAD = re.compile(r"([^|\t]*)\|([ta])\|(.*)", re.DOTALL)
_VARIANT = re.compile(r"[a-z]?\|")
_NONE = ("", "-", "-1")
_ROLES = ("Arg1", "Arg2")
_BREAKS = re.compile(r"[\t\r\n]")
_LABEL = "label"
_OTHER = "a line must begin with the id of its document; a blank line ends a document"


# --- reading -------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    block: list[tuple[int, bytes]] = []
    for number, raw in byte_lines(source.path, source.encoding):
        if raw.strip():
            block.append((number, raw))
        elif block:
            yield Document(source.path, block[0][0], block)
            block = []
    if block:
        yield Document(source.path, block[0][0], block)


def _parse(document: Document) -> Note:
    block = [
        (number, decode(raw, document.path, number).removesuffix("\n").removesuffix("\r"))
        for number, raw in document.data
    ]
    note_id, text, rest = _text_lines(block, document)
    entities: list[Entity] = []
    relations: list[Relation] = []
    labels: list[str] = []
    for number, line in rest:
        columns = line.split("\t")
        if columns[0] != note_id:
            raise document.wrong(_OTHER, number)
        if len(columns) >= 5 and is_offset(columns[1]) and is_offset(columns[2]):
            entities.append(_entity(columns, len(entities) + 1, text, document, number))
        elif len(columns) in (4, 5):
            relations.append(_relation(columns, len(relations) + 1))
        elif len(columns) == 3 and _may_be_label(*columns[1:]):
            labels.append(_label(*columns[1:]))
        else:
            raise document.wrong(
                "a line must have 5 to 7 columns (mention), 4 to 5 (relation) or 3 (id, key, "
                f"value) with blanks as tabs, got {len(columns)} in another form",
                number,
            )
    return Note(
        id=note_id,
        text=text,
        entities=tuple(entities),
        relations=tuple(relations),
        labels=tuple(labels),
    )


def _text_lines(
    block: list[tuple[int, str]], document: Document
) -> tuple[str, str, list[tuple[int, str]]]:
    """Return the id, the text of title and abstract, and the lines behind them."""
    title = _HEAD.fullmatch(block[0][1])
    if title is None or title[2] != "t" or not title[1]:
        raise document.wrong("a document must begin with 'ID|t|title'")
    note_id, text, rest = title[1], title[3], block[1:]
    abstract = _HEAD.fullmatch(rest[0][1]) if rest else None
    if abstract is None or abstract[2] != "a":
        return note_id, text, rest
    if abstract[1] != note_id:
        raise document.wrong(_OTHER, rest[0][0])
    return note_id, f"{text}\n{abstract[3]}", rest[1:]


def _entity(
    columns: list[str], position: int, text: str, document: Document, number: int
) -> Entity:
    if len(columns) > 7 or not columns[4]:
        raise document.wrong("a mention line must have at most 7 columns and a label", number)
    bounds = [(int(columns[1]), int(columns[2]))]
    (span,) = place(document, text, bounds, columns[3], line=number)
    singles = columns[6] if len(columns) == 7 else ""
    return Entity(
        id=f"T{position}",
        span=span,
        label=columns[4],
        concepts=concepts_in(columns[5]) if len(columns) > 5 else (),
        attributes={"mentions": singles} if singles else {},
    )


def concepts_in(column: str) -> tuple[str, ...]:
    """Return the concept ids in one field, joined by ``|`` or ``,``; see the table above.

    Examples
    --------
    >>> concepts_in("D1|D2"), concepts_in("p|SUB|E|333|D,D3"), concepts_in("-1")
    (('D1', 'D2'), ('p|SUB|E|333|D', 'D3'), ())
    """
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
    return concepts_in(column) or (column,)


# --- writing -------------------------------------------------------------------------------


def _lines(note: Note) -> Iterator[str]:
    title, newline, abstract = note.text.partition("\n")
    if "\n" in abstract or "\r" in note.text:
        raise refusal(
            "PubTator", note, "a text of two lines (title and abstract)", "more line breaks"
        )
    if re.search(r"[|\t\r\n]", note.id) or not note.id:
        raise refusal("PubTator", note, "an id without '|', tab and line break", "another")
    yield f"{note.id}|t|{title}"
    if newline:
        yield f"{note.id}|a|{abstract}"
    for position, entity in enumerate(note.entities, 1):
        yield _entity_line(note, entity, position)
    for position, relation in enumerate(note.relations, 1):
        yield _relation_line(note, relation, position)
    for label in note.labels:
        yield _label_line(note, label)


def _entity_line(note: Note, entity: Entity, position: int) -> str:
    if entity.parts:
        raise refusal("PubTator", note, "mentions of one piece", "a discontinuous one")
    if entity.id != f"T{position}":
        raise refusal("PubTator", note, "entity ids T1, T2, ... in order", "others")
    if not set(entity.attributes) <= {"mentions"}:
        raise refusal("PubTator", note, "no attribute of an entity but 'mentions'", "others")
    mention = note[entity.span].replace("\n", " ")
    singles = entity.attributes.get("mentions")
    columns = [note.id, str(entity.span.start), str(entity.span.end), mention, entity.label]
    columns.append(_joined(note, entity.concepts))
    if singles is not None:
        columns.append(_text(note, singles))
    if any(_BREAKS.search(column) for column in columns) or not entity.label:
        raise refusal(
            "PubTator", note, "mentions, labels and concepts without tab or line break", "one"
        )
    return "\t".join(columns)


def _joined(note: Note, concepts: tuple[str, ...]) -> str:
    between = "," if any("|" in concept for concept in concepts) else "|"
    joined = between.join(concepts) or "-1"
    if concepts_in(joined) != concepts:
        raise refusal(
            "PubTator", note, "concept ids without '|', ',' and blanks around them", "others"
        )
    return joined


def _relation_line(note: Note, relation: Relation, position: int) -> str:
    _check_relation(note, relation, position)
    ends = [_joined(note, relation.roles[role]) for role in _ROLES]
    columns = [note.id, relation.label, *ends]
    if "novelty" in relation.attributes:
        columns.append(_text(note, relation.attributes["novelty"]))
    like_a_mention = columns[1].isdecimal() and columns[2].isdecimal()
    if like_a_mention or any(_BREAKS.search(column) for column in columns):
        raise refusal(
            "PubTator", note, "relation labels and concepts without tab or line break", "others"
        )
    return "\t".join(columns)


def _may_be_label(key: str, value: str) -> bool:
    return bool(key and value) and not is_offset(key)


def _label(key: str, value: str) -> str:
    return value if key == _LABEL else f"{key}:{value}"


def _label_line(note: Note, label: str) -> str:
    key, _, value = label.partition(":")
    if not key or not value or key == _LABEL or is_offset(key):
        key, value = _LABEL, label
    if _BREAKS.search(label) or not label:
        raise refusal("PubTator", note, "labels without tab or line break", "one")
    return f"{note.id}\t{key}\t{value}"


def _check_relation(note: Note, relation: Relation, position: int) -> None:
    """Raise `DataError` for a relation that is not between concepts, or has more than they hold."""
    if relation.id != f"R{position}":
        raise refusal("PubTator", note, "relation ids R1, R2, ... in order", "others")
    if sorted(relation.roles) != sorted(_ROLES) or not all(relation.roles.values()):
        raise refusal("PubTator", note, "relations with roles Arg1 and Arg2", "others")
    if not set(relation.attributes) <= {"novelty"}:
        raise refusal("PubTator", note, "no attribute of a relation but 'novelty'", "others")
    ends = {end for role in _ROLES for end in relation.roles[role]}
    if not {e.id for e in note.entities}.isdisjoint(ends):
        raise refusal("PubTator", note, "relations between concepts", "one between mentions")


def _text(note: Note, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise refusal("PubTator", note, "attributes that are text", "an empty or another one")
    return value


def _encode(note: Note) -> str:
    return "\n".join(_lines(note)) + "\n\n"


PUBTATOR = Format(
    suffixes=(".pubtator", ".pubtator.txt"),
    looks={".txt": rb"\A\s*\d+\|t\|"},
    split=_split,
    parse=_parse,
    write=file_writer(_encode),
    holds=frozenset({"entities", "entity.concepts", "entity.attributes", "relations"})
    | {"relation.attributes", "labels"},
)

r"""WebAnno TSV 3.2 and 3.3, the other form in which INCEpTION and WebAnno export a document.

::

    #FORMAT=WebAnno TSV 3.3
    #T_SP=webanno.custom.Finding|kind
    #T_RL=webanno.custom.Link|label|BT_webanno.custom.Finding


    #Text=💊 chest pain.
    1-1 \t 0-2 \t 💊 \t drug \t _ \t _
    1-2 \t 3-8 \t chest \t sign[1] \t for \t 1-1[0_1]
    1-3 \t 9-13 \t pain \t sign[1] \t _ \t _
    1-4 \t 13-14 \t . \t _ \t _ \t _

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``#Text=``                  text; between sentences one line break, and blanks where more of
                            it is missing: the file does not hold it
tokens, sentences           ``tokens``, ``sentences``
``T_SP``: spans, of tokens  entities of the layers, as of a CAS (`io.notes.xmi`): label, concepts,
or of parts of them         assertion, attributes; ``layers`` says which and by which feature
slots (``ROLE_``)           relation, its label the name of the feature; roles ``source`` and
                            ``target``; ``attributes["role"]``
``T_RL``: relations         relation with the roles ``Governor`` and ``Dependent``
``T_CH``: chains            entities; ``attributes["chain"]`` and ``["link"]``, their numbers
layers of grammar (DKPro)   read over
spans of no length          left out and counted (`Notes.n_excluded`)
=========================== ===============================================================

Offsets count units of UTF-16, of which an emoji is two; the text of each token is checked. Other
versions are refused by name. A folder is one corpus, with a ``.tsv`` to a document, whose id is its
path below the folder without suffix. Read only: what is written for INCEpTION is XMI or CAS JSON.

References
----------
https://inception-project.github.io/releases/36.4/docs/user-guide.html#sect_webannotsv
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from clinnlp.core.errors import OffsetError
from clinnlp.core.notes import Note
from clinnlp.io.files.lines import byte_chunks, decode
from clinnlp.io.files.source import Document, Source
from clinnlp.io.notes.documents import Format, split_files
from clinnlp.io.notes.offsets import from_utf16, is_offset, to_utf16
from clinnlp.io.notes.tools.cas import Cas, Structure, is_grammar, note_of_cas
from clinnlp.io.notes.tools.tasks import formed

__all__ = ["WEBANNO_TSV"]

_VERSION = re.compile(r"#FORMAT=WebAnno TSV (?P<version>[0-9.]+)\s*")
_LOOK = rb"\A\s*#(FORMAT=WebAnno TSV|[ ]?(webanno\.custom|de\.tudarmstadt\.ukp)\.)"
_LAYER = re.compile(r"#T_(?P<kind>SP|CH|RL)=(?P<rest>.+)")
_SEGMENTATION = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type."
_TOKEN, _SENTENCE = f"{_SEGMENTATION}Token", f"{_SEGMENTATION}Sentence"
_ANY = "uima.tcas.Annotation"  # a slot may lead to any layer
_UNIT = re.compile(r"[0-9]+-[0-9]+(?:\.[0-9]+)?")
_CELL = re.compile(r"(?P<value>(?:[^\\]|\\.|\\\Z)*?)(?:\[(?P<id>[0-9_]+)\])?", re.DOTALL)
_LINK = re.compile(r"(?P<value>.*)(?<!\\)->(?P<chain>[0-9]+)-(?P<link>[0-9]+)", re.DOTALL)
_STACKED, _SLOTS = (
    re.compile(rf"((?:[^\\{mark}]|\\.|\\\Z)*)(?:{mark}|\Z)") for mark in (r"\|", ";")
)
_IN_VALUE = re.compile(r"\\(->|.)", re.DOTALL)
_IN_TEXT = re.compile(r"\\([tnfrb\\\x00-\x07\x0e-\x1f])")
_ESCAPES = {"t": "\t", "n": "\n", "f": "\f", "r": "\r", "b": "\b"}
_NONE, _NULL = "_", "*"
_ROLE, _BASE = "ROLE_", "BT_"


class _Layer(NamedTuple):
    """A layer that the head of the file declares, with its columns; a relation ends in its base."""

    kind: str
    type: str
    columns: tuple[str, ...]


class _Unit(NamedTuple):
    """A token, or a part of one."""

    name: str
    begin: str
    end: str
    line: int


class _Slot(NamedTuple):
    """A target of a slot, to be found once all is read."""

    owner: Structure
    feature: str
    role: str
    target: str
    type: str
    line: int


@dataclass(slots=True)
class _Body:
    """What has been read of a document."""

    document: Document
    layers: list[_Layer]
    n_chars: int  # of the file
    text: list[str] = field(default_factory=list)
    n_units: int = 0  # of UTF-16, in the text so far
    made: dict[str, Structure] = field(default_factory=dict)
    placed: dict[tuple[str, str], list[str]] = field(default_factory=lambda: defaultdict(list))
    numbered: dict[tuple[str, str], str] = field(default_factory=dict)
    slots: list[_Slot] = field(default_factory=list)
    ends: list[tuple[_Layer, _Unit, tuple[str, ...]]] = field(default_factory=list)
    tokens: list[tuple[_Unit, str]] = field(default_factory=list)


# --- a file --------------------------------------------------------------------------------


def _split(source: Source) -> Iterator[Document]:
    suffix = ".tsv" if source.path.is_dir() else source.path.suffix or ".tsv"
    for document in split_files(source, suffix=suffix):
        yield document._replace(data=source.layers)


def _parse(document: Document) -> Note:
    raw = decode(b"".join(byte_chunks(document.path, document.encoding)), document.path, 1)
    lines = [line.removesuffix("\r") for line in raw.split("\n")]
    _check_version(lines[0], document)
    with formed(document):
        return _note(lines, document)


def _note(lines: Sequence[str], document: Document) -> Note:
    layers = [_layer(found) for line in lines[1:] if (found := _LAYER.fullmatch(line))]
    body = _Body(document, layers, sum(map(len, lines)))
    texts: list[str] = []
    for number, line in enumerate(lines[1:], 2):
        if line.startswith("#Text="):
            texts.append(_IN_TEXT.sub(_unescaped, line.removeprefix("#Text=")))
        elif line and not line.startswith("#"):
            unit, cells = _unit(line, body, number)
            if texts:
                _begin_sentence(body, unit, "\n".join(texts))
                texts = []
            _add_unit(body, unit, cells)
    _resolve(body)
    cas = Cas(text="".join(body.text), structures=body.made, layers=document.data or {})
    _check_tokens(body, cas.text)
    return note_of_cas(cas, document)


def _check_version(line: str, document: Document) -> None:
    found = _VERSION.fullmatch(line)
    version = found["version"] if found else "1 or 2"
    if not re.fullmatch(r"3\.([2-9]|[1-9][0-9]+)", version):
        raise document.wrong(
            f"a WebAnno TSV must be of version 3.2 or later, got {version}; export it as WebAnno "
            "TSV 3.3, or as UIMA CAS (XMI or JSON)"
        )


def _layer(found: re.Match[str]) -> _Layer:
    name, *columns = found["rest"].split("|")
    return _Layer(found["kind"], name, tuple(column for column in columns if column) or ("",))


def _unit(line: str, body: _Body, number: int) -> tuple[_Unit, list[str]]:
    """Return the token of a line, or the part of one, and the cells of its layers."""
    fields = line.split("\t")
    n_columns = sum(len(layer.columns) for layer in body.layers)
    bounds = fields[1].split("-") if len(fields) > 2 else []
    good = len(bounds) == 2 and all(map(is_offset, bounds)) and _UNIT.fullmatch(fields[0])
    if not good or len(fields) < 3 + n_columns:
        raise body.document.wrong(
            f"a token must have its number, its offsets, its text and {n_columns} columns of "
            f"layers between tabs, got {len(fields)} columns in another form",
            number,
        )
    unit = _Unit(fields[0], bounds[0], bounds[1], number)
    if "." not in unit.name:
        body.tokens.append((unit, _IN_TEXT.sub(_unescaped, fields[2])))
    return unit, fields[3 : 3 + n_columns]


def _begin_sentence(body: _Body, first: _Unit, text: str) -> None:
    """Add the text of a sentence, which begins where its first token does."""
    begin = int(first.begin)
    gap = begin - body.n_units
    if gap < 0 or gap > body.n_chars:
        raise body.document.wrong(
            "a sentence must begin behind the one before, and offsets count units of UTF-16, got "
            f"{begin} behind {body.n_units}",
            first.line,
        )
    broken = "\n" if gap and body.text else ""
    body.text += [broken + " " * (gap - len(broken)), text]
    body.n_units = begin + to_utf16(text, len(text))
    _make(body, _SENTENCE, first)["end"] = str(body.n_units)


def _check_tokens(body: _Body, text: str) -> None:
    """Raise `OffsetError` where a token is not the text at its offsets."""
    for unit, form in body.tokens:
        bounds = (int(unit.begin), int(unit.end))
        if not text.isascii():
            bounds = (from_utf16(text, bounds[0]), from_utf16(text, bounds[1]))
        if text[bounds[0] : bounds[1]].split() != form.split():
            raise OffsetError(
                "a token must be the text at its offsets, which count units of UTF-16, got another "
                f"text at {unit.begin}-{unit.end}",
                path=body.document.path,
                line=unit.line,
            )


# --- what stands on a token ----------------------------------------------------------------


def _add_unit(body: _Body, unit: _Unit, cells: Sequence[str]) -> None:
    if "." not in unit.name:
        _make(body, _TOKEN, unit)
    at = 0
    for layer in body.layers:
        mine = tuple(cells[at : at + len(layer.columns)])
        at += len(layer.columns)
        if all(cell in ("", _NONE) for cell in mine):
            continue
        if layer.kind == "RL":
            body.ends.append((layer, unit, mine))
        else:
            add = _add_spans if layer.kind == "SP" else _add_links
            add(body, layer, unit, mine)


def _make(body: _Body, type: str, unit: _Unit, number: str = "") -> dict[str, str]:
    """Return the features of a structure that stands on a unit, begun here or before."""
    key = (type, number)
    known = body.numbered.get(key) if number else None
    if known is None:
        known = str(len(body.made) + 1)
        bounds = {"begin": unit.begin, "end": unit.end}
        body.made[known] = Structure(known, type, bounds, {}, unit.line)
        if number:
            body.numbered[key] = known
    body.placed[type, unit.name].append(known)
    features = body.made[known].features
    features["end"] = max(features["end"], unit.end, key=int)
    return features


def _add_spans(body: _Body, layer: _Layer, unit: _Unit, cells: Sequence[str]) -> None:
    """Add the spans of a layer that stand on a unit, several where they are stacked."""
    stacks = _stacks(cells)
    for k in range(max(map(len, stacks))):
        values = [_cell(stack[k]) if k < len(stack) else (_NULL, "") for stack in stacks]
        number = next((number for _, number in values if number), "")
        features = _make(body, layer.type, unit, number)
        owner = body.made[body.placed[layer.type, unit.name][-1]]
        for j, (column, (value, _)) in enumerate(zip(layer.columns, values, strict=True)):
            if column.startswith(_ROLE):
                targets = stacks[j + 1][k] if k < len(stacks[j + 1]) else _NULL
                _add_slots(body, owner, layer.columns[j : j + 2], (value, targets), unit.line)
            elif column and not (j and layer.columns[j - 1].startswith(_ROLE)):
                _put(features, column, value)


def _add_slots(
    body: _Body, owner: Structure, columns: Sequence[str], cells: tuple[str, str], line: int
) -> None:
    """Note the targets of a slot, whose roles and targets stand in a column each."""
    name = columns[0].removeprefix(_ROLE).rpartition(":")[2]
    feature = name.rpartition("_")[0] or name
    roles, targets = (_SLOTS.findall(cell)[:-1] for cell in cells)
    if cells[1] in (_NULL, _NONE) or feature in owner.refs:
        return  # none, or said on an earlier token
    if len(roles) != len(targets):
        said = f"slots must have as many roles as targets, got {len(roles)} and {len(targets)}"
        raise body.document.wrong(said, line)
    owner.refs[feature] = ()
    for role, target in zip(roles, targets, strict=True):
        body.slots.append(_Slot(owner, feature, role, target, columns[1], line))


def _add_links(body: _Body, layer: _Layer, unit: _Unit, cells: Sequence[str]) -> None:
    """Add the elements of chains that stand on a unit."""
    stacks = _stacks(cells)
    for k in range(max(map(len, stacks))):
        values = [stack[k] if k < len(stack) else _NULL for stack in stacks]
        found = next((link for value in values if (link := _LINK.fullmatch(value))), None)
        if found is None:
            said = "an element of a chain must have its link such as ->1-2, got none"
            raise body.document.wrong(said, unit.line)
        features = _make(body, layer.type, unit, f"{found['chain']}-{found['link']}")
        features |= {"chain": found["chain"], "link": found["link"]}
        for column, value in zip(layer.columns, values, strict=True):
            link = _LINK.fullmatch(value)
            _put(features, column, link["value"] if link else _cell(value)[0])


def _stacks(cells: Sequence[str]) -> list[list[str]]:
    """Return the values of each cell, one for each of the annotations that are stacked there."""
    return [[] if cell == _NONE else _STACKED.findall(cell)[:-1] for cell in cells]


def _cell(text: str) -> tuple[str, str]:
    """Return a value and the number in brackets behind it, if there is one."""
    found = _CELL.fullmatch(text)
    return (found["value"], found["id"] or "") if found else (text, "")


def _put(features: dict[str, str], name: str, value: str) -> None:
    if value != _NULL and name:
        features[name] = _IN_VALUE.sub(_unescaped, value)


def _unescaped(found: re.Match[str]) -> str:
    return _ESCAPES.get(found[1], found[1])


# --- what leads from one to another --------------------------------------------------------


def _resolve(body: _Body) -> None:
    """Make slots and relations lead to the structures that they name."""
    for slot in body.slots:
        name, number = _cell(slot.target)
        target = _found(body, slot.type, name, number, slot.line)
        role = {} if slot.role == _NULL else {"role": _IN_VALUE.sub(_unescaped, slot.role)}
        link = Structure(f"L{len(body.made) + 1}", "link", role, {"target": (target,)}, slot.line)
        body.made[link.id] = link
        slot.owner.refs[slot.feature] += (link.id,)
    for layer, unit, cells in body.ends:
        if not is_grammar(layer.type):
            _add_relations(body, layer, unit, cells)


def _add_relations(body: _Body, layer: _Layer, unit: _Unit, cells: Sequence[str]) -> None:
    stacks = _stacks(cells)
    base = layer.columns[-1].removeprefix(_BASE)
    for k, said in enumerate(stacks[-1]):
        name, numbers = _cell(said)
        first, _, second = numbers.partition("_")
        refs: dict[str, tuple[str, ...]] = {
            "Governor": (_found(body, base, name, first, unit.line),),
            "Dependent": (_found(body, base, unit.name, second, unit.line),),
        }
        made = Structure(f"R{len(body.made) + 1}", layer.type, {}, refs, unit.line)
        for column, stack in zip(layer.columns[:-1], stacks, strict=False):
            _put(made.features, column, stack[k] if k < len(stack) else _NULL)
        body.made[made.id] = made


def _found(body: _Body, type: str, unit: str, number: str, line: int) -> str:
    """Return the id of the structure of a type that stands on a unit, or has a number."""
    if number.strip("0"):
        known = body.numbered.get((type, number))
        others = (known for (_, n), known in body.numbered.items() if n == number)
        known = known or next(others, None)
    else:
        types = {layer.type for layer in body.layers} if type == _ANY else {type}
        placed = (body.placed.get((each, unit), ()) for each in sorted(types))
        known = next((ids[0] for ids in placed if ids), None)
    if known is None:
        said = "a slot or a relation must lead to an annotation of the file, got another place"
        raise body.document.wrong(said, line)
    return known


WEBANNO_TSV = Format(
    suffixes=(),
    looks={".tsv": _LOOK},
    split=_split,
    parse=_parse,
    in_folder=True,
    packs=False,
)

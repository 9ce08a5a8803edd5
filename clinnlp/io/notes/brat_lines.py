"""The lines of a BRAT ``.ann`` file, to the annotations of a note and back; see `brat`.

Writing prefers BRAT's own lines; what they cannot hold of a mention or relation goes into one
``#`` line of type ``clinnlp`` with JSON about it, so that nothing is lost.
"""

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from clinnlp.core.errors import DataError, instead_of, located
from clinnlp.core.notes import AXES, Assertion, Entity, Note, Relation, check_note
from clinnlp.core.spans import Span, cover
from clinnlp.io.files.json_stream import json_value
from clinnlp.io.files.source import Document
from clinnlp.io.notes.losses import refusal
from clinnlp.io.notes.offsets import place

__all__ = ["ann_lines", "brat_letter", "is_attribute", "parse_ann", "plain_label"]

_ID = re.compile(r"[TREAMN#]\S+|\*")
_OFFSET = r"\d{1,18} \d{1,18}"
_OFFSETS = re.compile(rf"(\S+) ({_OFFSET}(?:;{_OFFSET})*)")
_ARGUMENT = re.compile(r"([^\s:]+):(\S+)")
_LABEL = re.compile(r"[^\s:]+")
_NAME = re.compile(r"[^\s#]+")
_VALUE = re.compile(r"\S(?:[^\t\r\n]*\S)?")
_BREAKS = re.compile(r"[\t\r\n]")
_NO_DATABASE = "concept:"  # stands before a concept that names no database
_RELATION_FORM = "a relation must have the form 'R1<tab>Label Role:T1 Role:T2'"
_REMARK = "AnnotatorNotes"
_EXTRAS = "clinnlp"
_EXTRA_KEYS = {"id", "label", "score", "source", "cues", "concepts", "attributes"}
_TRUTH = {None: True, "true": True, "false": False}


class _Line(NamedTuple):
    id: str
    body: str
    rest: str | None
    path: Path
    number: int

    def wrong(self, message: str) -> DataError:
        return DataError(message, path=self.path, line=self.number)


@dataclass(slots=True)
class _Draft:
    """An entity or relation while its lines are gathered."""

    line: _Line
    label: str
    pieces: tuple[Span, ...] = ()  # of an entity
    roles: dict[str, tuple[str, ...]] = field(default_factory=dict)  # of a relation
    concepts: list[str] = field(default_factory=list)
    axes: dict[str, bool] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    repeats: "Counter[str]" = field(default_factory=Counter)  # of the names of attributes
    extras: dict[str, Any] = field(default_factory=dict)


# --- reading -------------------------------------------------------------------------------


def parse_ann(note: Note, lines: Iterable[tuple[int, str]], document: Document) -> Note:
    """Return the note with the annotations of an ``.ann`` file.

    Raises
    ------
    DataError
        A line of another form or an unknown target, with its number; `OffsetError` for a
        mention outside the text or that is not its text.
    """
    drafts, about = _drafts(note.text, lines, document)
    owners: dict[str, tuple[_Draft, str]] = {key: (d, "") for key, d in drafts.items()}
    for line in about:
        _attach(line, owners)
    names = {key: str(d.extras.get("id", key)) for key, d in drafts.items()}
    entities = [_built(d, _build_entity, names) for d in drafts.values() if d.pieces]
    relations = [_built(d, _build_relation, names) for d in drafts.values() if not d.pieces]
    made = note.with_(entities=tuple(entities), relations=tuple(relations))
    with located(document.path):
        return check_note(made)


def _drafts(
    text: str, lines: Iterable[tuple[int, str]], document: Document
) -> tuple[dict[str, _Draft], list[_Line]]:
    """Return mentions and relations by their id in the file, and the lines about them."""
    drafts: dict[str, _Draft] = {}
    about: list[_Line] = []
    n_members = 0
    for number, raw in lines:
        line = _split(raw.rstrip("\r\n"), document.path, number)
        if line is None:
            continue
        if line.id == "*":
            n_members += 1
            line = line._replace(id=f"*{n_members}")
        if line.id[0] not in "TRE*":
            about.append(line)
        elif line.id in drafts:
            raise line.wrong("ids must be unique within a file, got one a second time")
        else:
            mention = line.id[0] == "T"
            drafts[line.id] = _entity(line, text, document) if mention else _relation(line)
    return drafts, about


def _split(line: str, path: Path, number: int) -> _Line | None:
    if not line.strip():
        return None
    columns = line.split("\t", 2)
    if len(columns) < 2 or not _ID.fullmatch(columns[0]):
        raise DataError(
            "a line must begin with an id (T1, R1, E1, A1, M1, N1, #1 or *) and a tab",
            path=path,
            line=number,
        )
    return _Line(columns[0], columns[1], columns[2] if len(columns) > 2 else None, path, number)


def _entity(line: _Line, text: str, document: Document) -> _Draft:
    found = _OFFSETS.fullmatch(line.body)
    if found is None or line.rest is None:
        raise line.wrong("a mention must have the form 'T1<tab>Label 0 4;8 12<tab>its text'")
    bounds = [(int(a), int(b)) for a, b in re.findall(r"(\d+) (\d+)", found[2])]
    pieces = place(document, text, bounds, line.rest, line=line.number)
    return _Draft(line, found[1], pieces=pieces)


def _relation(line: _Line) -> _Draft:
    head, *arguments = line.body.split() or [""]
    draft = _Draft(line, head)
    if not head.partition(":")[0] or (line.id[0] == "R" and len(arguments) < 2):
        raise line.wrong(_RELATION_FORM)
    if line.id[0] == "*":
        draft.roles["members"] = tuple(arguments)
        return draft
    if line.id[0] == "E":
        draft.label, _, trigger = head.partition(":")
        arguments.insert(0, f"trigger:{trigger}")
    roles: dict[str, list[str]] = {}
    for argument in arguments:
        found = _ARGUMENT.fullmatch(argument)
        if found is None:
            raise line.wrong(_RELATION_FORM)
        roles.setdefault(found[1], []).append(found[2])
    draft.roles |= {role: tuple(ends) for role, ends in roles.items()}
    return draft


def _attach(line: _Line, owners: dict[str, tuple[_Draft, str]]) -> None:
    name, target, value = [*line.body.split(" ", 2), None, None][:3]
    if name is None or target is None:
        raise line.wrong("a line about another must have the form 'A1<tab>Name T1'")
    if target not in owners:
        raise line.wrong("a target must be defined in the file, got an unknown id")
    draft, inner = owners[target]
    if line.id[0] == "#":
        _attach_remark(line, draft, name, inner)
        return
    if line.id[0] == "N":
        _attach_concept(line, draft, name, value)
    elif draft.pieces and not inner and name in AXES and value in _TRUTH:
        draft.axes[name] = _TRUTH[value]
    else:
        _add(draft, name, True if value is None else value)
    owners[line.id] = draft, name


def _attach_remark(line: _Line, draft: _Draft, name: str, inner: str) -> None:
    if name == _EXTRAS:
        draft.extras.update(_extras(line))
    else:
        _add(draft, f"{name} {inner}".strip(), line.rest or "")


def _attach_concept(line: _Line, draft: _Draft, name: str, value: str | None) -> None:
    if not value or not draft.pieces:
        raise line.wrong("a concept must have the form 'N1<tab>Reference T1 DB:ID<tab>name'")
    draft.concepts.append(value.removeprefix(_NO_DATABASE))
    if line.rest:
        _add(draft, f"{name} {value}", line.rest)


def _extras(line: _Line) -> dict[str, Any]:
    extras = json_value(line.rest or "")
    if not isinstance(extras, dict) or not extras.keys() <= _EXTRA_KEYS:
        raise line.wrong("a line of type clinnlp must hold the JSON that this library writes")
    return extras


def _add(draft: _Draft, name: str, value: Any) -> None:
    again, k = name, draft.repeats[name]
    while again in draft.attributes:
        k = max(2, k + 1)
        again = f"{name}#{k}"
    draft.attributes[again], draft.repeats[name] = value, k


def _built(draft: _Draft, build: Any, names: dict[str, str]) -> Any:
    def refusal(error: Exception) -> DataError:
        if isinstance(error, DataError):
            return error.at(draft.line.path, draft.line.number)
        return draft.line.wrong("a line of type clinnlp about this one holds other JSON")

    with instead_of((TypeError, ValueError, AttributeError, OverflowError), refusal):
        return build(draft, names)


def _build_entity(draft: _Draft, names: dict[str, str]) -> Entity:
    extras = draft.extras
    cues = {axis: Span(*cue) for axis, cue in extras.get("cues", {}).items()}
    return Entity(
        id=names[draft.line.id],
        span=cover(draft.pieces),
        label=extras.get("label", draft.label),
        parts=draft.pieces if len(draft.pieces) > 1 else (),
        concepts=tuple(extras.get("concepts", draft.concepts)),
        assertion=Assertion(**draft.axes, cues=cues) if draft.axes or cues else Assertion(),
        attributes={**draft.attributes, **extras.get("attributes", {})},
        score=extras.get("score"),
        source=extras.get("source"),
    )


def _build_relation(draft: _Draft, names: dict[str, str]) -> Relation:
    extras = draft.extras
    if not all(end in names for ends in draft.roles.values() for end in ends):
        raise DataError("each argument of a relation must be defined in the file")
    return Relation(
        id=names[draft.line.id],
        label=extras.get("label", draft.label),
        roles={role: tuple(names[end] for end in ends) for role, ends in draft.roles.items()},
        attributes={**draft.attributes, **extras.get("attributes", {})},
        score=extras.get("score"),
        source=extras.get("source"),
    )


# --- writing -------------------------------------------------------------------------------


def ann_lines(note: Note) -> Iterator[str]:
    """Yield the lines of the ``.ann`` file of a note.

    Raises
    ------
    DataError
        Something that BRAT cannot hold.
    """
    names = _brat_ids(note)
    for entity in note.entities:
        offsets = ";".join(f"{p.start} {p.end}" for p in entity.pieces)
        mention = _BREAKS.sub(" ", note.mention(entity))
        yield f"{names[entity.id]}\t{plain_label(entity.label)} {offsets}\t{mention}"
    for relation in note.relations:
        yield _relation_line(note, relation, names)
    numbers = dict.fromkeys("NA#", 0)
    things: list[Entity | Relation] = [*note.entities, *note.relations]
    for thing in things:
        for kind, body in _lines_about(thing, names[thing.id]):
            numbers[kind] += 1
            yield f"{kind}{numbers[kind]}\t{body}"


def _brat_ids(note: Note) -> dict[str, str]:
    """Return id to id in the file: its own where BRAT allows it, else the next free one."""
    wanted = [(e.id, "T") for e in note.entities] + [(r.id, brat_letter(r)) for r in note.relations]
    if len({own for own, _ in wanted}) < len(wanted):
        raise refusal("BRAT", note, "ids that no two mentions or relations share", "others")
    allowed = {own for own, letter in wanted if re.fullmatch(rf"[{letter}]\d+", own)}
    free = {letter: _free_names(letter, allowed) for letter in "TRE*"}
    return {
        own: own if own in allowed and letter != "*" else next(free[letter])
        for own, letter in wanted
    }


def _free_names(letter: str, allowed: set[str]) -> Iterator[str]:
    """Yield ids of a kind that are free; those of ``*`` lines stand in no file, and only count."""
    names = (f"{letter}{k}" for k in count(1))
    return (name for name in names if letter == "*" or name not in allowed)


def brat_letter(relation: Relation) -> str:
    """Return which line a relation takes: ``E`` (event), ``*`` (equivalence) or ``R``."""
    if len(relation.roles.get("trigger", ())) == 1:
        return "E"
    return "*" if set(relation.roles) == {"members"} else "R"


def _relation_line(note: Note, relation: Relation, names: dict[str, str]) -> str:
    letter, label = brat_letter(relation), plain_label(relation.label)
    pairs = [(role, end) for role, ends in relation.roles.items() for end in ends]
    _check_relation(note, relation, pairs, names)
    if letter == "*":
        return " ".join([f"*\t{label}", *(names[end] for _, end in pairs)])
    if letter == "E":
        label = f"{label}:{names[relation.roles['trigger'][0]]}"
        pairs = [(role, end) for role, end in pairs if role != "trigger"]
    arguments = [f"{role}:{names[end]}" for role, end in pairs]
    return " ".join([f"{names[relation.id]}\t{label}", *arguments])


def _check_relation(
    note: Note, relation: Relation, pairs: list[tuple[str, str]], names: dict[str, str]
) -> None:
    """Raise `DataError` for a relation that is of no form of BRAT."""
    if brat_letter(relation) == "R" and len(pairs) != 2:
        raise refusal("BRAT", note, "relations of two arguments or with a trigger", "another")
    if not all(end in names for _, end in pairs):
        raise refusal("BRAT", note, "relations between mentions", "one between concepts")
    if not all(ends and _LABEL.fullmatch(role) for role, ends in relation.roles.items()):
        raise refusal("BRAT", note, "roles that are one word with an argument", "another")


def _lines_about(thing: Entity | Relation, name: str) -> Iterator[tuple[str, str]]:
    """Yield (kind, body) of the lines that describe a mention or relation already defined."""
    extras: dict[str, Any] = {}
    if thing.id != name:
        extras["id"] = thing.id
    if thing.label != plain_label(thing.label):
        extras["label"] = thing.label
    attributes = dict(thing.attributes)
    if isinstance(thing, Entity):
        yield from _concept_lines(thing, name, attributes, extras)
        yield from _assertion_lines(thing, name, extras)
    yield from _attribute_lines(attributes, name, extras)
    for key in ("score", "source"):
        if getattr(thing, key) is not None:
            extras[key] = getattr(thing, key)
    if extras:
        yield "#", f"{_EXTRAS} {name}\t{json.dumps(extras, ensure_ascii=False)}"


def _assertion_lines(
    entity: Entity, name: str, extras: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield a line per axis that is known; cues go into `extras`."""
    for axis, truth in zip(AXES, entity.assertion.axes, strict=True):
        if truth is not None:
            yield "A", f"{axis} {name} {str(truth).lower()}"
    if entity.assertion.cues:
        extras["cues"] = {axis: list(cue) for axis, cue in entity.assertion.cues.items()}


def _attribute_lines(
    attributes: dict[str, Any], name: str, extras: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield a line per attribute that has a form of BRAT; the others go into `extras`."""
    for key, value in attributes.items():
        if key == _REMARK and isinstance(value, str) and _VALUE.fullmatch(value):
            yield "#", f"{key} {name}\t{value}"
        elif is_attribute(key, value):
            yield "A", f"{key} {name}" if value is True else f"{key} {name} {value}"
        else:
            extras.setdefault("attributes", {})[key] = value


def is_attribute(name: str, value: Any) -> bool:
    """Return whether an attribute can stand on an ``A`` line."""
    if not _NAME.fullmatch(name) or name in (*AXES, _EXTRAS):
        return False
    if value is True:
        return True
    return isinstance(value, str) and name != _REMARK and _VALUE.fullmatch(value) is not None


def _concept_lines(
    entity: Entity, name: str, attributes: dict[str, Any], extras: dict[str, Any]
) -> Iterator[tuple[str, str]]:
    """Yield a line per concept, taking the names behind them out of `attributes`."""
    if not all(re.fullmatch(r"\S+", concept) for concept in entity.concepts):
        extras["concepts"] = list(entity.concepts)
        return
    for concept in entity.concepts:
        code = concept if ":" in concept else f"{_NO_DATABASE}{concept}"
        if concept.startswith(_NO_DATABASE):
            code = f"{_NO_DATABASE}{concept}"
        called = attributes.get(f"Reference {code}")
        shown = isinstance(called, str) and _VALUE.fullmatch(called) is not None
        if shown:
            del attributes[f"Reference {code}"]
        yield "N", f"Reference {name} {code}\t{called if shown else ''}"


def plain_label(label: str) -> str:
    """Return a label BRAT can hold; the true one goes into the extras where it differs."""
    return label if _LABEL.fullmatch(label) else re.sub(r"[\s:]+", "_", label) or "_"

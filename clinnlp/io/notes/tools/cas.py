"""The CAS of UIMA to a note: which layers are mentions, and what their features say.

A CAS is a text and structures over it, each of a type such as ``webanno.custom.Finding``; XMI and
JSON spell the same (`xmi`, `cas_json`). The table of what becomes what stands in `xmi`.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from clinnlp.core.notes import Assertion, Entity, Note, Relation, Section, check_note
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document
from clinnlp.io.notes.offsets import from_utf16, is_offset, place
from clinnlp.io.notes.tools.cas_own import (
    MENTION,
    NOTE,
    OWN,
    RELATION,
    completed,
    own_entity,
    own_relation,
)

__all__ = ["Cas", "Structure", "is_grammar", "note_of_cas", "with_refs"]

_CTAKES = "org.apache.ctakes.typesystem.type."
# layers of grammar and layout, which are no mentions
_OTHER_LAYERS = (
    *("uima.", "de.tudarmstadt.ukp.dkpro.core.api.", "org.dkpro.core.api.", OWN),
    *(f"{_CTAKES}{name}." for name in ("syntax", "textspan", "structured", "refsem", "relation")),
)
_NAMED = ("de.tudarmstadt.ukp.dkpro.core.api.ner.type.", "org.dkpro.core.api.ner.type.")
_NOT_MENTIONS = {"METADATA", "DocumentAnnotation", "DocumentMetaData"} | {
    *("Predicate", "SemanticArgument"),  # roles of verbs, in cTAKES
}
_NO_TOKENS = {"NewlineToken", "BaseToken"}
_ONE_SEGMENT = "SIMPLE_SEGMENT"
_LABELS = {"NamedEntity": "value"}

_PLACED = {"sofa", "begin", "end"}
_NOTHING = ("", "N/A")
_NO_CONCEPT = (*_NOTHING, "CUI-LESS", "NIL")
_CONCEPTS = ("entityID", "identifier")
_UMLS = "ontologyConceptArr"
_ENDS = (("Governor", "Dependent"), ("arg1", "arg2"))
_REFERENCES = {_UMLS, *(name for pair in _ENDS for name in pair), "event", "target"}
_RELATION_LABELS = ("category", "label", "value")

# feature and value to axes: E3C's first, then those of cTAKES
_SAID: Mapping[tuple[str, str], Mapping[str, bool]] = {
    ("polarity", "NEG"): {"negated": True},
    ("polarity", "POS"): {"negated": False},
    ("contextualModality", "ACTUAL"): {"uncertain": False, "hypothetical": False},
    ("contextualModality", "HEDGED"): {"uncertain": True},
    ("contextualModality", "HYPOTHETICAL"): {"hypothetical": True},
    ("polarity", "-1"): {"negated": True},
    ("polarity", "1"): {"negated": False},
    ("uncertainty", "1"): {"uncertain": True},
    ("uncertainty", "0"): {"uncertain": False},
    ("conditional", "false"): {"hypothetical": False},
    ("generic", "true"): {"hypothetical": True},
    ("conditional", "true"): {"hypothetical": True},
    ("historyOf", "1"): {"historical": True},
    ("historyOf", "0"): {"historical": False},
}


@dataclass(slots=True)
class Structure:
    """A feature structure: what is said in text, and the ids of others that it leads to."""

    id: str
    type: str
    features: dict[str, str]
    refs: dict[str, tuple[str, ...]] = field(default_factory=dict)
    line: int | None = None

    @property
    def name(self) -> str:
        """The type without its package."""
        return self.type.rpartition(".")[2]


@dataclass(slots=True)
class Cas:
    """A text with its structures, by id, and which layers are mentions (empty: see `xmi`)."""

    text: str
    structures: dict[str, Structure]
    layers: Mapping[str, str]
    sofa: str = ""
    loose: list[Structure] = field(default_factory=list)  # without an id

    def all(self) -> Iterator[Structure]:
        """Yield every structure in the order of the file."""
        yield from self.structures.values()
        yield from self.loose

    def feature_of(self, one: Structure) -> str | None:
        """Return the feature of the label that the caller named for a layer, or None."""
        return self.layers.get(one.type, self.layers.get(one.name))


def note_of_cas(cas: Cas, document: Document) -> Note:
    """Return the note of a CAS.

    Raises
    ------
    DataError
        Bounds that are no numbers; a link that leads nowhere. `OffsetError` for a span outside
        the text.
    """
    found = _Found(cas, document)
    for one in cas.all():
        found.add(one)
    own = [one.features for one in cas.all() if one.type == NOTE]
    entities = found.entities if own else sorted(found.entities, key=lambda e: (e.span, e.label))
    note = Note(
        id=document.name,
        text=cas.text,
        tokens=tuple(sorted(found.spans["token"])) or None,
        sentences=tuple(sorted(found.spans["sentence"])) or None,
        sections=tuple(found.sections) or None,
        entities=tuple(entities),
        relations=tuple(found.relations()),
    )
    return check_note(completed(note, own[0], document) if own else note)


class _Found:
    """What the structures of a CAS become, one after the other."""

    def __init__(self, cas: Cas, document: Document) -> None:
        self.cas, self.document = cas, document
        self.spans: dict[str, list[Span]] = {"token": [], "sentence": []}
        self.sections: list[Section] = []
        self.entities: list[Entity] = []
        self._ids: dict[str, str] = {}  # of mentions, by the id of the structure
        self._links: list[tuple[Structure, str, str]] = []  # from, feature, link
        self._relations: list[tuple[Structure, tuple[str, str]]] = []

    def add(self, one: Structure) -> None:
        ends = next((pair for pair in _ENDS if {*pair} <= one.refs.keys()), None)
        if ends is not None:
            self._relations.append((one, ends))
            return
        kind = self._kind(one)
        if kind is None:
            return
        span = _span(one, self.cas.text, self.document)
        if span is None:
            self.document.leave_out("annotation without text")
        elif kind in self.spans:
            self.spans[kind].append(span)
        elif kind == "section":
            self.sections += _sections(one, span)
        else:
            self._add_mention(one, span)

    def _kind(self, one: Structure) -> str | None:
        """Return what a structure is: token, sentence, section, mention, or nothing of a note."""
        if not {"begin", "end"} <= one.features.keys():
            return None
        if self.cas.sofa and one.features.get("sofa", self.cas.sofa) != self.cas.sofa:
            self.document.leave_out("annotation of another view")
            return None
        if self.cas.feature_of(one) is not None or one.type == MENTION:
            return "mention"
        kind = _kind_of(one)
        if kind == "mention" and self.cas.layers:
            self.document.leave_out("annotation of a layer that was not named")
            return None
        return kind

    def _add_mention(self, one: Structure, span: Span) -> None:
        if one.type == MENTION:
            made = own_entity(one.features, span, self.cas.text, self.document)
        else:
            made = _entity(one, span, self.cas, self.document, len(self.entities) + 1)
            for feature, links in one.refs.items():
                targets = [link for link in links if _is_link(self.cas.structures.get(link))]
                self._links += [(one, feature, link) for link in targets]
        self._ids[one.id] = made.id
        self.entities.append(made)

    def relations(self) -> Iterator[Relation]:
        """Yield links and relations, once all mentions are known."""
        for one, feature, link in self._links:
            given = self.cas.structures[link]
            target = given.refs["target"]
            if len(target) != 1 or target[0] not in self._ids:
                raise self.document.wrong("a link must lead to an annotation of the file")
            roles = {"source": (self._ids[one.id],), "target": (self._ids[target[0]],)}
            role = given.features.get("role")
            attributes: dict[str, Any] = {"role": role} if role else {}
            yield Relation(id=link, label=feature, roles=roles, attributes=attributes)
        for one, ends in self._relations:
            made = self._relation(one, ends)
            if made is not None:
                yield made

    def _relation(self, one: Structure, ends: tuple[str, str]) -> Relation | None:
        roles: dict[str, tuple[str, ...]] = {}
        for end in ends:
            role, ids = self._end(one, end)
            if not ids:
                if not one.type.startswith(_OTHER_LAYERS):
                    self.document.leave_out("relation of what is no mention")
                return None
            roles[role if role not in roles else f"{role}#2"] = ids
        if one.type == RELATION:
            return own_relation(one.features, roles, self.document)
        return _foreign_relation(one, roles, self.cas.feature_of(one))

    def _end(self, one: Structure, end: str) -> tuple[str, tuple[str, ...]]:
        """Return the role of an end of a relation, and the mention that stands there."""
        found: list[str] = []
        role = end
        for there_id in one.refs[end]:
            there = self.cas.structures.get(there_id)
            if there is None:
                raise self.document.wrong(
                    "a relation must lead to annotations of the file", one.line
                )
            if "argument" in there.refs:  # of cTAKES, between a relation and its mention
                role = there.features.get("role") or role
                found += there.refs["argument"]
            else:
                found.append(there_id)
        return role, tuple(self._ids[one] for one in found if one in self._ids)


def _foreign_relation(
    one: Structure, roles: Mapping[str, tuple[str, ...]], named: str | None
) -> Relation:
    wanted = _RELATION_LABELS if named is None else (named,)
    label = next((key for key in wanted if one.features.get(key)), "")
    own = {label, *_PLACED, "id"}
    return Relation(
        id=one.id,
        label=one.features[label] if label else one.name,
        roles=roles,
        attributes={k: v for k, v in one.features.items() if k not in own and v not in _NOTHING},
    )


def _sections(one: Structure, span: Span) -> list[Section]:
    name = one.features.get("preferredText") or one.features.get("id") or _ONE_SEGMENT
    return [] if name == _ONE_SEGMENT else [Section(span=span, kind=name)]


def _kind_of(one: Structure) -> str | None:
    """Return what a structure of no named layer is, by its type."""
    name = one.name
    if name == "Sentence":
        return "sentence"
    if name == "Segment" and one.type.startswith(f"{_CTAKES}textspan."):
        return "section"
    if one.type.startswith(f"{_CTAKES}syntax.") or name == "Token":
        return "token" if name.endswith("Token") and name not in _NO_TOKENS else None
    return None if is_grammar(one.type) or name in _NOT_MENTIONS else "mention"


def is_grammar(type: str) -> bool:
    """Return whether a layer is one of grammar or layout, which holds no mentions."""
    return type.startswith(_OTHER_LAYERS) and not type.startswith(_NAMED)


def _span(one: Structure, text: str, document: Document) -> Span | None:
    """Return where a structure stands; None where it is of no length."""
    begin, end = one.features["begin"], one.features["end"]
    if not (is_offset(begin) and is_offset(end)):
        raise document.wrong("begin and end must be whole numbers", one.line)
    bounds = (int(begin), int(end))
    if not text.isascii():
        bounds = (from_utf16(text, bounds[0]), from_utf16(text, bounds[1]))
    if bounds[0] == bounds[1] <= len(text):
        return None
    return place(document, text, [bounds], None, line=one.line)[0]


def _entity(one: Structure, span: Span, cas: Cas, document: Document, position: int) -> Entity:
    named = cas.feature_of(one) or _LABELS.get(one.name)
    label = one.features.get(named or "") or one.name
    used = {*_PLACED, *_CONCEPTS, _UMLS, "event"} | ({named} if named else set())
    features = {k: v for k, v in one.features.items() if k not in used and v not in _NOTHING}
    return Entity(
        id=one.id or f"T{position}",
        span=span,
        label=label,
        concepts=_concepts(one, cas, document),
        assertion=_assertion(one.features),
        attributes=features,
    )


def _concepts(one: Structure, cas: Cas, document: Document) -> tuple[str, ...]:
    said = [one.features.get(name, "") for name in _CONCEPTS]
    for concept in one.refs.get(_UMLS, ()):
        there = cas.structures.get(concept)
        if there is None:
            raise document.wrong("a concept must be one of the file, got another", one.line)
        scheme, code = there.features.get("codingScheme"), there.features.get("code")
        said += [
            there.features.get("cui", ""),
            f"{scheme}:{code}" if scheme and code else code or "",
        ]
    return tuple(dict.fromkeys(concept for concept in said if concept not in _NO_CONCEPT))


def _assertion(features: Mapping[str, str]) -> Assertion:
    axes: dict[str, Any] = {}
    for feature, value in features.items():
        for axis, said in _SAID.get((feature, value), {}).items():
            axes[axis] = axes.get(axis, False) or said
    subject = features.get("subject", "")
    if subject:
        axes["experiencer"] = subject != "patient"
    return Assertion(**axes)


def _is_link(one: Structure | None) -> bool:
    return one is not None and "target" in one.refs


def with_refs(structures: Iterable[Structure]) -> dict[str, Structure]:
    """Return structures of XMI by id, the features that lead to others among their references.

    XMI does not say which feature is a number and which an id: known names are ids, and what
    leads to nothing but links.
    """
    by_id = {one.id: one for one in structures}
    links = {one.id for one in by_id.values() if "target" in one.features}
    for one in by_id.values():
        for feature in [key for key in one.features if _leads(one, key, links)]:
            one.refs[feature] = tuple(one.features.pop(feature).split())
    return by_id


def _leads(one: Structure, feature: str, links: set[str]) -> bool:
    ids = one.features[feature].split()
    if feature in _PLACED or not ids:
        return False
    is_argument = feature == "argument" and "role" in one.features
    return feature in _REFERENCES or is_argument or links.issuperset(ids)

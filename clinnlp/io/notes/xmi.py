r"""UIMA CAS as XMI, as WebAnno and INCEpTION write it (E3C corpus); read only.

::

    <cas:Sofa xmi:id="12" sofaString="Chest pain."/>
    <custom:CLINENTITY xmi:id="7" sofa="12" begin="0" end="10" entityID="C0008031"/>
    <custom:EVENT xmi:id="8" sofa="12" begin="6" end="10" polarity="NEG" TLINK="9"/>
    <custom:EVENTTLINKLink xmi:id="9" role="BEFORE" target="7"/>

=========================== ===============================================================
in the file                 in the note
=========================== ===============================================================
``sofaString``              text; offsets count UTF-16 units, as UIMA does, and are converted
``Token``, ``Sentence``     ``tokens``, ``sentences``
element of ``custom`` with  entity, its label the name of the element
begin before end
``entityID``                ``concepts``, unless empty or ``CUI-LESS``
``polarity``                ``assertion.negated``: ``NEG`` true, ``POS`` false
``contextualModality``      ``HEDGED``: ``assertion.uncertain``; ``HYPOTHETICAL``:
                            ``assertion.hypothetical``; ``ACTUAL``: false for both
other features, if not N/A  attributes
feature that names links    relation, its label the name of the feature (``TLINK``); roles
                            ``source`` and ``target``; ``attributes["role"]``
``METADATA``                read over, with every other element
=========================== ===============================================================

A folder is one corpus, with a file to a document; the id of a note is its path below the folder
without suffix.

References
----------
Eckart de Castilho et al., WebAnno, LT4DH 2016; Magnini et al., The E3C project, CLiC-it 2020.
"""

from collections.abc import Iterator

from clinnlp.core.notes import Assertion, Entity, Note, Relation, check_note
from clinnlp.core.spans import Span
from clinnlp.io.files.source import Document, Source
from clinnlp.io.files.xml_stream import Element, root_of
from clinnlp.io.notes.documents import Format, split_files
from clinnlp.io.notes.offsets import from_utf16, is_offset, place

__all__ = ["XMI"]

_LAYER = "custom:"
_SKIPPED = "custom:METADATA"
_OWN = ("xmi:id", "sofa", "begin", "end", "entityID")
_NOTHING = ("", "N/A")
_NO_CONCEPT = (*_NOTHING, "CUI-LESS")
_POLARITY = {"NEG": True, "POS": False}
_MODALITY = {"ACTUAL": (False, False), "HEDGED": (True, None), "HYPOTHETICAL": (None, True)}


def _split(source: Source) -> Iterator[Document]:
    path = source.path
    exported = path.is_dir() and any(p.suffix.lower() == ".xmi" for p in path.rglob("*"))
    return split_files(source, suffix=".xmi" if exported else path.suffix or ".xml")


def _parse(document: Document) -> Note:
    root = root_of(document.path)
    sofa = root.first("cas:Sofa")
    if sofa is None or "sofaString" not in sofa.attributes:
        raise document.wrong("an XMI file must have a cas:Sofa with a sofaString", root.line)
    text = sofa.attributes["sofaString"]
    links = _links(root)
    entities: list[Entity] = []
    relations: list[Relation] = []
    spans: dict[str, list[Span]] = {"Token": [], "Sentence": []}
    for element in root.children:
        name = element.tag.rpartition(":")[2]
        if "begin" not in element.attributes or element.tag == _SKIPPED:
            continue
        if name in spans:
            spans[name].append(_span(element, text, document))
        elif element.tag.startswith(_LAYER):
            entities.append(_entity(element, name, _span(element, text, document), links))
            relations += _relations(element, links)
    _check_ends(relations, entities, document)
    return check_note(
        Note(
            id=document.name,
            text=text,
            tokens=tuple(sorted(spans["Token"])) or None,
            sentences=tuple(sorted(spans["Sentence"])) or None,
            entities=tuple(sorted(entities, key=lambda e: (e.span, e.label))),
            relations=tuple(relations),
        )
    )


def _links(root: Element) -> dict[str, Element]:
    """Return what leads from one annotation to another, by id."""
    return {e.attributes.get("xmi:id", ""): e for e in root.children if "target" in e.attributes}


def _check_ends(relations: list[Relation], entities: list[Entity], document: Document) -> None:
    known = {entity.id for entity in entities}
    if not all(end in known for r in relations for ends in r.roles.values() for end in ends):
        raise document.wrong("a link must lead to an annotation of the file")


def _span(element: Element, text: str, document: Document) -> Span:
    begin, end = (element.attributes.get(name, "") for name in ("begin", "end"))
    if not (is_offset(begin) and is_offset(end)):
        raise document.wrong("begin and end must be whole numbers", element.line)
    bounds = (int(begin), int(end))
    if not text.isascii():
        bounds = (from_utf16(text, bounds[0]), from_utf16(text, bounds[1]))
    return place(document, text, [bounds], None, line=element.line)[0]


def _entity(element: Element, name: str, span: Span, links: dict[str, Element]) -> Entity:
    given = element.attributes
    attributes = {
        key: value
        for key, value in given.items()
        if key not in _OWN and value not in _NOTHING and not _leads(value, links)
    }
    uncertain, hypothetical = _MODALITY.get(given.get("contextualModality", ""), (None, None))
    concept = given.get("entityID", "")
    return Entity(
        id=given.get("xmi:id", ""),
        span=span,
        label=name,
        concepts=() if concept in _NO_CONCEPT else (concept,),
        assertion=Assertion(
            negated=_POLARITY.get(given.get("polarity", "")),
            uncertain=uncertain,
            hypothetical=hypothetical,
        ),
        attributes=attributes,
    )


def _relations(element: Element, links: dict[str, Element]) -> list[Relation]:
    made: list[Relation] = []
    for feature, value in element.attributes.items():
        for link in value.split() if feature not in _OWN and _leads(value, links) else ():
            given = links[link].attributes
            roles = {"source": (element.attributes["xmi:id"],), "target": (given["target"],)}
            attributes = {"role": given["role"]} if given.get("role") else {}
            made.append(Relation(id=link, label=feature, roles=roles, attributes=attributes))
    return made


def _leads(value: str, links: dict[str, Element]) -> bool:
    return bool(value.split()) and all(link in links for link in value.split())


XMI = Format(
    suffixes=(".xmi",),
    looks={".xml": rb"<xmi:XMI[\s>]"},
    split=_split,
    parse=_parse,
    in_folder=True,
    packs=False,
)

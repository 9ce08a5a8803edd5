r"""BioC: documents of passages with annotations and relations; the same tree as XML or JSON.

::

    <document><id>6794356</id>
      <passage><infon key="type">title</infon><offset>0</offset><text>Lithium in a newborn.</text>
        <annotation id="T1"><infon key="type">Chemical</infon>
          <infon key="identifier">D008094</infon>
          <location offset="0" length="7"/><text>Lithium</text></annotation></passage>
      <relation id="R1"><infon key="type">CID</infon><node refid="T1" role="drug"/>...</relation>

================================== ========================================================
in the file                        in the note
================================== ========================================================
passages (or their sentences)      text, each at its offset, line breaks in between;
                                   ``sections`` where every passage has an infon ``type``
sentences                          ``sentences``
annotation, its infon ``type``     entity, its label; several locations become `parts`
infon ``identifier``, ``MESH``     ``concepts``, joined by ``|`` or ``,`` as in PubTator
any other infon                    attribute of the entity or relation
relation, its infon ``type`` or    relation, its label
``relation``
nodes                              roles, with the ids of annotations; a node without role is
                                   ``Arg1``, ``Arg2``, ...; an id of nothing in a document with
                                   annotations is refused
infons ``entity1``, ``entity2``    roles ``Arg1``, ``Arg2`` with concept ids (BioRED)
infons ``role1``, ``role2``        the same, and the infon ``score`` its score (PubTator 3, as text
                                   or as objects, whose nodes lead to no annotation)
no node: each other infon          a role with concept ids (BC5CDR)
infon ``clinnlp``                  JSON with what BioC has no place for: patient, times, tokens,
                                   assertion, score, ...; so everything comes back
================================== ========================================================

Read over, as a note has no place for it: source, date and key of a collection, infons of a
document, infons of a passage but ``type``. Offsets count characters; the mention text of each
annotation is checked. Where they hold only if each passage follows the last by one line break,
the offsets of the passages are wrong (in BC5CDR they count ``&apos;`` as six): that is repaired on
request, and counted. The writer makes one passage of each section where sections and the line
breaks between them are the text, else one of the whole text.

References
----------
Comeau et al., BioC: a minimalist approach to interoperability for biomedical text processing,
Database 2013; http://bioc.sourceforge.net
"""

import json
from collections.abc import Iterable, Iterator

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import Note
from clinnlp.io.files.json_stream import json_items, json_object
from clinnlp.io.files.lines import UTF_8
from clinnlp.io.files.source import Document, Source
from clinnlp.io.files.xml_stream import Element, check_xml, elements, escaped, root_of
from clinnlp.io.notes.bioc_tree import Tree, note_of_tree, tree_of_note
from clinnlp.io.notes.documents import Format, file_writer

__all__ = ["BIOC_JSON", "BIOC_XML"]

_KEYS = ("documents", "PubTator3")


# --- JSON ----------------------------------------------------------------------------------


def _split_json(source: Source) -> Iterator[Document]:
    for line, raw in json_items(source.path, _KEYS, source.encoding):
        yield Document(source.path, line, raw)


def _encode_json(note: Note) -> str:
    tree = tree_of_note(note)
    for passage in tree["passages"]:
        passage |= {"sentences": [], "relations": []}  # other readers ask for them
    return json.dumps({**tree, "annotations": []}, ensure_ascii=False)


# --- XML -----------------------------------------------------------------------------------


def _split_xml(source: Source) -> Iterator[Document]:
    encoding = None if source.encoding == UTF_8 else source.encoding
    is_empty = True
    for element in elements(source.path, "document", encoding=encoding):
        is_empty = False
        yield Document(source.path, element.line, element)
    if is_empty and root_of(source.path, encoding=encoding).tag != "collection":
        raise DataError("BioC XML must be a collection of documents, got others", path=source.path)


def _parse_xml(document: Document) -> Note:
    return note_of_tree(_from_xml(document.data, document), document)


def _from_xml(element: Element, document: Document) -> Tree:
    """Return a document as BioC JSON has it."""
    tree = _part(element, document)
    passages = []
    for found in element.all("passage"):
        passages.append(_part(found, document))
        sentences = [_part(s, document) for s in found.all("sentence")]
        if sentences:
            passages[-1]["sentences"] = sentences
    return {**tree, "id": element.text_of("id"), "passages": passages}


def _part(element: Element, document: Document) -> Tree:
    tree: Tree = {"infons": _infons_of(element)}
    for child in element.children:
        if child.tag == "text":
            tree["text"] = child.text
        elif child.tag == "offset":
            tree["offset"] = _number(child.text, child, document)
        elif child.tag == "annotation":
            tree.setdefault("annotations", []).append(_annotation_of(child, document))
        elif child.tag == "relation":
            nodes = [node.attributes for node in child.all("node")]
            link: Tree = {"id": child.attributes.get("id"), "line": child.line}
            link |= {"infons": _infons_of(child), "nodes": nodes}
            tree.setdefault("relations", []).append(link)
    return tree


def _annotation_of(element: Element, document: Document) -> Tree:
    tree: Tree = {"id": element.attributes.get("id"), "line": element.line, "locations": []}
    infons: dict[str, str] = {}
    for child in element.children:
        if child.tag == "infon":
            infons[child.attributes.get("key", "")] = child.text
        elif child.tag == "location":
            where = (child.attributes.get(name) for name in ("offset", "length"))
            offset, length = (_number(value, child, document) for value in where)
            tree["locations"].append({"offset": offset, "length": length})
        elif child.tag == "text":
            tree["text"] = child.text
    tree["infons"] = infons
    return tree


def _infons_of(element: Element) -> dict[str, str]:
    return {i.attributes.get("key", ""): i.text for i in element.children if i.tag == "infon"}


def _number(text: str | None, element: Element, document: Document) -> int:
    said = f"{element.tag} must be a whole number, got another form"
    with instead_of(ValueError, lambda _: document.wrong(said, element.line)):
        return int(text or "")


def _encode_xml(note: Note) -> str:
    tree = tree_of_note(note)
    lines = [f"<document><id>{escaped(note.id)}</id>", *_infon_lines(tree)]
    for passage in tree["passages"]:
        lines += ["<passage>", *_infon_lines(passage), f"<offset>{passage['offset']}</offset>"]
        lines.append(f"<text>{escaped(passage['text'])}</text>")
        lines += [_annotation_line(a) for a in passage["annotations"]]
        lines.append("</passage>")
    for link in tree["relations"]:
        nodes = (_tag("node", node) for node in link["nodes"])
        opened = _tag("relation", {"id": link["id"]}, closed=False)
        lines.append("".join([opened, *_infon_lines(link), *nodes, "</relation>"]))
    return check_xml("\n".join([*lines, "</document>\n"]), note=note.id)


def _annotation_line(annotation: Tree) -> str:
    places = (_tag("location", place) for place in annotation["locations"])
    opened = _tag("annotation", {"id": annotation["id"]}, closed=False)
    text = f"<text>{escaped(annotation['text'])}</text></annotation>"
    return "".join([opened, *_infon_lines(annotation), *places, text])


def _infon_lines(tree: Tree) -> Iterable[str]:
    for key, value in tree["infons"].items():
        yield f"{_tag('infon', {'key': key}, closed=False)}{escaped(value)}</infon>"


def _tag(name: str, attributes: Tree, *, closed: bool = True) -> str:
    listed = (f' {k}="{escaped(str(v), attribute=True)}"' for k, v in attributes.items())
    return f"<{name}{''.join(listed)}{'/' if closed else ''}>"


BIOC_JSON = Format(
    suffixes=(".bioc.json", ".biocjson"),
    looks={".json": rb'"passages"\s*:|"documents"\s*:\s*\['},
    split=_split_json,
    parse=lambda document: note_of_tree(json_object(document), document),
    write=file_writer(
        _encode_json,
        head='{"source": "clinnlp", "date": "", "key": "", "infons": {}, "documents": [\n',
        between=",\n",
        tail="\n]}\n",
    ),
)
BIOC_XML = Format(
    suffixes=(".bioc.xml", ".bioc"),
    looks={".xml": rb"<collection[\s>]"},
    split=_split_xml,
    parse=_parse_xml,
    write=file_writer(
        _encode_xml,
        head='<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE collection SYSTEM "BioC.dtd">\n'
        "<collection><source>clinnlp</source><date></date><key></key>\n",
        tail="</collection>\n",
    ),
)

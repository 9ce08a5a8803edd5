"""MeSH descriptors, as XML (desc2025.xml) or ASCII (d2025.bin).

A descriptor stands under those whose tree numbers are its own without the last part.

References
----------
National Library of Medicine, MeSH XML data elements; MeSH in ASCII format, data elements.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from clinnlp.core.errors import DataError
from clinnlp.core.vocab import Vocabulary
from clinnlp.io.files.xml_stream import Element, elements_in
from clinnlp.io.tables.terminologies.names import Gathered
from clinnlp.io.tables.terminologies.tables import Tables

__all__ = ["MESH_FILE", "read_mesh"]

MESH_FILE = r"(?:desc\w*\.xml|d\d+\.bin)"
_BOM = b"\xef\xbb\xbf"
_RECORD, _NEW = "DescriptorRecord", "*NEWRECORD"
_ENTRIES = ("PRINT ENTRY", "ENTRY")
_LABELS = (("C", "Problem"), ("F03", "Problem"), ("D", "Chemical"))


class _Descriptor(NamedTuple):
    code: str
    name: str
    terms: list[str]
    trees: list[str]


def read_mesh(path: str | Path) -> Vocabulary:
    """Return the descriptors of MeSH with their entry terms and parents; the code is the UI.

    The label is ``Problem`` for diseases and mental disorders, ``Chemical`` for chemicals and
    drugs, else ``Term``.

    The file is read once, record by record; the names stay in memory, about 400 bytes each.

    Parameters
    ----------
    path : str or Path
        The XML or the ASCII file, packed or not, or a folder or zip file that holds one.

    Raises
    ------
    DataError
        Another layout, or XML that is not well-formed.
    """
    tables = Tables(path)
    name = tables.main(MESH_FILE, "of MeSH descriptors")
    found = Gathered("MeSH", "Term")
    of_tree: dict[str, str] = {}
    trees: dict[str, list[str]] = {}
    for each in _descriptors(tables, name):
        found.names[each.code] = each.name
        found.synonyms[each.code] = each.terms
        trees[each.code] = each.trees
        of_tree |= dict.fromkeys(each.trees, each.code)
        found.labels[each.code] = _label(each.trees)
    if not found.names:
        said = f"MeSH must hold records {_RECORD} or {_NEW}, got none"
        raise DataError(said, path=tables.place(name))
    for code, numbers in trees.items():
        above = (number.rpartition(".")[0] for number in numbers)
        found.parents[code] = [of_tree[number] for number in above if number in of_tree]
    return found.vocabulary()


def _label(trees: list[str]) -> str:
    return next((said for head, said in _LABELS if any(t.startswith(head) for t in trees)), "Term")


def _descriptors(tables: Tables, name: str) -> Iterator[_Descriptor]:
    with tables.open(name) as handle:
        if handle.peek(1).removeprefix(_BOM).lstrip().startswith(b"<"):  # type: ignore[attr-defined]
            for record in elements_in(handle, tables.place(name), _RECORD):
                yield _of_xml(record, tables.place(name))
            return
    yield from _of_ascii(tables, name)


def _of_xml(record: Element, path: Path) -> _Descriptor:
    code, name = record.text_of("DescriptorUI"), _string(record.first("DescriptorName"))
    if not code or not name:
        said = f"a {_RECORD} must have a DescriptorUI and a DescriptorName, got none"
        raise DataError(said, path=path, line=record.line)
    concepts = _children(record, "ConceptList", "Concept")
    terms = [_string(term) for each in concepts for term in _children(each, "TermList", "Term")]
    trees = [tree.text.strip() for tree in _children(record, "TreeNumberList", "TreeNumber")]
    return _Descriptor(code.strip(), name, terms, trees)


def _children(element: Element, holder: str, tag: str) -> list[Element]:
    held = element.first(holder)
    return [] if held is None else held.all(tag)


def _string(element: Element | None) -> str:
    return "" if element is None else (element.text_of("String") or "").strip()


def _of_ascii(tables: Tables, name: str) -> Iterator[_Descriptor]:
    record: dict[str, list[str]] | None = None
    began = 0
    for number, line in tables.lines(name):
        if line.strip() == _NEW:
            yield from _finished(record, tables.place(name), began)
            record, began = {}, number
        elif record is not None:
            field, sign, value = line.partition(" = ")
            if sign:
                record.setdefault(field.strip(), []).append(value.strip())
    yield from _finished(record, tables.place(name), began)


def _finished(record: dict[str, list[str]] | None, path: Path, line: int) -> Iterator[_Descriptor]:
    if record is None or record.get("RECTYPE", ["D"]) != ["D"]:
        return
    if "UI" not in record or "MH" not in record:
        raise DataError("a record of MeSH must have a UI and an MH, got none", path=path, line=line)
    terms = [term.partition("|")[0] for field in _ENTRIES for term in record.get(field, ())]
    yield _Descriptor(record["UI"][0], record["MH"][0], terms, record.get("MN", []))

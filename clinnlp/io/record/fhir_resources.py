"""Resources of FHIR R4 one by one, however they are kept, as notes and events both take them.

=============================== ===========================================================
file or folder                  resources
=============================== ===========================================================
``.ndjson``, ``.jsonl``         one a line, of any mix of types
another, in JSON                the entries of a Bundle, a single resource, an array of them, or
                                lines after all
another, in XML                 the entries of a Bundle, or a single resource
a folder, or a ``.zip`` of one  its ``.ndjson``, ``.jsonl``, ``.json`` and ``.xml``, in folders
                                below too, which begin like FHIR (a manifest does not)
=============================== ===========================================================

Files may end in ``.gz`` or ``.xz``. A Bundle in an entry or a line is its entries, and so on. An
entry without resource (a deletion, an empty answer) is given as none, for counting.
"""

import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from clinnlp.core.errors import DataError, instead_of
from clinnlp.io.files.folders import files_of
from clinnlp.io.files.json_stream import json_items, json_object, json_value
from clinnlp.io.files.lines import UTF_8, byte_chunks, byte_lines, decode
from clinnlp.io.files.packing import packing, plain_name
from clinnlp.io.files.source import Document, Source
from clinnlp.io.files.xml_stream import elements
from clinnlp.io.files.zips import open_either, paths_in_zip
from clinnlp.io.record.fhir_references import name_in
from clinnlp.io.record.fhir_values import Json, each
from clinnlp.io.record.fhir_versions import check_version
from clinnlp.io.record.fhir_xml import NAMESPACE, entry_from_xml

__all__ = [
    "LOOKS",
    "Entry",
    "entries_of",
    "fhir_files",
    "is_fhir_folder",
    "is_fhir_zip",
    "resources",
]

Entry = tuple[Any, Json | None]  # the address of an entry, and its resource

_SOME = 20  # files that are looked at
_LINES = (".ndjson", ".jsonl")
_JSON_LOOK = rb'(?<!\\)"resourceType"\s*:\s*"[A-Z]'
_XML_LOOK = rb"xmlns(:\w+)?\s*=\s*[\"']" + re.escape(NAMESPACE).encode() + rb"[\"']"
# suffix: what the head of a file of FHIR has
LOOKS = {".json": _JSON_LOOK, ".ndjson": _JSON_LOOK, ".jsonl": _JSON_LOOK, ".xml": _XML_LOOK}
_OF_ENTRY = {
    *("fullUrl", "link", "request", "response", "search", "id"),
    *("extension", "modifierExtension"),
}


def fhir_files(source: Source) -> tuple[list[Path], list[Path]]:
    """Return the files to read, and those of a folder that are named like FHIR but are not.

    Raises
    ------
    DataError
        A folder without any, or one with a link out of it.
    """
    named = _named_files(source.path)
    if named is None:
        return [source.path], []
    files: list[Path] = []
    others: list[Path] = []
    for path in named:
        fits = _has_no_line(path, source) or _looks(path, source.encoding)
        (files if fits else others).append(path)
    if not files:
        said = "a folder or zip file must hold FHIR in JSON, NDJSON or XML, got no such file"
        raise DataError(said, path=source.path)
    return files, others


def _named_files(path: Path) -> list[Path] | None:
    """Return the files in a folder or zip file that are named like FHIR; None for another file."""
    if _is_zip(path):
        return [p for p in paths_in_zip(path) if not packing(p) and _is_named(p, path)]
    if path.is_dir():
        return files_of(path, (p for p in path.rglob("*") if _is_named(p, path)))
    return None


def is_fhir_folder(folder: Path) -> bool:
    """Return whether folders in a folder hold FHIR, and the folder itself no more than a manifest.

    Of the files in them, some are looked at.
    """
    below = (path for path in folder.rglob("*") if path.is_file() and _is_named(path, folder))
    try:
        return _holds_a_manifest_at_most(folder) and any(
            _looks(path, UTF_8) for path in sorted(below)[:_SOME]
        )
    except DataError:
        return False


def _holds_a_manifest_at_most(folder: Path) -> bool:
    plain = (path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
    own = list(islice(plain, _SOME))
    return len(own) < _SOME and all(_is_named(p, folder) and not _looks(p, UTF_8) for p in own)


def is_fhir_zip(path: Path, encoding: str) -> bool:
    """Return whether a zip file holds files of FHIR."""
    try:
        files, _ = fhir_files(Source(path, encoding))
    except DataError:
        return False
    return _is_zip(path) and bool(files)


def _is_zip(path: Path) -> bool:
    return path.suffix.lower() == ".zip" and path.is_file()


def _is_named(path: Path, folder: Path) -> bool:
    hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
    return not hidden and plain_name(path).endswith(tuple(LOOKS))


def _head(path: Path, encoding: str) -> bytes:
    return next(byte_chunks(path, encoding, opened=open_either), b"")


def _has_no_line(path: Path, source: Source) -> bool:
    return _is_named_lines(path) and not _head(path, source.encoding).strip()


def _is_named_lines(path: Path) -> bool:
    return plain_name(path).endswith(_LINES)


def _looks(path: Path, encoding: str) -> bool:
    """Return whether a file begins like FHIR."""
    return re.search(LOOKS[Path(plain_name(path)).suffix], _head(path, encoding)) is not None


def resources(source: Source) -> Iterator[Document]:
    """Give each entry of a bundle, each line, or the one resource of a file.

    What was JSON is not yet parsed.

    Raises
    ------
    DataError
        Neither JSON nor XML, or broken around its resources.
    """
    named = _is_named_lines(source.path)
    head = b"" if named else _head(source.path, source.encoding)
    if named or _is_lines(head):
        for number, raw in byte_lines(*source[:2], opened=open_either):
            if raw.strip():
                yield Document(source.path, number, raw)
    elif head.lstrip().startswith(b"<"):
        yield from _of_xml(source)
    else:
        yield from _of_json(source, listed=head.lstrip().startswith(b"["))


def _is_lines(head: bytes) -> bool:
    """Return whether a file is one object a line, whatever its name."""
    line, _, more = head.lstrip().partition(b"\n")
    if not (more.strip() and line.startswith(b"{") and line.rstrip().endswith(b"}")):
        return False
    return isinstance(json_value(line.decode("utf-8", "replace")), dict)


def _of_json(source: Source, *, listed: bool) -> Iterator[Document]:
    rest: list[bytes] = []
    keys = None if listed else ("entry",)
    for line, raw in json_items(source.path, keys, source.encoding, rest=rest, opened=open_either):
        yield Document(source.path, line, raw)
    raw = b"".join(rest)
    whole = json_value(decode(raw, source.path, 1)) if not listed else {"resourceType": "Bundle"}
    if not isinstance(whole, dict) or not isinstance(whole.get("resourceType"), str):
        said = "a JSON file of FHIR must be one resource or Bundle and whole, got another form"
        raise DataError(said, path=source.path)
    if whole.get("resourceType") != "Bundle":
        yield Document(source.path, 1, raw)


def _of_xml(source: Source) -> Iterator[Document]:
    encoding = None if source.encoding == UTF_8 else source.encoding
    found = elements(
        source.path, "entry", encoding=encoding, within="Bundle", markup="div", opened=open_either
    )
    for element in found:
        if element.tag[:1].isupper() and NAMESPACE not in element.attributes.values():
            said = f"XML of FHIR must be in the namespace {NAMESPACE}, got another"
            raise DataError(said, path=source.path, line=element.line)
        document = Document(source.path, element.line, b"")
        record = entry_from_xml(element, document)
        if record.get("resourceType") != "Bundle":
            yield document._replace(data=record)


def entries_of(document: Document) -> list[Entry]:
    """Return the address and the resource of an entry, of a line, or of all in a Bundle there.

    Raises
    ------
    DataError
        Something else than a resource, or one of another version than R4.
    """
    record = document.data if isinstance(document.data, dict) else json_object(document)
    said = "a resource must not be nested so deeply"
    with instead_of(RecursionError, lambda _: document.wrong(said)):
        return _entries(record, document)


def _entries(record: Json, document: Document) -> list[Entry]:
    if record.keys() <= _OF_ENTRY:
        return [(record.get("fullUrl"), None)]
    if "item" in record and not record.keys() & {"resource", "resourceType"}:
        return []  # of a List, which is one resource and follows
    address, inner = record.get("fullUrl"), record.get("resource", record)
    if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
        raise document.wrong("a resource must be an object with a resourceType")
    if inner["resourceType"] != "Bundle":
        return [(address, _checked(address, inner, document))]
    found: list[Entry] = []
    for entry in each(inner.get("entry")):
        if not isinstance(entry, dict):
            raise document.wrong("an entry of a Bundle must be an object")
        found += _entries(entry, document)
    return found


def _checked(address: object, inner: Json, document: Document) -> Json:
    """Return a resource, with the id that its address says where it says none."""
    check_version(inner, document)
    name = name_in(address) if isinstance(address, str) else None
    if "id" not in inner and name is not None:
        inner["id"] = name
    return inner

"""Resources of FHIR R4 one by one, of a bundle or of lines, as notes and events both take them."""

from collections.abc import Iterator
from typing import Any

from clinnlp.io.files.json_stream import json_items, json_object
from clinnlp.io.files.lines import byte_lines
from clinnlp.io.files.packing import plain_name
from clinnlp.io.files.source import Document, Source
from clinnlp.io.record.fhir_references import name_in
from clinnlp.io.record.fhir_values import Json

__all__ = ["entry_of", "resources"]


def resources(source: Source) -> Iterator[Document]:
    """Give each resource of a bundle or of lines, not yet parsed."""
    if _is_lines(source):
        for number, raw in byte_lines(source.path, source.encoding):
            if raw.strip():
                yield Document(source.path, number, raw)
    else:
        for line, raw in json_items(source.path, ("entry",), source.encoding):
            yield Document(source.path, line, raw)


def _is_lines(source: Source) -> bool:
    return plain_name(source.path).endswith(".ndjson")


def entry_of(document: Document) -> tuple[Any, Json]:
    """Return the address and the resource of an entry of a bundle, or of a line."""
    record = json_object(document)
    address, inner = record.get("fullUrl"), record.get("resource", record)
    if not isinstance(inner, dict) or not isinstance(inner.get("resourceType"), str):
        raise document.wrong("a resource must be an object with a resourceType")
    name = name_in(address) if isinstance(address, str) else None
    if "id" not in inner and name is not None:
        inner["id"] = name
    return address, inner

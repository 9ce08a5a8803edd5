"""FHIR in XML as it would stand in JSON, so that what reads one reads both.

An element is the text of its ``value``, or an object of what stands in it; one that is repeated
is a list, and one that could be but is not is no list: `fhir_values.each` takes either. Numbers
and flags are text. A narrative (``div``) is its markup. An element of extensions alone says
nothing.

References
----------
https://hl7.org/fhir/R4/xml.html
"""

from clinnlp.core.errors import instead_of
from clinnlp.io.files.source import Document
from clinnlp.io.files.xml_stream import Element
from clinnlp.io.record.fhir_values import Json, each

__all__ = ["NAMESPACE", "entry_from_xml"]

NAMESPACE = "http://hl7.org/fhir"
_OBJECTS = ("extension", "modifierExtension")  # which have extensions alone, and say something


def entry_from_xml(element: Element, document: Document) -> Json:
    """Return an entry of a bundle, or a resource.

    Raises
    ------
    DataError
        It is nested too deeply.
    """
    said = "a resource must not be nested so deeply"
    with instead_of(RecursionError, document.wrong(said)):
        return _resource(element) if element.tag[:1].isupper() else _fields(element)


def _resource(element: Element) -> Json:
    return {"resourceType": element.tag, **_fields(element)}


def _fields(element: Element) -> Json:
    found: Json = {
        key: element.attributes[key] for key in ("id", "url") if key in element.attributes
    }
    for child in element.children:
        value = _value(child)
        if value is None:
            continue
        if child.tag not in found:
            found[child.tag] = value
        else:
            found[child.tag] = each(found[child.tag])
            found[child.tag].append(value)
    return found


def _value(element: Element) -> Json | str | None:
    if "value" in element.attributes:
        return element.attributes["value"]
    if element.tag == "div":
        return element.text
    inner = element.children
    if not inner and not element.attributes:
        return {}
    if len(inner) == 1 and inner[0].tag[:1].isupper():
        return _resource(inner[0])
    says = element.tag in _OBJECTS or any(child.tag not in _OBJECTS for child in inner)
    return _fields(element) if says else None

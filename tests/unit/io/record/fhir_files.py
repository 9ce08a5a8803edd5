"""Files of FHIR by hand: bundles, lines and XML of the same resources."""

import base64
import json
from xml.sax.saxutils import quoteattr

NAMESPACE = "http://hl7.org/fhir"
SNOMED, LOINC = "http://snomed.info/sct", "http://loinc.org"
P1 = {"reference": "Patient/p1"}


def coded(code, system=SNOMED, **more):
    return {"coding": [{"system": system, "code": code, **more}]}


def attached(text, kind="text/plain", charset="utf-8", **more):
    raw = text if isinstance(text, bytes) else text.encode(charset)
    return {"contentType": kind, "data": base64.b64encode(raw).decode(), **more}


def document(*attachments, name="d1", **more):
    """Return a DocumentReference of some attachments."""
    content = [{"attachment": one} for one in attachments]
    return {"resourceType": "DocumentReference", "id": name, "status": "current", "subject": P1,
            "date": "2024-03-02T10:00:00Z", "content": content, **more}  # fmt: skip


def observed(name="o1", **more):
    return {"resourceType": "Observation", "id": name, "status": "final", "subject": P1,
            "code": coded("2823-3", LOINC), **more}  # fmt: skip


def bundle(resources, kind="collection"):
    entries = [{"resource": resource} for resource in resources]
    return {"resourceType": "Bundle", "type": kind, "entry": entries}


def write_bundle(path, resources, kind="collection"):
    path.write_text(json.dumps(bundle(resources, kind)))
    return path


def write_lines(path, resources):
    path.write_text("".join(json.dumps(resource) + "\n" for resource in resources))
    return path


def write_xml(path, resource):
    path.write_text(f'<?xml version="1.0" encoding="UTF-8"?>\n{xml_of(resource, top=True)}')
    return path


def xml_of(resource, *, top=False):
    """Return a resource as XML, by the rules of https://hl7.org/fhir/R4/json.html backwards."""
    kind = resource["resourceType"]
    inner = {key: value for key, value in resource.items() if key != "resourceType"}
    head = f' xmlns="{NAMESPACE}"' if top else ""
    return f"<{kind}{head}>{_fields(inner)}</{kind}>"


def _fields(fields):
    return "".join(_element(name, one) for name, value in fields.items() for one in _each(value))


def _each(value):
    return [] if value is None else value if isinstance(value, list) else [value]


def _element(name, value):
    if name == "div":
        return value.replace("<div", '<div xmlns="http://www.w3.org/1999/xhtml"', 1)
    if isinstance(value, dict) and "resourceType" in value:
        return f"<{name}>{xml_of(value)}</{name}>"
    if isinstance(value, dict):
        own = {key: value[key] for key in ("url",) if name == "extension"}
        rest = {key: part for key, part in value.items() if key not in own}
        marks = "".join(f" {key}={quoteattr(part)}" for key, part in own.items())
        return f"<{name}{marks}>{_fields(rest)}</{name}>"
    said = str(value).lower() if isinstance(value, bool) else str(value)
    return f"<{name} value={quoteattr(said, {chr(10): '&#10;', chr(13): '&#13;'})}/>"

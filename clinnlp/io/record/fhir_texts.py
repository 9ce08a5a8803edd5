"""Which resources of FHIR hold a text, where it stands, and why others hold none.

=================== ===========================================================================
resource            texts
=================== ===========================================================================
DocumentReference   its attachments
DiagnosticReport    its ``presentedForm``; where none is to be read, its ``conclusion``
Composition         the narratives of its sections, each under its title and a colon; without
                    sections its own
Binary              of an attachment whose ``url`` names it, in the same file or folder
=================== ===========================================================================

The attachments of one resource are one document in several forms: plain text is taken where
there is some (all of it, where there are several), else HTML and XHTML, as the text that a reader
sees.
One behind a url is taken only where none has data. Of RTF, PDF, images, XML of CDA and other types
there is no text, nor of what stands behind another url, as nothing is fetched: such a resource is
left out, and counted by the type of its first attachment. Text is in the charset that its type
names, else what its mark or, in HTML, its ``meta`` says, else UTF-8.

References
----------
https://hl7.org/fhir/R4/documentreference.html, https://hl7.org/fhir/R4/datatypes.html#attachment
"""

import base64
import binascii
import codecs
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from clinnlp.core.errors import instead_of
from clinnlp.io.files.html_text import text_of_html
from clinnlp.io.files.source import Document
from clinnlp.io.record.fhir_references import contained, name_in, pointed
from clinnlp.io.record.fhir_values import Json, each, first, text_in

__all__ = ["BEHIND", "NOTES", "Part", "binary_part", "parts_of", "text_of_part"]

NOTES = ("DocumentReference", "DiagnosticReport", "Composition")

BEHIND = "behind a url"

_PLAIN, _HTML, _SAID = "plain", "html", "said"
_TYPES = {
    "text/plain": _PLAIN,
    "text/markdown": _PLAIN,
    "text/html": _HTML,
    "application/xhtml+xml": _HTML,
    "text/xhtml": _HTML,
}
_UNREAD = {
    "application/rtf": "RTF",
    "text/rtf": "RTF",
    "text/richtext": "RTF",
    "application/pdf": "PDF",
    "application/xml": "XML",
    "text/xml": "XML",
    "application/hl7-cda+xml": "XML",
    "application/hl7-sda+xml": "XML",
    "image": "an image",
    "": "no type",
}
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"),
          (codecs.BOM_UTF16_BE, "utf-16"))  # fmt: skip
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?([\w.:-]+)", re.IGNORECASE)
_HEAD = 2048  # bytes of HTML in which its charset is looked for


class Part(NamedTuple):
    """One text of a resource: its form, its data, or the Binary that has them."""

    form: str
    data: str = ""
    charset: str = ""
    binary: str = ""

    @property
    def digest(self) -> int:
        """What is equal for equal data, and hardly for others, within one process."""
        return hash(self.binary or self.data)


def parts_of(resource: Json) -> list[Part] | str:
    """Return the texts of a resource of `NOTES`, or why it has none.

    Raises
    ------
    KeyError, TypeError, AttributeError
        Another form than that of FHIR R4.

    Examples
    --------
    >>> scan = {"attachment": {"contentType": "application/pdf", "url": "Binary/1"}}
    >>> parts_of({"resourceType": "DocumentReference", "id": "d1", "content": [scan]})
    'of PDF'
    """
    return _PARTS[resource["resourceType"]](resource)


def binary_part(resource: Json) -> Part | str:
    """Return the text of a Binary, or why it has none."""
    found = _attached({**resource, "data": resource.get("data", resource.get("content"))}, resource)
    return BEHIND if isinstance(found, Part) and found.binary else found


def text_of_part(part: Part, document: Document) -> str:
    """Return the text that a part is.

    Raises
    ------
    DataError
        Its data are no base64 of text in its charset.
    """
    if part.form == _SAID:
        return part.data
    said = "an attachment must be base64 of text in its charset"
    foreign = (binascii.Error, UnicodeDecodeError, LookupError, ValueError)
    with instead_of(foreign, lambda _: document.wrong(said)):
        raw = base64.b64decode(part.data, validate=True)
        text = raw.decode(part.charset or _charset_of(raw, part.form))
    return text_of_html(text) if part.form == _HTML else text.removeprefix("\ufeff")


def _charset_of(raw: bytes, form: str) -> str:
    for mark, name in _MARKS:
        if raw.startswith(mark):
            return name
    told = _META.search(raw[:_HEAD]) if form == _HTML else None
    return told[1].decode() if told else "utf-8"


# --- attachments ---------------------------------------------------------------------------


def _of_attachments(attachments: list[Json], resource: Json) -> list[Part] | str:
    found = [_attached(attachment, resource) for attachment in attachments]
    parts = [part for part in found if isinstance(part, Part)]
    if parts:
        best = min(map(_rank, parts))
        return [part for part in parts if _rank(part) == best]
    return next((reason for reason in found if isinstance(reason, str)), "without content")


def _rank(part: Part) -> tuple[bool, bool]:
    return bool(part.binary), part.form != _PLAIN


def _attached(attachment: Json, resource: Json) -> Part | str:
    said = attachment.get("contentType") or ""
    kind, *parameters = (part.strip() for part in said.split(";"))
    form = _TYPES.get(kind.lower())
    if form is None:
        return f"of {_named(kind.lower())}"
    named = (p[8:].strip("\"' ") for p in parameters if p.lower().startswith("charset="))
    part = Part(form, charset=next(named, ""))
    if attachment.get("data") is not None:
        return part._replace(data="".join((attachment["data"] + "").split()))
    if str(attachment.get("size")) == "0":
        return part  # FHIR has no empty values
    url = text_in(attachment.get("url"))
    return _elsewhere(part, url, resource) if url else "without data"


def _named(kind: str) -> str:
    return _UNREAD.get(kind) or _UNREAD.get(kind.partition("/")[0]) or "another type"


def _elsewhere(part: Part, url: str, resource: Json) -> Part | str:
    if url.startswith("#"):
        inside = contained(resource, url[1:])
        return BEHIND if inside is None else binary_part(inside)
    name = name_in(pointed({"reference": url}, "Binary", resource) or "")
    return BEHIND if name is None else part._replace(binary=name)


def _document(resource: Json) -> list[Part] | str:
    return _of_attachments([one["attachment"] for one in each(resource.get("content"))], resource)


def _report(resource: Json) -> list[Part] | str:
    found = _of_attachments(each(resource.get("presentedForm")), resource)
    said = text_in(resource.get("conclusion"))
    if isinstance(found, str) and said and said.strip():
        return [Part(_SAID, said)]
    return "without text" if found == "without content" else found


# --- narratives ----------------------------------------------------------------------------


def _composition(resource: Json) -> list[Part] | str:
    blocks = list(_sections(resource))
    text = "\n\n".join(blocks) or _narrative(resource)
    return [Part(_SAID, text)] if text else "without text"


def _sections(resource: Json) -> Iterator[str]:
    """Yield the sections that say something, those in others behind them."""
    for section in each(resource.get("section")):
        said = _narrative(section)
        title = (text_in(section.get("title")) or _code_name(section) or "").strip()
        heading = f"{title.removesuffix(':')}:\n" if title else ""
        if said:
            yield heading + said
        yield from _sections(section)


def _code_name(section: Json) -> str | None:
    concept = section.get("code") or {}
    name = concept.get("text") or first(concept.get("coding")).get("display")
    return text_in(name)


def _narrative(resource: Json) -> str:
    div = text_in((resource.get("text") or {}).get("div"))
    return text_of_html(div) if div else ""


_PARTS: dict[str, Callable[[Json], list[Part] | str]] = {
    "DocumentReference": _document,
    "DiagnosticReport": _report,
    "Composition": _composition,
}

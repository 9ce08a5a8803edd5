"""Elements of FHIR R4 as the writer makes them: ids, references, words, times and codes.

- An **id** has letters, digits, ``-`` and ``.`` only. Another name, such as ``ward/7``, is replaced
  by a UUID that is made of it and so is the same in each run.
- A **text** is not empty and has no control characters; runs of white space become one blank.
- A **time** without zone counts as UTC, as in all of clinnlp; where it is at midnight it is a date,
  as most such times were one.
- The **system** of a code is the address that R4 or HL7 Terminology has for the name of its
  vocabulary. Any other is ``urn:clinnlp:vocabulary:<name>``; where nobody said the vocabulary, the
  system is ``urn:clinnlp:vocabulary``.

References
----------
https://hl7.org/fhir/R4/datatypes.html, https://hl7.org/fhir/R4/terminologies-systems.html,
https://terminology.hl7.org/external_terminologies.html
"""

import re
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import quote
from uuid import NAMESPACE_URL, uuid5

from clinnlp.core.notes import Entity, Note

__all__ = [
    "Json",
    "absent",
    "codings",
    "day_or_instant",
    "fhir_id",
    "instant",
    "is_fhir_id",
    "made_id",
    "mention_text",
    "reference_to",
    "subject_of",
    "text_of",
    "with_value",
]

Json = dict[str, Any]

_NAMESPACE = uuid5(NAMESPACE_URL, "urn:clinnlp:fhir")
_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_FARTHEST = timedelta(hours=14)
_VOCABULARY = "urn:clinnlp:vocabulary"
_UMLS = "http://www.nlm.nih.gov/research/umls"
_SID = "http://hl7.org/fhir/sid"
_THO = "http://terminology.hl7.org/CodeSystem"
_ICD10CM = f"{_SID}/icd-10-cm"
_UNDOTTED = re.compile(r"[A-Z][0-9][0-9A-Z][0-9A-Z]{1,4}")
_SYSTEMS = {  # by the letters and digits of its name
    **dict.fromkeys(("snomed", "snomedct", "snomedctus", "sct"), "http://snomed.info/sct"),
    **dict.fromkeys(("rxnorm", "rxcui"), f"{_UMLS}/rxnorm"),
    "drugbank": f"{_UMLS}/drugbank",
    **dict.fromkeys(("loinc", "lnc"), "http://loinc.org"),
    "icd10cm": _ICD10CM,
    "icd10": f"{_SID}/icd-10",
    "icd9cm": f"{_SID}/icd-9-cm",
    "ndc": f"{_SID}/ndc",
    "atc": "http://www.whocc.no/atc",
    "unii": "http://fdasis.nlm.nih.gov",
    "ndfrt": "http://hl7.org/fhir/ndfrt",
    **dict.fromkeys(("mesh", "msh"), f"{_THO}/MSH"),
    **dict.fromkeys(("meddra", "mdr"), f"{_THO}/mdr"),
    "umls": f"{_THO}/umls",
    "omim": "http://www.omim.org",
    **dict.fromkeys(("hpo", "hp"), "http://human-phenotype-ontology.org"),
    "omop": "https://fhir-terminology.ohdsi.org",
}


def is_fhir_id(name: str) -> bool:
    """Return whether a name may be the id of a resource."""
    return _ID.fullmatch(name) is not None


def fhir_id(name: str) -> str:
    """Return a name where it may be an id, else one that is made of it.

    Examples
    --------
    >>> fhir_id("n1"), fhir_id("ward/7")
    ('n1', 'a9c32f0b-27c6-51d0-8ba0-fb5261964d80')
    """
    return name if is_fhir_id(name) else made_id(name)


def made_id(*names: str) -> str:
    """Return a UUID that is made of names."""
    return str(uuid5(_NAMESPACE, repr(names)))


def text_of(value: str) -> str:
    """Return a text as FHIR may hold it, empty where nothing of it may be held.

    Examples
    --------
    >>> text_of(" chest\\n pain\\0")
    'chest pain'
    """
    return " ".join(_CONTROL.sub(" ", value).split())


def mention_text(note: Note, entity: Entity) -> str:
    """Return the words of a mention; where it has none, its label."""
    return text_of(note.mention(entity)) or text_of(entity.label) or "?"


def with_value(element: Json) -> Json:
    """Return an element without what is empty."""
    return {name: value for name, value in element.items() if value not in (None, "", [], {})}


def absent() -> list[Json]:
    """Return the extension that says that a value is not known."""
    return [{"url": _ABSENT, "valueCode": "unknown"}]


def reference_to(kind: str, name: str | None) -> Json | None:
    """Return a reference to a patient or a stay; by identifier where the name can be no id.

    Examples
    --------
    >>> reference_to("Patient", "p1"), reference_to("Patient", "7/2")["identifier"]
    ({'reference': 'Patient/p1'}, {'value': '7/2'})
    """
    if name is None or not text_of(name):
        return None
    if is_fhir_id(name):
        return {"reference": f"{kind}/{name}"}
    return {"type": kind, "identifier": {"value": text_of(name)}}


def subject_of(patient: str | None) -> Json:
    """Return whom a resource is about, or a reference that says that nobody knows."""
    unknown = {"extension": absent(), "display": "unknown patient"}
    return reference_to("Patient", patient) or unknown


# --- times ---------------------------------------------------------------------------------


def instant(moment: datetime) -> str:
    """Return a time with its zone.

    Examples
    --------
    >>> instant(datetime(2024, 3, 1, 8))
    '2024-03-01T08:00:00+00:00'
    """
    offset = moment.utcoffset()
    if offset is None:
        moment = moment.replace(tzinfo=UTC)
    elif offset % timedelta(minutes=1) or abs(offset) > _FARTHEST:
        moment = moment.astimezone(UTC)
    return moment.isoformat()


def day_or_instant(moment: datetime) -> str:
    """Return a time with its zone, or a date where that is all that is said."""
    is_day = moment.tzinfo is None and moment.time() == time()
    return moment.date().isoformat() if is_day else instant(moment)


# --- codes ---------------------------------------------------------------------------------


def codings(entity: Entity) -> list[Json]:
    """Return a coding for each concept of a mention that can be a code.

    The vocabulary is what the attribute ``vocabulary`` says (of several concepts joined by ``|``
    where they differ), or stands before a colon: ``MeSH:D2``. The attribute ``name`` is what the
    first concept is called.

    Examples
    --------
    >>> from clinnlp.core.spans import Span
    >>> entity = Entity(id="T1", span=Span(0, 1), label="Drug", concepts=("DB01050", "MESH:D2"))
    >>> [coding["system"] for coding in codings(entity)]
    ['urn:clinnlp:vocabulary', 'http://terminology.hl7.org/CodeSystem/MSH']
    """
    said = str(entity.attributes.get("vocabulary") or "")
    names = said.split("|")
    if len(names) != len(entity.concepts):
        names = [said] * len(entity.concepts)
    called = entity.attributes.get("name")
    made = []
    for k, (concept, name) in enumerate(zip(entity.concepts, names, strict=True)):
        display = text_of(called) if k == 0 and isinstance(called, str) else ""
        coding = _coding(concept, name)
        made += [with_value({**coding, "display": display})] if coding else []
    return made


def _coding(concept: str, vocabulary: str) -> Json | None:
    before, colon, behind = concept.partition(":")
    if not vocabulary and colon and _folded(before) in _SYSTEMS:
        vocabulary, concept = before, behind
    system = _system(vocabulary)
    if system == _ICD10CM and _UNDOTTED.fullmatch(concept):
        concept = f"{concept[:3]}.{concept[3:]}"
    is_code = concept != "" and text_of(concept) == concept
    return {"system": system, "code": concept} if is_code else None


def _system(vocabulary: str) -> str:
    vocabulary = text_of(vocabulary)
    known = _SYSTEMS.get(_folded(vocabulary))
    if known or not vocabulary:
        return known or _VOCABULARY
    if re.fullmatch(r"(https?://|urn:)\S+", vocabulary):
        return vocabulary
    return f"{_VOCABULARY}:{quote(vocabulary, safe='')}"


def _folded(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()

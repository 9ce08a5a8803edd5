"""What a mention states, as resources of FHIR R4: Condition, MedicationStatement, family history.

==================================== ==========================================================
a condition                          Condition
==================================== ==========================================================
negated                              verificationStatus ``refuted``, and no clinicalStatus
uncertain                            ``unconfirmed``
not assessed                         no verificationStatus
else                                 ``confirmed``
attribute ``course`` ``ended``       clinicalStatus ``resolved``
``course`` ``chronic``               ``active``, also where it stands under past history
historical                           ``inactive``
not assessed                         no clinicalStatus
else                                 ``active``
concepts                             ``code``; of several, which a composite mention has, each is
                                     a Condition of its own
==================================== ==========================================================

==================================== ==========================================================
a drug                               MedicationStatement
==================================== ==========================================================
negated                              status ``not-taken``
hypothetical                         ``intended``
uncertain                            ``unknown``
``change`` ``stop``, ``hold``        ``stopped``, ``on-hold``
historical, ``course`` ``ended``     ``completed``
not assessed                         ``unknown``
else                                 ``active``, and ``effectiveDateTime`` is `Note.time`
concepts                             medicationCodeableConcept; of several, the ingredients of a
                                     contained Medication
``dose`` and so on                   ``dosage``, see `clinnlp.io.notes.fhir_dosage`
``indication``                       ``reasonCode``
==================================== ==========================================================

==================================== ==========================================================
a condition of another person        FamilyMemberHistory, ``partial``
==================================== ==========================================================
cue of the experiencer               ``relationship``: the relative whom it names, else ``FAMMEMB``
==================================== ==========================================================

The first row that fits is taken. Not assessed is a mention of which nobody looked whether it is
negated or uncertain: one axis is missing, and the other not true. What nobody looked at is stated
by no resource as a fact, and is counted; family history has no status for it. Any other axis that
nobody assessed counts as false, as everywhere.
What is no fact of the record becomes no resource, and is counted: a hypothetical condition; a
condition that a relative has not or may have, for which family history has no status; a condition
of one who is no relative; a drug of another person; a mention of any other label. It stays in the
note. ``recordedDate``, ``dateAsserted`` and the date of a family history are `Note.known`.

`Condition.clinicalStatus` may be missing, for no Condition is said to be of a problem list (con-3);
there is no abatement (con-4), and nothing is entered in error (con-5).

References
----------
https://hl7.org/fhir/R4/condition.html, https://hl7.org/fhir/R4/medicationstatement.html,
https://hl7.org/fhir/R4/familymemberhistory.html
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from clinnlp.core.notes import Entity, Note
from clinnlp.io.notes.fhir_dosage import dosage, said
from clinnlp.io.notes.fhir_elements import (
    Json,
    codings,
    day_or_instant,
    made_id,
    mention_text,
    subject_of,
    text_of,
    with_value,
)
from clinnlp.io.notes.fhir_extensions import mention_extension

__all__ = [
    "CONDITION_LABELS",
    "DRUG_LABELS",
    "About",
    "Labels",
    "is_unassessed",
    "left_out",
    "statements",
]

DRUG_LABELS = ("Drug", "Medication", "Chemical", "Brand", "Group", "Drug_n")
CONDITION_LABELS = (
    *("Problem", "Condition", "Disease", "Disorder", "Diagnosis", "Symptom", "Sign"),
    *("Adverse event", "ADE", "Effect", "DiseaseOrPhenotypicFeature"),
)

_CODES = "http://terminology.hl7.org/CodeSystem"
_CHANGED = {"stop": "stopped", "hold": "on-hold"}
_FAMILY = "FAMMEMB"
_KIN = {  # HL7 RoleCode: the words of a cue; the first that fits is taken
    _FAMILY: "side|rama|por parte",  # of the mother: any of her family
    "MGRMTH": "maternal grandmother|maternal grandma|abuela materna",
    "MGRFTH": "maternal grandfather|maternal grandpa|abuelo materno",
    "PGRMTH": "paternal grandmother|paternal grandma|abuela paterna",
    "PGRFTH": "paternal grandfather|paternal grandpa|abuelo paterno",
    "MAUNT": "maternal aunts?|tía materna",
    "PAUNT": "paternal aunts?|tía paterna",
    "MUNCLE": "maternal uncles?|tío materno",
    "PUNCLE": "paternal uncles?|tío paterno",
    "GGRMTH": "great[- ]grandmother|bisabuela",
    "GGRFTH": "great[- ]grandfather|bisabuelo",
    "GRMTH": "grandmothers?|grandma|abuelas?",
    "GRFTH": "grandfathers?|grandpa|abuelos?",
    "GRPRN": "grandparents?",
    "GRNDDAU": "granddaughters?|nietas?",
    "GRNDSON": "grandsons?|nietos?",
    "GRNDCHILD": "grandchild(?:ren)?",
    "STPMTH": "stepmother|madrastra",
    "STPFTH": "stepfather|padrastro",
    "HSIS": "half[- ]sisters?|hermanastras?",
    "HBRO": "half[- ]brothers?|hermanastros?",
    "MTH": "mothers?|moms?|mum|mommy|madre",
    "FTH": "fathers?|dads?|daddy|padre",
    "PRN": "parents?|padres",
    "SIS": "sisters?|hermanas?",
    "BRO": "brothers?|hermanos?",
    "TWIN": "twins?|gemel[oa]s?",
    "SIB": "siblings?",
    "DAUC": "daughters?|hijas?",
    "SONC": "sons?|hijos?",
    "CHILD": "child(?:ren)?",
    "AUNT": "aunts?|tías?",
    "UNCLE": "uncles?|tíos?",
    "NIECE": "nieces?|sobrinas?",
    "NEPHEW": "nephews?|sobrinos?",
    "COUSN": "cousins?|prim[oa]s?",
    "WIFE": "wife|esposa",
    "HUSB": "husband|esposo|marido",
    "SPS": "spouse",
}
_RELATIVES = [
    (code, re.compile(rf"\b(?:{words})\b", re.IGNORECASE)) for code, words in _KIN.items()
]
_STRANGERS = re.compile(r"\b(?:room-?mate|donor|(?:sick|household) contacts?)\b", re.IGNORECASE)


class Labels(NamedTuple):
    """Labels of mentions of drugs and of conditions, in any case."""

    drugs: frozenset[str]
    conditions: frozenset[str]

    def kind_of(self, entity: Entity) -> str:
        """Return ``drug``, ``condition`` or nothing."""
        label = entity.label.casefold()
        return "drug" if label in self.drugs else "condition" if label in self.conditions else ""


class About(NamedTuple):
    """What all resources of one note say of it."""

    note: Note
    document: Json  # a reference
    encounter: Json | None  # likewise


def left_out(note: Note, entity: Entity, kind: str) -> str | None:
    """Return why no resource is made of a mention, or None."""
    assertion = entity.assertion
    if not kind:
        return f"label {entity.label}"
    if kind == "drug":
        return "drug of another person" if assertion.experiencer else None
    if assertion.hypothetical:
        return "hypothetical condition"
    if not assertion.experiencer:
        return None
    if assertion.negated:
        return "condition that another person has not"
    if assertion.uncertain:
        return "condition that another person may have"
    is_stranger = _STRANGERS.search(_who(note, entity))
    return "condition of another person than a relative" if is_stranger else None


def is_unassessed(entity: Entity) -> bool:
    """Return whether nobody looked if a mention is negated or uncertain.

    Examples
    --------
    >>> from clinnlp.core.notes import Assertion
    >>> from clinnlp.core.spans import Span
    >>> is_unassessed(Entity(id="T1", span=Span(0, 5), label="Problem"))
    True
    >>> denied = Assertion(negated=True)
    >>> is_unassessed(Entity(id="T1", span=Span(0, 5), label="Problem", assertion=denied))
    False
    """
    axes = (entity.assertion.negated, entity.assertion.uncertain)
    return None in axes and True not in axes


def statements(about: About, entity: Entity, kind: str) -> Iterator[Json]:
    """Yield the resources of a mention that is not left out."""
    note = about.note
    stem = {"extension": mention_extension(note, entity)}
    text, coded = mention_text(note, entity), codings(entity)
    if kind == "drug":
        yield {**_head("MedicationStatement", note, entity), **stem, **_medication(text, coded),
               **_taken(about, entity)}  # fmt: skip
    elif entity.assertion.experiencer:
        yield {**_head("FamilyMemberHistory", note, entity), **stem, **_family(note, entity),
               "condition": [{"code": concept} for concept in _concepts(text, coded)]}  # fmt: skip
    else:
        for k, concept in enumerate(_concepts(text, coded)):
            yield {**_head("Condition", note, entity, *([str(k)] if k else [])), **stem,
                   **_status(entity), "code": concept, **_seen(about)}  # fmt: skip


def _head(kind: str, note: Note, entity: Entity, *more: str) -> Json:
    return {"resourceType": kind, "id": made_id(kind, note.id, entity.id, *more)}


def _concepts(text: str, coded: list[Json]) -> list[Json]:
    return [{"coding": [coding], "text": text} for coding in coded] or [{"text": text}]


def _concept_of(system: str, code: str) -> Json:
    return {"coding": [{"system": f"{_CODES}/{system}", "code": code}]}


def _known(note: Note) -> str | None:
    return None if note.known is None else day_or_instant(note.known)


# --- conditions ----------------------------------------------------------------------------


def _status(entity: Entity) -> Json:
    said = (
        ("clinicalStatus", "condition-clinical", _clinical(entity)),
        ("verificationStatus", "condition-ver-status", _verified(entity)),
    )
    return {element: _concept_of(system, code) for element, system, code in said if code}


def _verified(entity: Entity) -> str | None:
    if entity.assertion.negated:
        return "refuted"
    if entity.assertion.uncertain:
        return "unconfirmed"
    return None if is_unassessed(entity) else "confirmed"


def _clinical(entity: Entity) -> str | None:
    course = entity.attributes.get("course")
    rows = (
        (entity.assertion.negated, None),
        (course == "ended", "resolved"),
        (course == "chronic", "active"),
        (entity.assertion.historical, "inactive"),
        (is_unassessed(entity), None),
    )
    return next((status for fits, status in rows if fits), "active")


def _seen(about: About) -> Json:
    """Return of whom a condition is told, when and where."""
    return with_value(
        {
            "subject": subject_of(about.note.patient),
            "encounter": about.encounter,
            "recordedDate": _known(about.note),
            "evidence": [{"detail": [about.document]}],
        }
    )


def _family(note: Note, entity: Entity) -> Json:
    who = _who(note, entity)
    code = next((code for code, words in _RELATIVES if words.search(who)), _FAMILY)
    relationship = with_value({**_concept_of("v3-RoleCode", code), "text": who})
    made = {
        "status": "partial",
        "patient": subject_of(note.patient),
        "date": _known(note),
        "relationship": relationship,
    }
    return with_value(made)


def _who(note: Note, entity: Entity) -> str:
    """Return the words that say of whom a mention is."""
    cue = entity.assertion.cues.get("experiencer")
    return "" if cue is None else text_of(note[cue])


# --- drugs ---------------------------------------------------------------------------------


def _medication(text: str, coded: list[Json]) -> Json:
    if len(coded) < 2:
        return {"medicationCodeableConcept": _concepts(text, coded)[0]}
    parts = [{"itemCodeableConcept": {"coding": [coding]}} for coding in coded]
    whole = {"resourceType": "Medication", "id": "drug", "code": {"text": text}}
    return {
        "contained": [{**whole, "ingredient": parts}],
        "medicationReference": {"reference": "#drug", "display": text},
    }


def _taken(about: About, entity: Entity) -> Json:
    note, status = about.note, _taking(entity)
    is_now = status == "active" and note.time is not None
    indication = said(entity.attributes, "indication")
    how = dosage(entity.attributes)
    return with_value(
        {
            "status": status,
            "subject": subject_of(note.patient),
            "context": about.encounter,
            "effectiveDateTime": day_or_instant(note.time) if is_now and note.time else None,
            "dateAsserted": _known(note),
            "derivedFrom": [about.document],
            "reasonCode": [{"text": indication}] if indication else [],
            "dosage": [how] if how else [],
        }
    )


def _taking(entity: Entity) -> str:
    assertion, attributes = entity.assertion, entity.attributes
    rows = (
        (assertion.negated, "not-taken"),
        (assertion.hypothetical, "intended"),
        (assertion.uncertain, "unknown"),
        (attributes.get("change") in _CHANGED, _CHANGED.get(str(attributes.get("change")))),
        (assertion.historical or attributes.get("course") == "ended", "completed"),
        (is_unassessed(entity), "unknown"),
    )
    return next((status for fits, status in rows if fits and status), "active")

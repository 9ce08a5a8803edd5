"""Which resources of FHIR tell of something that happened, by one table of their status words.

A resource counts unless a word of its elements is on the right side, or on neither. A word that
is missing says nothing against what the resource tells. Words are compared by letters and digits
alone, so ``NOT_TAKEN`` is ``not-taken``; of a concept each coding is a word, else its text.

======================== ======================================= ==============================
resource, element        what counts                             what is left out and counted
======================== ======================================= ==============================
Encounter                a stay: arrived triaged in-progress     planned cancelled
``status``               onleave finished unknown; of R5:        entered-in-error; noshow
                         on-hold discharged completed
                         discontinued
Condition                an event: confirmed unknown             unconfirmed provisional
``verificationStatus``                                           differential refuted
                                                                 entered-in-error
MedicationRequest        an event: active on-hold completed      cancelled draft
``status``               stopped unknown; of R5: ended           entered-in-error
``intent``               order original-order reflex-order       proposal plan option
                         filler-order instance-order
``doNotPerform``         false                                   true
MedicationStatement      an event: active completed stopped      not-taken intended
``status``               on-hold unknown                         entered-in-error; of R5:
                                                                 recorded draft
``taken`` (STU3)         y unk na                                n
MedicationAdministration an event: in-progress on-hold completed not-done entered-in-error
``status``               stopped unknown
MedicationDispense       an event: in-progress completed stopped preparation cancelled on-hold
``status``               unknown                                 declined entered-in-error
Medication               the code of those that name it: active  entered-in-error
``status``               inactive
Observation              an event for each value: preliminary    registered cancelled
``status``               final amended corrected unknown; of R5: entered-in-error
                         appended
DiagnosticReport         a note: partial preliminary final       registered cancelled
``status``               amended corrected appended unknown; of  entered-in-error
                         R5: modified
Composition              a note: preliminary final amended; of   entered-in-error; of R5:
``status``               R5: partial corrected appended unknown  registered cancelled
                                                                 deprecated
DocumentReference        a note: current superseded, and any     entered-in-error
``status``               word of no value set
``docStatus``            preliminary final amended, and any word entered-in-error
                         of no value set
======================== ======================================= ==============================

Why, where one may doubt:

- **Encounter**: a visit counts from its arrival, and also where nobody knows how it stands
  (``unknown``); a booking does not.
- **Condition**: whether it is active or resolved (``clinicalStatus``), it was there. What is not
  confirmed is no more than a mention with ``uncertain`` in a note, and is left out alike.
- **MedicationRequest**: ``cancelled`` is withdrawn before any was given, ``stopped`` after. A
  proposal, a plan or an option authorizes nobody.
- **MedicationStatement**: ``on-hold`` and ``stopped`` were taken before.
- **MedicationAdministration**: ``on-hold`` and ``stopped`` were begun.
- **MedicationDispense**: ``on-hold`` and ``preparation`` were not handed over; ``stopped`` was, in
  part.
- **Observation**: ``registered`` has no result yet; so has a report.
- **DocumentReference**: a superseded text was read while it stood, and a preliminary one too;
  only what is in error is left out, so a word of no value set leaves no note out uncounted.
- **Patient**: no status; ``active`` false speaks of the record, not of the person.

References
----------
https://hl7.org/fhir/R4/terminologies-valuesets.html: encounter-status, condition-ver-status,
medicationrequest-status, medicationrequest-intent, medication-statement-status,
medication-admin-status, medicationdispense-status, medication-status, observation-status,
diagnostic-report-status, document-reference-status, composition-status; every word of these is
here. ``taken`` is of STU3. The status of a MedicationStatement of R5 does not say whether anything
was taken: its words are counted as those of R5.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from clinnlp.io.record.fhir_values import each

__all__ = ["STATUSES", "left_out"]


class _Words(NamedTuple):
    """Words of one element."""

    counting: frozenset[str]
    left_out: Mapping[str, str]  # to what is said of it
    others_count: bool


def _fold(word: str) -> str:
    return re.sub(r"[\W_]+", "", word).casefold()


def _words(
    counting: str, left_out: str | Mapping[str, str], *, others_count: bool = False
) -> _Words:
    said = {word: word for word in left_out.split()} if isinstance(left_out, str) else left_out
    return _Words(
        frozenset(map(_fold, counting.split())),
        {_fold(word): reason for word, reason in said.items()},
        others_count,
    )


_OF_R5 = ("recorded", "draft")

# resource: element: (what counts, what is left out)
STATUSES: Mapping[str, Mapping[str, _Words]] = {
    "Encounter": {
        "status": _words(
            "arrived triaged in-progress onleave finished unknown "
            "on-hold discharged completed discontinued",  # these four: R5
            "planned cancelled entered-in-error noshow",
        ),
    },
    "Condition": {
        "verificationStatus": _words(
            "confirmed unknown",
            "unconfirmed provisional differential refuted entered-in-error",
        ),
    },
    "MedicationRequest": {
        "status": _words(
            "active on-hold completed stopped unknown ended",  # the last: R5
            "cancelled draft entered-in-error",
        ),
        "intent": _words(
            "order original-order reflex-order filler-order instance-order",
            "proposal plan option",
        ),
        "doNotPerform": _words("false", {"true": "doNotPerform"}),
    },
    "MedicationStatement": {
        "status": _words(
            "active completed stopped on-hold unknown",
            {
                **{word: word for word in ("not-taken", "intended", "entered-in-error")},
                **{word: f"{word} (of R5: nobody knows whether taken)" for word in _OF_R5},
            },
        ),
        "taken": _words("y unk na", {"n": "not-taken"}),
    },
    "MedicationAdministration": {
        "status": _words(
            "in-progress on-hold completed stopped unknown",
            "not-done entered-in-error",
        ),
    },
    "MedicationDispense": {
        "status": _words(
            "in-progress completed stopped unknown",
            "preparation cancelled on-hold declined entered-in-error",
        ),
    },
    "Medication": {"status": _words("active inactive", "entered-in-error")},
    "Observation": {
        "status": _words(
            "preliminary final amended corrected unknown appended",  # the last: R5
            "registered cancelled entered-in-error",
        ),
    },
    "DiagnosticReport": {
        "status": _words(
            "partial preliminary final amended corrected appended unknown modified",  # the last: R5
            "registered cancelled entered-in-error",
        ),
    },
    "Composition": {
        "status": _words(
            "preliminary final amended partial corrected appended unknown",  # the last four: R5
            "entered-in-error registered cancelled deprecated",
        ),
    },
    "DocumentReference": {
        "status": _words("current superseded", "entered-in-error", others_count=True),
        "docStatus": _words("preliminary final amended", "entered-in-error", others_count=True),
    },
}


def left_out(resource: Mapping[str, Any]) -> str | None:
    """Return the resource and why it does not count, or None where it counts.

    Raises
    ------
    TypeError
        A status of another form than FHIR's.

    Examples
    --------
    >>> left_out({"resourceType": "MedicationStatement", "status": "not-taken"})
    'MedicationStatement not-taken'
    >>> left_out({"resourceType": "MedicationStatement", "status": "on-hold"})
    """
    kind = resource["resourceType"]
    for element, words in STATUSES.get(kind, {}).items():
        said = [word for word in map(_fold, _said(resource.get(element))) if word]
        reasons = [words.left_out[word] for word in said if word in words.left_out]
        if reasons:
            return f"{kind} {reasons[0]}"
        if said and not words.others_count and words.counting.isdisjoint(said):
            return f"{kind} {element} of no value set"
    return None


def _said(value: Any) -> Iterator[str]:
    """Yield the words of a code, a flag or a concept."""
    if isinstance(value, bool | str):
        yield str(value)
    elif isinstance(value, dict):
        codings = each(value.get("coding")) or [{"code": value.get("text") or ""}]
        yield from (coding.get("code") or coding.get("display") or "" for coding in codings)
    elif value is not None:
        raise TypeError

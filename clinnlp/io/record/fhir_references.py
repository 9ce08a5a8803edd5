"""Whom a reference of FHIR means: ids of patients, encounters and medications.

=========================================== ===============================================
reference                                   id
=========================================== ===============================================
``Patient/p1``, ``Patient/p1/_history/2``   ``p1``: a version is of the same patient
``https://host/fhir/Patient/p1``            ``p1``: ids are taken to be of one server
``urn:uuid:...``                            of the entry in the same bundle with that
                                            ``fullUrl``, else what stands behind the last ``:``
``#p``                                      of what is contained in the same resource: by its
                                            identifier, else ``Observation/o1#p``, as it is
                                            known nowhere else
``identifier``,                             of the resource with that identifier, else
``Patient?identifier=system|value``         ``system|value``
``Patient?_id=p1``                          ``p1``
``Group/g1`` where a patient is wanted      none
=========================================== ===============================================

References
----------
https://hl7.org/fhir/R4/references.html, https://hl7.org/fhir/R4/bundle.html#references
"""

import re
from urllib.parse import parse_qs

from clinnlp.io.record.fhir_values import Json, each

__all__ = ["Names", "contained", "name_in", "needs_names", "pointed"]

_WANTED = ("Patient", "Encounter", "Medication")
_OTHERS = ("Device", "EpisodeOfCare", "Group", "Location", "Practitioner")  # in the same places
_KEPT = re.compile(rf'"resourceType"\s*:\s*"({"|".join(_WANTED + _OTHERS)})"'.encode())
_VERSION = re.compile(r"/_history(/.*)?$")
_TYPED = re.compile(r"(?:.*/)?([A-Z][A-Za-z]*)/([^/]+)/?")
_UNSETTLED = re.compile(r"[:/|]")


def pointed(reference: Json | None, wanted: str, resource: Json) -> str | None:
    """Return the id of what a reference in `resource` means, where that is of the type `wanted`.

    What only the other resources can tell is left as it stands, for `Names.id_of`.
    """
    if reference is None:
        return None
    kind = str(reference.get("type") or wanted).rpartition("/")[2]
    address = reference.get("reference")
    if not isinstance(address, str) or not address.strip():
        return _token(reference.get("identifier")) if kind == wanted else None
    address, _, query = address.strip().partition("?")
    address = _VERSION.sub("", address)
    if address.startswith("#"):
        return _inside(address[1:], wanted, resource)
    address = address.partition("#")[0]
    typed = _TYPED.fullmatch(address)
    if typed is not None:
        return typed[2] if typed[1] == wanted else None
    if address.rpartition("/")[2] == wanted:
        return _searched(query)
    return address if kind == wanted and not query else None


def name_in(address: str) -> str | None:
    """Return what stands in an address behind its last ``/`` or ``:``, without a version."""
    return _VERSION.sub("", address).replace(":", "/").rpartition("/")[2] or None


def contained(resource: Json, name: str) -> Json | None:
    """Return the resource of this id that is contained in another."""
    inside = each(resource.get("contained"))
    return next((part for part in inside if str(part.get("id")).lstrip("#") == name), None)


def needs_names(key: str) -> bool:
    """Return whether what `pointed` gave may be known better from the other resources."""
    return _UNSETTLED.search(key) is not None


def _inside(name: str, wanted: str, resource: Json) -> str | None:
    part = contained(resource, name)
    if part is not None and part.get("resourceType") != wanted:
        return None
    tokens = map(_token, each((part or {}).get("identifier")))
    own = f"{resource['resourceType']}/{resource['id']}#{name}" if "id" in resource else None
    return next((token for token in tokens if token is not None), own)


def _token(identifier: Json | None) -> str | None:
    """Return an identifier as FHIR searches for it."""
    if identifier is None or not identifier.get("value"):
        return None
    return f"{identifier.get('system', '')}|{identifier['value']}"


def _searched(query: str) -> str | None:
    """Return the id or the identifier that a search asks for."""
    asked = parse_qs(query)
    if "_id" in asked:
        return asked["_id"][0]
    found = asked.get("identifier", [""])[0]
    return None if not found else found if "|" in found else f"|{found}"


class Names:
    """What resources are called: addresses in one file, identifiers in all."""

    def __init__(self) -> None:
        self._addresses: dict[str, tuple[str, str]] = {}  # to type and id
        self._tokens: dict[tuple[str, str], str] = {}  # of type and identifier, to id

    @staticmethod
    def concern(data: bytes) -> bool:
        """Return whether a resource, not yet parsed, may be one that `add` keeps."""
        return _KEPT.search(data) is not None

    def add(self, address: object, resource: Json) -> None:
        """Keep the names of a resource that others may point to."""
        kind, name = resource["resourceType"], resource.get("id")
        if kind not in _WANTED + _OTHERS or not isinstance(name, str):
            return
        if isinstance(address, str) and not _TYPED.fullmatch(address):
            self._addresses[_VERSION.sub("", address)] = kind, name
        for identifier in each(resource.get("identifier")) if kind in _WANTED else []:
            token = _token(identifier)
            if token is not None and self._tokens.setdefault((kind, token), name) != name:
                self._tokens[kind, token] = token  # of two resources, it names neither

    def end_file(self) -> None:
        """Forget addresses: they hold in one file."""
        self._addresses.clear()

    def id_of(self, key: str | None, wanted: str) -> str | None:
        """Return the id of what `pointed` gave, where that is of the type `wanted`."""
        if key is None or not needs_names(key):
            return key
        if key in self._addresses:
            kind, name = self._addresses[key]
            return name if kind == wanted else None
        if "|" in key or "#" in key:
            return self._tokens.get((wanted, key), key)
        return name_in(key)

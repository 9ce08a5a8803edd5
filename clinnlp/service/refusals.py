"""Why a request got no answer: one sentence, a status, and when to come back.

A sentence names positions and keys of the form, never what stood there: what a caller sent is the
text of a patient until it is known to be something else.
"""

import json
import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from clinnlp.core.errors import ClinnlpError, instead_of

__all__ = ["PARTS", "Refused", "body_of", "parsed"]

M = TypeVar("M", bound=BaseModel)

_SAID = {
    "missing": "must be there, got none",
    "string_type": "must be text, got another type",
    "bool_type": "must be true or false, got another type",
    "int_type": "must be a whole number, got another type",
    "float_type": "must be a number, got another type",
    "finite_number": "must be a finite number, got another",
    "list_type": "must be a list, got another type",
    "model_type": "must be an object, got another type",
    "too_short": "must hold one or more, got none",
    "too_long": "must hold as few as /openapi.json says, got more",
    "literal_error": "must be one of the words that /openapi.json lists, got another",
    "greater_than_equal": "must be as large as /openapi.json says, got less",
    "less_than_equal": "must be as small as /openapi.json says, got more",
    "unknown_key": "must have the keys that /openapi.json lists, got another one",
}
_BOM = b"\xef\xbb\xbf"  # begins what programs on Windows write
_OPENER = re.compile(  # and what stands before it, strings whole; at last the end
    rb'(?:[^{["]++|"(?:[^"\\]++|\\.)*+"?)*+(?:[{[]|\Z)', re.DOTALL
)
PARTS = 1000  # objects and lists that any body may hold
_TOLD_IN = "/openapi.json"
_ODD = "must be as /openapi.json says, got another form"
_JSON = "must be one JSON value in UTF-8, got another form"


class Refused(ClinnlpError):
    """A request that is not answered.

    Parameters
    ----------
    status : int
        Of HTTP.
    message : str
        One sentence, without anything that the caller sent.
    retry_after : int, optional
        Seconds after which it is worth to come back.

    Examples
    --------
    >>> json.loads(body_of(Refused(415, "a body must be application/json, got another type")))
    {'error': 'a body must be application/json, got another type'}
    """

    def __init__(self, status: int, message: str, *, retry_after: int | None = None) -> None:
        super().__init__(message)
        self.status, self.retry_after = status, retry_after

    @property
    def headers(self) -> dict[str, str]:
        """What is said beside the sentence."""
        told = {} if self.retry_after is None else {"Retry-After": str(self.retry_after)}
        return told | ({"WWW-Authenticate": "Bearer"} if self.status == 401 else {})


def body_of(refused: Refused) -> bytes:
    """Return the body of a refusal."""
    return json.dumps({"error": str(refused)}, ensure_ascii=False).encode()


def parsed(
    kind: type[M],
    raw: bytes,
    what: str = "the body",
    *,
    most: int = PARTS,
    told_in: str = _TOLD_IN,
) -> M:
    """Return what a body holds, or refuse it with the place of its first fault.

    More than `most` objects and lists are refused before they are made, since each takes a hundred
    times its place in the body. `told_in` is where the form is described.

    Examples
    --------
    >>> class Case(BaseModel):
    ...     id: str
    >>> parsed(Case, b'{"id": "{[{["}', most=1).id
    '{[{['
    """
    raw = raw.removeprefix(_BOM)
    if raw.count(b"{") + raw.count(b"[") > most and _has_more(raw, most):
        raise Refused(413, f"{what} must hold at most {most} objects and lists, got more")

    def refusal(error: ValidationError) -> Refused:
        return Refused(422, _sentence(error, kind, what).replace(_TOLD_IN, told_in))

    with instead_of(ValidationError, refusal):
        return kind.model_validate_json(raw)


def _has_more(raw: bytes, most: int) -> bool:
    """Return whether more objects and lists than that begin outside of strings."""
    found = sum(match[0][-1:] in (b"{", b"[") for match in islice(_OPENER.finditer(raw), most + 1))
    return found > most


def _sentence(error: ValidationError, kind: type[BaseModel], what: str) -> str:
    """Return the first fault; of its place only numbers and names that the form has."""
    first: Any = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return f"{what} {_JSON}"
    said = _SAID.get(first["type"], _ODD)
    place = _place(first["loc"], _names(kind))
    return f"{place} of {what} {said}" if place else f"{what} {said}"


def _place(where: Sequence[int | str], names: set[str]) -> str:
    shown = [part for part in where if isinstance(part, int) or part in names]
    words = [f"[{part}]" if isinstance(part, int) else f".{part}" for part in shown]
    return "".join(words).removeprefix(".")


def _names(kind: type[BaseModel]) -> set[str]:
    """Return all names of fields of a form, those of the forms in it too."""
    schema = kind.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return {name for part in parts for name in part.get("properties", {})}

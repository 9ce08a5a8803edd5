"""What /openapi.json says of what a route takes and answers."""

from typing import Any

from clinnlp.service.requests import Refusal

__all__ = ["responses", "takes"]

_WHY = {
    400: "No HTTP, or a body with both a length and chunks",
    401: "No key, or none of ours",
    403: "A key that may not ask for this, or without keys a host name that is not ours",
    406: "Accept allows neither form of answer",
    408: "The body did not get on",
    409: "Another model than the one that was named",
    413: "A body, a text or a list that is too large",
    415: "A body of another type",
    422: "A body that is not as it must be",
    429: "Too many requests of one caller at a time",
    500: "A step of the extraction failed",
    503: "Too much at a time, not ready, or it took too long",
}


def takes(form: str, kind: str = "application/json") -> dict[str, Any]:
    """Return what is said of the body of a route."""
    schema = {"$ref": f"#/components/schemas/{form}"}
    return {"requestBody": {"required": True, "content": {kind: {"schema": schema}}}}


def responses(
    answer: Any, *, kind: str = "application/json", also: str | None = None
) -> dict[int | str, dict[str, Any]]:
    """Return what a route may answer, for /openapi.json."""
    content = {also: {"schema": {"type": "object"}}} if also else {}
    done: dict[str, Any] = {"description": "What was found", "model": answer}
    if content:
        done["content"] = content
    if kind != "application/json":
        done = {
            "description": "What was found, a line each",
            "content": {kind: {"schema": {"$ref": f"#/components/schemas/{answer.__name__}"}}},
        }
    return {
        200: done,
        **{code: {"description": why, "model": Refusal} for code, why in _WHY.items()},
    }

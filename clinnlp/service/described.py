"""What /openapi.json says, and the page that says it to people: no script, nothing fetched."""

from collections.abc import Mapping
from html import escape
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic.json_schema import models_json_schema

from clinnlp import __version__
from clinnlp.service.more_requests import RiskIn, SignalsIn
from clinnlp.service.requests import ExtractIn, NoteIn, StreamLine

__all__ = ["docs_page", "openapi"]

_ABOUT = (
    "Notes in, mentions with their assertion, concepts and doses out. Offsets are half-open code "
    "points into the text as it was sent. Every refusal is an object with one sentence in error; "
    "429 and 503 say in Retry-After when to come back. Nothing of a note is kept or logged."
)
_REF = "#/components/schemas/{model}"
_STYLE = "body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em}"
_STYLE += "td,th{padding:.2em .8em .2em 0;text-align:left;vertical-align:top}code{font-size:95%}"


def openapi(app: FastAPI) -> dict[str, Any]:
    """Return what /openapi.json says."""
    made = get_openapi(title="clinnlp", version=__version__, description=_ABOUT, routes=app.routes)
    forms: list[Any] = [(kind, "validation") for kind in (ExtractIn, NoteIn, RiskIn, SignalsIn)]
    forms.append((StreamLine, "serialization"))
    schemas = made.setdefault("components", {}).setdefault("schemas", {})
    schemas |= models_json_schema(forms, ref_template=_REF)[1]["$defs"]
    made["components"]["schemas"] = dict(sorted(schemas.items()))
    made["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    made["security"] = [{}, {"key": []}]
    return made


def docs_page(described: Mapping[str, Any]) -> str:
    """Return a page of what /openapi.json describes.

    Examples
    --------
    >>> page = docs_page({"info": {"title": "a", "version": "1"}, "paths": {}})
    >>> page.startswith("<!doctype html>")
    True
    """
    info = described["info"]
    title = f"{info['title']} {info['version']}"
    parts = [f"<h1>{escape(title)}</h1>", f"<p>{escape(info.get('description', ''))}</p>"]
    parts.append('<p>All of it for programs: <a href="/openapi.json">/openapi.json</a></p>')
    for path, methods in described["paths"].items():
        for method, route in methods.items():
            parts += _route(f"{method.upper()} {path}", route)
    for name, schema in described.get("components", {}).get("schemas", {}).items():
        parts += _form(name, schema)
    head = f"<meta charset=utf-8><title>{escape(title)}</title><style>{_STYLE}</style>"
    return f"<!doctype html><html lang=en>{head}{''.join(parts)}</html>"


def _route(name: str, route: Mapping[str, Any]) -> list[str]:
    rows = [(code, said["description"]) for code, said in route.get("responses", {}).items()]
    return [
        f"<h2><code>{escape(name)}</code></h2>",
        f"<p>{escape(route.get('summary', ''))}. {escape(route.get('description', ''))}</p>",
        _table(rows),
    ]


def _form(name: str, schema: Mapping[str, Any]) -> list[str]:
    rows = [
        (key, said.get("description", "")) for key, said in schema.get("properties", {}).items()
    ]
    said = schema.get("description", "")
    return [f"<h3>{escape(name)}</h3><p>{escape(said)}</p>", _table(rows)]


def _table(rows: list[tuple[str, str]]) -> str:
    cells = (f"<tr><th><code>{escape(a)}</code><td>{escape(b)}" for a, b in rows)
    return f"<table>{''.join(cells)}</table>"

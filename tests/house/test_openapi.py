"""What the service says of itself is committed, so that a change of it is seen before it is out."""

import json
import sys
from pathlib import Path

from clinnlp.service.app import application
from clinnlp.service.described import openapi
from clinnlp.service.gate import ROUTES
from clinnlp.service.settings import ServeSettings
from clinnlp.service.shared import Service

ROOT = Path(__file__).parents[2]
UNLISTED = {"/openapi.json", "/docs"}


def described():
    """Return /openapi.json; no model is loaded for it."""
    service = Service(lambda: None, settings=ServeSettings())
    try:
        return openapi(application(service))
    finally:
        service.batches.end()


def page():
    return json.dumps(described(), indent=1, ensure_ascii=False) + "\n"


def test_the_committed_description_is_that_of_the_routes():
    assert (ROOT / "docs" / "openapi.json").read_text(encoding="utf-8") == page(), (
        "python -m tests.house.test_openapi > docs/openapi.json"
    )


def test_each_route_has_its_line_at_the_gate():
    assert set(described()["paths"]) | UNLISTED == set(ROUTES)


def test_each_reference_leads_somewhere():
    said = described()
    names = said["components"]["schemas"]
    text = json.dumps(said)
    wanted = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert wanted <= set(names)
    assert {"ExtractIn", "NoteIn", "Answer", "StreamLine", "Refusal"} <= set(names)


if __name__ == "__main__":
    sys.stdout.write(page())

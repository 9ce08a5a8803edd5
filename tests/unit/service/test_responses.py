"""What /openapi.json says of answers: every status that the service gives, in one form."""

import ast
import inspect
from pathlib import Path

import clinnlp.service
from clinnlp.service.requests import Answer, Refusal, StreamLine
from clinnlp.service.responses import responses, takes

ROOM = Path(inspect.getfile(clinnlp.service)).parent


def test_each_status_that_is_refused_with_is_described():
    given = {
        call.args[0].value
        for path in ROOM.glob("*.py")
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call)
        and getattr(call.func, "id", "") == "Refused"
        and isinstance(call.args[0], ast.Constant)
    }
    assert given - set(responses(Answer)) == {404, 499}  # no such route; nobody is there to read
    assert all(said["model"] is Refusal for code, said in responses(Answer).items() if code != 200)


def test_forms_and_types_are_named():
    assert (
        "application/fhir+json" in responses(Answer, also="application/fhir+json")[200]["content"]
    )
    lines = responses(StreamLine, kind="application/x-ndjson")[200]["content"]
    assert lines["application/x-ndjson"]["schema"]["$ref"].endswith("/StreamLine")
    assert takes("NoteIn")["requestBody"]["required"] is True

"""A refusal says where the fault is and never what stood there; large bodies are refused early."""

import json

import pytest
from pydantic import BaseModel

from clinnlp.service.refusals import PARTS, Refused, body_of, parsed
from clinnlp.service.requests import ExtractIn, NoteIn


class Parts(BaseModel):
    parts: list[list[str]]


def fault(kind, raw, **more):
    with pytest.raises(Refused) as caught:
        parsed(kind, raw, **more)
    assert caught.value.__cause__ is caught.value.__context__ is None
    return caught.value.status, str(caught.value)


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"", "the body must be one JSON value"),
        (b'{"notes": [{"text": "a"}]} x', "the body must be one JSON value"),
        (b'{"notes": null}', "notes of the body must be a list"),
        (b'{"notes": [null]}', "notes[0] of the body must be an object"),
        (b'{"notes": [{"text": null}]}', "notes[0].text of the body must be text"),
        (b'{"notes": [{"text": "a"}, {"text": "b", "id": 7}]}', "notes[1].id of the body"),
        (b'{"notes": [{"text": "a"}], "texts": 1}', "texts of the body must be true or false"),
        (b'{"notes": [{"text": "a"}], "Canary": 1}', "the body must have the keys"),
    ],
)
def test_the_place_is_told_and_not_what_stood_there(raw, said):
    status, sentence = fault(ExtractIn, raw)
    assert (status, "Canary" in sentence) == (422, False)
    assert sentence.startswith(said)


@pytest.mark.parametrize("n", [1, 5, PARTS])
def test_more_parts_than_may_be_are_refused_before_they_are_made(n):
    most = n + 2  # the object, its list, and the lists in it
    raw = json.dumps({"parts": [["{[", '\\"[']] * n}).encode()
    assert len(parsed(Parts, raw, most=most).parts) == n
    assert fault(Parts, raw, most=most - 1) == (
        413, f"the body must hold at most {most - 1} objects and lists, got more"
    )  # fmt: skip


@pytest.mark.parametrize(
    "raw", [b'"' + b'\\"' * 400_000, b'"\\' * 400_000, b'{"a' + b"{" * 400_000, b'"' * 400_001]
)
def test_strings_that_do_not_end_are_no_trap(raw):
    assert fault(NoteIn, raw + b"[" * (PARTS + 1))[0] in (413, 422)


def test_a_mark_of_windows_before_the_body_is_passed_over():
    assert parsed(NoteIn, b'\xef\xbb\xbf{"text": "a"}').text == "a"


def test_what_is_said_beside_the_sentence():
    assert Refused(503, "full", retry_after=7).headers == {"Retry-After": "7"}
    assert Refused(401, "who").headers == {"WWW-Authenticate": "Bearer"}
    assert json.loads(body_of(Refused(422, "\u00fc must"))) == {"error": "\u00fc must"}

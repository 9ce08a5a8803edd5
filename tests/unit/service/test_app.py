"""Whatever a route raises becomes a refusal of one form, which quotes nothing."""

import asyncio
import json

import pytest

from clinnlp.service.app import application
from clinnlp.service.refusals import Refused

from .conftest import asked

CANARY = "Kanarienvogel"


@pytest.fixture
def app(service):
    made = application(service(load=False))

    @made.get("/raises/{what}")
    async def raises(what: str, n: int = 0):
        errors = {"ours": Refused(503, "full", retry_after=4), "slow": Refused(408, "slow")}
        raise errors.get(what) or ValueError(CANARY)

    return made


@pytest.mark.parametrize(
    ("path", "method", "status", "more"),
    [
        ("/no/such", "GET", 404, {}),
        (f"/{CANARY}", "GET", 404, {}),
        ("/v1/extract/", "POST", 404, {}),  # no redirect: it would name a host of its own
        ("/v1/extract", "GET", 405, {"allow": "POST"}),
        ("/raises/ours", "GET", 503, {"retry-after": "4"}),
        ("/raises/slow", "GET", 408, {"connection": "close"}),
    ],
)
def test_a_refusal_has_its_status_its_headers_and_one_sentence(app, path, method, status, more):
    got, headers, body = asyncio.run(asked(app, path, method=method))
    assert got == status
    assert headers.items() >= more.items()
    assert list(json.loads(body)) == ["error"]
    assert CANARY not in body.decode() + str(headers)

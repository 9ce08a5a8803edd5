"""Who may ask, how much, how many at once; what fails behind the gate says nothing of a request."""

import asyncio
import hashlib
import json

import pytest

from clinnlp.service.gate import ROUTES, Gate
from clinnlp.service.keys import Keys

from .conftest import JSON, asked

CANARY = "Kanarienvogel"
LOCAL = {"Host": "localhost"}


async def answers(scope, receive, send):
    """Answer with the method it was asked with."""
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": scope["method"].encode()})


def gate(service, app=answers, keys=None, **settings):
    made = service(load=False, **settings)
    made.lines = []
    made.say = made.lines.append
    return Gate(app, service=made, keys=keys)


def status(gate, path="/v1/extract", **more):
    headers = {**LOCAL, **JSON, **more.pop("headers", {})}
    return asyncio.run(asked(gate, path, headers=headers, **more))[0]


@pytest.mark.parametrize(
    ("kind", "wanted"),
    [
        ("application/json", 200),
        ("Application/JSON; charset=UTF-8", 200),
        ('application/json;charset="utf-8"; profile=x', 200),
        ("application/json; odata.metadata=none", 200),
        ("application/json; charset=iso-8859-1", 415),
        ("application/json; profile=x; charset=utf-16", 415),
        ("application/fhir+json", 415),
        ("", 415),
    ],
)
def test_types_of_bodies(service, kind, wanted):
    assert status(gate(service), headers={"Content-Type": kind}) == wanted


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ({"Content-Encoding": "gzip"}, 415),
        ({"Content-Length": str(9 << 20)}, 413),
        ({"Content-Length": str(8 << 20)}, 200),
        ({"Host": "evil.example"}, 403),
        ({"Host": ""}, 403),
        ({"Host": "[::1]:8765"}, 200),
    ],
)
def test_headers_that_are_refused_before_a_body_is_read(service, more, wanted):
    assert status(gate(service), headers=more) == wanted


def test_each_route_needs_its_right(service):
    keys = Keys(rights={hashlib.sha256(b"m" * 32).digest(): frozenset({"metrics"})})
    made = gate(service, keys=keys)
    of = {"Authorization": f"Bearer {'m' * 32}"}
    got = {path: (status(made, path), status(made, path, headers=of)) for path in ROUTES}
    assert got.pop("/healthz") == got.pop("/readyz") == (200, 200)
    assert {pair[0] for pair in got.values()} == {401}
    assert {path for path, pair in got.items() if pair[1] == 200} == {
        "/metrics", "/docs", "/openapi.json"
    }  # fmt: skip
    assert {pair[1] for pair in got.values()} == {200, 403}


def test_head_is_asked_as_get(service):
    made = gate(service)
    assert asyncio.run(asked(made, "/healthz", method="HEAD", headers=LOCAL))[2] == b"GET"


def waiting(may_end):
    async def app(scope, receive, send):
        await may_end.wait()
        await answers(scope, receive, send)

    return app


@pytest.mark.parametrize(
    ("settings", "clients", "wanted"),
    [
        ({"caller_requests": 2}, "aaab", [200, 200, 200, 429]),
        ({"requests": 2}, "abcd", [200, 200, 503, 503]),
    ],
)
def test_so_many_at_a_time_and_places_are_free_again(service, settings, clients, wanted):
    async def run():
        may_end = asyncio.Event()
        made = gate(service, waiting(may_end), **settings)

        def ask(client):
            return asked(made, "/v1/extract", headers={**LOCAL, **JSON}, client=client)

        tasks = [asyncio.ensure_future(ask(client)) for client in clients]
        await asyncio.sleep(0)
        healthy = asyncio.ensure_future(asked(made, "/healthz", client="a"))
        await asyncio.sleep(0)
        may_end.set()
        first = await asyncio.gather(*tasks)
        assert (await healthy)[0] == 200  # who looks after it is never refused
        assert (await ask("a"))[0] == 200
        return first

    back = asyncio.run(run())
    assert sorted(status for status, _, _ in back) == wanted
    assert all("retry-after" in told for code, told, _ in back if code != 200)


def test_bodies_that_do_not_say_how_large_they_are_count_as_the_largest(service):
    async def run():
        may_end = asyncio.Event()
        made = gate(service, waiting(may_end), caller_requests=99)
        chunked = {**LOCAL, **JSON, "Transfer-Encoding": "chunked"}
        tasks = [
            asyncio.ensure_future(asked(made, "/v1/extract", headers=chunked)) for _ in range(40)
        ]
        await asyncio.sleep(0)
        may_end.set()
        return [status for status, _, _ in await asyncio.gather(*tasks)]

    assert sorted(asyncio.run(run())) == [200] * 33 + [503] * 7


def test_what_fails_unforeseen_is_a_500_that_quotes_nothing(service):
    async def fails(scope, receive, send):
        raise ValueError(CANARY)

    made = gate(service, fails)
    code, _, body = asyncio.run(
        asked(made, f"/{CANARY}", headers={**LOCAL, **JSON, "X": CANARY}, body=[CANARY.encode()])
    )
    assert (code, list(json.loads(body))) == (500, ["error"])
    said = body.decode() + "".join(made.service.lines) + made.service.numbers().decode()
    assert CANARY not in said
    assert made.service.lines[0].startswith("unexpected ValueError")
    assert made.service.lines[1].startswith("other 500 ")


def test_an_answer_that_breaks_off_is_cut_and_not_ended(service):
    async def breaks(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError(CANARY)

    with pytest.raises(ConnectionAbortedError):
        status(gate(service, breaks))


def test_who_ends_the_service_has_connections_ended(service):
    made = gate(service)
    assert "connection" not in asyncio.run(asked(made, "/healthz"))[1]
    made.service.is_draining = True
    assert asyncio.run(asked(made, "/healthz"))[1]["connection"] == "close"

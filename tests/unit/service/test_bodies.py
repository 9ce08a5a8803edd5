"""Bodies in pieces, from callers who must get on; an answer ends where its caller goes."""

import asyncio

import pytest

from clinnlp.service.bodies import Body, unless_gone
from clinnlp.service.refusals import Refused

LARGE = Refused(413, "too large")


def body_of(*pieces, slow_s=5.0, waits=False, ends=True):
    """Return a body that comes in these pieces, a number being a pause of as many seconds."""
    left = list(pieces)

    async def receive():
        while left and isinstance(left[0], float):
            await asyncio.sleep(left.pop(0))
        if left:
            more = len(left) > 1 or not ends
            return {"type": "http.request", "body": left.pop(0), "more_body": more}
        if waits:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Body(receive, slow_s=slow_s)


async def lines_of(body, most=100):
    return [line async for line in body.lines(most, LARGE)]


def status_of(work):
    with pytest.raises(Refused) as caught:
        asyncio.run(work)
    return caught.value.status


def test_a_body_is_its_pieces():
    assert asyncio.run(body_of(b"ab", b"", b"c").whole(3, LARGE)) == b"abc"
    assert status_of(body_of(b"ab", b"cd").whole(3, LARGE)) == 413


@pytest.mark.parametrize(
    "pieces",
    [
        (b"a\r\n\nb\nc",),
        (b"a\r", b"\n\n", b"b", b"\nc"),
        tuple(bytes([c]) for c in b"a\r\n \nb\nc\n"),
    ],
)
def test_lines_are_the_same_however_they_are_cut(pieces):
    found = asyncio.run(lines_of(body_of(*pieces)))
    assert [line.strip() for line in found] == [b"a", b"b", b"c"]


@pytest.mark.parametrize(
    "pieces", [(b"x" * 9,), (b"x" * 5, b"x" * 4), (b"a\n" + b"x" * 9 + b"\n",)]
)
def test_a_long_line_is_refused_before_it_ends(pieces):
    assert status_of(lines_of(body_of(*pieces, ends=False), most=8)) == 413


def test_who_goes_or_stops_is_told_apart():
    assert status_of(body_of(b"a", ends=False).whole(9, LARGE)) == 499
    assert status_of(body_of(b"a", ends=False, waits=True, slow_s=0.02).whole(9, LARGE)) == 408
    drips = [part for k in range(9) for part in (0.02, b"a")]
    assert status_of(body_of(*drips, slow_s=0.05).whole(99, LARGE)) == 408
    slow_lines = [part for k in range(6) for part in (0.03, b"a\n")]
    assert len(asyncio.run(lines_of(body_of(*slow_lines, slow_s=0.15)))) == 6


def of(seconds, answer, *, time_s=5.0, leaves=None):
    """Return what comes of work of some seconds, whose caller leaves after some."""

    async def work():
        await asyncio.sleep(seconds)
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def receive():
        await (asyncio.sleep(leaves) if leaves is not None else asyncio.Event().wait())

    return unless_gone(receive, work(), time_s=time_s, retry_after=lambda: 3)


def test_an_answer_comes_unless_the_caller_goes_or_it_takes_too_long():
    assert asyncio.run(of(0.0, "done")) == "done"
    assert status_of(of(5.0, "done", leaves=0.0)) == 499
    assert status_of(of(0.0, Refused(422, "no"))) == 422
    with pytest.raises(Refused) as caught:
        asyncio.run(of(5.0, "done", time_s=0.01))
    assert (caught.value.status, caught.value.retry_after) == (503, 3)

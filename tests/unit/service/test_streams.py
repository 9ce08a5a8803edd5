"""Lines in, lines out: in their order, each answered, and none read long before it is wanted."""

import json
import socket
import time

import pytest

from clinnlp.core.notes import Note
from clinnlp.io.notes.records import note_to_record

from .conftest import FAILS, LINES, MADE_BY


def lines(*notes):
    return "".join(json.dumps(note) + "\n" for note in notes)


def stream(running, raw):
    status, _, body = running.ask("/v1/extract:stream", raw, LINES)
    return status, [json.loads(line) for line in body.splitlines()]


def test_each_line_is_answered_in_its_order_as_the_pipeline_has_it(serving, nlp):
    texts = [f"{k} denies chest pain 😀\r\naspirin {k} mg" for k in range(200)]
    notes = [{"id": f"n{k}", "text": text} for k, text in enumerate(texts)]
    status, (first, *answers, last) = stream(serving(batch_notes=4).wait(), lines(*notes))
    assert status == 200
    assert first == {"made_by": MADE_BY}
    assert last == {"done": {"n_notes": 200, "n_failed": 0}}
    wanted = [note_to_record(nlp(Note(**note))) for note in notes]
    wanted = [{name: v for name, v in one.items() if name != "text"} for one in wanted]
    assert [answer["note"] for answer in answers] == json.loads(json.dumps(wanted))


def test_a_bad_line_is_told_at_its_place_and_the_others_go_on(serving):
    good = {"text": "aspirin"}
    raw = (
        lines(good)
        + "{broken\n\n"
        + lines({"text": FAILS}, {"Text": "a"}, {"text": "x" * 99}, good)
    )
    _, answers = stream(serving(note_chars=50).wait(), raw.rstrip("\n"))
    assert [next(iter(answer)) for answer in answers] == [
        "made_by", "note", "failed", "failed", "failed", "failed", "note", "done"
    ]  # fmt: skip
    failed = [answer["failed"] for answer in answers if "failed" in answer]
    assert [one["position"] for one in failed] == [1, 2, 3, 4]
    assert answers[-1] == {"done": {"n_notes": 2, "n_failed": 4}}


def test_nothing_in_nothing_out(serving):
    assert stream(serving().wait(), "\n\n") == (200, [{"done": {"n_notes": 0, "n_failed": 0}}])


def test_a_line_that_is_too_long_ends_the_stream_and_says_why(serving):
    raw = lines({"text": "aspirin"}) + " " * (2 << 20)
    status, answers = stream(serving(body_mib=1).wait(), raw)
    assert (status in (200, 413), list(answers[-1])) == (True, ["error"])


@pytest.mark.parametrize("kind", ["application/json", "text/plain"])
def test_another_type_is_refused(serving, kind):
    head = {"Content-Type": kind}
    assert serving().wait().ask("/v1/extract:stream", "{}", head)[0] == 415


def test_a_stream_that_stops_is_ended_and_its_lines_answered(serving):
    running = serving(slow_s=0.5).wait()
    with socket.create_connection(("127.0.0.1", running.port), timeout=30) as connection:
        connection.sendall(
            b"POST /v1/extract:stream HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5000\r\n"
            b'Content-Type: application/x-ndjson\r\n\r\n{"text": "aspirin"}\n{"te'
        )
        came = b""
        while piece := connection.recv(1 << 16):
            came += piece
    assert b'"note"' in came
    assert b'"error":"a body must get on' in came
    assert b'"done"' not in came


def test_who_does_not_read_is_not_read_from(serving):
    running = serving(slow_s=20.0, batch_notes=2).wait()
    line = json.dumps({"text": "aspirin, chest pain. " * 500}).encode() + b"\n"
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", running.port))
        connection.sendall(
            b"POST /v1/extract:stream HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-ndjson\r\n\r\n"
        )
        connection.settimeout(2)
        n_sent = 0
        with pytest.raises(TimeoutError):
            while n_sent < 10_000:
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
                n_sent += 1
        before = running.service.metrics.notes._value.get()
        time.sleep(0.5)
        assert running.service.metrics.notes._value.get() - before <= 8
        assert n_sent < 5_000

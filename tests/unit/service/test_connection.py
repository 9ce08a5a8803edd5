"""Who does not get on is cut off, and soon; who does is not."""

import json
import socket
import time

import pytest

HEAD = b"POST /v1/extract HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
ASKED = b'{"notes": [{"text": "aspirin"}]}'
SLOW_S = 0.5
SOON = 4.0  # seconds: the bound, and what a busy machine adds


@pytest.fixture
def running(serving):
    return serving(slow_s=SLOW_S, body_mib=1).wait()


def opened(running):
    return socket.create_connection(("127.0.0.1", running.port), timeout=30)


def until_closed(connection):
    """Return what came, and the seconds until the other side closed."""
    begun, came = time.monotonic(), b""
    try:
        while piece := connection.recv(1 << 16):
            came += piece
    except ConnectionResetError:
        pass
    return came, time.monotonic() - begun


def drip(connection, raw):
    """Send one byte at a time, so that something comes all the time; return the seconds it went."""
    begun = time.monotonic()
    try:
        for k in range(len(raw)):
            connection.sendall(raw[k : k + 1])
            time.sleep(SLOW_S / 4)
            if time.monotonic() - begun > 2 * SOON:
                break
    except OSError:
        pass
    return time.monotonic() - begun


def test_a_caller_who_says_nothing_is_cut_off(running):
    with opened(running) as connection:
        came, seconds = until_closed(connection)
    assert came == b""
    assert SLOW_S / 2 < seconds < SOON


def test_a_head_that_drips_is_cut_off(running):
    with opened(running) as connection:
        assert drip(connection, HEAD) < SOON


def test_a_second_head_that_stops_is_cut_off_too(running):
    with opened(running) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(ASKED), ASKED))
        assert b"200 OK" in connection.recv(1 << 16)
        connection.sendall(HEAD)
        assert until_closed(connection)[1] < SOON


@pytest.mark.parametrize("body", [b"", b'{"notes": ['])
def test_a_body_that_stops_is_told_408_and_cut_off(running, body):
    with opened(running) as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n" + body)
        came, seconds = until_closed(connection)
    assert b"408" in came.split(b"\r\n")[0]
    assert "error" in json.loads(came.split(b"\r\n\r\n")[1])
    assert seconds < SOON


def test_a_body_that_drips_is_cut_off(running):
    with opened(running) as connection:
        connection.sendall(HEAD + b"Content-Length: 5000\r\n\r\n")
        assert drip(connection, b" " * 5000) < SOON


def test_a_body_that_nobody_wants_is_cut_off(running):
    with opened(running) as connection:
        connection.sendall(HEAD + b"Content-Length: 999999999\r\n\r\n")
        came, seconds = until_closed(connection)
    assert b"413" in came.split(b"\r\n")[0]
    assert seconds < SOON


def test_who_sends_a_large_body_all_the_same_can_read_why_it_is_refused(running):
    with opened(running) as connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % (3 << 20))
        for _ in range(3):
            connection.sendall(b" " * (1 << 20))
        assert b"413" in connection.recv(100).split(b"\r\n")[0]
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(ASKED), ASKED))
        time.sleep(0.2)
        assert b"200 OK" in connection.recv(1 << 16)  # the connection goes on


def test_who_ends_with_his_answer_can_send_all_of_a_large_body_first(serving):
    patient = serving(slow_s=8.0, body_mib=1).wait()  # with who sends on a busy machine
    with opened(patient) as connection:
        connection.sendall(HEAD + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % (3 << 20))
        for _ in range(24):
            connection.sendall(b" " * (1 << 17))
            time.sleep(0.005)
        came, seconds = until_closed(connection)
    assert b"413" in came.split(b"\r\n")[0]
    assert seconds < SOON


@pytest.mark.parametrize("head", [b"GET /healthz", b"POST /nope"])
def test_who_rests_after_a_body_that_came_late_is_cut_off(running, head):
    with opened(running) as connection:
        connection.sendall(head + b" HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\n")
        time.sleep(0.4)
        connection.sendall(b"abc")
        came, seconds = until_closed(connection)
    assert came.startswith(b"HTTP/1.1")
    assert seconds < SOON


def test_a_body_of_two_lengths_is_refused_and_ends_the_connection(running):
    with opened(running) as connection:
        connection.sendall(
            HEAD + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
            b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        )
        came, seconds = until_closed(connection)
    assert came.startswith(b"HTTP/1.1 400")
    assert came.count(b"HTTP/1.1") == 1
    assert seconds < SOON


def test_who_does_not_read_his_answer_is_cut_off(serving):
    running = serving(slow_s=SLOW_S).wait()
    texts = [{"text": "x" * 190_000}] * 40  # comes back: more than the system takes in between
    raw = json.dumps({"notes": texts, "texts": True}).encode()
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", running.port))
    with connection:
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(raw), raw))
        begun = time.monotonic()
        while not any("/v1/extract 200" in line for line in running.lines):  # it is written
            assert time.monotonic() - begun < 30
            time.sleep(0.05)
        time.sleep(SLOW_S + 1)
        came, seconds = until_closed(connection)
    assert b"200 OK" in came
    assert b'"failed":[]}' not in came[-100:]
    assert seconds < SOON


def test_too_many_connections_are_told_so(serving):
    running = serving(connections=2, slow_s=5.0).wait()
    with opened(running), opened(running), opened(running) as third:
        came, _ = until_closed(third)
    assert b"503" in came.split(b"\r\n")[0]
    assert b"retry-after: 1" in came
    assert "error" in json.loads(came.split(b"\r\n\r\n")[1])


def test_what_is_no_http_is_refused(running):
    with opened(running) as connection:
        connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 aspirin\r\n\r\n")
        came, seconds = until_closed(connection)
    assert b"400" in came.split(b"\r\n")[0]
    assert b"aspirin" not in came
    assert seconds < SOON


def test_who_goes_before_he_is_answered_is_not_waited_for(running):
    for _ in range(5):
        with opened(running) as connection:
            connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n%s" % (len(ASKED), ASKED))
    assert running.extract("aspirin")[0] == 200

"""A word of a note, an id of a patient and a key stand in no line, number, error or address."""

import json
import logging
import random
import socket

import pytest

from clinnlp.service.keys import read_keys

from .conftest import FAILS, JSON, LINES

WORD = "Kanarienvogel"
KEY = f"{WORD}-key-0123456789-0123456789"
N = 1000
BROKEN = [  # bodies that hold the word and are refused, each in its own way
    '{"notes": [{"text": "WORD"}',
    '{"notes": [{"text": "WORD", "WORD": 1}]}',
    '{"notes": [{"text": ["WORD"]}]}',
    '{"notes": [{"text": {"WORD": "WORD"}}]}',
    '{"notes": "WORD"}',
    '{"WORD": []}',
    '"WORD"',
    "WORD",
    '{"notes": [{"text": "WORD", "time": "WORD"}]}',
    '{"notes": [{"text": "WORD", "known": "2024-13-13 WORD"}]}',
    '{"notes": [{"text": "WORD", "patient": 7}, {"patient": "WORD"}]}',
    '{"notes": [{"text": "WORD"}], "on_error": "WORD"}',
    '{"notes": [{"text": "WORD"}], "texts": "WORD"}',
    '{"notes": [{"text": "WORD"}], "model": "WORD"}',
    '{"notes": [{"text": "WORD \\ud800"}]}',
    '{"notes": [{"id": "WORD", "text": "a"}, {"id": 1, "text": "WORD"}]}',
    '{"notes": [{"text": "' + "WORD " * 30 + '"}]}',
    f'{{"notes": [{{"id": "WORD", "text": "WORD {FAILS}", "patient": "WORD"}}]}}',
    '{"notes": [' + ", ".join(['{"text": "WORD"}'] * 9) + "]}",
    '{"notes": [{"text": "WORD", "' + '", "'.join(f"WORD{k}" for k in range(50)) + '": 1}]}',
]
GOOD = ['{"notes": [{"id": "WORD", "text": "WORD aspirin", "patient": "WORD", "kind": "WORD"}]}']


def asked(dice):
    """Return a path, a body and headers, good or broken."""
    body = dice.choice(BROKEN + GOOD * 5).replace("WORD", WORD)
    headers = {**JSON, "Authorization": f"Bearer {KEY}"}
    match dice.randrange(8):
        case 0:
            headers["Authorization"] = f"Bearer {WORD}"
        case 1:
            headers["Content-Type"] = f"text/{WORD}"
        case 2:
            return f"/{WORD}?patient={WORD}", body, headers
        case 3:
            return f"/v1/extract?text={WORD}", body, headers
        case 4:
            body = body.replace("\n", " ") + "\n" + json.dumps({"text": WORD}) + "\n"
            return "/v1/extract:stream", body, {**headers, **LINES}
        case 5:
            headers |= {"Accept": "application/fhir+json", f"X-{WORD}": WORD}
        case 6:
            body = body.encode("utf-16")
    return "/v1/extract", body, headers


@pytest.mark.slow
def test_a_word_of_a_note_stands_nowhere_but_in_its_answer(serving, tmp_path, caplog, capfd):
    caplog.set_level(logging.DEBUG)
    path = tmp_path / "keys"
    path.write_text(KEY)
    path.chmod(0o600)
    running = serving(keys=read_keys(path), note_chars=100, request_notes=8).wait()
    dice = random.Random(7)
    statuses, told = {}, []
    connection = running.connect()
    for _ in range(N):
        where, body, headers = asked(dice)
        connection.request("POST", where, body, headers)
        answer = connection.getresponse()
        raw = answer.read()
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        told.append(str(answer.headers))
        told += [raw.decode()] if answer.status != 200 else errors_in(raw)
    connection.close()
    assert {200, 401, 404, 409, 413, 415, 422, 500} <= set(statuses), statuses
    assert min(statuses.values()) > 3
    with socket.create_connection(("127.0.0.1", running.port)) as raw_connection:
        raw_connection.sendall(f"{WORD} / {WORD}\r\n{WORD}\r\n\r\n".encode())
        told.append(raw_connection.recv(1 << 16).decode())
    said = capfd.readouterr()
    everywhere = [*told, *running.lines, *caplog.messages, said.out, said.err]
    everywhere.append(running.service.numbers().decode())
    assert len(running.lines) >= N
    assert not [text for text in everywhere if WORD.casefold() in text.casefold()]


def errors_in(raw):
    """Return what a good answer says of what failed."""
    lines = [json.loads(line) for line in raw.splitlines()] if b'"done"' in raw else []
    return [json.dumps(line) for line in lines if "failed" in line]

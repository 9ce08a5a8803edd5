"""The service as a process of its own: it answers what the library gives, however it is treated.

Three hundred notes of MTSamples, with line ends, signs and marks of everyday systems put in, go
through every route; models are exchanged and processes killed while callers ask.
"""

import csv
import json
import lzma
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from pathlib import Path

import pytest

from clinnlp import Note, pipeline, read_notes
from clinnlp.io.notes.records import note_from_record, note_to_record

pytestmark = pytest.mark.long

ROOT = Path(__file__).parents[2]
WORDS = ROOT / "corpora" / "discharge-mini" / "vocabulary.csv"
ODD = ("😀", "👩🏽‍⚕️", "\r\n", "\0", "e\u0301", "\u200b", "\ufeff", "\u2028", "\u00a0", "𝒙", "\t")
N = 300


class Served:
    """A process of `clinnlp serve`."""

    def __init__(self, *more, port=0):
        command = [sys.executable, "-m", "clinnlp.cli", "serve", "--port", str(port)]
        self.process = subprocess.Popen([*command, *map(str, more)], stderr=subprocess.PIPE,
                                        text=True)  # fmt: skip
        self.said = []
        for line in self.process.stderr:
            self.said.append(line)
            if "ready" in line:
                break
        self.address = re.search(r"http://[\d.:]+\d", self.said[-1])[0]
        self.port = int(self.address.rpartition(":")[2])
        self._hears = threading.Thread(target=lambda: self.said.extend(self.process.stderr))
        self._hears.start()

    def ask(self, path, body, **headers):
        head = {"Content-Type": "application/json", **headers}
        request = urllib.request.Request(self.address + path, body, head)
        with urllib.request.urlopen(request, timeout=300) as answer:
            return answer.read()

    def extract(self, *notes, **more):
        return json.loads(self.ask("/v1/extract", json.dumps({"notes": notes, **more}).encode()))

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self._hears.join(60)
        return self.process.wait(60)

    @property
    def resident_mib(self):
        said = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return int(re.search(r"VmRSS:\s+(\d+)", said)[1]) >> 10


@pytest.fixture
def serve():
    running = []

    def start(*more, **how):
        running.append(Served(*more, **how))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.end()


@pytest.fixture(scope="module")
def plain():
    """One that serves a word list, as it comes."""
    served = Served("--vocabulary", WORDS)
    yield served
    assert served.end() == 0


@pytest.fixture(scope="module")
def notes(data_dir):
    """Notes as they are sent, with what everyday systems put into text."""
    dice = random.Random(23)
    with lzma.open(data_dir("mtsamples") / "mtsamples.csv.xz", "rt", encoding="utf-8") as handle:
        texts = [row["transcription"] for row in csv.DictReader(handle) if row["transcription"]]
    found = []
    for k, text in enumerate(dice.sample(sorted(set(texts)), N)):
        for _ in range(12):
            at = dice.randrange(len(text) + 1)
            text = text[:at] + dice.choice(ODD) + text[at:]
        found.append({"id": f"n{k}", "text": text, "patient": f"p{k % 40}", "kind": "letter",
                      "time": f"2024-03-{k % 28 + 1:02}T08:00:00"})  # fmt: skip
    return found


@pytest.fixture(scope="module")
def wanted(notes):
    """The same notes as the library reads them."""
    return list(pipeline(vocabulary=WORDS).stream(map(note_from_record, notes)))


def without_text(note):
    record = json.loads(json.dumps(note_to_record(note)))
    return {name: value for name, value in record.items() if name != "text"}


def parts(items, dice):
    """Return the items cut into lists of 1 to 25."""
    at, found = 0, []
    while at < len(items):
        size = dice.randrange(1, 26)
        found.append(items[at : at + size])
        at += size
    return found


def test_answers_are_those_of_the_library_field_by_field(plain, notes, wanted):
    with ThreadPoolExecutor(8) as pool:
        back = list(pool.map(lambda part: plain.extract(*part), parts(notes, random.Random(1))))
    found = [note for answer in back for note in answer["notes"]]
    assert found == [without_text(note) for note in wanted]
    assert sum(len(note.entities) for note in wanted) > 3 * N
    raw = "".join(json.dumps(note) + "\r\n" for note in notes).encode()
    said = plain.ask("/v1/extract:stream", raw, **{"Content-Type": "application/x-ndjson"})
    _, *lines, last = map(json.loads, said.splitlines())
    assert [line["note"] for line in lines] == found
    assert last == {"done": {"n_notes": N, "n_failed": 0}}


def test_fhir_is_valid_and_our_reader_gives_back_every_mention(plain, notes, wanted, tmp_path):
    models = pytest.importorskip("fhir.resources.R4B", reason="needs fhir.resources")
    given = [note for note in notes if "\0" not in note["text"]]
    kept = {note["id"] for note in given}
    assert len(given) > N // 5
    read, kinds = [], set()
    for k, part in enumerate(parts(given, random.Random(2))):
        raw = plain.ask("/v1/extract", json.dumps({"notes": part}).encode(),
                         Accept="application/fhir+json")  # fmt: skip
        bundle = json.loads(raw)
        models.get_fhir_model_class("Bundle").model_validate(bundle)
        for entry in bundle["entry"]:
            kind = entry["resource"]["resourceType"]
            models.get_fhir_model_class(kind).model_validate(entry["resource"])
            kinds.add(kind)
        path = tmp_path / f"{k}.fhir.json"
        path.write_bytes(raw)
        read += read_notes(path)
    assert read == [note for note in wanted if note.id in kept]
    assert {"Condition", "MedicationStatement", "FamilyMemberHistory", "Provenance"} <= kinds


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """Two models of two layers, which answer differently."""
    from clinnlp.bert.train import fine_tune_ner
    from tests.unit.bert.conftest import OVERFIT, TRAIN, make_encoder

    place = tmp_path_factory.mktemp("models")
    encoder = make_encoder(place / "encoder")
    few = [note for note in TRAIN if note.id != "n0"]
    for name, train in (("one", TRAIN), ("two", few)):
        fine_tune_ner(train, encoder=encoder, out=place / name, **{**OVERFIT, "epochs": 20})
    return place / "one", place / "two"


@pytest.mark.parametrize("more", [(), ("--int8",)])
def test_a_model_answers_as_the_library_has_it(serve, folders, more):
    from clinnlp import load
    from tests.unit.bert.conftest import TRAIN

    int8 = bool(more)
    served = serve("--model", folders[0], "--vocabulary", WORDS, *more)
    nlp = pipeline(load(folders[0], int8=int8), vocabulary=WORDS)
    texts = [note.text for note in TRAIN] + ["", "\r\n😀 aspirin\0 e\u0301 " * 30]
    with ThreadPoolExecutor(4) as pool:
        back = list(pool.map(lambda text: served.extract({"text": text}), texts))
    for text, answer in zip(texts, back, strict=True):
        want = without_text(nlp(Note(id="0", text=text)))
        (note,) = answer["notes"]
        (note, scores), (want, wanted) = apart(note), apart(want)
        assert note == want
        assert scores == pytest.approx(wanted, abs=0.01)
        assert answer["coverage"][0] == answer["coverage"][1]
    assert any(entity["label"] == "Drug" for entity in back[0]["notes"][0]["entities"])


def apart(note):
    """Return a note without its scores, and these, which notes read beside it move a little."""
    entities = note.get("entities", [])
    scores = [entity["score"] for entity in entities if "score" in entity]
    plain = [{name: v for name, v in one.items() if name != "score"} for one in entities]
    return {**note, "entities": plain}, scores


class Callers:
    """Ask on and on; keep what was answered, what was refused, and what came to nothing."""

    def __init__(self, served, n=4):
        self.served, self.answers, self.faults = served, [], []
        self.is_done = threading.Event()
        self.threads = [threading.Thread(target=self._run) for _ in range(n)]
        for thread in self.threads:
            thread.start()

    def _run(self):
        while not self.is_done.is_set():
            try:
                self.answers.append(self.served.extract({"text": "Denies chest pain."}))
            except (OSError, HTTPException) as error:
                self.faults.append(getattr(error, "code", type(error).__name__))
                return

    def end(self):
        self.is_done.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()


def test_a_model_is_exchanged_under_load_and_each_answer_names_its_own(serve, folders, tmp_path):
    current = tmp_path / "current"
    current.symlink_to(folders[0])
    served = serve("--model", current, "--watch-s", "0.2")
    callers = Callers(served)
    names = [served.extract({"text": "a"})["made_by"]["model"]]
    for k in (1, 0, 1):
        turned = tmp_path / "turned"
        turned.symlink_to(folders[k])
        turned.replace(current)
        begun = time.monotonic()
        while (now := served.extract({"text": "a"})["made_by"]["model"]) == names[-1]:
            assert time.monotonic() - begun < 120
            time.sleep(0.1)
        names.append(now)
    callers.end()
    assert callers.faults == []
    assert names[0] == names[2] != names[1] == names[3]
    found = {}
    for answer in callers.answers:  # what a model finds goes with its name
        mentions = json.dumps([apart(note)[0] for note in answer["notes"]])
        found.setdefault(answer["made_by"]["model"], set()).add(mentions)
    assert {name: len(each) for name, each in found.items()} == dict.fromkeys(names[:2], 1)


def test_after_a_kill_nobody_hangs_nothing_lies_about_and_it_answers_again(serve, tmp_path):
    before = set(tmp_path.rglob("*"))
    os.environ["TMPDIR"], old = str(tmp_path), os.environ.get("TMPDIR")
    try:
        served = serve("--vocabulary", WORDS)
        first = served.extract({"text": "Denies chest pain."})
        callers = Callers(served)
        while len(callers.answers) < 50:
            time.sleep(0.01)
        assert served.end(signal.SIGKILL) == -signal.SIGKILL
        callers.end()
        assert len(callers.faults) == 4  # each caller was told, by a connection that broke off
        assert all(answer == first for answer in callers.answers)
        again = serve("--vocabulary", WORDS, port=served.port)
        assert again.extract({"text": "Denies chest pain."}) == first
        again.end()
    finally:
        os.environ.pop("TMPDIR")
        if old is not None:
            os.environ["TMPDIR"] = old
    assert set(tmp_path.rglob("*")) == before


def test_bodies_that_swell_are_refused_and_take_no_memory(plain):
    most = (8 << 20) - 100
    bombs = [
        *("[" * most, '{"a":' * (most // 5), '{"notes":[' + "{}," * (most // 3)),
        '{"notes":[' + ",".join(['{"text":""}'] * (most // 12)) + "]}",
        "{" + ",".join(f'"{k:07d}":1' for k in range(most // 13)) + "}",
        '{"notes":' + "9" * (most - 20) + "}",
        '{"notes":[{"text":"","id":"' + '\\"{' * (most // 3) + '"}]}',
        " " * most,
    ]
    statuses = []
    before = plain.resident_mib
    for _ in range(3):
        for bomb in bombs:
            try:
                plain.ask("/v1/extract", bomb.encode())
                statuses.append(200)
            except urllib.error.HTTPError as error:
                statuses.append(error.code)
    assert statuses == [413, 413, 413, 413, 422, 422, 200, 422] * 3
    assert plain.resident_mib - before < 250


def test_a_stream_whose_answers_nobody_takes_holds_few_lines(plain):
    line = json.dumps({"text": "aspirin", "patient": "p" * (7 << 20)}).encode() + b"\n"
    before = plain.resident_mib
    with socket.create_connection(("127.0.0.1", plain.port)) as connection:
        connection.sendall(
            b"POST /v1/extract:stream HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n"
            b"Content-Type: application/x-ndjson\r\n\r\n"
        )
        connection.settimeout(3)
        with pytest.raises(TimeoutError):
            for _ in range(40):
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
        assert plain.resident_mib - before < 150


def test_a_client_that_is_made_of_openapi_json_gives_the_answer_back(plain, notes, tmp_path):
    tool = shutil.which("openapi-python-client")
    if tool is None:
        pytest.skip("needs openapi-python-client, in an environment of its own, on PATH")
    python = Path(tool).parent / "python"
    where = ("--path", ROOT / "docs" / "openapi.json", "--output-path", tmp_path / "made")
    subprocess.run([tool, "generate", "--meta", "none", *where], check=True, capture_output=True)
    (tmp_path / "ask.py").write_text(ASK)
    (tmp_path / "notes.json").write_text(json.dumps({"notes": notes[:50], "texts": True}))
    done = subprocess.run([python, "ask.py", plain.address], cwd=tmp_path, capture_output=True,
                          text=True)  # fmt: skip
    assert done.returncode == 0, done.stderr
    given, refused = json.loads((tmp_path / "answer.json").read_text())
    assert given == plain.extract(*notes[:50], texts=True)
    assert "must" in refused["error"]


ASK = """
import json, sys
from made import Client
from made.api.default import extract, readyz
from made.models import ExtractIn, NoteIn

client = Client(base_url=sys.argv[1], timeout=300)
body = ExtractIn.from_dict(json.load(open("notes.json")))
answer = extract.sync(client=client, body=body)
refused = extract.sync(client=client, body=ExtractIn(notes=[NoteIn(text="a", time="soon")]))
assert readyz.sync_detailed(client=client).status_code == 200
json.dump([answer.to_dict(), refused.to_dict()], open("answer.json", "w"))
"""

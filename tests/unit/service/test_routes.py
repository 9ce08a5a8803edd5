"""Answers are those of the pipeline; every refusal has its status and one sentence."""

import http.client
import json
import threading

import pytest

from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.records import note_to_record
from clinnlp.service.keys import read_keys

from .conftest import FAILS, JSON, LINES, MADE_BY, SLOW, many

TEXTS = [
    "Denies chest pain. Started aspirin 81 mg daily.",
    "👩🏽‍⚕️ says: no chest pain 😀, aspirin 😀 stopped.",
    "HPI:\r\nChest pain\r\n\r\nMeds:\r\naspirin 81 mg po daily\r\n",
    "Nul \0 before aspirin, and chest\0pain, chest pain",
    "fièvre, fie\u0300vre, FIÈVRE: no fie\u0300vre",
    "",
    " \u2028\u00a0aspirin\ufeff",
    "x" * 5000 + " aspirin",
]


def ours(nlp, texts):
    """Return the notes as the pipeline has them, in JSON as it is answered."""
    records = [note_to_record(nlp(Note(id=str(k), text=text))) for k, text in enumerate(texts)]
    return json.loads(json.dumps(records))


def asking(running):
    return lambda text: running.ask("/v1/extract", {"notes": [{"text": text}]})


class TestAnswers:
    def test_are_those_of_the_pipeline_field_by_field(self, serving, nlp):
        status, answer = serving().wait().extract(*TEXTS, texts=True)
        assert status == 200
        assert answer["notes"] == ours(nlp, TEXTS)
        assert answer["failed"] == []

    def test_are_the_same_for_one_caller_as_for_many_at_once(self, serving, nlp):
        running = serving(caller_requests=64).wait()
        wanted = ours(nlp, TEXTS)
        back = many(lambda k: running.extract(TEXTS[k % len(TEXTS)]), range(40))
        for k, (status, answer) in enumerate(back):
            (note,) = answer["notes"]
            want = {n: v for n, v in wanted[k % len(TEXTS)].items() if n not in ("text", "id")}
            assert (status, {n: v for n, v in note.items() if n != "id"}) == (200, want)

    def test_say_what_made_them_and_leave_the_text_where_it_is(self, serving):
        _, answer = serving().wait().extract("aspirin")
        assert answer["made_by"] == MADE_BY
        assert answer["offsets"] == "code points, half-open"
        assert answer["coverage"] is None
        assert "text" not in answer["notes"][0]

    def test_keep_the_description_of_a_note(self, serving):
        given = {
            "id": "n7",
            "text": "aspirin",
            "patient": "p1",
            "encounter": "e1",
            "kind": "letter",
        }
        given |= {
            "kind": "letter",
            "time": "2024-03-01T08:00:00",
            "known": "2024-03-02T08:00:00+01:00",
        }
        _, _, raw = serving().wait().ask("/v1/extract", {"notes": [given], "texts": True})
        (note,) = json.loads(raw)["notes"]
        assert note.items() >= given.items()

    def test_of_a_batch_with_a_bad_note_are_none_or_all_others_as_is_wished(self, serving):
        running = serving().wait()
        status, answer = running.extract("aspirin", FAILS, "aspirin")
        assert (status, list(answer)) == (500, ["error"])
        status, answer = running.extract("aspirin", FAILS, "aspirin", on_error="skip")
        assert status == 200
        assert [note["id"] for note in answer["notes"]] == ["0", "2"]
        assert answer["failed"] == [{"position": 1, "error": "a step of the extraction failed"}]

    def test_of_one_caller_do_not_hang_on_the_bad_note_of_another(self, serving):
        running = serving().wait()
        back = many(running.extract, [FAILS, "aspirin"] * 8)
        assert [status for status, _ in back] == [500, 200] * 8

    def test_come_as_fhir_that_our_reader_gives_back(self, serving, nlp, tmp_path):
        texts = [text for text in TEXTS if text and "\0" not in text]
        notes = [{"id": f"n{k}", "text": t, "patient": "p1"} for k, t in enumerate(texts)]
        head = {**JSON, "Accept": "application/fhir+json"}
        status, headers, raw = serving().wait().ask("/v1/extract", {"notes": notes}, head)
        assert (status, headers["content-type"]) == (200, "application/fhir+json")
        path = tmp_path / "notes.fhir.json"
        path.write_bytes(raw)
        wanted = [nlp(Note(id=one["id"], text=one["text"], patient="p1")) for one in notes]
        assert list(read_notes(path)) == wanted
        assert MADE_BY["model"] in raw.decode()


class TestRefusals:
    @pytest.mark.parametrize(
        ("body", "said"),
        [
            ("{", "one JSON value"),
            (b'{"notes": [{"text": "\xff"}]}', "one JSON value"),
            (r'{"notes": [{"text": "\ud800"}]}', "one JSON value"),
            ("[" * 900, "one JSON value"),
            ('{"notes": NaN}', "must be a list"),
            ("[]", "must be an object"),
            ('{"notes": []}', "one or more"),
            ('{"notes": [{"text": 1}]}', "notes[0].text of the body must be text"),
            ('{"notes": [{"text": "a"}, {"id": "b"}]}', "notes[1].text of the body must be there"),
            ('{"notes": [{"text": "a", "Text": "b"}]}', "notes[0] of the body must have the keys"),
            ('{"notes": [{"text": "a", "time": "soon"}]}', "notes[0]: 'time' must be an ISO 8601"),
            ('{"notes": [{"text": "a"}], "on_error": "go"}', "on_error of the body must be one of"),
        ],
    )
    def test_422_names_the_place_and_never_the_value(self, serving, body, said):
        status, _, raw = serving().wait().ask("/v1/extract", body)
        assert status == 422
        assert said in json.loads(raw)["error"]

    def test_401_403_by_keys(self, serving, tmp_path):
        path = tmp_path / "keys"
        path.write_text(f"{'k' * 32}\n{'m' * 32} metrics\n")
        path.chmod(0o600)
        running = serving(keys=read_keys(path)).wait()
        with_key = [{**JSON, "Authorization": f"Bearer {key * 32}"} for key in "kmx"]
        asked = [running.ask("/v1/extract", {"notes": [{"text": "a"}]}, h) for h in with_key]
        assert [status for status, _, _ in asked] == [200, 403, 401]
        assert running.ask("/v1/extract", {"notes": [{"text": "a"}]})[0] == 401
        assert asked[2][1]["www-authenticate"] == "Bearer"
        assert [running.ask("/metrics", headers=h)[0] for h in with_key] == [200, 200, 401]
        assert [running.ask(path)[0] for path in ("/healthz", "/readyz", "/docs")] == [
            200,
            200,
            401,
        ]

    def test_403_for_a_page_of_the_web_that_has_a_name_lead_here(self, serving):
        running = serving(host_names=("nlp.hospital",)).wait()
        names = ("evil.example", "localhost:1", "127.0.0.1", "[::1]:8765", "NLP.hospital:443")
        of = {name: running.ask("/docs", headers={"Host": name})[0] for name in names}
        assert of.pop("evil.example") == 403
        assert set(of.values()) == {200}

    def test_404_and_405_in_the_same_form(self, serving):
        running = serving().wait()
        for method, path, wanted in (("GET", "/no/such", 404), ("GET", "/v1/extract", 405)):
            status, _, raw = running.ask(path, method=method)
            assert (status, list(json.loads(raw))) == (wanted, ["error"])

    def test_409_where_another_model_was_wanted(self, serving):
        running = serving().wait()
        assert running.extract("aspirin", model="a" * 64)[0] == 200
        assert running.extract("aspirin", model="b" * 64)[0] == 409

    def test_413_for_long_texts_long_lists_and_large_bodies(self, serving):
        running = serving(note_chars=10, request_notes=2, body_mib=1).wait()
        assert running.extract("x" * 10, "y")[0] == 200
        assert running.extract("x" * 11)[0] == 413
        assert running.extract("x", "y", "z")[0] == 413
        assert running.ask("/v1/extract", b" " * (1 << 20) + b"{}")[0] == 413

    def test_413_before_a_body_is_read(self, serving):
        running = serving(body_mib=1, slow_s=5.0).wait()
        connection = running.connect()
        connection.putrequest("POST", "/v1/extract")
        connection.putheader("Content-Type", "application/json")
        connection.putheader("Content-Length", str(10 << 30))
        connection.endheaders()  # and not one byte of the body
        assert connection.getresponse().status == 413
        connection.close()

    def test_413_for_a_body_that_does_not_say_how_large_it_is(self, serving):
        pieces = (b" " * 100_000 for _ in range(20))
        assert serving(body_mib=1).wait().ask("/v1/extract", pieces)[0] == 413

    @pytest.mark.parametrize(
        "headers",
        [
            {},
            {"Content-Type": "text/plain"},
            {"Content-Type": "application/json; charset=latin-1"},
            {**JSON, "Content-Encoding": "gzip"},
            LINES,
        ],
    )
    def test_415_for_a_body_of_another_type(self, serving, headers):
        assert serving().wait().ask("/v1/extract", '{"notes": []}', headers)[0] == 415

    def test_429_and_503_say_when_to_come_back(self, serving):
        running = serving(caller_requests=2, batch_notes=1).wait()
        back = many(asking(running), [SLOW] * 6)
        refused = [headers for status, headers, _ in back if status == 429]
        assert sorted({status for status, _, _ in back}) == [200, 429]
        assert all(int(headers["retry-after"]) >= 1 for headers in refused)

        running = serving(queue_notes=1, batch_notes=1).wait()
        back = many(asking(running), [SLOW] * 6)
        refused = [headers for status, headers, _ in back if status == 503]
        assert sorted({status for status, _, _ in back}) == [200, 503]
        assert all(int(headers["retry-after"]) >= 1 for headers in refused)

    def test_503_for_too_many_at_a_time_and_for_what_takes_too_long(self, serving):
        running = serving(requests=1).wait()
        back = many(lambda text: running.extract(text)[0], [SLOW] * 4)
        assert {200, 503} == set(back)
        status, answer = serving(time_s=0.05).wait().extract(SLOW)
        assert (status, "took more than" in answer["error"]) == (503, True)

    def test_503_until_a_model_has_read_a_sentence(self, serving, answerer):
        may_load = threading.Event()

        def make():
            may_load.wait(30)
            return answerer

        running = serving(make)
        assert running.ask("/healthz")[0] == 200
        assert running.ask("/readyz")[0] == 503
        status, headers, _ = running.ask("/v1/extract", {"notes": [{"text": "a"}]})
        assert (status, "retry-after" in headers) == (503, True)
        may_load.set()
        assert running.wait().ask("/readyz")[0] == 200
        assert running.extract("a")[0] == 200


class TestPages:
    def test_numbers_tell_routes_and_models_and_no_path_that_was_asked_for(self, serving):
        running = serving().wait()
        running.extract("aspirin", "chest pain")
        running.ask("/some/path?patient=Doe")
        text = running.ask("/metrics")[2].decode()
        assert 'clinnlp_requests_total{route="/v1/extract",status="200"} 1.0' in text
        assert "clinnlp_notes_total 2.0" in text
        assert "clinnlp_mentions_total 2.0" in text
        assert f'model="{MADE_BY["model"]}"' in text
        assert 'route="other",status="404"' in text
        assert "Doe" not in text

    def test_the_page_for_people_fetches_nothing(self, serving):
        page = serving().wait().ask("/docs")[2].decode()
        assert "/v1/extract:stream" in page
        assert "<script" not in page
        assert "//" not in page.replace("<!doctype html>", "")

    def test_no_answer_may_be_kept_by_a_cache(self, serving):
        running = serving().wait()
        for path in ("/healthz", "/docs", "/no/such"):
            assert running.ask(path)[1]["cache-control"] == "no-store"

    def test_a_caller_who_asks_again_on_his_connection_is_answered(self, serving):
        running = serving().wait()
        connection = http.client.HTTPConnection("127.0.0.1", running.port, timeout=30)
        for _ in range(3):
            for path in ("/no/such", "/v1/extract", "/readyz"):
                method = "POST" if path == "/v1/extract" else "GET"
                connection.request(method, path, b'{"notes": [{"text": "a"}]}', JSON)
                assert connection.getresponse().read()
        connection.close()

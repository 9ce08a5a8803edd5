"""What others would do to the review server, tried over HTTP."""

import hashlib
import http.client
import json
import re

import pytest

from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.review.chain import audit
from clinnlp.review.database import create_database
from clinnlp.review.people import add_user
from clinnlp.service.review_app import review_routes
from clinnlp.service.review_calls import Needs, review_of
from clinnlp.service.review_settings import ReviewSettings
from tests.unit.review.conftest import PASSWORD, _quick_hashes  # noqa: F401
from tests.unit.service.review_world import JSON, Browser, Running
from tests.unit.service.test_review_routes import judge, serving  # noqa: F401

CANARY = "Zyxtown quuxozine"
OPEN = {"GET /", "GET /static", "POST /api/login"}
ANYONE = {
    "POST /api/logout",
    "GET /api/me",
    "GET /api/projects",
    "POST /api/concepts",
}
ROLES = ("annotator", "adjudicator", "owner")


def the_routes():
    return review_routes(review_of(None, ReviewSettings()))


def filled(path):
    return re.sub(r"\{[a-z]+:int\}", "1", path)


def test_every_route_of_the_api_says_what_it_needs():
    found = {route.name: getattr(route.endpoint, "needs", None) for route in the_routes()}
    assert {name for name, needs in found.items() if needs is None} == OPEN
    assert all(isinstance(needs, Needs) for name, needs in found.items() if name not in OPEN)
    shows_none = {n for n, needs in found.items() if needs and needs == Needs("annotator")}
    assert shows_none == ANYONE


def test_every_route_refuses_who_is_not_logged_in_or_may_not(serving):  # noqa: F811
    world = serving()
    with world.database.writing() as connection:
        add_user(connection, "blind", PASSWORD, role="owner", may_see_text=False)
    stranger = world.browser()
    people = {"annotator": "anna", "adjudicator": "judge", "owner": "owner"}
    browsers = {role: world.browser(name) for role, name in people.items()}
    blind = world.browser("blind")
    for route in the_routes():
        needs = getattr(route.endpoint, "needs", None)
        if needs is None or route.name.endswith("/logout"):
            continue
        method, path = route.name.split()[0], filled(route.path)
        assert stranger.ask(method, path)[0] == 401, route.name
        for role, browser in browsers.items():
            refused = ROLES.index(role) < ROLES.index(needs.role)
            status, _, body = browser.ask(method, path, {"odd": 1})
            assert (status == 403) == refused, (route.name, role, body)
            if method == "POST":
                assert browser.ask(method, path, headers={"X-CSRF-Token": None})[0] == 403
                assert browser.ask(method, path, headers={"X-CSRF-Token": "x"})[0] == 403
                status = browser.ask(method, path, headers={"Content-Type": "text/plain"})[0]
                assert status == (403 if refused else 415)
        if needs.text:
            assert blind.ask(method, path)[0] == 403, route.name


def test_a_session_that_another_set_is_not_taken_over(serving):  # noqa: F811
    world = serving()
    victim = world.browser()
    victim.cookie = f"{world.review.cookie}=known-to-the-attacker"
    victim.post("/api/login", {"user": "anna", "password": PASSWORD}, 204)
    assert "known-to-the-attacker" not in victim.cookie
    attacker = world.browser()
    attacker.cookie = f"{world.review.cookie}=known-to-the-attacker"
    attacker.get("/api/me", 401)
    mallory = world.browser("ben")
    planted = mallory.cookie  # a session of the attacker's own, planted in the victim's browser
    victim.cookie = planted
    victim.post("/api/login", {"user": "anna", "password": PASSWORD}, 204)
    assert victim.cookie != planted
    mallory.get("/api/me", 401)


def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(serving):  # noqa: F811
    world = serving()
    browser = world.browser()
    status, headers, _ = browser.ask("POST", "/api/login", {"user": "anna", "password": PASSWORD})
    assert status == 204
    said = headers["set-cookie"].lower()
    assert "httponly" in said
    assert "samesite=strict" in said
    assert "path=/" in said
    secure = review_of(None, ReviewSettings(behind_proxy=True))
    assert secure.cookie.startswith("__Host-")
    assert secure.settings.is_secure


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Host": "evil.example"},
    ],
)
def test_a_page_of_another_site_changes_nothing(serving, headers):  # noqa: F811
    world = serving()
    anna = world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    body = {"version": 0, "seconds": 1, "actions": [{"do": "accept", "mention": "T1"}]}
    path = f"/api/tasks/{task}/judgements"
    assert anna.ask("POST", path, body, headers=headers)[0] == 403
    login = {"user": "anna", "password": PASSWORD}
    assert world.browser().ask("POST", "/api/login", login, headers=headers)[0] == 403
    ours = {"Origin": f"http://127.0.0.1:{world.port}", "Sec-Fetch-Site": "same-origin"}
    assert anna.ask("POST", path, body, headers=ours)[0] == 200


def test_a_form_cannot_log_in(serving):  # noqa: F811
    world = serving()
    kinds = ("application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x")
    for kind in kinds:
        raw = json.dumps({"user": "anna", "password": PASSWORD})
        answer = world.browser().ask("POST", "/api/login", raw=raw, headers={"Content-Type": kind})
        assert answer[0] == 415


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</script><svg/onload=alert(1)>",
    "javascript:alert(1)",
    "'; DROP TABLE judgements; --",
    "{{7*7}}${7*7}",
    "\u2028\u202e",
]


@pytest.mark.parametrize("word", HOSTILE)
def test_what_is_hostile_is_text_everywhere(serving, word):  # noqa: F811
    """Text, ids, labels, guideline and comments come back as they were, as JSON and no page."""
    note = Note(
        id=word, text=f"{word} aspirin", kind=word, patient=word,
        entities=(Entity(id=word, span=Span(0, len(word)), label=word, concepts=(word,),
                         attributes={word: word}, source=word),),
    )  # fmt: skip
    world = serving(notes=[note], guideline=word, relation_labels=(word,), note_labels=(word,))
    anna = world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    actions = [
        {"do": "accept", "mention": word},
        {"do": "comment", "text": word},
        {"do": "note_labels", "labels": [word]},
        {"do": "relate", "id": word, "label": word, "roles": {word: [word]}},
    ]
    with world.database.writing() as connection:
        from clinnlp.review.tables import projects

        rules = {"labels": [word]}
        from sqlalchemy import select

        kept = connection.scalar(select(projects.c.settings))
        connection.execute(projects.update().values(settings={**kept, **rules}))
    judge(anna, task, 0, *actions)
    status, headers, shown = anna.ask("GET", f"/api/tasks/{task}")
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert shown["note"]["text"].startswith(word)
    assert shown["comment"] == word
    assert shown["mentions"][0]["label"] == word == shown["relations"][0]["id"]
    connection = http.client.HTTPConnection("127.0.0.1", world.port)
    connection.request("GET", f"/api/tasks/{task}", headers={"Cookie": anna.cookie})
    raw = connection.getresponse().read()
    assert not {b"<", b">", b"&"} & {raw[k : k + 1] for k in range(len(raw))}
    assert raw.isascii()
    assert audit(world.database).faults == []


@pytest.mark.parametrize("path", [
    "/", "/nowhere", "/api/me", "/api/tasks/1", "/static/x.js", "/api/tasks/x", "/%00",
])  # fmt: skip
def test_every_answer_forbids_what_a_page_does_not_need(serving, path):  # noqa: F811
    world = serving()
    _, headers, _ = world.browser().ask("GET", path)
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "*" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["cache-control"] == ("no-cache" if "etag" in headers else "no-store")
    assert "server" not in headers
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", [
    "/static/../review_app.py", "/static/%2e%2e/review_app.py", "/static/..%2freview_app.py",
    "/static//etc/passwd", "/static/%2fetc%2fpasswd", "/static/....//x", "/static/..\\x",
    "/../pyproject.toml", "/static/", "/static", "/static/index.html/..", "/static/%00",
])  # fmt: skip
def test_no_path_leads_out_of_the_page(serving, path):  # noqa: F811
    status, _, body = serving().browser().ask("GET", path)
    assert status == 404
    assert set(body) == {"error"}


@pytest.mark.parametrize("word", ["1 OR 1=1", "1;DROP TABLE users", "-1", "1.0", "9" * 40, "%27"])
def test_numbers_of_paths_are_numbers(serving, word):  # noqa: F811
    world = serving()
    anna = world.browser("anna")
    quoted = word.replace(" ", "%20")
    for path in (f"/api/tasks/{quoted}", f"/api/projects/{quoted}/queue"):
        assert anna.ask("GET", path)[0] == 404
    assert anna.ask("POST", "/api/concepts", {"project": word, "q": "a"})[0] == 422
    assert anna.get("/api/projects/1/queue")["n_left"] == 3


def test_names_of_the_login_are_no_sql(serving):  # noqa: F811
    world = serving()
    for name in ("anna' --", "' OR 1=1 --", 'anna"', "anna\x00"):
        assert world.browser().ask("POST", "/api/login", {"user": name, "password": PASSWORD})[
            0
        ] in (401, 429)


def test_many_wrong_passwords_must_wait(serving):  # noqa: F811
    world = serving()
    browser, statuses = world.browser(), []
    for _ in range(7):
        status, headers, _ = browser.ask("POST", "/api/login", {"user": "anna", "password": "x"})
        statuses.append(status)
    assert statuses[:5] == [401] * 5
    assert statuses[-1] == 429
    assert int(headers["retry-after"]) >= 1
    right = {"user": "anna", "password": PASSWORD}
    assert browser.ask("POST", "/api/login", right)[0] == 429
    assert world.browser("ben").get("/api/me")["user"] == "ben"


def test_unknown_and_known_names_are_answered_alike(serving):  # noqa: F811
    world = serving()
    answers = [
        world.browser().ask("POST", "/api/login", {"user": name, "password": "wrong password"})
        for name in ("anna", "nobody")
    ]
    assert answers[0][0] == answers[1][0] == 401
    assert answers[0][2] == answers[1][2]


def test_bodies_are_bounded(serving):  # noqa: F811
    world = serving()
    anna = world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    path = f"/api/tasks/{task}/judgements"
    assert anna.ask("POST", path, raw=b"[" * 900_000)[0] in (413, 422)
    assert anna.ask("POST", path, raw=b'"' + b"x" * (2 << 20) + b'"')[0] == 413
    assert anna.ask("POST", "/api/login", raw=b" " * 10_000)[0] == 413
    odd = [
        {"version": 0, "seconds": -1, "actions": [{"do": "done"}]},
        {"version": 0, "seconds": 1e999, "actions": [{"do": "done"}]},
        {"version": "0", "seconds": 1, "actions": [{"do": "done"}]},
        {"version": 0, "seconds": 1, "actions": []},
        {"version": 0, "seconds": 1, "actions": [{"do": "fly"}]},
        {"version": 0, "seconds": 1, "actions": [{"do": "done", "extra": 1}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "add", "id": "<b>", "start": 0, "end": 1, "label": "Drug"}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "add", "id": "b", "start": 0, "end": 10**9, "label": "Drug"}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "add", "id": "b", "start": 5, "end": 5, "label": "Drug"}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "add", "id": "b", "start": 0, "end": 1, "label": "Other"}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "add", "id": "b", "start": 0, "end": 1, "label": "Drug", "axes": {"x": True}}]},
        {"version": 0, "seconds": 1, "actions": [
            {"do": "relate", "id": "b", "label": "Treats", "roles": {"a": ["T9"]}}]},
    ]  # fmt: skip
    for body in odd:
        assert anna.ask("POST", path, raw=json.dumps(body).encode())[0] == 422, body
    assert audit(world.database).n_judgements == 0


def test_the_canary_stands_in_the_store_and_nowhere_else(tmp_path, capfd):
    """Text, comment and password are in no line of the log and in no file but the store."""
    folder = tmp_path / "all"
    folder.mkdir()
    note = Note(id="n1", text=f"Took aspirin in {CANARY} for chest pain.", entities=(
        Entity(id="T1", span=Span(5, 12), label="Drug"),))  # fmt: skip
    world = Running(create_database(folder / "store.db"), notes=[note])
    try:
        anna = world.browser("anna")
        task = anna.get("/api/projects/1/queue")["items"][0]["task"]
        judge(anna, task, 0, {"do": "comment", "text": CANARY})
        judge(anna, task, 0, {"do": "comment", "text": CANARY}, status=409)
        judge(anna, task, 1, {"do": "add", "id": "a", "start": 0, "end": 999, "label": "Drug"},
              status=422)  # fmt: skip
        anna.post("/api/concepts", {"project": 1, "q": CANARY})
        anna.ask("GET", f"/{CANARY.replace(' ', '%20')}")
        anna.ask("POST", f"/api/tasks/{task}/judgements", raw=f'{{"{CANARY}": 1'.encode())
        Browser(world.port).ask("POST", "/api/login", {"user": CANARY, "password": CANARY})
        from sqlalchemy import text

        with world.database.writing() as connection:  # what fails unforeseen is told by its type
            connection.execute(text("ALTER TABLE notes RENAME TO gone"))
        status, _, body = anna.ask("GET", f"/api/tasks/{task}")
        assert (status, body) == (500, {"error": "the server failed, and has logged where"})
        assert any("unexpected" in line for line in world.lines)
    finally:
        world.end()
        world.database.close()
    said = "\n".join(world.lines) + "".join(capfd.readouterr())
    words = [
        CANARY,
        *CANARY.split(),
        PASSWORD,
        "n1",
        hashlib.sha256(note.text.encode()).hexdigest(),
    ]
    assert not [word for word in words if word in said]
    holders = {path.name for path in folder.rglob("*") if CANARY.encode() in path.read_bytes()}
    assert holders == {"store.db"}
    assert (folder / "store.db").stat().st_mode & 0o777 == 0o600
    assert JSON

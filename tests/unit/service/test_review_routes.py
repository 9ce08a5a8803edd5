"""The routes of judging, asked over HTTP."""

import pytest

from clinnlp.review import database as database_module
from clinnlp.review.chain import audit
from clinnlp.review.database import create_database
from tests.unit.review.conftest import _quick_hashes  # noqa: F401
from tests.unit.service.review_world import Running


@pytest.fixture
def serving(tmp_path):
    """Give a function that serves a new store, ended after the test."""
    running = []

    def run(**how):
        running.append(Running(create_database(tmp_path / f"{len(running)}.db"), **how))
        return running[-1]

    yield run
    for one in running:
        one.end()
        one.database.close()


def judge(browser, task, version, *actions, status=200):
    body = {"version": version, "seconds": 1.5, "actions": list(actions)}
    return browser.post(f"/api/tasks/{task}/judgements", body, status)


def search(browser, words):
    return browser.post("/api/concepts", {"project": 1, "q": words})


def test_a_note_is_judged_from_the_queue_to_the_end(serving):
    world = serving()
    anna = world.browser("anna")
    me = anna.get("/api/me")
    assert (me["user"], me["role"], me["may_see_text"]) == ("anna", "annotator", True)
    (project,) = anna.get("/api/projects")
    assert (project["n_notes"], project["n_done"], project["annotators"]) == (3, 0, 1)
    queue = anna.get(f"/api/projects/{project['id']}/queue")
    assert queue["n_left"] == 3
    assert [item["title"] for item in queue["items"]] == ["n0", "n1", "n2"]
    task = queue["items"][0]["task"]
    shown = anna.get(f"/api/tasks/{task}")
    assert shown["note"]["text"].endswith("💊.")
    assert shown["version"] == 0
    assert [m["judged"] for m in shown["mentions"]] == [None, None]
    pain = shown["mentions"][1]
    assert pain["axes"]["negated"] is False
    assert pain["cue"] == [0, 4]
    assert shown["mentions"][0]["concepts"] == [{"id": "D1", "vocabulary": None, "name": None}]
    said = judge(anna, task, 0, {"do": "accept", "mention": "T1"})
    assert said == {"version": 1}
    error = judge(anna, task, 1, {"do": "done"}, status=422)["error"]
    assert "got 1 that are not" in error
    judge(anna, task, 1, {"do": "reject", "mention": "T2"}, {"do": "done"})
    assert anna.get(f"/api/tasks/{task}")["is_done"]
    assert anna.get("/api/projects")[0]["n_done"] == 1
    assert audit(world.database).faults == []


def test_an_old_version_gets_what_stands_there_now(serving):
    world = serving()
    anna, same = world.browser("anna"), world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    judge(anna, task, 0, {"do": "accept", "mention": "T1"})
    now = judge(same, task, 0, {"do": "reject", "mention": "T2"}, status=409)
    assert now["version"] == 1
    assert now["mentions"][0]["judged"] == "accepted"
    assert now["error"]
    judge(same, task, 1, {"do": "reject", "mention": "T2"})
    assert not any("given" in mention for mention in same.get(f"/api/tasks/{task}")["mentions"])
    judge(same, task, 2, {"do": "change", "mention": "T2", "label": "Drug", "end": 33})
    given = same.get(f"/api/tasks/{task}")["mentions"][1]["given"]
    assert (given["label"], given["cue"]) == ("Problem", [0, 4])
    assert audit(world.database).n_judgements == 3


def test_two_people_are_blind_and_what_differs_is_adjudicated(serving):
    world = serving(n=1, n_annotators=2)
    anna, ben, judging = (world.browser(name) for name in ("anna", "ben", "judge"))
    tasks = [who.get("/api/projects/1/queue")["items"][0]["task"] for who in (anna, ben)]
    assert tasks[0] != tasks[1]
    anna.get(f"/api/tasks/{tasks[1]}", 404)
    anna.get("/api/projects/1/adjudication", 403)
    judge(anna, tasks[0], 0, {"do": "accept", "mention": "T1"}, {"do": "accept", "mention": "T2"},
          {"do": "done"})  # fmt: skip
    assert judging.get("/api/projects/1/adjudication")["items"] == []
    judge(ben, tasks[1], 0, {"do": "accept", "mention": "T1"}, {"do": "reject", "mention": "T2"},
          {"do": "done"})  # fmt: skip
    (item,) = judging.get("/api/projects/1/adjudication")["items"]
    shown = judging.get(f"/api/tasks/{item['task']}")
    assert [(m["label"], m["judged"], m["source"]) for m in shown["mentions"]] == [
        ("Drug", "accepted", None), ("Problem", None, "A")
    ]  # fmt: skip
    ben.get(f"/api/tasks/{item['task']}", 404)
    (one,) = judging.get(f"/api/adjudications/{item['task']}")["differences"]
    assert (one["kind"], one["left"]["label"], one["right"]) == ("only in A", "Problem", None)
    (pair,) = judging.get("/api/projects/1/agreement")["between"]
    assert pair["strict"]["value"] == pytest.approx(2 / 3)
    assert pair["first"] == "anna"
    judging.get(f"/api/adjudications/{tasks[0]}", 404)
    judge(ben, tasks[1], 3, {"do": "reopen"})
    assert judging.get("/api/projects/1/adjudication")["items"] == []
    judge(ben, tasks[1], 4, {"do": "done"})
    (item,) = judging.get("/api/projects/1/adjudication")["items"]
    judge(judging, item["task"], 0, {"do": "accept", "mention": "M2"}, {"do": "done"})
    error = judge(ben, tasks[1], 5, {"do": "reopen"}, status=422)["error"]
    assert "adjudicated" in error
    assert audit(world.database).faults == []


def test_relations_of_one_person_and_labels_that_differ_are_told_to_the_adjudicator(serving):
    world = serving(n=1, n_annotators=2, note_labels=("urgent", "old"))
    anna, ben, judging = (world.browser(name) for name in ("anna", "ben", "judge"))
    tasks = [who.get("/api/projects/1/queue")["items"][0]["task"] for who in (anna, ben)]
    accepted = [{"do": "accept", "mention": name} for name in ("T1", "T2")]
    (tie,) = anna.get(f"/api/tasks/{tasks[0]}")["relations"]
    judge(anna, tasks[0], 0, *accepted, {"do": "note_labels", "labels": ["urgent", "old"]},
          {"do": "unrelate", "relation": tie["id"]}, {"do": "done"})  # fmt: skip
    judge(ben, tasks[1], 0, *accepted, {"do": "note_labels", "labels": ["old"]}, {"do": "done"})
    (item,) = judging.get("/api/projects/1/adjudication")["items"]
    shown = judging.get(f"/api/adjudications/{item['task']}")
    assert shown["differences"] == []
    assert shown["note_labels"] == ["old"]
    assert shown["label_difference"] == {"left": ["urgent", "old"], "right": ["old"]}
    assert shown["relation_differences"] == [one["id"] for one in shown["relations"]]
    assert [one["source"] for one in shown["relations"]] == ["B"]
    judge(judging, item["task"], 0, {"do": "note_labels", "labels": ["urgent", "old"]},
          {"do": "unrelate", "relation": shown["relations"][0]["id"]}, {"do": "done"})  # fmt: skip
    again = judging.get(f"/api/adjudications/{item['task']}")
    assert (again["relation_differences"], again["note_labels"]) == ([], ["urgent", "old"])


def test_a_full_disk_is_told_to_who_judges_and_to_who_runs_the_server(serving, monkeypatch):
    def full(raw, record, before=database_module._on_connect):
        before(raw, record)
        raw.execute("PRAGMA max_page_count=80")

    monkeypatch.setattr(database_module, "_on_connect", full)
    world = serving()
    anna = world.browser("anna")
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    for version in range(200):
        body = {"version": version, "seconds": 1,
                "actions": [{"do": "comment", "text": f"{version} " + "words " * 600}]}  # fmt: skip
        status, _, said = anna.ask("POST", f"/api/tasks/{task}/judgements", body)
        if status != 200:
            break
    assert (status, said["error"][:30]) == (503, "the store cannot be read or wr")
    assert any("its disk is full" in line for line in world.lines)
    assert anna.get(f"/api/tasks/{task}")["version"] == version
    assert audit(world.database).faults == []


def test_concepts_are_searched(serving):
    from clinnlp.review.projects import add_concepts

    world = serving()
    rows = [
        ("D1", "RxNorm", "aspirin"),
        ("D1", "RxNorm", "ASA 100%"),
        ("D2", "RxNorm", "baby aspirin"),
    ]
    with world.database.writing() as connection:
        add_concepts(connection, world.project, rows)
    anna = world.browser("anna")
    found = search(anna, "ASP")
    assert [(one["id"], one["name"]) for one in found] == [
        ("D1", "aspirin"),
        ("D2", "baby aspirin"),
    ]
    assert [one["id"] for one in search(anna, "100%")] == ["D1"]
    assert search(anna, "%") == [{"id": "D1", "vocabulary": "RxNorm", "name": "ASA 100%"}]
    assert search(anna, "_") == search(anna, "") == []
    anna.post("/api/concepts", {"project": "x", "q": "a"}, 422)


def test_an_owner_gives_back_the_notes_of_a_person(serving):
    world = serving()
    owner, anna, ben = (world.browser(name) for name in ("owner", "anna", "ben"))
    task = anna.get("/api/projects/1/queue")["items"][0]["task"]
    judge(anna, task, 0, {"do": "accept", "mention": "T1"})
    assert ben.get("/api/projects/1/queue")["items"] == []
    (one,) = owner.get("/api/projects/1/people")["items"]
    assert {key: one[key] for key in ("person", "n_open", "n_begun", "n_done")} == {
        "person": "anna", "n_open": 2, "n_begun": 1, "n_done": 0,
    }  # fmt: skip
    assert owner.post("/api/projects/1/release", {"person": "anna"}) == {"n": 3}
    assert len(ben.get("/api/projects/1/queue")["items"]) == 3
    said = judge(anna, task, 1, {"do": "accept", "mention": "T2"}, status=422)
    assert "another person" in said["error"]
    assert "person" in owner.post("/api/projects/1/release", {"person": "x"}, 422)["error"]
    owner.post("/api/projects/9/release", {"person": "anna"}, 404)

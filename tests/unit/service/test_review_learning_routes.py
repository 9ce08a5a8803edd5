"""Learn now, over HTTP, with the process that really learns."""

import time

import pytest

from clinnlp.review.chain import audit
from clinnlp.service.review_teaching import Teacher
from tests.unit.bert.conftest import make_encoder
from tests.unit.review.conftest import note_of
from tests.unit.service.test_review_routes import judge, serving  # noqa: F401
from tests.unit.study.test_review_learn import texts

RUNS = "/api/projects/1/runs"


def judge_all(anna):
    while True:
        items = anna.get("/api/projects/1/queue")["items"]
        left = [item for item in items if item["state"] == "open"]
        if not left:
            return
        accepts = [{"do": "accept", "mention": name} for name in ("T1", "T2")]
        judge(anna, left[0]["task"], 0, *accepts, {"do": "done"})


def test_learning_needs_judged_notes_and_an_owner(serving):  # noqa: F811
    world = serving()
    owner = world.browser("owner")
    assert "judge more" in owner.post("/api/projects/1/learn", status=422)["error"]
    assert owner.get(RUNS) == {"items": []}
    owner.get(f"{RUNS}/1", 404)
    owner.post(f"{RUNS}/1/use", status=404)
    owner.post("/api/projects/9/learn", status=404)


@pytest.mark.slow
def test_learn_cancel_go_on_use_and_roll_back(serving, tmp_path):  # noqa: F811
    encoder = make_encoder(tmp_path / "encoder")
    world = serving(notes=[note_of(k, text) for k, text in enumerate(texts(24))])
    teacher = Teacher(world.database, encoder=str(encoder), epochs=1)
    object.__setattr__(world.review, "teacher", teacher)
    judge_all(world.browser("anna"))
    owner = world.browser("owner")
    run = owner.post("/api/projects/1/learn", status=202)["run"]
    owner.post("/api/projects/1/learn", status=409)
    assert owner.get(f"{RUNS}/{run}")["state"] in ("waiting", "running")
    owner.post(f"{RUNS}/{run}/use", status=422)
    assert owner.post(f"{RUNS}/{run}/cancel")["state"] == "stopped"
    owner.post(f"{RUNS}/{run}/resume")
    owner.post("/api/projects/1/learn", status=409)
    deadline = time.monotonic() + 300
    while (shown := owner.get(f"{RUNS}/{run}"))["state"] not in ("done", "failed", "stopped"):
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert shown["state"] == "done", shown
    assert shown["old"]["value"] == 1.0
    assert shown["difference"]["low"] <= shown["difference"]["high"]
    assert owner.post(f"{RUNS}/{run}/use")["state"] == "used"
    owner.post(f"{RUNS}/{run}/resume", status=409)
    assert owner.post(f"{RUNS}/{run}/rollback")["state"] == "done"
    owner.post(f"{RUNS}/{run}/rollback", status=422)
    assert audit(world.database).faults == []
    teacher.end()

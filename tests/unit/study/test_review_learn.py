"""Learning from what was judged: what is held out, what stands beside what, use and roll back."""

import pytest

from clinnlp.core.errors import ArgumentError, RunError
from clinnlp.core.locks import FileLock
from clinnlp.core.notes import Note
from clinnlp.review.chain import audit
from clinnlp.review.database import Conflict, create_database
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.projects import find_project, suggested_notes
from clinnlp.review.runs import add_run, find_run, roll_back, runs_of, use_run
from clinnlp.review.tasks import queue, task_of
from clinnlp.study import review_learn
from clinnlp.study.review_learn import (
    check_learnable,
    is_held_out,
    is_learning,
    learn,
    run_folder,
)
from tests.unit.bert.conftest import make_encoder
from tests.unit.review.conftest import World, _quick_hashes, note_of  # noqa: F401

DRUGS = ("aspirin",)
TRAINING = {"max_tokens": 32, "stride": 8, "epochs": 1, "bf16": "off"}


def texts(n):
    return [
        f"On day {k} the patient took aspirin for chest pain in ward {k % 7}." for k in range(n)
    ]


@pytest.fixture
def world(tmp_path):
    notes = [note_of(k, text) for k, text in enumerate(texts(24))]
    made = World(create_database(tmp_path / "s.db"), notes=notes, uncertain_first=True)
    yield made
    made.database.close()


def judge_all(world, n=24):
    anna = world.users["anna"]
    for _ in range(n):
        items = [i for i in queue(world.database, world.project, anna)[0] if i.state == "open"]
        if not items:
            return
        with world.database.reading() as connection:
            reading = reading_of(connection, task_of(connection, items[0].task))
        actions = [{"do": "accept", "mention": name} for name in reading.mentions]
        judge(world.database, items[0].task, anna, [*actions, {"do": "done"}], version=0)


def new_run(world):
    with world.database.writing() as connection:
        return add_run(connection, world.project)


def test_what_is_held_out_follows_from_patient_or_text_alone():
    notes = [Note(id=str(k), text=f"t{k}", patient=f"p{k // 3}") for k in range(300)]
    held = [is_held_out(note, 0) for note in notes]
    assert 0.1 < sum(held) / len(held) < 0.3
    assert all(held[k] == held[k - k % 3] for k in range(300))
    assert held == [is_held_out(Note(id="x", text="y", patient=n.patient), 0) for n in notes]


def test_too_few_notes_are_told(world):
    judge_all(world, 3)
    with pytest.raises(ArgumentError, match="judge more"):
        check_learnable(world.database, world.project)


def test_a_project_learns_once_at_a_time(world):
    run = new_run(world)
    with pytest.raises(Conflict):
        new_run(world)
    assert not is_learning(world.database, run.id)
    with FileLock(run_folder(world.database, run.id).with_suffix(".lock"), what="x"):
        assert is_learning(world.database, run.id)
        with pytest.raises(RunError):
            learn(world.database, run.id)


@pytest.mark.slow
def test_learning_orders_what_is_left(world, tmp_path):
    encoder = make_encoder(tmp_path / "encoder")
    judge_all(world, 19)
    run = new_run(world)
    done = learn(world.database, run.id, encoder=encoder, overrides=TRAINING)
    before = [note.id for note in suggested_notes(world.database, world.project)]
    with world.database.writing() as connection:
        use_run(connection, world.project, done, model="n" * 64, folder="f")
    after = [note.id for note in suggested_notes(world.database, world.project)]
    assert sorted(after) == sorted(before)
    assert after != before
    with world.database.writing() as connection:
        roll_back(connection, world.project, find_run(connection, run.id))
    assert [note.id for note in suggested_notes(world.database, world.project)] == before


@pytest.mark.slow
def test_learning_stops_goes_on_is_used_and_rolled_back(world, tmp_path, monkeypatch):
    encoder = make_encoder(tmp_path / "encoder")
    judge_all(world)
    train, kept = check_learnable(world.database, world.project)
    assert len(train) + len(kept) == 24
    assert not {note.patient for note in train} & {note.patient for note in kept}
    run = new_run(world)

    class Ended(KeyboardInterrupt):
        pass

    class Ends(review_learn._Told):
        def __call__(self, done, total):
            super().__call__(done, total)
            if done == 1:
                raise Ended

    how = {"encoder": encoder, "overrides": TRAINING}
    with monkeypatch.context() as patched, pytest.raises(Ended):
        patched.setattr(review_learn, "_Told", Ends)
        learn(world.database, run.id, **how)
    with world.database.reading() as connection:
        assert find_run(connection, run.id).state == "stopped"
    done = learn(world.database, run.id, **how)
    assert done.state == "done"
    assert done.done == done.total > 0
    assert done.result["old"]["value"] == 1.0
    assert done.result["n_held_out"] == len(kept)
    low, high = (done.result["difference"][name] for name in ("low", "high"))
    assert low <= done.result["difference"]["value"] <= high
    before = suggested_notes(world.database, world.project)
    with world.database.writing() as connection:
        use_run(connection, world.project, done, model="n" * 64, folder="f")
        project = find_project(connection, world.project.id)
        assert (project.model, project.folder) == ("n" * 64, "f")
    assert suggested_notes(world.database, world.project) != before
    with world.database.writing() as connection:
        roll_back(connection, project, runs_of(connection, project.id)[0])
        project = find_project(connection, world.project.id)
        assert (project.model, project.folder) == ("m" * 64, None)
    assert suggested_notes(world.database, world.project) == before
    assert audit(world.database).faults == []
    with pytest.raises(ArgumentError), world.database.writing() as connection:
        roll_back(connection, project, runs_of(connection, project.id)[0])

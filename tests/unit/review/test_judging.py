"""Judging: nothing is lost, nothing is overwritten, the log gives the same reading again."""

import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from clinnlp.core.errors import ArgumentError, ClinnlpError
from clinnlp.review.chain import audit
from clinnlp.review.database import Conflict, open_database
from clinnlp.review.judging import judge, reading_of
from clinnlp.review.tasks import queue, task_of


def tasks_of(world, name):
    return [item.task for item in queue(world.database, world.project, world.users[name])[0]]


def state(world, task):
    with world.database.reading() as connection:
        return reading_of(connection, task_of(connection, task))


def test_actions_are_kept_and_make_a_reading(world):
    world = world()
    anna, (task, *_) = world.users["anna"], tasks_of(world, "anna")
    actions = [
        {"do": "accept", "mention": "T1"},
        {"do": "change", "mention": "T2", "label": "Problem", "start": 29},
        {"do": "add", "id": "a", "start": 38, "end": 43, "label": "Problem",
         "axes": {"negated": True}},
        {"do": "comment", "text": "odd"},
        {"do": "done"},
    ]  # fmt: skip
    version = judge(world.database, task, anna, actions, version=0, seconds=2.5)
    assert version == 5
    reading = state(world, task)
    found = [(e.label, e.span.start, e.assertion.negated) for e in reading.entities()]
    assert found == [("Drug", 5, None), ("Problem", 29, False), ("Problem", 38, True)]
    assert reading.is_done
    assert reading.comment == "odd"
    assert all(e.score is None for e in reading.entities())
    assert [link.id for link in reading.links()] == ["R1"]
    assert audit(world.database).faults == []
    again = open_database(world.database.where) if world.database.dialect == "sqlite" else None
    if again is not None:
        assert audit(again).n_judgements == 5


def test_of_a_batch_all_or_nothing_is_written(world):
    world = world()
    anna, (task, *_) = world.users["anna"], tasks_of(world, "anna")
    actions = [{"do": "accept", "mention": "T1"}, {"do": "accept", "mention": "T9"}]
    with pytest.raises(ArgumentError, match="another id"):
        judge(world.database, task, anna, actions, version=0)
    assert state(world, task).n_open == 2
    assert audit(world.database).n_judgements == 0


def test_an_old_version_is_a_conflict_and_writes_nothing(world):
    world = world()
    anna, (task, *_) = world.users["anna"], tasks_of(world, "anna")
    judge(world.database, task, anna, [{"do": "accept", "mention": "T1"}], version=0)
    with pytest.raises(Conflict):
        judge(world.database, task, anna, [{"do": "reject", "mention": "T1"}], version=0)
    assert state(world, task).mentions["T1"].judged == "accepted"


def test_many_at_once_lose_nothing(world):
    world = world()
    anna, (task, *_) = world.users["anna"], tasks_of(world, "anna")
    n_conflicts, n_each, n_threads = [0], 5, 4

    def work(k):
        for i in range(n_each):
            action = {"do": "add", "id": f"{k}-{i}", "start": k, "end": k + 1 + i, "label": "Drug"}
            while True:
                with world.database.reading() as connection:
                    version = task_of(connection, task)["version"]
                try:
                    judge(world.database, task, anna, [action], version=version)
                    break
                except Conflict:
                    n_conflicts[0] += 1

    threads = [threading.Thread(target=work, args=(k,)) for k in range(n_threads)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reading = state(world, task)
    assert len(reading.mentions) == 2 + n_each * n_threads
    found = audit(world.database)
    assert found.faults == []
    assert found.n_judgements == n_each * n_threads


def test_a_task_of_another_person_is_refused(world):
    world = world()
    task, *_ = tasks_of(world, "anna")
    for name in ("ben", "owner"):
        with pytest.raises(ArgumentError, match="one of yours"):
            judge(world.database, task, world.users[name], [{"do": "done"}], version=0)


def test_judgements_cannot_be_altered_by_sql(world):
    world = world()
    anna, (task, *_) = world.users["anna"], tasks_of(world, "anna")
    judge(world.database, task, anna, [{"do": "accept", "mention": "T1"}], version=0)
    for statement in ("UPDATE judgements SET seconds = 9", "DELETE FROM judgements"):
        with pytest.raises(ClinnlpError) as caught, world.database.writing() as connection:
            connection.execute(text(statement))
        assert not isinstance(caught.value.__context__, SQLAlchemyError)
    assert audit(world.database).faults == []

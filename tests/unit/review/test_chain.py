"""The chain finds what was altered, deleted, inserted, swapped or cut off."""

import pytest
from sqlalchemy import text

from clinnlp.review.chain import audit
from clinnlp.review.judging import judge
from clinnlp.review.tasks import queue

N = 6
DROP = {
    "sqlite": "DROP TRIGGER judgements_{}_no",
    "postgresql": "DROP TRIGGER judgements_{}_no ON judgements",
}


@pytest.fixture
def judged(world):
    world = world(n=2)
    anna = world.users["anna"]
    for item in queue(world.database, world.project, anna)[0]:
        for version, action in enumerate(
            ({"do": "accept", "mention": "T1"}, {"do": "reject", "mention": "T2"}, {"do": "done"})
        ):
            judge(world.database, item.task, anna, [action], version=version, seconds=1)
    assert audit(world.database).n_judgements == N
    with world.database.writing() as connection:
        for word in ("UPDATE", "DELETE"):
            connection.execute(text(DROP[world.database.dialect].format(word)))
    return world.database


ATTACKS = {
    "a judgement is another": (
        'UPDATE judgements SET action = \'{"do":"reject","mention":"T1"}\' WHERE seq = 1',
    ),
    "another person": ("UPDATE judgements SET who = '\"ben\"' WHERE seq = 2",),
    "another time": ("UPDATE judgements SET at = '2020-01-01T00:00:00.000+00:00' WHERE seq = 2",),
    "other seconds": ("UPDATE judgements SET seconds = 99 WHERE seq = 3",),
    "the first is gone": ("DELETE FROM judgements WHERE seq = 1",),
    "one in the middle is gone": ("DELETE FROM judgements WHERE seq = 3",),
    "the last is gone": (f"DELETE FROM judgements WHERE seq = {N}",),
    "all are gone": ("DELETE FROM judgements",),
    "two are swapped": (
        "UPDATE judgements SET seq = 99 WHERE seq = 1",
        "UPDATE judgements SET seq = 1 WHERE seq = 2",
        "UPDATE judgements SET seq = 2 WHERE seq = 99",
    ),
    "one moved to another task": (
        "UPDATE judgements SET task = (SELECT max(id) FROM tasks), version = 9 WHERE seq = 1",
    ),
    "the text is another": ("UPDATE notes SET record = replace(record, 'fever', 'cough')",),
    "the suggestions are others": (
        "UPDATE tasks SET given = replace(given, 'Problem', 'Drug') WHERE id = 1",
    ),
    "text and hash are others": ("UPDATE notes SET sha256 = 'x'",),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_was_altered_is_found(judged, attack):
    assert audit(judged).faults == []
    with judged.writing() as connection:
        for statement in ATTACKS[attack]:
            connection.exec_driver_sql(statement)
    assert audit(judged).faults


def test_a_chain_that_was_made_anew_lacks_the_head_that_was_noted(judged):
    head = audit(judged).head
    assert audit(judged, head=head).faults == []
    earlier = "0:" + "0" * 64
    assert audit(judged, head=earlier).faults == []
    assert audit(judged, head=f"{N}:{'a' * 64}").faults

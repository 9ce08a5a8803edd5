"""A pipeline answers when it has read a sentence; a new one takes over whole, or not at all."""

import asyncio

import pytest

from clinnlp.core.errors import PipeError, StoreError
from clinnlp.core.pipeline import Pipeline
from clinnlp.service.models import Models
from clinnlp.service.refusals import Refused
from clinnlp.study.answering import Answerer


def answerer(text, pipe=lambda note: note):
    return Answerer(nlp=Pipeline([pipe]), made_by={"model": text})


class Disk:
    """A model of one file, and who loads it."""

    def __init__(self, folder):
        self.file = folder / "model"
        self.file.write_text("one")
        self.said, self.n_loads = [], 0
        self.models = Models(self.load, paths=[folder], say=self.said.append)

    def load(self):
        self.n_loads += 1
        text = self.file.read_text()
        if text == "broken":
            raise StoreError("a model must be whole, got half of one")
        return answerer(text)

    @property
    def name(self):
        return self.models.current.made_by["model"]


@pytest.fixture
def disk(tmp_path):
    return Disk(tmp_path)


async def until(condition):
    for _ in range(500):
        if condition():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not come about")


async def watched(disk, act):
    """Load, watch, and act meanwhile."""
    await disk.models.load()
    watch = asyncio.ensure_future(disk.models.watch(0.02))
    await act()
    watch.cancel()


def test_before_it_is_loaded_nobody_is_answered(disk):
    assert not disk.models.is_ready
    with pytest.raises(Refused) as caught:
        disk.models.current  # noqa: B018
    assert (caught.value.status, caught.value.retry_after) == (503, 2)
    asyncio.run(disk.models.load())
    assert disk.name == "one"


def test_one_that_cannot_read_a_sentence_never_answers():
    def fail(note):
        raise ValueError(note.text)

    models = Models(lambda: answerer("one", fail), paths=[], say=print)
    with pytest.raises(PipeError):
        asyncio.run(models.load())
    assert not models.is_ready
    assert models.n_loads == {"done": 0, "failed": 1}


def test_new_files_take_over_and_are_told_of(disk):
    async def act():
        disk.file.write_text("another")
        await until(lambda: disk.name == "another")

    asyncio.run(watched(disk, act))
    assert disk.said == ["the model is now another"]


def test_a_broken_one_is_tried_once_and_the_old_one_stays(disk):
    async def act():
        disk.file.write_text("broken")
        await until(lambda: disk.said)
        await asyncio.sleep(0.3)
        assert (disk.name, disk.n_loads) == ("one", 2)
        disk.file.write_text("whole again")
        await until(lambda: disk.name == "whole again")

    asyncio.run(watched(disk, act))
    assert disk.said[0] == "the model was not exchanged: a model must be whole, got half of one"


def test_files_that_are_gone_leave_the_old_one(disk):
    async def act():
        disk.file.unlink()
        disk.file.parent.rmdir()
        await asyncio.sleep(0.2)

    asyncio.run(watched(disk, act))
    assert (disk.name, disk.n_loads, disk.said) == ("one", 1, [])


def test_nothing_is_loaded_while_somebody_writes(disk):
    async def act():
        for k in range(20):
            disk.file.write_text("x" * (k + 2))  # another one at every look
            await asyncio.sleep(0.015)
        n_loads = disk.n_loads
        await until(lambda: disk.name == "x" * 21)
        assert n_loads <= 3

    asyncio.run(watched(disk, act))


def test_what_changed_while_it_was_read_does_not_answer(tmp_path):
    disk = Disk(tmp_path)
    loaded = disk.load

    def load():
        made = loaded()
        disk.file.write_text("other")
        return made

    models = Models(load, paths=[tmp_path], say=disk.said.append)
    with pytest.raises(StoreError, match="must stay while they are read"):
        asyncio.run(models.load())
    assert not models.is_ready


def test_an_error_of_others_is_told_by_its_type_alone(tmp_path):
    said = []
    models = Models(lambda: 1 / 0, paths=[], say=said.append)
    asyncio.run(models.reload())
    assert said == ["the model was not exchanged (ZeroDivisionError)"]

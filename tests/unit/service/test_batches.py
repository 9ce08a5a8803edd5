"""Notes of many callers are read together; each gets his own, and nobody waits for a heap."""

import asyncio
import threading
from itertools import chain

import pytest

from clinnlp.core.errors import PipeError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.service.batches import Batches
from clinnlp.service.refusals import Refused
from clinnlp.study.answering import Answerer


class Reader:
    """A pipe that keeps what was read together, and waits until it may read."""

    def __init__(self):
        self.batches, self.may_read = [], threading.Event()
        self.may_read.set()

    def __call__(self, note):
        return self.batch([note])[0]

    def batch(self, notes):
        self.may_read.wait(30)
        self.batches.append([note.id for note in notes])
        if any("bad" in note.text for note in notes):
            raise ValueError("bad")
        return [note.with_(kind="read") for note in notes]


@pytest.fixture
def reader():
    return Reader()


@pytest.fixture
def batches():
    made = Batches(batch_notes=4, queue_notes=20, on_batch=lambda *_: None)
    yield made
    made.end()


def of(reader):
    return Answerer(nlp=Pipeline([reader]), made_by={"model": str(id(reader))})


def notes(name, n, text=""):
    return [Note(id=f"{name}{k}", text=text) for k in range(n)]


async def gathered(batches, reader, *jobs, answerer=None):
    """Read several jobs at once, which all wait before the first is read."""
    reader.may_read.clear()
    answerer = answerer or of(reader)
    asked = [asyncio.ensure_future(batches.read(answerer, job, lambda read: read)) for job in jobs]
    await asyncio.sleep(0.05)
    reader.may_read.set()
    return await asyncio.gather(*asked, return_exceptions=True)


def test_notes_of_several_callers_are_read_together_and_each_gets_his_own(batches, reader):
    jobs = [notes(name, 2) for name in "abcde"]
    back = asyncio.run(gathered(batches, reader, *jobs))
    assert [[note.id for note in read.notes] for read in back] == [
        [note.id for note in job] for job in jobs
    ]
    assert max(map(len, reader.batches)) == 4
    assert len(reader.batches) < 5


def test_one_note_does_not_wait_for_a_heap_of_another(batches, reader):
    asyncio.run(gathered(batches, reader, notes("first", 1), notes("heap", 15), notes("one", 1)))
    at = next(k for k, batch in enumerate(reader.batches) if "one0" in batch)
    assert at <= 2
    assert sum(map(len, reader.batches)) == 17


def test_long_notes_are_read_one_at_a_time_and_short_ones_beside_them(batches, reader):
    long = [notes(f"long{k}-", 2, "x" * 90_000) for k in range(5)]
    asyncio.run(gathered(batches, reader, *long, notes("short", 1)))
    at = next(k for k, batch in enumerate(reader.batches) if "short0" in batch)
    assert at <= 1
    order = [[name[:5] for name in batch if name[0] == "l"] for batch in reader.batches]
    assert max(map(len, order)) <= 2
    assert {*[*chain(*order)][:5]} == {f"long{k}" for k in range(5)}  # each in its turn


def test_a_bad_note_fails_alone(batches, reader):
    jobs = [notes("good", 2), notes("bad", 1, "bad"), notes("fine", 1)]
    good, bad, fine = asyncio.run(gathered(batches, reader, *jobs))
    assert [note.kind for note in (*good.notes, *fine.notes)] == ["read"] * 3
    assert [type(note) for note in bad.notes] == [PipeError]


def test_who_comes_when_too_many_wait_is_told_when_to_come_back(batches, reader):
    back = asyncio.run(
        gathered(batches, reader, notes("a", 1), notes("b", 30), *(notes(x, 1) for x in "cde"))
    )
    assert [type(read).__name__ for read in back] == ["Read", "Read", *["Refused"] * 3]
    assert isinstance(back[-1], Refused)
    assert (back[-1].status, back[-1].retry_after >= 1) == (503, True)


def test_nothing_more_is_read_for_who_has_gone(batches, reader):
    async def run():
        reader.may_read.clear()
        first = asyncio.ensure_future(batches.read(of(reader), notes("a", 1), lambda read: read))
        await asyncio.sleep(0.05)
        other = asyncio.ensure_future(batches.read(of(reader), notes("b", 10), lambda read: read))
        await asyncio.sleep(0.05)
        other.cancel()
        await asyncio.sleep(0.05)
        reader.may_read.set()
        await first

    asyncio.run(run())
    assert reader.batches == [["a0"]]


def test_each_is_read_by_the_pipeline_that_was_there_when_he_came(batches, reader):
    async def run():
        new = Reader()
        reader.may_read.clear()
        asked = [
            asyncio.ensure_future(batches.read(who, notes(name, 3), lambda read: read))
            for who, name in ((of(reader), "old"), (of(new), "new"), (of(reader), "older"))
        ]
        await asyncio.sleep(0.05)
        reader.may_read.set()
        await asyncio.gather(*asked)
        return new

    new = asyncio.run(run())
    assert sorted(chain(*new.batches)) == ["new0", "new1", "new2"]
    assert "new0" not in [*chain(*reader.batches)]


def test_what_makes_the_answer_may_refuse(batches, reader):
    def refuse(_):
        raise Refused(422, "no")

    with pytest.raises(Refused):
        asyncio.run(batches.read(of(reader), notes("a", 1), refuse))
    assert asyncio.run(batches.read(of(reader), notes("b", 1), lambda read: 7)) == 7


def test_the_end_comes_after_what_waits(reader):
    batches = Batches(batch_notes=1, queue_notes=20, on_batch=lambda *_: None)

    async def run():
        reader.may_read.clear()
        asked = asyncio.ensure_future(batches.read(of(reader), notes("a", 5), lambda read: read))
        await asyncio.sleep(0.05)
        reader.may_read.set()
        await asyncio.to_thread(batches.end)
        return await asked

    assert len(asyncio.run(run()).notes) == 5

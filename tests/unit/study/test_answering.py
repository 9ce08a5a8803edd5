"""A bad note of a batch is the fault of that note alone, whatever a pipe raises."""

import pytest

from clinnlp.core.errors import PipeError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline
from clinnlp.study.answering import Answerer, cue_tables

NOTES = [Note(id=f"n{k}", text=text) for k, text in enumerate(["good", "bad", "good too"])]


class Panic(BaseException):
    """As code in Rust raises it."""


def failing(kind):
    def pipe(note):
        if note.text == "bad":
            raise kind(note.text)
        return note.with_(kind="read")

    return Answerer(nlp=Pipeline([pipe]), made_by={})


@pytest.mark.parametrize("kind", [ValueError, MemoryError, Panic])
def test_a_bad_note_fails_alone_and_is_not_quoted(kind):
    good, bad, other = failing(kind)(NOTES)
    assert (good.kind, other.kind) == ("read", "read")
    assert isinstance(bad, PipeError)
    assert "bad" not in str(bad)
    assert kind.__name__ in str(bad)


def test_trying_out_raises_what_a_pipe_raises():
    def pipe(note):
        raise ValueError(note.text)

    with pytest.raises(PipeError):
        Answerer(nlp=Pipeline([pipe]), made_by={}).try_out()
    failing(ValueError).try_out()


def test_tables_of_cues_have_one_name():
    assert cue_tables() == cue_tables()
    assert len(cue_tables()) == 64

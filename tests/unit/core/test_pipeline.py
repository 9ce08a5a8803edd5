"""Pipelines: order, batches, errors that name pipe and note but no text."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError, PipeError
from clinnlp.core.notes import Note
from clinnlp.core.pipeline import Pipeline, chunks
from tests.common.error_chains import check_free_of

SECRET = "Mrs Canary has zebra disease"


def mark(note: Note) -> Note:
    return note.with_(kind=(note.kind or "") + "x")


def fail_on_two(note: Note) -> Note:
    if note.id == "2":
        raise ValueError(note.text)
    return note


class Batched:
    def __init__(self):
        self.sizes = []

    def __call__(self, note):
        return self.batch([note])[0]

    def batch(self, notes):
        self.sizes.append(len(notes))
        return [mark(n) for n in notes]


def test_a_string_and_a_note_both_work_and_pipes_apply_in_order():
    nlp = Pipeline([mark, mark])
    assert nlp("text").kind == "xx"
    assert nlp(Note(id="a", text="b")).id == "a"


def test_stream_keeps_order_and_reads_no_further_than_a_batch():
    taken = []

    def source():
        for i in range(10):
            taken.append(i)
            yield Note(id=str(i), text="t")

    batched = Batched()
    stream = Pipeline([batched]).stream(source(), batch_size=4)
    assert next(stream).id == "0"
    assert len(taken) == 4
    assert [n.id for n in stream] == [str(i) for i in range(1, 10)]
    assert batched.sizes == [4, 4, 2]


def test_an_error_names_pipe_and_note_and_hides_the_text():
    with pytest.raises(PipeError, match=r"fail_on_two failed on note '2' \(ValueError\)") as caught:
        list(Pipeline([fail_on_two]).stream([SECRET] * 4))
    check_free_of("Canary", caught.value)


def test_skip_loses_only_the_note_at_fault_and_reports_it():
    skipped = []
    stream = Pipeline([fail_on_two]).stream(
        [SECRET] * 5, on_error="skip", on_skip=lambda note_id, error: skipped.append(note_id)
    )
    assert [n.id for n in stream] == ["0", "1", "3", "4"]
    assert skipped == ["2"]


def test_our_own_errors_keep_their_sentence():
    def refuse(note):
        raise DataError("units must match, got two", note=note.id)

    with pytest.raises(PipeError, match="units must match"):
        Pipeline([refuse])("x")


def test_a_pipe_must_keep_id_and_text_and_be_callable():
    with pytest.raises(PipeError, match="must keep id and text"):
        Pipeline([lambda note: Note(id=note.id, text="other")])("x")
    with pytest.raises(ArgumentError, match="callable"):
        Pipeline([3])


@pytest.mark.parametrize("bad", [{"batch_size": 0}, {"on_error": "ignore"}])
def test_bad_options_are_refused(bad):
    with pytest.raises(ArgumentError, match=next(iter(bad))):
        list(Pipeline([]).stream([], **bad))


def test_chunks_cover_everything_once():
    assert list(chunks(range(7), 3)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_what_is_no_note_is_refused():
    nlp = Pipeline([mark])
    for wrong in (None, 3, b"text", ["text"]):
        with pytest.raises(ArgumentError, match="takes a Note or a str, got"):
            nlp(wrong)
        with pytest.raises(ArgumentError, match="takes a Note or a str, got"):
            list(nlp.stream([wrong]))
    for one in ("a text, not its letters", Note(id="n", text="x")):
        with pytest.raises(ArgumentError, match="put it into a list"):
            list(nlp.stream(one))


def test_a_pipe_that_returns_no_note_is_named():
    def forgetful(note):
        return None

    with pytest.raises(PipeError, match="pipe forgetful must return a note"):
        Pipeline([forgetful])("x")

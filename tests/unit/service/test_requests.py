"""A form becomes the note of the library and back; what the form refuses has its place."""

import pytest

from clinnlp.core.notes import Coverage, Note
from clinnlp.service.refusals import Refused
from clinnlp.service.requests import ExtractIn, NoteIn, coverage_of, note_of, record_of

TEXT = "a\r\n\0e\u0301 \U0001f600"


def test_a_note_keeps_its_text_and_what_is_said_of_it():
    form = NoteIn(text=TEXT, patient="p1", time="2024-03-01T08:00:00Z", kind="letter")
    note = note_of(form, 7, note_chars=100)
    assert (note.id, note.text, note.patient, note.kind) == ("7", TEXT, "p1", "letter")
    assert note.time.isoformat() == "2024-03-01T08:00:00+00:00"
    assert "text" not in record_of(note, texts=False)
    assert record_of(note, texts=True)["text"] == TEXT


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"text": "x" * 11}, 413, "text of notes[3] must be of at most 10 characters, got 11"),
        ({"text": "a", "time": "Canary"}, 422, "notes[3]: 'time' must be an ISO 8601"),
    ],
)
def test_what_is_no_note_is_refused_with_its_place(form, status, said):
    with pytest.raises(Refused) as caught:
        note_of(NoteIn(**form), 3, note_chars=10)
    assert caught.value.status == status
    assert str(caught.value).startswith(said)
    assert "Canary" not in str(caught.value)


def test_coverage_is_counted_over_notes_that_a_model_has_read():
    notes = [Note(id=str(n), text="a", coverage=Coverage(n_seen=n, n_total=10)) for n in (10, 7)]
    assert coverage_of([*notes, Note(id="w", text="a")]) == [17, 20]
    assert coverage_of([Note(id="w", text="a")]) is None


def test_forms_are_strict_and_stay_as_they_are():
    for wrong in ({"notes": [], "texts": "yes"}, {"notes": [{"text": 1}]}, {"Notes": []}):
        with pytest.raises(ValueError, match="validation error"):
            ExtractIn.model_validate(wrong)
    with pytest.raises(ValueError, match="frozen"):
        NoteIn(text="a").text = "b"

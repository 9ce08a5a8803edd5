"""What a request may hold, and what an answer says: the forms behind /openapi.json.

A note is the JSON of `clinnlp.io.notes.jsonl`: it goes in with text and description and comes back
with what was found. Offsets are half-open code points into the text as it was sent.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, FailFast, Field, model_validator
from pydantic_core import PydanticCustomError

from clinnlp.core.errors import DataError, instead_of
from clinnlp.core.notes import Note
from clinnlp.io.notes.records import note_from_record, note_to_record
from clinnlp.service.refusals import Refused

__all__ = [
    "FAULT",
    "FIRST_FAULT",
    "OFFSETS",
    "Answer",
    "ExtractIn",
    "Form",
    "MadeBy",
    "NoteIn",
    "NoteOut",
    "Out",
    "Refusal",
    "StreamLine",
    "coverage_of",
    "note_of",
    "record_of",
]

OFFSETS: Literal["code points, half-open"] = "code points, half-open"
FAULT = "a step of the extraction failed"  # all that is told of it: an error may name a note
_TEXT = "Exactly as it stands: offsets count its code points, line ends and signs of zero width too"


class _FirstFault(FailFast):
    __hash__ = object.__hash__  # a form may want a list or nothing


FIRST_FAULT = _FirstFault()  # of a million wrong parts one is told, and one record is kept


class Form(BaseModel):
    """What a request may hold: these keys, of these types, and no other."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _only_known_keys(cls, value: Any) -> Any:
        # pydantic alone keeps a record of every unknown key, of which there may be a million
        if isinstance(value, dict) and not value.keys() <= cls.model_fields.keys():
            raise PydanticCustomError("unknown_key", "unknown key")
        return value


class NoteIn(Form):
    """A note to read."""

    id: str | None = Field(None, description="By its position from 0 where it is not given")
    text: str = Field(description=_TEXT)
    patient: str | None = None
    encounter: str | None = None
    time: str | None = Field(None, description="What time it speaks of, ISO 8601")
    known: str | None = Field(None, description="When it could first be read, ISO 8601")
    kind: str | None = Field(None, description="Type of the document")


class ExtractIn(Form):
    """Notes to read."""

    notes: Annotated[list[NoteIn], FIRST_FAULT, Field(min_length=1)]
    model: str | None = Field(
        None, description="SHA-256 of the model that must answer; another one is a conflict (409)"
    )
    texts: bool = Field(False, description="Whether the notes come back with their text")
    on_error: Literal["raise", "skip"] = Field(
        "raise",
        description="What to do with a note on which a step fails: refuse all (500), or answer "
        "for the others and list it in failed",
    )


class Out(BaseModel):
    """What an answer says; versions to come may say more."""

    model_config = ConfigDict(extra="allow")


class MadeBy(Out):
    """What made an answer: hashes are SHA-256, absent where there is none."""

    clinnlp: str = Field(description="Version of the library")
    cues: str = Field(description="Hash of the tables of cues, headings, units and names")
    language: str
    model: str | None = None
    vocabulary: str | None = None


class MentionOut(Out):
    """A mention; /docs of the library say what each key holds."""

    id: str
    start: int
    end: int
    label: str
    parts: list[list[int]] | None = None
    concepts: list[str] | None = None
    assertion: dict[str, Any] | None = None
    attributes: dict[str, Any] | None = None
    score: float | None = None
    source: str | None = None


class NewOut(Out):
    """How new a note is to the model that read it."""

    tokens: int = Field(description="Tokens that hardly any training note holds")
    pairs: int = Field(description="Pairs of neighbouring tokens that hardly any holds")
    unlike: bool | None = Field(
        description="More new pairs than 95 in 100 training notes; null where it is short"
    )


class NoteOut(Out):
    """A note with what was found in it."""

    id: str
    text: str | None = None
    entities: list[MentionOut] | None = None
    sections: list[dict[str, Any]] | None = None
    sentences: list[list[int]] | None = None
    labels: list[str] | None = None
    coverage: list[int] | None = None
    new: NewOut | None = None


class FailedOut(Out):
    """A note on which a step failed."""

    position: int = Field(description="Of the note in the request, from 0")
    error: str


class Answer(Out):
    """Notes with what was found, in the order of the request."""

    made_by: MadeBy
    offsets: Literal["code points, half-open"] = OFFSETS
    coverage: list[int] | None = Field(
        None, description="Tokens that the model has read, of tokens in the notes; null without one"
    )
    notes: list[NoteOut]
    failed: list[FailedOut]


class StreamLine(Out):
    """One line of a stream: of these keys one."""

    made_by: MadeBy | None = Field(None, description="What makes the lines behind it")
    note: NoteOut | None = None
    failed: FailedOut | None = Field(None, description="Position is that of the line, from 0")
    done: dict[str, int] | None = Field(None, description="The last line: n_notes and n_failed")
    error: str | None = Field(None, description="The last line: why the rest was not read")


class Refusal(Out):
    """Why there is no answer."""

    error: str


def note_of(form: NoteIn, position: int, *, note_chars: int, what: str = "") -> Note:
    """Return the note of a form; `what` is how it is called in a refusal."""
    what = what or f"notes[{position}]"
    if len(form.text) > note_chars:
        raise Refused(
            413, f"text of {what} must be of at most {note_chars} characters, got {len(form.text)}"
        )
    given = {name: value for name, value in form if value is not None}
    with instead_of(DataError, lambda error: Refused(422, f"{what}: {error.message}")):
        return note_from_record({"id": str(position), **given})


def record_of(note: Note, *, texts: bool) -> dict[str, Any]:
    """Return a note as it is answered.

    Examples
    --------
    >>> record_of(Note(id="n1", text="No cough.", labels=("respiratory",)), texts=False)
    {'id': 'n1', 'labels': ['respiratory']}
    """
    record = note_to_record(note)
    if not texts:
        del record["text"]
    return record


def coverage_of(notes: Sequence[Note]) -> list[int] | None:
    """Return tokens read of tokens there, over all notes that a model has read."""
    read = [note.coverage for note in notes if note.coverage is not None]
    return [sum(c.n_seen for c in read), sum(c.n_total for c in read)] if read else None

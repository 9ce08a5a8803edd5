"""What is asked about risks and signals, and what is answered."""

from datetime import date, datetime
from typing import Annotated, Any

from pydantic import Field

from clinnlp.core.errors import instead_of
from clinnlp.core.patients import Patient
from clinnlp.service.refusals import Refused
from clinnlp.service.requests import FIRST_FAULT, Form, MadeBy, NoteIn, Out

__all__ = ["RiskAnswer", "RiskIn", "SignalAnswer", "SignalsIn", "event_of", "patient_of"]

_TIMES = ("start", "end", "known")


class CaseIn(Form):
    """Whom to score, and from when."""

    patient: str
    index_time: str = Field(
        description="ISO 8601; what was known at or after it is not used; with a zone it is UTC"
    )


class EventIn(Form):
    """A structured fact."""

    patient: str
    code: str
    kind: str = Field(description="Such as drug, diagnosis, lab")
    known: str | None = Field(None, description="When it could first be read; without it no use")
    start: str | None = None
    end: str | None = None
    encounter: str | None = None
    vocabulary: str | None = None
    value: float | None = Field(None, allow_inf_nan=False)
    unit: str | None = None
    dose: str | None = None


class PatientIn(Form):
    """A person; what is not given stays missing."""

    id: str
    birth_date: str | None = Field(None, description="ISO 8601")
    sex: str | None = None


class RiskIn(Form):
    """Cases, and what is known of them: of the sources that the model was trained on."""

    cases: Annotated[list[CaseIn], FIRST_FAULT, Field(min_length=1, max_length=10_000)]
    events: Annotated[list[EventIn], FIRST_FAULT] | None = None
    notes: Annotated[list[NoteIn], FIRST_FAULT] | None = None
    patients: Annotated[list[PatientIn], FIRST_FAULT] = Field([])
    n_reasons: int = Field(0, ge=0, le=50, description="Concepts to name for each case")
    risk_model: str | None = Field(
        None, description="SHA-256 of the model that must answer; another one is a conflict (409)"
    )


class RiskAnswer(Out):
    """Risks in the order of the cases."""

    made_by: MadeBy
    risks: list[dict[str, Any]] = Field(
        description="patient, index_time, risk (0 to 1), base_log_odds and other_log_odds, which "
        "add up with the reasons to the log odds of the risk, and reasons: concept, name, "
        "log_odds, error, mentions (note, start, end) and events (positions in the request)"
    )
    n_excluded: dict[str, int] = Field(description="What was left out, by reason")
    cautions: list[str]


class SignalsIn(Form):
    """Drugs, and what they may do."""

    drugs: Annotated[list[str], FIRST_FAULT, Field(min_length=1, max_length=1000)] = Field(
        description="All drugs of a row are among them: give what a patient takes"
    )
    outcomes: Annotated[list[str], FIRST_FAULT, Field(max_length=1000)] = Field(
        [], description="Of these; none: of any outcome"
    )
    called_only: bool = Field(False, description="Only what is called a signal")
    limit: int = Field(100, ge=1, le=1000, description="Most rows, those of the smallest q first")


class SignalAnswer(Out):
    """Rows of the mined tables; /docs of the library say what each column holds."""

    made_by: MadeBy
    n_found: int
    signals: list[dict[str, Any]]


def event_of(form: EventIn, position: int) -> dict[str, Any]:
    """Return the row of an event."""
    given = {name: value for name, value in form if value is not None}
    for name in _TIMES:
        if name in given:
            given[name] = _time(given[name], f"events[{position}].{name}")
    return given


def patient_of(form: PatientIn, position: int) -> Patient:
    """Return a patient."""
    refusal = Refused(422, f"patients[{position}].birth_date must be a date in ISO 8601")
    with instead_of(ValueError, refusal):
        born = None if form.birth_date is None else date.fromisoformat(form.birth_date)
    return Patient(id=form.id, birth_date=born, sex=form.sex)


def _time(text: str, what: str) -> datetime:
    with instead_of(ValueError, Refused(422, f"{what} must be a time in ISO 8601")):
        return datetime.fromisoformat(text)

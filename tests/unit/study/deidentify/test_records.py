"""Patients, stays and events in memory: they join with each other and with the notes."""

from datetime import date, datetime

import numpy as np

from clinnlp.core.patients import Encounter, Patient
from clinnlp.core.tables import EventTable
from clinnlp.io.record.timelines import Timelines
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.records import (
    deidentify_events,
    deidentify_timelines,
    gather_timelines,
    people,
    smallest_group,
)
from clinnlp.study.settings import DeidentifySettings
from tests.unit.study.deidentify.conftest import finder, note_of

KEY = Key(b"k")
EVENTS = EventTable(
    {
        "patient": ["7730915", "2", "7730915"],
        "encounter": ["E1", None, "E1"],
        "start": np.array(["2019-03-12T08:00:00", "2019-01-01", "2019-03-20"], "M8[s]"),
        "known": np.array(["2019-03-12T08:00:00", "NaT", "2019-03-20"], "M8[s]"),
        "code": ["a", "b", "a"],
        "value": [1.5, np.nan, 2.5],
    }
)
RECORD = Timelines(
    patients=[
        Patient(id="7730915", birth_date=date(1924, 3, 1), sex="F"),
        Patient(id="2", birth_date=date(1970, 3, 1)),
        Patient(id="3"),
    ],
    encounters=[Encounter(id="E1", patient="7730915", start=datetime(2019, 3, 12))],
    events=EVENTS,
    deaths={"7730915": datetime(2019, 4, 1)},
)


def made(**how):
    by = Deidentifier(KEY, finder, DeidentifySettings(**how))
    by.gather([note_of(1)])
    gather_timelines(RECORD, by)
    return by, deidentify_timelines(RECORD, by)


def test_a_record_moves_with_its_notes():
    by, record = made()
    note = by(note_of(1))
    events = record.events
    assert note.patient == record.patients[0].id == events["patient"][0]
    assert note.encounter == record.encounters[0].id == events["encounter"][0]
    assert events["start"][0].item() == note.time
    assert record.deaths[note.patient] - record.encounters[0].start == (
        RECORD.deaths["7730915"] - RECORD.encounters[0].start
    )
    assert events["start"][2] - events["start"][0] == EVENTS["start"][2] - EVENTS["start"][0]
    assert np.isnat(events["known"]).tolist() == [False, True, False]
    assert events["code"].tolist() == ["a", "b", "a"]
    assert events["value"].tolist()[::2] == [1.5, 2.5]
    assert len({p.id for p in record.patients} | {p.id for p in RECORD.patients}) == 6


def test_a_birth_date_reveals_no_age_above_90():
    _, record = made()
    old, middle, unknown = (one.birth_date for one in record.patients)
    last = max(record.deaths.values())
    assert last.year - old.year <= 91
    assert 1970 - middle.year <= 11
    assert unknown is None


def test_dates_by_the_year_or_not_at_all():
    by, record = made(dates="year")
    assert record.events["start"][0].item() == datetime(2019, 1, 1)
    assert record.patients[1].birth_date == date(1970, 1, 1)
    by, record = made(dates="mask")
    assert np.isnat(record.events["start"]).all()
    assert record.deaths == {}
    assert record.patients[1].birth_date is None
    assert np.isnat(deidentify_events(EVENTS, by)["known"]).all()


def test_the_smallest_group():
    assert smallest_group(people(RECORD.patients)) == (1, 3)
    assert smallest_group([]) == (0, 0)

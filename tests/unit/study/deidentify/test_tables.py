"""Tables: ids and days go with the notes, and what nobody has thought of is emptied."""

import csv
import gzip
from datetime import date, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from clinnlp.core.errors import DataError
from clinnlp.study.deidentify.deidentifier import Deidentifier
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.deidentify.tables import copy_tables, gather_tables, role_of
from clinnlp.study.settings import DeidentifySettings
from tests.unit.study.deidentify.conftest import finder, note_of

KEY = Key(b"k")
EVENTS = (
    "patient,encounter,start,known,code,kind,comment\n"
    "7730915,E1,2019-03-12,2019-03-12 08:30:00,aspirin,drug,Zebraperson\n"
    "7730915,E2,03/20/2019,,x,drug,\n"
    ",E3,2019-03-20,,x,drug,\n"
    "88,E3,2019-02-30,soon,x,drug,\n"
)


def copied(source, out, notes=(), **how):
    by = Deidentifier(KEY, finder, DeidentifySettings(**how)).gather(notes)
    last = gather_tables(source, by)
    return by, copy_tables(source, out, by, last)


def rows_of(path):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t" if ".tsv" in path.name else ","))


def test_a_table_still_joins_with_the_notes(tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    note = note_of(1)
    by, done = copied(tmp_path / "events.csv", tmp_path / "out.csv", [note])
    made = by.replaced(note, by.find(note)).note
    first, second, nobody, other = rows_of(tmp_path / "out.csv")
    assert (first["patient"], first["encounter"]) == (made.patient, made.encounter)
    assert first["start"] == f"{made.time:%Y-%m-%d}"
    assert first["known"] == f"{made.time:%Y-%m-%d} 08:30:00"
    assert first["start"] in f"{second['start'][6:]}-01-01" or second["start"] != "03/20/2019"
    assert (first["code"], first["comment"]) == ("aspirin", "")
    assert nobody["start"] == other["start"] == other["known"] == ""
    assert done.n_unreadable_times == 3
    assert done.emptied == {"events.csv: comment": 1}
    assert "Zebraperson" not in (tmp_path / "out.csv").read_text()


def test_ids_of_parquet_keep_their_room(tmp_path):
    """Columns of few bits, of 19 digits, and those that pandas made floats since one is missing."""
    given = {
        "patient": pa.array([101, 127, 101], pa.int8()),
        "encounter": pa.array([2**63 - 1, 2**63 - 2, 2**63 - 9], pa.int64()),
        "hadm_id": pa.array([22334455.0, None, 22334455.0], pa.float64()),
        "seq_num": pa.array([1, 2, 3], pa.int8()),
    }
    pq.write_table(pa.table(given), tmp_path / "in.parquet")
    by, _ = copied(tmp_path / "in.parquet", tmp_path / "out.parquet")
    made = pq.read_table(tmp_path / "out.parquet")
    assert [str(t) for t in made.schema.types] == ["int64", "int64", "double", "int8"]
    rows = made.to_pylist()
    assert [row["patient"] for row in rows] == [
        int(by.surrogates.ids(k)) for k in ("101", "127", "101")
    ]
    assert len({row["encounter"] for row in rows}) == 3
    assert all(0 < row["encounter"] < 2**63 for row in rows)
    hadm = int(by.surrogates.ids("22334455"))  # as it stands in the notes
    assert [row["hadm_id"] for row in rows] == [hadm, None, hadm]


def test_a_parquet_table_is_a_parquet_table_again_and_joins(tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "events.csv").write_text(EVENTS)
    pq.write_table(
        pa.table({"patient": ["7730915"], "start": [datetime(2019, 3, 12, 8)], "value": [1.5],
                  "comment": ["Zebraperson"]}),
        tmp_path / "in" / "labs.parquet",
    )  # fmt: skip
    _, done = copied(tmp_path / "in", tmp_path / "out")
    first = rows_of(tmp_path / "out" / "events.csv")[0]
    (made,) = pq.read_table(tmp_path / "out" / "labs.parquet").to_pylist()
    assert made["patient"] == first["patient"] != "7730915"
    assert f"{made['start']:%Y-%m-%d %H}" == f"{first['start']} 08"
    assert (made["value"], made["comment"]) == (1.5, None)
    assert done.rows == {"events.csv": 4, "labs.parquet": 1}


@pytest.mark.parametrize(("how", "start"), [("year", "2019-01-01"), ("mask", "")])
def test_dates_without_days(how, start, tmp_path):
    (tmp_path / "events.csv").write_text(EVENTS)
    copied(tmp_path / "events.csv", tmp_path / "out.csv", dates=how)
    assert rows_of(tmp_path / "out.csv")[0]["start"] == start


def test_a_folder_of_tables(tmp_path):
    source, out = tmp_path / "in", tmp_path / "out"
    (source / "hosp").mkdir(parents=True)
    person = "person_id,year_of_birth,month_of_birth,day_of_birth,person_source_value,gender\n"
    (source / "PERSON.csv").write_text(
        person + "12,1920,5,6,Zebra,F\n13,1950,,,Q,M\n14,1950,5,6,,F\n"
    )
    (source / "CONCEPT.csv").write_text("concept_id,concept_name\n1,x\n")
    (source / "README.md").write_text("Zebra")
    with gzip.open(source / "hosp" / "visits.tsv.gz", "wt") as file:
        file.write("visit_occurrence_id\tperson_id\tvisit_start_date\tnote_text\n")
        file.write("5\t12\t2015-06-01\tZebra\n6\t12\t2015-07-01\t\n")
    _, done = copied(source, out)
    assert done.rows == {"PERSON.csv": 3, "hosp/visits.tsv.gz": 2}
    assert sorted(done.not_copied) == ["CONCEPT.csv", "README.md"]
    visits = rows_of(out / "hosp" / "visits.tsv.gz")
    old, middle, young = rows_of(out / "PERSON.csv")
    assert {row["person_id"] for row in visits} == {old["person_id"]}
    days = [date.fromisoformat(row["visit_start_date"]) for row in visits]
    assert (days[1] - days[0]).days == 30
    # who is 95 at the end of what is known gets the birth year of someone who is 90
    assert days[1].year - int(old["year_of_birth"]) in (90, 91)
    assert (middle["month_of_birth"], middle["day_of_birth"]) == ("", "")
    assert middle["year_of_birth"]
    assert 0 < 1950 - int(young["year_of_birth"]) <= 11
    assert "Zebra" not in "".join(p.read_text() for p in out.rglob("*.csv"))


def test_ages_above_89_are_90(tmp_path):
    (tmp_path / "a.csv").write_text(
        "subject_id,anchor_age,dob\n1,91,\n2,89,1950-01-01 00:00\n3,x,x\n"
    )
    copied(tmp_path / "a.csv", tmp_path / "out.csv")
    made = rows_of(tmp_path / "out.csv")
    assert [row["anchor_age"] for row in made] == ["90", "89", ""]
    assert [len(row["dob"]) for row in made] == [0, 16, 0]


@pytest.mark.parametrize(
    ("column", "role"),
    [("HADM_ID", "id"), ("measurement_date", "time"), ("value_as_concept_id", "stays"),
     ("note_text", "emptied"), ("who knows", "emptied"), ("last_name", "emptied"),
     ("year_of_birth", "birth part"), ("dob", "birth"), ("value_as_string", "emptied")],
)  # fmt: skip
def test_what_is_done_with_a_column(column, role):
    assert role_of(column) == role


def test_tables_without_patients_are_refused(tmp_path):
    (tmp_path / "a.csv").write_text("code,name\nx,y\n")
    with pytest.raises(DataError, match="must have a column patient, person_id or subject_id"):
        copied(tmp_path / "a.csv", tmp_path / "out.csv")

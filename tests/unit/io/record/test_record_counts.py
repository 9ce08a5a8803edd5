"""Whatever stands in a folder of tables becomes something or is counted by table and reason."""

import pytest

from clinnlp.cli import main
from clinnlp.core.errors import DataError
from clinnlp.core.tables import EventTable
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.record.folders import record_source, stream_record
from clinnlp.io.record.mimic import read_mimic3
from clinnlp.io.record.mimic4 import read_mimic4
from clinnlp.io.record.omop import read_omop
from tests.common.record_samples import MIMIC3, MIMIC4, OMOP, n_rows, write_record

SOURCES = {
    "OMOP": (OMOP, read_omop, "visit"),
    "MIMIC-III": (MIMIC3, read_mimic3, "admission"),
    "MIMIC-IV": (MIMIC4, read_mimic4, "admission"),
}
NOTES = ("NOTE", "NOTEEVENTS", "note/discharge", "note/radiology")
NAMES = ("hosp/d_labitems", "hosp/d_icd_diagnoses")  # of codes: no rows of anybody
FORMS = ("csv", "csv.gz", "parquet")


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SOURCES)
def test_each_row_is_something_or_counted(tmp_path, name, form):
    tables, read, stay = SOURCES[name]
    record = read(write_record(tmp_path, tables, form))
    beside = [t for t in tables if t in (*NOTES, *NAMES, "NOTE_NLP")]
    n_in = n_rows(tables, *(t for t in tables if t not in beside))
    n_events = sum(kind != stay for kind in record.events["kind"])  # a stay is an encounter
    n_deaths = len(record.deaths) if "DEATH" in tables else 0
    n_out = len(record.patients) + len(record.encounters) + n_events + n_deaths
    assert n_in == n_out + sum(record.n_excluded.values())
    assert all(record.n_excluded.values()), "a reason is named where there is a row"
    for column in ("patient", "code", "vocabulary", "kind"):
        assert None not in record.events[column].tolist()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", SOURCES)
def test_each_note_is_read_or_counted(tmp_path, name, form):
    tables = SOURCES[name][0]
    notes = read_notes(write_record(tmp_path, tables, form))
    read = list(notes)
    rows = [table for table in (*NOTES, "NOTE_NLP") if table in tables]
    n_mentions = sum(len(note.entities) for note in read)
    assert n_rows(tables, *rows) == len(read) + n_mentions + notes.n_excluded.total()


@pytest.mark.parametrize("name", SOURCES)
def test_every_form_says_the_same(tmp_path, name):
    tables, read, _ = SOURCES[name]
    said = []
    for k, form in enumerate(FORMS):
        folder = write_record(tmp_path / str(k), tables, form, upper=name != "MIMIC-IV" and k > 0)
        record = read(folder)
        said.append([record._replace(events=[repr(row) for row in record.events.rows()]),
                     list(read_notes(folder))])  # fmt: skip
    assert said[0] == said[1] == said[2]


@pytest.mark.parametrize("name", SOURCES)
def test_a_folder_is_known_and_read_in_parts(tmp_path, name):
    tables, read, stay = SOURCES[name]
    folder = write_record(tmp_path, tables)
    assert record_source(folder).name == name
    record = stream_record(folder)
    for _ in range(2):  # a second pass reads and counts anew
        parts = list(record)
        assert len(parts) > 3
        whole = read(folder)
        assert EventTable.concat(parts).to_pandas().equals(whole.events.to_pandas())
        assert (record.n_excluded, record.n_unmatched) == (whole.n_excluded, whole.n_unmatched)
    assert set(parts[0]["kind"]) == {stay}


KEYED = [  # source, table, its key, what counts call it, and a column that is read
    ("OMOP", "PERSON", "person_id", "person", "gender_concept_id"),
    ("OMOP", "VISIT_OCCURRENCE", "visit_occurrence_id", "visit_occurrence", "visit_start_date"),
    ("MIMIC-III", "PATIENTS", "subject_id", "patients", "gender"),
    ("MIMIC-III", "ADMISSIONS", "hadm_id", "admissions", "admittime"),
    ("MIMIC-IV", "hosp/patients", "subject_id", "patients", "gender"),
    ("MIMIC-IV", "hosp/admissions", "hadm_id", "admissions", "admittime"),
]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(("name", "table", "called"), [(k[0], k[1], k[3]) for k in KEYED])
def test_repeated_rows_of_patients_and_stays_count_once(tmp_path, name, table, called, form):
    tables, read, _ = SOURCES[name]
    plain = read(write_record(tmp_path / "a", tables, form))
    head, *lines = tables[table].splitlines()
    twice = {**tables, table: "\n".join([head, *lines, *lines]) + "\n"}
    other = read(write_record(tmp_path / "b", twice, form))
    for what in ("patients", "encounters", "deaths"):
        assert getattr(other, what) == getattr(plain, what)
    assert other.events.to_pandas().equals(plain.events.to_pandas())
    assert other.n_excluded == {**plain.n_excluded, f"{called} repeated": len(lines)}


@pytest.mark.parametrize(
    ("name", "table", "key", "column"), [(k[0], k[1], k[2], k[4]) for k in KEYED]
)
def test_two_rows_of_one_key_that_differ_are_refused(tmp_path, name, table, key, column):
    tables, read, _ = SOURCES[name]
    head, first, *lines = tables[table].splitlines()
    cells = dict(zip(head.lower().split(","), first.split(","), strict=True))
    changed = ",".join({**cells, column: "2001-01-01"}.values())
    rows = "\n".join([head, first, *lines, changed]) + "\n"
    said = f":{len(lines) + 3}: rows of one {key} must be the same, got another; keep one of them$"
    with pytest.raises(DataError, match=said):
        read(write_record(tmp_path, {**tables, table: rows}))


def test_repeated_rows_are_told_in_every_flow(tmp_path, capsys):
    head, *lines = OMOP["VISIT_OCCURRENCE"].splitlines()
    twice = "\n".join([head, *lines, *lines]) + "\n"
    folder = write_record(tmp_path / "omop", {**OMOP, "VISIT_OCCURRENCE": twice})
    assert main(["inspect", str(folder)]) == 0
    assert f"{len(lines)} visit_occurrence repeated" in capsys.readouterr().out
    assert main(["mine", str(folder), "--out", str(tmp_path / "mined")]) == 0
    assert f"visit_occurrence repeated {len(lines)}" in capsys.readouterr().out


def with_points(text, *columns):
    """Return a table as pandas writes it where a number is missing in its columns of ids."""
    head, *lines = text.splitlines()
    at = [head.lower().split(",").index(column) for column in columns]
    rows = [line.split(",") for line in lines]
    for row in rows:
        for k in at:
            row[k] += ".0" if row[k].isdecimal() else ""
    return "\n".join([head, *map(",".join, rows)]) + "\n"


@pytest.mark.parametrize(
    ("name", "table", "columns"),
    [
        ("OMOP", "DRUG_EXPOSURE", ("person_id", "visit_occurrence_id")),
        ("OMOP", "PERSON", ("person_id", "gender_concept_id", "year_of_birth")),
        ("OMOP", "VISIT_OCCURRENCE", ("person_id", "visit_occurrence_id", "visit_concept_id")),
        ("MIMIC-III", "LABEVENTS", ("subject_id", "hadm_id")),
        ("MIMIC-IV", "hosp/diagnoses_icd", ("subject_id", "hadm_id")),
        ("MIMIC-IV", "hosp/emar", ("hadm_id",)),
    ],
)
def test_ids_with_a_point_are_the_same(tmp_path, name, table, columns):
    tables, read, _ = SOURCES[name]
    plain = read(write_record(tmp_path / "a", tables))
    pointed = {**tables, table: with_points(tables[table], *columns)}
    other = read(write_record(tmp_path / "b", pointed))
    assert other.patients == plain.patients
    assert other.encounters == plain.encounters
    for column in ("patient", "encounter", "code", "known"):
        assert (
            other.events[column].astype(str).tolist() == plain.events[column].astype(str).tolist()
        )


def test_a_folder_of_something_else_is_none(tmp_path):
    assert record_source(tmp_path) is None
    assert record_source(tmp_path / "absent") is None
    (tmp_path / "notes.csv").write_text("id,text\n1,x\n")
    assert record_source(tmp_path) is None

import zipfile

import pytest

from clinnlp.core.errors import DataError
from clinnlp.study.readmission import icd9_chapter, read_diabetes130

HEAD = (
    "encounter_id,patient_nbr,race,age,discharge_disposition_id,time_in_hospital,"
    "num_lab_procedures,num_procedures,num_medications,number_outpatient,number_emergency,"
    "number_inpatient,number_diagnoses,diag_1,diag_2,diag_3,insulin,readmitted\n"
)
ROWS = (
    "1,9,?,[70-80),1,3,1,1,1,0,0,2,5,250.83,?,V45,No,<30\n"
    "2,9,Asian,[0-10),11,3,1,1,1,0,0,2,5,428,428,E878,Up,NO\n"
    "3,8,Asian,[90-100),6,3,1,1,1,0,0,2,5,428,401,?,Up,>30\n"
)


def archive(folder, text, member="dataset_diabetes/diabetic_data.csv"):
    with zipfile.ZipFile(folder / "dataset_diabetes.zip", "w") as made:
        made.writestr(member, text)
    return folder


def test_deaths_are_counted_out_and_only_early_returns_are_positive(tmp_path):
    columns, y = read_diabetes130(archive(tmp_path, HEAD + ROWS))
    assert columns.patients.tolist() == ["9", "8"]
    assert columns.n_excluded == {"encounters_death_or_hospice": 1}
    assert y.tolist() == [1, 0]
    values = {name: column.tolist() for name, column in columns.values.items()}
    assert values["race"] == [None, "Asian"]
    assert values["age_years"] == [75, 95]
    assert values["number_inpatient"] == [2, 2]
    assert values["diag_1 group"] == ["250", "428"]
    assert values["diag_1 chapter"] == ["endocrine", "circulatory"]
    assert values["any diagnosis"] == [["250", None, "V45"], ["428", "401", None]]
    assert not {"readmitted", "encounter_id", "patient_nbr", "diag_1"} & set(values)


@pytest.mark.parametrize(
    ("code", "chapter"),
    [
        ("001", "infections"),
        ("139.9", "infections"),
        ("140", "neoplasms"),
        ("999", "injury"),
        ("E878", "E"),
        ("V45", "V"),
        ("0", None),
        (None, None),
    ],
)
def test_chapters(code, chapter):
    assert icd9_chapter(code) == chapter


def test_files_of_another_form_are_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_diabetes130(tmp_path)
    (tmp_path / "dataset_diabetes.zip").write_bytes(b"no zip")
    with pytest.raises(DataError, match="must hold the table"):
        read_diabetes130(tmp_path)
    for text, member in (
        (HEAD, "other.csv"),
        (HEAD + "1,2\n", "dataset_diabetes/diabetic_data.csv"),
    ):
        with pytest.raises(DataError, match="must hold the table"):
            read_diabetes130(archive(tmp_path, text, member))


def test_history_is_what_stays_of_smaller_numbers_tell(tmp_path):
    rows = (
        "3,9,?,[70-80),1,3,1,1,1,0,0,2,5,250,?,V45,No,NO\n"
        "1,9,?,[70-80),1,3,1,1,1,0,0,2,5,250,?,V45,No,<30\n"
        "2,9,?,[70-80),1,3,1,1,1,0,0,2,5,250,?,V45,No,>30\n"
    )
    values = read_diabetes130(archive(tmp_path, HEAD + rows)).columns.values
    assert values["earlier stays"].tolist() == [2, 0, 1]
    assert values["earlier early returns"].tolist() == [1, 0, 1]
    assert values["since earlier stay"].tolist() == [
        "after 30 days", "no earlier stay", "within 30 days",
    ]  # fmt: skip
    without = read_diabetes130(archive(tmp_path, HEAD + rows), history=False).columns.values
    assert set(values) - set(without) == {
        "earlier stays", "earlier early returns", "since earlier stay",
    }  # fmt: skip

"""The table of conditions that last: names by their head, codes by what is above them."""

import csv
import gzip

import pytest

from clinnlp.core.errors import DataError
from clinnlp.text.chronic import ChronicConditions
from clinnlp.text.course import Courses
from clinnlp.text.tables import data_path, languages, read_table

LANGUAGES = ("en", "es")


@pytest.fixture(scope="module")
def shipped():
    words = {"joint": ("of", "with", "due"), "detail": ("type", "stage", "2", "II", "3")}
    return ChronicConditions(data_path("chronic_en.tsv"), **words)


def table(path, *rows, header="name\tcode\tcourse"):
    path.write_text("\n".join((header, *rows)), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    "name",
    [
        "Hypertension", "severe essential HYPERTENSION", "htn", "Type II diabetes mellitus",
        "diabetes  mellitus type 2", "DM2", "CKD stage 3", "cirrhosis of the liver",
        "Crohn's disease", "Crohn disease", "Parkinson’s disease", "migraines",
        "ischaemic heart disease", "congestive heart failure, systolic", "dementia with agitation",
        "chronic obstructive pulmonary disease", "a-fib", "End-stage renal disease", "HIV",
        "hyperlipidaemia",
    ],
)  # fmt: skip
def test_what_lasts_is_chronic(shipped, name):
    assert shipped.course((name,)) == "chronic"


@pytest.mark.parametrize(
    "name",
    [
        "pneumonia", "gestational diabetes", "history", "fear of hypertension", "septic arthritis",
        "ST depression", "heart attack", "COPD exacerbation", "hypertension clinic", "", "2",
        "UTI", "hip fracture", "cholecystectomy", "breast cancer", "hearing aids", "stroke",
    ],
)  # fmt: skip
def test_what_need_not_last_is_not(shipped, name):
    assert shipped.course((name,)) == "unknown"


@pytest.mark.parametrize(
    ("code", "course"),
    [
        ("I10", "chronic"), ("E11.9", "chronic"), ("e119", "chronic"), ("I25.10", "chronic"),
        ("I25.2", "unknown"), ("E11.10", "unknown"), ("O24.410", "unknown"), ("J44.1", "unknown"),
        ("J44.9", "chronic"), ("J18.9", "unknown"), ("I21.9", "unknown"), ("Z90.49", "unknown"),
    ],
)  # fmt: skip
def test_a_code_is_what_the_longest_row_above_it_says(shipped, code, course):
    assert shipped.course(("nothing of the table",), code) == course


def test_a_code_of_the_table_decides_and_any_other_leaves_it_to_the_names(shipped):
    assert shipped.course(("diabetes",), "O24.410") == "unknown"
    for other in ("73211009", "C0011849", "D003920", "d1", "DB00331"):
        assert shipped.course(("diabetes",), other) == "chronic"
        assert shipped.course(("fever",), other) == "unknown"


def test_names_are_tried_in_their_order(shipped):
    assert shipped.course(("sugar", "diabetes mellitus")) == "chronic"
    assert shipped.course(("gestational diabetes", "diabetes")) == "unknown"


def test_a_code_that_is_none_of_icd_10_stands_for_itself_alone(tmp_path):
    own = ChronicConditions(table(tmp_path / "own.tsv", "\t73211009 | K1"))
    assert own.course((), "73211009") == "chronic"
    assert own.course((), "732110091") == "unknown"
    assert own.course((), "k1") == "chronic"


@pytest.mark.parametrize(
    ("header", "row"), [("name", "rosacea"), ("code", "L71"), ("code", "l71.9")]
)
def test_names_alone_and_codes_alone_are_enough(tmp_path, header, row):
    own = ChronicConditions(table(tmp_path / "own.tsv", row, header=header))
    assert own.course(("rosacea",), "L71.9") == "chronic"
    assert own.course(("gout",), "M10.9") == "unknown"


def test_where_the_noun_comes_first_what_follows_belongs_to_it():
    spanish = ChronicConditions(data_path("chronic_es.tsv"), joint=("por",), head="first")
    for name in ("Hipertensión arterial esencial", "hipertension", "CIRROSIS HEPÁTICA por alcohol"):
        assert spanish.course((name,)) == "chronic"
    for name in ("diabetes gestacional", "posible diabetes", "neumonía"):
        assert spanish.course((name,)) == "unknown"


@pytest.mark.parametrize(
    ("rows", "header", "message"),
    [
        (["gout\t\tfor ever"], "name\tcode\tcourse", "own.tsv:2: a chronic condition needs a name"),
        (["\t\tunknown"], "name\tcode\tcourse", "needs a name or a code"),
        ([], "name\tcode\tcourse", "must have a row, got none"),
        (["gout"], "condition", "own.tsv:2: a chronic condition needs a name or a code"),
        (["gout,M10"], "name,code", "in the tab-separated column of that name"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused_by_its_line(tmp_path, rows, header, message):
    with pytest.raises(DataError) as caught:
        Courses(table(tmp_path / "own.tsv", *rows, header=header))
    assert message in str(caught.value)


def test_each_language_has_both_tables():
    assert languages("chronic") == languages("course") == languages() == list(LANGUAGES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_name_and_no_code_stands_twice(language):
    names, codes = [], []
    for _, cells in read_table(data_path(f"chronic_{language}.tsv"), ("name", "code")):
        for cell, seen in zip(cells, (names, codes), strict=True):
            seen += [part.strip().casefold() for part in cell.split("|") if part.strip()]
    assert len(names) == len(set(names))
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_code_is_one_of_icd_10_cm(data_dir, language):
    path = data_dir("icd10cm") / "icd10cm-order-Jan-2021.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8", newline="") as handle:
        known = {row["code"] for row in csv.DictReader(handle)}
    found = {
        code.strip().replace(".", "")
        for _, (cell,) in read_table(data_path(f"chronic_{language}.tsv"), ("code",))
        for code in cell.split("|")
    }
    assert found - {""} <= known

"""Where the tables of a quarter lie, and what their rows are."""

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.record.faers_files import deleted_cases, is_faers, tables_of, whole_quarters
from tests.unit.io.record.test_faers import NEW, OLD, written


def test_tables_of_all_quarters_stand_in_order(tmp_path):
    written(tmp_path, OLD)
    written(tmp_path, NEW, zipped="faers_ascii_2020q1.zip")
    quarters = whole_quarters(tmp_path)
    found = tables_of(quarters, "DRUG")
    assert [(one.quarter.name, one.name) for one in found] == [
        (tmp_path.name, "DRUG04Q1.TXT"),
        ("faers_ascii_2020q1.zip", "ascii/DRUG20Q1.txt"),
    ]
    assert [len(list(one.rows())) for one in found] == [2, 6]
    assert next(found[0].rows()) == {"primaryid": "7", "role_cod": "PS", "drugname": "ZOCOR"}
    assert deleted_cases(quarters) == {"300"}
    assert tables_of(quarters, "INDI")[0].table == "INDI"


def test_a_folder_without_tables_is_no_quarter(tmp_path):
    (tmp_path / "notes.txt").write_text("text")
    assert not is_faers(tmp_path)
    with pytest.raises(DataError, match="DEMO, DRUG and REAC"):
        whole_quarters(tmp_path)

"""FAERS and AERS quarters: both layouts, versions, deleted cases, roles and names."""

import zipfile

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.record.faers import read_faers
from clinnlp.io.record.faers_files import is_faers

NEW = {
    "ascii/DEMO20Q1.txt": [
        "primaryid$caseid$caseversion$event_dt$fda_dt",
        "1001$100$1$20200105$20200110",
        "1002$100$2$202001$20200210",
        "2001$200$1$$20200111",
        "3001$300$1$$20200111",
        "$400$1$$20200111",
    ],
    "ascii/DRUG20Q1.txt": [
        "primaryid$caseid$drug_seq$role_cod$drugname$prod_ai$dose_vbm$dose_amt$dose_unit",
        "1001$100$1$PS$OLD NAME$OLD$$$",
        "1002$100$1$PS$PERCOCET$ACETAMINOPHEN\\OXYCODONE$10 MG$10$MG",
        "1002$100$2$C$Aspirin  forte$$$5$MG",
        "2001$200$1$I$WARFARIN$WARFARIN SODIUM$$$",
        "2001$200$2$SS$.$$$$",
        "3001$300$1$PS$HEPARIN$HEPARIN$$$",
    ],
    "ascii/REAC20Q1.txt": [
        "primaryid$caseid$pt$drug_rec_act",
        "1002$100$Nausea$",
        "2001$200$$",
        "2001$200$Haemorrhage$",
    ],
    "ascii/INDI20Q1.txt": [
        "primaryid$caseid$indi_drug_seq$indi_pt",
        "1002$100$1$Back pain",
        "2001$200$1$Product used for unknown indication",
    ],
    "deleted/ADR20Q1DeletedCases.txt": ["300"],
}
OLD = {
    "DEMO04Q1.TXT": [
        "ISR$CASE$FOLL_SEQ$EVENT_DT$FDA_DT",
        "7$70$$20040101$20040301$",
        "8$70$1$$20040401$",
    ],
    "DRUG04Q1.TXT": ["ISR$DRUG_SEQ$ROLE_COD$DRUGNAME", "7$1$PS$ZOCOR$", "8$1$PS$ZOCOR 20MG$"],
    "REAC04Q1.TXT": ["ISR$PT", "8$Myalgia$"],
}


def written(folder, tables, *, zipped=None):
    if zipped is not None:
        with zipfile.ZipFile(folder / zipped, "w") as packed:
            for name, lines in tables.items():
                packed.writestr(name, "\r\n".join(lines) + "\r\n")
        return folder / zipped
    for name, lines in tables.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("\n".join(lines) + "\n")
    return folder


def told(reports):
    columns = (reports.events[name] for name in ("encounter", "kind", "code", "vocabulary"))
    return list(zip(*columns, strict=True))


@pytest.mark.parametrize("zipped", [None, "faers_ascii_2020q1.zip"])
def test_newest_versions_of_cases_that_were_not_deleted(tmp_path, zipped):
    path = written(tmp_path, NEW, zipped=zipped)
    assert is_faers(path)
    reports = read_faers(path)
    assert told(reports) == [
        ("1002", "drug", "acetaminophen", "PS"),
        ("1002", "drug", "oxycodone", "PS"),
        ("1002", "drug", "aspirin forte", "C"),
        ("2001", "drug", "warfarin sodium", "I"),
        ("1002", "outcome", "nausea", "MedDRA"),
        ("2001", "outcome", "haemorrhage", "MedDRA"),
        ("1002", "condition", "back pain", "MedDRA"),
    ]
    assert repr(reports) == "FaersReports(2 reports, 7 events)"
    assert reports.n_excluded == {
        "older_version": 1, "deleted_case": 1, "report_without_case": 1, "role": 0, "no_name": 2,
        "other_report": 2,
    }  # fmt: skip
    events = reports.events
    assert events["patient"].tolist()[:2] == ["100", "100"]
    assert events["dose"].tolist()[:4] == ["10 MG", "10 MG", "5 MG", None]
    assert np.isnat(events["start"]).all()  # a month is not a day
    assert str(events["known"][0])[:10] == "2020-02-10"


def test_the_legacy_layout_and_several_quarters_in_a_folder(tmp_path):
    written(tmp_path, OLD, zipped="aers_ascii_2004q1.zip")
    written(tmp_path, NEW, zipped="faers_ascii_2020q1.ZIP")
    reports = read_faers(tmp_path, roles=("PS",), drug_name=str.upper)
    assert told(reports)[:3] == [
        ("8", "drug", "ZOCOR 20MG", "PS"),
        ("1002", "drug", "ACETAMINOPHEN", "PS"),
        ("1002", "drug", "OXYCODONE", "PS"),
    ]
    assert reports.n_excluded["role"] == 3
    assert reports.n_reports == 3


def test_what_is_wrong_is_said_with_file_and_line(tmp_path):
    short = {**NEW, "ascii/REAC20Q1.txt": ["primaryid$caseid$pt", "1002$100"]}
    with pytest.raises(DataError, match=r"REAC20Q1.txt:2: a row must have 3 fields.*got 2"):
        read_faers(written(tmp_path, short))
    lacking = {**NEW, "ascii/DRUG20Q1.txt": ["primaryid$drugname"]}
    with pytest.raises(DataError, match=r"DRUG20Q1.txt: table DRUG must have.*'role_cod'"):
        read_faers(written(tmp_path, lacking))
    (tmp_path / "ascii" / "REAC20Q1.txt").unlink()
    with pytest.raises(DataError, match=r"needs the table REAC|must have"):
        read_faers(tmp_path)
    with pytest.raises(ArgumentError, match="roles must be among PS, SS, C, I, got X"):
        read_faers(tmp_path, roles=("X",))
    with pytest.raises(DataError, match="no such file or folder"):
        is_faers(tmp_path / "absent")


def test_files_that_are_no_quarters(tmp_path):
    with pytest.raises(DataError, match="needs DEMO, DRUG and REAC tables, got none"):
        read_faers(tmp_path)
    (tmp_path / "broken.zip").write_bytes(b"PK not a zip")
    with pytest.raises(DataError, match="a zip file must be whole"):
        is_faers(tmp_path / "broken.zip")
    (tmp_path / "table.csv").write_text("a\n")
    assert not is_faers(tmp_path / "table.csv")


def test_bytes_that_are_not_utf_8_are_read_as_latin_1(tmp_path):
    written(tmp_path, NEW)
    path = tmp_path / "ascii" / "REAC20Q1.txt"
    path.write_bytes("primaryid$caseid$pt$x\n1002$100$Ménière$\n".encode("latin-1"))
    assert ("1002", "outcome", "ménière", "MedDRA") in told(read_faers(tmp_path))


def test_the_published_sample(data_dir):
    reports = read_faers(data_dir("faers_sample"))
    assert reports.n_reports == 100
    kinds = reports.events["kind"].tolist()
    assert kinds.count("outcome") == 286
    assert kinds.count("drug") >= 328
    assert not any(reports.n_excluded.values())


@pytest.mark.parametrize("version", ["²", "9" * 5_000])
def test_a_version_that_is_no_number_is_none(tmp_path, version):
    written(tmp_path, NEW)
    path = tmp_path / "ascii" / "DEMO20Q1.txt"
    path.write_text(path.read_text().replace("1002$100$2$", f"1002$100${version}$"))
    assert read_faers(tmp_path).n_reports == 2

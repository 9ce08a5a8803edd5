"""Names of the codes of MIMIC-III and MIMIC-IV."""

import gzip

import pytest

from clinnlp.io.tables.vocabularies import read_any_vocabulary

IV = (
    "icd_code,icd_version,long_title\n"
    '5723   ,9,"Portal hypertension, chronic"\n'
    "E030,9,Activities involving walking\n"
    "E030,10,Congenital hypothyroidism\n"
    ",10,Nothing\n"
)
III = "ROW_ID,ICD9_CODE,SHORT_TITLE,LONG_TITLE\n1,5723,Portal hypertension,Portal hypertension\n"
III += "2,99591,Sepsis,Systemic inflammatory response\n"
LABS = "itemid,label,fluid,category\n50912,Creatinine,Blood,Chemistry\n"


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("d_icd_diagnoses", IV, [
            ("E030", "Congenital hypothyroidism", "ICD10CM", (), "Problem"),
            ("5723", "Portal hypertension, chronic", "ICD9CM", (), "Problem"),
            ("ICD9CM:E030", "Activities involving walking", "ICD9CM", (), "Problem"),
        ]),
        ("D_ICD_PROCEDURES", III, [
            ("5723", "Portal hypertension", "ICD9PROC", (), "Procedure"),
            ("99591", "Systemic inflammatory response", "ICD9PROC", ("Sepsis",), "Procedure"),
        ]),
        ("d_labitems", LABS, [("50912", "Creatinine", "MIMIC lab", (), "Test")]),
    ],
)  # fmt: skip
def test_names(tmp_path, name, text, told):
    path = tmp_path / f"{name}.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    found = read_any_vocabulary(path)
    assert [(c.code, c.name, c.system, c.synonyms, c.label) for c in found] == told

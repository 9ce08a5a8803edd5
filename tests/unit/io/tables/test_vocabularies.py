"""Vocabularies in the layouts of their publishers."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.tables.vocabularies import (
    read_any_vocabulary,
    read_omop_concepts,
    read_vocabulary,
)

DRUGBANK = (
    "DrugBank ID,Accession Numbers,Common name,CAS,UNII,Synonyms,Standard InChI Key\n"
    "DB1,X,Aspirin,1,2,ASA | Acetylsalicylic acid | Aspirin,\n"
    'DB2,X,"Iron, oral",1,2,,\n'
)
ICD = "code,billable,short,long\nA00,0,Cholera,Cholera\nA000,1,Cholera d/t x,Cholera due to x\n"
CONCEPT = (
    "concept_id\tconcept_name\tdomain_id\tvocabulary_id\tconcept_class_id\tstandard_concept"
    "\tconcept_code\tvalid_start_date\tvalid_end_date\tinvalid_reason\n"
    '1\taspirin 81 MG "oral"\tDrug\tRxNorm\tDrug\tS\tx\t1\t2\t\n'
    "2\tGout\tCondition\tSNOMED\tx\tS\tx\t1\t2\t\n"
    "3\tOld\tDrug\tRxNorm\tx\t\tx\t1\t2\tD\n"
    "4\tASA\tDrug\tOther\tx\t\tx\t1\t2\t\n"
)
SYNONYM = (
    "concept_id\tconcept_synonym_name\tlanguage_concept_id\n2\tPodagra\t1\n2\tGout\t1\n3\tx\t1\n"
)


def _told(vocabulary):
    return [(c.code, c.name, c.system, c.synonyms, c.label) for c in vocabulary]


@pytest.fixture
def omop(tmp_path):
    (tmp_path / "CONCEPT.csv").write_text(CONCEPT, encoding="utf-8")
    (tmp_path / "CONCEPT_SYNONYM.csv").write_text(SYNONYM, encoding="utf-8")
    return tmp_path


def test_drugbank(tmp_path):
    path = tmp_path / "drugs.csv"
    path.write_text(DRUGBANK, encoding="utf-8")
    assert _told(read_any_vocabulary(path)) == [
        ("DB1", "Aspirin", "DrugBank", ("ASA", "Acetylsalicylic acid"), "Drug"),
        ("DB2", "Iron, oral", "DrugBank", (), "Drug"),
    ]


def test_icd10cm(tmp_path):
    path = tmp_path / "icd.csv"
    path.write_text(ICD, encoding="utf-8")
    assert _told(read_any_vocabulary(path)) == [
        ("A00", "Cholera", "ICD10CM", (), "Problem"),
        ("A000", "Cholera due to x", "ICD10CM", ("Cholera d/t x",), "Problem"),
    ]


def test_icd10cm_says_what_stands_above_a_code(tmp_path):
    path = tmp_path / "icd.csv"
    rows = "E11,0,D,D\nE1121,1,D k,D k\nE112,0,D w k,D w k\nE119,1,D x,D x\nF1,1,F,F\n"
    path.write_text(f"code,billable,short,long\n{rows}")
    parents = {c.code: c.parents for c in read_any_vocabulary(path)}
    assert parents == {"E11": (), "E1121": ("E112",), "E112": ("E11",), "E119": ("E11",), "F1": ()}
    path.write_text(f"code,billable,short,long\n{rows}E11,0,D,D\n")
    with pytest.raises(DataError, match=r"icd\.csv:7: codes of a vocabulary must be unique"):
        read_any_vocabulary(path)


def test_the_drug_of_a_poisoning_is_no_name_of_it(tmp_path):
    path = tmp_path / "icd.csv"
    long = '"Poisoning by, adverse effect of and underdosing of penicillins"'
    path.write_text(f"code,short,long\nT360,Penicillins,{long}\n", encoding="utf-8")
    assert list(read_any_vocabulary(path)["T360"].names) == [long.strip('"')]


def test_omop(omop):
    assert _told(read_any_vocabulary(omop)) == [
        ("1", 'aspirin 81 MG "oral"', "OMOP", (), "Drug"),
        ("2", "Gout", "OMOP", ("Podagra",), "Problem"),
        ("4", "ASA", "OMOP", (), "Drug"),
    ]
    few = read_omop_concepts(omop, domains=["Drug"], standard=True)
    assert [c.code for c in few] == ["1"]
    assert [c.code for c in read_omop_concepts(omop, vocabularies=["SNOMED"])] == ["2"]


def test_a_table_of_names(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("name,synonyms\ngout,podagra\n", encoding="utf-8")
    assert _told(read_any_vocabulary(path)) == [("gout", "gout", "", ("podagra",), "Term")]


def test_names_that_count_anywhere_are_marked(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("name,match\nK,always\nL,\n", encoding="utf-8")
    assert [concept.always for concept in read_any_vocabulary(path)] == [True, False]
    path.write_text("name,match\nK,always\nL,never\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"words\.csv:3: match of a concept must be always"):
        read_any_vocabulary(path)


def test_a_broken_row_is_refused_with_its_line(omop):
    with (omop / "CONCEPT.csv").open("a") as handle:
        handle.write("5\tshort\n")
    with pytest.raises(DataError, match=r"CONCEPT\.csv:6: "):
        read_any_vocabulary(omop)
    (omop / "CONCEPT.csv").write_text("id\tname\n", encoding="utf-8")
    with pytest.raises(DataError, match="concept_id"):
        read_any_vocabulary(omop)
    (omop / "CONCEPT.csv").unlink()
    with pytest.raises(DataError, match="no such file"):
        read_any_vocabulary(omop)


def test_the_published_files(data_dir):
    drugs = read_any_vocabulary(data_dir("drugbank_vocabulary") / "drugbank vocabulary.csv")
    assert len(drugs) == 13_580
    assert drugs["DB00001"].synonyms == ("Hirudin variant-1", "Lepirudin recombinant")
    codes = read_any_vocabulary(data_dir("icd10cm") / "icd10cm-order-Jan-2021.csv.gz")
    assert len(codes) == 95_358


def test_a_list_of_names_is_a_vocabulary(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name\nAspirin\nChest  Pain\n")
    words = read_vocabulary(path, label="Drug")
    assert [(c.code, c.name, c.label) for c in words] == [
        ("aspirin", "Aspirin", "Drug"),
        ("chest pain", "Chest  Pain", "Drug"),
    ]


def test_all_columns_and_renamed_ones(tmp_path):
    path = tmp_path / "a.tsv"
    path.write_text("code\tsystem\tname\tsynonyms\tlabel\nD1\tATC\tASA\tx | |y\tDrug\n\t\tB\t\t\n")
    first, second = read_vocabulary(path)
    assert (first.system, first.synonyms, first.label) == ("ATC", ("x", "y"), "Drug")
    assert (second.code, second.label) == ("b", "Term")
    renamed = read_vocabulary(path, code="name")
    assert [c.code for c in renamed] == ["ASA", "B"]
    labelled = read_vocabulary(path, label_column="system")
    assert [c.label for c in labelled] == ["ATC", "Term"]
    with pytest.raises(DataError, match="one column must be named 'Typ', got none"):
        read_vocabulary(path, label_column="Typ")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("term\nx\n", "a.csv: one column must be named 'name', got none; columns are 'term'"),
        ('name,code\nx,1\n" ",2\n', "a.csv:3: each concept must have a name"),
        ("name,code,label\nx,1,A\ny,1,B\n", "a.csv:3: rows of one code must have one system"),
    ],
)
def test_broken_vocabularies(text, message, tmp_path):
    path = tmp_path / "a.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=message):
        read_vocabulary(path)


def test_unknown_fields_of_a_vocabulary(tmp_path):
    with pytest.raises(ArgumentError, match=r"columns of a vocabulary are"):
        read_vocabulary(tmp_path / "a.csv", title="x")


def test_a_list_without_header_is_told_to_lack_one(tmp_path):
    (tmp_path / "a.csv").write_text("htn\ncough\n")
    with pytest.raises(DataError, match=r"no header .*--vocabulary-columns name=COLUMN"):
        read_any_vocabulary(tmp_path / "a.csv")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("head", ["", "name\n"])
def test_a_text_has_one_name_a_line(tmp_path, head, encoding):
    (tmp_path / "a.txt").write_bytes(f"{head}htn\r\n\nchest pain, left\nhtn\n".encode(encoding))
    names = [concept.name for concept in read_any_vocabulary(tmp_path / "a.txt")]
    assert names == ["htn", "chest pain, left"]


def test_a_text_with_tabs_is_no_list_of_names(tmp_path):
    (tmp_path / "a.txt").write_text("htn\nA\tcough\n")
    with pytest.raises(DataError, match=r"a\.txt:2: a \.txt word list must have one name a line"):
        read_any_vocabulary(tmp_path / "a.txt")

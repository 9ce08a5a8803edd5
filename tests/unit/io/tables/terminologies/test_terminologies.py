"""Terminologies: right answers by hand, packed or not, told by their layout."""

import gzip
import re
import shutil

import pytest

from clinnlp.core.ancestors import Ancestors
from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.tables.terminologies.atc import read_atc
from clinnlp.io.tables.terminologies.loinc import read_loinc
from clinnlp.io.tables.terminologies.mesh import read_mesh
from clinnlp.io.tables.terminologies.rxnorm import read_ndc, read_rxnorm
from clinnlp.io.tables.terminologies.snomed import read_snomed
from clinnlp.io.tables.terminologies.umls import read_umls
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from tests.unit.io.tables.terminologies import releases

WRITERS = {
    "rxnorm": releases.write_rxnorm,
    "umls": releases.write_umls,
    "snomed": releases.write_snomed,
    "loinc": releases.write_loinc,
}


def _told(vocabulary):
    return {c.code: (c.name, c.synonyms, c.label, c.parents) for c in vocabulary}


def test_rxnorm_by_ingredient(tmp_path):
    found = read_any_vocabulary(releases.write_rxnorm(tmp_path / "a"))
    names = ("Simvastatin", "Zocor", "Zocor brand", "simvastatin sodium")
    assert _told(found) == {
        "100": ("simvastatin", names, "Drug", ()),
        "103": ("ezetimibe", (), "Drug", ()),
        "104": ("Vytorin", (), "Drug", ("100", "103")),
        "105": ("ezetimibe / simvastatin", (), "Drug", ("100", "103")),
    }
    assert found["100"].system == "RxNorm"
    assert found.n_excluded["suppressed"] == 1
    assert found.n_excluded["brands and salts named under their ingredient"] == 2


def test_rxnorm_with_brands_and_products_as_concepts(tmp_path):
    folder = releases.write_rxnorm(tmp_path / "a")
    found = read_rxnorm(folder, kinds=("IN", "BN", "SCD"), to_ingredients=False)
    assert _told(found)["101"] == ("Zocor", ("Zocor brand",), "Drug", ("100",))
    # The product stands under its ingredient though what is between is no concept
    assert found["106"].parents == ("100",)
    assert Ancestors.of(found)("104") == ("100", "103")
    with pytest.raises(ArgumentError, match="kind must be one of"):
        read_rxnorm(folder, kinds=("XX",))


def test_national_drug_codes(tmp_path):
    assert read_ndc(releases.write_rxnorm(tmp_path / "a")) == {"00006074031": "106"}


def test_rxnorm_relations_in_a_circle_end(tmp_path):
    folder = releases.write_rxnorm(tmp_path / "a")
    with (folder / "rrf" / "RXNREL.RRF").open("w") as handle:
        handle.write("101||CUI|RN|102||CUI|tradename_of|1||RXNORM||||||\n")
        handle.write("102||CUI|RN|101||CUI|tradename_of|1||RXNORM||||||\n")
    assert {"101", "102"} <= set(_told(read_rxnorm(folder)))


def test_umls(tmp_path):
    folder = releases.write_umls(tmp_path / "a")
    found = read_any_vocabulary(folder)
    assert _told(found) == {
        "C0000001": ("Myocardial infarction", ("Heart attack", "MI"), "Problem", ("C0000002",)),
        "C0000002": ("Heart disease", (), "Problem", ()),
        "C0000003": ("Aspirin", (), "Drug", ()),
        "C0000004": ("Walking", (), "Daily or Recreational Activity", ()),
    }
    assert found.n_excluded["suppressed"] == 1
    assert found.n_excluded["parent not among the concepts"] == 1
    spanish = read_any_vocabulary(folder, language="es")
    assert [c.name for c in spanish] == ["Infarto de miocardio"]
    assert [c.name for c in read_umls(folder, sources=["SRC_B"], types=["T047", "T121"])] == [
        "MI",
        "Aspirin",
    ]


def test_snomed(tmp_path):
    folder = releases.write_snomed(tmp_path / "a")
    found = read_any_vocabulary(folder)
    assert _told(found) == {
        "1": ("Clinical finding", (), "Problem", ()),
        "2": ("Anemia", ("Anaemia",), "Problem", ("1",)),
        "3": ('Iron deficiency "anaemia"', ("Iron deficiency anaemia",), "Problem", ("2",)),
        "5": ("Iron", (), "Drug", ()),
    }
    assert found.n_excluded["inactive"] == 1
    assert found.n_excluded["parent not among the concepts"] == 1
    assert Ancestors.of(found)("3") == ("2", "1")
    assert read_snomed(folder, dialect=releases.GB)["2"].name == "Anaemia"
    spanish = read_any_vocabulary(folder, language="es")
    assert _told(spanish) == {"2": ("anemia", ("anemia ferrosa",), "Trastorno", ())}
    assert spanish.n_excluded["no term in the language"] == 3
    with pytest.raises(DataError, match=r"language asked for \(fr\), got en, es"):
        read_snomed(folder, language="fr")


@pytest.mark.parametrize(
    ("name", "text"),
    [("desc2025.xml", releases.MESH_XML), ("d2025.bin", releases.MESH_ASCII),
     ("mine.xml", releases.MESH_XML), ("mine.txt", releases.MESH_ASCII)],
)  # fmt: skip
def test_mesh(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    found = read_any_vocabulary(tmp_path / name)
    iron = ("Iron-Deficiency Anemia", "Sideropenia")
    assert _told(found) == {
        "D1": ("Anemia", (), "Problem", ()),
        "D2": ("Anemia, Iron-Deficiency", iron, "Problem", ("D1",)),
        "D3": ("Iron", (), "Chemical", ()),
    }


def test_loinc(tmp_path):
    found = read_any_vocabulary(releases.write_loinc(tmp_path / "a"))
    names = ("Glucose Bld-mCnc", "Glucose, Blood", "Glucose [Mass/Vol]")
    assert _told(found) == {
        "11-1": ("Glucose [Mass/volume] in Blood", names, "Test", ("LP2-2",)),
        "LP1-1": ("Laboratory", (), "Test", ()),
        "LP2-2": ("Chemistry", (), "Test", ("LP1-1",)),
    }
    assert found.n_excluded["deprecated"] == 1


def test_loinc_and_atc_by_their_columns(tmp_path):
    (tmp_path / "tests.csv").write_text(releases.LOINC, encoding="utf-8")
    assert [c.code for c in read_any_vocabulary(tmp_path / "tests.csv")] == ["11-1"]
    (tmp_path / "drugs.csv").write_text(releases.ATC, encoding="utf-8")
    found = read_any_vocabulary(tmp_path / "drugs.csv")
    assert found["C10AA01"].parents == ("C10AA",)
    assert Ancestors.of(found)("C10AA01") == ("C10AA", "C10A", "C10", "C")
    assert _told(found)["N02BA01"] == ("acetylsalicylic acid", (), "Drug", ())
    (tmp_path / "own.csv").write_text("code,name\nC10,Lipid modifying agents\n")
    assert read_atc(tmp_path / "own.csv")["C10"].system == "ATC"


@pytest.mark.parametrize("kind", list(WRITERS))
def test_a_zip_file_is_as_its_folder(kind, tmp_path):
    folder = WRITERS[kind](tmp_path / "release")
    shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    assert _told(read_any_vocabulary(tmp_path / "packed.zip")) == _told(read_any_vocabulary(folder))


@pytest.mark.parametrize("name", ["desc2025.xml", "d2025.bin"])
def test_mesh_packed(name, tmp_path):
    text = releases.MESH_XML if name.endswith("xml") else releases.MESH_ASCII
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / name).write_text(text, encoding="utf-8")
    shutil.make_archive(str(tmp_path / "packed"), "zip", tmp_path / "in")
    with gzip.open(tmp_path / f"{name}.gz", "wt", encoding="utf-8") as handle:
        handle.write(text)
    plain = _told(read_any_vocabulary(tmp_path / "in" / name))
    assert _told(read_any_vocabulary(tmp_path / f"{name}.gz")) == plain
    assert _told(read_any_vocabulary(tmp_path / "packed.zip")) == plain


@pytest.mark.parametrize(
    ("name", "text"),
    [("RXNCONSO.RRF", releases.RXNCONSO), ("MRCONSO.RRF", releases.MRCONSO),
     ("names.txt", releases.RXNCONSO), ("names.rrf", releases.MRCONSO)],
)  # fmt: skip
def test_a_file_of_names_alone_packed_or_not(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with gzip.open(tmp_path / f"{name}.gz", "wt", encoding="utf-8") as handle:
        handle.write(text)
    found = read_any_vocabulary(tmp_path / name)
    assert len(found) >= 4
    assert _told(found) == _told(read_any_vocabulary(tmp_path / f"{name}.gz"))


def test_a_byte_order_mark_is_no_part_of_a_name(tmp_path):
    folder = releases.write_snomed(tmp_path / "a")
    for path in folder.rglob("*.txt"):
        path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    plain = _told(read_any_vocabulary(releases.write_snomed(tmp_path / "b")))
    assert _told(read_any_vocabulary(folder)) == plain
    shutil.make_archive(str(tmp_path / "c"), "zip", folder)
    assert _told(read_any_vocabulary(tmp_path / "c.zip")) == plain


@pytest.mark.parametrize(
    ("kind", "file", "text", "message"),
    [
        ("rxnorm", "RXNCONSO.RRF", "100|ENG|x|\n", ":1: a row must have 18 cells, each ended by"),
        ("rxnorm", "RXNREL.RRF", "a|b\n", "RXNREL.RRF:1: a row must have 16 cells"),
        ("umls", "MRSTY.RRF", "a|b\n", "MRSTY.RRF:1: a row must have 6 cells"),
        ("snomed", "sct2_Concept_Snapshot_INT_20240101.txt", "id\tname\n1\tx\n",
         "must have the columns id, active, active is missing"),
        ("snomed", "sct2_Relationship_Snapshot_INT_20240101.txt",
         "id\tactive\tsourceId\tdestinationId\ttypeId\n1\t1\n", "must have 5 cells, got 2"),
        ("loinc", "Loinc.csv", "LOINC_NUM,NAME\n", "LONG_COMMON_NAME, STATUS is missing"),
        ("loinc", "Loinc.csv", "LOINC_NUM,LONG_COMMON_NAME,STATUS\n1,x\n", "Loinc.csv:2: a row"),
        ("loinc", "Loinc.csv", 'LOINC_NUM,LONG_COMMON_NAME,STATUS\n"1"x,x,x\n', "quotes in pairs"),
    ],
)  # fmt: skip
def test_another_layout_is_said_in_one_sentence(kind, file, text, message, tmp_path):
    folder = WRITERS[kind](tmp_path / "a")
    next(folder.rglob(file)).write_text(text)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        read_any_vocabulary(folder)
    assert "\n" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    ("read", "message"),
    [
        (read_rxnorm, "one file RXNCONSO.RRF, got none"),
        (read_ndc, "one file RXNSAT.RRF, got none"),
        (read_umls, "one file MRCONSO.RRF, got none"),
        (read_snomed, "must hold a file sct2_Concept_Snapshot, got none"),
        (read_loinc, "one file Loinc.csv, got none"),
        (read_mesh, "one file of MeSH descriptors, got none"),
    ],
)
def test_an_empty_folder_is_no_release(read, message, tmp_path):
    with pytest.raises(DataError, match=re.escape(message)):
        read(tmp_path)


def test_two_releases_in_one_folder_are_not_mixed(tmp_path):
    releases.write_rxnorm(tmp_path / "a")
    releases.write_rxnorm(tmp_path / "b")
    with pytest.raises(DataError, match=r"one file RXNCONSO\.RRF, got 2 of them"):
        read_any_vocabulary(tmp_path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.xml", "<DescriptorRecordSet/>", "MeSH must hold records"),
        ("a.xml", "<a><DescriptorRecord/></a>", "must have a DescriptorUI"),
        ("a.xml", "<a><DescriptorRecord>", "well-formed"),
        ("a.bin", "*NEWRECORD\nRECTYPE = D\n", "a.bin:1: a record of MeSH must have a UI"),
        ("a.csv", "ATC code,ATC level name\nx1,y\n", "a.csv:2: a code of ATC must be like"),
        ("a.zip", "no zip", "a zip file must be whole"),
    ],
)
def test_broken_files(name, text, message, tmp_path):
    (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match=message):
        read_any_vocabulary(tmp_path / name)


def test_what_is_no_terminology_is_named(tmp_path):
    (tmp_path / "a.doc").write_text("some words\n")
    with pytest.raises(ArgumentError, match="a table must end in"):
        read_any_vocabulary(tmp_path / "a.doc")


def test_a_link_out_of_a_release_is_refused(tmp_path):
    folder = releases.write_rxnorm(tmp_path / "a")
    conso = folder / "rrf" / "RXNCONSO.RRF"
    conso.rename(tmp_path / "outside.RRF")
    conso.symlink_to(tmp_path / "outside.RRF")
    with pytest.raises(DataError, match="a link out of it"):
        read_any_vocabulary(folder)

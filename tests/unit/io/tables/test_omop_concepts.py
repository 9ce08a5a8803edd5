"""The OMOP vocabularies as Athena and as databases give them."""

import gzip
import lzma

import pytest

from clinnlp.core.errors import DataError
from clinnlp.io.tables.omop_concepts import (
    read_omop_concepts,
    read_omop_mappings,
    read_omop_parents,
)
from clinnlp.io.tables.vocabularies import read_any_vocabulary
from tests.common.record_samples import as_arrow

TABLES = {
    "CONCEPT": (
        ("concept_id", "concept_name", "domain_id", "vocabulary_id", "concept_class_id",
         "standard_concept", "concept_code", "valid_start_date", "valid_end_date",
         "invalid_reason"),
        ("0", "No matching concept", "Metadata", "None", "x", "", "0", "1", "2", ""),
        ("1", 'aspirin 81 MG "oral", coated', "Drug", "RxNorm", "x", "S", "x", "1", "2", ""),
        ("2", "Gout", "Condition", "SNOMED", "x", "S", "x", "1", "2", ""),
        ("3", "Old", "Drug", "RxNorm", "x", "", "x", "1", "2", "D"),
        ("4", "Gout, unspecified", "Condition", "ICD10CM", "x", "", "M10.9", "1", "2", ""),
    ),
    "CONCEPT_SYNONYM": (
        ("concept_id", "concept_synonym_name", "language_concept_id"),
        ("2", "Podagra", "4180186"),
        ("2", "Gout", "4180186"),
        ("3", "x", "4180186"),
    ),
    "CONCEPT_ANCESTOR": (
        ("ancestor_concept_id", "descendant_concept_id", "min_levels_of_separation",
         "max_levels_of_separation"),
        ("2", "2", "0", "0"),
        ("9", "2", "1", "1"),
        ("8", "2", "1", "3"),
        ("7", "2", "2", "2"),
    ),
    "CONCEPT_RELATIONSHIP": (
        ("concept_id_1", "concept_id_2", "relationship_id", "valid_start_date", "valid_end_date",
         "invalid_reason"),
        ("4", "2", "Maps to", "1", "2", ""),
        ("4", "5", "Maps to", "1", "2", "D"),
        ("4", "6", "Is a", "1", "2", ""),
        ("3", "0", "Maps to", "1", "2", ""),
    ),
}  # fmt: skip


def quoted(cell):
    return '"' + cell.replace('"', '""') + '"' if "," in cell or '"' in cell else cell


def as_tabs(rows):
    return "".join("\t".join(row) + "\n" for row in rows)


def as_commas(rows):
    return "".join(",".join(map(quoted, row)) + "\n" for row in rows)


def capitals(rows):
    return (tuple(name.upper() for name in rows[0]), *rows[1:])


def with_points(rows):
    """Return rows as pandas writes a column of numbers in which one is missing."""
    ids = [name.startswith(("concept_id", "anc", "desc", "min_")) for name in rows[0]]
    cells = ([f"{c}.0" if is_id else c for c, is_id in zip(row, ids, strict=True)]
             for row in rows[1:])  # fmt: skip
    return (rows[0], *cells)


FORMS = {
    "tabs": lambda rows: (".csv", as_tabs(rows).encode()),
    "capitals": lambda rows: (".csv", as_tabs(capitals(rows)).encode()),
    "tsv": lambda rows: (".tsv", as_tabs(rows).encode()),
    "crlf": lambda rows: (".csv", as_tabs(rows).replace("\n", "\r\n").encode()),
    "utf-16": lambda rows: (".csv", as_tabs(rows).encode("utf-16")),
    "commas": lambda rows: (".csv", as_commas(rows).encode()),
    "commas capitals": lambda rows: (".csv", as_commas(capitals(rows)).encode()),
    "points": lambda rows: (".csv", as_commas(with_points(rows)).encode()),
    "gz": lambda rows: (".csv.gz", gzip.compress(as_tabs(rows).encode())),
    "commas gz": lambda rows: (".csv.gz", gzip.compress(as_commas(rows).encode())),
    "xz": lambda rows: (".csv.xz", lzma.compress(as_tabs(rows).encode())),
    "parquet": None,
}


@pytest.fixture(params=FORMS)
def folder(request, tmp_path):
    for k, (name, rows) in enumerate(TABLES.items()):
        if request.param == "parquet":
            import pyarrow.parquet as pq

            pq.write_table(as_arrow(as_commas(rows)), tmp_path / f"{name.lower()}.parquet")
        else:
            suffix, raw = FORMS[request.param](rows)
            (tmp_path / f"{name.lower() if k % 2 else name}{suffix}").write_bytes(raw)
    return tmp_path


def test_concepts_in_each_form(folder):
    told = [(c.code, c.name, c.system, c.synonyms, c.label) for c in read_any_vocabulary(folder)]
    assert told == [  # without 0, which is no concept, and without those that are not valid
        ("1", 'aspirin 81 MG "oral", coated', "OMOP", (), "Drug"),
        ("2", "Gout", "OMOP", ("Podagra",), "Problem"),
        ("4", "Gout, unspecified", "OMOP", (), "Problem"),
    ]
    assert [c.code for c in read_omop_concepts(folder, standard=True)] == ["1", "2"]
    left = read_omop_concepts(folder).n_excluded
    assert left == {"no matching concept (0)": 1, "no longer valid": 1}


def test_what_stands_above_and_what_maps_to_what(folder):
    assert read_omop_parents(folder) == {"2": ("9", "8")}
    assert read_omop_parents(folder, among=["1"]) == {}
    assert read_omop_mappings(folder) == {"4": ("2",)}
    assert read_omop_mappings(folder, relationship="Is a") == {"4": ("6",)}
    assert read_omop_mappings(folder, among=["3"]) == {}


def test_only_ids_and_names_are_needed(tmp_path):
    (tmp_path / "concept.csv").write_text("concept_id,concept_name\n1,aspirin\n")
    (concept,) = read_omop_concepts(tmp_path)
    assert (concept.code, concept.name, concept.label) == ("1", "aspirin", "Term")


@pytest.mark.parametrize("write", [as_tabs, as_commas])
def test_a_broken_row_is_refused_by_its_line(tmp_path, write):
    text = write(TABLES["CONCEPT"])
    (tmp_path / "CONCEPT.csv").write_text(text + "5\n")
    with pytest.raises(DataError, match=r"CONCEPT\.csv:7: a row must have"):
        read_any_vocabulary(tmp_path)
    (tmp_path / "CONCEPT.csv").write_text(text.replace("concept_name", "concept_id"))
    with pytest.raises(DataError, match=r"one column must be named 'concept_(id|name)'"):
        read_any_vocabulary(tmp_path)


@pytest.mark.parametrize("read", [read_omop_concepts, read_omop_parents, read_omop_mappings])
def test_no_such_table(tmp_path, read):
    with pytest.raises(DataError, match="no such file"):
        read(tmp_path)

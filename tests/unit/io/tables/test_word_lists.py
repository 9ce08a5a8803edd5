"""Word lists from a list, a mapping, a table, and with a row per synonym."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.io.tables.vocabularies import read_any_vocabulary, read_vocabulary
from clinnlp.io.tables.word_lists import vocabulary_of
from clinnlp.study.pipeline import pipeline


def plain(words):
    return [(c.code, c.name, c.synonyms, c.label) for c in words]


def test_a_list_of_names_mappings_and_concepts():
    words = ["Aspirin", {"name": "fever", "code": 7, "synonyms": ["pyrexia", " "]}]
    words.append(Concept(code="c", name="cough", synonyms=("tussis",), label="Problem"))
    assert plain(vocabulary_of(words)) == [
        ("aspirin", "Aspirin", (), "Term"),
        ("7", "fever", ("pyrexia",), "Term"),
        ("c", "cough", ("tussis",), "Problem"),
    ]
    assert plain(vocabulary_of(words, label="Drug"))[2][3] == "Drug"


def test_a_mapping_gives_names_of_codes():
    words = vocabulary_of({"A1": ["aspirin", "ASA"], "F1": "fever"}, label="Term")
    assert plain(words) == [("A1", "aspirin", ("ASA",), "Term"), ("F1", "fever", (), "Term")]


def test_a_vocabulary_is_one():
    words = Vocabulary([Concept(code="a", name="a")])
    assert vocabulary_of(words) is words


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_row_per_synonym(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(
        "Kode;Wort\r\nA1;Aspirin\r\nB;Übelkeit\r\nA1;ASS\r\nA1;ASS\r\n".encode("cp1252")
    )
    words = read_vocabulary(path, code="Kode", name="Wort")
    assert plain(words) == [("A1", "Aspirin", ("ASS",), "Term"), ("B", "Übelkeit", (), "Term")]


def test_preferred_name_and_one_synonym_a_row(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("CODE,NAME,SYNONYMS\na,aspirin,ASA\na,aspirin,acetylsalicylic acid\n")
    [concept] = read_any_vocabulary(path)
    assert concept.names == ("aspirin", "ASA", "acetylsalicylic acid")


@pytest.mark.parametrize(
    ("words", "error", "message"),
    [
        (7, ArgumentError, "a word list must be a path, a list"),
        ([7], ArgumentError, "must hold names, mappings or concepts, got int"),
        ([], DataError, "a word list must have at least one name, got none"),
        ({}, DataError, "a word list must have at least one name, got none"),
        (Vocabulary([]), DataError, "a word list must have at least one name, got none"),
        ({"a": None}, ArgumentError, "of each code a name or a list of names, got NoneType"),
        ({"a": 7}, ArgumentError, "of each code a name or a list of names, got int"),
        ({"a": {"name": "b"}}, ArgumentError, "of each code a name or a list of names, got dict"),
        ({"a": []}, DataError, "entry 1: each concept must have a name"),
        (["a", ""], DataError, "entry 2: each concept must have a name"),
        ([{"name": b"x"}], DataError, "entry 1: a word list must hold text"),
        ([{"name": "a", "code": "x", "label": "A"}, {"name": "b", "code": "x", "label": "B"}],
         DataError, "entry 2: rows of one code must have one system and label"),
    ],
)  # fmt: skip
def test_what_is_no_word_list(words, error, message):
    with pytest.raises(error, match=message):
        pipeline(vocabulary=words)


def test_columns_go_with_tables_only():
    with pytest.raises(ArgumentError, match="columns can be named of a table only"):
        vocabulary_of(["a"], name="x")


@pytest.mark.parametrize("header", ["", "name\n", "code,short,long\n"])
def test_a_file_without_names_is_refused_with_its_name(tmp_path, header):
    path = tmp_path / "words.csv"
    path.write_text(header)
    with pytest.raises(DataError, match=r"words\.csv: a word list must have at least one name"):
        pipeline(vocabulary=path)


def test_a_file_without_rows_is_refused_where_its_columns_are_named(tmp_path):
    path = tmp_path / "words.csv"
    path.write_text("Wort\n")
    with pytest.raises(DataError, match=r"words\.csv: a word list must have at least one name"):
        read_vocabulary(path, name="Wort")

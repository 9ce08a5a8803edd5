"""Tables: columns by name, short rows filled, clear errors."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.text.tables import data_path, language_path, languages, read_table


def _write(folder, text):
    path = folder / "table.tsv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_columns_come_in_the_order_asked_and_short_rows_are_filled(tmp_path):
    path = _write(tmp_path, "# note\nb\ta\tc\n1\t2\t3\n\n4\n")
    assert list(read_table(path, ("a", "b"))) == [(3, ["2", "1"]), (5, ["", "4"])]


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ("x\ty\n1\t2\n", ":1:"),
        ("a\tb\n1\t2\t3\n", ":2:"),
        ("", ":1:"),
        (b"a\tb\n\xff\n", "UTF-8"),
    ],
)
def test_a_malformed_table_is_refused_with_its_place(tmp_path, content, where):
    with pytest.raises(DataError, match=where):
        list(read_table(_write(tmp_path, content), ("a", "b")))


def test_a_missing_table_is_refused(tmp_path):
    with pytest.raises(DataError, match="no such file"):
        list(read_table(tmp_path / "none.tsv", ("a",)))


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("abbreviations_en.tsv", ("abbreviation", "kind")),
        ("abbreviations_es.tsv", ("abbreviation", "kind")),
        ("headings_en.tsv", ("heading",)),
        ("headings_es.tsv", ("heading",)),
        ("assertion_en.tsv", ("cue", "axis", "direction", "kind")),
        ("assertion_es.tsv", ("cue", "axis", "direction", "kind")),
        ("section_priors.tsv", ("kind", "axis")),
        ("drug_names_en.tsv", ("brand",)),
        ("drug_names_es.tsv", ("brand",)),
        ("drug_salts_en.tsv", ("word", "kind")),
        ("drug_salts_es.tsv", ("word", "kind")),
        ("medication_en.tsv", ("term", "field")),
        ("medication_es.tsv", ("term", "field")),
        ("common_words_en.tsv", ("word",)),
        ("common_words_es.tsv", ("word",)),
        ("variants_en.tsv", ("form", "other", "kind")),
        ("variants_es.tsv", ("form", "other", "kind")),
        ("relations_en.tsv", ("form", "says", "section")),
        ("relations_es.tsv", ("form", "says", "section")),
        ("interactions_en.tsv", ("words", "class")),
        ("interactions_es.tsv", ("words", "class")),
        ("gene_symbols.tsv", ("symbol",)),
        ("genetics_en.tsv", ("word", "kind")),
        ("genetics_es.tsv", ("word", "kind")),
    ],
)
def test_no_row_of_a_shipped_table_stands_twice(name, key):
    rows = [tuple(cell.casefold() for cell in row) for _, row in read_table(data_path(name), key)]
    assert rows
    assert all(row[0] for row in rows)
    assert len(set(rows)) == len(rows)


def test_a_column_that_may_be_absent_is_empty(tmp_path):
    path = _write(tmp_path, b"a\tb\n1\t2\n3\n")
    rows = list(read_table(path, ("b",), optional=("c", "a")))
    assert rows == [(2, ["2", "", "1"]), (3, ["", "", "3"])]


def test_a_language_has_every_table():
    names = {path.stem.rsplit("_", 1)[0] for path in data_path("").glob("*_en.tsv")}
    assert "medication" in names
    assert all(languages(name) == ["en", "es"] for name in names)


def test_a_language_without_tables_is_refused():
    with pytest.raises(ArgumentError, match="language must be one of en, es, got 'tlh'"):
        language_path("headings", "tlh")
    assert language_path("headings", "es").name == "headings_es.tsv"

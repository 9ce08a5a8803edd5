"""Separator and encoding of a table, found by looking at it."""

import pytest

from clinnlp.core.errors import ArgumentError, DataError
from clinnlp.io.files.dialect import Dialect
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.tables.looks import Look, encoding_of, look_at
from clinnlp.io.tables.rows import column_names, read_rows

LOOK = Dialect(encoding=None)
GERMAN = "id;text\n1;Größe 1,78 m, keine Übelkeit – „gut“ 5 µg €\n2;Café, naïve\n"


def rows(path, *names, **how):
    return [row for _, row in read_rows(path, names, **how)]


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.csv.gz"])
def test_a_separator_is_found(tmp_path, mark, name):
    from clinnlp.io.files.lines import write_bytes

    cells = [["id", "text"], ["1", f'"a{mark}b\r\nc;d,e|f"'], ["2", "x y"]]
    with write_bytes(tmp_path / name) as handle:
        handle.write("\r\n".join(map(mark.join, cells)).encode())
    assert rows(tmp_path / name, "text", "id") == [(f"a{mark}b\r\nc;d,e|f", "1"), ("x y", "2")]


@pytest.mark.parametrize(
    ("content", "sep"),
    [
        ("Name, Vorname;Text\nBär, Ute;x\n", ";"),  # a comma in the header
        ("id;Wert, mg|l\n1;7,5\n2;8,1\n", ";"),
        ('"a;b";"c,d"\n1;2\n', ";"),  # marks in quotes are none
        ("text\nfever, cough; chills\n", ","),  # one column, whatever stands in its cells
        ("id,text\n1;a\n2;b\n", ","),  # the rows are wrong, not the header
        ("", ","),
    ],
)
def test_the_separator_is_the_one_by_which_rows_are_as_long_as_the_header(tmp_path, content, sep):
    (tmp_path / "a.csv").write_text(content)
    assert look_at(tmp_path / "a.csv", ",", LOOK).sep == sep


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252", "latin-1"])
@pytest.mark.parametrize("said", ["sep=;\r\n", '"sep=;"\r\n'])
def test_excel_says_its_separator_in_a_first_line(tmp_path, encoding, said):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{said}ID;TEXT;\r\n1;Größe, 2;\r\n2;b,c;\r\n".encode(encoding))
    assert column_names(path, dialect=LOOK) == ["ID", "TEXT", ""]
    found = list(read_rows(path, ["text"], dialect=LOOK))
    assert found == [(3, ("Größe, 2",)), (4, ("b,c",))], "lines are counted as they stand"
    notes = list(read_notes(path, dialect=LOOK))
    assert [(note.id, note.text) for note in notes] == [("1", "Größe, 2"), ("2", "b,c")]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_an_encoding_is_found(tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(GERMAN.encode(encoding))
    assert [note.text for note in read_notes(path, dialect=LOOK)] == [
        "Größe 1,78 m, keine Übelkeit – „gut“ 5 µg €",
        "Café, naïve",
    ]


def test_it_is_found_where_it_first_shows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b"id,text\n" + b"1,plain\n" * 20_000 + "2,Übelkeit\n".encode("cp1252"))
    assert encoding_of(path) == "cp1252"
    path.write_bytes(b"id,text\n" + b"1,plain\n" * 20_000 + "2,Übelkeit\n".encode())
    assert encoding_of(path) == "utf-8"


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("cp1250", "Pacjent zgłasza ból głowy, wysokie ciśnienie, kręcz, źle się czuje"),
        ("mac-roman", "Größe und Übelkeit, später kein Fieber; café naïve"),
        ("cp850", "Größe und Übelkeit, später kein Fieber; café naïve"),
        ("cp1251", "пациент жалуется на головную боль"),
        ("cp1253", "πυρετός και βήχας"),
        ("shift-jis", "患者は発熱"),
    ],
)
def test_words_of_another_code_page_stay_refused(tmp_path, encoding, text):
    path = tmp_path / "a.csv"
    path.write_bytes(f'id,text\n1,"{text}"\n'.encode(encoding))
    assert encoding_of(path) == "utf-8"
    with pytest.raises(DataError, match=r"must be UTF-8, got other bytes .* name its encoding"):
        list(read_notes(path, dialect=LOOK))
    assert [n.text for n in read_notes(path, dialect=Dialect(encoding=encoding))] == [text]


def test_a_table_of_two_encodings_stays_refused(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("id,text\n1,Größe\n".encode() + "2,Übelkeit\n".encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv:3: text must be UTF-8"):
        list(read_notes(path, dialect=LOOK))
    source = read_notes(path, dialect=LOOK, skip_bad=True)
    assert [note.text for note in source] == ["Größe"]


def test_without_a_look_a_table_is_utf_8(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(GERMAN.encode("cp1252"))
    with pytest.raises(DataError, match=r"a\.csv:2: text must be UTF-8"):
        list(read_notes(path))


def test_what_is_said_goes_over_what_is_found(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes("a;b,c\n1;2,3\n".encode("cp1252"))
    assert column_names(path) == ["a;b", "c"]
    assert column_names(path, dialect=Dialect(sep=";")) == ["a", "b,c"]
    assert look_at(path, ",", Dialect(sep=":", encoding="cp1252")) == Look(":", "cp1252", 0)


@pytest.mark.parametrize("sep", ["ab", "a", '"', "\n", "", "."])
def test_a_separator_is_one_mark(sep):
    with pytest.raises(ArgumentError, match="sep must be one mark"):
        Dialect(sep=sep)


def test_a_dialect_is_checked():
    with pytest.raises(ArgumentError, match="encoding must be one that Python knows"):
        Dialect(encoding="klingon")
    with pytest.raises(ArgumentError, match="decimal"):
        Dialect(decimal=";")
    with pytest.raises(ArgumentError, match="time_format must be in the words of strptime"):
        Dialect(time_format=("dd.mm.yyyy",))
    with pytest.raises(ArgumentError, match="choose one"):
        Dialect(time_format=("%d.%m.%Y",), day_first=True)


def test_rows_may_end_in_one_separator_more_than_the_header(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("id;text\n1;a;\n2;b\n")
    assert rows(path, "text") == [("a",), ("b",)]
    path.write_text("id;text\n1;a;c\n")
    with pytest.raises(DataError, match=r"a\.csv:2: a row must have 2 fields"):
        rows(path, "text")


@pytest.mark.parametrize("header", ["PATIENT,Text ,ID", "patient,text,id"])
def test_the_case_of_column_names_is_free(tmp_path, header):
    path = tmp_path / "a.csv"
    path.write_text(f"{header}\np,t,i\n")
    assert rows(path, "id", "text", "patient") == [("i", "t", "p")]
    [note] = read_notes(path)
    assert (note.id, note.text, note.patient) == ("i", "t", "p")


def test_of_two_columns_that_differ_in_case_the_exact_one_is_read(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("Text,text,TEXT\na,b,c\n")
    assert rows(path, "text") == [("b",)]
    with pytest.raises(DataError, match="got several"):
        rows(path, "tEXT")

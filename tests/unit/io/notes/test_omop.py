"""OMOP tables by hand: notes with mentions."""

from datetime import datetime

import pytest

from clinnlp.core.errors import DataError, OffsetError
from clinnlp.core.notes import Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.io.notes.corpora import read_notes, write_notes

HEAD = "note_nlp_id,note_id,offset,lexical_variant,term_exists,term_temporal,term_modifiers\n"
TEXT = "No fever. Mother had gout."


@pytest.fixture
def told(tmp_path):
    """Give a function from rows of NOTE_NLP behind their two ids to the mentions of a note."""

    def read(*rows, text=TEXT, head=HEAD, **options):
        (tmp_path / "NOTE.csv").write_text(f"note_id,note_text\n5,{text}\n")
        lines = (f"{k},5,{row}\n" for k, row in enumerate(rows, 1))
        (tmp_path / "NOTE_NLP.csv").write_text(head + "".join(lines))
        (note,) = read_notes(tmp_path, format="omop", **options)
        return note.entities

    return read


def test_notes_of_others(tmp_path):
    (tmp_path / "note.csv").write_text(
        "NOTE_ID,PERSON_ID,NOTE_DATE,NOTE_TEXT\n5,1,2024-01-01,No fever or cough\n"
    )
    (tmp_path / "note_nlp.csv").write_text(
        "note_nlp_id,note_id,offset,lexical_variant,note_nlp_concept_id,nlp_system,term_exists,"
        'term_modifiers\n1,5,3,fever,437663,cTAKES,N,\n2,5,12,cough,0,,Y,"label=Sign, subject=x"\n'
    )
    (note,) = read_notes(tmp_path, format="omop")
    assert (note.id, note.patient, note.time) == ("5", "1", datetime(2024, 1, 1))
    fever, cough = note.entities
    assert (fever.label, fever.concepts, fever.source) == ("Term", ("437663",), "cTAKES")
    assert fever.assertion == Assertion(negated=True)
    assert (cough.label, cough.attributes) == ("Sign", {"subject": "x"})
    assert cough.assertion == Assertion(negated=False)


@pytest.mark.parametrize("word", ["N", "n", "No", "0", "0.0", "false", "FALSE", "f"])
def test_a_term_that_does_not_exist_is_negated(told, word):
    (fever,) = told(f"3,fever,{word},,")
    assert fever.assertion == Assertion(negated=True)


@pytest.mark.parametrize("word", ["Y", "y", "Yes", "1", "1.0", "true", "TRUE", "t"])
def test_a_term_that_exists_is_not_negated(told, word):
    (fever,) = told(f"3,fever,{word},,")
    assert fever.assertion == Assertion(negated=False)


@pytest.mark.parametrize("word", ["", "?", "maybe", "2"])
def test_other_words_of_existence_say_nothing(told, word):
    (fever,) = told(f"3,fever,{word},,")
    assert fever.assertion == Assertion()


@pytest.mark.parametrize(
    ("temporal", "modifiers", "exists", "axes"),
    [
        ("past", "", "", {"historical": True}),
        ("Past", "", "Y", {"historical": True, "negated": False}),
        ("present", "", "", {"historical": False}),
        ("future", "", "", {"hypothetical": True}),
        ("tomorrow", "", "", {}),
        ("past", "historical=false", "", {"historical": False}),
        ("", "negation=true", "", {"negated": True}),
        # a term that does not count as the patient's for another reason is not denied
        ("", "Subject=Mother", "N", {"experiencer": True}),
        ("", "Negation=false;Subject=family_member", "N", {"experiencer": True, "negated": False}),
        ("", "subject=patient;conditional=false", "N",
         {"experiencer": False, "hypothetical": False, "negated": True}),
        ("", "conditional=true", "N", {"hypothetical": True}),
        ("", "rule_out=true", "N", {"uncertain": True}),
        ("", '"history=true, negated"', "", {"historical": True, "negated": True}),
    ],
)  # fmt: skip
def test_words_about_a_term_are_axes(told, temporal, modifiers, exists, axes):
    (fever,) = told(f"3,fever,{exists},{temporal},{modifiers}")
    assert (fever.assertion, fever.attributes) == (Assertion(**axes), {})


def test_other_words_about_a_term_are_attributes(told):
    (fever,) = told('3,fever,,,"subject=cat, certainty=low; note=a;b, label=Sign"')
    assert fever.attributes == {"subject": "cat", "certainty": "low", "note": "a;b"}
    assert (fever.assertion, fever.label) == (Assertion(), "Sign")


@pytest.mark.parametrize("offset", ["3", "3.0", " 3 ", "3-8", "3:8", '"3"'])
def test_offsets_as_systems_write_them(told, offset):
    (fever,) = told(f"{offset},fever,,,")
    assert fever.span == Span(3, 8)


@pytest.mark.parametrize("offset", ["3.5", "-3", "three", "3-x", "9" * 30, "3-7"])
def test_other_offsets_are_refused(told, offset):
    with pytest.raises(DataError, match=r"NOTE_NLP\.csv:2: "):
        told(f"{offset},fever,,,")


def test_a_column_that_is_quoted_for_a_database_is_read(told):
    (fever,) = told("3,fever,,,", head=HEAD.replace("offset", '"""offset"""').upper())
    assert fever.span == Span(3, 8)


@pytest.mark.parametrize(("offset", "variant"), [(3, "FEVER"), (3, "Fever"), (10, "mother had")])
def test_a_variant_may_be_in_another_case(told, offset, variant):
    (found,) = told(f"{offset},{variant},,,")
    assert found.span == Span(offset, offset + len(variant))


def test_a_variant_in_another_case_is_repaired_too_and_another_word_is_refused(told):
    (fever,) = told("5,FEVER,,,", text="💊💊 fever", repair=True)
    assert fever.span == Span(3, 8)
    with pytest.raises(OffsetError, match="must be the text at 3-8"):
        told("3,COUGH,,,")
    (street,) = told("0,STRASSE İ,,,", text="strasse İ")  # whose small letter is two characters
    assert street.span == Span(0, 9)


def test_rows_that_no_note_takes_are_counted(tmp_path):
    (tmp_path / "NOTE.csv").write_text(f"note_id,note_text\n5.0,{TEXT}\n6,\n")
    rows = "1,5,3,fever,,,\n2,7,3,fever,,,\n3,,3,fever,,,\n4,5,,fever,,,\n5,7.0,1,x,,,\n"
    (tmp_path / "NOTE_NLP.csv").write_text(HEAD + rows)
    notes = read_notes(tmp_path, format="omop")
    for _ in range(2):  # each pass counts anew
        read = list(notes)
        assert [(note.id, len(note.entities)) for note in read] == [("5", 1), ("6", 0)]
        assert notes.n_excluded == {
            "NOTE_NLP row of a note that is not in NOTE": 2,
            "NOTE_NLP row without note_id": 1,
            "NOTE_NLP row without offset": 1,
        }
        n_mentions = sum(len(note.entities) for note in read)
        assert n_mentions + notes.n_excluded.total() == 5


@pytest.mark.parametrize(
    ("row", "known"),
    [
        ("2024-01-02,2024-01-02 10:30:00,32831", datetime(2024, 1, 2, 10, 30)),
        ("2024-01-02,,32831", datetime(2024, 1, 2, 23, 59, 59)),  # somewhen on its day
        ("2024-01-02,2024-01-02 00:00:00,44814637", datetime(2024, 1, 2, 23, 59, 59)),
        ("2024-01-02,2024-01-02 10:30:00,0", None),  # nobody says where it comes from
        (",,32831", None),
    ],
)
def test_when_a_note_could_be_read(tmp_path, row, known):
    head = "note_id,note_text,note_date,note_datetime,note_type_concept_id"
    (tmp_path / "NOTE.csv").write_text(f"{head}\n5,{TEXT},{row}\n")
    (note,) = read_notes(tmp_path, format="omop")
    assert note.known == known


@pytest.mark.parametrize("known", [None, datetime(2024, 1, 2, 8)])
def test_what_is_read_can_be_written_again(tmp_path, known):
    attributes = {"subject": "cat", "note": "a;b"}
    said = Assertion(negated=True, historical=True, experiencer=True)
    fever = Entity(id="T1", span=Span(3, 8), label="Sign", assertion=said, attributes=attributes)
    note = Note(id="5", text=TEXT, time=datetime(2024, 1, 2, 8), known=known, entities=(fever,))
    write_notes([note], tmp_path / "out", format="omop")
    head, row = (tmp_path / "out" / "NOTE_NLP.csv").read_text().splitlines()
    cells = dict(zip(head.split(","), row.split(","), strict=False))
    assert (cells["offset"], cells["term_exists"], cells["term_temporal"]) == ("3", "N", "past")
    assert list(read_notes(tmp_path / "out", format="omop")) == [note]


def test_what_would_be_read_as_something_else_goes_into_the_sidecar(tmp_path):
    fever = Entity(id="T1", span=Span(3, 8), label="Sign", attributes={"subject": "patient"})
    late = datetime(2024, 1, 5)
    note = Note(id="5", text=TEXT, patient="1", time=datetime(2024, 1, 2, 8), known=late)
    for one, message in ((note.with_(entities=(fever,)), "mentions of one"), (note, "known when")):
        with pytest.raises(DataError, match=message):
            write_notes([one.with_(known=None) if one.entities else one], tmp_path / "a",
                        format="omop")  # fmt: skip
        write_notes([one], tmp_path / "b", format="omop", on_loss="sidecar")
        assert list(read_notes(tmp_path / "b", format="omop")) == [one]
        assert ",1," in (tmp_path / "b" / "NOTE.csv").read_text()  # what fits stands in the table
        for path in ((tmp_path / "b" / "NOTE.csv"), (tmp_path / "b" / "NOTE_NLP.csv")):
            path.unlink()
        (tmp_path / "b").rmdir()

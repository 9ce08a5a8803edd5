"""OMOP tables by hand: notes with mentions."""

from datetime import datetime

from clinnlp.core.notes import Assertion
from clinnlp.io.notes.corpora import read_notes


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

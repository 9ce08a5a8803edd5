"""The pipeline of a word list, of a model, and of neither."""

import numpy as np
import pytest

from clinnlp.core.errors import ArgumentError, DataError, StoreError
from clinnlp.core.notes import Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.features.baskets import baskets
from clinnlp.features.entities import entity_table
from clinnlp.study.pipeline import pipeline
from tests.unit.io.tables.terminologies import releases

WORDS = Vocabulary(
    [
        Concept(code="d1", name="lisinopril", label="Drug"),
        Concept(code="p1", name="chest pain", synonyms=("angina",), label="Problem"),
    ]
)
TEXT = "Denies chest pain. Started lisinopril 10 mg daily."


def test_a_word_list_is_enough():
    note = pipeline(vocabulary=WORDS)(TEXT)
    assert [(note[e.span], e.label, e.concepts, e.assertion.negated) for e in note.entities] == [
        ("chest pain", "Problem", ("p1",), True),
        ("lisinopril", "Drug", ("d1",), False),
    ]
    assert note.sentences is not None
    assert note.sections is not None


def test_the_word_list_adds_only_what_the_model_left_out():
    def model(note):
        made = Entity(id="B1", span=Span(7, 17), label="Disease", source="tagger")
        return note.without_source("tagger").with_(entities=(made,))

    note = pipeline(model, vocabulary=WORDS)(TEXT)
    assert sorted((e.label, note[e.span]) for e in note.entities) == [
        ("Disease", "chest pain"),
        ("Drug", "lisinopril"),
    ]


def test_a_stopped_drug_enters_no_basket():
    words = Vocabulary(
        [Concept(code=name, name=name, label="Drug") for name in ("lisinopril", "losartan")]
    )
    texts = (
        "Discontinued lisinopril.", "Hold lisinopril.", "Stopped lisinopril and started losartan.",
        "Hold lisinopril for SBP < 90.",
    )  # fmt: skip
    nlp = pipeline(vocabulary=words)
    table = entity_table(nlp(Note(id=str(k), text=text)) for k, text in enumerate(texts))
    made = baskets(table, unit="note")
    held = [set(np.array(made.items)[row > 0]) for row in made.matrix.toarray()]
    assert held == [set(), set(), {"losartan"}, {"lisinopril"}]
    assert (made.n_excluded["stopped"], made.n_excluded["held"]) == (2, 1)
    assert baskets(table, unit="note", changes=()).matrix.sum() == 5


def test_assertion_can_be_left_out():
    note = pipeline(vocabulary=WORDS, assertion=False)(TEXT)
    assert {e.assertion.negated for e in note.entities} == {None}


def test_missing_is_refused(tmp_path):
    with pytest.raises(StoreError, match="none"):
        pipeline(tmp_path / "none")
    with pytest.raises(DataError, match="no such file"):
        pipeline(vocabulary=tmp_path / "none.csv")


def test_another_language_brings_its_own_tables():
    words = Vocabulary([Concept(code="p1", name="fiebre", label="Problem")])
    note = pipeline(vocabulary=words, language="es")("ANTECEDENTES: niega fiebre.")
    assert [(e.assertion.negated, e.assertion.historical) for e in note.entities] == [(True, True)]
    with pytest.raises(ArgumentError, match="language must be one of en, es"):
        pipeline(vocabulary=words, language="xx")


def test_no_pipe_mixes_languages():
    words = Vocabulary(
        [
            Concept(code="d1", name="metformina", label="Drug"),
            Concept(code="p1", name="infección urinaria", label="Problem"),
            Concept(code="p2", name="Resto", label="Problem"),
        ]
    )
    note = pipeline(vocabulary=words, language="es")(
        "Niega INFECCIONES urinarias. El resto normal. metformina 850 mg cada 12 horas. "
        "infeccion urinaria con fiebre."
    )
    assert [(note[e.span], e.assertion.negated) for e in note.entities] == [
        ("INFECCIONES urinarias", True),
        ("metformina", False),
        ("infeccion urinaria", False),
    ]
    assert note.entities[1].attributes["daily_mg"] == 1700
    english = pipeline(vocabulary=words)(note.text)
    assert {e.concepts for e in english.entities} == {("d1",), ("p2",)}


def test_a_release_of_a_terminology_is_a_vocabulary(tmp_path):
    rxnorm = releases.write_rxnorm(tmp_path / "rxnorm")
    note = pipeline(vocabulary=rxnorm)("She takes Zocor and Vytorin.")
    found = [(note[e.span], e.concepts, e.attributes["name"]) for e in note.entities]
    assert found == [("Zocor", ("100",), "simvastatin"), ("Vytorin", ("104",), "Vytorin")]
    snomed = releases.write_snomed(tmp_path / "snomed")
    note = pipeline(vocabulary=snomed, language="es")("Paciente con anemia ferrosa.")
    assert [(note[e.span], e.concepts) for e in note.entities] == [("anemia ferrosa", ("2",))]


def test_candidates_stand_beside_a_mention_that_is_not_linked(tmp_path):
    def tagged(note):
        at = note.text.index("iron deficient")
        entity = Entity(id="T1", span=Span(at, at + 21), label="Problem")
        return note.with_(entities=(entity,))

    nlp = pipeline(tagged, vocabulary=releases.write_snomed(tmp_path / "a"), candidates=1)
    entity = nlp("Known iron deficient anemia.").entities[0]
    assert entity.concepts == ()
    assert entity.attributes["candidates"].startswith("3 ")

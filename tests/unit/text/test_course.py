"""Course: ended where the text says so, chronic by text or table, else unknown."""

import pickle

import pytest

from clinnlp.core.notes import AXES, Assertion, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.core.tables import COURSES
from clinnlp.text.assertion import Assertions
from clinnlp.text.course import Courses
from clinnlp.text.plain import plain_text
from clinnlp.text.sections import Sections

COURSE = {language: Courses(language=language) for language in ("en", "es")}
CASES = [  # mentions in brackets, with what became of each
    "PMH: [hypertension|chronic], [COPD|chronic], [DM2|chronic], [pneumonia|unknown].",
    "History of childhood [asthma|ended].",
    "She had [asthma|ended] as a child.",
    "[Asthma|chronic] since childhood.",
    "[Gestational diabetes|ended], resolved.",
    "Gestational [diabetes|unknown] in 2010, [hypertension|chronic].",
    "[Diabetes|unknown] during pregnancy.",
    "He outgrew his [asthma|ended].",
    "[Asthma|ended], which he has since outgrown.",
    "[Acute leukemia|ended] in remission; [gout|chronic].",
    "Major [depression|chronic] in partial remission.",
    "s/p [MI|ended], [CAD|chronic] s/p CABG.",
    "Status post [pneumonia|ended].",
    "[Diarrhea|ended] resolved. [Hypertension|chronic].",
    "[Diarrhea|ended] (resolved), [asthma|chronic].",
    "[HTN|chronic], resolved [pneumonia|ended]",
    "[Asthma|chronic] has not resolved.",
    "[Hepatitis C|ended], cured with treatment.",
    "[Sleep apnea|ended] with reversal after weight loss",
    "No longer has [hypertension|ended].",
    "Recovered from [influenza|ended] in May.",
    "Chronic low [back pain|chronic] and [nausea|unknown].",
    "Chronic steroid use, [back pain|unknown].",
    "Chronic anticoagulation for [DVT|unknown].",
    "Longstanding [constipation|chronic]; [sinusitis|unknown].",
    "[Chronic sinusitis|chronic], [childhood epilepsy|ended], [resolved cough|ended]",
    "Acute on chronic [renal failure|chronic], acute [asthma|unknown].",
    "Acute exacerbation of [COPD|chronic].",
    "[heart\nfailure|chronic], s/p  [stroke|ended]",
    "Distant history of [migraine|ended].",
    "Once [asthma|chronic]. Resolved issues: none",
    "MDD, recurrent. Major [depression|ended], recurrent, in full remission.",
    "Gestational [diabetes|ended] (2015, resolved), [hypertension|chronic].",
    "[Asthma|ended] when he was younger; [eczema|ended]: resolved 2015",
    "Active problems: [asthma|chronic]\nResolved problems:\n1. [HTN|ended]\n2. [AKI|ended]",
    "Chronic: [back pain|chronic], [HTN|chronic]. Resolved: [asthma|ended], [pneumonia|ended]",
    "Childhood Illnesses: (+) [asthma|ended], (+) [measles|ended].",
    "S/p MI: [hypertension|chronic]. Chronic pain: [neuralgia|unknown].",
]
SPANISH = [
    "Antecedentes: asma [asma|ended] infantil, [HTA|chronic], [neumonía|ended] resuelta.",
    "[Insuficiencia renal|chronic] crónica, [diabetes|unknown] gestacional.",
    "[Asma|chronic] desde la infancia; [hepatitis C|chronic]; [leucemia|ended] en remisión.",
    "[insuficiencia cardiaca|unknown] aguda, [bronquitis cronica|chronic]",
]


def marked(case, *, label="Problem"):
    """Return the note of a case, and what is wanted of its mentions."""
    text, entities, wanted = "", [], []
    for k, part in enumerate(case.replace("]", "[").split("[")):
        mention, _, course = part.partition("|")
        if k % 2:
            span = Span(len(text), len(text) + len(mention))
            entities.append(Entity(id=f"T{k}", span=span, label=label))
            wanted.append(course)
        text += mention
    return Note(id="n", text=text, entities=tuple(entities)), wanted


def said(note):
    return [entity.attributes.get("course") for entity in note.entities]


@pytest.mark.parametrize("case", CASES)
def test_what_became_of_a_condition(case):
    note, wanted = marked(case)
    assert said(COURSE["en"](Sections()(note))) == wanted


@pytest.mark.parametrize("case", SPANISH)
def test_what_became_of_it_in_spanish(case):
    note, wanted = marked(case)
    assert said(COURSE["es"](note)) == wanted


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("change", [str.lower, str.upper], ids=["lower", "upper"])
def test_case_makes_no_difference(case, change):
    note, wanted = marked(case)
    note = Note(id="n", text=change(note.text), entities=note.entities)
    assert said(COURSE["en"](Sections()(note))) == wanted


def test_typography_makes_no_difference():
    note, wanted = marked("[Crohn\u2019s disease|chronic], s/p\xa0[stroke|ended], child\xadhood "
                          "[asthma|ended]")  # fmt: skip
    assert plain_text(note.text) is not None
    assert said(COURSE["en"](note)) == wanted


def test_a_concept_tells_more_than_the_words():
    note, _ = marked("[sugar|], [pressure|], [it|].")
    codes, name = (("E11.9",), ("I21.9",), ("x1",)), {"name": "Chronic kidney disease"}
    entities = [
        Entity(id=e.id, span=e.span, label=e.label, concepts=code, attributes=more)
        for e, code, more in zip(note.entities, codes, ({}, {}, name), strict=True)
    ]
    note = COURSE["en"](note.with_(entities=tuple(entities)))
    assert said(note) == ["chronic", "unknown", "chronic"]
    assert note.entities[2].attributes["name"] == name["name"]


def test_drugs_have_no_course():
    for label in ("Drug", "Chemical", "Medication"):
        note, _ = marked("PMH: [chronic aspirin|]", label=label)
        assert COURSE["en"](note) is note


def test_the_axes_stay_as_they_are():
    note, _ = marked("PAST MEDICAL HISTORY: [Hypertension|]. Denies [asthma|].")
    before = Assertions()(Sections()(note))
    after = COURSE["en"](before)
    assert [e.assertion for e in after.entities] == [e.assertion for e in before.entities]
    assert after.entities[0].assertion.historical


def test_it_is_set_anew_and_other_attributes_stay():
    note, _ = marked("[Hypertension|].")
    old = Entity(id="T1", span=note.entities[0].span, label="Problem",
                 assertion=Assertion(**dict.fromkeys(AXES, False)),
                 attributes={"course": "ended", "severity": "mild"})  # fmt: skip
    (made,) = COURSE["en"](note.with_(entities=(old,))).entities
    assert made.attributes == {"course": "chronic", "severity": "mild"}
    assert made.assertion == old.assertion


def test_a_list_of_ones_own_takes_the_place_of_the_shipped_one(tmp_path):
    own = tmp_path / "own.tsv"
    own.write_text("name\tcode\nrosacea | Long COVID\tU09.9\n", encoding="utf-8")
    note, _ = marked("[post COVID state|], [long covid|], [hypertension|], chronic [cough|]")
    assert said(Courses(own)(note)) == ["unknown", "chronic", "unknown", "chronic"]


def test_a_pipe_travels_to_another_process_as_what_it_is_made_of():
    note, wanted = marked(CASES[0])
    assert said(pickle.loads(pickle.dumps(COURSE["en"]))(note)) == wanted


def test_a_mention_outside_all_sentences_is_judged_by_itself():
    note, _ = marked("resolved [hypertension|] resolved")
    note = note.with_(sentences=(Span(0, 3),))
    assert said(COURSE["en"](note)) == ["chronic"]
    assert set(said(COURSE["en"](marked("[x|]")[0]))) <= set(COURSES)

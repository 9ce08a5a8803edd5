"""Large lists: names that mostly mean something else count beside a dose only; salts are one."""

import pickle

import pytest

from clinnlp.core.notes import Note
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.large_lists import N_LARGE
from clinnlp.text.lookup import Lookup
from clinnlp.text.sections import Sections

NAMES = [
    *("L", "K", "LA", "ABC", "HCTZ", "monitor", "Potassium", "Iron", "Creatinine", "Vitamin D"),
    *("Oxygen", "Sulfate", "Morphine", "Penicillin G", "Sodium bicarbonate", "Alcohol", "Glucose"),
]


def concepts(names, label="Drug", **more):
    return [Concept(code=name, name=name, label=label, **more) for name in names]


def large(names=NAMES, label="Drug", **more):
    """Return names among so many that the list is a large one."""
    return Vocabulary(
        [*concepts(names, label, **more), *concepts(f"xylofol {i}" for i in range(N_LARGE))]
    )


def found(text, words=None, **options):
    note = Lookup(words or large(), **options)(Sections()(Note(id="n", text=text)))
    return [note[entity.span] for entity in note.entities]


LARGE = Lookup(large())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # letters
        ("L knee pain, 6 L of saline, L 5 disc", []),
        ("K 4.1, K-Dur, 10 K 20", []),
        ("K 20 mEq p.o. daily", ["K"]),
        ("Detrol LA 4 mg", []),
        # words
        ("We will monitor. Monitor daily. 10 cc of monitor", []),
        ("monitor 5 mg", ["monitor"]),
        # abbreviations, but for those that the table of drug names knows
        ("ABC Medical Center, ABC daily", []),
        ("ABC 300 mg b.i.d.; HCTZ", ["ABC", "HCTZ"]),
        # what is measured
        ("potassium 4.1, iron 13%, glucose 75 mg%, potassium 4.1 mEq/L", []),
        ("creatinine 0.6 mg, iron deficiency, iron studies, based on iron studies", []),
        ("oxygen saturation 98% on room air, low vitamin D level", []),
        ("potassium 20 mEq daily and vitamin D 400 units", ["potassium", "vitamin D"]),
        ("oral iron; iron supplements; she is on iron.", ["iron"] * 3),
        ("2 liters of oxygen via nasal cannula, supplemental oxygen", ["oxygen"] * 2),
        ("MEDICATIONS: Aspirin, potassium, iron.", ["potassium", "iron"]),
        ("LABS: Iron, potassium.", []),
        # all others
        ("morphine and penicillin g", ["morphine", "penicillin g"]),
    ],
)
def test_doubtful_names_count_beside_a_dose(text, expected):
    note = LARGE(Sections()(Note(id="n", text=text)))
    assert [note[entity.span] for entity in note.entities] == expected


def test_a_small_list_keeps_what_its_writer_wrote():
    words = Vocabulary(concepts(NAMES))
    text = "L knee, iron, ABC, potassium 4.1, creatinine"
    assert found(text, words) == ["L", "iron", "ABC", "potassium", "creatinine"]


def test_a_list_of_the_limit_is_small_and_one_name_more_makes_it_large():
    names = [f"xylofol {i}" for i in range(N_LARGE - 1)]
    assert found("L", Vocabulary(concepts(["L", *names]))) == ["L"]
    assert found("L", Vocabulary(concepts(["L", "one more", *names]))) == []


def test_names_that_the_user_keeps_count_anywhere():
    text = "L knee, iron studies, creatinine"
    assert found(text) == []
    assert found(text, keep_names=["IRON", "l"]) == ["L", "iron"]
    assert found(text, keep_names="all") == ["L", "iron", "creatinine"]
    assert found(text, large(["L", "Iron"], always=True)) == ["L", "iron"]


def test_only_drugs_have_laboratory_names_and_abbreviations():
    text = "Iron, ABC, monitor, L, sulfate"
    assert found(text, large(label="Measurement")) == ["Iron", "ABC", "sulfate"]


@pytest.mark.parametrize(
    ("text", "mentions", "salt"),
    [
        ("morphine sulfate 15 mg", ["morphine sulfate"], "sulfate"),
        ("Morphine  Sulfate.", ["Morphine  Sulfate"], "sulfate"),
        ("penicillin G potassium 5 million units", ["penicillin G potassium"], "potassium"),
        ("morphine, sulfate", ["morphine"], None),
        ("morphine sulfates", ["morphine"], None),
        ("morphine sodium bicarbonate", ["morphine", "sodium bicarbonate"], None),
        ("ferrous sulfate 325 mg", [], None),
    ],
)
def test_a_salt_is_found_once_with_its_drug(text, mentions, salt):
    note = LARGE(Note(id="n", text=text))
    assert [note[entity.span] for entity in note.entities] == mentions
    assert [entity.attributes.get("salt") for entity in note.entities[:1]] == (
        [salt] if mentions else []
    )


def test_what_is_held_back_is_counted_by_reason():
    note = LARGE(Note(id="n", text="L knee. Monitor iron, iron 325 mg, ABC, ferrous sulfate"))
    counts = {"short": 1, "word": 1, "laboratory": 1, "abbreviation": 1, "salt": 1}
    assert LARGE.held_back(note) == counts
    curly = LARGE(Note(id="n", text="“L” knee\u00a0and iron"))
    assert LARGE.held_back(curly) == {"short": 1, "laboratory": 1}
    small = Lookup(Vocabulary(concepts(NAMES)))
    assert small.held_back(note) == {}


def test_misspelled_words_are_not_taken_for_doubtful_names():
    assert found("potasium, morhpine", fuzzy=0.85) == ["morhpine"]


def test_pickled_it_answers_the_same():
    note = Note(id="n", text="iron studies, iron 325 mg, morphine sulfate")
    assert pickle.loads(pickle.dumps(LARGE))(note) == LARGE(note)


def test_spanish_tables_hold_back_too():
    lookup = Lookup(large(["L", "Potasio", "Morfina"]), language="es")
    note = lookup(Note(id="n", text="Rodilla L, potasio 4,1, toma potasio, morfina 10 mg"))
    assert [note[entity.span] for entity in note.entities] == ["potasio", "morfina"]

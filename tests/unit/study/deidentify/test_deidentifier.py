"""One collection: all of it is looked at first; within a patient no two names become one."""

from itertools import permutations

import pytest

from clinnlp.core.errors import ArgumentError
from clinnlp.core.notes import Note
from clinnlp.study.deidentify.deidentifier import Deidentifier, seal_of
from clinnlp.study.deidentify.keys import Key
from clinnlp.study.settings import DeidentifySettings
from clinnlp.text.identifiers import Identifiers
from tests.unit.study.deidentify.conftest import finder

KEY = Key(b"k")


def test_nothing_is_gathered_after_the_first_was_replaced(notes):
    by = Deidentifier(KEY, finder).gather(notes[:1])
    by(notes[0])
    with pytest.raises(ArgumentError, match="must be gathered before the first is replaced"):
        by.gather(notes[1:])


WOMEN = [
    "Mary",
    "Patricia",
    "Linda",
    "Barbara",
    "Elizabeth",
    "Jennifer",
    "Maria",
    "Susan",
    "Margaret",
    "Dorothy",
    "Lisa",
]


def told(scope="patient"):
    texts = [f"His sister {name} Smith was seen by Dr. {name} Jones." for name in WOMEN]
    notes = [Note(id=f"n{k}", patient="p", text=text) for k, text in enumerate(texts)]
    by = Deidentifier(KEY, Identifiers(), DeidentifySettings(scope=scope))
    return by.gather(notes), notes


@pytest.mark.parametrize("scope", ["patient", "collection"])
def test_people_who_are_told_apart_stay_so(scope):
    by, notes = told(scope)
    made = [by(note).text.split() for note in notes]
    assert len({words[2] for words in made}) == len(WOMEN)
    assert len({words[3] for words in made}) == 1


def test_surrogates_do_not_hang_on_the_order_of_notes():
    _, notes = told()
    for some in list(permutations(range(len(notes)), 2))[:4]:
        order = [*some, *(k for k in reversed(range(len(notes))) if k not in some)]
        by = Deidentifier(KEY, Identifiers()).gather(notes[k] for k in order)
        other, _ = told()
        assert [by(note) for note in notes] == [other(note) for note in notes]


def test_what_the_record_says_gets_names_apart_too():
    by = Deidentifier(KEY, finder)
    by.gather_known("p", ["Mary Smith", "0417"])
    assert by.originals.told == {"p": "mary smith"}
    assert "0417" in by.originals.ids
    assert seal_of(KEY, Note(id="n", text="x")) != seal_of(KEY, Note(id="n", text="y"))

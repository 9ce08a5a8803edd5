"""Laws over prescriptions of real notes: what is typed otherwise has the same values."""

import re
from collections.abc import Callable

import pytest

from clinnlp.core.notes import Note
from clinnlp.core.spans import Span
from clinnlp.text.medication import Medications
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.bench.medications import NUMBERS, WRITTEN, lines, values, written_cases

NOTHING = re.compile("(?!)")
LETTERS = re.compile(r"[^\W\d_µμ]+")
MG = re.compile(r"(?<=\d)[ -]?(mg|milligrams?)(?![\w/])", re.IGNORECASE)
PIPES = {language: Medications(language=language) for language in ("en", "es")}
SPLIT = (Sections(), Sentences())


@pytest.fixture(scope="module")
def notes(data_dir):
    data_dir("mtsamples")
    real = [(note, "en") for part in ("tuned", "held") for note, _ in lines(part)]
    written = [(n, language) for part, language in WRITTEN.items() for n, _ in written_cases(part)]
    return [*real, *written][::2]


def _written(note: Note, pattern: re.Pattern[str], new: Callable[[re.Match[str]], str]) -> Note:
    """Return a note without what was found in it, some of its words written otherwise."""
    pieces, moved, at = [], [0] * (len(note.text) + 1), 0
    n_added = 0
    for match in pattern.finditer(note.text):
        moved[at : match.end()] = [n_added] * (match.end() - at)
        pieces += [note.text[at : match.start()], new(match)]
        n_added += len(pieces[-1]) - (match.end() - match.start())
        at = match.end()
    moved[at:] = [n_added] * (len(moved) - at)
    drugs = tuple(
        type(e)(
            id=e.id,
            label=e.label,
            span=Span(e.span.start + moved[e.span.start], e.span.end + moved[e.span.end - 1]),
        )
        for e in note.entities
    )
    return Note(id="n", text="".join([*pieces, note.text[at:]]), entities=drugs)


def _read(note: Note, language: str) -> list[tuple[dict, dict, tuple]]:
    """Return the numbers of each drug, its words with blanks and units as one, and its axes."""
    for pipe in (*SPLIT, PIPES[language]):
        note = pipe(note)
    out = []
    for entity in note.entities:
        found = values(entity.attributes)
        numbers = {name: found.pop(name) for name in NUMBERS if name in found}
        words = {
            name: MG.sub("mg", " ".join(said.split())).replace("’", "'").casefold()
            if isinstance(said, str)
            else said
            for name, said in found.items()
        }
        out.append((numbers, words, entity.assertion.axes))
    return out


@pytest.mark.parametrize(
    ("pattern", "new"),
    [
        (MG, lambda match: "mg"),
        (MG, lambda match: "\xa0mg"),
        (MG, lambda match: " MG"),
        (re.compile(" "), lambda match: "\xa0"),
        (re.compile(r"(?<=\S) (?=\S)"), lambda match: "\u2009"),
        (re.compile("'"), lambda match: "’"),
    ],
    ids=["40mg", "no-break unit", "capital unit", "no-break blanks", "thin blanks", "apostrophes"],
)
def test_another_look_changes_no_value(notes, pattern, new):
    changed, n_drugs = _changed(notes, pattern, new)
    assert changed == []
    assert n_drugs > 300


@pytest.mark.parametrize("case", [str.lower, str.upper], ids=["lower", "upper"])
def test_the_case_of_letters_changes_one_drug_in_a_hundred_at_most(notes, case):
    changed, n_drugs = _changed(notes, LETTERS, lambda match: case(match[0]))
    assert len(changed) <= 0.01 * n_drugs


def test_the_word_for_milligrams_changes_no_value(notes):
    english = [(note, language) for note, language in notes if language == "en"]
    changed, n_drugs = _changed(english, MG, lambda match: " milligrams")
    assert changed == []
    assert n_drugs > 300


def _changed(notes, pattern, new) -> tuple[list[tuple[str, str]], int]:
    """Return which drugs are read otherwise where words are, and how many drugs there are."""
    changed, n_drugs = [], 0
    for note, language in notes:
        plain, other = (_written(note, found, new) for found in (NOTHING, pattern))
        told = zip(plain.entities, _read(plain, language), _read(other, language), strict=True)
        changed += [(note.id, entity.id) for entity, one, two in told if one != two]
        n_drugs += len(plain.entities)
    return changed, n_drugs

"""Laws over real notes: what is typed otherwise says the same."""

import csv
import lzma
import re
import unicodedata
from collections.abc import Callable

import pytest

from clinnlp.core.notes import AXES, Entity, Note
from clinnlp.core.spans import Span
from clinnlp.text.assertion import Assertions
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from tests.assertion_kits import nubes_lines

COMMON = (
    "abdominal pain|anemia|asthma|back pain|bleeding|cancer|chest pain|chills|COPD|cough|cyanosis|"
    "dementia|depression|diabetes|diarrhea|dizziness|dyspnea|edema|erythema|fatigue|fever|fracture|"
    "headache|heart disease|hernia|hypertension|infection|jaundice|myocardial infarction|nausea|"
    "numbness|palpitations|pneumonia|rash|seizures?|shortness of breath|stroke|swelling|syncope|"
    "tenderness|vomiting|weakness|weight loss|wheezing"
)
NAMES = re.compile(rf"(?<![\w-])(?:{COMMON})(?![\w-])", re.IGNORECASE)
PIPES = (Sections(), Sentences(), Assertions())


@pytest.fixture(scope="module")
def texts(data_dir):
    path = data_dir("mtsamples") / "mtsamples.csv.xz"
    with lzma.open(path, "rt", encoding="utf-8", newline="") as handle:
        found = dict.fromkeys(row["transcription"] for row in csv.DictReader(handle))
    return [text for text in found if text.strip()][::4]


def _axes(text: str, spans: list[Span]) -> list[tuple[bool | None, ...]]:
    mentions = tuple(Entity(id=f"T{i}", span=span, label="X") for i, span in enumerate(spans))
    note = Note(id="n", text=text, entities=mentions)
    for pipe in PIPES:
        note = pipe(note)
    return [entity.assertion.axes for entity in note.entities]


def _changed(texts: list[str], look: Callable[[str], str]) -> tuple[int, int]:
    """Return how many mentions there are, and how many of their axes another look changes."""
    n_mentions = n_changed = 0
    for text in texts:
        spans = [Span(*match.span()) for match in NAMES.finditer(text)]
        other = look(text)
        assert len(other) == len(text)
        pairs = list(zip(_axes(text, spans), _axes(other, spans), strict=True))
        n_mentions += len(pairs)
        n_changed += sum(a != b for axes in pairs for a, b in zip(*axes, strict=True))
    return n_mentions, n_changed


def _each(change: Callable[[str], str]) -> Callable[[str], str]:
    return lambda text: "".join(c if len(change(c)) != 1 else change(c) for c in text)


@pytest.mark.parametrize("look", [_each(str.lower), _each(str.upper)], ids=["lower", "upper"])
def test_the_case_of_letters_changes_one_axis_in_a_hundred_mentions_at_most(texts, look):
    n_mentions, n_changed = _changed(texts, look)
    assert n_mentions > 1500
    assert n_changed <= 0.01 * n_mentions


@pytest.mark.parametrize(
    "look",
    [lambda text: text.replace("'", "’"), lambda text: text.replace(" ", "\xa0")],
    ids=["curly apostrophes", "no-break blanks"],
)
def test_typography_changes_no_axis(texts, look):
    n_mentions, n_changed = _changed(texts, look)
    assert n_mentions > 1500
    assert n_changed == 0


def test_accents_as_characters_of_their_own_change_no_axis(data_dir):
    lines = [scoped.text for scoped in nubes_lines(data_dir("nubes"), axis="negated")][:1500]
    pipe, n_negated = Assertions(language="es"), 0
    for line in lines[::3]:
        told = []
        for form in ("NFC", "NFD"):
            written = unicodedata.normalize(form, line)
            words = re.finditer(r"\S+", written)
            mentions = tuple(
                Entity(id=f"T{i}", span=Span(*word.span()), label="X")
                for i, word in enumerate(words)
            )
            note = pipe(Note(id="n", text=written, entities=mentions))
            told.append([entity.assertion.axes for entity in note.entities])
        assert told[0] == told[1]
        n_negated += sum(bool(axes[AXES.index("negated")]) for axes in told[0])
    assert n_negated > 50

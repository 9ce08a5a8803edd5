"""Sections, sentences and assertion on 10,000 random strings and on a note of 10 MB."""

import random
import time

import pytest

from clinnlp.core.notes import Entity, Note, check_note
from clinnlp.core.pipeline import Pipeline
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.assertion import Assertions
from clinnlp.text.course import Courses
from clinnlp.text.interactions import StatedInteractions
from clinnlp.text.lookup import Lookup
from clinnlp.text.medication import Medications
from clinnlp.text.normalise import Normalise
from clinnlp.text.relations import StatedRelations
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from clinnlp.text.variants_genes import GeneVariants

PIPES = {
    language: Pipeline(
        [Sections(language=language), Sentences(language=language), Assertions(language=language)]
    )
    for language in ("en", "es")
}
PIECES = [
    "no ", "sin ", "history of ", "antecedentes de ", "PLAN:", "FAMILY HISTORY:", "\n", "\r\n", " ",
    ". ", ".,", ", ", ":", ";", "1. ", "- ", "[**", "**]", "Dr. ", "J. ", "?", "İ", "ß", "ﬁ", "🙂",
    "e\u0301", "\u200b", "\x00", "\u2028", "\u202e", "\ufeff", "\U0010ffff",
]  # fmt: skip
ORDINARY = (
    "FAMILY HISTORY: Mother had gout.\nMEDICATIONS:\n1. Aspirin 81 mg p.o. daily\n2. Lasix 40 mg"
    " b.i.d. for 7 days\nDenies pain, gout or old pain. Return if pain worsens.,PLAN:, Rest (see "
    "Dr. A. Hill). No change in pain since 1998; history of gout in [**Hospital1 18**], no pain. "
)


def _random_note(rng, number):
    pieces = []
    for _ in range(rng.randrange(24)):
        plane = rng.choice((0x80, 0x800, 0x10000, 0x110000))
        point = rng.randrange(plane)
        lone = 0xD800 <= point < 0xE000
        pieces.append(rng.choice(PIECES) if lone or rng.random() < 0.5 else chr(point))
    text = "".join(pieces)
    starts = [i for i, char in enumerate(text) if char.isalnum()][:5]
    mentions = tuple(Entity(id=f"T{i}", span=Span(i, i + 1), label="X") for i in starts)
    return Note(id=str(number), text=text, entities=mentions)


@pytest.mark.slow
@pytest.mark.parametrize("language", PIPES)
def test_ten_thousand_random_strings_pass(language):
    rng = random.Random(0)
    for number in range(10_000):
        note = _random_note(rng, number)
        done = PIPES[language](note)
        check_note(done)
        assert (done.id, done.text) == (note.id, note.text)
        assert all(None not in entity.assertion.axes for entity in done.entities)


@pytest.mark.slow
def test_a_note_of_10_mb_takes_time_in_proportion():
    seconds = []
    for size in (1_000_000, 10_000_000):
        text = ORDINARY * (size // len(ORDINARY))
        places = (i for word in ("pain", "gout") for i in _places(text, word))
        mentions = tuple(
            Entity(id=f"T{k}", span=Span(i, i + 4), label="X") for k, i in enumerate(sorted(places))
        )
        start = time.process_time()
        done = PIPES["en"](Note(id="n", text=text, entities=mentions))
        seconds.append(time.process_time() - start)
        assert len(done.sections) == 3 * (size // len(ORDINARY))
    assert seconds[1] < 3 * 10 * seconds[0]  # a quadratic step would take 100 times as long


@pytest.mark.long
def test_a_sentence_of_many_lines_takes_time_in_proportion():
    seconds = []
    for n_lines in (2_000, 20_000):
        note = Note(id="n", text="Seen by the team,\n" + "with cough and fever,\n" * n_lines)
        start = time.process_time()
        assert len(Sentences()(note).sentences) == 1
        seconds.append(time.process_time() - start)
    assert seconds[1] < 3 * 10 * seconds[0]  # to read all that came before takes 100 times as long


def _places(text, word):
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + 1)


WORDS = Vocabulary(
    [
        Concept(code="p", name="pain", label="Problem"),
        Concept(code="a", name="aspirin", label="Drug"),
    ]
)
LINE = "No pain today, pain no, [x] pain now (+). Start aspirin 81 mg daily.\n"
EACH = {
    "sections": Sections(),
    "sentences": Sentences(),
    "lookup": Lookup(WORDS),
    "assertions": Assertions(),
    "medications": Medications(),
    "normalise": Normalise(WORDS),
    "courses": Courses(),
    "relations": StatedRelations(),
    "interactions": StatedInteractions(),
    "variants": GeneVariants(),
}


@pytest.mark.long
@pytest.mark.parametrize("name", EACH)
@pytest.mark.parametrize("shape", ["lines", "one line"])
def test_each_pipe_takes_time_in_proportion_to_its_mentions(name, shape):
    seconds = {}
    for n_mentions in (1_000, 10_000, 100_000):
        text = LINE * (n_mentions // 4)
        note = Note(id="n", text=text if shape == "lines" else text.replace("\n", " "))
        for before, pipe in EACH.items():
            start = time.process_time()
            note = pipe(note)
            seconds[n_mentions] = time.process_time() - start
            if before == name:
                break
        if "lookup" in list(EACH)[: list(EACH).index(name) + 1]:
            assert len(note.entities) == n_mentions
    assert seconds[100_000] < 3 * 10 * max(seconds[10_000], 0.01)

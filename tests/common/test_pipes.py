"""What holds for every pipe of the text room, on ordinary, odd and hostile notes.

Id and text stay, offsets lie inside the text, the same note gives the same result, a second run
adds nothing, a batch equals one by one, and no error holds note text.
"""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinnlp.core.errors import ClinnlpError
from clinnlp.core.notes import Entity, Note, Section, check_note
from clinnlp.core.pipeline import BatchPipe, Pipeline
from clinnlp.core.spans import Span
from clinnlp.core.vocab import Concept, Vocabulary
from clinnlp.text.assertion import Assertions
from clinnlp.text.course import Courses
from clinnlp.text.identifiers import Identifiers, KnownPatient
from clinnlp.text.interactions import StatedInteractions
from clinnlp.text.lookup import Lookup
from clinnlp.text.medication import Medications
from clinnlp.text.normalise import Normalise
from clinnlp.text.relations import StatedRelations
from clinnlp.text.sections import Sections
from clinnlp.text.sentences import Sentences
from clinnlp.text.variants_genes import VARIANT_KINDS, GeneVariants
from tests.common.error_chains import check_free_of

CANARY = "Zebrafish-Kowalski"
WORDS = Vocabulary(
    [
        Concept(code="D1", name="aspirin", synonyms=("ASA",), label="Drug"),
        Concept(code="D2", name="Lasix", label="Drug"),
        Concept(code="P1", name="chest pain", synonyms=("pain",), label="Problem"),
        Concept(code="P2", name="gout", label="Problem"),
    ]
)
LARGE = Vocabulary(
    [
        *(Concept(code=n, name=n, label="Drug") for n in ("L", "Iron", "monitor", "aspirin", "A")),
        *(Concept(code=f"X{i}", name=f"xylofol {i}", label="Drug") for i in range(1000)),
    ]
)
PIPES = {
    "Sections": Sections(),
    "Sentences": Sentences(),
    "Lookup": Lookup(WORDS),
    "Lookup, keeping overlaps": Lookup(WORDS, overlap="keep"),
    "Lookup of a large list": Lookup(LARGE),
    "Identifiers": Identifiers(
        known=KnownPatient(names=("Adam Hill",)), labels="all", unknown=True
    ),
    "Identifiers in Spanish": Identifiers(language="es", labels="all"),
    "GeneVariants": GeneVariants(VARIANT_KINDS),
    "Assertions": Assertions(),  # of all that was found before
    "Medications": Medications(),
    "Normalise": Normalise(WORDS),
    "Normalise without vocabulary": Normalise(),
    "Courses": Courses(),
    "StatedRelations": StatedRelations(),
    "StatedInteractions": StatedInteractions(),
}
# Names and drugs are not looked for together: what overlaps would hang on which came first
PIPES["all"] = Pipeline([pipe for name, pipe in PIPES.items() if "Identifiers" not in name])

ORDINARY = (
    "FAMILY HISTORY: Mother had gout.\nMEDICATIONS:\n1. Aspirin 81 mg p.o. daily\n2. Lasix 40 mg"
    " b.i.d. for 7 days\nDenies chest pain. Return if pain worsens.,PLAN:, Rest (see Dr. A. Hill)."
    "\nGout from Lasix.\nGenetics: KRAS G12D mutation, rs334."
)
SIZE = 100_000  # characters
TEXTS = {
    "ordinary": ORDINARY,
    "empty": "",
    "blank": " \t\n\u00a0\u3000 ",
    "emoji": "🙂 no pain 👨‍👩‍👧 aspirin 10 mg 🙂.\n🙂",
    "CRLF": ORDINARY.replace("\n", "\r\n"),
    "CR": ORDINARY.replace("\n", "\r"),
    "no stop": "no pain and " * 20,
    "combining": "e\u0301 pa\u0301in İ ß ﬁ ς \x00 \x1c \ufeff",
    "100 kB ordinary": ORDINARY * (SIZE // len(ORDINARY)),
    **{
        f"many {unit!r}": unit * (SIZE // 10 // len(unit))
        for unit in (" ", "\n", "\n ", ".", ". ", ",", ":,", "a", "A ", "A:", "1. ", "no ", "pain ")
    },
    "one long sentence": "no pain but aspirin 10 mg " * (SIZE // 10 // 26),
}


def _note(text):
    entities = [
        Entity(id=f"G{i}", span=Span(start, start + len(word)), label=label, source="gold")
        for i, (word, label) in enumerate([("gout", "Problem"), ("Lasix", "Drug")])
        if (start := text.find(word)) >= 0
    ]
    return Note(id="n", text=text, entities=tuple(entities))


def _check(pipe, note):
    done = pipe(note)
    assert (done.id, done.text) == (note.id, note.text)
    check_note(done)
    assert done == pipe(note)
    assert done == pipe(done)
    for before in note.entities:  # what was read stays, whatever is added to it
        after = next(e for e in done.entities if e.id == before.id)
        assert (after.span, after.label, after.source) == (
            before.span,
            before.label,
            before.source,
        )
    return done


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
@pytest.mark.parametrize("pipe", PIPES.values(), ids=PIPES.keys())
def test_a_pipe_keeps_the_note_and_a_second_run_adds_nothing(pipe, text):
    _check(pipe, _note(text))


@pytest.mark.parametrize("pipe", PIPES.values(), ids=PIPES.keys())
def test_a_batch_equals_one_by_one(pipe):
    notes = [_note(text) for text in TEXTS.values() if len(text) < 1000]
    batch = pipe.batch(notes) if isinstance(pipe, BatchPipe) else Pipeline([pipe]).batch(notes)
    assert batch == [pipe(note) for note in notes]


@given(st.text(max_size=80))
@settings(max_examples=150, deadline=None)
def test_any_text_passes_through_all_pipes(text):
    _check(PIPES["all"], Note(id="n", text=text))


PIECES = st.sampled_from(
    [
        "no ",
        "pain",
        "gout",
        " ",
        "\n",
        "\r\n",
        ", ",
        ".,",
        ". ",
        "PLAN",
        ":",
        "1. ",
        "Aspirin",
        "Lasix",
        " 10 mg",
        "FAMILY HISTORY",
        " if ",
        " but ",
        "é",
        "🙂",
        "Dr.",
        "A.",
        "[**",
        "**]",
        "İ",
        "- ",
    ]
)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_any_mixture_of_clinical_pieces_passes_through_all_pipes(text):
    done = _check(PIPES["all"], _note(text))
    assert all(e.assertion.negated is not None for e in done.entities)


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_sentences_are_disjoint_and_leave_out_only_blanks_and_commas(text):
    note = PIPES["Sentences"](PIPES["Sections"](Note(id="n", text=text)))
    end = 0
    for sentence in note.sentences:
        assert not text[end : sentence.start].strip(" \t\r\n\v\f,")
        assert sentence.start >= end
        end = sentence.end
    assert not text[end:].strip(" \t\r\n\v\f,")


@given(st.lists(PIECES, max_size=30).map("".join))
@settings(max_examples=150, deadline=None)
def test_sections_are_disjoint_and_hold_their_headings(text):
    end = 0
    for section in PIPES["Sections"](Note(id="n", text=text)).sections:
        assert section.span.start == section.heading.start
        assert end <= section.span.start < section.heading.end <= section.span.end
        end = section.span.end


@pytest.mark.parametrize("pipe", PIPES.values(), ids=PIPES.keys())
def test_no_error_holds_note_text(pipe):
    beyond = Span(500, 510)
    note = Note(
        id="n",
        text=f"{CANARY} takes aspirin",
        entities=(Entity(id="T1", span=beyond, label="Drug"),),
        sentences=(beyond,),
        sections=(Section(span=beyond, kind="family_history", heading=beyond),),
    )
    try:
        Pipeline([pipe])(note)
    except ClinnlpError as error:
        check_free_of(CANARY, error)
    assert CANARY not in repr(pipe)

"""Small notes with relations, made here."""

from clinnlp.core.notes import Entity, Note, Relation
from clinnlp.core.spans import Span

from .conftest import note_of

DRUG, EFFECT = "Drug", "Effect"


def related(number, text, mentions, *pairs):
    """Note of one sentence whose mentions are given as (words, label); pairs name drug, effect."""
    note = note_of(number, text, *mentions)
    by_words = {
        words: entity.id for (words, _), entity in zip(mentions, note.entities, strict=True)
    }
    relations = tuple(
        Relation(
            id=f"R{k}",
            label="causes",
            roles={"drug": (by_words[drug],), "effect": (by_words[effect],)},
        )
        for k, (drug, effect) in enumerate(pairs, 1)
    )
    return note.with_(sentences=(Span(0, len(text)),), relations=relations)


ASPIRIN, PAIN, FEVER = ("aspirin", DRUG), ("pain", EFFECT), ("fever", EFFECT)
RELATED = [
    related(0, "pain from aspirin, no fever", [PAIN, ASPIRIN, FEVER], ("aspirin", "pain")),
    related(1, "aspirin for fever and pain", [ASPIRIN, FEVER, PAIN]),
    related(2, "fever from aspirin", [FEVER, ASPIRIN], ("aspirin", "fever")),
    related(3, "started aspirin: pain", [ASPIRIN, PAIN], ("aspirin", "pain")),
    related(4, "nothing to say", []),
    related(5, "no fever, no pain", [FEVER, PAIN]),
]


def concepts(number, text, mentions, *pairs):
    """Note of two lines whose mentions carry concepts; pairs of concepts are related."""
    note = note_of(number, text, *((words, label) for words, label, _ in mentions))
    entities = tuple(
        Entity(id=e.id, span=e.span, label=e.label, concepts=(concept,))
        for e, (_, _, concept) in zip(note.entities, mentions, strict=True)
    )
    relations = tuple(
        Relation(id=f"R{k}", label="CID", roles={"Arg1": (a,), "Arg2": (b,)})
        for k, (a, b) in enumerate(pairs, 1)
    )
    return Note(id=note.id, text=text, entities=entities, relations=relations)


CONCEPTS = [
    concepts(0, "aspirin and pain. It ached after it.\nno fever",
             [("aspirin", DRUG, "D1"), ("pain", EFFECT, "E1"), ("ached", EFFECT, "E1"),
              ("fever", EFFECT, "E2")], ("D1", "E1")),
    concepts(1, "fever; aspirin for fever",
             [("fever", EFFECT, "E2"), ("aspirin", DRUG, "D1")]),
    concepts(2, "pain from aspirin", [("pain", EFFECT, "E1"), ("aspirin", DRUG, "D1")],
             ("D1", "E1")),
]  # fmt: skip
